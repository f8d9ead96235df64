"""Long messages in the store: their references, and what the end of a part brings about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.message import Message, State
from gateway.store import schema
from gateway.stored import Recorded, Whole
from smpp.message_state import MessageState
from smpp.parts import reference
from tests.gateway.store import samples
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import SECOND, START, accepted, receipt, refused, resent, temporary


def reference_of(rig: Rig, parts: Sequence[Message]) -> int | None:
    """The one that all parts have."""
    (found,) = {reference(rig.row(part).body) for part in parts}
    return found


class TestAReference:
    def test_is_in_use_until_the_last_part_has_ended(self, rig: Rig) -> None:
        _, *parts = rig.long(parts=3)
        claimed = rig.claim().messages
        rig.record(*(accepted(part, f"c{number}") for number, part in enumerate(claimed, 1)))
        rig.hear(receipt("c2"))
        assert [rig.state(part) for part in parts] == [State.ENROUTE, State.DELIVERED, State.ENROUTE]
        used = reference_of(rig, parts)
        _, *others = rig.long(whole_id=used)
        assert reference_of(rig, others) != used
        rig.hear(receipt("c1"), receipt("c3"))
        _, *others = rig.long(whole_id=used)
        assert reference_of(rig, others) == used

    def test_is_in_use_however_the_number_is_spelled(self, rig: Rig) -> None:
        _, *parts = rig.long(destination_addr="13800138000")
        used = reference_of(rig, parts)
        _, *others = rig.long(destination_addr="8613800138000", whole_id=used)
        assert reference_of(rig, others) != used

    def test_is_another_one_for_the_next_message(self, rig: Rig) -> None:
        used = []
        for _ in range(5):
            _, *parts = rig.long()
            used.append(reference_of(rig, parts))
            rig.advance(1.0)
            rig.record(*(refused(part) for part in rig.claim().messages))
        assert len(set(used)) == 5

    def test_of_a_message_that_travels_whole_is_none(self, rig: Rig) -> None:
        assert reference(samples.submit_body()) is None


class TestAPart:
    def test_that_waits_is_not_counted_twice_when_it_falls_with_another(self, rig: Rig) -> None:
        rig.long(parts=3)
        one, two, _ = rig.claim().messages
        waiting = -3
        waiting += change(rig.record(refused(one), temporary(two, START + SECOND)))
        assert waiting == -3
        assert [row.state for row in rig.rows(schema.message)][2] == State.REJECTED

    def test_that_comes_back_after_another_has_failed_is_not_sent_again(self, rig: Rig) -> None:
        whole, *_ = rig.long(parts=2)
        one, two = rig.claim().messages
        waiting = change(rig.record(refused(one)))
        waiting += change(rig.record(temporary(two, START)))
        assert waiting == 0
        assert rig.claim().messages == []
        assert (rig.state(two), rig.state(whole)) == (State.REJECTED, State.REJECTED)

    def test_that_is_in_doubt_when_another_has_failed_is_not_sent_again(self, rig: Rig) -> None:
        rig.long(parts=2)
        one, two = rig.claim().messages
        rig.record(refused(one))
        rig.record(resent(two, START))
        assert rig.claim().messages == []

    def test_of_which_others_wait_falls_with_them_when_a_recipient_cannot_be_reached(self, rig: Rig) -> None:
        whole, *parts = rig.long(parts=2)
        (one,) = rig.claim(count=1).messages
        rig.record(accepted(one, "c1"))
        rig.hear(receipt("c1", MessageState.UNDELIVERABLE))
        assert [rig.state(part) for part in (whole, *parts)] == [State.UNDELIVERABLE] * 3
        assert rig.balance().settled == 1


class TestASegment:
    def test_that_is_stored_twice_ends_as_its_place_does(self, rig: Rig) -> None:
        whole_id = rig.ids.next()
        first, again, last = (segment(rig, whole_id, number) for number in (1, 1, 2))
        assert rig.admit(first, again) == [None, None]
        parts = tuple(part(rig, whole_id, number) for number in (1, 2))
        joined = rig.result(rig.store.join([Whole((again.message_id,), last, parts)]))
        assert joined.rules == [None]
        one, two = rig.claim().messages
        rig.record(accepted(one, "c1"), accepted(two, "c2"))
        rig.hear(receipt("c1"))
        assert [rig.state(row) for row in (again, last)] == [State.DELIVERED, State.JOINED]
        rig.hear(receipt("c2", MessageState.UNDELIVERABLE))
        assert [rig.state(row) for row in (again, last)] == [State.DELIVERED, State.UNDELIVERABLE]
        assert rig.balance().held == 0


def segment(rig: Rig, whole_id: int, number: int) -> Message:
    """One that waits, or the last one."""
    message = samples.message(rig.ids.next())
    state, units = (State.COLLECTING, 1) if number == 1 else (State.JOINED, 0)
    return replace(message, state=state, units=units, whole_id=whole_id, segment=number)


def part(rig: Rig, whole_id: int, number: int) -> Message:
    message = samples.message(rig.ids.next(), registered_delivery=0)
    return replace(message, body=samples.part_body(), whole_id=whole_id, part=number)


def change(recorded: Recorded) -> int:
    """By how much more wait, as the gateway counts."""
    left = len(recorded.unqueued) + sum(end.was_queued for end in recorded.ended)
    return len(recorded.queued) - left
