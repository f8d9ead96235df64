from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from gateway.account_page.html import html
from gateway.account_page.overviews import Counts
from gateway.account_page.view import _QUEUE, view
from gateway.broadcasts.broadcast import Broadcast, BroadcastState
from gateway.message import ENDS, State
from gateway.settings import Account
from gateway.store.broadcast_book import Progress
from gateway.store.overview import Overview, Submitted, Unfinished
from ledger.accounts import Balance
from ledger.ending import Settlement
from ledger.lots import Lot, LotUnits
from ledger.states import AccountState
from policy.clauses import OUTSIDE_HOURS
from policy.content import ContentFilter
from policy.hours import HoursException
from policy.ruleset import compile_ruleset
from policy.scope import Scope
from tests.gateway.carriers.samples import NOON, ZONE
from tests.gateway.customers.samples import a_customer

BANK = a_customer()
NOTHING = Overview(AccountState.SIGNED, None, Settlement(Balance(), (), ()), 0, ())
DAY = date(2026, 3, 4)


def with_lots(*lefts: int) -> Overview:
    rests = [LotUnits(Lot(n, "bank", 300, 100, f"R{n}", 0), left) for n, left in enumerate(lefts, 1)]
    return replace(NOTHING, settlement=Settlement(Balance(), rests, ()))


def counted(
    submits: Any = MappingProxyType({}),
    progress: Any = MappingProxyType({}),
    accepted: Any = MappingProxyType({}),
    refused: Any = MappingProxyType({}),
) -> Counts:
    return Counts(DAY, NOON - 1, Unfinished(submits, progress), Submitted(accepted, refused))


UNCOUNTED = Counts(DAY, NOON - 1, None, None)


def shown(
    found: Overview = NOTHING, counts: Counts = UNCOUNTED, account: Account = BANK, now: float = NOON
) -> Any:
    return view(account, found, counts, (), now, ZONE)


def at(hour: int, day: int = 4) -> float:
    return datetime(2026, 3, day, hour, tzinfo=ZONE).timestamp()


def hours_of(account: Account, now: float) -> dict[str, Any]:
    found: dict[str, Any] = shown(account=account, now=now)["hours"]
    return found


def with_rules(**changes: Any) -> Account:
    rules = BANK.ruleset
    usual: dict[str, Any] = {"signatures": ["中国银行"], "content": ContentFilter({}), "hours": rules.hours}
    return replace(BANK, ruleset=compile_ruleset(**usual | changes))


class TestTheHours:
    def test_of_today_end_and_begin_again_tomorrow(self) -> None:
        assert hours_of(BANK, NOON) == {
            "open": True,
            "opens_at": "2026-03-05T08:00:00+08:00",
            "closes_at": "2026-03-04T17:00:00+08:00",
        }

    def test_of_tomorrow_are_told_at_night(self) -> None:
        assert hours_of(BANK, at(17)) == {
            "open": False,
            "opens_at": "2026-03-05T08:00:00+08:00",
            "closes_at": "2026-03-05T17:00:00+08:00",
        }

    def test_never_end_where_that_was_agreed(self) -> None:
        always = HoursException(datetime(2026, 1, 1, tzinfo=ZONE), None, "agreed")
        account = with_rules(hours=replace(BANK.ruleset.hours, exceptions=(always,)))
        assert hours_of(account, at(23)) == {"open": True, "opens_at": None, "closes_at": None}

    def test_do_not_matter_where_their_rule_does_not_hold(self) -> None:
        account = with_rules(scopes={OUTSIDE_HOURS: Scope(classes=frozenset())})
        assert hours_of(account, at(23)) == {"open": True, "opens_at": None, "closes_at": None}


class TestTheLots:
    def test_have_what_is_left_of_each(self) -> None:
        (used_up, begun, whole) = shown(with_lots(0, 120, 300))["lots"]
        assert [lot["left"] for lot in (used_up, begun, whole)] == [0, 120, 300]
        assert (begun["units"], begun["amount_fen"], begun["fen_a_unit"]) == (300, 100, 0.3333)

    def test_that_are_used_up_are_told_of_the_last_ten_only(self) -> None:
        found = shown(with_lots(0, 0, 7, *[0] * 10, 300))
        assert [lot["reference"] for lot in found["lots"]] == ["R3", *(f"R{n}" for n in range(4, 15))]
        assert found["older_lots_used_up"] == 2


