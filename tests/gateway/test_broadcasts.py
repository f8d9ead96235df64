"""Broadcasts through the whole gateway: everybody is written to, nobody twice, whatever comes in between."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, time
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import execute

from gateway.broadcasts.broadcast import BroadcastState
from gateway.message import State
from gateway.settings import Account, Caps, Carrier, Limits, LongForm, Throttle, Timers
from gateway.store import broadcast_book, schema
from gateway.store.broadcast_book import Progress
from gateway.store.schema_broadcasts import broadcast_recipient
from ledger import sql as ledger
from ledger.lots import Lot
from policy.content import ContentFilter
from policy.hours import Hours
from policy.ruleset import compile_ruleset
from smpp import codec
from tests.gateway.broadcasting import DAY_MS, STARTS, hand_in, numbers
from tests.gateway.carriers.peer import deliver, submit_resp
from tests.gateway.carriers.samples import NOON, ZONE, a_carrier
from tests.gateway.customers.samples import TEXT, a_customer, submit
from tests.gateway.store.commits import HeldCommits
from tests.gateway.whole import LIMITS, Commit, Whole, crashed, settings_of

BOUGHT = 5000
# Of a carrier that is never asked whether it is there, and has all the time for an answer.
UNHURRIED = Timers(enquire_link_s=1e6, response_s=1e6)
_LOT_IDS = count(1_000)
PATIENT = replace(LIMITS, message_ttl_s=172_800.0, batch_max=50)


def north(window_max: int = 100, **changes: Any) -> Carrier:
    return a_carrier(window_max=window_max, timers=UNHURRIED, **changes)


class Sender(Whole):
    """A gateway with a carrier that takes everything, unless a test lets nobody answer."""

    def __init__(
        self,
        path: Path,
        *,
        account: Account | None = None,
        carrier: Carrier | None = None,
        limits: Limits = PATIENT,
        commit_in: Commit = execute,
        now: float = NOON,
    ) -> None:
        settings = settings_of(
            path,
            accounts=(account or a_customer(),),
            carriers=(carrier or north(),),
            limits=limits,
        )
        super().__init__(settings, commit_in, now)
        self.texts: Counter[str] = Counter()
        self.bodies: list[bytes] = []

    def go_on(self, seconds: float) -> None:
        """Let time go by, with a carrier that takes what comes."""
        passed = 0.0
        while passed < seconds:
            self.pass_time(0.25)
            passed += 0.25
            self.take()

    def take(self) -> None:
        """The carrier takes what has come."""
        submits = self.submits()
        for pdu in submits:
            self.texts[codec.submit_sm(pdu.body).destination.addr] += 1
            self.bodies.append(pdu.body)
        ids = (b"%d-%d" % (id(self), n) for n in range(len(self.bodies), 10**9))
        self.say(*(submit_resp(pdu.sequence_number, name) for pdu, name in zip(submits, ids, strict=False)))

    def progress(self, broadcast_id: int = 1) -> Progress:
        with self.observer.begin() as connection:
            return broadcast_book.progress(connection, broadcast_id)

    def state(self, broadcast_id: int = 1) -> BroadcastState:
        with self.observer.begin() as connection:
            found = broadcast_book.find(connection, broadcast_id)
        assert found is not None
        return found.state

    def move(self, *sources: BroadcastState, to: BroadcastState) -> None:
        with self.observer.begin() as connection:
            assert broadcast_book.move(connection, 1, sources, to)

    def pay(self, units: int, reference: str) -> None:
        with self.observer.begin() as connection:
            ledger.topup(connection, Lot(next(_LOT_IDS), "bank", units, 0, reference, 0))

    def hand_in(self, count: int, **changes: Any) -> int:
        return hand_in(self.observer, count, **changes)


def a_sender(path: Path, **how: Any) -> Sender:
    sender = Sender(path, **how)
    sender.start()
    sender.top_up(units=BOUGHT)
    return sender


@pytest.fixture
def sender(path: Path) -> Iterator[Sender]:
    sender = a_sender(path)
    yield sender
    assert sender.problems() == []
    sender.stop()
    sender.observer.dispose()


def test_everybody_is_written_to_once_and_in_the_order_of_the_list(sender: Sender) -> None:
    sender.hand_in(230)
    sender.go_on(20)
    assert list(sender.texts) == numbers(230)
    assert set(sender.texts.values()) == {1}
    assert sender.state() is BroadcastState.FINISHED
    assert sender.progress() == Progress({}, {}, {"ENROUTE": 230})
    assert sender.balance().settled == 230


def test_each_is_a_submit_of_the_account_without_a_receipt_of_ours(sender: Sender) -> None:
    sender.hand_in(1)
    sender.go_on(10)
    (row,) = sender.rows(schema.message)
    assert (row.account, row.source_addr, row.submitted_by) == ("bank", "10690001", "broadcast/1")
    assert (row.registered_delivery, row.deadline_at) == (0, STARTS + DAY_MS)
    (body,) = sender.bodies
    pdu = codec.submit_sm(body)
    assert pdu.short_message.decode("utf-16-be") == TEXT
    assert pdu.registered_delivery == 1, "the carrier is asked how it ends"


def test_nothing_is_sent_before_it_starts(sender: Sender) -> None:
    sender.hand_in(3, starts_at=STARTS + 60_000)
    sender.go_on(59)
    assert not sender.texts
    sender.go_on(10)
    assert len(sender.texts) == 3


def test_a_long_text_goes_out_in_parts_and_is_accepted_once(path: Path) -> None:
    sender = a_sender(path, carrier=north(long_messages=LongForm.UDH8))
    sender.hand_in(60, text=TEXT[:7] + "今天" * 50 + TEXT[7:], units=2)
    sender.go_on(30)
    assert set(sender.texts.values()) == {2}
    assert sender.progress() == Progress({}, {}, {"JOINED": 60})
    assert sender.state() is BroadcastState.FINISHED
    sender.stop()


def test_who_is_refused_is_told_with_the_rule_and_the_others_go_on(sender: Sender) -> None:
    first, second, *_ = numbers(10)
    sender.say(deliver(1, b"TD", source=second.encode()))
    sender.hand_in(10)
    sender.go_on(10)
    assert second not in sender.texts
    assert first in sender.texts
    assert sender.progress() == Progress({}, {"RECIPIENT_OPTED_OUT": 1}, {"ENROUTE": 9})


def test_a_text_that_the_rules_do_not_pass_any_more_is_refused_to_everybody(sender: Sender) -> None:
    sender.hand_in(120, text="hello")
    sender.go_on(20)
    assert sender.progress() == Progress({}, {"SIGNATURE_MISSING": 120}, {})
    assert sender.state() is BroadcastState.FINISHED
    assert not sender.texts


class TestNoMoreThanTheCarriersTake:
    def test_waits_in_the_queue(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(5))
        sender.hand_in(500)
        sender.pass_time(30)
        waiting = Counter(sender.states())
        assert waiting[State.SUBMITTING] <= 5
        assert waiting[State.QUEUED] <= PATIENT.batch_max
        assert len(sender.rows(schema.message)) <= 5 + 2 * PATIENT.batch_max
        sender.go_on(60)
        assert set(sender.texts.values()) == {1}
        assert len(sender.texts) == 500
        sender.stop()

    def test_and_a_customer_is_not_kept_waiting_behind_it(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(rate=Throttle(20.0, 20)))
        sender.hand_in(2000)
        sender.go_on(20)
        sender.customer().send(submit(2, destination="13999999999"))
        sender.go_on(4)
        assert "13999999999" in sender.texts
        sender.stop()


class TestWhatMayPassLater:
    def test_a_throttle_only_makes_it_slower(self, path: Path) -> None:
        sender = a_sender(path, account=a_customer(throttle=Throttle(10.0, 10)))
        sender.hand_in(100)
        sender.go_on(8)
        assert 0 < len(sender.texts) < 60
        sender.go_on(15)
        assert len(sender.texts) == 100
        assert set(sender.texts.values()) == {1}
        sender.stop()

    def test_a_full_queue_only_makes_it_slower(self, path: Path) -> None:
        sender = a_sender(path, account=a_customer(queue_max=7), carrier=north(3))
        sender.hand_in(100)
        sender.go_on(60)
        assert len(sender.texts) == 100
        sender.stop()

    def test_an_account_without_units_is_waited_for_by_one_recipient(self, path: Path) -> None:
        sender = Sender(path)
        sender.start()
        sender.top_up(units=30)
        sender.hand_in(100)
        sender.go_on(60)
        assert len(sender.texts) == 30
        assert sum(sender.progress().waiting.values()) == 70
        assert sender.progress().waiting["QUOTA_EXHAUSTED"] > 0
        refused = sender.gateway.metrics.messages_refused["bank", "QUOTA_EXHAUSTED"]
        assert refused <= 50 + 3, "not all of them knock every time"
        sender.pay(100, "again")
        sender.go_on(60)
        assert len(sender.texts) == 100
        assert sender.state() is BroadcastState.FINISHED
        sender.stop()

    def test_a_day_s_cap_is_waited_for(self, path: Path) -> None:
        sender = a_sender(path, account=a_customer(caps=Caps(units_per_day=30)))
        sender.hand_in(50)
        sender.go_on(20)
        assert len(sender.texts) == 30
        sender.clock.put(at("2026-03-05 08:00"))
        sender.go_on(60)
        assert len(sender.texts) == 50
        sender.stop()

    def test_what_has_kept_them_out_until_the_end_is_told(self, path: Path) -> None:
        sender = Sender(path)
        sender.start()
        sender.top_up(units=10)
        sender.hand_in(60)
        sender.go_on(40)
        sender.clock.put(NOON + 86_400)
        sender.go_on(20)
        refused = sender.progress().refused
        assert refused.keys() == {"QUOTA_EXHAUSTED", "DEADLINE_UNREACHABLE"}
        assert sum(refused.values()) == 50
        assert sender.state() is BroadcastState.FINISHED
        sender.stop()


def at(wall: str) -> float:
    return datetime.fromisoformat(wall).replace(tzinfo=ZONE).timestamp()


class TestTheHours:
    def test_stop_it_and_let_it_go_on_the_next_day(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(rate=Throttle(5.0, 5)))
        sender.hand_in(200, starts_at=int(at("2026-03-04 16:59:30") * 1000), deadline_at=STARTS + DAY_MS)
        sender.clock.put(at("2026-03-04 16:59:30"))
        sender.go_on(40)
        before = len(sender.texts)
        assert 0 < before < 200
        sender.go_on(20)
        assert len(sender.texts) == before
        assert sender.state() is BroadcastState.READY
        sender.clock.put(at("2026-03-05 08:00"))
        sender.go_on(60)
        assert len(sender.texts) == 200
        assert set(sender.texts.values()) == {1}
        sender.stop()

    def test_end_it_where_they_open_after_its_deadline(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(rate=Throttle(5.0, 5)))
        sender.hand_in(200, deadline_at=int(at("2026-03-05 07:00") * 1000))
        sender.clock.put(at("2026-03-04 16:59:30"))
        sender.go_on(60)
        progress = sender.progress()
        assert progress.waiting == {}
        assert progress.refused["DEADLINE_UNREACHABLE"] + sum(progress.messages.values()) == 200
        assert sender.state() is BroadcastState.FINISHED
        sender.clock.put(at("2026-03-05 08:00"))
        sender.go_on(40)
        assert "QUEUED" not in sender.progress().messages, "what waited has expired"
        assert sender.problems() == []
        sender.stop()


class TestTheOperator:
    def test_pauses_it_and_lets_it_go_on(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(rate=Throttle(10.0, 10)))
        sender.hand_in(200)
        sender.go_on(10)
        sender.move(BroadcastState.READY, to=BroadcastState.PAUSED)
        sender.go_on(20)
        before = len(sender.texts)
        assert before < 200
        sender.go_on(20)
        assert len(sender.texts) == before
        sender.move(BroadcastState.PAUSED, to=BroadcastState.READY)
        sender.go_on(30)
        assert len(sender.texts) == 200
        assert set(sender.texts.values()) == {1}
        sender.stop()

    def test_cancels_it_and_what_waits_is_deleted_and_not_paid_for(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(3))
        sender.hand_in(200)
        sender.pass_time(10)
        assert State.QUEUED in sender.states()
        sender.move(BroadcastState.READY, to=BroadcastState.CANCELLING)
        sender.pass_time(10)
        assert sender.state() is BroadcastState.CANCELLED
        assert set(sender.states()) == {State.SUBMITTING, State.DELETED}
        assert sender.balance().held == 3
        sender.go_on(10)
        assert len(sender.texts) == 3
        assert sender.gateway.metrics.messages_ended["bank", "DELETED"] > 0
        assert sender.problems() == []
        sender.stop()

    def test_may_cancel_while_nobody_runs(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(3))
        sender.hand_in(200)
        sender.pass_time(10)
        sender.stop()
        sender.move(BroadcastState.READY, to=BroadcastState.CANCELLING)
        after = Sender(path, carrier=north(3), now=NOON + 60)
        after.start()
        after.go_on(10)
        assert after.state() is BroadcastState.CANCELLED
        assert not after.texts
        assert after.problems() == []
        after.stop()


def committed(path: Path) -> str:
    """What stands in the tables while a transaction is under way."""
    with closing(sqlite3.connect(path)) as reader:
        tables = ("broadcast_recipient", "message")
        return str([reader.execute(f"SELECT * FROM {table}").fetchall() for table in tables])


def finish(life: Sender) -> None:
    """The next life after a crash: it must come to the right end."""
    life.start()
    life.go_on(15)
    assert life.state() is BroadcastState.FINISHED
    assert life.progress().waiting == life.progress().refused == {}
    assert Counter(row.destination_addr for row in life.rows(schema.message)) == Counter(numbers(35))
    assert {row.message_id for row in life.rows(broadcast_recipient)} == {
        row.message_id for row in life.rows(schema.message)
    }
    assert max(life.texts.values()) == 1
    assert life.problems() == []
    life.stop()
    life.observer.dispose()


class TestACrash:
    def test_skips_nobody_and_writes_to_nobody_twice(self, path: Path, tmp_path: Path) -> None:
        """Kill -9 in front of each commit from the hand-in to the end."""
        held = HeldCommits()
        sender = Sender(path, commit_in=held, limits=replace(PATIENT, batch_max=15))
        sender.top_up(units=BOUGHT).start_with(held)
        sender.carrier().accept_bind()
        sender.hand_in(35)
        lives: dict[str, Sender] = {}
        while sender.state() is not BroadcastState.FINISHED:
            sender.pass_time(0.25)
            while len(held):
                stored = committed(path)
                if stored not in lives:
                    folder = tmp_path / f"life {len(lives)}"
                    lives[stored] = Sender(crashed(path, folder), now=NOON + 60)
                    lives[stored].texts += sender.texts
                held.release()
                sender.take()
        assert len(lives) > 8
        for life in lives.values():
            finish(life)

    def test_while_it_is_cancelled_leaves_nothing_that_waits(self, path: Path, tmp_path: Path) -> None:
        sender = a_sender(path, carrier=north(window_max=3))
        sender.hand_in(200)
        sender.pass_time(10)
        sender.move(BroadcastState.READY, to=BroadcastState.CANCELLING)
        after = Sender(crashed(path, tmp_path / "after"), now=NOON + 60)
        after.start()
        after.go_on(10)
        assert not after.texts
        assert after.state() is BroadcastState.CANCELLED
        after.stop()

    def test_between_two_lives_a_stop_skips_nobody_either(self, path: Path) -> None:
        sender = a_sender(path, carrier=north(rate=Throttle(10.0, 10)))
        sender.hand_in(200)
        sender.go_on(8)
        sender.stop()
        assert 0 < len(sender.texts) < 200
        after = Sender(path, now=NOON + 60)
        after.start()
        after.go_on(40)
        assert after.state() is BroadcastState.FINISHED
        assert sender.texts + after.texts == Counter(numbers(200))
        after.stop()


def test_a_commit_that_nobody_knows_of_is_looked_up(path: Path) -> None:
    held = HeldCommits()
    sender = Sender(path, commit_in=held, limits=replace(PATIENT, batch_max=10))
    sender.top_up(units=BOUGHT).start_with(held)
    sender.carrier().accept_bind()
    sender.hand_in(35)
    fates = cycle((held.release, held.release, held.lose_the_answer, held.release, held.lose))
    while sender.state() is not BroadcastState.FINISHED:
        sender.pass_time(0.25)
        while len(held):
            next(fates)()
            sender.take()
        assert sender.reactor.seconds() < 300
    addressed = Counter(row.destination_addr for row in sender.rows(schema.message))
    assert addressed == Counter(numbers(35))
    assert sender.progress().waiting == {}


def test_a_broadcast_that_cannot_be_gone_on_with_does_not_hold_up_the_next(sender: Sender) -> None:
    sender.hand_in(3, text="")
    sender.hand_in(3, account="nobody")
    sender.hand_in(3)
    sender.go_on(20)
    assert sender.state(3) is BroadcastState.FINISHED
    assert len(sender.texts) == 3


def test_one_that_the_store_will_not_take_does_not_hold_up_the_others(sender: Sender) -> None:
    with sender.observer.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER broken BEFORE INSERT ON message "
            f"WHEN NEW.destination_addr = '{numbers(100)[3]}' BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
    sender.hand_in(100)
    sender.go_on(60)
    assert sender.progress() == Progress({}, {"STORE_DOWN": 1}, {"ENROUTE": 99})
    assert sender.state() is BroadcastState.FINISHED


def test_an_account_that_keeps_other_hours_is_written_for_in_these(path: Path) -> None:
    hours = Hours(time(13), time(14), ZONE)
    ruleset = compile_ruleset(signatures=["中国银行"], content=ContentFilter({}), hours=hours)
    sender = a_sender(path, account=a_customer(ruleset=ruleset))
    sender.hand_in(3)
    sender.go_on(20)
    assert not sender.texts
    sender.clock.put(at("2026-03-04 13:00"))
    sender.go_on(10)
    assert len(sender.texts) == 3
    sender.stop()
