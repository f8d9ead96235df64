"""Operations that come together, or while others are at the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.message import State
from smpp import codec
from smpp.address import Address
from smpp.message_state import MessageState
from smpp.pdu import CancelSm, QuerySm, QuerySmResp, ReplaceSm
from smpp.status import CommandStatus
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.peer import Customer
from tests.gateway.customers.samples import NUMBER, a_customer, submit
from tests.gateway.raw_pdus import RESP, Raw
from tests.gateway.store.commits import HeldCommits
from tests.gateway.test_long_messages import assert_sound, limits
from tests.gateway.test_operations import SENDER, TEXT_OCTETS
from tests.gateway.whole import Whole, settings_of

TO = Address(1, 1, NUMBER)
CANCEL_ALL = CancelSm("", "", SENDER, TO)


class Held:
    """A gateway whose commits wait to be let go, and a customer with one message that waits."""

    def __init__(self, path: Path) -> None:
        self.commits = HeldCommits()
        settings = settings_of(path, [a_customer()], [a_carrier(window_max=1)], limits=limits())
        self.whole = Whole(settings, self.commits).top_up().start_with(self.commits)
        self.whole.carrier("north").accept_bind()
        self.customer = self.whole.customer()
        self.customer.send(submit(2, destination="13700000000"), submit(3))
        self.settle()
        _, accepted = self.customer.read()
        self.own_id = accepted.body.removesuffix(b"\0").decode()

    def settle(self) -> None:
        """Let go of all commits."""
        self.whole.turn()
        while len(self.commits):
            self.commits.release()
            self.whole.turn()

    def swap(self, message_id: str) -> ReplaceSm:
        return ReplaceSm(message_id, SENDER, "", "", 1, 0, TEXT_OCTETS, ())

    def look_up(self) -> None:
        """Let go of what a replace_sm reads."""
        self.whole.turn()
        self.commits.release()
        self.whole.turn()


@pytest.fixture
def held(path: Path) -> Iterator[Held]:
    """What is stored in the end is sound."""
    held = Held(path)
    yield held
    held.whole.stop_with(held.commits)
    assert_sound(held.whole, path)


def answers(customer: Customer) -> list[Raw]:
    return [pdu for pdu in customer.read() if pdu.command_id & RESP]


def statuses(customer: Customer) -> list[tuple[int, int]]:
    return [(pdu.sequence_number, pdu.command_status) for pdu in answers(customer)]


def test_operations_are_served_in_the_order_of_their_arrival(held: Held) -> None:
    query = QuerySm(held.own_id, SENDER)
    held.customer.send(codec.encode(query, 10), codec.encode(CANCEL_ALL, 11), codec.encode(query, 12))
    held.settle()
    before, _, after = (codec.decode(pdu.command_id, pdu.body) for pdu in answers(held.customer))
    assert isinstance(before, QuerySmResp)
    assert isinstance(after, QuerySmResp)
    assert (before.message_state, after.message_state) == (MessageState.ENROUTE, MessageState.DELETED)


def test_a_cancel_sm_means_a_message_that_has_just_got_another_text(held: Held) -> None:
    held.customer.send(codec.encode(held.swap(held.own_id), 10), codec.encode(CANCEL_ALL, 11))
    held.settle()
    assert statuses(held.customer) == [(10, 0), (11, 0)]
    assert State.QUEUED not in held.whole.states()


def test_a_cancel_sm_means_nothing_that_came_after_it(held: Held) -> None:
    held.customer.send(codec.encode(QuerySm("1", SENDER), 10))
    held.whole.turn()  # the cancel_sm waits until the store has answered, the submit_sm does not
    held.customer.send(codec.encode(CANCEL_ALL, 11), submit(12))
    held.settle()
    assert sorted(statuses(held.customer))[1:] == [(11, 0), (12, 0)]
    assert held.whole.states()[1:] == [State.DELETED, State.QUEUED]


def test_what_is_refused_already_is_not_answered_again_when_the_store_fails(
    held: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    held.customer.send(codec.encode(held.swap("77"), 10), codec.encode(held.swap(held.own_id), 11))
    held.look_up()
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    held.commits.lose(OperationalError("COMMIT", {}, full))
    held.settle()
    unknown, down = CommandStatus.ESME_RINVMSGID, CommandStatus.ESME_RSYSERR
    assert statuses(held.customer) == [(10, unknown), (11, down)]
    assert "no unanswered request" not in capsys.readouterr().out  # the session would swallow a second answer


def test_a_bind_whose_operations_are_answered_outlives_an_unknown_commit(held: Held) -> None:
    other = held.whole.customer()
    held.settle()
    other.connection.arrive(codec.encode(held.swap("77"), 10))
    held.customer.send(codec.encode(held.swap(held.own_id), 11))
    held.look_up()
    held.commits.lose_the_answer()
    held.settle()
    assert statuses(other) == [(10, CommandStatus.ESME_RINVMSGID)]
    assert (held.customer.connection.aborted, other.connection.aborted) == (True, False)


def test_a_cancel_sm_means_what_came_before_it_in_the_same_read(held: Held) -> None:
    held.customer.send(submit(10), codec.encode(CANCEL_ALL, 11))
    held.settle()
    assert held.whole.states()[1:] == [State.DELETED, State.DELETED]
