"""Long messages through a whole gateway: segments in, parts out, one receipt for each submit_sm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.message import State
from gateway.settings import Account, Limits, LongForm, Route, SegmentsMode, StatusStyle, Throttle
from gateway.store import schema
from gateway.store.audit import IDENTITIES, Audit
from gateway.store.snapshot import snapshot
from ledger.accounts import Balance
from policy.clauses import OUTSIDE_HOURS, QUOTA_EXHAUSTED, RULES, SIGNATURE_MISSING
from smpp import codec, parts, segments
from smpp.pdu import SubmitSm
from smpp.status import CommandStatus
from smpp.text import Alphabet
from tests.gateway.carriers.peer import receipt, submit_resp
from tests.gateway.carriers.samples import NOON, a_carrier
from tests.gateway.customers.peer import Customer
from tests.gateway.customers.samples import a_customer, submit
from tests.gateway.raw_pdus import DELIVER_SM, RESP, SUBMIT_SM, Raw
from tests.gateway.store.told import told
from tests.gateway.whole import BOUGHT, LIMITS, Whole, crashed, settings_of

LONG = "尊敬的客户:" + "今天是您生日，" * 20 + "回TD退订【中国银行】"
UNSIGNED = LONG.replace("【中国银行】", "")
PATIENCE_S = 30.0
UDH8 = "udh8"


def an_account(**changes: Any) -> Account:
    """One whose segments are joined."""
    return a_customer(segments=SegmentsMode.JOIN, statuses=StatusStyle.VENDOR, **changes)


def limits(**changes: Any) -> Limits:
    return replace(LIMITS, reassembly_s=PATIENCE_S, **changes)


@pytest.fixture
def whole(path: Path) -> Iterator[Whole]:
    """A gateway that is bound to a carrier, and whose customer has paid."""
    whole = started(path)
    yield whole
    whole.stop()
    assert_sound(whole, path)


def started(path: Path, form: LongForm = LongForm.UDH8, **changes: Any) -> Whole:
    carrier = a_carrier(window_max=10, long_messages=form)
    return (
        Whole(settings_of(path, [an_account()], carriers=[carrier], limits=limits(**changes)))
        .top_up()
        .start()
    )


def assert_sound(whole: Whole, path: Path) -> None:
    """Nothing that the audit would find."""
    with snapshot(path, "86") as connection:
        audit = Audit(connection, limit=3)
        assert [found for i in IDENTITIES if (found := audit.find(i)).violations] == []


def segment(number: int, text: str = LONG, ref: int = 7, at: int = 0, **fields: Any) -> bytes:
    """One of the segments that a customer makes of a text: `number` is its place.

    Its sequence_number is the same, or `at`.
    """
    part = segments.split(text.encode("utf-16-be"), Alphabet.UCS2, ref, "udh8")[number - 1]
    return submit(at or number, short_message=part, esm_class=0x40, **{"registered_delivery": 1} | fields)


def answers(customer: Customer) -> dict[int, int]:
    """The command_status of each answer to a submit_sm, by its sequence_number."""
    return {p.sequence_number: p.command_status for p in customer.read() if p.command_id == SUBMIT_SM | RESP}


def ids_of(pdus: Sequence[Raw]) -> dict[int, str]:
    """The ids that a customer was given, by sequence_number."""
    return {p.sequence_number: p.body.removesuffix(b"\0").decode() for p in pdus if not p.command_status}


def text_of(relayed: Sequence[Raw]) -> str:
    """What the recipient reads."""
    joined = parts.whole([pdu_of(raw) for raw in relayed])
    return segments.user_text(joined).decode("utf-16-be")


def pdu_of(raw: Raw) -> SubmitSm:
    return codec.submit_sm(raw.body)


def places(relayed: Sequence[Raw]) -> list[tuple[str, int, int]]:
    """Kind, total and place of each part."""
    found = [segments.concat(pdu_of(raw)) for raw in relayed]
    return [(place.kind, place.total, place.seq) for place in found if place is not None]


def stats(customer: Customer) -> dict[str, str]:
    """The receipts that have come: stat by our id."""
    receipts = [told(0, pdu.body) for pdu in customer.read() if pdu.command_id == DELIVER_SM]
    return {said.text.split(" ")[0].removeprefix("id:"): said.stat for said in receipts}


class TestSegments:
    def test_are_joined_judged_as_one_and_sent_on_together(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1))
        assert answers(customer) == {1: 0}
        assert whole.submits() == []
        customer.send(segment(2))
        assert answers(customer) == {2: 0}
        customer.send(segment(3))
        assert answers(customer) == {3: 0}
        relayed = whole.submits()
        assert places(relayed) == [(UDH8, 3, 1), (UDH8, 3, 2), (UDH8, 3, 3)]
        assert text_of(relayed) == LONG
        assert whole.balance() == Balance(BOUGHT, BOUGHT - 3, 3, 0, 0)

    def test_in_one_piece_are_joined_too(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1), segment(2), segment(3))
        assert answers(customer) == {1: 0, 2: 0, 3: 0}
        assert text_of(whole.submits()) == LONG

    def test_may_come_in_any_order_and_over_any_bind(self, whole: Whole) -> None:
        one, other = whole.customer(), whole.customer()
        one.send(segment(3))
        other.send(segment(1))
        one.send(segment(2))
        assert (answers(one), answers(other)) == ({3: 0, 2: 0}, {1: 0})
        assert text_of(whole.submits()) == LONG

    def test_get_a_receipt_each_and_units_are_charged_once(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1), segment(2), segment(3))
        ids = ids_of(customer.read())
        whole.accept(*whole.submits())
        whole.say(receipt(1, "c1"))
        assert stats(customer) == {ids[1]: "DELIVRD"}
        whole.say(receipt(2, "c2", stat="UNDELIV"), receipt(3, "c3"))
        assert stats(customer) == {ids[2]: "UNDELIV", ids[3]: "DELIVRD"}
        assert whole.balance() == Balance(BOUGHT, BOUGHT - 3, 0, 3, 0)

    def test_that_wanted_no_receipt_get_none(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1, registered_delivery=0), segment(2), segment(3, registered_delivery=0))
        ids = ids_of(customer.read())
        whole.accept(*whole.submits())
        whole.say(*(receipt(n, f"c{n}") for n in (1, 2, 3)))
        assert stats(customer) == {ids[2]: "DELIVRD"}

    def test_of_a_text_that_breaks_a_rule_are_refused_by_the_last_answer(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1, UNSIGNED), segment(2, UNSIGNED))
        ids = ids_of(customer.read())
        customer.send(segment(3, UNSIGNED))
        resp, *receipts = customer.read()
        assert resp.command_status == RULES[SIGNATURE_MISSING].vendor_status
        said = [told(0, pdu.body).text for pdu in receipts]
        assert [text.split(" ")[0] for text in said] == [f"id:{ids[1]}", f"id:{ids[2]}"]
        assert all(" stat:REJECTD err:403 " in text for text in said)
        assert whole.submits() == []
        assert whole.balance() == Balance(BOUGHT, BOUGHT, 0, 0, 0)
        assert whole.states() == [State.REJECTED, State.REJECTED]

    def test_whose_rest_does_not_come_end_in_time(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1), segment(3))
        ids = ids_of(customer.read())
        whole.pass_time(PATIENCE_S - 2)
        assert stats(customer) == {}
        whole.pass_time(4)
        assert stats(customer) == {ids[1]: "REJECTD", ids[3]: "REJECTD"}
        assert b"signet_reassemblies 0.0" in whole.gateway.metrics.render()
        assert b"signet_reassembly_octets 0.0" in whole.gateway.metrics.render()
        assert [row.error for row in whole.rows(schema.message)] == ["461", "461"]
        assert whole.balance() == Balance(BOUGHT, BOUGHT, 0, 0, 0)

    def test_that_come_too_late_begin_anew(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1), segment(2))
        whole.pass_time(PATIENCE_S + 2)
        customer.read()
        customer.send(segment(3))
        assert answers(customer) == {3: 0}
        assert whole.submits() == []
        customer.send(segment(1), segment(2))
        assert text_of(whole.submits()) == LONG

    def test_that_come_twice_are_answered_alike(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(segment(1))
        (first,) = ids_of(customer.read()).values()
        customer.send(segment(1))
        assert list(ids_of(customer.read()).values()) == [first]
        customer.send(segment(2), segment(2, at=5), segment(3), segment(3, at=6))
        resps = customer.read()
        assert [pdu.command_status for pdu in resps] == [0, 0, 0, 0]
        assert len({pdu.body for pdu in resps}) == 2
        assert len(whole.submits()) == 3
        customer.lose()
        customer = whole.customer()
        customer.send(segment(2), segment(3))
        assert {pdu.body for pdu in customer.read()} == {pdu.body for pdu in resps}
        assert whole.submits() == []

    def test_under_a_reference_that_never_changes_are_messages_of_their_own(self, whole: Whole) -> None:
        customer = whole.customer()
        other = LONG.replace("回TD退订", "再见，回TD退订")
        for text in (LONG, LONG, other):
            customer.send(segment(1, text), segment(2, text), segment(3, text))
            assert answers(customer) == {1: 0, 2: 0, 3: 0}
            assert text_of(whole.submits()) == text

    def test_with_other_octets_under_a_reference_in_use_are_another_message(self, whole: Whole) -> None:
        customer = whole.customer()
        other = LONG.replace("生日", "新年")
        customer.send(segment(1, at=9), segment(1, other), segment(2, other), segment(3, other))
        assert text_of(whole.submits()) == other
        whole.pass_time(PATIENCE_S + 2)
        assert whole.states().count(State.REJECTED) == 1

    def test_whose_headers_leave_too_little_room_are_refused_by_the_last_answer(self, whole: Whole) -> None:
        customer = whole.customer()
        text = LONG.encode("utf-16-be")
        for number in (1, 2):
            header = bytes((0, 3, 7, 2, number, 0x70, 150)) + bytes(150)
            octets = bytes((len(header),)) + header + text[200 * (number - 1) : 200 * number]
            customer.send(submit(number, short_message=None, message_payload=octets, esm_class=0x40))
        assert answers(customer) == {1: 0, 2: CommandStatus.ESME_RSUBMITFAIL}
        customer.send(segment(1), segment(2), segment(3))
        assert answers(customer) == {1: 0, 2: 0, 3: 0}

    def test_of_two_messages_may_mingle(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(*(segment(n, ref=ref, at=10 * ref + n) for n in (1, 2, 3) for ref in (1, 2)))
        relayed = whole.submits()
        assert len(relayed) == 6
        refs = [place.ref for raw in relayed if (place := segments.concat(pdu_of(raw)))]
        assert len(set(refs)) == 2

    def test_are_refused_beyond_what_the_quota_holds(self, path: Path) -> None:
        whole = Whole(settings_of(path, [an_account()], limits=limits())).top_up(units=2).start()
        customer = whole.customer()
        customer.send(segment(1), segment(2), segment(3))
        assert answers(customer) == {1: 0, 2: 0, 3: RULES[QUOTA_EXHAUSTED].vendor_status}
        assert whole.states() == [State.REJECTED, State.REJECTED]
        assert whole.balance() == Balance(2, 2, 0, 0, 0)

    def test_survive_a_crash(self, path: Path, tmp_path: Path) -> None:
        before = started(path)
        customer = before.customer()
        customer.send(segment(1), segment(2))
        ids = ids_of(customer.read())
        after = Whole(
            settings_of(
                crashed(path, tmp_path / "after"), [an_account()], [a_carrier(window_max=10)], limits=limits()
            )
        ).start()
        customer = after.customer()
        customer.send(segment(2), segment(3))
        resps = customer.read()
        assert ids_of(resps)[2] == ids[2]
        assert text_of(after.submits()) == LONG

    def test_are_not_throttled_once_the_first_is_in(self, path: Path) -> None:
        account = an_account(throttle=Throttle(rate_per_s=0.01, burst=1))
        whole = Whole(settings_of(path, [account], limits=limits())).top_up().start()
        customer = whole.customer()
        customer.send(segment(1), segment(2), segment(3), segment(1, ref=9, at=9))
        throttled = CommandStatus.ESME_RTHROTTLED
        assert [pdu.command_status for pdu in customer.read()] == [throttled, 0, 0, 0]

    def test_beyond_the_limits_are_refused(self, path: Path) -> None:
        whole = started(path, segments_max=2, reassemblies_max=1)
        customer = whole.customer()
        customer.send(segment(1))
        assert answers(customer) == {1: CommandStatus.ESME_RSUBMITFAIL}
        short = LONG[:100]
        customer.send(segment(1, short, ref=1), segment(1, short, ref=2, at=2))
        assert sorted(pdu.command_status for pdu in customer.read()) == [0, CommandStatus.ESME_RMSGQFUL]

    def test_that_are_complete_after_hours_are_refused_as_one(self, path: Path) -> None:
        whole = started(path)
        customer = whole.customer()
        whole.clock.put(NOON + 5 * 3600 - 10)
        customer.send(segment(1), segment(2))
        whole.clock.put(NOON + 5 * 3600)
        customer.send(segment(3))
        assert answers(customer) == {1: 0, 2: 0, 3: RULES[OUTSIDE_HOURS].vendor_status}
        assert whole.states() == [State.REJECTED, State.REJECTED]


class TestALongMessage:
    @pytest.mark.parametrize(
        ("form", "sent"),
        [
            (LongForm.UDH8, [("udh8", 3, 1), ("udh8", 3, 2), ("udh8", 3, 3)]),
            (LongForm.UDH16, [("udh16", 3, 1), ("udh16", 3, 2), ("udh16", 3, 3)]),
            (LongForm.SAR, [("sar", 3, 1), ("sar", 3, 2), ("sar", 3, 3)]),
            (LongForm.PAYLOAD, []),
        ],
    )
    def test_leaves_in_the_form_that_its_carrier_wants(
        self, path: Path, form: LongForm, sent: list[tuple[str, int, int]]
    ) -> None:
        whole = started(path, form)
        customer = whole.customer()
        customer.send(submit(1, short_message=None, message_payload=LONG.encode("utf-16-be")))
        customer.send(segment(1), segment(2), segment(3))
        assert answers(customer) == {1: 0, 2: 0, 3: 0}
        relayed = whole.submits()
        half = len(relayed) // 2
        assert places(relayed[:half]) == places(relayed[half:]) == sent
        assert text_of(relayed[:half]) == text_of(relayed[half:]) == LONG
        assert whole.balance().held == 6
        whole.stop()
        assert_sound(whole, path)

    def test_has_one_receipt_when_all_its_parts_have_ended(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(submit(1, short_message=None, message_payload=LONG.encode("utf-16-be")))
        ids = ids_of(customer.read())
        whole.accept(*whole.submits())
        whole.say(receipt(1, "c1"), receipt(3, "c3"))
        assert stats(customer) == {}
        whole.say(receipt(2, "c2", stat="EXPIRED"))
        assert stats(customer) == {ids[1]: "EXPIRED"}

    def test_is_not_sent_on_when_a_part_is_refused(self, path: Path) -> None:
        whole = Whole(settings_of(path, [an_account()], carriers=[a_carrier(window_max=1)], limits=limits()))
        whole.top_up().start()
        customer = whole.customer()
        customer.send(submit(1, short_message=None, message_payload=LONG.encode("utf-16-be")))
        ids = ids_of(customer.read())
        (first,) = whole.submits()
        whole.accept(first)
        (second,) = whole.submits()
        whole.say(submit_resp(second.sequence_number, b"", 0x45))
        assert whole.submits() == []
        whole.say(receipt(1, "c1"))
        assert stats(customer) == {ids[1]: "REJECTD"}
        assert whole.balance() == Balance(BOUGHT, BOUGHT - 1, 0, 1, 0)

    def test_keeps_to_the_carrier_that_has_its_first_part(self, path: Path) -> None:
        carriers = [a_carrier(window_max=1), a_carrier(name="south", port=2777, window_max=9)]
        routes = [Route(None, "", ("north", "south"))]
        whole = Whole(settings_of(path, [an_account()], carriers=carriers, routes=routes, limits=limits()))
        whole.top_up().start()
        customer = whole.customer()
        customer.send(submit(1, short_message=None, message_payload=LONG.encode("utf-16-be")))
        (first,) = whole.submits()
        whole.accept(first)
        assert len(whole.submits()) == 1
        whole.carrier().lose()
        whole.pass_time(1)
        assert whole.submits("south") == []
        customer.send(submit(2, destination="13900139000"))
        assert len(whole.submits("south")) == 1

    def test_that_quota_does_not_hold_leaves_nothing_behind(self, path: Path) -> None:
        whole = Whole(settings_of(path, [an_account()], limits=limits())).top_up(units=2).start()
        customer = whole.customer()
        long = submit(1, short_message=None, message_payload=LONG.encode("utf-16-be"))
        assert customer.submit_statuses(long, submit(2)) == {
            1: RULES[QUOTA_EXHAUSTED].vendor_status,
            2: 0,
        }
        assert whole.states() == [State.SUBMITTING]

    def test_of_too_many_parts_is_refused_alone(self, whole: Whole) -> None:
        customer = whole.customer()
        text = "尊敬的客户:" + "一" * 20_000 + "回TD退订【中国银行】"
        endless = submit(1, short_message=None, message_payload=text.encode("utf-16-be"))
        assert customer.submit_statuses(endless, submit(2)) == {1: CommandStatus.ESME_RSUBMITFAIL, 2: 0}

    @pytest.mark.parametrize("octets", [100, 134, 200])
    def test_whose_header_leaves_too_little_room_is_refused_alone(self, whole: Whole, octets: int) -> None:
        customer = whole.customer()
        header = bytes((octets + 2, 0x70, octets)) + bytes(octets)
        text = ("尊敬的客户:" + "一" * 9_000 + "回TD退订【中国银行】").encode("utf-16-be")
        endless = submit(1, short_message=None, message_payload=header + text, esm_class=0x40)
        assert customer.submit_statuses(endless, submit(2)) == {1: CommandStatus.ESME_RSUBMITFAIL, 2: 0}

    def test_has_a_reference_that_no_other_to_the_number_has(self, whole: Whole) -> None:
        customer = whole.customer()
        for number in range(1, 5):
            customer.send(submit(number, short_message=None, message_payload=LONG.encode("utf-16-be")))
        refs = set()
        while relayed := whole.submits():
            refs |= {place.ref for raw in relayed if (place := segments.concat(pdu_of(raw)))}
            whole.accept(*relayed, first_id=len(refs) * 100)
        assert len(refs) == 4
