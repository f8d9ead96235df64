from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from gateway.ids import MessageIds
from gateway.message import State
from gateway.store import schema
from gateway.store.engine import connect
from gateway.store.recover import last_id
from gateway.store.schema_broadcasts import broadcast_recipient
from gateway.stored import AttemptOutcome, DeliveryOutcome, Ended, FinishedDelivery, Recorded, Unreadable
from ledger.accounts import Balance
from ledger.transfer import Kind
from tests.gateway.store import written
from tests.gateway.store.database import open_quickly
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import NODE, Rig
from tests.gateway.store.samples import (
    HOUR,
    SECOND,
    START,
    accepted,
    message,
    parked,
    receipt,
    refused,
    reply,
    resent,
)

LATER = START + HOUR


class TestANewEpoch:
    def test_it_rises_with_each_life(self, rig: Rig) -> None:
        assert [rig.recover().epoch for _ in range(3)] == [1, 2, 3]
        [row] = rig.rows(schema.node)
        assert tuple(row) == (NODE, 3, START)

    def test_it_survives_the_file_being_closed(self, path: Path) -> None:
        for epoch in (1, 2):
            engine = connect(path, busy_timeout_s=0.0)
            rig = Rig(engine, units=0)
            assert rig.recover().epoch == epoch
            rig.close()
            engine.dispose()

    def test_it_stands_in_the_intents_of_this_life(self, rig: Rig) -> None:
        rig.recover()
        rig.recover()
        waiting = rig.queued()
        rig.claim()
        assert rig.row(waiting).epoch == 2

    def test_an_empty_store_has_nothing_to_tell(self, rig: Rig) -> None:
        found = rig.recover()
        assert (found.parked, found.resent, found.queued, found.owed) == (0, 0, [], [])


