"""From a submit_sm to its answer, with a store that answers when it is told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from gateway.message import State
from gateway.ports import CommitUnknown, StoreUnable
from gateway.settings import Route, StatusStyle, Throttle
from gateway.statuses import GatewayError
from policy.clauses import RULES
from policy.content import ContentFilter
from policy.hours import Hours
from policy.ruleset import compile_ruleset
from smpp.status import CommandStatus
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.carriers.samples import LIMITS, NOON, ZONE
from tests.gateway.customers.customer_side import EPOCH, FIRST_ID, CustomerSide
from tests.gateway.customers.linked import bound
from tests.gateway.customers.outlet import FakeOutlet
from tests.gateway.customers.samples import TEXT, a_customer, bank_bind, submit

NOW = int(NOON * 1000)
QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
QUOTA_STATUS = RULES[QUOTA_EXHAUSTED].standard_status
OK, FULL, THROTTLED = CommandStatus.ESME_ROK, CommandStatus.ESME_RMSGQFUL, CommandStatus.ESME_RTHROTTLED
LONG = TEXT.replace("今天是您生日", "今天是您生日" * 10)


class TestAMessage:
    def test_for_which_there_is_a_slot_is_stored_as_being_submitted(self) -> None:
        linked = bound(outlet=FakeOutlet(north=1))
        linked.reactor.advance(5)
        linked.customer.send(submit())
        (message,) = linked.asked()
        assert (message.message_id, message.account, message.state) == (FIRST_ID, "bank", State.SUBMITTING)
        assert (message.route, message.carrier, message.epoch, message.attempts) == (
            "north",
            "north",
            EPOCH,
            1,
        )
        assert (message.submitted_at, message.due_at) == (NOW + 5000, NOW + 5000)
        assert message.deadline_at == NOW + 5000 + int(LIMITS.message_ttl_s * 1000)
        assert (message.units, message.resends) == (1, 0)
        assert message.ruleset == a_customer().ruleset.version

    def test_without_a_slot_is_stored_as_waiting(self) -> None:
        linked = bound(outlet=FakeOutlet())
        linked.customer.send(submit())
        (message,) = linked.asked()
        assert (message.state, message.carrier, message.attempts) == (State.QUEUED, None, 0)

    def test_that_is_accepted_goes_out_in_its_slot(self) -> None:
        outlet = FakeOutlet(north=1)
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2))
        (message,) = linked.asked()
        assert outlet.sent == []
        linked.admitted(None)
        assert linked.statuses() == {2: OK}
        assert outlet.sent == [(message, outlet.lent[0])]
        assert (outlet.queue, outlet.given_back) == ([], 0)

    def test_that_is_accepted_without_a_slot_waits(self) -> None:
        outlet = FakeOutlet()
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2))
        (message,) = linked.asked()
        linked.admitted(None)
        assert linked.statuses() == {2: OK}
        assert (outlet.sent, outlet.queue) == ([], [message])

    def test_that_the_store_refuses_gives_its_slot_back(self) -> None:
        outlet = FakeOutlet(north=3)
        linked = bound(outlet=outlet, statuses=StatusStyle.STANDARD)
        linked.customer.send(submit(2), submit(3), submit(4))
        first, second, third = linked.asked()
        linked.admitted(None, QUOTA_EXHAUSTED, None)
        assert linked.statuses() == {2: OK, 3: QUOTA_STATUS, 4: OK}
        assert [message for message, _ in outlet.sent] == [first, third]
        assert (outlet.given_back, outlet.unused) == (1, 1)
        assert second not in outlet.queue

    def test_that_the_policy_refuses_is_answered_when_that_is_written_down(self) -> None:
        outlet = FakeOutlet(north=1)
        linked = bound(outlet=outlet, source_addrs=())
        linked.customer.send(submit(2, "尊敬的客户:您好【工商银行】", source_addr="1069"))
        (call,) = linked.store.waiting("admit")
        assert (call.asked, outlet.asked, linked.statuses()) == ([], [], {})
        (kept,) = call.refused
        assert (kept.refusal_id, kept.account, kept.rule) == (FIRST_ID, "bank", "SIGNATURE_NOT_REGISTERED")
        assert (kept.message_class, kept.source_addr, kept.units) == ("commercial", "1069", 1)
        assert "尊敬的客户:您好【工商银行】".encode("utf-16-be") in kept.body
        assert (kept.span_start, kept.span_end, kept.next_pass_at) == (8, 14, None)
        assert (kept.ruleset, kept.submitted_at) == (a_customer().ruleset.version, NOW)
        assert kept.submitted_by == "bank@192.0.2.9:40000"
        linked.admitted()
        assert linked.statuses() == {2: RULES["SIGNATURE_NOT_REGISTERED"].standard_status}

    def test_that_is_refused_for_no_rule_of_the_contract_is_answered_at_once(self) -> None:
        linked = bound(throttle=Throttle(0.0, 1))
        linked.customer.send(submit(2))
        assert linked.statuses() == {2: THROTTLED}
        assert linked.store.waiting("admit") == []

    def test_whose_customer_has_gone_is_sent_all_the_same(self) -> None:
        outlet = FakeOutlet(north=1)
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2))
        linked.customer.lose()
        linked.admitted(None)
        assert len(outlet.sent) == 1

    def test_scheduled_for_later_takes_no_slot(self) -> None:
        outlet = FakeOutlet(north=1)
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2, schedule_delivery_time="000000003000000R"))
        (message,) = linked.asked()
        assert (message.state, message.due_at) == (State.QUEUED, NOW + 30 * 60_000)
        assert outlet.asked == []
        linked.admitted(None)
        assert outlet.queue == [message]

    def test_outside_its_hours_takes_no_slot_if_it_is_held(self) -> None:
        opens = (datetime.fromtimestamp(NOON, ZONE) + timedelta(hours=1)).time()
        hours = Hours(opens, time(17), ZONE)
        ruleset = compile_ruleset(
            signatures=["中国银行"], content=ContentFilter({}), hours=hours, outside_hours="hold"
        )
        outlet = FakeOutlet(north=1)
        linked = bound(outlet=outlet, ruleset=ruleset)
        linked.customer.send(submit(2))
        (message,) = linked.asked()
        assert (message.state, message.due_at) == (State.QUEUED, NOW + 3_600_000)
        assert outlet.asked == []


class TestSlots:
    def test_go_to_those_that_came_first(self) -> None:
        outlet = FakeOutlet(north=2)
        linked = bound(outlet=outlet)
        linked.customer.send(*(submit(n) for n in (2, 3, 4)))
        submitting, waiting = State.SUBMITTING, State.QUEUED
        assert [message.state for message in linked.asked()] == [submitting, submitting, waiting]
        linked.admitted(None, None, None)
        assert [message.message_id for message, _ in outlet.sent] == [FIRST_ID, FIRST_ID + 1]
        assert [message.message_id for message in outlet.queue] == [FIRST_ID + 2]

    def test_are_asked_for_once_for_each_route(self) -> None:
        outlet = FakeOutlet(north=1, south=1)
        routes = (Route(None, "139", ("south",)), Route(None, "", ("north",)))
        store = FakeStore()
        side = CustomerSide(store, outlet=outlet, routes=routes)
        side.connect().bound().send(
            submit(2, destination="13900000001"), submit(3), submit(4, destination="13900000002")
        )
        assert sorted(outlet.asked) == [("north", 1), ("south", 2)]
        (call,) = store.waiting("admit")
        assert [(m.route, m.carrier) for m in call.asked] == [
            ("south", "south"),
            ("north", "north"),
            ("south", None),
        ]


class TestABatch:
    def test_holds_everything_that_came_while_the_last_one_was_at_the_store(self) -> None:
        linked = bound()
        other = linked.connect(port=40_001).bound()
        linked.customer.send(submit(2))
        linked.customer.send(submit(3))
        other.send(submit(2), submit(3))
        linked.customer.send(submit(4))
        assert [len(call.asked) for call in linked.store.waiting("admit")] == [1]
        assert len(linked.intake) == 5
        linked.admitted(None)
        assert len(linked.asked()) == 4
        linked.admitted(None, None, None, None)
        assert sorted(linked.statuses()) == [2, 3, 4]
        assert sorted(pdu.sequence_number for pdu in other.read()) == [2, 3]
        assert len(linked.intake) == 0

    def test_holds_a_whole_read(self) -> None:
        linked = bound()
        linked.customer.send(*(submit(n) for n in range(2, 12)))
        assert [message.message_id for message in linked.asked()] == list(range(FIRST_ID, FIRST_ID + 10))

    def test_holds_no_more_than_a_transaction_may(self) -> None:
        linked = bound(limits=replace(LIMITS, batch_max=3))
        linked.customer.send(*(submit(n) for n in range(2, 10)))
        sizes = []
        while linked.store.waiting("admit"):
            sizes.append(len(linked.asked()))
            linked.admitted(*[None] * sizes[-1])
        assert sizes == [3, 3, 2]
        assert sorted(linked.statuses()) == list(range(2, 10))


class TestAFailureOfTheStore:
    def test_refuses_the_batch_and_gives_its_slots_back(self) -> None:
        outlet = FakeOutlet(north=1)
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2), submit(3))
        linked.store.fail("admit", StoreUnable("disk full"))
        linked.reactor.advance(0)
        assert linked.statuses() == dict.fromkeys((2, 3), CommandStatus.ESME_RSYSERR)
        assert (outlet.sent, outlet.queue, outlet.given_back, outlet.unused) == ([], [], 1, 1)
        assert linked.metrics.messages_refused == {("bank", GatewayError.STORE_DOWN): 2}
        assert not linked.customer.connection.over

    def test_does_not_stop_the_next_batch(self) -> None:
        linked = bound()
        linked.customer.send(submit(2))
        linked.customer.send(submit(3))
        linked.store.fail("admit", StoreUnable("disk full"))
        linked.reactor.advance(0)
        linked.admitted(None)
        assert linked.statuses() == {2: CommandStatus.ESME_RSYSERR, 3: OK}


class TestACommitThatNobodyKnowsOf:
    def test_closes_every_bind_of_the_batch_unanswered(self) -> None:
        linked = bound(binds_max=9)
        before, first, second = linked.customer, linked.connect().bound(), linked.connect().bound()
        before.send(submit(2))
        first.send(submit(2), submit(3))
        second.send(submit(2))
        linked.admitted(None)
        linked.store.fail("admit", CommitUnknown("disk gone"))
        linked.reactor.advance(0)
        assert [c.connection.aborted for c in (before, first, second)] == [False, True, True]
        assert (first.read(), second.read()) == ([], [])
        assert linked.metrics.messages_refused == {}

    def test_sends_nothing_and_leaves_to_the_queue_what_may_be_stored(self) -> None:
        outlet = FakeOutlet(north=2)
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2), submit(3), submit(4))
        first, second, third = linked.asked()
        linked.store.fail("admit", CommitUnknown("disk gone"))
        linked.reactor.advance(0)
        assert outlet.sent == []
        assert [message for message, _ in outlet.put_down] == [first, second]
        assert {slot for _, slot in outlet.put_down} == set(outlet.lent)
        assert outlet.perhaps == [third]
        assert outlet.given_back == 0, "that follows when the outcome is recorded"
        assert linked.metrics.messages_accepted == {}


class TestTheThrottle:
    def test_refuses_what_is_beyond_it(self) -> None:
        linked = bound(throttle=Throttle(rate_per_s=1.0, burst=2))
        linked.customer.send(submit(2), submit(3), submit(4))
        linked.admitted(None, None)
        assert linked.statuses() == {2: OK, 3: OK, 4: THROTTLED}
        assert linked.metrics.messages_refused == {("bank", GatewayError.THROTTLED): 1}

    def test_lets_more_in_as_time_goes_by(self) -> None:
        linked = bound(throttle=Throttle(rate_per_s=2.0, burst=1))
        linked.customer.send(submit(2), submit(3))
        linked.admitted(None)
        linked.reactor.advance(0.5)
        linked.customer.send(submit(4), submit(5))
        linked.admitted(None)
        assert linked.statuses() == {2: OK, 3: THROTTLED, 4: OK, 5: THROTTLED}

    def test_counts_segments(self) -> None:
        linked = bound(throttle=Throttle(rate_per_s=1.0, burst=2))
        long = submit(2, short_message=None, message_payload=LONG.encode("utf-16-be"))
        linked.customer.send(long, submit(3))
        assert [message.units for message in linked.asked()] == [0, 1, 1]
        linked.admitted(None, None, None)
        assert linked.statuses() == {2: OK, 3: THROTTLED}

    def test_is_one_for_all_binds_of_an_account(self) -> None:
        linked = bound(throttle=Throttle(rate_per_s=1.0, burst=1))
        linked.customer.send(submit(2))
        other = linked.connect().bound()
        assert other.submit_statuses(submit(2)) == {2: THROTTLED}

    def test_is_not_used_up_by_what_is_refused_for_another_reason(self) -> None:
        linked = bound(throttle=Throttle(rate_per_s=1.0, burst=1))
        linked.customer.send(submit(2, "hello"), submit(3))
        linked.admitted(None)
        assert linked.statuses()[3] == OK

    def test_of_rate_0_blocks(self) -> None:
        linked = bound(throttle=Throttle(rate_per_s=0.0, burst=1))
        assert linked.customer.submit_statuses(submit(2)) == {2: THROTTLED}

    def test_of_a_source_counts_what_is_sent_from_it(self) -> None:
        sources = ("10690001", "10690002")
        linked = bound(throttle_per_source=Throttle(rate_per_s=1.0, burst=1), source_addrs=sources)
        linked.customer.send(
            *(submit(n, source_addr=addr) for n, addr in enumerate((*sources, sources[0]), 2))
        )
        linked.customer.send(submit(5, source_addr=""))
        linked.admitted(None, None)
        assert linked.statuses() == {2: OK, 3: OK, 4: THROTTLED, 5: THROTTLED}


class TestALimit:
    def test_of_messages_that_wait_in_the_queue_is_that_of_the_account(self) -> None:
        linked = bound(queue_max=5)
        linked.outlet.backlog["bank"] = 5
        linked.outlet.backlog["shop"] = 0
        assert linked.customer.submit_statuses(submit(2)) == {2: FULL}
        linked.outlet.backlog["bank"] = 4
        linked.outlet.backlog["shop"] = 5
        assert linked.customer.submit_statuses(submit(3)) == {}
        assert len(linked.intake) == 1

    def test_of_submits_that_wait_for_the_store_is_that_of_the_gateway(self) -> None:
        linked = bound(limits=replace(LIMITS, intake_max=2))
        other = linked.connect().bound()
        linked.customer.send(submit(2))
        other.send(submit(2))
        assert other.submit_statuses(submit(3)) == {3: FULL}
        linked.admitted(None)
        other.read()
        assert other.submit_statuses(submit(4)) == {}
        linked.admitted(None)
        linked.admitted(None)
        assert len(linked.intake) == 0
        assert linked.metrics.messages_refused == {("bank", GatewayError.QUEUE_FULL): 1}


class TestARoute:
    ROUTES = (
        Route("shop", "", ("south",)),
        Route(None, "139", ("west", "east")),
        Route("bank", "138", ("north",)),
    )

    @pytest.mark.parametrize(("destination", "route"), [("13900000001", "west,east"), ("138", "north")])
    def test_is_the_first_that_matches(self, destination: str, route: str) -> None:
        store = FakeStore()
        side = CustomerSide(store, routes=self.ROUTES)
        side.connect().bound().send(submit(2, destination=destination))
        (call,) = store.waiting("admit")
        assert [message.route for message in call.asked] == [route]

    def test_that_does_not_exist_is_a_wrong_destination(self) -> None:
        store = FakeStore()
        side = CustomerSide(store, routes=self.ROUTES)
        customer = side.connect().bound()
        statuses = customer.submit_statuses(submit(2, destination="15000000001"))
        assert statuses == {2: CommandStatus.ESME_RINVDSTADR}
        assert store.waiting("admit") == []
        assert side.metrics.messages_refused == {("bank", GatewayError.NO_ROUTE): 1}


class TestStopping:
    def test_waits_for_the_answers_to_what_has_come(self) -> None:
        linked = bound()
        linked.customer.send(submit(2))
        linked.customer.send(submit(3))
        stopped = linked.stop_intake()
        linked.admitted(None)
        assert not fired(stopped)
        linked.admitted(None)
        assert fired(stopped)
        assert linked.statuses() == {2: OK, 3: OK}

    def test_refuses_what_comes_then(self) -> None:
        linked = bound()
        assert fired(linked.stop_intake())
        statuses = linked.customer.submit_statuses(submit(2))
        assert statuses == {2: CommandStatus.ESME_RSYSERR}
        assert linked.metrics.messages_refused == {("bank", GatewayError.STOPPING): 1}
        assert linked.store.waiting("admit") == []


def test_what_is_accepted_is_counted_in_messages_and_units() -> None:
    linked = bound(statuses=StatusStyle.STANDARD)
    long = submit(3, short_message=None, message_payload=LONG.encode("utf-16-be"))
    linked.customer.send(submit(2), long, submit(4))
    linked.admitted(None, None, None, None, QUOTA_EXHAUSTED)
    assert linked.metrics.messages_accepted == {"bank": 2}
    assert linked.metrics.units_accepted == {"bank": 3}
    assert linked.metrics.messages_refused == {("bank", QUOTA_EXHAUSTED): 1}


def test_each_customer_gets_the_answers_to_its_own_submits() -> None:
    accounts = (a_customer(), a_customer(name="shop", system_id="shop", statuses=StatusStyle.VENDOR))
    store = FakeStore()
    side = CustomerSide(store, accounts=accounts)
    bank, shop = side.connect().bound(), side.connect()
    shop.send(bank_bind(system_id=b"shop"))
    shop.read()
    bank.connection.arrive(submit(7))
    shop.send(submit(7))
    (call,) = store.waiting("admit")
    assert [message.account for message in call.asked] == ["bank", "shop"]
    store.answer("admit", [None, QUOTA_EXHAUSTED])
    side.reactor.advance(0)
    assert [pdu.body for pdu in bank.read()] == [b"%d\0" % FIRST_ID]
    assert [pdu.command_status for pdu in shop.read()] == [RULES[QUOTA_EXHAUSTED].vendor_status]
