"""The intake in front of the real store: what is stored, and when the customer hears of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection, Engine

from gateway.message import Message, State
from gateway.store import admit, schema, schema_records, sqlstore
from gateway.store.ends import Means
from gateway.stored import RefusedSubmit
from ledger.accounts import Balance
from policy.clauses import QUOTA_EXHAUSTED, RECIPIENT_OPTED_OUT, RULES
from smpp import codec
from smpp.address import Address
from smpp.pdu import ReplaceSm
from smpp.status import CommandStatus
from tests.gateway.customers.customer_side import CustomerSide
from tests.gateway.customers.outlet import FakeOutlet
from tests.gateway.customers.samples import NUMBER, a_customer, submit
from tests.gateway.raw_pdus import BIND_TRANSMITTER
from tests.gateway.store import samples
from tests.gateway.store.commits import HeldCommits
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig

BOUGHT = 10


class Shop(CustomerSide):
    """A customer that is bound, and has bought some units, in front of a store whose commits are held."""

    def __init__(self, engine: Engine) -> None:
        self.commits = HeldCommits()
        self.rig = Rig(engine, units=BOUGHT, commit=self.commits)
        outlet = FakeOutlet(north=1)
        super().__init__(
            self.rig.store,
            reactor=self.rig.reactor,
            start=samples.START_S,
            outlet=outlet,
            accounts=(a_customer(window_max=100),),
        )
        self.customer = self.connect().bound(command_id=BIND_TRANSMITTER)

    def commit(self) -> None:
        self.commits.release()
        self.reactor.advance(0)

    def states(self) -> list[State]:
        return [State(row.state) for row in self.rig.rows(schema.message)]


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    shop = Shop(engine)
    yield shop
    while len(shop.commits):
        shop.commit()
    check(engine)
    shop.rig.close()


def test_nobody_hears_of_a_message_before_its_commit(shop: Shop) -> None:
    shop.customer.send(submit(2))
    shop.reactor.advance(20)
    assert shop.customer.read() == []
    assert (shop.outlet.sent, shop.outlet.queue) == ([], [])
    shop.commit()
    (resp,) = shop.customer.read()
    ((message, _),) = shop.outlet.sent
    assert (resp.command_status, resp.body) == (0, b"%d\0" % message.message_id)


def test_a_message_is_stored_together_with_its_hold(shop: Shop) -> None:
    shop.customer.send(submit(2), submit(3))
    shop.commit()
    assert shop.states() == [State.SUBMITTING, State.QUEUED]
    assert shop.rig.balance() == Balance(BOUGHT, BOUGHT - 2, 2, 0, 0)


def test_what_comes_during_a_commit_shares_the_next_one(shop: Shop) -> None:
    other = shop.connect().bound(command_id=BIND_TRANSMITTER)
    shop.customer.send(submit(2))
    other.send(submit(2), submit(3))
    shop.customer.send(submit(3))
    shop.commit()
    assert len(shop.customer.read()) == 1
    assert other.read() == []
    assert len(shop.commits) == 1
    shop.commit()
    assert len(shop.customer.read()) == 1
    assert len(other.read()) == 2
    assert len(shop.commits) == 0


def test_money_is_for_those_who_came_first(shop: Shop) -> None:
    shop.customer.send(*(submit(n, destination=f"138{n:08}") for n in range(2, 14)))
    shop.commit()
    statuses = {pdu.sequence_number: pdu.command_status for pdu in shop.customer.read()}
    exhausted = RULES[QUOTA_EXHAUSTED].standard_status
    assert statuses == dict.fromkeys(range(2, 12), 0) | dict.fromkeys((12, 13), exhausted)
    assert shop.rig.balance() == Balance(BOUGHT, 0, BOUGHT, 0, 0)


def test_who_has_opted_out_is_not_written_to(shop: Shop) -> None:
    replied = shop.rig.store.record_inbound([samples.reply(number=NUMBER)])
    shop.reactor.advance(0)
    shop.commit()
    assert replied.called
    statuses = {}
    for number, destination in enumerate((NUMBER, "+86" + NUMBER, "13900139000"), 2):
        shop.customer.send(submit(number, destination=destination.removeprefix("+")))
        shop.commit()
        (resp,) = shop.customer.read()
        statuses[destination] = resp.command_status
    refused = RULES[RECIPIENT_OPTED_OUT].standard_status
    assert statuses == {NUMBER: refused, "+86" + NUMBER: refused, "13900139000": 0}
    assert len(shop.states()) == 1


def refusals(shop: Shop) -> list[tuple[str, str, int]]:
    return [(row.rule, row.destination_addr, row.units) for row in shop.rig.rows(schema_records.refusal)]


def test_nobody_hears_of_a_refusal_before_it_is_written_down(shop: Shop) -> None:
    shop.customer.send(submit(2, "hello"), submit(3))
    assert shop.customer.read() == []
    shop.commit()
    statuses = {pdu.sequence_number: pdu.command_status for pdu in shop.customer.read()}
    assert statuses == {2: RULES["SIGNATURE_MISSING"].standard_status, 3: 0}
    assert refusals(shop) == [("SIGNATURE_MISSING", NUMBER, 1)]
    assert len(shop.states()) == 1


def test_nobody_hears_that_another_text_is_refused_before_it_is_written_down(shop: Shop) -> None:
    shop.customer.send(submit(2), submit(3))
    shop.commit()
    _, waiting = shop.customer.read()
    own_id = waiting.body.removesuffix(b"\0").decode()
    swap = ReplaceSm(own_id, Address(0, 1, "10690001"), "", "", 1, 0, "hello".encode("utf-16-be"))
    shop.customer.send(codec.encode(swap, 9))
    shop.commit()  # what looks the message up
    assert shop.customer.read() == []
    shop.commit()
    (answer,) = shop.customer.read()
    assert answer.command_status == RULES["SIGNATURE_MISSING"].standard_status
    assert refusals(shop) == [("SIGNATURE_MISSING", NUMBER, 1)]


def test_a_refusal_whose_commit_fails_is_answered_by_nothing(shop: Shop) -> None:
    shop.customer.send(submit(2, "hello"))
    shop.commits.lose()
    shop.reactor.advance(0)
    assert shop.customer.connection.aborted
    assert shop.customer.read() == []
    assert refusals(shop) == []


def test_what_the_store_refuses_is_written_down_as_well(shop: Shop) -> None:
    shop.customer.send(*(submit(n, destination=f"138{n:08}") for n in range(2, 14)))
    shop.commit()
    assert refusals(shop) == [(QUOTA_EXHAUSTED, "13800000012", 1), (QUOTA_EXHAUSTED, "13800000013", 1)]


def test_a_long_message_that_the_store_refuses_is_written_down_once(shop: Shop) -> None:
    text = "尊敬的客户:" + "好" * 1000 + "回TD退订【中国银行】"
    payload = text.encode("utf-16-be")
    shop.customer.send(submit(2, "", message_payload=payload))
    shop.commit()
    (row,) = shop.rig.rows(schema_records.refusal)
    assert (row.rule, row.units) == (QUOTA_EXHAUSTED, 16)
    assert payload in row.body
    assert shop.states() == []


def test_a_refusal_that_the_store_will_not_take_is_an_error_of_ours_and_the_others_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_for_a_refusal(
        connection: Connection,
        messages: Sequence[Message],
        means: Means,
        now: int,
        refused: Sequence[RefusedSubmit],
    ) -> list[str | None]:
        if refused:
            raise OSError("no such table")
        return admit.admit(connection, messages, means, now, refused)

    monkeypatch.setattr(sqlstore, "admit", SimpleNamespace(admit=fail_for_a_refusal))
    shop.customer.send(submit(2, "hello"), submit(3))
    shop.commit()
    shop.reactor.advance(0)
    statuses = {pdu.sequence_number: pdu.command_status for pdu in shop.customer.read()}
    assert statuses == {2: CommandStatus.ESME_RSYSERR, 3: 0}
    assert len(shop.outlet.sent) == 1


def test_a_commit_that_fails_is_answered_by_nothing(shop: Shop) -> None:
    shop.customer.send(submit(2))
    shop.commits.lose()
    shop.reactor.advance(0)
    assert shop.customer.connection.aborted
    assert shop.customer.read() == []
    assert (shop.outlet.sent, len(shop.outlet.put_down)) == ([], 1)
    assert shop.states() == []


def test_a_commit_whose_answer_is_lost_is_answered_by_nothing(shop: Shop) -> None:
    shop.customer.send(submit(2))
    shop.commits.lose_the_answer()
    shop.reactor.advance(0)
    assert shop.customer.connection.aborted
    assert shop.customer.read() == []
    assert (shop.outlet.sent, len(shop.outlet.put_down)) == ([], 1)
    assert shop.states() == [State.SUBMITTING]


def test_a_transaction_that_fails_leaves_nothing_and_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_at_last(
        connection: Connection,
        messages: Sequence[Message],
        means: Means,
        now: int,
        refused: Sequence[RefusedSubmit],
    ) -> None:
        admit.admit(connection, messages, means, now, refused)
        raise OSError("disk full")

    monkeypatch.setattr(sqlstore, "admit", SimpleNamespace(admit=fail_at_last))
    assert shop.customer.submit_statuses(submit(2)) == {2: CommandStatus.ESME_RSYSERR}
    assert len(shop.commits) == 0
    assert (shop.outlet.sent, shop.outlet.given_back) == ([], 1)
    assert shop.states() == []
    assert shop.rig.balance() == Balance(BOUGHT, BOUGHT, 0, 0, 0)
