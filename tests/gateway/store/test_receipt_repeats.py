"""A carrier repeats itself, or uses an id again: its word may mean an older message than the id does now."""

from __future__ import annotations

import pytest

from gateway.message import Message, State
from gateway.store import schema
from gateway.stored import CarrierReceipt, Recorded
from smpp.message_state import MessageState
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import (
    HOUR,
    NUMBER,
    SECOND,
    START,
    accepted,
    parked,
    receipt,
    temporary,
)

DELIVERED, UNDELIVERABLE, ENROUTE = (
    MessageState.DELIVERED,
    MessageState.UNDELIVERABLE,
    MessageState.ENROUTE,
)
LATER = START + 60 * SECOND


def used_again(rig: Rig) -> tuple[Message, Message]:
    """A message that has ended, and a newer one to the same number that has its id."""
    old = rig.enroute("17")
    rig.hear(receipt("17"))
    rig.advance(60)
    return old, rig.enroute("17", submitted_at=LATER)


def test_a_repeat_of_what_ended_the_old_message_does_not_end_the_new_one(rig: Rig) -> None:
    old, new = used_again(rig)
    assert rig.hear(receipt("17", at=LATER)) == Recorded()
    assert (rig.state(old), rig.state(new)) == (State.DELIVERED, State.ENROUTE)


def test_a_repeat_in_another_hour_does_not_either(rig: Rig) -> None:
    _, new = used_again(rig)
    rig.advance(3600)
    assert rig.hear(receipt("17", at=LATER + HOUR)) == Recorded()
    assert rig.state(new) is State.ENROUTE


@pytest.mark.parametrize(
    "heard",
    [
        receipt("17", done_at=LATER, at=LATER),
        receipt("17", error="001", at=LATER),
        receipt("17", number=f"86{NUMBER}", at=LATER),
    ],
    ids=["date", "error", "number"],
)
def test_other_words_are_about_the_new_message(rig: Rig, heard: CarrierReceipt) -> None:
    _, new = used_again(rig)
    assert [end.message_id for end in rig.hear(heard).ended] == [new.message_id]
    [row] = rig.rows(schema.receipt)
    assert (row.message_id, row.done_at, row.error) == (new.message_id, heard.done_at, heard.receipt.error)


def test_once_it_has_ended_too_nothing_more_is_heard_of_either(rig: Rig) -> None:
    used_again(rig)
    rig.hear(receipt("17", done_at=LATER, at=LATER))
    assert rig.hear(receipt("17", done_at=LATER, at=LATER), receipt("17", at=LATER)) == Recorded()


def test_an_old_repeat_and_the_new_word_may_come_in_one_batch(rig: Rig) -> None:
    _, new = used_again(rig)
    said = receipt("17", done_at=LATER, at=LATER)
    recorded = rig.hear(receipt("17", at=LATER), said, said)
    assert [end.message_id for end in recorded.ended] == [new.message_id]


def test_news_of_the_old_message_is_no_news_of_the_new_one(rig: Rig) -> None:
    rig.enroute("17", registered_delivery=0x11)
    rig.hear(receipt("17", ENROUTE))
    new = rig.enroute("17", registered_delivery=0x11)
    assert rig.hear(receipt("17", ENROUTE)) == Recorded()
    assert len(rig.hear(receipt("17", ENROUTE, done_at=LATER)).deliveries) == 1
    assert rig.stats_told(new) == ["ENROUTE"]


def test_news_repeated_without_a_date_are_told_once(rig: Rig) -> None:
    """Of a receipt without a date, `done_at` is its arrival: another one each time."""
    rig.enroute("17", registered_delivery=0x11)
    rig.hear(receipt("17", ENROUTE))
    assert rig.hear(receipt("17", ENROUTE, done_at=LATER, at=LATER)) == Recorded()


def test_a_receipt_that_was_parked_before_a_message_was_submitted_is_not_about_it(rig: Rig) -> None:
    rig.hear(receipt("17"))
    rig.advance(60)
    new = rig.submitting(submitted_at=LATER)
    assert rig.record(accepted(new, "17")) == Recorded()
    assert rig.state(new) is State.ENROUTE
    assert rig.hear(receipt("17", at=LATER)) == Recorded(), "nor is its repeat"
    assert rig.state(new) is State.ENROUTE
    rig.hear(receipt("17", done_at=LATER, at=LATER))
    assert rig.state(new) is State.DELIVERED


def test_a_receipt_that_meant_nobody_for_sure_does_not_by_being_repeated(rig: Rig) -> None:
    first, second = rig.submitting(), rig.submitting()
    rig.record(parked(first, START + SECOND), parked(second, START + HOUR))
    said = receipt("lost")
    assert rig.hear(said).unknown == (said,)
    rig.advance(2)
    rig.end_overdue()
    assert rig.state(first) is State.UNKNOWN
    assert rig.hear(said) == Recorded()
    assert rig.state(second) is State.IN_DOUBT


def test_an_id_that_came_with_a_negative_answer_is_nobodys(rig: Rig) -> None:
    """A submit_sm_resp has a message_id only where the message was accepted (SMPP 3.4, 4.4.2)."""
    sent = rig.submitting()
    rig.record(temporary(sent, START, carrier_message_id="17"))
    said = receipt("17")
    assert rig.hear(said).unknown == (said,)
    assert (rig.state(sent), rig.resolution(sent)) == (State.QUEUED, None)
