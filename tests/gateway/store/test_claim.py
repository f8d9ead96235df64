from __future__ import annotations

from dataclasses import replace

from gateway.message import Message, State
from gateway.store import schema
from ledger.transfer import Kind
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import (
    HOUR,
    SECOND,
    START,
    accepted,
    parked,
    refused,
    reply,
    temporary,
)


def test_the_longest_due_go_first_and_of_equals_the_oldest(rig: Rig) -> None:
    third = rig.queued(due_at=START)
    fourth = rig.queued(due_at=START)
    first = rig.queued(due_at=START - 2 * SECOND)
    second = rig.queued(due_at=START - SECOND)
    taken = [message.message_id for message in rig.claim().messages]
    assert taken == [message.message_id for message in (first, second, third, fourth)]


def test_the_intent_is_stored_as_it_is_answered(rig: Rig) -> None:
    rig.recover()
    rig.recover()
    waiting = rig.queued()
    [claimed] = rig.claim(carrier="south").messages
    assert claimed == replace(waiting, state=State.SUBMITTING, carrier="south", epoch=2, attempts=1)
    row = rig.row(waiting)
    assert (row.state, row.carrier, row.epoch, row.attempts) == (State.SUBMITTING, "south", 2, 1)
    assert rig.rows(schema.attempt) == []


def test_no_more_are_taken_than_there_is_room_for(rig: Rig) -> None:
    for _ in range(3):
        rig.queued()
    claimed = rig.claim(count=2)
    assert len(claimed.messages) == 2
    assert claimed.due == {"north": START}
    rest = rig.claim(count=2)
    assert len(rest.messages) == 1
    assert rest.due == {}


def test_nothing_is_taken_twice(rig: Rig) -> None:
    rig.queued()
    assert len(rig.claim().messages) == 1
    assert rig.claim().messages == []


def test_only_the_routes_asked_for_are_served(rig: Rig) -> None:
    rig.queued(route="south", due_at=START - HOUR)
    north = rig.queued(route="north")
    both = rig.queued(route="north,south")
    claimed = rig.claim("north", "north,south")
    assert [m.message_id for m in claimed.messages] == [north.message_id, both.message_id]
    assert claimed.due == {}


def test_what_is_due_later_is_left_and_named(rig: Rig) -> None:
    rig.queued(due_at=START + 3 * SECOND)
    rig.queued(due_at=START + 2 * SECOND)
    claimed = rig.claim()
    assert (claimed.messages, claimed.due) == ([], {"north": START + 2 * SECOND})
    rig.advance(2)
    assert len(rig.claim().messages) == 1


def test_only_what_waits_is_taken(rig: Rig) -> None:
    rig.submitting()
    rig.enroute("A1")
    rig.record(refused(rig.submitting()), parked(rig.submitting(), START + HOUR))
    claimed = rig.claim()
    assert (claimed.messages, claimed.due) == ([], {})


def test_what_is_no_longer_valid_is_not_sent(rig: Rig) -> None:
    late = rig.queued(deadline_at=START + SECOND)
    rig.advance(1)
    claimed = rig.claim()
    assert (claimed.messages, claimed.due) == ([], {})
    assert rig.state(late) is State.QUEUED


def test_what_may_still_be_sent_is(rig: Rig) -> None:
    rig.queued(deadline_at=START + 1)
    assert len(rig.claim().messages) == 1


def test_each_route_says_when_it_is_next_due(rig: Rig) -> None:
    rig.queued(route="north", due_at=START + SECOND)
    rig.queued(route="south", due_at=START + 2 * SECOND)
    rig.queued(route="south", due_at=START + HOUR)
    claimed = rig.claim("north", "south", "west")
    assert claimed.due == {"north": START + SECOND, "south": START + 2 * SECOND}


def test_the_room_is_for_all_routes_together(rig: Rig) -> None:
    for route in ("north", "north", "south", "south"):
        rig.queued(route=route)
    claimed = rig.claim("north", "south", count=3)
    assert len(claimed.messages) == 3
    assert claimed.due == {"south": START}


class TestHours:
    def test_an_account_that_may_not_send_now_is_put_off_until_it_may(self, rig: Rig) -> None:
        rig.top_up("night", 10)
        closed = rig.queued(account="night")
        open_ = rig.queued()
        opens = START + HOUR // 2

        def opens_at(message: Message, now: int) -> int:
            assert now == START
            return opens if message.account == "night" else now

        claimed = rig.claim(opens_at=opens_at)
        assert [m.message_id for m in claimed.messages] == [open_.message_id]
        assert claimed.due == {"north": opens}
        row = rig.row(closed)
        assert (row.state, row.due_at, row.attempts) == (State.QUEUED, opens, 0)

    def test_it_goes_out_when_they_open(self, rig: Rig) -> None:
        closed = rig.queued()
        rig.claim(opens_at=lambda _, now: now + SECOND)
        assert rig.claim().messages == []
        rig.advance(1)
        assert [m.message_id for m in rig.claim().messages] == [closed.message_id]

    def test_a_page_of_closed_accounts_does_not_stand_in_the_way(self, rig: Rig) -> None:
        rig.top_up("night", 10)
        for _ in range(3):
            rig.queued(account="night")
        behind = rig.queued()

        def opens_at(message: Message, now: int) -> int:
            return now + HOUR if message.account == "night" else now

        first = rig.claim(count=2, opens_at=opens_at)
        assert first.messages == []
        assert first.due == {"north": START}, "there is more to be had at once"
        second = rig.claim(count=2, opens_at=opens_at)
        assert [m.message_id for m in second.messages] == [behind.message_id]


def test_a_message_that_came_back_is_claimed_like_any_other(rig: Rig) -> None:
    waiting = rig.queued()
    [claimed] = rig.claim().messages
    rig.record(accepted(claimed, "A1"))
    assert rig.state(waiting) is State.ENROUTE


def test_a_message_whose_recipient_opted_out_while_it_was_with_a_carrier_is_not_sent_again(rig: Rig) -> None:
    message = rig.submitting(registered_delivery=1)
    rig.read(reply())
    rig.record(temporary(message, due_at=START))
    claimed = rig.claim()
    assert claimed.messages == []
    assert [(end.message_id, end.state) for end in claimed.recorded.ended] == [
        (message.message_id, State.DELETED)
    ]
    assert rig.stats_told(message) == ["DELETED"]
    assert rig.resolution(message) is Kind.VOID