class TestTheCounts:
    def test_are_those_of_this_account(self) -> None:
        states = {"bank": {State.QUEUED: 3, State.SUBMITTING: 1, State.ENROUTE: 2}, "shop": {State.QUEUED: 9}}
        found = shown(counts=counted(submits=states))
        assert found["counted_at"] == "2026-03-04T11:59:59+08:00"
        assert found["queue"] == {
            "waiting": 3,
            "segments_waiting_for_the_rest": 0,
            "on_their_way": 3,
            "on_their_way_in_parts": 0,
            "in_doubt": 0,
        }

    def test_have_a_place_for_every_state_without_end(self) -> None:
        places = [state for states in _QUEUE.values() for state in states]
        assert sorted(places) == sorted(set(State) - ENDS)

    def test_tell_what_today_came_to(self) -> None:
        accepted = {"bank": {State.DELIVERED: 5, State.UNKNOWN: 1, State.ENROUTE: 2}}
        refused = {"bank": {"OUTSIDE_HOURS": 4, "GONE": 1}}
        assert shown(counts=counted(accepted=accepted, refused=refused))["today"] == {
            "date": "2026-03-04",
            "accepted": 8,
            "ended": {"DELIVERED": 5, "UNKNOWN": 1},
            "refused": 5,
            "refused_by_rule": [
                {"rule": "GONE", "clause": "", "submits": 1},
                {"rule": "OUTSIDE_HOURS", "clause": "五(5)", "submits": 4},
            ],
        }

    def test_that_are_not_there_are_none(self) -> None:
        found = shown()
        assert (found["queue"], found["today"]) == (None, None)


class TestABroadcast:
    running = Broadcast(7, "bank", "", "words", "commercial", BroadcastState.READY, 10, 0, 0, 0, 0, 1)
    found = replace(NOTHING, broadcasts=[running])

    def test_is_told_as_far_as_it_is(self) -> None:
        progress = Progress(
            {"": 3, "QUOTA_EXHAUSTED": 1}, {"OUTSIDE_HOURS": 2}, {"ENROUTE": 1, "DELIVERED": 3}
        )
        assert shown(self.found, counted(progress={7: progress}))["broadcasts"] == [
            {
                "broadcast": 7,
                "state": "READY",
                "recipients": 10,
                "not_yet_sent": 4,
                "accepted": 4,
                "refused": 2,
                "ended": {"DELIVERED": 3},
                "starts_at": "1970-01-01T08:00:00+08:00",
            }
        ]

    def test_that_was_not_counted_yet_is_told_of(self) -> None:
        (told,) = shown(self.found, counted())["broadcasts"]
        assert (told["recipients"], told["accepted"], told["ended"]) == (10, None, None)


class TestThePageForPeople:
    def test_has_words_for_everything(self) -> None:
        progress = Progress({}, {}, {"DELIVERED": 1})
        counts = counted(
            refused={"bank": {"OUTSIDE_HOURS": 4}},
            accepted={"bank": {State.DELIVERED: 1234}},
            progress={7: progress},
        )
        found = replace(with_lots(1), broadcasts=TestABroadcast.found.broadcasts)
        page = html(shown(found, counts))
        assert "1,234" in page
        assert "DELIVERED 1" in page
        assert "_at" not in page
        for key in ("refused_by_rule", "not_yet_sent", "fen_a_unit", "older_lots_used_up", "in_doubt"):
            assert key not in page

    def test_escapes_what_others_named(self) -> None:
        lot = Lot(1, "bank", 300, 100, "<i>&", 0)
        found = replace(NOTHING, settlement=Settlement(Balance(), [LotUnits(lot, 1)], ()))
        page = html(shown(found))
        assert "&lt;i&gt;&amp;" in page
        assert "<i>" not in page
