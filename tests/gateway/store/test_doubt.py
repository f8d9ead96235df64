"""A receipt under an id that nobody knows, and the messages in doubt that it may mean."""

from __future__ import annotations

from gateway.message import Message, State
from ledger.transfer import Kind
from smpp.message_state import MessageState
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import HOUR, NUMBER, START, accepted, parked, receipt, resent


def in_doubt(rig: Rig, number: str = NUMBER) -> Message:
    message = rig.submitting(destination_addr=number, registered_delivery=1)
    rig.record(parked(message, deadline_at=START + HOUR))
    return message


def test_the_only_one_for_its_number_is_ended_by_it_and_paid(rig: Rig) -> None:
    message, other = in_doubt(rig), in_doubt(rig, "13900139000")
    heard = rig.hear(receipt("lost-1", number=NUMBER))
    assert [(end.message_id, end.state) for end in heard.ended] == [(message.message_id, State.DELIVERED)]
    assert not heard.unknown
    assert (rig.resolution(message), rig.stats_told(message)) == (Kind.SETTLE, ["DELIVRD"])
    assert rig.state(other) is State.IN_DOUBT


def test_the_number_may_be_spelt_another_way(rig: Rig) -> None:
    message = in_doubt(rig)
    rig.hear(receipt("lost-1", number=f"+86{NUMBER}"))
    assert rig.state(message) is State.DELIVERED


def test_of_several_for_one_number_nobody_can_tell(rig: Rig) -> None:
    messages = [in_doubt(rig), in_doubt(rig)]
    heard = rig.hear(receipt("lost-1", number=NUMBER))
    assert len(heard.unknown) == 1
    assert {rig.state(message) for message in messages} == {State.IN_DOUBT}


def test_it_may_mean_one_that_is_being_submitted_and_not_yet_answered(rig: Rig) -> None:
    message = in_doubt(rig)
    rig.submitting()
    assert len(rig.hear(receipt("lost-1", number=NUMBER)).unknown) == 1
    assert rig.state(message) is State.IN_DOUBT


def test_it_may_mean_the_first_copy_of_one_that_was_sent_again(rig: Rig) -> None:
    message, other = in_doubt(rig), rig.submitting()
    rig.record(resent(other, START))
    assert len(rig.hear(receipt("lost-1", number=NUMBER)).unknown) == 1
    [again] = rig.claim().messages
    rig.record(accepted(again, "again"))
    assert len(rig.hear(receipt("lost-2", number=NUMBER)).unknown) == 1
    assert rig.state(message) is State.IN_DOUBT


def test_it_may_mean_one_that_was_given_up(rig: Rig) -> None:
    in_doubt(rig)
    rig.advance(3601)
    rig.end_overdue()
    message = rig.submitting()
    rig.record(parked(message, deadline_at=START + 3 * HOUR))
    assert len(rig.hear(receipt("lost-1", number=NUMBER)).unknown) == 1
    assert rig.state(message) is State.IN_DOUBT


def test_it_may_mean_one_that_was_accepted_without_an_id(rig: Rig) -> None:
    rig.record(accepted(rig.submitting(), None))
    message = in_doubt(rig)
    assert len(rig.hear(receipt("lost-1", number=NUMBER)).unknown) == 1
    assert rig.state(message) is State.IN_DOUBT


def test_one_message_does_not_answer_to_two_ids(rig: Rig) -> None:
    message = in_doubt(rig)
    heard = rig.hear(
        receipt("lost-1", number=NUMBER),
        receipt("lost-2", state=MessageState.UNDELIVERABLE, number=NUMBER),
    )
    assert rig.state(message) is State.DELIVERED
    assert [item.receipt.message_id for item in heard.unknown] == ["lost-2"]


def test_another_carriers_receipt_does_not_mean_it(rig: Rig) -> None:
    message = in_doubt(rig)
    rig.hear(receipt("lost-1", carrier="south", number=NUMBER))
    assert rig.state(message) is State.IN_DOUBT


def test_news_on_the_way_leave_it_in_doubt(rig: Rig) -> None:
    message = in_doubt(rig)
    rig.hear(receipt("lost-1", state=MessageState.ENROUTE, number=NUMBER))
    assert rig.state(message) is State.IN_DOUBT


def test_its_late_response_changes_nothing_more(rig: Rig) -> None:
    message = in_doubt(rig)
    rig.hear(receipt("lost-1", number=NUMBER))
    rig.record(accepted(message, "lost-1"))
    assert rig.state(message) is State.DELIVERED
    assert rig.stats_told(message) == ["DELIVRD"]
