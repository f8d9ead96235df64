from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, delete, insert
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.clock import StatedClock
from gateway.message import Message, State
from gateway.metrics import Metrics
from gateway.ports import CommitUnknown, Store
from gateway.settings import Limits
from gateway.store import schema, schema_recipients
from gateway.stored import Delivery, Ended, Recorded
from gateway.sweeper import Sweeper
from ledger.accounts import Balance
from ledger.schema import ledger_transfer
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.store import samples
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig

LIMITS = Limits(batch_max=3, message_ttl_s=20.0, receipt_ttl_s=50.0)


class Sweeping:
    """A sweeper in front of a store, and whoever it tells."""

    def __init__(self, store: Store, reactor: Clock, clock: StatedClock) -> None:
        self.reactor = reactor
        self.metrics = Metrics()
        self.owed: list[Delivery] = []
        self.ended: list[Ended] = []
        self.looks = 0
        self.sweeper = Sweeper(
            LIMITS, reactor, clock, store, self.metrics, self.owed.extend, self.ended.extend, self.look_again
        )

    def look_again(self) -> None:
        self.looks += 1

    def pass_time(self, seconds: float) -> None:
        self.reactor.advance(0)
        self.reactor.pump([0.25] * int(seconds * 4))

    def ends(self) -> list[tuple[int, State]]:
        """What was told to have ended."""
        return [(end.message_id, end.state) for end in self.ended]


class Swept(Sweeping):
    """A sweeper of the real store."""

    def __init__(self, engine: Engine) -> None:
        self.rig = Rig(engine)
        super().__init__(self.rig.store, self.rig.reactor, self.rig.clock)

    def owe(self, count: int) -> list[int]:
        """Let a customer be owed some replies."""
        replies = [samples.reply(opts_out=False) for _ in range(count)]
        return [delivery.delivery_id for delivery in self.rig.read(*replies).deliveries]

    def unfinished(self) -> list[int]:
        return [row.delivery_id for row in self.rig.rows(schema.delivery) if row.finished_at is None]


class Asking(Sweeping):
    """A sweeper of a store that answers when it is told to."""

    def __init__(self) -> None:
        self.store = FakeStore()
        reactor = Clock()
        super().__init__(self.store, reactor, StatedClock(samples.START_S, reactor.seconds))

    def waits_for(self) -> list[str]:
        return [call.method for call in self.store.calls]

    def sweep(self) -> None:
        """The store finds nothing to do."""
        self.store.answer("end_overdue")
        self.store.answer("abandon_deliveries", [])


@pytest.fixture
def swept(engine: Engine) -> Iterator[Swept]:
    swept = Swept(engine)
    yield swept
    swept.sweeper.stop()
    check(engine)
    swept.rig.close()