class TestWhatWasBeingSubmitted:
    def test_it_is_in_doubt_until_the_deadline_and_its_hold_stays(self, rig: Rig) -> None:
        sent = rig.submitting()
        found = rig.recover(in_doubt_deadline_at=LATER)
        assert (found.parked, found.resent) == (1, 0)
        row = rig.row(sent)
        assert (row.state, row.deadline_at, row.resends) == (State.IN_DOUBT, LATER, 0)
        assert rig.resolution(sent) is None

    def test_an_account_that_wants_it_sent_again_has_it_queued_and_marked(self, rig: Rig) -> None:
        rig.top_up("codes", 10)
        sent, code = rig.submitting(), rig.submitting(account="codes", due_at=START - HOUR)
        found = rig.recover(resend_accounts={"codes"}, in_doubt_deadline_at=LATER)
        assert (found.parked, found.resent) == (1, 1)
        assert rig.state(sent) is State.IN_DOUBT
        row = rig.row(code)
        assert (row.state, row.due_at, row.resends, row.deadline_at) == (
            *(State.QUEUED, START, 1),
            code.deadline_at,
        )
        assert found.queued == [("codes", "north", 1)]
        [claimed] = rig.claim().messages
        assert (claimed.message_id, claimed.attempts) == (code.message_id, 2)

    def test_its_attempt_is_on_record(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.recover()
        [attempt] = rig.attempts(sent)
        assert (attempt.number, attempt.outcome, attempt.carrier) == (1, AttemptOutcome.IN_DOUBT, "north")

    def test_recovering_once_more_leaves_it_in_doubt(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.recover(in_doubt_deadline_at=LATER)
        before = rig.row(sent)
        found = rig.recover(resend_accounts={"bank"}, in_doubt_deadline_at=LATER + 1)
        assert (found.parked, found.resent) == (0, 0)
        assert rig.row(sent) == before

    def test_it_ends_unknown_and_is_given_back_if_nothing_is_heard(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.recover(in_doubt_deadline_at=LATER)
        rig.advance(3600)
        assert [end.state for end in rig.end_overdue().ended] == [State.UNKNOWN]
        assert rig.balance() == Balance(topped_up=1000, remaining=1000)
        assert rig.stats_told(sent) == ["UNKNOWN"]


class TestWhatElseIsFound:
    def test_what_waits_is_counted_by_account_and_route(self, rig: Rig) -> None:
        rig.top_up("shop", 10)
        for account, route in (("bank", "north"), ("bank", "north"), ("bank", "south"), ("shop", "north")):
            rig.queued(account=account, route=route)
        rig.enroute("A1")
        assert sorted(rig.recover().queued) == [
            ("bank", "north", 2),
            ("bank", "south", 1),
            ("shop", "north", 1),
        ]

    def test_accounts_with_deliveries_are_named_once(self, rig: Rig) -> None:
        rig.read(*(reply(opts_out=False, account=account) for account in ("bank", "bank", "shop", "done")))
        done = [row for row in rig.rows(schema.delivery) if row.account == "done"]
        [delivery], _ = rig.result(rig.store.waiting_deliveries("done", 1, ()))
        assert delivery.delivery_id == done[0].delivery_id
        rig.result(rig.store.finish_deliveries([FinishedDelivery(delivery, DeliveryOutcome.ACKNOWLEDGED)]))
        assert sorted(rig.recover().owed) == ["bank", "shop"]

    def test_whatever_state_it_is_in_nothing_else_is_touched(self, rig: Rig) -> None:
        rig.queued()
        rig.enroute("A1")
        rig.enroute("A2")
        rig.hear(receipt("A2"))
        rig.record(refused(rig.submitting()), parked(rig.submitting(), LATER))
        before = rig.rows(schema.message)
        rig.recover(in_doubt_deadline_at=LATER + HOUR)
        assert rig.rows(schema.message) == before


class TestTheHighestId:
    """A clock that was set back must not hand out the same ids once more."""

    def found(self, rig: Rig) -> int:
        with rig.engine.begin() as connection:
            return last_id(connection)

    def test_an_empty_store_knows_none(self, rig: Rig) -> None:
        assert self.found(rig) == 0

    def test_it_may_be_a_messages(self, rig: Rig) -> None:
        rig.queued()
        newest = rig.queued()
        assert self.found(rig) == newest.message_id

    def test_it_may_be_a_deliverys(self, rig: Rig) -> None:
        rig.enroute("A1")
        [delivery] = rig.hear(receipt("A1")).deliveries
        assert self.found(rig) == delivery.delivery_id

    def test_it_may_be_a_replys_that_is_owed_to_nobody(self, rig: Rig) -> None:
        rig.read(reply(account=None))
        assert self.found(rig) == rig.rows(schema.inbound)[0].inbound_id

    def test_it_may_be_that_of_something_unreadable(self, rig: Rig) -> None:
        rig.hear(Unreadable("north", "no id", b"?", START))
        assert self.found(rig) == rig.rows(schema.unreadable)[0].unreadable_id

    def test_it_may_be_that_of_a_refused_submit(self, rig: Rig) -> None:
        refused = written.refuse(rig, "text", "OUTSIDE_HOURS")
        assert self.found(rig) == refused

    def test_it_may_be_one_that_a_broadcast_has_for_a_message_to_come(self, rig: Rig) -> None:
        row = {"broadcast_id": 7, "place": 1, "number": "13800138000", "outcome": 0, "message_id": 1 << 60}
        with rig.engine.begin() as connection:
            connection.execute(insert(broadcast_recipient), row)
        assert self.found(rig) == 1 << 60

    def test_ids_go_on_above_it_whatever_the_clock_says(self, rig: Rig) -> None:
        rig.queued()
        ids = MessageIds(NODE, lambda: 0, self.found(rig))
        rig.hear(Unreadable("north", "no id", b"?", START))
        assert rig.admit(message(ids.next())) == [None]


class TestOverdue:
    def test_what_never_left_expires_and_costs_nothing(self, rig: Rig) -> None:
        waiting = rig.queued(deadline_at=START + SECOND, units=2)
        assert rig.end_overdue() == Recorded()
        rig.advance(1)
        recorded = rig.end_overdue()
        assert recorded.ended == (Ended(waiting.message_id, "bank", State.EXPIRED, was_queued=True),)
        assert rig.state(waiting) is State.EXPIRED
        assert rig.resolution(waiting) is Kind.VOID
        assert rig.stats_told(waiting) == ["EXPIRED"]
        assert rig.end_overdue() == Recorded()

    def test_what_is_in_doubt_ends_unknown_and_costs_nothing(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(parked(sent, START + SECOND))
        rig.advance(1)
        [ended] = rig.end_overdue().ended
        assert ended == Ended(sent.message_id, "bank", State.UNKNOWN, was_queued=False)
        assert rig.resolution(sent) is Kind.VOID

    def test_what_a_carrier_took_ends_unknown_and_stays_paid_for(self, rig: Rig) -> None:
        sent = rig.enroute("A1", deadline_at=START + SECOND)
        rig.advance(10)
        assert rig.end_overdue(receipt_wait_s=10) == Recorded(), "the receipt of its expiry may yet come"
        rig.advance(1)
        [ended] = rig.end_overdue(receipt_wait_s=10).ended
        assert ended.state is State.UNKNOWN
        assert rig.resolution(sent) is Kind.SETTLE
        assert rig.stats_told(sent) == ["UNKNOWN"]

    def test_what_was_to_be_sent_again_and_was_taken_after_all_has_its_wait(self, rig: Rig) -> None:
        sent = rig.submitting(deadline_at=START + SECOND)
        rig.record(resent(sent, START + 5 * SECOND))
        rig.record(replace(accepted(sent, "A1"), late=True))
        rig.advance(10)
        assert rig.end_overdue(receipt_wait_s=10) == Recorded()
        assert rig.state(sent) is State.ENROUTE

    def test_what_is_being_submitted_is_left_to_its_outcome(self, rig: Rig) -> None:
        sent = rig.submitting(deadline_at=START + SECOND)
        rig.advance(1)
        assert rig.end_overdue(receipt_wait_s=10) == Recorded()
        assert rig.state(sent) is State.SUBMITTING

    def test_an_outcome_that_never_comes_does_not_keep_it_for_ever(self, rig: Rig) -> None:
        """Where nobody knows whether the intent was committed, nobody submits it either."""
        sent = rig.submitting(deadline_at=START + SECOND)
        rig.advance(11)
        [ended] = rig.end_overdue(receipt_wait_s=10).ended
        assert ended == Ended(sent.message_id, "bank", State.UNKNOWN, was_queued=False)
        assert rig.resolution(sent) is Kind.VOID

    def test_those_who_wanted_no_receipt_get_none(self, rig: Rig) -> None:
        rig.queued(deadline_at=START + SECOND, registered_delivery=0)
        rig.queued(deadline_at=START + SECOND, registered_delivery=2)
        rig.advance(1)
        assert len(rig.end_overdue().deliveries) == 1

    @pytest.mark.parametrize("count", [1, 2])
    def test_the_longest_overdue_go_first_and_no_more_than_asked(self, rig: Rig, count: int) -> None:
        second = rig.queued(deadline_at=START + 2 * SECOND)
        first = rig.queued(deadline_at=START + SECOND)
        third = rig.queued(deadline_at=START + 3 * SECOND)
        rig.advance(3)
        order = [one.message_id for one in (first, second, third)]
        found: list[int] = []
        while ended := rig.end_overdue(count=count).ended:
            assert len(ended) <= count
            found += [end.message_id for end in ended]
        assert found == order


def test_a_crash_loses_nothing_that_was_answered(path: Path) -> None:
    """Every object is dropped as it stands; only the file remains."""
    rig = Rig(open_quickly(path))
    rig.recover()
    queued, submitting, enroute = rig.queued(), rig.submitting(), rig.enroute("A1")
    rig.hear(receipt("early"))
    engine = connect(path, busy_timeout_s=0.0)
    after = Rig(engine, units=0)
    found = after.recover(in_doubt_deadline_at=LATER)
    assert (found.epoch, found.parked, found.queued) == (2, 1, [("bank", "north", 1)])
    assert [after.state(one) for one in (queued, submitting, enroute)] == [
        State.QUEUED,
        State.IN_DOUBT,
        State.ENROUTE,
    ]
    [claimed] = after.claim().messages
    assert claimed.message_id == queued.message_id
    after.hear(receipt("A1"))
    assert after.state(enroute) is State.DELIVERED
    check(engine)
    for life in (after, rig):
        life.close()
        life.engine.dispose()
