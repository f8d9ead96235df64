"""States on the way of a message in parts: its sender hears of each one once, of whichever part it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.message import Message, State
from gateway.store import schema
from gateway.store.audit import IDENTITIES, Audit
from gateway.store.snapshot import snapshot
from gateway.stored import Recorded, Whole
from smpp.message_state import MessageState
from tests.gateway.store import samples
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import HOUR, SECOND, START, accepted, receipt

ENROUTE, ACCEPTED, UNDELIVERABLE = MessageState.ENROUTE, MessageState.ACCEPTED, MessageState.UNDELIVERABLE
ASKING = 0x11


def with_carrier(rig: Rig, parts: int = 2, **fields: int) -> Message:
    """A message whose parts are on their way, under the ids c1, c2 and so on."""
    whole, *_ = rig.long(parts=parts, **{"registered_delivery": ASKING} | fields)
    take(rig)
    return whole


def take(rig: Rig) -> None:
    """The carrier takes what waits."""
    claimed = rig.claim().messages
    rig.record(*(accepted(part, f"c{number}") for number, part in enumerate(claimed, 1)))


def in_segments(rig: Rig, *asked: int) -> list[Message]:
    """A message in as many segments and parts as there are registered_delivery, on its way."""
    whole_id = rig.ids.next()
    segments = [
        replace(
            samples.message(rig.ids.next(), registered_delivery=wanted, state=State.COLLECTING),
            whole_id=whole_id,
            segment=number,
        )
        for number, wanted in enumerate(asked, 1)
    ]
    *early, last = segments
    rig.admit(*early)
    parts = tuple(
        replace(
            samples.message(rig.ids.next(), registered_delivery=0),
            body=samples.part_body(),
            whole_id=whole_id,
            part=number,
        )
        for number, _ in enumerate(asked, 1)
    )
    last = replace(last, state=State.JOINED, units=0)
    joined = rig.result(rig.store.join([Whole(tuple(m.message_id for m in early), last, parts)]))
    assert joined.rules == [None]
    take(rig)
    return segments


@pytest.mark.parametrize("state", [ENROUTE, ACCEPTED])
def test_the_first_part_tells_and_the_others_repeat(rig: Rig, state: MessageState) -> None:
    whole = with_carrier(rig)
    recorded = rig.hear(receipt("c1", state))
    assert ([d.message_id for d in recorded.deliveries], recorded.ended) == ([whole.message_id], ())
    (news,) = rig.told()
    assert (news.esm_class, news.stat) == (0x20, state.stat)
    assert news.text.startswith(f"id:{whole.message_id} ")
    assert rig.hear(receipt("c2", state)) == Recorded()
    assert rig.state(whole) is State.JOINED


def test_parts_that_tell_the_same_in_one_batch_tell_it_once(rig: Rig) -> None:
    with_carrier(rig)
    assert len(rig.hear(receipt("c1", ENROUTE), receipt("c2", ENROUTE)).deliveries) == 1


def test_every_state_is_told(rig: Rig) -> None:
    whole = with_carrier(rig)
    rig.hear(receipt("c2", ACCEPTED), receipt("c1", ENROUTE))
    rig.hear(receipt("c1", ACCEPTED), receipt("c2", ENROUTE))
    rig.hear(receipt("c1"), receipt("c2"))
    assert rig.stats_told(whole) == ["ACCEPTD", "ENROUTE", "DELIVRD"]


def test_every_segment_that_asked_hears_it_once(rig: Rig) -> None:
    one, two, three = in_segments(rig, ASKING, 1, 0x10)
    rig.hear(receipt("c2", ENROUTE))
    rig.hear(receipt("c1", ENROUTE), receipt("c3", ENROUTE))
    told = [rig.stats_told(segment) for segment in (one, two, three)]
    assert told == [["ENROUTE"], [], ["ENROUTE"]]


def test_a_segment_that_has_ended_hears_no_more(rig: Rig) -> None:
    one, two = in_segments(rig, ASKING, ASKING)
    rig.hear(receipt("c1"))
    rig.hear(receipt("c2", ENROUTE))
    assert rig.stats_told(one) == ["DELIVRD"]
    assert rig.stats_told(two) == ["ENROUTE"]


def test_a_segment_that_ends_in_the_same_batch_hears_what_came_before(rig: Rig) -> None:
    one, two = in_segments(rig, ASKING, ASKING)
    recorded = rig.hear(receipt("c2", ENROUTE), receipt("c1"), receipt("c2", ACCEPTED))
    assert rig.stats_told(one) == ["ENROUTE", "DELIVRD"]
    assert rig.stats_told(two) == ["ENROUTE", "ACCEPTD"]
    assert len(recorded.deliveries) == 4


def test_after_the_end_nothing_is_told(rig: Rig) -> None:
    whole = with_carrier(rig)
    rig.hear(receipt("c1", UNDELIVERABLE), receipt("c2", UNDELIVERABLE))
    assert rig.hear(receipt("c1", ENROUTE), receipt("c2", ACCEPTED)) == Recorded()
    assert rig.stats_told(whole) == ["UNDELIV"]


def test_what_part_of_a_message_tells_after_its_end_is_no_news(rig: Rig) -> None:
    whole = with_carrier(rig)
    rig.hear(receipt("c1"))
    assert rig.hear(receipt("c1", ENROUTE)) == Recorded()
    assert rig.hear(receipt("c2", ENROUTE)).deliveries
    assert rig.stats_told(whole) == ["ENROUTE"]


@pytest.mark.parametrize("registered_delivery", [0, 1, 2])
def test_who_did_not_ask_hears_nothing(rig: Rig, registered_delivery: int) -> None:
    with_carrier(rig, registered_delivery=registered_delivery)
    assert rig.hear(receipt("c1", ENROUTE)) == Recorded()
    assert rig.rows(schema.news) == []


def test_it_is_told_when_the_response_comes_after_it(rig: Rig) -> None:
    whole, *_ = rig.long(registered_delivery=ASKING)
    one, two = rig.claim().messages
    rig.hear(receipt("c1", ENROUTE))
    assert len(rig.record(accepted(one, "c1"), accepted(two, "c2")).deliveries) == 1
    rig.hear(receipt("c2", ENROUTE))
    assert rig.stats_told(whole) == ["ENROUTE"]


def test_of_two_messages_each_has_its_own(rig: Rig) -> None:
    one, *_ = rig.long(registered_delivery=ASKING)
    two, *_ = rig.long(registered_delivery=ASKING)
    take(rig)
    rig.hear(receipt("c1", ENROUTE), receipt("c3", ENROUTE), receipt("c2", ENROUTE))
    assert [rig.stats_told(whole) for whole in (one, two)] == [["ENROUTE"], ["ENROUTE"]]


def test_an_overdue_end_is_the_last_word(rig: Rig) -> None:
    whole = with_carrier(rig, deadline_at=START + SECOND)
    rig.hear(receipt("c1", ENROUTE))
    rig.advance(HOUR / SECOND)
    rig.end_overdue()
    assert rig.hear(receipt("c2", ACCEPTED)) == Recorded()
    assert rig.stats_told(whole) == ["ENROUTE", "UNKNOWN"]


def test_the_audit_finds_nothing_wrong_with_it(rig: Rig, engine: Engine) -> None:
    in_segments(rig, ASKING, 1, 0x10)
    rig.hear(receipt("c1", ENROUTE), receipt("c2", ACCEPTED), receipt("c2"))
    with snapshot(Path(engine.url.database or ""), "86") as connection:
        audit = Audit(connection, limit=3)
        assert [found for i in IDENTITIES if (found := audit.find(i)).violations] == []