class TestAnOverdueMessage:
    def test_ends_within_a_second_of_its_deadline(self, swept: Swept) -> None:
        message = swept.rig.queued(deadline_at=samples.START + 10_250)
        swept.sweeper.start()
        swept.pass_time(10)
        assert swept.ends() == []
        swept.pass_time(1)
        assert swept.ends() == [(message.message_id, State.EXPIRED)]
        assert swept.rig.state(message) is State.EXPIRED

    def test_is_told_to_its_customer(self, swept: Swept) -> None:
        message = swept.rig.queued(deadline_at=samples.START)
        swept.sweeper.start()
        swept.pass_time(0)
        assert [delivery.message_id for delivery in swept.owed] == [message.message_id]
        assert swept.rig.stats_told(message) == ["EXPIRED"]

    def test_costs_nothing_if_no_carrier_took_it(self, swept: Swept) -> None:
        swept.rig.queued(deadline_at=samples.START, units=3)
        swept.sweeper.start()
        swept.pass_time(0)
        assert swept.rig.balance() == Balance(1000, 1000, 0, 0, 0)

    def test_that_is_on_its_way_may_wait_longer_for_its_receipt(self, swept: Swept) -> None:
        message = swept.rig.enroute("7", deadline_at=samples.START)
        swept.sweeper.start()
        swept.pass_time(LIMITS.message_ttl_s - 1)
        assert swept.ends() == []
        swept.pass_time(1)
        assert swept.ends() == [(message.message_id, State.UNKNOWN)]
        assert swept.rig.balance() == Balance(1000, 999, 0, 1, 0)

    def test_is_not_alone_and_all_of_them_end_at_once(self, swept: Swept) -> None:
        messages = [swept.rig.queued(deadline_at=samples.START) for _ in range(2 * LIMITS.batch_max + 2)]
        swept.sweeper.start()
        swept.pass_time(0)
        assert [message_id for message_id, _ in swept.ends()] == [m.message_id for m in messages]

    def test_is_told_when_the_gateway_starts(self, swept: Swept) -> None:
        for _ in range(LIMITS.batch_max + 1):
            swept.rig.queued(deadline_at=samples.START)
        mores = [swept.rig.result(Deferred.fromCoroutine(swept.sweeper.end_overdue())) for _ in range(2)]
        assert mores == [True, False]
        assert len(swept.ended) == LIMITS.batch_max + 1


class TestAMessageThatCannotEnd:
    """Its hold is gone: nothing can be given back."""

    @pytest.fixture
    def broken(self, engine: Engine) -> Iterator[Swept]:
        swept = Swept(engine)
        yield swept
        swept.sweeper.stop()
        swept.rig.close()

    def without_hold(self, swept: Swept) -> Message:
        message = swept.rig.queued(deadline_at=samples.START)
        with swept.rig.engine.begin() as connection:
            connection.execute(
                delete(ledger_transfer).where(ledger_transfer.c.source_id == message.message_id)
            )
        return message

    def test_does_not_keep_the_others_from_it(self, broken: Swept) -> None:
        poison = self.without_hold(broken)
        others = [broken.rig.queued(deadline_at=samples.START + n) for n in range(2 * LIMITS.batch_max)]
        broken.sweeper.start()
        with capture_logs() as lines:
            broken.pass_time(2)
        assert [message_id for message_id, _ in broken.ends()] == [m.message_id for m in others]
        assert [delivery.message_id for delivery in broken.owed] == [m.message_id for m in others]
        assert broken.rig.state(poison) is State.QUEUED
        told = [line["message_id"] for line in lines if line["event"] == "message.unended"]
        assert told == [poison.message_id], "once, for now"
        assert broken.metrics.put_aside == {"end": 1}

    def test_is_tried_again_an_hour_later(self, broken: Swept) -> None:
        self.without_hold(broken)
        broken.sweeper.start()
        broken.pass_time(0)
        broken.rig.advance(3600)
        broken.pass_time(1)
        assert broken.metrics.put_aside == {"end": 2}


class TestADelivery:
    def test_that_nobody_fetches_is_given_up(self, swept: Swept) -> None:
        old = swept.owe(1)
        swept.rig.advance(10)
        young = swept.owe(1)
        swept.sweeper.start()
        swept.pass_time(LIMITS.receipt_ttl_s - 10)
        assert swept.unfinished() == old + young
        with capture_logs() as lines:
            swept.pass_time(1)
        assert swept.unfinished() == young
        (line,) = [line for line in lines if line["event"] == "delivery.abandoned"]
        assert (line["account"], line["log_level"]) == ("bank", "warning")
        assert swept.metrics.deliveries == {("bank", "ABANDONED"): 1}

    def test_is_not_alone_and_all_of_them_are_given_up_at_once(self, swept: Swept) -> None:
        swept.owe(2 * LIMITS.batch_max + 2)
        swept.rig.advance(LIMITS.receipt_ttl_s + 1)
        swept.sweeper.start()
        swept.pass_time(0)
        assert swept.unfinished() == []


