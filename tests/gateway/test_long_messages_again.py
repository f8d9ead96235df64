"""A segment that is sent again when its message has been joined, and memory does not know of it any more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from gateway.message import Message, State
from gateway.settings import Account
from gateway.store import schema
from gateway.store.sqlstore import SqlStore
from tests.gateway.carriers.peer import receipt
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.peer import Customer
from tests.gateway.customers.samples import submit
from tests.gateway.raw_pdus import RESP, SUBMIT_SM
from tests.gateway.test_long_messages import (
    LONG,
    PATIENCE_S,
    an_account,
    answers,
    assert_sound,
    ids_of,
    limits,
    segment,
    started,
    text_of,
)
from tests.gateway.whole import Whole, crashed, settings_of

OTHER = LONG.replace("生日", "新年")
LIKE_IT = LONG.replace("今天", "明天", 1)
ALIKE = "尊敬的客户:", "今天是您生日，" * 5, "今天是您生日，" * 5, "回TD退订【中国银行】"


def crash(whole: Whole, folder: Path, *accounts: Account) -> Whole:
    """The next life of a gateway that is gone without a word."""
    file = crashed(whole.settings.store_path, folder)
    settings = settings_of(file, accounts or [an_account()], [a_carrier(window_max=10)], limits=limits())
    after = Whole(settings, now=whole.clock.now()).start()
    after.submits()
    return after


def at_another_port(whole: Whole, port: int) -> Customer:
    link = whole.ports.opened[0].factory.buildProtocol(None)
    return Customer(link, whole.reactor, port=port).bound(system_id=b"bank")


def as_before(whole: Whole, ids: dict[int, str], *pdus: bytes) -> None:
    """Sent again, these are answered as they were, and nothing comes of it."""
    rows, balance = whole.rows(schema.message), whole.balance()
    customer = at_another_port(whole, 50_000)
    customer.send(*pdus)
    found = ids_of([pdu for pdu in customer.read() if pdu.command_id == SUBMIT_SM | RESP])
    assert len(found) == len(pdus)
    assert found == {number: ids[number] for number in found}
    assert whole.submits() == []
    whole.pass_time(PATIENCE_S + 2)
    assert [row.message_id for row in whole.rows(schema.message)] == [row.message_id for row in rows]
    assert whole.balance() == balance


@pytest.fixture
def ids(path: Path) -> tuple[Whole, dict[int, str]]:
    """A gateway that has sent a message in three segments on, and the ids that it gave."""
    whole = started(path)
    customer = whole.customer()
    customer.send(segment(1), segment(2), segment(3))
    whole.accept(*whole.submits())
    return whole, ids_of(customer.read())


def sar(number: int, total: int = 4, ref: int = 7, **fields: Any) -> bytes:
    """A segment with sar TLVs of a text in which the second and the third are alike."""
    place: dict[str, Any] = {
        "sar_msg_ref_num": ref,
        "sar_total_segments": total,
        "sar_segment_seqnum": number,
    }
    return submit(number, ALIKE[number - 1], **place, **fields)


@pytest.mark.parametrize("places", [(3,), (2, 3), (3, 2), (1, 2, 3), (1,)])
def test_after_a_crash_it_is_answered_as_before(
    ids: tuple[Whole, dict[int, str]], tmp_path: Path, places: Sequence[int]
) -> None:
    after = crash(ids[0], tmp_path / "after")
    as_before(after, ids[1], *map(segment, places))
    after.stop()
    assert_sound(after, after.settings.store_path)


def test_it_is_known_when_its_message_has_ended(ids: tuple[Whole, dict[int, str]], tmp_path: Path) -> None:
    before, given = ids
    before.say(*(receipt(n, f"c{n}") for n in (1, 2, 3)))
    as_before(crash(before, tmp_path / "after"), given, segment(3))


def test_it_is_known_again_and_again(ids: tuple[Whole, dict[int, str]], tmp_path: Path) -> None:
    after = crash(ids[0], tmp_path / "after")
    customer = after.customer()
    for _ in range(2):
        customer.send(segment(3), segment(3, at=9))
        found = customer.read()
        assert [(p.command_status, p.body.rstrip(b"\0").decode()) for p in found] == [(0, ids[1][3])] * 2
    assert b"signet_reassemblies 0.0" in after.gateway.metrics.render()
    assert after.gateway.metrics.messages_accepted["bank"] == 0


def test_two_binds_may_send_it_at_once(ids: tuple[Whole, dict[int, str]], tmp_path: Path) -> None:
    after = crash(ids[0], tmp_path / "after")
    one, other = after.customer(), after.customer()
    one.connection.arrive(segment(3))
    other.connection.arrive(segment(3))
    after.turn()
    assert ids_of(one.read()) == ids_of(other.read()) == {3: ids[1][3]}


def test_a_message_like_it_after_its_time_is_a_new_one(
    ids: tuple[Whole, dict[int, str]], tmp_path: Path
) -> None:
    after = crash(ids[0], tmp_path / "after")
    after.pass_time(PATIENCE_S)
    customer = after.customer()
    customer.send(segment(3), segment(1), segment(2))
    assert answers(customer) == {1: 0, 2: 0, 3: 0}
    assert text_of(after.submits()) == LONG


@pytest.mark.parametrize(
    "changes",
    [
        {"text": OTHER},
        {"ref": 8},
        {"destination": "13900139000"},
        {"source_addr": "10690002"},
        {"text": LONG + "一" * 60 + "【中国银行】"},
        {"data_coding": 0},
    ],
)
def test_what_differs_begins_a_message(
    ids: tuple[Whole, dict[int, str]], tmp_path: Path, changes: dict[str, Any]
) -> None:
    account = an_account(source_addrs=("10690001", "10690002"))
    after = crash(ids[0], tmp_path / "after", account)
    customer = after.customer()
    customer.send(segment(1, **changes))
    assert answers(customer) == {1: 0}
    assert after.states()[-1] is State.COLLECTING


def test_that_continues_a_message_is_of_that_one(ids: tuple[Whole, dict[int, str]], tmp_path: Path) -> None:
    after = crash(ids[0], tmp_path / "after")
    customer = after.customer()
    for number in (1, 2, 3):
        customer.send(segment(number, LIKE_IT))
    assert answers(customer) == {1: 0, 2: 0, 3: 0}
    assert text_of(after.submits()) == LIKE_IT


@pytest.mark.parametrize("number", [2, 3, 4])
def test_its_place_tells_where_its_octets_do_not(path: Path, tmp_path: Path, number: int) -> None:
    before = started(path)
    customer = before.customer()
    customer.send(*map(sar, (1, 2, 3, 4)))
    before.accept(*before.submits())
    as_before(crash(before, tmp_path / "after"), ids_of(customer.read()), sar(number))


@pytest.mark.parametrize("changes", [{"total": 5}, {"ref": 8}, {"esm_class": 3}])
def test_what_differs_beside_its_octets_begins_a_message(
    path: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    before = started(path)
    before.customer().send(*map(sar, (1, 2, 3, 4)))
    after = crash(before, tmp_path / "after")
    customer = after.customer()
    customer.send(sar(2, **changes))
    assert answers(customer) == {2: 0}
    assert after.states()[-1] is State.COLLECTING


def test_references_of_each_kind_are_their_own(ids: tuple[Whole, dict[int, str]], tmp_path: Path) -> None:
    before, given = ids
    customer = before.customer()
    octets = LONG.encode("utf-16-be")
    for number in (1, 2, 3):
        place: dict[str, Any] = {"sar_msg_ref_num": 7, "sar_total_segments": 3, "sar_segment_seqnum": number}
        part = octets[100 * (number - 1) : 100 * number if number < 3 else None]
        customer.send(submit(number, short_message=part, **place))
    assert answers(customer) == {1: 0, 2: 0, 3: 0}
    before.accept(*before.submits(), first_id=4)
    as_before(crash(before, tmp_path / "after"), given, segment(3))


def test_of_two_numbers_each_is_looked_for_by_itself(
    ids: tuple[Whole, dict[int, str]], tmp_path: Path
) -> None:
    after = crash(ids[0], tmp_path / "after")
    customer = after.customer()
    customer.send(segment(3, destination="13900139000", at=9), segment(3))
    assert ids_of(customer.read())[9] not in ids[1].values()
    assert after.states()[-1] is State.COLLECTING


def test_that_of_another_account_begins_a_message(ids: tuple[Whole, dict[int, str]], tmp_path: Path) -> None:
    shop = an_account(name="shop", system_id="shop")
    after = crash(ids[0], tmp_path / "after", an_account(), shop).top_up("shop")
    customer = after.customer("shop")
    customer.send(segment(3))
    assert answers(customer) == {3: 0}
    assert after.states()[-1] is State.COLLECTING


def test_of_a_message_that_was_refused_it_begins_another(path: Path, tmp_path: Path) -> None:
    before = started(path)
    customer = before.customer()
    text = LONG.replace("【中国银行】", "")
    customer.send(*(segment(n, text) for n in (1, 2, 3)))
    after = crash(before, tmp_path / "after")
    customer = after.customer()
    customer.send(segment(1, text))
    assert answers(customer) == {1: 0}
    assert after.states()[-1] is State.COLLECTING


def test_only_the_newest_message_under_a_reference_is_repeated(path: Path, tmp_path: Path) -> None:
    before = started(path)
    customer = before.customer()
    for text in (LONG, OTHER):
        customer.send(*(segment(n, text) for n in (1, 2, 3)))
        before.accept(*before.submits(), first_id=len(before.states()))
    given = ids_of(customer.read())
    after = crash(before, tmp_path / "after")
    customer = after.customer()
    customer.send(*(segment(n) for n in (1, 2, 3)))
    assert answers(customer) == {1: 0, 2: 0, 3: 0}
    assert text_of(after.submits()) == LONG
    as_before(crash(before, tmp_path / "again"), given, segment(3, OTHER))


class TestInOneLife:
    """Of an account, as many messages are known by heart as may wait: here, one."""

    def forgotten(self, path: Path) -> tuple[Whole, Customer, dict[int, str]]:
        whole = started(path, reassemblies_max=1)
        customer = whole.customer()
        customer.send(segment(1), segment(2), segment(3))
        ids = ids_of(customer.read())
        customer.send(*(segment(n, OTHER, ref=8, at=10 + n) for n in (1, 2, 3)))
        whole.accept(*whole.submits())
        assert answers(customer) == {11: 0, 12: 0, 13: 0}
        return whole, customer, ids

    def test_it_is_answered_as_before(self, path: Path) -> None:
        whole, _, ids = self.forgotten(path)
        as_before(whole, ids, segment(3))

    def test_by_the_same_bind_it_begins_the_next_message(self, path: Path) -> None:
        whole, customer, _ = self.forgotten(path)
        customer.send(segment(3), segment(1), segment(2))
        assert answers(customer) == {1: 0, 2: 0, 3: 0}
        assert text_of(whole.submits()) == LONG

    def test_one_that_waits_for_a_place_is_refused_as_ever(self, path: Path) -> None:
        whole, customer, _ = self.forgotten(path)
        customer.send(segment(1, ref=9))
        assert answers(customer) == {1: 0}
        at_another_port(whole, 50_000).send(segment(3))
        assert whole.states().count(State.COLLECTING) == 1


def test_the_store_is_asked_only_of_what_begins_a_message(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    collect = SqlStore.collect

    def spy(
        store: SqlStore, segments: Sequence[Message], beginning: Sequence[int], since: int
    ) -> Deferred[list[Message | str | None]]:
        asked.append((len(segments), len(beginning)))
        return collect(store, segments, beginning, since)

    monkeypatch.setattr(SqlStore, "collect", spy)
    whole = started(path)
    customer = whole.customer()
    for number in (1, 2, 3):
        customer.send(segment(number))
    customer.send(submit(4), segment(1, ref=9, at=5))
    assert answers(customer) == {1: 0, 2: 0, 3: 0, 4: 0, 5: 0}
    assert asked == [(1, 1), (1, 0), (1, 1)]
    whole.stop()
