"""Handing a broadcast in: whether it may be sent at all, in time, and when it will have been.

Pure. The text is judged as a submit of the account at the time it is to be sent; so are its messages again,
one by one, when they are sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.addressing import address
from gateway.admission import Refusal
from gateway.broadcasts.forecast import sending_s
from gateway.explanation import Explanation, explain
from gateway.routing import find
from gateway.settings import Account, Settings
from policy import broadcast
from policy.clauses import ACCOUNT_NOT_OPEN, OUTSIDE_HOURS


@dataclass(frozen=True, slots=True)
class HandIn:
    """A broadcast as it is handed in; instants are unix seconds.

    `rule` refuses it, None if nothing does; `told` is what becomes of its text. It starts when the hours
    are open, ends by the forecast at `finishes_at` (infinity: never), and must end by `deadline_at` and
    before `closes_at`.
    """

    rule: str | None
    told: Explanation
    starts_at: float
    finishes_at: float
    deadline_at: float
    closes_at: float

    @property
    def units(self) -> int:
        """Those of one message."""
        return self.told.units


def hand_in(
    settings: Settings,
    account: Account,
    content: str,
    source_addr: str,
    numbers: Sequence[str],
    handed_in_at: float,
    starts_at: float,
) -> HandIn:
    """What becomes of a broadcast to `numbers`, of which there is one at least and each has a route.

    Raises TextError or ValueError for a text that no submit_sm can say.
    """
    told = explain(settings, account, content, starts_at, numbers[0], source_addr)
    ruleset = account.ruleset
    opens_at = ruleset.hours.next_open(starts_at, ruleset.message_class)
    refused = told.taken if isinstance(told.taken, Refusal) else None
    # Where the text is held until the hours open, it starts when they do.
    starts_at = starts_at if refused and refused.rule == OUTSIDE_HOURS else opens_at
    routes = Counter(route_of(settings, account, number) or "" for number in numbers)
    takes = sending_s(account, settings.carriers, routes, told.units)
    finishes_at = broadcast.finish(ruleset.hours, ruleset.message_class, starts_at, takes)
    closes_at = ruleset.hours.next_close(starts_at, ruleset.message_class)
    in_time = broadcast.judge_lead(handed_in_at, starts_at) or broadcast.judge_finish(
        starts_at, closes_at, finishes_at
    )
    rule = refused.rule if refused else in_time.rule if in_time else None
    if not account.contract.holds_on(datetime.fromtimestamp(starts_at, ruleset.hours.zone).date()):
        rule = ACCOUNT_NOT_OPEN
    return HandIn(rule, told, starts_at, finishes_at, starts_at + broadcast.SENDING_MAX_S, closes_at)


def route_of(settings: Settings, account: Account, number: str) -> str | None:
    """The route of a message to a number, or None."""
    return find(settings.routes, account.name, address(number).addr)
