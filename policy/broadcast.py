"""代发, what the operator sends for a customer: its lead, and its end (contract clause 五(3)).

The clause wants the content handed in one day ahead, and has it sent within 24 hours. Both can hold of one
broadcast only if the 24 hours are those after the instant that it was handed in *for*: the day ahead is the
operator's to look at it, the day after is the operator's to send it.
"""

from __future__ import annotations

from math import inf

from policy.clauses import DEADLINE_UNREACHABLE, LEAD_TIME_SHORT, refuse
from policy.facts import MessageClass
from policy.hours import Hours
from policy.verdict import Refuse

LEAD_S = 86_400.0
SENDING_MAX_S = 86_400.0

# How many openings a forecast looks through; what takes longer has no forecast.
_OPENINGS_MAX = 400


def judge_lead(handed_in_at: float, starts_at: float) -> Refuse | None:
    """Whether it is handed in one day ahead (both in unix seconds)."""
    return None if starts_at >= handed_in_at + LEAD_S else refuse(LEAD_TIME_SHORT)


def judge_finish(starts_at: float, closes_at: float, finishes_at: float) -> Refuse | None:
    """Whether it ends within 24 hours of its start and before the hours close (all in unix seconds)."""
    in_time = finishes_at <= min(starts_at + SENDING_MAX_S, closes_at)
    return None if in_time else refuse(DEADLINE_UNREACHABLE)


def finish(hours: Hours, message_class: MessageClass, starts_at: float, sending_s: float) -> float:
    """When what takes `sending_s` seconds of open hours will have been sent (unix seconds).

    Infinity for what takes more than a year or so.
    """
    opens = starts_at
    for _ in range(_OPENINGS_MAX):
        opens = hours.next_open(opens, message_class)
        closes = hours.next_close(opens, message_class)
        if opens + sending_s <= closes:
            return opens + sending_s
        sending_s -= closes - opens
        opens = closes
    return inf
