"""The end of an account in the store: what waits is deleted, and what is left is paid back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.message import State
from gateway.store.audit import audit_at_start
from gateway.store.ends import Means
from gateway.store.terminate import BATCH, close, delete, pay_back, waiting
from gateway.stored import Ended, Recorded
from ledger import sql
from ledger.accounts import Balance
from ledger.ending import Settlement
from ledger.lots import Lot
from ledger.standing import events, open_account
from ledger.states import AccountState
from ledger.transfer import Hold, Kind
from smpp.message_state import MessageState
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import SHANGHAI, accepted, message, not_sent, receipt, refused, temporary


@pytest.fixture
def lots(rig: Rig) -> Rig:
    """ "shop" has bought 10 units for 100 fen, then 30 for 100."""
    with rig.engine.begin() as connection:
        sql.topup(connection, Lot(rig.ids.next(), "shop", 10, 100, "R1", rig.now()))
        sql.topup(connection, Lot(rig.ids.next(), "shop", 30, 100, "R2", rig.now() + 1))
        open_account(connection, "shop", rig.now())
    return rig


def end(rig: Rig, reason: str = "the end", batch: int = BATCH) -> tuple[list[Ended], Settlement]:
    """As `signet account terminate` does it."""
    steps = list(in_steps(rig, reason, batch))
    return [each for step in steps if isinstance(step, Recorded) for each in step.ended], steps[-1]


def in_steps(rig: Rig, reason: str = "the end", batch: int = BATCH) -> Iterator[Any]:
    """What comes of each transaction."""
    means = Means(rig.ids.next, SHANGHAI, country_code="86")
    with rig.engine.begin() as connection:
        changed = close(connection, "shop", reason, "ab", rig.now())
    yield changed
    with rig.engine.connect() as connection:
        ids = waiting(connection, "shop")
    for first in range(0, len(ids), batch):
        with rig.engine.begin() as connection:
            recorded = delete(connection, ids[first : first + batch], means, rig.now())
        yield recorded
    with rig.engine.begin() as connection:
        settled = pay_back(connection, "shop", reason, rig.ids.next(), rig.now())
    yield settled


def test_what_was_never_used_is_paid_back_at_its_lots_prices(lots: Rig) -> None:
    sent = lots.enroute("A1", account="shop", units=12)
    lots.hear(receipt("A1"))
    _, settled = end(lots)
    # 28 of the second lot's 30, which cost 10/3 fen each.
    assert [rest.units for rest in settled.rests] == [0, 28]
    assert (settled.balance, settled.returned_fen) == (Balance(40, 0, 0, 12, 28), 93)
    assert lots.state(sent) is State.DELIVERED


def test_what_waits_is_deleted_and_told_and_given_back(lots: Rig) -> None:
    waiting, other = lots.queued(account="shop"), lots.queued(account="bank")
    collecting = lots.queued(account="shop", state=State.COLLECTING)
    deleted, settled = end(lots)
    assert {ended.message_id for ended in deleted} == {waiting.message_id, collecting.message_id}
    assert [lots.state(m) for m in (waiting, collecting)] == [State.DELETED] * 2
    assert lots.resolution(waiting) is Kind.VOID
    assert lots.stats_told(waiting) == ["DELETED"]
    assert lots.state(other) is State.QUEUED
    assert (settled.balance, settled.returned_fen) == (Balance(40, 0, 0, 0, 40), 200)


def test_the_parts_of_a_long_message_end_with_it(lots: Rig) -> None:
    whole, *parts = lots.long(account="shop")
    end(lots)
    assert {lots.state(m) for m in (whole, *parts)} == {State.DELETED}


def test_nothing_is_paid_back_while_units_are_held(lots: Rig) -> None:
    lost, taken = lots.submitting(account="shop"), lots.submitting(account="shop")
    _, settled = end(lots)
    assert (settled.balance, settled.returns) == (Balance(40, 38, 2), [])
    lots.record(refused(lost))
    assert end(lots)[1].returns == []
    lots.record(accepted(taken, "A1"))
    _, settled = end(lots)
    assert (settled.balance, settled.returned_fen) == (Balance(40, 0, 0, 1, 39), 190)


def test_to_end_it_again_changes_nothing(lots: Rig) -> None:
    _, first = end(lots)
    _, again = end(lots, "another reason")
    assert again == first
    with lots.engine.begin() as connection:
        assert [event.state for event in events(connection, "shop")][-1:] == [AccountState.TERMINATED]
        assert [event.reason for event in events(connection, "shop")][-1:] == ["the end"]
        assert [event.document_sha256 for event in events(connection, "shop")][-1:] == ["ab"]


def test_what_comes_back_later_is_returned_for_what_it_adds(lots: Rig) -> None:
    sent = lots.enroute("A1", account="shop", units=12)
    _, first = end(lots)
    with lots.engine.begin() as connection:
        sql.refund(connection, [Hold(sent.message_id, "shop", 12)], lots.now())
    _, second = end(lots)
    assert (first.returned_fen, second.returned_fen) == (93, 200)
    assert [request.amount_fen for request in second.returns] == [93, 107]


def test_nothing_is_taken_after_the_end(lots: Rig) -> None:
    end(lots)
    assert lots.admit(message(lots.ids.next(), account="shop")) == ["ACCOUNT_NOT_OPEN"]


def test_receipts_come_after_the_end_too(lots: Rig) -> None:
    sent = lots.enroute("A1", account="shop")
    end(lots)
    lots.hear(receipt("A1", MessageState.UNDELIVERABLE))
    assert lots.stats_told(sent) == ["UNDELIV"]


def test_what_comes_back_from_a_carrier_after_the_end_is_not_sent_again(lots: Rig) -> None:
    put_off, unsent = lots.submitting(account="shop"), lots.submitting(account="shop")
    other = lots.submitting(account="bank")
    asked = ((put_off, temporary), (unsent, not_sent), (other, temporary))
    end(lots)
    recorded = lots.record(*(back(m, lots.now()) for m, back in asked))
    assert [lots.state(m) for m in (put_off, unsent, other)] == [State.DELETED, State.DELETED, State.QUEUED]
    assert [message.message_id for message in recorded.queued] == [other.message_id]
    assert {ended.message_id: ended.was_queued for ended in recorded.ended} == {
        put_off.message_id: False,
        unsent.message_id: False,
    }
    assert lots.stats_told(put_off) == ["DELETED"]
    _, settled = end(lots)
    assert (settled.balance, settled.returned_fen) == (Balance(40, 0, 0, 0, 40), 200)


@pytest.mark.parametrize("steps", range(5))
def test_broken_off_anywhere_all_adds_up_and_to_begin_anew_ends_it(lots: Rig, steps: int) -> None:
    whole, *parts = lots.long(account="shop")
    alone = [lots.queued(account="shop") for _ in range(3)]
    going = in_steps(lots, batch=2)
    for _ in range(steps):
        next(going)
        check(lots.engine)
        with lots.engine.begin() as connection:
            assert audit_at_start(connection, limit=10) == []
    _, settled = end(lots, batch=2)
    assert {lots.state(m) for m in (whole, *parts, *alone)} == {State.DELETED}
    assert (settled.balance, settled.returned_fen) == (Balance(40, 0, 0, 0, 40), 200)


def test_nothing_leaves_from_its_first_step_on(lots: Rig) -> None:
    mine, other = lots.queued(account="shop"), lots.queued(account="bank")
    next(in_steps(lots))
    claimed = lots.claim()
    assert [message.message_id for message in claimed.messages] == [other.message_id]
    assert [(e.message_id, e.was_queued) for e in claimed.recorded.ended] == [(mine.message_id, True)]
    assert (lots.state(mine), lots.stats_told(mine)) == (State.DELETED, ["DELETED"])
    assert end(lots)[1].returned_fen == 200


def test_what_the_gateway_has_deleted_meanwhile_is_not_deleted_twice(lots: Rig) -> None:
    mine = [lots.queued(account="shop") for _ in range(4)]
    going = in_steps(lots, batch=2)
    next(going)
    next(going)
    lots.claim()
    assert not next(going).ended
    assert [lots.stats_told(message) for message in mine] == [["DELETED"]] * 4
    assert next(going).returned_fen == 200
