"""How a whole gateway starts, and stops in good order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError

from gateway.message import State
from gateway.settings import Admin
from gateway.store import schema
from gateway.store.engine import StoreError
from gateway.store.lock import StoreLock
from gateway.stored import DeliveryOutcome
from smpp.status import CommandStatus
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.peer import deliver, receipt, submit_resp
from tests.gateway.carriers.samples import TIMERS, a_carrier
from tests.gateway.customers.samples import submit
from tests.gateway.raw_pdus import DELIVER_SM, RESP, SUBMIT_SM, UNBIND, raw
from tests.gateway.store.commits import HeldCommits
from tests.gateway.whole import LIMITS, Whole, result, settings_of


@pytest.fixture
def whole(path: Path) -> Iterator[Whole]:
    """A gateway that is bound to a carrier, and whose customer has paid."""
    whole = Whole(settings_of(path, carriers=[a_carrier(window_max=3)])).top_up().start()
    yield whole
    whole.stop()
    assert whole.problems() == []


class Commits:
    """Commits that are made at once until they `stall`."""

    def __init__(self) -> None:
        self.stall = False
        self._stalled = HeldCommits()

    def __call__(self, work: Callable[[], None]) -> Deferred[None]:
        done = self._stalled(work)
        if not self.stall:
            self._stalled.release()
        return done

    def release(self) -> None:
        """Make the one that waits longest."""
        self._stalled.release()

    def go_on(self) -> None:
        """Make those that wait, and from now on all at once."""
        self.stall = False
        while len(self._stalled):
            self._stalled.release()


class TestStarting:
    def test_opens_the_door_last(self, path: Path) -> None:
        commits = HeldCommits()
        whole = Whole(settings_of(path), commits)
        starting = whole.starting()
        whole.turn()
        assert (fired(starting), whole.ports.opened, whole.network.tried_at) == (False, [], [])
        while not fired(starting):
            commits.release()
            whole.turn()
        assert [port.number for port in whole.ports.opened] == [2775]
        assert len(whole.network.tried_at) == 1
        whole.stop_with(commits)

    def test_ends_what_is_overdue_before_anybody_is_let_in(self, path: Path) -> None:
        first = Whole(settings_of(path)).top_up().start()
        first.carrier().lose()
        first.customer().send(submit(2, validity_period="000000000005000R"))
        first.stop()
        commits = HeldCommits()
        later = Whole(settings_of(path), commits, now=first.clock.now() + 60.0)
        starting = later.starting()
        while not later.ports.opened:
            later.turn()
            assert len(commits) == 1
            commits.release()
        assert later.states() == [State.EXPIRED]
        assert fired(starting)
        later.stop_with(commits)

    def test_on_a_store_that_another_gateway_has_fails_and_opens_nothing(self, path: Path) -> None:
        lock = StoreLock(path)
        whole = Whole(settings_of(path))
        with pytest.raises(StoreError, match="another gateway"):
            result(whole.starting(), whole.turn)
        assert (whole.ports.opened, whole.network.tried_at) == ([], [])
        whole.stop()
        lock.release()

    def test_on_a_port_in_use_fails_and_can_be_stopped(self, path: Path) -> None:
        whole = Whole(settings_of(path))
        whole.ports.taken = frozenset({2775})
        with pytest.raises(CannotListenError):
            result(whole.starting(), whole.turn)
        whole.stop()
        StoreLock(path).release()

    def test_opens_an_admin_port_if_there_is_to_be_one(self, path: Path) -> None:
        whole = Whole(replace(settings_of(path), admin=Admin("127.0.0.1", 2780))).start()
        assert [port.number for port in whole.ports.opened] == [2775, 2780]
        whole.stop()
        assert [port.is_open for port in whole.ports.opened] == [False, False]


class TestHealth:
    def test_is_bad_until_a_carrier_is_bound(self, path: Path) -> None:
        whole = Whole(settings_of(path))
        result(whole.starting(), whole.turn)
        assert not whole.gateway.health().ok
        whole.carrier().accept_bind()
        assert whole.gateway.health().ok
        whole.carrier().lose()
        assert not whole.gateway.health().ok
        whole.stop()

    def test_is_bad_once_the_gateway_stops(self, whole: Whole) -> None:
        whole.customer().send(submit(2))
        bound = {"carrier_binds": ["north/0"], "customer_connections": 1}
        assert (whole.gateway.health().ok, whole.gateway.health().details) == (True, bound)
        whole.stopping()
        assert (whole.gateway.health().ok, whole.gateway.health().details) == (False, bound)


class TestStopping:
    def test_goes_from_the_door_to_the_store(self, whole: Whole) -> None:
        customer, stranger = whole.customer(), whole.connect()
        customer.send(submit(2))
        (relayed,) = whole.submits()
        customer.read()
        stopping = whole.stopping()
        whole.pass_time(1.0)
        assert not whole.ports.opened[0].is_open
        assert whole.carrier().read() == [], "its answer is waited for"
        assert not fired(stopping)

        whole.accept(relayed)
        whole.pass_time(0.25)
        (unbind,) = whole.carrier().read()
        assert unbind.command_id == UNBIND
        assert not customer.connection.over
        whole.say(raw(UNBIND | RESP, sequence_number=unbind.sequence_number))
        whole.turn()

        assert stranger.connection.over
        customer.answer_unbind()
        whole.turn()
        assert fired(stopping)
        assert whole.states() == [State.ENROUTE]
        assert whole.reactor.getDelayedCalls() == []
        StoreLock(whole.settings.store_path).release()

    def test_refuses_new_messages(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(submit(2))
        whole.stopping()
        assert customer.submit_statuses(submit(3))[3] == CommandStatus.ESME_RSYSERR
        assert len(whole.states()) == 1

    def test_lets_the_carriers_answers_free_no_slot_for_the_queue(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(*(submit(n) for n in range(2, 8)))
        first = whole.submits()
        whole.stopping()
        whole.accept(*first)
        whole.pass_time(0.25)
        assert [pdu.command_id for pdu in whole.carrier().read()] == [UNBIND]
        assert whole.states() == [State.ENROUTE] * 3 + [State.QUEUED] * 3

    def test_does_not_wait_for_ever_for_a_carrier(self, path: Path) -> None:
        slow = a_carrier(timers=replace(TIMERS, response_s=600.0))
        whole = Whole(settings_of(path, carriers=[slow])).top_up().start()
        whole.customer().send(submit(2))
        whole.submits()
        stopping = whole.stopping()
        whole.pass_time(LIMITS.drain_s - 0.25)
        assert whole.carrier().read() == []
        whole.pass_time(0.5)
        assert [pdu.command_id for pdu in whole.carrier().read()] == [UNBIND]
        whole.pass_time(30.0)
        assert fired(stopping)
        assert whole.states() == [State.IN_DOUBT]
        assert whole.reactor.getDelayedCalls() == []

    def test_does_not_wait_for_ever_for_a_customer(self, whole: Whole) -> None:
        whole.customer()
        whole.customer().connection.stuck = True
        stopping = whole.stopping()
        whole.pass_time(30.0)
        assert fired(stopping)

    def test_still_brings_what_a_carrier_says_while_it_stops(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(submit(2), submit(3))
        first, second = whole.submits()
        whole.accept(first)
        stopping = whole.stopping()
        whole.say(receipt(5, "c1"))
        deliveries = customer.delivered()
        assert len(deliveries) == 1
        customer.acknowledge(*deliveries)
        whole.say(submit_resp(second.sequence_number, b"c2"))
        whole.pass_time(20.0)
        assert fired(stopping)
        assert whole.states() == [State.DELIVERED, State.ENROUTE]

    def test_writes_down_what_nobody_answered(self, path: Path) -> None:
        slow = a_carrier(timers=replace(TIMERS, response_s=600.0))
        whole = Whole(settings_of(path, carriers=[slow])).top_up().start()
        customer = whole.customer()
        customer.send(submit(2))
        customer.lose()
        whole.stop()
        assert whole.states() == [State.IN_DOUBT]

    def test_writes_down_what_a_customer_says_as_it_leaves(self, path: Path) -> None:
        commits = Commits()
        whole = Whole(settings_of(path), commits).top_up().start()
        customer = whole.customer()
        whole.say(deliver(5, b"one"), deliver(6, b"two"))
        first, second = customer.delivered()
        stopping = whole.stopping()
        whole.pass_time(5.0)
        (unbind,) = customer.read()
        commits.stall = True
        customer.acknowledge(first)
        customer.send(
            raw(DELIVER_SM | RESP, b"\0", second.sequence_number),
            raw(UNBIND | RESP, sequence_number=unbind.sequence_number),
        )
        assert customer.connection.over
        assert not fired(stopping)
        commits.go_on()
        whole.turn()
        assert fired(stopping)
        outcomes = [DeliveryOutcome(row.outcome) for row in whole.rows(schema.delivery)]
        assert outcomes == [DeliveryOutcome.ACKNOWLEDGED] * 2

    def test_twice_is_once(self, whole: Whole) -> None:
        first, second = whole.stopping(), whole.stopping()
        whole.pass_time(10.0)
        assert fired(first)
        assert fired(second)
        with capture_logs() as lines:
            whole.stop()
        assert lines == []

    def test_before_the_start_is_nothing(self, path: Path) -> None:
        assert fired(Whole(settings_of(path)).stopping())


class TestAStoreThatTakesNothing:
    """does not keep the gateway from stopping."""

    @pytest.fixture
    def commits(self) -> Commits:
        return Commits()

    @pytest.fixture
    def stalled(self, path: Path, commits: Commits) -> Whole:
        return Whole(settings_of(path), commits).top_up().start()

    def stops(self, whole: Whole, within_s: float = 2 * LIMITS.drain_s) -> bool:
        stopping = whole.stopping()
        whole.pass_time(within_s + 1.0, step=0.5)
        return fired(stopping)

    def test_with_a_message_under_way(self, stalled: Whole, commits: Commits) -> None:
        customer = stalled.customer()
        commits.stall = True
        customer.send(submit(2))
        assert self.stops(stalled, within_s=LIMITS.drain_s + TIMERS.unbind_s)
        assert SUBMIT_SM | RESP not in [pdu.command_id for pdu in customer.read()]

    def test_with_an_outcome_under_way(self, stalled: Whole, commits: Commits) -> None:
        stalled.customer().send(submit(2))
        commits.stall = True
        stalled.accept(*stalled.submits())
        assert self.stops(stalled, within_s=LIMITS.drain_s + TIMERS.unbind_s)

    def test_with_a_claim_under_way(self, stalled: Whole, commits: Commits) -> None:
        window = a_carrier().window_max
        customer = stalled.customer()
        for n in range(2, window + 4):
            customer.send(submit(n))
        first, *_ = stalled.submits()
        stalled.accept(first)
        commits.stall = True
        stalled.accept(*stalled.submits())
        assert self.stops(stalled, within_s=LIMITS.drain_s + TIMERS.unbind_s)

    def test_with_outcomes_behind_a_claim_under_way(self, stalled: Whole, commits: Commits) -> None:
        window = a_carrier().window_max
        customer = stalled.customer()
        for n in range(2, window + 4):
            customer.send(submit(n))
        first, *others = stalled.submits()
        commits.stall = True
        stalled.accept(first)
        stalled.pass_time(0.5)
        commits.release()
        stalled.pass_time(0.5)
        stalled.accept(*others, first_id=5)
        assert self.stops(stalled, within_s=LIMITS.drain_s + TIMERS.unbind_s)

    def test_with_an_answer_of_a_customer_under_way(self, stalled: Whole, commits: Commits) -> None:
        customer = stalled.customer()
        customer.send(submit(2))
        stalled.accept(*stalled.submits())
        stalled.say(receipt(5, "c1"))
        deliveries = [pdu for pdu in customer.read() if pdu.command_id == DELIVER_SM]
        commits.stall = True
        customer.acknowledge(*deliveries)
        assert self.stops(stalled)

    def test_with_a_sweep_under_way(self, stalled: Whole, commits: Commits) -> None:
        commits.stall = True
        stalled.pass_time(2.0)
        assert self.stops(stalled)