class TestAContact:
    """What a cap on frequency looks back at."""

    def test_that_nothing_asks_for_any_more_is_gone_within_a_minute(self, swept: Swept) -> None:
        with swept.rig.engine.begin() as connection:
            row = {"number": "13800138000", "account": "bank", "at": samples.START - 1, "signature": ""}
            rows = [row | {"message_id": n} for n in range(2 * LIMITS.batch_max + 1)]
            connection.execute(insert(schema_recipients.contact), rows)
        swept.sweeper.start()
        swept.pass_time(50)
        assert len(swept.rig.rows(schema_recipients.contact)) == 2 * LIMITS.batch_max + 1
        swept.pass_time(10)
        assert swept.rig.rows(schema_recipients.contact) == []


class TestSweeping:
    def test_goes_on_every_second(self) -> None:
        asking = Asking()
        asking.sweeper.start()
        for _ in range(3):
            asking.sweep()
            asking.pass_time(0.75)
            assert asking.waits_for() == []
            asking.pass_time(0.25)
            assert asking.waits_for() == ["end_overdue"]

    def test_goes_on_after_a_failure_of_the_store(self) -> None:
        asking = Asking()
        asking.sweeper.start()
        with capture_logs() as lines:
            asking.store.fail("end_overdue", OSError("disk full"))
        assert [line["event"] for line in lines] == ["sweep.failed"]
        asking.pass_time(0.75)
        assert asking.waits_for() == []
        asking.pass_time(0.25)
        asking.sweep()

    def test_now_and_then_has_the_deliveries_looked_at(self) -> None:
        asking = Asking()
        asking.sweeper.start()
        for _ in range(30):
            asking.sweep()
            asking.pass_time(1)
        assert asking.looks == 3

    def test_is_one_at_a_time(self) -> None:
        asking = Asking()
        asking.sweeper.start()
        asking.pass_time(5)
        assert asking.waits_for() == ["end_overdue"]


class TestStopping:
    def test_between_two_sweeps_is_at_once(self) -> None:
        asking = Asking()
        asking.sweeper.start()
        asking.sweep()
        asking.sweeper.stop()
        asking.pass_time(5)
        assert asking.waits_for() == []
        assert asking.reactor.getDelayedCalls() == []

    def test_during_a_sweep_lets_it_tell_what_it_found(self) -> None:
        asking = Asking()
        asking.sweeper.start()
        asking.sweeper.stop()
        asking.store.answer("end_overdue", Recorded(ended=[Ended(7, "bank", State.EXPIRED, True)]))
        assert asking.ends() == [(7, State.EXPIRED)]
        asking.pass_time(5)
        assert asking.waits_for() == []
        assert asking.reactor.getDelayedCalls() == []


def test_a_delivery_that_may_have_been_given_up_is_told_once_it_is_known() -> None:
    asking = Asking()
    given_up = Delivery(7, "bank", 1, b"", 3, samples.START)
    with capture_logs() as lines:
        asking.sweeper.start()
        asking.store.answer("end_overdue")
        asking.store.fail("abandon_deliveries", CommitUnknown("disk gone", [given_up]))
        asking.pass_time(1)
        asking.store.answer("abandon_deliveries", [])
    asking.sweeper.stop()
    assert [line["message_id"] for line in lines if line["event"] == "delivery.abandoned"] == [1]
    assert asking.metrics.deliveries["bank", "ABANDONED"] == 1


def test_ends_that_may_have_come_about_are_told_once_they_are_known() -> None:
    asking = Asking()
    end = Ended(1, "bank", State.EXPIRED, True)
    asking.sweeper.start()
    asking.store.fail("end_overdue", CommitUnknown("disk gone", Recorded(ended=[end])))
    asking.pass_time(1)
    asking.store.answer("end_overdue")
    asking.sweeper.stop()
    assert asking.ends() == [(1, State.EXPIRED)]
