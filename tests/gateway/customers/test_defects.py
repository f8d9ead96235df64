"""Somebody on the customers' side raises after a commit: answers are sent, messages leave, slots return."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from gateway.admission import Refusal
from gateway.message import Message
from gateway.ports import CommitUnknown, StoreUnable
from gateway.statuses import GatewayError
from smpp import codec
from smpp.commands import CommandId
from smpp.pdu import SubmitSm
from smpp.status import CommandStatus
from tests.gateway.broken import broken, broken_counts
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.customers.customer_side import CustomerSide
from tests.gateway.customers.linked import bound
from tests.gateway.customers.outlet import FakeOutlet
from tests.gateway.customers.owing import Owing
from tests.gateway.customers.samples import a_customer, submit
from tests.gateway.customers.test_deliveries_store import attached

OK, RSYSERR = CommandStatus.ESME_ROK, CommandStatus.ESME_RSYSERR


class Submitter:
    """See `gateway.customers.intake.Submitter`. It raises in the calls that are named."""

    def __init__(self, *raises: str) -> None:
        self.account = a_customer()
        self.label = "bank"
        self.answers: dict[int, int] = {}
        self.aborted = False
        self.flushed = 0
        for call in raises:
            setattr(self, call, broken)

    def accept(self, sequence_number: int, message: Message) -> None:
        self.answers[sequence_number] = OK

    def refuse(self, sequence_number: int, refusal: Refusal) -> None:
        self.answers[sequence_number] = refusal.command_status

    def flush(self) -> None:
        self.flushed += 1

    def abort(self, reason: str) -> None:
        self.aborted = True


class Taking(CustomerSide):
    """An intake, with a store that answers when it is told to, and room for some messages at a carrier."""

    def __init__(self, room: int = 0) -> None:
        self.store = FakeStore()
        self.carriers = FakeOutlet(north=room)
        super().__init__(self.store, outlet=self.carriers)

    def offer(self, submitter: Submitter, *sequence_numbers: int) -> None:
        for sequence_number in sequence_numbers:
            body = submit(sequence_number)[16:]
            pdu = codec.decode(CommandId.SUBMIT_SM, body)
            assert isinstance(pdu, SubmitSm)
            self.intake.offer(submitter, sequence_number, pdu, body)

    def admitted(self, *rules: str | None) -> None:
        self.reactor.advance(0)
        self.store.answer("admit", list(rules))


class TestAnAnswerThatRaises:
    def test_keeps_nobody_else_from_an_answer_and_no_message_from_leaving(self) -> None:
        taking, bad, good = Taking(room=1), Submitter("accept", "abort"), Submitter()
        taking.offer(bad, 1)
        taking.offer(good, 2, 3)
        taking.admitted(None, None, "QUOTA_EXHAUSTED")
        assert (sorted(good.answers), good.aborted) == ([2, 3], False)
        assert (len(taking.carriers.sent), len(taking.carriers.queue)) == (1, 1)

    @pytest.mark.parametrize("rule", [None, "QUOTA_EXHAUSTED"])
    def test_closes_its_bind_because_its_customer_knows_nothing_now(self, rule: str | None) -> None:
        taking, bad = Taking(room=1), Submitter("accept", "refuse")
        taking.offer(bad, 1)
        taking.admitted(rule)
        assert bad.aborted
        assert (len(taking.carriers.sent), taking.carriers.unused) == ((1, 0) if rule is None else (0, 1))

    def test_does_so_too_where_the_store_has_failed(self) -> None:
        taking, bad, good = Taking(room=1), Submitter("refuse"), Submitter()
        taking.offer(bad, 1)
        taking.offer(good, 2)
        taking.reactor.advance(0)
        taking.store.fail("admit", StoreUnable("disk full"))
        assert (bad.aborted, good.answers) == (True, {2: RSYSERR})


class TestAfterAnAdmission:
    @pytest.mark.parametrize("metric", ["messages_accepted", "units_accepted"])
    def test_a_metric_that_raises_keeps_no_answer_back(self, metric: str) -> None:
        taking, customer = Taking(room=1), Submitter()
        setattr(taking.metrics, metric, broken_counts())
        taking.offer(customer, 1, 2)
        taking.admitted(None, None)
        assert (customer.answers, customer.flushed) == ({1: OK, 2: OK}, 1)
        assert (len(taking.carriers.sent), len(taking.carriers.queue)) == (1, 1)

    @pytest.mark.parametrize("call", ["send", "queued"])
    def test_an_outlet_that_raises_keeps_no_answer_back(self, call: str) -> None:
        taking, customer = Taking(room=1), Submitter()
        setattr(taking.carriers, call, broken)
        taking.offer(customer, 1, 2)
        taking.admitted(None, None)
        assert (customer.answers, customer.flushed) == ({1: OK, 2: OK}, 1)
        assert len(taking.carriers.sent) + len(taking.carriers.queue) == 1, "the other call is made"

    def test_a_slot_that_raises_keeps_no_answer_back(self) -> None:
        taking, customer = Taking(room=1), Submitter()
        taking.offer(customer, 1, 2)
        taking.reactor.advance(0)
        taking.carriers.lent[0].give_back = broken  # type: ignore[method-assign]
        taking.admitted("QUOTA_EXHAUSTED", None)
        assert (sorted(customer.answers), customer.flushed) == ([1, 2], 1)

    def test_a_bind_that_cannot_be_flushed_does_not_keep_the_next_from_it(self) -> None:
        taking, bad, good = Taking(), Submitter("flush"), Submitter()
        taking.offer(bad, 1)
        taking.offer(good, 2)
        taking.admitted(None, None)
        assert good.flushed == 1

    def test_a_bind_that_cannot_be_closed_leaves_what_may_be_stored_to_the_queue(self) -> None:
        taking, bad, good = Taking(room=1), Submitter("abort"), Submitter()
        taking.offer(bad, 1)
        taking.offer(good, 2)
        taking.reactor.advance(0)
        taking.store.fail("admit", CommitUnknown("disk gone"))
        assert good.aborted
        assert (len(taking.carriers.put_down), len(taking.carriers.perhaps)) == (1, 1)


class TestBeforeAnAdmission:
    def test_an_outlet_that_raises_refuses_the_batch(self) -> None:
        taking, customer = Taking(), Submitter()
        taking.carriers.take_slots = broken  # type: ignore[method-assign]
        taking.offer(customer, 1, 2)
        taking.reactor.advance(0)
        assert (customer.answers, customer.flushed) == ({1: RSYSERR, 2: RSYSERR}, 1)

    def test_an_account_that_raises_refuses_the_batch_and_costs_no_slot(self) -> None:
        taking, customer = Taking(room=2), Submitter()
        taking.offer(customer, 1, 2, 3)
        del customer.label
        taking.reactor.advance(0)
        assert customer.answers == dict.fromkeys((1, 2, 3), RSYSERR)
        assert (len(taking.carriers.lent), taking.carriers.unused) == (2, 2)


class TestAMessageThatTheStoreWillNotTake:
    def test_is_refused_alone(self) -> None:
        outlet = FakeOutlet(north=2)
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2), submit(3), submit(4))
        poison = linked.asked()[1]
        while linked.store.waiting("admit"):
            if poison in linked.asked():
                linked.store.fail("admit", ValueError("bad"))
            else:
                linked.admitted(*(None for _ in linked.asked()))
        linked.reactor.advance(0)
        assert linked.statuses() == {2: OK, 3: RSYSERR, 4: OK}
        assert (len(outlet.sent), len(outlet.queue), outlet.unused) == (1, 1, 1)
        assert linked.metrics.messages_refused == {("bank", GatewayError.STORE_DOWN): 1}

    def test_leaves_the_others_of_its_batch_to_their_own_fates(self) -> None:
        outlet = FakeOutlet()
        linked = bound(outlet=outlet)
        linked.customer.send(submit(2), submit(3), submit(4), submit(5))
        linked.store.fail("admit", ValueError("bad"))
        linked.store.fail("admit", StoreUnable("disk full"))
        linked.store.fail("admit", CommitUnknown("disk gone"))
        linked.reactor.advance(0)
        assert len(outlet.perhaps) == 2
        assert linked.metrics.messages_refused == {("bank", GatewayError.STORE_DOWN): 2}
        assert linked.customer.connection.aborted


@pytest.fixture
def owing(engine: Engine) -> Iterator[Owing]:
    owing = Owing(engine)
    yield owing
    owing.close()


class TestADeliveryThatRaises:
    def test_goes_out_again_with_all_of_its_batch(self, owing: Owing) -> None:
        receiver = owing.attach()
        deliver, receiver.deliver = receiver.deliver, broken  # type: ignore[method-assign]
        owed = owing.owe(3)
        owing.turn()
        receiver.deliver = deliver  # type: ignore[method-assign]
        owing.pass_time(1.5)
        assert receiver.got == owed


class TestAnAcknowledgementThatTheStoreWillNotTake:
    def test_does_not_hold_up_the_others(self) -> None:
        asking, receiver = attached()
        asking.owe(1, 2, 3)
        receiver.answer(count=3)
        asking.reactor.advance(0)
        with capture_logs() as logs:
            while asking.store.waiting("finish_deliveries"):
                if 2 in asking.records()[0]:
                    asking.store.fail("finish_deliveries", ValueError("bad"))
                else:
                    asking.store.answer("finish_deliveries")
        [entry] = [entry for entry in logs if entry["event"] == "delivery.put_aside"]
        assert (entry["delivery_id"], entry["outcome"]) == (2, "ACKNOWLEDGED")
        assert len(asking.deliveries) == 1, "it stays in hand"
        asking.deliveries.look_again()
        asking.page(2, 4)
        assert receiver.got == [1, 2, 3, 4], "and does not go out again"


class TestAPageThatTheStoreWillNotGive:
    def test_is_asked_for_again_later_and_holds_up_nothing_that_is_owed_meanwhile(self) -> None:
        asking, receiver = attached()
        asking.deliveries.look_again()
        asking.store.fail("waiting_deliveries", ValueError("bad"))
        asking.owe(1)
        assert receiver.got == [1]
        asking.reactor.advance(64.0)
        asking.page(2)
        assert receiver.got == [1, 2]
