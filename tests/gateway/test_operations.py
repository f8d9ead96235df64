"""data_sm, submit_multi, query_sm, cancel_sm and replace_sm through a whole gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.message import State
from gateway.settings import IdForm, SegmentsMode, StatusStyle, Throttle
from gateway.store import schema, schema_recipients
from gateway.store.schema_records import refusal
from ledger.accounts import Balance
from policy.clauses import RECIPIENT_OPTED_OUT, RULES, SIGNATURE_MISSING
from smpp import codec
from smpp.address import Address
from smpp.message_state import MessageState
from smpp.pdu import (
    CancelSm,
    DataSm,
    DataSmResp,
    DeliverSm,
    DistributionList,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessSme,
)
from smpp.status import CommandStatus
from tests.gateway.carriers.peer import DELIVER_SM_RESP, deliver, receipt, submit_resp
from tests.gateway.carriers.samples import NOON, a_carrier
from tests.gateway.customers.peer import Customer
from tests.gateway.customers.samples import NUMBER, TEXT, a_customer, submit
from tests.gateway.raw_pdus import DELIVER_SM, RESP, Raw, split
from tests.gateway.store.told import told
from tests.gateway.test_long_messages import LONG, assert_sound, limits, pdu_of, segment, text_of
from tests.gateway.whole import BOUGHT, LIMITS, Whole, settings_of

SENDER = Address(0, 1, "10690001")
OTHERS = ("13900139001", "13900139002")
TEXT_OCTETS = TEXT.encode("utf-16-be")
HALF_AN_HOUR = "000000003000000R"


def started(path: Path, window_max: int = 10, segments_max: int = 20, **changes: Any) -> Whole:
    account = a_customer(segments=SegmentsMode.JOIN, statuses=StatusStyle.VENDOR, **changes)
    carrier = a_carrier(window_max=window_max)
    held_to = limits(segments_max=segments_max)
    return Whole(settings_of(path, [account], [carrier], limits=held_to)).top_up().start()


@pytest.fixture
def whole(path: Path) -> Iterator[Whole]:
    """A gateway that is bound to a carrier, and whose customer has paid."""
    whole = started(path)
    yield whole
    whole.stop()
    assert_sound(whole, path)


@pytest.fixture
def waiting(path: Path) -> Iterator[Whole]:
    """The same, with a carrier that takes one message at a time and has one: the others wait."""
    whole = started(path, window_max=1)
    customer = whole.customer()
    customer.send(submit(2, destination="13700000000"))
    assert len(whole.submits()) == 1
    customer.lose()
    yield whole
    whole.stop()
    assert_sound(whole, path)


def ask(customer: Customer, pdu: Pdu, sequence_number: int = 50) -> tuple[int, Pdu | None]:
    """Send one; the status and the body of its answer, whatever else comes."""
    customer.send(codec.encode(pdu, sequence_number))
    unread = customer.read()
    [answer] = [each for each in unread if each.sequence_number == sequence_number and each.command_id & RESP]
    customer.keep([each for each in unread if each is not answer])
    if answer.command_status:
        return answer.command_status, None
    return 0, codec.decode(answer.command_id, answer.body)


def sent(customer: Customer, *pdus: bytes) -> list[str]:
    """Submit these; our ids."""
    customer.send(*pdus)
    return [pdu.body.removesuffix(b"\0").decode() for pdu in customer.read() if not pdu.command_status]


def sent_to_many(customer: Customer) -> str:
    """Submit one to all of OTHERS; the id that it has."""
    to = [Address(1, 1, addr) for addr in OTHERS]
    _, answer = ask(customer, SubmitMulti("", SENDER, tuple(to), 0, 0, 0, "", "", 1, 0, 8, 0, TEXT_OCTETS))
    assert isinstance(answer, SubmitMultiResp)
    return answer.message_id


def receipts(customer: Customer) -> list[tuple[str, str, str]]:
    """Those that have come: recipient, id and stat."""
    found = [told(0, pdu.body) for pdu in customer.read() if pdu.command_id == DELIVER_SM]
    return [(s.source_addr, s.text.split(" ")[0].removeprefix("id:"), s.stat) for s in found]


def times(whole: Whole) -> list[tuple[int, int]]:
    """From when and until when each message that waits may be sent."""
    rows = whole.rows(schema.message)
    return [(row.due_at, row.deadline_at) for row in rows if row.state == State.QUEUED]


class TestDataSm:
    def data(self, text: str = TEXT) -> DataSm:
        to = Address(1, 1, NUMBER)
        return DataSm("", SENDER, to, 0, 1, 8, ((0x0424, text.encode("utf-16-be")),))

    def test_is_a_message_like_any_other(self, whole: Whole) -> None:
        customer = whole.customer()
        status, answer = ask(customer, self.data())
        assert status == 0
        assert isinstance(answer, DataSmResp)
        (relayed,) = whole.submits()
        assert pdu_of(relayed).short_message == TEXT_OCTETS
        whole.accept(relayed)
        whole.say(receipt(1, "c1"))
        assert receipts(customer) == [(NUMBER, answer.message_id, "DELIVRD")]

    def test_leaves_without_what_only_a_data_sm_has(self, whole: Whole) -> None:
        network, port = (0x000E, b"\1"), (0x020A, b"\0\7")
        ask(whole.customer(), replace(self.data(), tlvs=(network, *self.data().tlvs, port)))
        (relayed,) = whole.submits()
        assert pdu_of(relayed).tlvs == (port,)

    def test_that_breaks_a_rule_is_refused_in_its_own_response(self, path: Path) -> None:
        whole = started(path, explain=True)
        customer = whole.customer()
        customer.send(codec.encode(self.data("尊敬的客户:你好，回TD退订"), 50))
        (answer,) = customer.read()
        assert answer.command_id == 0x80000103
        assert answer.command_status == RULES[SIGNATURE_MISSING].vendor_status
        assert b"SIGNATURE_MISSING" in answer.body

    def test_of_a_carrier_is_a_receipt_or_a_reply(self, whole: Whole) -> None:
        customer = whole.customer()
        sent(customer, submit(2))
        whole.accept(*whole.submits())
        (said,) = split(receipt(7, "c1"))
        same = codec.decode(DELIVER_SM, said.body, strict=False)
        assert isinstance(same, DeliverSm)
        data = DataSm("", same.source, same.destination, 4, 0, 0, ((0x0424, same.payload),))
        whole.say(codec.encode(data, 7))
        assert whole.carrier().read() == [Raw(0x80000103, 0, 7, b"\0")]
        assert [stat for _, _, stat in receipts(customer)] == ["DELIVRD"]
        whole.say(receipt(8, "c1"))
        assert whole.carrier().read() == [Raw(DELIVER_SM_RESP, 0, 8, b"\0")]


class TestSubmitMulti:
    def multi(self, *destinations: Address | DistributionList, text: str = TEXT) -> SubmitMulti:
        octets = text.encode("utf-16-be")
        tlvs = ((0x0424, octets),) if len(octets) > 254 else ()
        short = b"" if tlvs else octets
        return SubmitMulti("", SENDER, destinations, 0, 0, 0, "", "", 1, 0, 8, 0, short, tlvs)

    def test_is_a_message_to_each_under_one_id(self, whole: Whole) -> None:
        customer = whole.customer()
        status, answer = ask(customer, self.multi(*(Address(1, 1, to) for to in OTHERS)))
        assert isinstance(answer, SubmitMultiResp)
        assert (status, answer.unsuccess) == (0, ())
        relayed = whole.submits()
        assert [pdu_of(each).destination.addr for each in relayed] == [*OTHERS]
        whole.accept(*relayed)
        whole.say(*(receipt(n, f"c{n}", source=to.encode()) for n, to in enumerate(OTHERS, 1)))
        assert receipts(customer) == [(to, answer.message_id, "DELIVRD") for to in OTHERS]
        assert whole.balance() == Balance(BOUGHT, BOUGHT - 2, 0, 2, 0)

    def test_names_those_who_are_not_reached_and_why(self, whole: Whole) -> None:
        customer = whole.customer()
        whole.say(deliver(5, b"TD"))
        asked = self.multi(Address(1, 1, NUMBER), Address(1, 1, OTHERS[0]), DistributionList("friends"))
        status, answer = ask(customer, asked)
        assert isinstance(answer, SubmitMultiResp)
        assert set(answer.unsuccess) == {
            UnsuccessSme(Address(1, 1, NUMBER), RULES[RECIPIENT_OPTED_OUT].vendor_status),
            UnsuccessSme(Address(0, 0, "friends"), CommandStatus.ESME_RCNTSUBDL),
        }
        assert (status, len(whole.submits())) == (0, 1)

    @pytest.mark.parametrize("addr", ["Bank", ""])
    def test_names_a_destination_that_is_no_number_and_serves_the_others(
        self, whole: Whole, addr: str
    ) -> None:
        customer = whole.customer()
        nobody = Address(5, 0, addr)
        status, answer = ask(customer, self.multi(nobody, Address(1, 1, OTHERS[0])))
        assert isinstance(answer, SubmitMultiResp)
        assert (status, answer.unsuccess) == (0, (UnsuccessSme(nobody, CommandStatus.ESME_RINVDSTADR),))
        assert [pdu_of(each).destination.addr for each in whole.submits()] == [OTHERS[0]]
        assert ask(customer, self.multi(nobody), 51) == (CommandStatus.ESME_RINVDSTADR, None)

    def test_that_reaches_nobody_is_refused(self, whole: Whole) -> None:
        status, _ = ask(
            whole.customer(), self.multi(Address(1, 1, OTHERS[0]), text="尊敬的客户:你好，回TD退订")
        )
        assert status == RULES[SIGNATURE_MISSING].vendor_status
        assert whole.submits() == []

    def test_of_a_long_text_is_cut_for_each(self, whole: Whole) -> None:
        customer = whole.customer()
        _, answer = ask(customer, self.multi(*(Address(1, 1, to) for to in OTHERS), text=LONG))
        assert isinstance(answer, SubmitMultiResp)
        relayed = whole.submits()
        assert text_of(relayed[:3]) == text_of(relayed[3:]) == LONG
        whole.accept(*relayed)
        told_of = [OTHERS[0]] * 3 + [OTHERS[1]] * 3
        whole.say(*(receipt(n, f"c{n}", source=to.encode()) for n, to in enumerate(told_of, 1)))
        assert receipts(customer) == [(to, answer.message_id, "DELIVRD") for to in OTHERS]

    def test_is_held_to_the_throttle_one_by_one(self, path: Path) -> None:
        whole = started(path, throttle=Throttle(rate_per_s=0.01, burst=1))
        _, answer = ask(whole.customer(), self.multi(*(Address(1, 1, to) for to in OTHERS)))
        assert isinstance(answer, SubmitMultiResp)
        throttled = CommandStatus.ESME_RTHROTTLED
        assert answer.unsuccess == (UnsuccessSme(Address(1, 1, OTHERS[1]), throttled),)


class TestQuerySm:
    def test_tells_what_became_of_a_message(self, whole: Whole) -> None:
        customer = whole.customer()
        (own_id,) = sent(customer, submit(2))
        enroute = QuerySmResp(own_id, "", MessageState.ENROUTE, 0)
        assert ask(customer, QuerySm(own_id, SENDER)) == (0, enroute)
        whole.accept(*whole.submits())
        assert ask(customer, QuerySm(own_id, SENDER)) == (0, enroute)
        whole.say(receipt(1, "c1", stat="UNDELIV"))
        status, answer = ask(customer, QuerySm(own_id, SENDER))
        assert isinstance(answer, QuerySmResp)
        assert (status, answer.message_state) == (0, MessageState.UNDELIVERABLE)
        assert len(answer.final_date) == 16

    @pytest.mark.parametrize(("status", "code"), [(0x45, 45), (0x0B, 0), (0x999, 0)])
    def test_tells_an_error_that_is_a_number(self, whole: Whole, status: int, code: int) -> None:
        """The err of its receipt: the last hexadecimal digits of what the carrier refused it with."""
        customer = whole.customer()
        (own_id,) = sent(customer, submit(2))
        (relayed,) = whole.submits()
        whole.say(submit_resp(relayed.sequence_number, b"", status))
        _, answer = ask(customer, QuerySm(own_id, SENDER))
        assert isinstance(answer, QuerySmResp)
        assert (answer.message_state, answer.error_code) == (MessageState.REJECTED, code)

    @pytest.mark.parametrize("message_id", ["1", "nonsense", "9" * 40])
    def test_of_an_unknown_message_is_refused(self, whole: Whole, message_id: str) -> None:
        assert ask(whole.customer(), QuerySm(message_id, SENDER)) == (CommandStatus.ESME_RINVMSGID, None)

    def test_of_another_sender_or_account_is_refused(self, path: Path) -> None:
        shop = a_customer(name="shop", system_id="shop")
        whole = Whole(settings_of(path, [a_customer(), shop])).top_up().top_up("shop").start()
        (own_id,) = sent(whole.customer(), submit(2))
        stranger = QuerySm(own_id, replace(SENDER, addr="1"))
        assert ask(whole.customer(), stranger)[0] == CommandStatus.ESME_RINVMSGID
        assert ask(whole.customer("shop"), QuerySm(own_id, SENDER))[0] == CommandStatus.ESME_RINVMSGID

    def test_takes_the_id_in_the_form_that_the_account_is_told(self, path: Path) -> None:
        whole = started(path, message_ids=IdForm.HEX)
        customer = whole.customer()
        (own_id,) = sent(customer, submit(2))
        status, answer = ask(customer, QuerySm(own_id.upper(), SENDER))
        assert (status, answer) == (0, QuerySmResp(own_id.upper(), "", MessageState.ENROUTE, 0))

    def test_without_a_sender_means_the_accounts_own(self, path: Path) -> None:
        whole = started(path, source_addrs=("10690001",))
        customer = whole.customer()
        (own_id,) = sent(customer, submit(2, source_addr=""))
        assert ask(customer, QuerySm(own_id, Address(0, 0, "")))[0] == 0

    def test_of_a_segment_tells_of_the_whole(self, whole: Whole) -> None:
        customer = whole.customer()
        first, *_ = sent(customer, segment(1))
        assert ask(customer, QuerySm(first, SENDER))[0] == 0
        sent(customer, segment(2), segment(3))
        whole.accept(*whole.submits())
        whole.say(*(receipt(n, f"c{n}") for n in (1, 2, 3)))
        _, answer = ask(customer, QuerySm(first, SENDER))
        assert isinstance(answer, QuerySmResp)
        assert answer.message_state == MessageState.DELIVERED


class TestCancelSm:
    def cancel(self, message_id: str = "", to: str = NUMBER, service_type: str = "") -> CancelSm:
        return CancelSm(service_type, message_id, SENDER, Address(1, 1, to))

    def test_ends_what_waits(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        before = waiting.balance()
        assert ask(customer, self.cancel(own_id))[0] == 0
        assert receipts(customer) == [(NUMBER, own_id, "DELETED")]
        assert waiting.balance().remaining == before.remaining + 1
        assert waiting.states()[-1] is State.DELETED
        assert ask(customer, self.cancel(own_id))[0] == CommandStatus.ESME_RCANCELFAIL

    def test_of_what_a_carrier_has_is_refused(self, whole: Whole) -> None:
        customer = whole.customer()
        (own_id,) = sent(customer, submit(2))
        assert ask(customer, self.cancel(own_id))[0] == CommandStatus.ESME_RCANCELFAIL
        whole.accept(*whole.submits())
        assert ask(customer, self.cancel(own_id))[0] == CommandStatus.ESME_RCANCELFAIL

    def test_of_an_unknown_message_is_refused(self, whole: Whole) -> None:
        assert ask(whole.customer(), self.cancel("12"))[0] == CommandStatus.ESME_RINVMSGID

    def test_without_an_id_ends_all_between_two_addresses(self, waiting: Whole) -> None:
        customer = waiting.customer()
        ids = sent(customer, submit(2), submit(3, destination=OTHERS[0]), submit(4))
        assert ask(customer, self.cancel())[0] == 0
        assert receipts(customer) == [(NUMBER, ids[0], "DELETED"), (NUMBER, ids[2], "DELETED")]
        assert ask(customer, self.cancel())[0] == CommandStatus.ESME_RCANCELFAIL

    def test_of_a_message_to_another_destination_is_refused(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        assert ask(customer, self.cancel(own_id, OTHERS[0]))[0] == CommandStatus.ESME_RINVMSGID
        assert ask(customer, self.cancel(own_id, ""))[0] == 0

    def test_of_one_destination_of_many_ends_that_one(self, waiting: Whole) -> None:
        customer = waiting.customer()
        own_id = sent_to_many(customer)
        assert ask(customer, self.cancel(own_id, OTHERS[0]))[0] == 0
        assert receipts(customer) == [(OTHERS[0], own_id, "DELETED")]
        assert ask(customer, self.cancel(own_id, OTHERS[1]))[0] == 0
        assert receipts(customer) == [(OTHERS[1], own_id, "DELETED")]

    def test_may_name_a_service_type(self, waiting: Whole) -> None:
        customer = waiting.customer()
        sent(customer, submit(2, service_type="CMT"), submit(3))
        assert ask(customer, self.cancel(service_type="WAP"))[0] == CommandStatus.ESME_RCANCELFAIL
        assert ask(customer, self.cancel(service_type="CMT"))[0] == 0
        assert len(receipts(customer)) == 1

    def test_of_a_long_message_ends_all_its_parts(self, waiting: Whole) -> None:
        customer = waiting.customer()
        ids = sent(customer, segment(1), segment(2), segment(3))
        assert ask(customer, self.cancel(ids[1]))[0] == 0
        assert receipts(customer) == [(NUMBER, own_id, "DELETED") for own_id in ids]
        assert waiting.balance().held == 1

    def test_of_a_segment_that_waits_for_others_ends_them_in_the_end(self, whole: Whole) -> None:
        customer = whole.customer()
        first, second = sent(customer, segment(1), segment(2))
        assert ask(customer, self.cancel(first))[0] == 0
        customer.send(segment(3))
        statuses = [pdu.command_status for pdu in customer.read() if pdu.sequence_number == 3]
        assert statuses == [0x461]
        assert whole.submits() == []
        assert second


class TestReplaceSm:
    def swap(self, message_id: str, text: str = TEXT.replace("生日", "节日"), **fields: Any) -> ReplaceSm:
        usual: dict[str, Any] = {
            "schedule_delivery_time": "",
            "validity_period": "",
            "registered_delivery": 1,
        }
        octets = text.encode("utf-16-be")
        tlvs = ((0x0424, octets),) if len(octets) > 254 else ()
        short = b"" if tlvs else octets
        return ReplaceSm(
            message_id, SENDER, sm_default_msg_id=0, short_message=short, tlvs=tlvs, **usual | fields
        )

    def go_on(self, whole: Whole) -> list[Raw]:
        """The carrier takes what it has; what it gets next."""
        whole.say(submit_resp(2, b"x"))
        return whole.submits()

    def test_gives_a_message_that_waits_another_text(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        assert ask(customer, self.swap(own_id))[0] == 0
        (relayed,) = self.go_on(waiting)
        assert "节日" in pdu_of(relayed).short_message.decode("utf-16-be")
        waiting.accept(relayed, first_id=5)
        waiting.say(receipt(1, "c5"))
        assert (NUMBER, own_id, "DELIVRD") in receipts(customer)

    def test_may_be_repeated_and_units_follow_the_text(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        assert waiting.balance().held == 2
        assert ask(customer, self.swap(own_id, LONG))[0] == 0
        assert waiting.balance().held == 4
        assert ask(customer, self.swap(own_id))[0] == 0
        assert waiting.balance().held == 2
        assert ask(customer, QuerySm(own_id, SENDER))[0] == 0
        assert len(self.go_on(waiting)) == 1

    def test_is_judged_like_the_first_text(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        unsigned = self.swap(own_id, TEXT.replace("【中国银行】", ""))
        assert ask(customer, unsigned)[0] == RULES[SIGNATURE_MISSING].vendor_status
        (relayed,) = self.go_on(waiting)
        assert pdu_of(relayed).short_message == TEXT_OCTETS

    def test_that_a_rule_refuses_is_kept_like_a_submit(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        unsigned = LONG.replace("【中国银行】", "")
        assert ask(customer, self.swap(own_id, unsigned))[0] == RULES[SIGNATURE_MISSING].vendor_status
        [row] = waiting.rows(refusal)
        assert (row.rule, row.units, row.account) == (SIGNATURE_MISSING, 3, "bank")
        assert (row.source_addr, row.destination_addr) == (SENDER.addr, NUMBER)
        assert row.refusal_id > int(own_id)
        assert row.submitted_by == waiting.rows(schema.message)[-1].submitted_by
        assert row.submitted_at == NOON * 1000
        assert codec.submit_sm(row.body).payload.decode("utf-16-be") == unsigned

    def test_that_the_store_refuses_is_kept_too(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        with waiting.observer.begin() as connection:
            opted_out = {"number": NUMBER, "account": "bank", "since": 0}
            connection.execute(schema_recipients.opt_out.insert().values(**opted_out))
        assert ask(customer, self.swap(own_id, LONG))[0] == RULES[RECIPIENT_OPTED_OUT].vendor_status
        [row] = waiting.rows(refusal)
        assert (row.rule, row.units, row.span_start) == (RECIPIENT_OPTED_OUT, 3, None)
        assert row.refusal_id > int(own_id)
        assert codec.submit_sm(row.body).payload.decode("utf-16-be") == LONG

    def test_that_is_refused_beside_one_that_is_not_is_kept_and_both_are_answered(
        self, waiting: Whole
    ) -> None:
        customer = waiting.customer()
        first, second = sent(customer, submit(2), submit(3, destination=OTHERS[0]))
        unsigned = self.swap(second, TEXT.replace("【中国银行】", ""))
        customer.send(codec.encode(self.swap(first), 50), codec.encode(unsigned, 51))
        answers = {pdu.sequence_number: pdu.command_status for pdu in customer.read()}
        assert answers == {50: 0, 51: RULES[SIGNATURE_MISSING].vendor_status}
        assert [row.destination_addr for row in waiting.rows(refusal)] == [OTHERS[0]]

    def test_that_the_gateway_itself_refuses_is_not_kept(self, whole: Whole) -> None:
        customer = whole.customer()
        (own_id,) = sent(customer, submit(2))
        assert ask(customer, self.swap(own_id))[0] == CommandStatus.ESME_RREPLACEFAIL
        assert ask(customer, self.swap("77", "unsigned"))[0] == CommandStatus.ESME_RINVMSGID
        assert whole.rows(refusal) == []

    def test_that_costs_more_than_there_is_leaves_the_first_text(self, path: Path) -> None:
        whole = Whole(settings_of(path, [a_customer(statuses=StatusStyle.VENDOR)], [a_carrier(window_max=1)]))
        whole.top_up(units=2).start()
        customer = whole.customer()
        sent(customer, submit(2, destination="13700000000"))
        (own_id,) = sent(customer, submit(3))
        assert ask(customer, self.swap(own_id, LONG))[0] == 0x450
        assert whole.balance() == Balance(2, 0, 2, 0, 0)
        assert [(row.rule, row.units) for row in whole.rows(refusal)] == [("QUOTA_EXHAUSTED", 3)]
        assert ask(customer, self.swap(own_id))[0] == 0

    def test_of_more_segments_than_allowed_is_refused(self, path: Path) -> None:
        whole = started(path, window_max=1, segments_max=2)
        customer = whole.customer()
        sent(customer, submit(2, destination="13700000000"))
        (own_id,) = sent(customer, submit(3))
        assert ask(customer, self.swap(own_id, LONG))[0] == CommandStatus.ESME_RSUBMITFAIL
        assert ask(customer, self.swap(own_id))[0] == 0

    def test_of_what_a_carrier_has_is_refused(self, whole: Whole) -> None:
        customer = whole.customer()
        (own_id,) = sent(customer, submit(2))
        assert ask(customer, self.swap(own_id))[0] == CommandStatus.ESME_RREPLACEFAIL
        assert ask(customer, self.swap("77"))[0] == CommandStatus.ESME_RINVMSGID

    def test_of_a_message_to_many_is_refused(self, waiting: Whole) -> None:
        customer = waiting.customer()
        assert ask(customer, self.swap(sent_to_many(customer)))[0] == CommandStatus.ESME_RREPLACEFAIL

    def test_of_one_segment_among_others_is_refused(self, waiting: Whole) -> None:
        customer = waiting.customer()
        ids = sent(customer, segment(1), segment(2), segment(3))
        assert ask(customer, self.swap(ids[0]))[0] == CommandStatus.ESME_RREPLACEFAIL

    def test_of_one_recipient_among_others_is_refused(self, waiting: Whole) -> None:
        customer = waiting.customer()
        _, answer = ask(customer, TestSubmitMulti().multi(*(Address(1, 1, to) for to in OTHERS)))
        assert isinstance(answer, SubmitMultiResp)
        assert ask(customer, self.swap(answer.message_id), 51)[0] == CommandStatus.ESME_RREPLACEFAIL
        assert waiting.states().count(State.QUEUED) == 2

    @pytest.mark.parametrize(("named", "at"), [("schedule_delivery_time", 0), ("validity_period", 1)])
    def test_keeps_the_time_that_the_one_before_named(self, waiting: Whole, named: str, at: int) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        assert ask(customer, self.swap(own_id, **{named: HALF_AN_HOUR}))[0] == 0
        (first,) = times(waiting)
        waiting.pass_time(1)
        assert ask(customer, self.swap(own_id))[0] == 0
        (second,) = times(waiting)
        assert first[at] == second[at] == (NOON + 1800) * 1000

    def test_keeps_the_times_of_the_one_that_it_came_with(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        scheduled = self.swap(own_id, schedule_delivery_time=HALF_AN_HOUR)
        customer.send(codec.encode(scheduled, 50), codec.encode(self.swap(own_id), 51))
        assert [pdu.command_status for pdu in customer.read()] == [0, 0]
        ((due_at, _),) = times(waiting)
        assert due_at == (NOON + 1800) * 1000

    def test_with_a_later_start_lives_as_long_from_there(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2))
        assert ask(customer, self.swap(own_id, schedule_delivery_time="000000020000000R"))[0] == 0
        ((due_at, deadline_at),) = times(waiting)
        assert deadline_at - due_at == LIMITS.message_ttl_s * 1000

    def test_keeps_the_validity_that_the_carrier_is_told(self, waiting: Whole) -> None:
        customer = waiting.customer()
        (own_id,) = sent(customer, submit(2, validity_period=HALF_AN_HOUR))
        assert ask(customer, self.swap(own_id))[0] == 0
        (relayed,) = self.go_on(waiting)
        assert pdu_of(relayed).validity_period == HALF_AN_HOUR


class TestABindOf33:
    def test_is_told_ids_that_fit(self, whole: Whole) -> None:
        customer = whole.connect().bound(interface_version=0x33)
        (own_id,) = sent(customer, submit(2))
        assert len(own_id) == 8
        whole.accept(*whole.submits())
        whole.say(receipt(1, "c1"))
        assert receipts(customer) == [(NUMBER, own_id, "DELIVRD")]
        _, answer = ask(customer, QuerySm(own_id, SENDER))
        assert isinstance(answer, QuerySmResp)
        assert (answer.message_id, answer.message_state) == (own_id, MessageState.DELIVERED)
        assert whole.rows(schema.message)[0].told_as == own_id


def test_operations_are_answered_in_one_batch(whole: Whole) -> None:
    customer = whole.customer()
    customer.send(*(codec.encode(QuerySm("1", SENDER), n) for n in range(10, 20)))
    assert sorted(pdu.sequence_number for pdu in customer.read()) == [*range(10, 20)]
