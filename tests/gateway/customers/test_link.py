"""A customer's connection: how it is bound, what it is answered, how it parts."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.settings import IdForm, Limits, StatusStyle, Timers
from gateway.statuses import GatewayError
from policy.clauses import RULES, SIGNATURE_MISSING
from smpp.status import CommandStatus
from tests.gateway.customers.customer_side import FIRST_ID
from tests.gateway.customers.linked import Linked, bound
from tests.gateway.customers.samples import PASSWORD, TEXT, bank_bind, submit
from tests.gateway.raw_pdus import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    UNBIND,
    Raw,
    raw,
)

SC_INTERFACE_VERSION = b"\x02\x10\x00\x01\x34"
ADDITIONAL_STATUS_INFO_TEXT = 0x001D
UNSIGNED = TEXT.removesuffix("【中国银行】")
SUBMIT_RESP, UNBIND_RESP = SUBMIT_SM | RESP, UNBIND | RESP


class TestABind:
    @pytest.mark.parametrize("command_id", [BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER])
    def test_is_answered_with_our_name_and_version(self, command_id: int) -> None:
        customer = Linked().customer
        customer.send(bank_bind(sequence_number=5, command_id=command_id))
        assert customer.read() == [Raw(command_id | RESP, 0, 5, b"signet\0" + SC_INTERFACE_VERSION)]

    @pytest.mark.parametrize("version", [0x00, 0x33])
    def test_of_an_older_version_is_answered_without_tlvs(self, version: int) -> None:
        customer = Linked().customer
        customer.send(bank_bind(interface_version=version))
        assert customer.read() == [Raw(BIND_TRANSCEIVER | RESP, 0, 1, b"signet\0")]

    def test_may_name_any_system_type_and_addresses(self) -> None:
        customer = Linked().customer
        body = b"bank\0secret\0VMA\0\x34\x05\x08^1069\0"
        customer.send(raw(BIND_TRANSCEIVER, body, sequence_number=5))
        assert customer.read() == [Raw(BIND_TRANSCEIVER | RESP, 0, 5, b"signet\0" + SC_INTERFACE_VERSION)]

    @pytest.mark.parametrize(
        ("fields", "account", "command_status"),
        [
            ({"system_id": b"nobody"}, {}, CommandStatus.ESME_RINVSYSID),
            ({"password": b"guess"}, {}, CommandStatus.ESME_RINVPASWD),
            ({}, {"allowed_networks": ()}, CommandStatus.ESME_RBINDFAIL),
            ({}, {"binds_max": 0}, CommandStatus.ESME_RALYBND),
        ],
    )
    def test_that_is_refused_is_told_why(
        self, fields: dict[str, Any], account: dict[str, Any], command_status: int
    ) -> None:
        customer = Linked(**account).customer
        customer.send(bank_bind(sequence_number=5, **fields))
        assert customer.read() == [Raw(BIND_TRANSCEIVER | RESP, command_status, 5, b"")]

    def test_that_is_refused_is_counted_by_its_rule(self) -> None:
        linked = Linked()
        linked.customer.send(bank_bind(password=b"guess"))
        assert linked.metrics.binds_refused == {GatewayError.PASSWORD_WRONG: 1}

    def test_may_be_tried_again_but_later_each_time_and_not_for_ever(self) -> None:
        linked = Linked()
        customer = linked.customer
        for delay_s in (0.0, 1.0, 2.0):
            assert not customer.connection.over
            customer.send(bank_bind(password=b"guess"))
            if delay_s:
                linked.pass_time(delay_s - 0.25)
                assert customer.read() == []
                linked.pass_time(0.25)
            assert [pdu.command_status for pdu in customer.read()] == [CommandStatus.ESME_RINVPASWD]
        assert customer.connection.over

    def test_must_come_in_time(self) -> None:
        linked = Linked()
        linked.pass_time(9.75)
        assert not linked.customer.connection.over
        linked.pass_time(0.25)
        assert linked.customer.connection.over

    def test_counts_until_the_connection_has_ended(self) -> None:
        linked = bound()
        assert (linked.binds.counts()["bank"], len(linked.listener)) == (1, 1)
        linked.customer.lose()
        assert (linked.binds.counts()["bank"], len(linked.listener)) == (0, 0)

    def test_whose_customer_is_dead_makes_room_for_its_next_one(self) -> None:
        linked = bound(binds_max=1, timers=Timers(enquire_link_s=7.0, response_s=2.0))
        linked.pass_time(8.75)
        other = linked.connect()
        assert other.ask(bank_bind()) == [(BIND_TRANSCEIVER | RESP, CommandStatus.ESME_RALYBND, 1)]
        linked.pass_time(0.25)
        with capture_logs() as lines:
            linked.connect().bound()
            linked.pass_time(0.0)
        assert linked.customer.connection.aborted
        assert [(line["event"], line.get("reason")) for line in lines] == [
            ("bind.accepted", None),
            ("bind.ended", "made room: its enquire_link is overdue"),
        ]
        assert linked.binds.counts() == {"bank": 1}

    def test_whose_customer_answered_late_makes_no_room(self) -> None:
        linked = bound(binds_max=1, timers=Timers(enquire_link_s=7.0, response_s=2.0))
        linked.pass_time(9.0)
        linked.customer.send(
            raw(ENQUIRE_LINK | RESP, sequence_number=linked.customer.read()[-1].sequence_number)
        )
        other = linked.connect()
        assert other.ask(bank_bind()) == [(BIND_TRANSCEIVER | RESP, CommandStatus.ESME_RALYBND, 1)]

    def test_that_ends_without_an_unbind_is_counted_as_lost(self) -> None:
        linked = bound()
        linked.customer.lose()
        assert linked.metrics.binds_lost == {("customer", "bank"): 1}

    def test_that_ends_with_an_unbind_of_either_side_is_not(self) -> None:
        linked = bound()
        linked.customer.unbind()
        other = linked.connect().bound()
        linked.listener.part()
        other.answer_unbind()
        assert (linked.customer.connection.over, other.connection.over) == (True, True)
        assert linked.metrics.binds_lost == {}

    def test_that_never_was_does_not_count_when_its_connection_ends(self) -> None:
        linked = Linked()
        linked.customer.lose()
        assert (linked.binds.counts().get("bank", 0), len(linked.listener)) == (0, 0)


class TestAnAccount:
    def test_has_enquire_links_and_timeouts_of_its_own(self) -> None:
        linked = bound(timers=Timers(enquire_link_s=7.0, response_s=2.0))
        linked.pass_time(6.75)
        assert linked.customer.read() == []
        linked.pass_time(0.25)
        assert [pdu.command_id for pdu in linked.customer.read()] == [ENQUIRE_LINK]
        linked.pass_time(2.0)
        assert [pdu.command_id for pdu in linked.customer.read()] == [ENQUIRE_LINK]
        linked.pass_time(2.25)
        assert linked.customer.connection.over

    def test_that_is_idle_is_unbound_if_it_has_an_inactivity_timer(self) -> None:
        linked = bound(timers=Timers(enquire_link_s=0.0, inactivity_s=20.0))
        linked.pass_time(19.75)
        assert linked.customer.read() == []
        linked.pass_time(0.25)
        linked.customer.answer_unbind()
        assert linked.customer.connection.over

    def test_has_only_so_many_requests_unanswered_and_is_not_read_beyond_them(self) -> None:
        linked = bound(window_max=2)
        linked.customer.send(*(submit(n) for n in range(2, 6)))
        assert len(linked.intake) == 2
        assert not linked.customer.connection.reading
        linked.admitted(None, None)
        assert len(linked.intake) == 2
        linked.admitted(None, None)
        assert [pdu.sequence_number for pdu in linked.customer.read()] == [2, 3, 4, 5]
        assert linked.customer.connection.reading


class TestASubmit:
    def test_that_is_accepted_is_answered_with_our_id(self) -> None:
        linked = bound()
        linked.customer.send(submit(17))
        assert linked.customer.read() == []
        linked.admitted(None)
        assert linked.customer.read() == [Raw(SUBMIT_RESP, 0, 17, b"%d\0" % FIRST_ID)]

    def test_is_answered_in_hexadecimal_where_the_account_wants_it(self) -> None:
        linked = bound(message_ids=IdForm.HEX)
        linked.customer.send(submit(17))
        linked.admitted(None)
        assert linked.customer.read() == [Raw(SUBMIT_RESP, 0, 17, b"%x\0" % FIRST_ID)]

    def test_is_recorded_with_the_bind_that_it_came_from(self) -> None:
        linked = bound()
        linked.customer.send(submit())
        (call,) = linked.store.waiting("admit")
        assert [message.submitted_by for message in call.asked] == ["bank@192.0.2.9:40000"]

    @pytest.mark.parametrize(
        ("style", "command_status"), [(StatusStyle.VENDOR, 0x403), (StatusStyle.STANDARD, 0x45)]
    )
    def test_that_is_refused_is_answered_with_a_header(self, style: StatusStyle, command_status: int) -> None:
        linked = bound(statuses=style)
        linked.customer.send(submit(17, UNSIGNED))
        linked.admitted()
        assert linked.customer.read() == [Raw(SUBMIT_RESP, command_status, 17, b"")]

    def test_that_the_store_refuses_is_answered_with_a_header(self) -> None:
        linked = bound(statuses=StatusStyle.STANDARD)
        linked.customer.send(submit(17))
        linked.admitted("QUOTA_EXHAUSTED")
        status = RULES["QUOTA_EXHAUSTED"].standard_status
        assert linked.customer.read() == [Raw(SUBMIT_RESP, status, 17, b"")]

    def test_is_not_taken_from_a_receiver(self) -> None:
        customer = bound({"command_id": BIND_RECEIVER}).customer
        assert customer.ask(submit(2)) == [(SUBMIT_RESP, CommandStatus.ESME_RINVBNDSTS, 2)]

    def test_that_outlives_its_connection_is_not_missed(self) -> None:
        linked = bound()
        linked.customer.send(submit())
        linked.customer.lose()
        linked.admitted(None)
        assert linked.customer.read() == []


class TestARefusalExplained:
    def test_names_its_rule_and_its_clause(self) -> None:
        linked = bound(explain=True, statuses=StatusStyle.STANDARD)
        linked.customer.send(submit(17, UNSIGNED))
        linked.admitted()
        (resp,) = linked.customer.read()
        assert (resp.command_id, resp.command_status, resp.sequence_number) == (SUBMIT_RESP, 0x45, 17)
        assert resp.body[:1] == b"\0", "an error has no message_id"
        tag, length = struct.unpack_from(">HH", resp.body, 1)
        words = resp.body[5:]
        assert (tag, length) == (ADDITIONAL_STATUS_INFO_TEXT, len(words))
        rule = RULES[SIGNATURE_MISSING]
        assert words.decode() == f"{rule.id} {rule.clause}: {rule.english}\0"

    def test_names_an_error_of_the_gateway(self) -> None:
        customer = bound(explain=True).customer
        customer.send(submit(17, esm_class=0x40, short_message=b"\x05\0\x03\x07\x02\x01part"))
        (resp,) = customer.read()
        assert (resp.command_status, resp.body[5:]) == (
            CommandStatus.ESME_RINVESMCLASS,
            b"SEGMENT_REFUSED\0",
        )

    def test_is_not_for_those_who_did_not_ask(self) -> None:
        linked = bound(explain=False)
        linked.customer.send(submit(17, UNSIGNED))
        linked.admitted()
        assert [pdu.body for pdu in linked.customer.read()] == [b""]

    def test_is_not_for_versions_without_tlvs(self) -> None:
        linked = bound({"interface_version": 0x33}, explain=True)
        linked.customer.send(submit(17, UNSIGNED))
        linked.admitted()
        assert [pdu.body for pdu in linked.customer.read()] == [b""]

    @pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
    def test_fits_its_tlv(self, rule: Any) -> None:
        linked = bound(explain=True)
        linked.customer.send(submit(17))
        linked.admitted(rule.id)
        (resp,) = linked.customer.read()
        assert (resp.command_status, rule.id.encode() in resp.body) == (rule.standard_status, True)
        # SMPP 3.4, 5.3.2.11: 1 to 256 octets.
        assert len(resp.body) - 5 <= 256


class TestAnUnbindOfTheCustomers:
    def test_is_granted_at_once_if_nothing_is_open(self) -> None:
        linked = bound()
        linked.customer.unbind(9)
        assert linked.customer.read() == [Raw(UNBIND_RESP, 0, 9, b"")]
        assert linked.customer.connection.over

    def test_waits_for_the_answers_to_its_last_submits(self) -> None:
        linked = bound()
        linked.customer.send(submit(2), submit(3))
        linked.customer.unbind(9)
        linked.pass_time(1.0)
        assert linked.customer.read() == []
        linked.admitted(None, None)
        answers = [(pdu.command_id, pdu.sequence_number) for pdu in linked.customer.read()]
        assert answers == [(SUBMIT_RESP, 2), (SUBMIT_RESP, 3), (UNBIND_RESP, 9)]
        assert linked.customer.connection.over

    def test_does_not_wait_for_ever(self) -> None:
        linked = bound()
        linked.customer.send(submit(2))
        linked.customer.unbind(9)
        linked.pass_time(1.75)
        assert linked.customer.read() == []
        linked.pass_time(0.25)
        assert linked.customer.read() == [Raw(UNBIND_RESP, 0, 9, b"")]
        assert linked.customer.connection.over
        linked.admitted(None)
        assert linked.customer.read() == []

    def test_before_the_bind_is_granted(self) -> None:
        linked = Linked()
        assert linked.customer.ask(raw(UNBIND, sequence_number=4)) == [(UNBIND_RESP, 0, 4)]
        assert linked.customer.connection.over


class TestOurUnbind:
    def test_ends_the_connection_when_it_is_answered(self) -> None:
        linked = bound()
        linked.listener.part()
        linked.customer.answer_unbind()
        assert linked.customer.connection.over

    def test_ends_the_connection_of_a_customer_that_does_not_answer(self) -> None:
        linked = bound()
        linked.listener.part()
        linked.pass_time(5.25)
        assert linked.customer.connection.over

    def test_is_not_for_a_connection_that_is_not_bound(self) -> None:
        linked = Linked()
        linked.listener.part()
        linked.reactor.advance(0)
        assert linked.customer.read() == []
        assert linked.customer.connection.over


class TestAFault:
    def test_is_counted_for_its_account(self) -> None:
        linked = bound()
        assert linked.customer.ask(raw(0x7777, sequence_number=6)) == [
            (GENERIC_NACK, CommandStatus.ESME_RINVCMDID, 6)
        ]
        assert linked.metrics.protocol_faults == {("customer", "bank"): 1}

    def test_of_a_stranger_is_counted_for_nobody(self) -> None:
        linked = Linked()
        assert linked.customer.ask(submit(2)) == [(SUBMIT_RESP, CommandStatus.ESME_RINVBNDSTS, 2)]
        assert linked.metrics.protocol_faults == {("customer", ""): 1}

    def test_is_logged_once_a_read_with_how_many_there_were(self) -> None:
        linked = bound()
        with capture_logs() as lines:
            linked.customer.send(*(raw(0x7777, sequence_number=n) for n in range(2, 5)))
        assert [(line["event"], line["count"]) for line in lines] == [("pdu.faulty", 3)]
        assert linked.metrics.protocol_faults == {("customer", "bank"): 3}

    def test_is_logged_though_it_ends_the_connection(self) -> None:
        linked = bound()
        with capture_logs() as lines:
            linked.customer.send(struct.pack(">IIII", 1 << 30, SUBMIT_SM, 0, 3))
        assert [line["event"] for line in lines] == ["bind.closed", "pdu.faulty", "bind.ended"]

    def test_that_loses_the_framing_ends_the_connection(self) -> None:
        linked = bound()
        assert linked.customer.ask(struct.pack(">IIII", 15, SUBMIT_SM, 0, 3)) == [
            (GENERIC_NACK, CommandStatus.ESME_RINVCMDLEN, 0)
        ]
        assert linked.customer.connection.over
        assert linked.binds.counts()["bank"] == 0

    def test_in_a_submit_leaves_the_others_alone(self) -> None:
        linked = bound()
        cut_short = raw(SUBMIT_SM, b"\0\0\0", sequence_number=2)
        linked.customer.send(cut_short, submit(3))
        linked.admitted(None)
        statuses = {pdu.sequence_number: pdu.command_status for pdu in linked.customer.read()}
        assert statuses[3] == 0
        assert statuses[2] != 0


FLOOD = 3 * 2  # what may be refused at once at 3 a second


class TestAFlood:
    """Of what costs the customer neither throttle nor window."""

    def flooded(self, *pdus: bytes) -> Linked:
        linked = bound(
            limits=Limits(refusals_per_s=3.0), statuses=StatusStyle.STANDARD, window_max=10 * FLOOD
        )
        linked.customer.send(*pdus)
        return linked

    @pytest.mark.parametrize(
        "pdu",
        [
            lambda n: raw(0x7777, sequence_number=n),
            lambda n: raw(ENQUIRE_LINK, sequence_number=n),
            lambda n: submit(n, UNSIGNED),
        ],
        ids=["malformed PDUs", "enquire_links", "refused submits"],
    )
    def test_is_answered_and_then_not_read_until_it_is_made_up_for(self, pdu: Callable[[int], bytes]) -> None:
        linked = self.flooded(*map(pdu, range(10, FLOOD + 16)))
        customer = linked.customer
        if linked.store.waiting("admit"):
            linked.admitted()
        assert len(customer.read()) == FLOOD + 6
        assert linked.listener.unread()["causes refusals"] == 1
        assert customer.ask(raw(ENQUIRE_LINK, sequence_number=7)) == []
        linked.pass_time(2.0)
        assert customer.read() == []
        linked.pass_time(0.5)
        assert [pdu.sequence_number for pdu in customer.read()] == [7]

    def test_is_looked_behind_every_now_and_then_however_large_it_is(self) -> None:
        linked = self.flooded(*[raw(ENQUIRE_LINK)] * 100 * FLOOD)
        linked.customer.read()
        linked.customer.send(raw(UNBIND, sequence_number=9))
        linked.pass_time(4.75)
        assert linked.customer.read() == []
        linked.pass_time(0.5)
        assert linked.customer.read() == [Raw(UNBIND_RESP, 0, 9, b"")]

    def test_below_the_limit_is_read_on(self) -> None:
        linked = self.flooded(*[raw(ENQUIRE_LINK)] * (FLOOD - 1))
        assert linked.customer.connection.reading

    def test_does_not_keep_us_from_parting(self) -> None:
        linked = self.flooded(*[raw(ENQUIRE_LINK)] * 10 * FLOOD)
        linked.listener.part()
        linked.customer.answer_unbind()
        assert linked.customer.connection.over

    def test_leaves_nothing_behind_when_its_connection_is_gone(self) -> None:
        linked = self.flooded(*[raw(ENQUIRE_LINK)] * 10 * FLOOD)
        linked.customer.lose()
        assert linked.listener.unread() == {"does not read": 0, "causes refusals": 0}
        assert linked.reactor.getDelayedCalls() == []


class TestAStranger:
    def test_that_sends_too_much_is_cut_off_unread(self) -> None:
        linked = Linked()
        with capture_logs() as lines:
            linked.customer.send(raw(ENQUIRE_LINK) * 257)
        assert linked.customer.connection.aborted
        assert linked.customer.read() == []
        assert [line["event"] for line in lines] == ["connection.dropped"]

    def test_that_sends_it_bit_by_bit_is_cut_off_too(self) -> None:
        linked = Linked()
        for _ in range(257):
            assert not linked.customer.connection.aborted
            linked.customer.send(raw(ENQUIRE_LINK))
        assert linked.customer.connection.aborted

    def test_is_none_any_more_once_it_is_bound(self) -> None:
        linked = bound()
        linked.customer.send(raw(ENQUIRE_LINK) * 257)
        assert len(linked.customer.read()) == 257


def test_a_password_is_in_no_log_line() -> None:
    with capture_logs() as lines:
        bound().customer.lose()
        Linked().customer.send(bank_bind(password=b"guess-it"))
    assert [line["event"] for line in lines] == ["bind.accepted", "bind.ended", "bind.refused"]
    assert PASSWORD not in str(lines)
    assert "guess-it" not in str(lines)
