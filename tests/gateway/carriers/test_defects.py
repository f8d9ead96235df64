"""Somebody on the carriers' side raises after a commit: slots come back, messages leave, answers are sent."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway.message import State
from gateway.stored import Attempt, Claimed, Delivery, Ended, Recorded
from smpp.errors import PduError
from tests.gateway.broken import broken, broken_counts
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.dispatching import START, Dispatching, bound
from tests.gateway.carriers.link_ends import bound_ends, ids
from tests.gateway.carriers.peer import DELIVER_SM_RESP, deliver, receipt, submit_resp
from tests.gateway.carriers.samples import LIMITS, TIMERS, a_carrier, a_message, a_waiting_message
from tests.gateway.raw_pdus import ENQUIRE_LINK

TWO = (a_carrier(name="north"), a_carrier(name="south"))
OWED = Recorded([Delivery(5, "bank", 7, b"", 0, START)], [Ended(7, "bank", State.DELETED, True)])


def accepted(side: Dispatching, *message_ids: int, carrier: str = "north") -> None:
    numbers = side.send(*message_ids, route=carrier)
    side.peer(carrier).send(*(submit_resp(number) for number in numbers))
    side.turn()


def not_sent(side: Dispatching) -> list[tuple[int, str, int]]:
    """Message, outcome and wait of what is at the store."""
    side.turn()
    [call] = side.store.waiting("record_outcomes")
    return [(o.message.message_id, o.outcome.name, o.due_at - START) for o in call.asked]


class TestAfterOutcomes:
    def test_a_customers_side_that_raises_costs_no_slot(self) -> None:
        side = bound(owe=broken)
        accepted(side, 1, 2)
        side.store.answer("record_outcomes", OWED)
        assert side.bind_of().taken == 0
        assert side.metrics.submits == {("north", "ACCEPTED"): 2}

    @pytest.mark.parametrize("metric", ["submits", "messages_ended"])
    def test_a_metric_that_raises_costs_neither_slot_nor_delivery(self, metric: str) -> None:
        side = bound()
        setattr(side.metrics, metric, broken_counts())
        side.dispatcher.queued([a_waiting_message(7)])
        side.claim()
        accepted(side, 1, 2)
        side.store.answer("record_outcomes", OWED)
        assert (side.bind_of().taken, side.owed) == (0, OWED.deliveries)
        assert side.dispatcher.waiting("bank") == 0

    def test_a_bind_that_raises_does_not_keep_another_from_its_slots(self) -> None:
        side = bound("north", "south", carriers=TWO)
        numbers = side.send(1), side.send(2, route="south")
        side.bind_of("north").give_back = broken  # type: ignore[method-assign]
        for carrier, (number,) in zip(("north", "south"), numbers, strict=True):
            side.peer(carrier).send(submit_resp(number))
        side.turn()
        side.store.answer("record_outcomes")
        assert side.bind_of("south").taken == 0

    def test_a_dispatcher_that_raises_when_there_is_room_does_not_either(self) -> None:
        side = bound("north", "south", carriers=TWO)
        numbers = side.send(1), side.send(2, route="south")
        side.dispatcher.changed = broken  # type: ignore[method-assign]
        for carrier, (number,) in zip(("north", "south"), numbers, strict=True):
            side.peer(carrier).send(submit_resp(number))
        side.turn()
        side.store.answer("record_outcomes")
        assert (side.bind_of("north").taken, side.bind_of("south").taken) == (0, 0)

    def test_the_next_outcomes_are_recorded_as_ever(self) -> None:
        side = bound(owe=broken)
        accepted(side, 1)
        side.store.answer("record_outcomes", OWED)
        accepted(side, 2)
        side.store.answer("record_outcomes")
        assert fired(side.stop_dispatcher())


class TestAfterAClaim:
    @pytest.mark.parametrize("metric", ["messages_ended", ""])
    def test_what_was_claimed_leaves_and_unused_slots_come_back(self, metric: str) -> None:
        side = bound(owe=broken)
        if metric:
            setattr(side.metrics, metric, broken_counts())
        side.dispatcher.queued([a_waiting_message(n) for n in (1, 7)])
        side.store.answer("claim", Claimed([a_message(1)], {}, OWED))
        assert len(side.submits()) == 1
        assert side.bind_of().taken == 1
        side.dispatcher.queued([a_waiting_message(2)])
        side.claim(a_message(2))
        assert len(side.submits()) == 1, "and the next claim is made"


class TestASubmitThatCannotBeSent:
    def test_goes_back_to_the_queue_alone(self) -> None:
        side = bound(carriers=(a_carrier(source_addr="10690099"),))
        slots = side.dispatcher.take_slots("north", 3)
        messages = [a_message(1), a_message(2, body=b"nothing that can be read", attempts=3), a_message(3)]
        with capture_logs() as logs:
            side.dispatcher.send(list(zip(messages, slots, strict=True)))
        assert len(side.submits()) == 2
        assert not_sent(side) == [(2, "NOT_SENT", 2000)]
        side.store.answer("record_outcomes")
        assert side.bind_of().taken == 2
        [entry] = [entry for entry in logs if entry["event"] == "submit.failed"]
        assert (entry["message_id"], entry["bind"], entry["log_level"]) == (2, "north/0", "error")

    def test_costs_no_slot_whatever_the_bind_raises(self) -> None:
        side = bound()
        side.bind_of().submit = broken  # type: ignore[method-assign]
        side.send(1, 2)
        wait_ms = int(LIMITS.retry_min_s * 1000 / 2)
        assert not_sent(side) == [(1, "NOT_SENT", wait_ms), (2, "NOT_SENT", wait_ms)]
        side.store.answer("record_outcomes")
        assert (side.bind_of().taken, side.metrics.put_aside) == (0, {"submit": 2})

    def test_leaves_none_of_its_batch_in_the_window_of_a_link(self) -> None:
        ends = bound_ends(source_addr="10690099")
        messages = a_message(1), a_message(2, body=b"nothing that can be read")
        with pytest.raises(PduError):
            ends.link.submit([Attempt(message, "north/0", 0) for message in messages])
        ends.peer.lose()
        assert [ids(lost) for lost in ends.heard.losses] == [[]]


class TestAfterAReceipt:
    @pytest.mark.parametrize("metric", ["receipts", "inbound", "messages_ended"])
    def test_the_carrier_is_answered_although_somebody_raises(self, metric: str) -> None:
        side = bound(owe=broken)
        setattr(side.metrics, metric, broken_counts())
        side.peer().send(receipt(1, "c1"), deliver(2, b"thanks"))
        side.turn()
        side.store.answer("record_receipts", OWED)
        side.store.answer("record_inbound", OWED)
        answers = [pdu for pdu in side.peer().read() if pdu.command_id == DELIVER_SM_RESP]
        assert [(pdu.sequence_number, pdu.command_status) for pdu in answers] == [(1, 0), (2, 0)]

    def test_a_link_that_raises_does_not_keep_another_from_its_answer(self) -> None:
        side = bound("north", "south", carriers=TWO)
        link = side.bind_of("north").link
        assert link is not None
        link.respond = broken  # type: ignore[method-assign]
        for carrier in ("north", "south"):
            side.peer(carrier).send(deliver(1, b"thanks"))
        side.turn()
        side.store.answer("record_inbound")
        assert [pdu.command_id for pdu in side.peer("south").read()] == [DELIVER_SM_RESP]


class TestALinkWhoseOwnerRaises:
    def test_at_a_timeout_keeps_its_timers(self) -> None:
        ends = bound_ends()
        ends.heard.timed_out = broken  # type: ignore[method-assign]
        ends.submit(1)
        ends.clock.advance(TIMERS.response_s)
        ends.clock.advance(TIMERS.enquire_link_s)
        assert [pdu.command_id for pdu in ends.peer.read()] == [ENQUIRE_LINK]

    def test_at_the_last_answers_still_tells_that_it_is_lost(self) -> None:
        ends = bound_ends()
        ends.heard.answered = broken  # type: ignore[method-assign]
        ends.heard.delivered = lambda *told: ends.peer.lose()  # type: ignore[method-assign]
        first, _ = ends.submit(1, 2)
        ends.peer.send(submit_resp(first), deliver(1, b"the connection is lost over this"))
        assert [ids(lost) for lost in ends.heard.losses] == [[2]]
