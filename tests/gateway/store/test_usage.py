"""Caps: what an account may have accepted in a day and in a month."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gateway.message import Message, State
from gateway.parting import joined
from gateway.settings import Caps
from gateway.store.ends import Means
from gateway.store.engine import connect
from gateway.store.schema_records import usage
from gateway.store.sqlstore import SqlStore
from gateway.stored import Replacement, Whole, refusal_of
from ledger.accounts import Balance
from tests.gateway.store import samples
from tests.gateway.store.rig import NODE, Rig
from tests.gateway.store.samples import SHANGHAI, refused

REACHED = "CAP_REACHED"
DAY, MONTH = "2026-11-23", "2026-11"


def capped(rig: Rig, **caps: int) -> Rig:
    means = Means(rig.ids.next, SHANGHAI, country_code="86", caps={"bank": Caps(**caps)})
    rig.store = SqlStore(rig.writer, rig.clock, NODE, means)
    return rig


def messages(rig: Rig, count: int, units: int = 1, account: str = "bank") -> list[Message]:
    return [samples.message(rig.ids.next(), units=units, account=account) for _ in range(count)]


def used(rig: Rig) -> dict[str, int]:
    return {row.period: row.units for row in rig.rows(usage)}


def at(rig: Rig, wall: str) -> None:
    rig.clock.put(datetime.fromisoformat(wall).replace(tzinfo=SHANGHAI).timestamp())


def test_what_is_within_a_cap_is_accepted_and_what_is_beyond_leaves_no_trace(rig: Rig) -> None:
    capped(rig, units_per_day=3)
    batch = messages(rig, 5)
    assert rig.admit(*batch) == [None, None, None, REACHED, REACHED]
    assert used(rig) == {DAY: 3, MONTH: 3}
    assert rig.balance() == Balance(topped_up=1000, remaining=997, held=3)
    assert rig.admit(*messages(rig, 1)) == [REACHED]


def test_a_small_one_may_fit_where_a_big_one_did_not(rig: Rig) -> None:
    capped(rig, units_per_day=3)
    sizes = [2, 2, 1]
    batch = [samples.message(rig.ids.next(), units=units) for units in sizes]
    assert rig.admit(*batch) == [None, REACHED, None]


def test_batches_of_two_processes_cannot_exceed_a_cap_together(rig: Rig) -> None:
    capped(rig, units_per_day=3)
    database = rig.engine.url.database
    assert database is not None
    other = Rig(connect(Path(database), 1.0), units=0)
    capped(other, units_per_day=3)
    assert rig.admit(*messages(rig, 2)) == [None, None]
    assert other.admit(*messages(other, 2)) == [None, REACHED]
    assert rig.admit(*messages(rig, 1)) == [REACHED]
    other.close()
    other.engine.dispose()


def test_a_day_ends_at_midnight_of_the_operators_zone(rig: Rig) -> None:
    capped(rig, units_per_day=1)
    at(rig, "2026-11-23 23:59:59.999")
    assert rig.admit(*messages(rig, 2)) == [None, REACHED]
    at(rig, "2026-11-24 00:00")
    assert rig.admit(*messages(rig, 2)) == [None, REACHED]
    assert used(rig) == {DAY: 1, "2026-11-24": 1, MONTH: 2}


def test_a_month_s_cap_holds_over_its_days(rig: Rig) -> None:
    capped(rig, units_per_month=3)
    at(rig, "2028-02-28 12:00")
    assert rig.admit(*messages(rig, 2)) == [None, None]
    at(rig, "2028-02-29 12:00")
    assert rig.admit(*messages(rig, 2)) == [None, REACHED]
    at(rig, "2028-03-01 00:00")
    assert rig.admit(*messages(rig, 1)) == [None]


def test_the_nearer_of_two_caps_decides(rig: Rig) -> None:
    capped(rig, units_per_day=2, units_per_month=3)
    assert rig.admit(*messages(rig, 3)) == [None, None, REACHED]
    at(rig, "2026-11-24 09:00")
    assert rig.admit(*messages(rig, 2)) == [None, REACHED]


def test_accounts_without_caps_are_not_counted(rig: Rig) -> None:
    capped(rig, units_per_day=1)
    rig.top_up("shop", 10)
    assert rig.admit(*messages(rig, 5, account="shop")) == [None] * 5
    assert used(rig) == {}


def test_what_is_refused_for_another_reason_does_not_count(rig: Rig) -> None:
    capped(rig, units_per_day=2000)
    assert rig.admit(*messages(rig, 1, units=1001), *messages(rig, 1)) == ["QUOTA_EXHAUSTED", None]
    assert used(rig) == {DAY: 1, MONTH: 1}


def test_what_a_carrier_refuses_has_counted(rig: Rig) -> None:
    capped(rig, units_per_day=1)
    rig.queued()
    (claimed,) = rig.claim().messages
    rig.record(refused(claimed))
    assert rig.balance().held == 0
    assert rig.admit(*messages(rig, 1)) == [REACHED]


@pytest.mark.parametrize(("cap", "verdict"), [(3, None), (2, REACHED)])
def test_a_long_message_counts_with_all_its_parts_or_not_at_all(
    rig: Rig, cap: int, verdict: str | None
) -> None:
    capped(rig, units_per_day=cap)
    whole = joined(samples.message(rig.ids.next()), whole_id=rig.ids.next())
    parts = [part(rig, whole, number) for number in (1, 2, 3)]
    assert rig.admit(whole, *parts) == [verdict] * 4
    assert used(rig) == ({} if verdict else {DAY: 3, MONTH: 3})
    assert rig.balance().held == (0 if verdict else 3)


@pytest.mark.parametrize(("cap", "rule"), [(2, None), (1, REACHED)])
def test_segments_count_when_they_are_joined_as_the_parts_that_are_sent(
    rig: Rig, cap: int, rule: str | None
) -> None:
    capped(rig, units_per_day=cap)
    whole_id = rig.ids.next()
    first = replace(
        samples.message(rig.ids.next(), state=State.COLLECTING, units=1), whole_id=whole_id, segment=1
    )
    assert rig.admit(first) == [None]
    assert used(rig) == {}
    last = joined(samples.message(rig.ids.next()), whole_id, 2)
    parts = (part(rig, last, 1), part(rig, last, 2))
    found = rig.result(rig.store.join([Whole((first.message_id,), last, parts)]))
    assert list(found.rules) == [rule]
    assert used(rig) == ({} if rule else {DAY: 2, MONTH: 2})


def test_a_replacement_counts_with_what_it_is_longer(rig: Rig) -> None:
    capped(rig, units_per_day=3)
    message = rig.queued(units=1)

    def swap(count: int) -> str | None:
        parts = tuple(part(rig, joined(message, message.message_id), n) for n in range(1, count + 1))
        wanted = Replacement(message.message_id, 0, message.body, parts, refusal_of(message, ""))
        (found,) = rig.result(rig.store.replace([wanted]))
        return found.rule

    assert swap(4) == REACHED
    assert swap(3) is None
    assert used(rig) == {DAY: 3, MONTH: 3}
    assert swap(1) is None
    assert used(rig) == {DAY: 3, MONTH: 3}


def part(rig: Rig, whole: Message, number: int) -> Message:
    return replace(
        whole,
        message_id=rig.ids.next(),
        state=State.QUEUED,
        units=1,
        registered_delivery=0,
        body=samples.part_body(),
        part=number,
        segment=0,
    )
