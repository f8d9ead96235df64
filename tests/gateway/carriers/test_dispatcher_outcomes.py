"""What becomes of an answer, of none, and of a store that cannot take it; and the end of it all."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway.message import State
from gateway.ports import CommitUnknown, StoreUnable
from gateway.settings import InDoubtPolicy
from gateway.stored import AttemptOutcome, Delivery, Ended, Outcome, Recorded
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.dispatching import START, Dispatching, bound
from tests.gateway.carriers.peer import submit_resp
from tests.gateway.carriers.samples import (
    LIMITS,
    TIMERS,
    a_carrier,
    a_message,
    a_waiting_message,
    an_account,
)

RTHROTTLED, RSYSERR, RINVDSTADR = 0x58, 0x08, 0x0B


def recorded(side: Dispatching) -> list[Outcome]:
    """The outcomes that are at the store now."""
    side.turn()
    return [outcome for call in side.store.waiting("record_outcomes") for outcome in call.asked]


def an_outcome(side: Dispatching, command_status: int, **changes: int) -> Outcome:
    """The outcome of a message that the carrier answers with this."""
    (number,) = side.send(1, **changes)
    side.peer().send(submit_resp(number, command_status=command_status))
    (outcome,) = recorded(side)
    return outcome


# -- answers


def test_an_accepted_message_is_recorded_with_the_carriers_id() -> None:
    side = bound()
    (number,) = side.send(1)
    side.pass_time(0.25)
    side.peer().send(submit_resp(number, b"00B8"))
    assert recorded(side) == [
        Outcome(
            message=a_message(1),
            outcome=AttemptOutcome.ACCEPTED,
            carrier="north",
            bind="north/0",
            sent_at=START,
            answered_at=START + 250,
            carrier_message_id="00B8",
            command_status=0,
        )
    ]


def test_an_accepted_message_without_an_id_has_none() -> None:
    side = bound()
    (number,) = side.send(1)
    side.peer().send(submit_resp(number, b""))
    assert [o.carrier_message_id for o in recorded(side)] == [None]


def test_a_temporary_error_sends_the_message_back_with_a_wait() -> None:
    outcome = an_outcome(bound(), RTHROTTLED)
    assert outcome.outcome is AttemptOutcome.TEMPORARY
    assert outcome.command_status == RTHROTTLED
    assert outcome.due_at == START + LIMITS.retry_min_s * 1000 / 2


def test_the_wait_grows_with_the_attempts_until_the_longest() -> None:
    waits = [an_outcome(bound(), RTHROTTLED, attempts=n).due_at - START for n in (1, 2, 3, 7, 100)]
    assert waits == [500, 1000, 2000, 32_000, 32_000]


def test_any_other_error_is_final() -> None:
    with capture_logs() as logs:
        outcome = an_outcome(bound(), RINVDSTADR)
    assert outcome.outcome is AttemptOutcome.REFUSED
    assert (outcome.command_status, outcome.due_at) == (RINVDSTADR, 0)
    assert [(e["event"], e["status"]) for e in logs if e["event"] == "submit.refused"] == [
        ("submit.refused", "ESME_RINVDSTADR")
    ]


def test_each_carrier_has_its_own_temporary_errors() -> None:
    assert an_outcome(bound(), RSYSERR).outcome is AttemptOutcome.REFUSED
    lenient = a_carrier(temporary_statuses=frozenset((RSYSERR,)))
    assert an_outcome(bound(carriers=(lenient,)), RSYSERR).outcome is AttemptOutcome.TEMPORARY


def test_answers_that_come_during_a_commit_share_the_next() -> None:
    side = bound()
    numbers = side.send(1, 2, 3)
    side.peer().send(submit_resp(numbers[0]))
    side.turn()
    side.peer().send(submit_resp(numbers[1]))
    side.peer().send(submit_resp(numbers[2]))
    assert [o.message.message_id for o in recorded(side)] == [1]
    assert side.dispatcher.unrecorded == 3
    side.store.answer("record_outcomes")
    assert [o.message.message_id for o in recorded(side)] == [2, 3]


def test_what_the_store_brought_about_is_told() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(n) for n in (7, 8)])
    side.claim()
    (number,) = side.send(1)
    side.peer().send(submit_resp(number))
    side.turn()
    delivery = Delivery(5, "bank", 7, b"", 0, START)
    ended = [Ended(7, "bank", State.DELETED, True), Ended(1, "bank", State.DELIVERED, False)]
    side.store.answer("record_outcomes", Recorded([delivery], ended))
    assert side.owed == [delivery]
    assert side.dispatcher.waiting("bank") == 1
    assert side.metrics.messages_ended == {("bank", "DELETED"): 1, ("bank", "DELIVERED"): 1}
    assert side.metrics.submits == {("north", "ACCEPTED"): 1}


# -- slots


def test_a_slot_is_given_back_after_the_commit_of_the_outcome_and_not_before() -> None:
    side = bound()
    numbers = side.send(1, 2)
    side.peer().send(*(submit_resp(number) for number in numbers))
    side.turn()
    assert side.bind_of().taken == 2
    side.store.answer("record_outcomes")
    assert side.bind_of().taken == 0


@pytest.mark.parametrize("error", [StoreUnable("disk full"), CommitUnknown("disk gone")])
def test_outcomes_are_tried_again_until_they_are_recorded_and_keep_their_slots(error: Exception) -> None:
    side = bound()
    (number,) = side.send(1)
    side.peer().send(submit_resp(number))
    for wait_s in (0.5, 1.0, 2.0, 4.0):
        assert len(recorded(side)) == 1
        side.store.fail("record_outcomes", error)
        assert side.bind_of().taken == 1
        side.pass_time(wait_s - 0.125)
        assert recorded(side) == []
        side.pass_time(0.125)
    side.store.answer("record_outcomes")
    assert side.bind_of().taken == 0
    assert side.dispatcher.unrecorded == 0


def test_slots_of_several_binds_are_each_given_back_to_their_own() -> None:
    side = bound("north", "south", carriers=(a_carrier(name="north"), a_carrier(name="south")))
    (one,) = side.send(1)
    two, three = side.send(2, 3, route="south")
    side.peer("north").send(submit_resp(one))
    side.peer("south").send(submit_resp(two), submit_resp(three))
    side.turn()
    side.store.answer("record_outcomes")
    assert (side.bind_of("north").taken, side.bind_of("south").taken) == (0, 0)


# -- no answer


def test_a_message_without_an_answer_is_parked_and_waits_no_longer() -> None:
    side = bound()
    side.send(1)
    side.pass_time(TIMERS.response_s)
    (outcome,) = recorded(side)
    now = START + TIMERS.response_s * 1000
    assert (outcome.outcome, outcome.resend) == (AttemptOutcome.IN_DOUBT, False)
    assert outcome.deadline_at == now + LIMITS.in_doubt_s * 1000
    side.store.answer("record_outcomes")
    assert side.dispatcher.waiting("bank") == 0
    assert side.bind_of().taken == 0
    side.pass_time(60)
    assert side.claims() == []


def test_a_message_of_an_account_that_resends_is_claimed_again() -> None:
    side = bound(accounts=(an_account(in_doubt=InDoubtPolicy.RESEND),))
    side.send(1)
    side.pass_time(TIMERS.response_s)
    (outcome,) = recorded(side)
    now = START + TIMERS.response_s * 1000
    assert (outcome.outcome, outcome.resend, outcome.due_at) == (AttemptOutcome.IN_DOUBT, True, now + 500)
    side.store.answer("record_outcomes")
    assert side.dispatcher.waiting("bank") == 1
    assert side.metrics.resends == {"north": 1}
    side.pass_time(0.5)
    assert len(side.claims()) == 1


def test_messages_of_a_lost_bind_are_in_doubt_at_once() -> None:
    side = bound()
    side.send(1, 2)
    side.peer().lose()
    assert [o.outcome.name for o in recorded(side)] == ["IN_DOUBT", "IN_DOUBT"]
    assert side.bind_of().taken == 2


def test_a_message_of_an_account_that_is_gone_is_parked() -> None:
    side = bound(accounts=())
    side.send(1)
    side.peer().lose()
    assert [o.resend for o in recorded(side)] == [False]


def test_a_late_answer_is_recorded_and_gives_no_slot_back() -> None:
    side = bound()
    (number,) = side.send(1)
    side.pass_time(TIMERS.response_s)
    side.turn()
    side.store.answer("record_outcomes")
    side.pass_time(LIMITS.retry_min_s)
    side.send(2)
    side.peer().send(submit_resp(number, b"c9"))
    (outcome,) = recorded(side)
    assert (outcome.outcome, outcome.carrier_message_id) == (AttemptOutcome.ACCEPTED, "c9")
    side.store.answer("record_outcomes")
    assert side.bind_of().taken == 1


# -- stopping


def test_stopping_waits_until_every_outcome_is_recorded() -> None:
    side = bound()
    (number,) = side.send(1)
    side.peer().send(submit_resp(number))
    stopped = side.stop_dispatcher()
    side.turn()
    side.store.fail("record_outcomes", StoreUnable("disk full"))
    assert not fired(stopped)
    side.pass_time(0.5)
    side.store.answer("record_outcomes")
    assert fired(stopped)


def test_stopping_waits_for_the_claim_under_way_and_puts_its_messages_back() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1)])
    side.peer().lose()
    stopped = side.stop_dispatcher()
    assert not fired(stopped)
    side.claim(a_message(1))
    assert [o.outcome.name for o in recorded(side)] == ["NOT_SENT"]
    assert not fired(stopped)
    side.store.answer("record_outcomes")
    assert fired(stopped)


def test_after_the_stop_nothing_is_claimed() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1, due_at=START + 2000)])
    assert fired(side.stop_dispatcher())
    side.dispatcher.queued([a_waiting_message(2)])
    side.pass_time(10)
    assert side.claims() == []


def test_answers_that_come_after_the_stop_are_still_recorded() -> None:
    side = bound()
    (number,) = side.send(1)
    assert fired(side.stop_dispatcher())
    side.peer().send(submit_resp(number))
    assert [o.outcome.name for o in recorded(side)] == ["ACCEPTED"]
    side.store.answer("record_outcomes")
    assert side.bind_of().taken == 0


def test_the_dispatcher_may_be_stopped_before_the_binds_and_again_after_them() -> None:
    side = bound()
    side.send(1)
    assert fired(side.stop_dispatcher())
    side.peer().lose()
    stopped = side.stop_dispatcher()
    assert [o.outcome.name for o in recorded(side)] == ["IN_DOUBT"]
    assert not fired(stopped)
    side.store.answer("record_outcomes")
    assert fired(stopped)
