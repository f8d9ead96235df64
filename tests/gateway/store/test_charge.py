"""`charge`: an account pays for what a carrier has accepted, or only for what was delivered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from gateway.message import State
from gateway.store.ends import Means
from gateway.store.sqlstore import SqlStore
from ledger.accounts import Balance
from smpp.message_state import MessageState
from tests.gateway.store.rig import NODE, Rig
from tests.gateway.store.samples import HOUR, SHANGHAI, START, accepted, parked, receipt

ENDS = [
    MessageState.UNDELIVERABLE,
    MessageState.EXPIRED,
    MessageState.DELETED,
    MessageState.REJECTED,
]


class Charging(Rig):
    """A rig whose account "bank" pays for what was delivered."""

    def __init__(self, engine: Engine, *telling_once: str) -> None:
        super().__init__(engine)
        means = Means(
            self.ids.next,
            SHANGHAI,
            "86",
            telling_once=frozenset(telling_once),
            charged_if_delivered=frozenset({"bank"}),
        )
        self.store = SqlStore(self.writer, self.clock, NODE, means)


@pytest.fixture
def charging(engine: Engine, rig: Rig) -> Charging:
    """On the rig's own database, so that its invariants are looked at afterwards."""
    return Charging(engine)


@pytest.mark.parametrize("end", ENDS)
def test_what_is_reported_as_anything_but_delivered_is_given_back_once(
    charging: Charging, end: MessageState
) -> None:
    before = charging.balance()
    charging.enroute("A1", units=3)
    charging.hear(receipt("A1", end), receipt("A1", end, error="001"))
    charging.hear(receipt("A1", end, error="002"))
    assert charging.balance() == before


def test_what_is_delivered_is_charged(charging: Charging) -> None:
    before = charging.balance()
    charging.enroute("A1", units=3)
    charging.hear(receipt("A1"), receipt("A1", MessageState.UNDELIVERABLE))
    assert charging.balance() == replace(before, remaining=before.remaining - 3, settled=3)


def test_an_account_that_pays_for_what_is_accepted_gets_nothing_back(charging: Charging) -> None:
    charging.top_up("shop", 10)
    charging.enroute("A1", account="shop", units=3)
    charging.hear(receipt("A1", MessageState.UNDELIVERABLE))
    assert charging.balance("shop") == Balance(10, 7, 0, 3)


def test_what_nobody_reports_stays_charged(charging: Charging) -> None:
    sent = charging.enroute("A1", deadline_at=START + HOUR)
    charging.advance(2 * HOUR)
    charging.end_overdue()
    assert (charging.state(sent), charging.balance().settled) == (State.UNKNOWN, 1)


def test_what_was_in_doubt_is_settled_and_given_back(charging: Charging) -> None:
    before = charging.balance()
    sent = charging.submitting(units=2)
    charging.record(parked(sent, START + HOUR))
    charging.hear(receipt("A1", MessageState.UNDELIVERABLE))
    assert (charging.state(sent), charging.balance()) == (State.UNDELIVERABLE, before)


def test_a_receipt_before_its_response_gives_back_too(charging: Charging) -> None:
    before = charging.balance()
    sent = charging.submitting(units=2)
    charging.hear(receipt("A1", MessageState.UNDELIVERABLE))
    charging.record(accepted(sent, "A1"))
    assert (charging.state(sent), charging.balance()) == (State.UNDELIVERABLE, before)


def test_the_parts_that_one_receipt_is_told_of_are_given_back_with_it(engine: Engine, rig: Rig) -> None:
    charging = Charging(engine, "north")
    before = charging.balance()
    charging.recover()
    whole, *_ = charging.long(parts=2)
    parts = charging.claim().messages
    charging.record(*(accepted(part, f"A{part.part}") for part in parts))
    charging.hear(receipt("A1", MessageState.UNDELIVERABLE))
    assert charging.state(whole) is State.UNDELIVERABLE
    assert charging.balance() == before
