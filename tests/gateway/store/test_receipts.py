from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.message import State
from gateway.store import schema
from gateway.stored import CarrierReceipt, Ended, Recorded, Unreadable
from ledger.accounts import Balance
from ledger.transfer import Kind
from smpp.message_state import MessageState
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import (
    HOUR,
    NUMBER,
    SECOND,
    START,
    accepted,
    message,
    parked,
    receipt,
    resent,
)

DELIVERED, UNDELIVERABLE = MessageState.DELIVERED, MessageState.UNDELIVERABLE
ENROUTE, ACCEPTED, UNKNOWN = MessageState.ENROUTE, MessageState.ACCEPTED, MessageState.UNKNOWN

FINAL = [state for state in MessageState if state.is_final]
ON_THE_WAY = [ENROUTE, ACCEPTED]


class TestAnEnd:
    @pytest.mark.parametrize("state", FINAL)
    def test_it_ends_the_message_and_tells_its_sender(self, rig: Rig, state: MessageState) -> None:
        sent = rig.enroute("A1", units=2)
        recorded = rig.hear(receipt("A1", state, error="034"))
        assert recorded.ended == (Ended(sent.message_id, "bank", State(state), was_queued=False),)
        [delivery] = recorded.deliveries
        assert (delivery.account, delivery.message_id) == ("bank", sent.message_id)
        row = rig.row(sent)
        assert (row.state, row.final_at, row.error) == (state, START, "034")
        assert [said.message_id for said in rig.rows(schema.receipt)] == [sent.message_id]
        assert rig.balance() == Balance(topped_up=1000, remaining=998, settled=2)

    def test_what_the_sender_reads_is_about_its_own_message(self, rig: Rig) -> None:
        sent = rig.enroute("A1")
        rig.advance(60)
        rig.hear(
            receipt("A1", UNDELIVERABLE, error="12", at=START + 600 * SECOND, done_at=START + 300 * SECOND)
        )
        [told] = rig.told()
        assert told.text == (
            f"id:{sent.message_id} sub:001 dlvrd:000 submit date:2611230900 done date:2611230905"
            " stat:UNDELIV err:012 text:"
        )
        assert (told.esm_class, told.source_addr, told.destination_addr) == (4, NUMBER, sent.source_addr)

    @pytest.mark.parametrize(
        ("registered_delivery", "delivered", "failed"),
        [(0, 0, 0), (1, 1, 1), (2, 0, 1), (0x10, 0, 0), (0x11, 1, 1), (0x12, 0, 1)],
    )
    def test_only_the_ends_that_it_asked_for_are_told(
        self, rig: Rig, registered_delivery: int, delivered: int, failed: int
    ) -> None:
        for carrier_message_id, state, count in (("A", DELIVERED, delivered), ("B", UNDELIVERABLE, failed)):
            sent = rig.enroute(carrier_message_id, registered_delivery=registered_delivery)
            assert len(rig.hear(receipt(carrier_message_id, state)).deliveries) == count
            assert rig.state(sent) is State(state)

    def test_a_batch_ends_each_of_its_messages(self, rig: Rig) -> None:
        sent = [message(rig.ids.next(), state=State.SUBMITTING) for _ in range(300)]
        rig.admit(*sent)
        rig.record(*(accepted(one, f"A{n}") for n, one in enumerate(sent)))
        recorded = rig.hear(*(receipt(f"A{n}") for n in range(300)))
        assert {end.message_id for end in recorded.ended} == {one.message_id for one in sent}
        assert len(recorded.deliveries) == 300


