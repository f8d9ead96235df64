"""What a customer is told of its account, as JSON has it: its own, and nothing of anybody else's.

Instants are in the operator's zone, with its offset; amounts are in fen. No text and no number of a recipient
is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from math import inf

from gateway.account_page.overviews import Counts
from gateway.broadcasts.broadcast import Broadcast
from gateway.customers.binds import Bound
from gateway.message import ENDS, State
from gateway.records import contract
from gateway.settings import Account
from gateway.store.overview import Overview, Unfinished
from ledger.lots import LotUnits
from policy.clauses import OUTSIDE_HOURS, RULES
from policy.scope import Mode

View = dict[str, object]

# The oldest that are used up are only counted.
_USED_UP_MAX = 10

_QUEUE = {
    "waiting": (State.QUEUED,),
    "segments_waiting_for_the_rest": (State.COLLECTING,),
    "on_their_way": (State.SUBMITTING, State.ENROUTE),
    "on_their_way_in_parts": (State.JOINED,),
    "in_doubt": (State.IN_DOUBT,),
}


def view(
    account: Account,
    found: Overview,
    counts: Counts,
    bound: Sequence[Bound],
    now: float,
    zone: tzinfo,
) -> View:
    """All that is told of an account at `now` (unix seconds); what was not counted is None."""

    def at(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, zone).isoformat(timespec="seconds")

    since_ms = found.since_ms
    lots, used_up = _lots(found.settlement.rests)
    return {
        "account": account.name,
        "system_id": account.system_id,
        "at": at(now),
        **contract.told(account.contract),
        "state": found.state.name,
        "state_since": None if since_ms is None else at(since_ms / 1000),
        "balance": asdict(found.settlement.balance),
        "lots": [{"paid_at": at(rest.lot.at_ms / 1000), **_lot(rest)} for rest in lots],
        "older_lots_used_up": used_up,
        "counted_at": at(counts.at),
        "queue": _queue(account.name, counts.unfinished),
        "today": _today(account.name, counts),
        "receipts_and_replies_owed": found.owed,
        "binds": [
            {
                "kind": each.kind.name.removeprefix("BIND_").lower(),
                "address": each.host,
                "since": at(each.since),
            }
            for each in bound
        ],
        "hours": {
            "open": is_open(account, now),
            **{key: None if when == inf else at(when) for key, when in _hours(account, now).items()},
        },
        "broadcasts": [
            {**_broadcast(each, counts.unfinished), "starts_at": at(each.starts_at / 1000)}
            for each in found.broadcasts
        ],
    }


def is_open(account: Account, now: float) -> bool:
    """Whether the hours let the account's messages out, those of its usual class."""
    return account.ruleset.opens_at(now, account.ruleset.message_class) <= now


def _hours(account: Account, now: float) -> dict[str, float]:
    """When they begin next and when they end next, infinity for never."""
    rules = account.ruleset
    usual = rules.message_class
    if rules.modes[usual][OUTSIDE_HOURS] is not Mode.ON:
        return {"opens_at": inf, "closes_at": inf}
    closes_at = rules.hours.next_close(rules.hours.next_open(now, usual), usual)
    opens_from = closes_at if is_open(account, now) else now
    opens_at = inf if opens_from == inf else rules.hours.next_open(opens_from, usual)
    return {"opens_at": opens_at, "closes_at": closes_at}


def _lots(rests: Sequence[LotUnits]) -> tuple[list[LotUnits], int]:
    """The lots to tell of, and how many others there are: the oldest of those that are used up."""
    used_up = [rest.lot.lot_id for rest in rests if not rest.units]
    left_out = set(used_up[:-_USED_UP_MAX])
    return [rest for rest in rests if rest.lot.lot_id not in left_out], len(left_out)


def _lot(rest: LotUnits) -> View:
    lot = rest.lot
    return {
        "reference": lot.reference,
        "units": lot.units,
        "left": rest.units,
        "amount_fen": lot.amount_fen,
        "fen_a_unit": round(float(lot.unit_price_fen), 4),
    }


def _queue(account: str, counted: Unfinished | None) -> View | None:
    if counted is None:
        return None
    states = counted.submits.get(account, {})
    return {place: sum(states.get(state, 0) for state in those) for place, those in _QUEUE.items()}


def _today(account: str, counts: Counts) -> View | None:
    if counts.submitted is None:
        return None
    states = counts.submitted.accepted.get(account, {})
    refused = counts.submitted.refused.get(account, {})
    return {
        "date": counts.day.isoformat(),
        "accepted": sum(states.values()),
        "ended": {state.name: states[state] for state in sorted(ENDS) if state in states},
        "refused": sum(refused.values()),
        "refused_by_rule": [
            {"rule": rule, "clause": RULES[rule].clause if rule in RULES else "", "submits": count}
            for rule, count in sorted(refused.items())
        ],
    }


def _broadcast(one: Broadcast, counted: Unfinished | None) -> View:
    told: View = {"broadcast": one.broadcast_id, "state": one.state.name, "recipients": one.recipients}
    progress = None if counted is None else counted.progress.get(one.broadcast_id)
    if progress is None:
        return told | dict.fromkeys(("not_yet_sent", "accepted", "refused", "ended"))
    return told | {
        "not_yet_sent": _sum(progress.waiting),
        "accepted": _sum(progress.messages),
        "refused": _sum(progress.refused),
        "ended": {
            end.name: progress.messages[end.name] for end in sorted(ENDS) if end.name in progress.messages
        },
    }


def _sum(counted: Mapping[str, int]) -> int:
    return sum(counted.values())
