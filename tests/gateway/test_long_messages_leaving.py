"""Long messages that leave at once: the intent to submit their parts is in the commit that joins them."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import OperationalError

from gateway.message import State
from gateway.settings import Route, Throttle
from gateway.store import schema
from ledger.accounts import Balance
from policy.clauses import QUOTA_EXHAUSTED, RULES
from smpp import codec, segments
from tests.gateway.carriers.peer import submit_resp
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.samples import submit
from tests.gateway.raw_pdus import SUBMIT_SM
from tests.gateway.store.commits import HeldCommits
from tests.gateway.test_long_messages import (
    LONG,
    an_account,
    answers,
    assert_sound,
    limits,
    pdu_of,
    segment,
    started,
    text_of,
)
from tests.gateway.test_long_messages_at_once import held, settle
from tests.gateway.whole import BOUGHT, Whole, result, settings_of

GOING = [State.JOINED, State.JOINED, State.JOINED] + [State.SUBMITTING] * 3
WAITING = [State.JOINED, State.JOINED, State.JOINED] + [State.QUEUED] * 3


def about_to_join(path: Path) -> tuple[Whole, HeldCommits]:
    """A gateway at whose commit a long message waits to be joined."""
    whole, commits = held(path)
    customer = whole.customer()
    customer.send(segment(1), segment(2))
    settle(whole, commits)
    assert answers(customer) == {1: 0, 2: 0}
    customer.send(segment(3))
    whole.turn()
    return whole, commits


def _full_disk() -> OperationalError:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    return OperationalError("COMMIT", None, full)


def slots_taken(whole: Whole) -> int:
    rendered = whole.gateway.metrics.render().decode()
    (line,) = [line for line in rendered.splitlines() if line.startswith("signet_slots_taken{")]
    return int(float(line.rpartition(" ")[2]))


def test_one_commit_stands_between_the_last_segment_and_its_parts(path: Path) -> None:
    whole, commits = about_to_join(path)
    assert whole.submits() == []
    assert len(commits) == 1
    commits.release()
    whole.turn()
    assert text_of(whole.submits()) == LONG
    assert len(commits) == 0
    assert whole.states() == GOING
    assert slots_taken(whole) == 3
    whole.stop_with(commits)


def test_what_leaves_has_the_reference_that_is_stored(path: Path) -> None:
    whole = started(path)
    customer = whole.customer()
    customer.send(*(segment(n, ref=ref, at=10 * ref + n) for ref in (1, 2) for n in (1, 2, 3)))
    relayed = whole.submits()
    sent = [place.ref for raw in relayed if (place := segments.concat(pdu_of(raw)))]
    rows = [row for row in whole.rows(schema.message) if row.part]
    stored = [place.ref for row in rows if (place := segments.concat(codec.submit_sm(row.body)))]
    assert sent == stored
    assert len(set(sent)) == 2
    assert {row.route for row in rows} == {"north"}
    whole.stop()


def test_parts_without_room_for_all_of_them_wait(path: Path) -> None:
    carrier = a_carrier(window_max=5)
    whole = Whole(settings_of(path, [an_account()], [carrier], limits=limits())).top_up().start()
    customer = whole.customer()
    customer.send(submit(1), submit(2), submit(3))
    taken = whole.submits()
    customer.send(segment(1, at=11), segment(2, at=12), segment(3, at=13))
    assert len(whole.submits()) == 2
    whole.accept(*taken)
    whole.stop()
    assert_sound(whole, path)


def test_slots_come_back_from_what_the_store_refuses(path: Path) -> None:
    whole = Whole(settings_of(path, [an_account()], [a_carrier(window_max=3)], limits=limits()))
    whole.top_up(units=2).start()
    customer = whole.customer()
    customer.send(segment(1), segment(2), segment(3))
    assert answers(customer) == {1: 0, 2: 0, 3: RULES[QUOTA_EXHAUSTED].vendor_status}
    assert slots_taken(whole) == 0
    whole.stop()


def test_slots_come_back_when_the_store_is_unable(path: Path) -> None:
    whole, commits = about_to_join(path)
    commits.lose(_full_disk())
    settle(whole, commits)
    assert whole.states() == [State.COLLECTING] * 2
    assert slots_taken(whole) == 0
    whole.stop_with(commits)


def test_parts_of_a_commit_that_nobody_knows_of_go_back_and_leave_once(path: Path) -> None:
    whole, commits = about_to_join(path)
    commits.lose_the_answer()
    settle(whole, commits)
    whole.pass_time(1)
    settle(whole, commits)
    assert text_of(whole.submits()) == LONG
    assert whole.states() == GOING
    assert slots_taken(whole) == 3
    whole.stop_with(commits)


def test_slots_come_back_from_a_commit_that_nobody_knows_of_and_that_did_not_happen(path: Path) -> None:
    whole, commits = about_to_join(path)
    commits.lose()
    settle(whole, commits)
    assert whole.submits() == []
    assert slots_taken(whole) == 0
    whole.stop_with(commits)


def test_all_leave_by_one_bind_in_order(path: Path) -> None:
    carrier = replace(a_carrier(window_max=4), binds=2)
    whole = Whole(settings_of(path, [an_account()], [carrier], limits=limits())).top_up()
    result(whole.starting(), whole.turn)
    peers = whole.network.peers("north")
    for peer in peers:
        peer.accept_bind()
    whole.turn()
    customer = whole.customer()
    for ref in (1, 2):
        customer.send(*(segment(n, ref=ref, at=10 * ref + n) for n in (1, 2, 3)))
    by_peer = [[pdu for pdu in peer.read() if pdu.command_id == SUBMIT_SM] for peer in peers]
    assert [text_of(relayed) for relayed in by_peer] == [LONG, LONG]


def test_a_part_that_comes_back_keeps_to_the_carrier(path: Path) -> None:
    carriers = [a_carrier(window_max=9), a_carrier(name="south", port=2777, window_max=9)]
    routes = [Route(None, "", ("north", "south"))]
    whole = Whole(settings_of(path, [an_account()], carriers=carriers, routes=routes, limits=limits()))
    whole.top_up().start()
    customer = whole.customer()
    customer.send(segment(1), segment(2), segment(3))
    one, two, three = whole.submits()
    whole.accept(one, three)
    whole.say(submit_resp(two.sequence_number, b"", 0x58))
    whole.carrier().lose()
    whole.pass_time(5)
    assert whole.submits("south") == []
    assert [row.route for row in whole.rows(schema.message) if row.state == State.QUEUED] == ["north"]


def test_a_rate_that_allows_some_of_the_parts_makes_all_wait(path: Path) -> None:
    carrier = a_carrier(window_max=9, rate=Throttle(rate_per_s=4.0, burst=2))
    whole = Whole(settings_of(path, [an_account()], [carrier], limits=limits())).top_up().start()
    customer = whole.customer()
    customer.send(segment(1), segment(2), segment(3))
    relayed = whole.submits()
    assert len(relayed) == 2
    whole.accept(*relayed)
    whole.pass_time(1)
    relayed += whole.submits()
    assert text_of(relayed) == LONG


def test_parts_that_are_to_be_sent_later_wait(path: Path) -> None:
    whole = started(path)
    customer = whole.customer()
    for n in (1, 2, 3):
        customer.send(segment(n, schedule_delivery_time="000000000100000R"))
    assert answers(customer) == {1: 0, 2: 0, 3: 0}
    assert whole.states() == WAITING
    assert slots_taken(whole) == 0
    assert whole.balance() == Balance(BOUGHT, BOUGHT - 3, 3, 0, 0)
    whole.stop()
