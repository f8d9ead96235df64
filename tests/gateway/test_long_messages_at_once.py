"""Long messages when much happens at once: repeats, refusals, lost answers of commits, several binds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.message import State
from gateway.settings import Throttle
from gateway.store import schema
from ledger.standing import move
from ledger.states import AccountState
from smpp import segments
from smpp.status import CommandStatus
from tests.gateway.carriers.peer import submit_resp
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.samples import submit
from tests.gateway.raw_pdus import SUBMIT_SM, Raw
from tests.gateway.store.commits import HeldCommits
from tests.gateway.test_long_messages import LONG, an_account, answers, limits, pdu_of, segment, text_of
from tests.gateway.whole import Whole, result, settings_of

SHORT = LONG[:100]
WIDE = "尊敬的客户:" + "一" * 320 + "回TD退订【中国银行】"


def long_submit(sequence_number: int, text: str = LONG, **fields: str) -> bytes:
    octets = text.encode("utf-16-be")
    return submit(sequence_number, short_message=None, message_payload=octets, **fields)


def held(path: Path) -> tuple[Whole, HeldCommits]:
    """A gateway whose commits wait to be let go."""
    commits = HeldCommits()
    settings = settings_of(path, [an_account()], [a_carrier(window_max=10)], limits=limits())
    whole = Whole(settings, commits).top_up().start_with(commits)
    whole.carrier().accept_bind()
    whole.turn()
    return whole, commits


def settle(whole: Whole, commits: HeldCommits) -> None:
    for _ in range(20):
        whole.turn()
        while len(commits):
            commits.release()


def test_a_repeat_and_the_last_segment_do_not_wait_for_each_other(path: Path) -> None:
    whole = Whole(settings_of(path, [an_account()], limits=limits())).top_up().start()
    customer = whole.customer()
    with whole.observer.begin() as connection:
        move(connection, "bank", AccountState.SUSPENDED, 0)
    customer.send(segment(1, SHORT), segment(1, SHORT, at=5), segment(2, SHORT))
    assert set(answers(customer)) == {1, 2, 5}


def test_a_repeat_over_another_bind_is_not_refused_when_nobody_knows_of_the_commit(path: Path) -> None:
    whole, commits = held(path)
    one, other = whole.customer(), whole.customer()
    one.send(segment(1), segment(2))
    settle(whole, commits)
    assert answers(one) == {1: 0, 2: 0}
    one.send(segment(3))
    whole.turn()
    other.send(segment(3, at=9))
    commits.lose_the_answer()
    settle(whole, commits)
    assert State.JOINED in whole.states()
    assert answers(other) == {}
    assert other.connection.aborted


def test_a_repeat_of_the_last_segment_is_refused_for_the_same_reason(path: Path) -> None:
    whole, commits = held(path)
    customer = whole.customer()
    unsigned = LONG.replace("【中国银行】", "")
    customer.send(segment(1, unsigned), segment(2, unsigned))
    settle(whole, commits)
    customer.read()
    customer.send(segment(3, unsigned), segment(3, unsigned, at=9))
    settle(whole, commits)
    assert answers(customer) == {3: 0x403, 9: 0x403}


def test_repeats_are_held_to_the_throttle(path: Path) -> None:
    account = an_account(throttle=Throttle(rate_per_s=0.01, burst=1))
    whole = Whole(settings_of(path, [account], limits=limits())).top_up().start()
    customer = whole.customer()
    customer.send(segment(1), segment(1, at=9))
    assert answers(customer) == {1: 0, 9: CommandStatus.ESME_RTHROTTLED}


def test_parts_leave_by_one_bind_at_a_time_and_in_order(path: Path) -> None:
    carrier = replace(a_carrier(window_max=2), binds=2)
    whole = Whole(settings_of(path, [an_account()], [carrier], limits=limits())).top_up()
    result(whole.starting(), whole.turn)
    peers = whole.network.peers("north")
    for peer in peers:
        peer.accept_bind()
    whole.turn()
    customer = whole.customer()
    customer.send(long_submit(2, WIDE))
    assert answers(customer) == {2: 0}
    relayed: list[Raw] = []
    for _ in range(40):
        for peer in peers:
            submits = [pdu for pdu in peer.read() if pdu.command_id == SUBMIT_SM]
            relayed += submits
            peer.send(*(submit_resp(pdu.sequence_number, b"c%d" % len(relayed)) for pdu in submits))
        whole.pass_time(0.25)
    seqs = [place.seq for pdu in relayed if (place := segments.concat(pdu_of(pdu)))]
    assert seqs == sorted(seqs)
    assert text_of(relayed) == WIDE


def test_references_used_up_by_one_customer_are_no_limit_for_another(path: Path) -> None:
    other = an_account(name="other", system_id="other")
    whole = Whole(settings_of(path, [an_account(), other], [a_carrier(window_max=1)], limits=limits()))
    whole.top_up(units=10_000).top_up("other").start()
    customer = whole.customer()
    for first in range(0, 260, 20):
        customer.send(*(long_submit(first + n + 2) for n in range(20)))
        assert set(answers(customer).values()) == {0}
    second = whole.customer("other")
    second.send(long_submit(2))
    assert answers(second) == {2: 0}


def test_a_long_message_of_more_segments_than_allowed_is_refused_alone(path: Path) -> None:
    whole = Whole(settings_of(path, [an_account()], limits=limits(segments_max=2))).top_up().start()
    customer = whole.customer()
    customer.send(long_submit(2), submit(3))
    assert answers(customer) == {2: CommandStatus.ESME_RSUBMITFAIL, 3: 0}
    assert len(whole.rows(schema.message)) == 1


def test_few_segments_that_make_more_parts_than_allowed_are_refused(path: Path) -> None:
    whole = Whole(settings_of(path, [an_account()], limits=limits(segments_max=3))).top_up().start()
    customer = whole.customer()
    octets = WIDE.encode("utf-16-be")
    assert len(octets) <= 3 * 250
    for seq in (1, 2, 3):
        sar: dict[str, Any] = {"sar_msg_ref_num": 7, "sar_total_segments": 3, "sar_segment_seqnum": seq}
        customer.send(submit(seq, short_message=octets[250 * (seq - 1) : 250 * seq], **sar))
    assert answers(customer) == {1: 0, 2: 0, 3: CommandStatus.ESME_RSUBMITFAIL}
    assert [row.state for row in whole.rows(schema.message)] == [State.REJECTED] * 2