class TestTheFirstEndWins:
    def test_a_repeat_changes_nothing(self, rig: Rig) -> None:
        sent = rig.enroute("A1")
        rig.hear(receipt("A1"))
        rig.advance(5)
        before = rig.row(sent)
        assert rig.hear(receipt("A1")) == Recorded()
        assert rig.row(sent) == before
        assert len(rig.rows(schema.receipt)) == 1

    def test_a_repeat_in_the_same_batch_does_not_either(self, rig: Rig) -> None:
        rig.enroute("A1")
        recorded = rig.hear(receipt("A1"), receipt("A1"))
        assert (len(recorded.deliveries), len(recorded.ended)) == (1, 1)

    def test_a_different_end_is_on_record_and_has_no_effect(self, rig: Rig) -> None:
        sent = rig.enroute("A1")
        rig.hear(receipt("A1", UNDELIVERABLE))
        assert rig.hear(receipt("A1", DELIVERED)) == Recorded()
        assert rig.state(sent) is State.UNDELIVERABLE
        assert [row.state for row in rig.rows(schema.receipt)] == [DELIVERED, UNDELIVERABLE]
        assert rig.stats_told(sent) == ["UNDELIV"]

    def test_of_two_in_one_batch_the_first_one(self, rig: Rig) -> None:
        sent = rig.enroute("A1")
        rig.hear(receipt("A1", UNDELIVERABLE), receipt("A1", DELIVERED))
        assert rig.state(sent) is State.UNDELIVERABLE

    def test_an_end_of_our_own_wins_too(self, rig: Rig) -> None:
        sent = rig.enroute("A1", deadline_at=START + SECOND)
        rig.advance(1)
        rig.end_overdue()
        assert rig.state(sent) is State.UNKNOWN
        assert rig.hear(receipt("A1")) == Recorded()
        assert rig.stats_told(sent) == ["UNKNOWN"]

    def test_it_overtakes_an_attempt_that_is_under_way(self, rig: Rig) -> None:
        first = rig.submitting()
        rig.record(resent(first, START))
        [second] = rig.claim().messages
        rig.record(accepted(first, "A1"))
        rig.hear(receipt("A1"))
        assert rig.state(first) is State.DELIVERED
        assert rig.resolution(first) is Kind.SETTLE
        assert rig.record(accepted(second, "A2")) == Recorded()

    def test_it_overtakes_a_message_that_waits_to_be_sent_again(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(resent(sent, START))
        rig.hear(receipt("A1"))
        recorded = rig.record(replace(accepted(sent, "A1"), late=True))
        assert [end.state for end in recorded.ended] == [State.DELIVERED]
        assert [message.message_id for message in recorded.unqueued] == [sent.message_id]
        assert rig.claim().messages == []


class TestNews:
    @pytest.mark.parametrize("state", ON_THE_WAY)
    def test_it_is_told_to_those_who_asked_and_ends_nothing(self, rig: Rig, state: MessageState) -> None:
        sent = rig.enroute("A1", registered_delivery=0x11)
        recorded = rig.hear(receipt("A1", state))
        assert (len(recorded.deliveries), recorded.ended) == (1, ())
        assert rig.told()[0].esm_class == 0x20
        assert rig.state(sent) is State.ENROUTE
        rig.hear(receipt("A1"))
        assert rig.stats_told(sent) == [state.stat, "DELIVRD"]

    @pytest.mark.parametrize("registered_delivery", [0, 1, 2])
    def test_it_is_not_told_to_those_who_did_not(self, rig: Rig, registered_delivery: int) -> None:
        rig.enroute("A1", registered_delivery=registered_delivery)
        assert rig.hear(receipt("A1", ENROUTE)) == Recorded()
        assert len(rig.rows(schema.receipt)) == 1

    def test_a_repeat_is_not_told_again(self, rig: Rig) -> None:
        rig.enroute("A1", registered_delivery=0x11)
        rig.hear(receipt("A1", ENROUTE))
        assert rig.hear(receipt("A1", ENROUTE)) == Recorded()

    def test_a_repeat_in_the_same_batch_is_not_either(self, rig: Rig) -> None:
        rig.enroute("A1", registered_delivery=0x11)
        assert len(rig.hear(receipt("A1", ENROUTE), receipt("A1", ENROUTE)).deliveries) == 1

    def test_different_news_is(self, rig: Rig) -> None:
        sent = rig.enroute("A1", registered_delivery=0x11)
        rig.hear(receipt("A1", ACCEPTED), receipt("A1", ENROUTE))
        assert rig.stats_told(sent) == ["ACCEPTD", "ENROUTE"]

    def test_after_the_end_it_is_no_news(self, rig: Rig) -> None:
        rig.enroute("A1", registered_delivery=0x11)
        rig.hear(receipt("A1"))
        assert rig.hear(receipt("A1", ENROUTE)) == Recorded()

    def test_a_state_that_nobody_understands_is_not_told_as_an_end(self, rig: Rig) -> None:
        sent = rig.enroute("A1", registered_delivery=0x11)
        rig.hear(receipt("A1", UNKNOWN))
        assert rig.state(sent) is State.ENROUTE
        rig.hear(receipt("A1"))
        assert rig.stats_told(sent)[-1] == "DELIVRD"

    @pytest.mark.parametrize("state", FINAL)
    def test_an_intermediate_notification_ends_nothing_whatever_it_says(
        self, rig: Rig, state: MessageState
    ) -> None:
        sent = rig.enroute("A1", registered_delivery=0x11)
        assert rig.hear(receipt("A1", state, intermediate=True)).ended == ()
        assert rig.state(sent) is State.ENROUTE
        rig.hear(receipt("A1", state))
        assert rig.state(sent) is State(state)
        assert rig.stats_told(sent)[-1] == state.stat


class TestBeforeTheResponse:
    def test_it_is_parked_and_applied_when_the_response_comes(self, rig: Rig) -> None:
        sent = rig.submitting()
        said = receipt("A1", error="007", at=START)
        assert rig.hear(said) == Recorded(unknown=(said,))
        assert rig.state(sent) is State.SUBMITTING
        rig.advance(3)
        recorded = rig.record(accepted(sent, "A1"))
        assert recorded.ended == (Ended(sent.message_id, "bank", State.DELIVERED, was_queued=False),)
        row = rig.row(sent)
        assert (row.state, row.error, row.final_at) == (State.DELIVERED, "007", START + 3 * SECOND)
        assert rig.resolution(sent) is Kind.SETTLE
        assert rig.stats_told(sent) == ["DELIVRD"]

    def test_from_then_on_it_is_known_whose_it_is(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.hear(receipt("A1"))
        assert [row.message_id for row in rig.rows(schema.receipt)] == [None]
        rig.record(accepted(sent, "A1"))
        assert [row.message_id for row in rig.rows(schema.receipt)] == [sent.message_id]

    def test_parked_twice_it_is_told_once(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.hear(receipt("A1"))
        rig.hear(receipt("A1"))
        rig.record(accepted(sent, "A1"))
        assert rig.hear(receipt("A1")) == Recorded()
        assert rig.stats_told(sent) == ["DELIVRD"]

    def test_news_and_the_end_are_told_in_their_order(self, rig: Rig) -> None:
        sent = rig.submitting(registered_delivery=0x11)
        rig.hear(receipt("A1", ENROUTE, at=START))
        rig.hear(receipt("A1", UNDELIVERABLE, at=START + 1))
        rig.hear(receipt("A1", DELIVERED, at=START + 2))
        rig.record(accepted(sent, "A1"))
        assert rig.stats_told(sent) == ["ENROUTE", "UNDELIV"]

    @pytest.mark.parametrize(("in_response", "in_receipt"), [("A1", "a1"), ("0A1", "161"), ("161", "A1")])
    def test_another_form_of_the_id_is_found_there_too(
        self, rig: Rig, in_response: str, in_receipt: str
    ) -> None:
        sent = rig.submitting()
        rig.hear(receipt(in_receipt))
        rig.record(accepted(sent, in_response))
        assert rig.state(sent) is State.DELIVERED

    def test_a_form_that_is_somebody_elses_stays_parked(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.hear(receipt("161", number="13900139000"))
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.ENROUTE
        assert [row.message_id for row in rig.rows(schema.receipt)] == [None]

    def test_another_carriers_receipt_stays_parked(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.hear(receipt("A1", carrier="south"))
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.ENROUTE

    def test_a_batch_joins_what_belongs_together(self, rig: Rig) -> None:
        first, second, third = rig.submitting(), rig.submitting(), rig.submitting()
        rig.hear(receipt("A2", UNDELIVERABLE), receipt("A1"))
        recorded = rig.record(accepted(first, "A1"), accepted(second, "A2"), accepted(third, "A3"))
        assert len(recorded.ended) == 2
        assert [rig.state(one) for one in (first, second, third)] == [
            State.DELIVERED,
            State.UNDELIVERABLE,
            State.ENROUTE,
        ]

    def test_one_that_has_found_its_message_is_not_applied_to_the_next_of_that_id(self, rig: Rig) -> None:
        rig.enroute("17")
        rig.hear(receipt("17"), receipt("stranger"))
        second = rig.enroute("17")
        assert rig.state(second) is State.ENROUTE
        rig.hear(receipt("17", done_at=START + SECOND))
        assert rig.state(second) is State.DELIVERED

    def test_an_intermediate_notification_does_not_become_an_end_by_waiting(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.hear(receipt("A1", DELIVERED, intermediate=True))
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.ENROUTE

    @pytest.mark.parametrize("again", [False, True])
    def test_it_meets_a_message_in_doubt_when_the_late_response_comes(self, rig: Rig, again: bool) -> None:
        sent = rig.submitting()
        rig.record(resent(sent, START) if again else parked(sent, START + HOUR))
        rig.hear(receipt("A1"))
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.DELIVERED
        assert rig.balance().settled == 1

    def test_one_for_which_no_response_ever_comes_harms_nobody(self, rig: Rig) -> None:
        said = receipt("nobody's")
        assert rig.hear(said).unknown == (said,)
        sent = rig.enroute("A1")
        assert rig.state(sent) is State.ENROUTE


class TestPresumed:
    """The text looks like a receipt, and nothing else says that it is one."""

    def test_if_its_id_is_known_it_is_one(self, rig: Rig) -> None:
        sent = rig.enroute("A1")
        assert rig.hear(receipt("A1", presumed=True)).unknown == ()
        assert rig.state(sent) is State.DELIVERED

    def test_a_recipient_cannot_report_on_anothers_message(self, rig: Rig) -> None:
        sent = rig.enroute("A1")
        said = receipt("A1", number="13900139000", presumed=True)
        assert rig.hear(said).unknown == (said,)
        assert rig.state(sent) is State.ENROUTE

    def test_if_not_it_is_handed_back_and_not_parked(self, rig: Rig) -> None:
        said = receipt("A1", presumed=True)
        assert rig.hear(said).unknown == (said,)
        assert rig.rows(schema.receipt) == []

    def test_whoever_told_it_gets_the_very_same_back(self, rig: Rig) -> None:
        rig.enroute("A1")
        said: list[CarrierReceipt] = [receipt("A1"), receipt("B1", presumed=True), receipt("C1")]
        unknown = rig.hear(*said).unknown
        assert [id(one) for one in unknown] == [id(said[1]), id(said[2])]


class TestUnreadable:
    def test_it_is_kept_as_it_came(self, rig: Rig) -> None:
        said = Unreadable("north", "no id", b"\0\xff?", START)
        assert rig.hear(said) == Recorded()
        [row] = rig.rows(schema.unreadable)
        assert tuple(row)[1:] == ("north", "no id", b"\0\xff?", START)

    def test_it_does_not_disturb_the_others_in_its_batch(self, rig: Rig) -> None:
        sent = rig.enroute("A1")
        bad = Unreadable("north", "no id", b"?", START)
        assert len(rig.hear(bad, receipt("A1"), bad).ended) == 1
        assert rig.state(sent) is State.DELIVERED
        assert len(rig.rows(schema.unreadable)) == 2
