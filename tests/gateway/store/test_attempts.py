from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.message import Message, State
from gateway.store import schema
from gateway.stored import AttemptOutcome, Ended, Outcome, Recorded
from ledger.accounts import Balance
from ledger.transfer import Kind
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import (
    HOUR,
    SECOND,
    START,
    accepted,
    message,
    not_sent,
    parked,
    receipt,
    refused,
    resent,
    temporary,
)

LATER = START + 10 * SECOND


def every_kind(sent: Message) -> dict[str, Outcome]:
    return {
        "accepted": accepted(sent, "id-1"),
        "refused": refused(sent),
        "temporary": temporary(sent, LATER),
        "parked": parked(sent, LATER),
        "resent": resent(sent, LATER),
        "not sent": not_sent(sent, LATER),
    }


KINDS = tuple(every_kind(message(1)))


class TestAccepted:
    def test_it_is_on_its_way_and_paid_for(self, rig: Rig) -> None:
        sent = rig.submitting(units=2)
        assert rig.record(accepted(sent, "A1")) == Recorded()
        assert rig.state(sent) is State.ENROUTE
        assert rig.resolution(sent) is Kind.SETTLE
        assert rig.balance() == Balance(topped_up=1000, remaining=998, settled=2)

    def test_its_carriers_id_is_kept_as_it_came(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(replace(accepted(sent, "00AbC-9"), answered_at=START + 5))
        [row] = rig.attempts(sent)
        assert tuple(row) == (
            *(sent.message_id, 1, AttemptOutcome.ACCEPTED, "north", "north-1"),
            *("00AbC-9", "abc-9", 0, START, START + 5),
        )

    def test_a_carrier_that_names_no_id_has_accepted_all_the_same(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(accepted(sent, None))
        assert rig.state(sent) is State.ENROUTE
        assert rig.attempts(sent)[0].carrier_key is None


class TestRefused:
    def test_it_ends_and_costs_nothing(self, rig: Rig) -> None:
        sent = rig.submitting(units=2)
        recorded = rig.record(refused(sent, 0x0B))
        assert recorded.ended == (Ended(sent.message_id, "bank", State.REJECTED, was_queued=False),)
        assert rig.state(sent) is State.REJECTED
        assert rig.row(sent).final_at == START
        assert rig.resolution(sent) is Kind.VOID
        assert rig.balance() == Balance(topped_up=1000, remaining=1000)

    @pytest.mark.parametrize(
        ("status", "err"), [(0x0B, "00b"), (0x45, "045"), (0x40A, "40a"), (0x12345, "345")]
    )
    def test_the_sender_is_told_with_the_status(self, rig: Rig, status: int, err: str) -> None:
        sent = rig.submitting()
        [delivery] = rig.record(refused(sent, status)).deliveries
        assert (delivery.account, delivery.message_id) == ("bank", sent.message_id)
        [told] = rig.told()
        assert told.text.startswith(f"id:{sent.message_id} sub:001 dlvrd:000 ")
        assert f" stat:REJECTD err:{err} " in told.text
        assert (told.source_addr, told.destination_addr) == (sent.destination_addr, sent.source_addr)

    def test_a_sender_that_asked_for_nothing_is_told_nothing(self, rig: Rig) -> None:
        assert rig.record(refused(rig.submitting(registered_delivery=0))).deliveries == ()


class TestBackToTheQueue:
    def test_a_carrier_that_cannot_now_is_asked_again_later(self, rig: Rig) -> None:
        sent = rig.submitting()
        [queued] = rig.record(temporary(sent, LATER)).queued
        assert (queued.message_id, queued.state, queued.due_at) == (sent.message_id, State.QUEUED, LATER)
        row = rig.row(sent)
        assert (row.state, row.due_at, row.attempts, row.resends) == (State.QUEUED, LATER, 1, 0)
        assert rig.resolution(sent) is None
        [attempt] = rig.attempts(sent)
        assert (attempt.outcome, attempt.command_status) == (AttemptOutcome.TEMPORARY, 0x58)
        assert rig.claim().messages == []
        rig.advance(10)
        [again] = rig.claim().messages
        assert (again.message_id, again.attempts) == (sent.message_id, 2)

    def test_what_never_left_leaves_no_attempt_behind(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(not_sent(sent, START))
        assert rig.state(sent) is State.QUEUED
        assert rig.attempts(sent) == []
        [again] = rig.claim().messages
        assert again.attempts == 2

    def test_of_an_intent_that_was_never_stored_it_leaves_no_trace(self, rig: Rig) -> None:
        """Where nobody knows whether a COMMIT happened, what it would have submitted is called not sent."""
        never_stored, waiting = message(rig.ids.next(), state=State.SUBMITTING), rig.queued()
        never_claimed = replace(waiting, state=State.SUBMITTING, carrier="north", attempts=1)
        before = rig.row(waiting)
        rig.record(not_sent(never_stored, LATER), not_sent(never_claimed, LATER))
        assert [row.message_id for row in rig.rows(schema.message)] == [waiting.message_id]
        assert rig.row(waiting) == before
        assert rig.rows(schema.attempt) == []

    def test_many_attempts_are_one_message_and_one_charge(self, rig: Rig) -> None:
        sent = rig.submitting()
        for number in range(1, 6):
            assert sent.attempts == number
            rig.record(temporary(sent, START))
            [sent] = rig.claim().messages
        rig.record(accepted(sent, "A1"))
        assert [row.number for row in rig.attempts(sent)] == [1, 2, 3, 4, 5, 6]
        assert rig.balance().settled == 1

    def test_another_carrier_of_the_route_may_have_it_next(self, rig: Rig) -> None:
        sent = rig.submitting(route="north,south")
        rig.record(temporary(sent, START))
        [again] = rig.claim("north,south", carrier="south").messages
        rig.record(accepted(again, "S1", carrier="south"))
        assert [row.carrier for row in rig.attempts(sent)] == ["north", "south"]
        assert rig.row(sent).carrier == "south"


class TestInDoubt:
    def test_parked_it_waits_for_its_deadline_with_its_hold(self, rig: Rig) -> None:
        sent = rig.submitting()
        assert rig.record(parked(sent, LATER)) == Recorded()
        row = rig.row(sent)
        assert (row.state, row.deadline_at, row.resends) == (State.IN_DOUBT, LATER, 0)
        assert rig.resolution(sent) is None
        assert rig.claim().due == {}

    def test_resent_it_is_queued_and_marked(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(resent(sent, LATER))
        row = rig.row(sent)
        assert (row.state, row.due_at, row.resends, row.deadline_at) == (
            *(State.QUEUED, LATER, 1),
            sent.deadline_at,
        )
        assert rig.resolution(sent) is None
        rig.advance(10)
        [again] = rig.claim().messages
        rig.record(resent(again, LATER))
        assert rig.row(sent).resends == 2

    @pytest.mark.parametrize("outcome", [parked, resent])
    def test_the_attempt_is_on_record_without_an_answer(
        self, rig: Rig, outcome: Callable[[Message, int], Outcome]
    ) -> None:
        sent = rig.submitting()
        rig.record(outcome(sent, LATER))
        [attempt] = rig.attempts(sent)
        assert attempt.outcome == AttemptOutcome.IN_DOUBT
        assert (attempt.answered_at, attempt.command_status, attempt.carrier_key) == (None, None, None)


class TestALateAnswerToAParkedMessage:
    def test_an_acceptance_takes_it_out_of_doubt(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(parked(sent, LATER))
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.ENROUTE
        assert rig.resolution(sent) is Kind.SETTLE
        [attempt] = rig.attempts(sent)
        assert (attempt.outcome, attempt.carrier_message_id) == (AttemptOutcome.ACCEPTED, "A1")
        rig.hear(receipt("A1"))
        assert rig.stats_told(sent) == ["DELIVRD"]

    def test_a_refusal_ends_it(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(parked(sent, LATER))
        rig.record(refused(sent))
        assert rig.state(sent) is State.REJECTED
        assert rig.resolution(sent) is Kind.VOID

    def test_a_temporary_no_puts_it_back_into_the_queue_for_as_long_as_it_is_valid(self, rig: Rig) -> None:
        sent = rig.submitting(deadline_at=START + 60 * SECOND)
        rig.record(parked(sent, START + 24 * HOUR))
        rig.record(temporary(sent, LATER))
        row = rig.row(sent)
        assert (row.state, row.due_at) == (State.QUEUED, LATER)
        assert row.deadline_at == sent.deadline_at

    def test_after_its_end_an_acceptance_comes_too_late(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(parked(sent, LATER))
        rig.advance(10)
        rig.end_overdue()
        assert rig.record(accepted(sent, "A1")) == Recorded()
        assert rig.state(sent) is State.UNKNOWN
        assert rig.resolution(sent) is Kind.VOID
        rig.hear(receipt("A1"))
        assert rig.state(sent) is State.UNKNOWN

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "not sent"])
    def test_after_its_end_nothing_brings_it_back(self, rig: Rig, kind: str) -> None:
        sent = rig.submitting()
        rig.record(parked(sent, LATER))
        rig.advance(10)
        rig.end_overdue()
        before = rig.row(sent)
        rig.record(every_kind(sent)[kind])
        assert rig.row(sent) == before
        assert rig.resolution(sent) is Kind.VOID


class TestALateAnswerToAMessageThatIsSentAgain:
    def test_accepted_while_it_waits_it_is_not_sent_again(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(resent(sent, START))
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.ENROUTE
        claimed = rig.claim()
        assert (claimed.messages, claimed.due) == ([], {})

    def test_accepted_while_it_waits_it_waits_no_more(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(resent(sent, START))
        recorded = rig.record(replace(accepted(sent, "A1"), late=True))
        assert [message.message_id for message in recorded.unqueued] == [sent.message_id]

    def test_accepted_and_ended_at_once_it_waits_no_more_either(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(resent(sent, START))
        rig.hear(receipt("A1"))
        recorded = rig.record(replace(accepted(sent, "A1"), late=True))
        assert [end.was_queued for end in recorded.ended] == [False]
        assert [message.message_id for message in recorded.unqueued] == [sent.message_id]

    def test_two_acceptances_are_one_charge_and_both_ids_are_known(self, rig: Rig) -> None:
        first = rig.submitting()
        rig.record(resent(first, START))
        [second] = rig.claim().messages
        rig.record(accepted(first, "A1"))
        assert rig.state(first) is State.ENROUTE
        rig.record(accepted(second, "A2"))
        assert rig.balance() == Balance(topped_up=1000, remaining=999, settled=1)
        rig.hear(receipt("A2"))
        rig.hear(receipt("A1"))
        assert rig.stats_told(first) == ["DELIVRD"]

    @pytest.mark.parametrize("kind", ["refused", "temporary", "parked", "resent"])
    def test_no_other_late_answer_disturbs_the_second_attempt(self, rig: Rig, kind: str) -> None:
        first = rig.submitting()
        rig.record(resent(first, START))
        [second] = rig.claim().messages
        before = rig.row(first)
        assert rig.record(every_kind(first)[kind]) == Recorded()
        assert rig.row(first) == before
        rig.record(accepted(second, "A2"))
        assert rig.state(first) is State.ENROUTE

    @pytest.mark.parametrize("kind", KINDS)
    def test_once_the_first_is_accepted_the_second_changes_nothing(self, rig: Rig, kind: str) -> None:
        first = rig.submitting()
        rig.record(resent(first, START))
        [second] = rig.claim().messages
        rig.record(accepted(first, "A1"))
        before = rig.row(first)
        assert rig.record(every_kind(second)[kind]) == Recorded()
        assert rig.row(first) == before
        assert rig.balance().settled == 1

    def test_a_refusal_of_the_first_leaves_the_second_to_be_sent(self, rig: Rig) -> None:
        first = rig.submitting()
        rig.record(resent(first, START))
        assert rig.record(refused(first)) == Recorded()
        assert rig.state(first) is State.QUEUED


class TestBatches:
    @pytest.mark.parametrize("kind", KINDS)
    def test_an_outcome_that_is_recorded_again_changes_nothing(self, rig: Rig, kind: str) -> None:
        """The answer of a commit may be lost; whoever waits for it says the same once more."""
        sent = rig.submitting()
        rig.record(every_kind(sent)[kind])
        before = (rig.row(sent), rig.attempts(sent), rig.balance(), rig.told())
        assert rig.record(every_kind(sent)[kind]) == Recorded()
        assert (rig.row(sent), rig.attempts(sent), rig.balance(), rig.told()) == before

    def test_every_kind_at_once(self, rig: Rig) -> None:
        sent = {kind: rig.submitting() for kind in KINDS}
        recorded = rig.record(*(every_kind(one)[kind] for kind, one in sent.items()))
        assert {kind: rig.state(one) for kind, one in sent.items()} == {
            "accepted": State.ENROUTE,
            "refused": State.REJECTED,
            "temporary": State.QUEUED,
            "parked": State.IN_DOUBT,
            "resent": State.QUEUED,
            "not sent": State.QUEUED,
        }
        assert [end.message_id for end in recorded.ended] == [sent["refused"].message_id]
        assert rig.balance() == Balance(topped_up=1000, remaining=995, held=4, settled=1)

    @pytest.mark.parametrize("doubt", [parked, resent])
    def test_a_doubt_and_the_late_answer_may_come_together(
        self, rig: Rig, doubt: Callable[[Message, int], Outcome]
    ) -> None:
        sent = rig.submitting()
        rig.record(doubt(sent, START), accepted(sent, "A1"))
        assert rig.state(sent) is State.ENROUTE
        [attempt] = rig.attempts(sent)
        assert attempt.carrier_message_id == "A1"
        assert rig.claim().messages == []

    def test_of_two_attempts_that_end_together_the_acceptance_wins(self, rig: Rig) -> None:
        first = rig.submitting()
        rig.record(resent(first, START))
        [second] = rig.claim().messages
        rig.record(refused(second), accepted(first, "A1"))
        assert rig.state(first) is State.ENROUTE
        assert rig.resolution(first) is Kind.SETTLE

    def test_nothing_to_record_is_no_trouble(self, rig: Rig) -> None:
        assert rig.record() == Recorded()
