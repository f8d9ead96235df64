"""How much is logged: a token bucket for each event and each whom it is about.

What comes in floods is about somebody: an account, a carrier, a peer's address. Each of these subjects has a
bucket of its own for each event, and the event has one for all its subjects, so that no number of strangers
fills the disk. A line that finds no token is held back and counted, and `tell`, called every now and then,
logs the counts as `log.held_back`: nothing goes without a trace, and what must not be missed, such as
`delivery.abandoned`, is told by account, the largest counts by name.

Errors may be more. Debug is not limited, for who turns it on wants to see everything.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

from policy.throttle import TokenBucket

HELD_BACK = "log.held_back"

_BURST_S = 10
_EVENT_SHARES = 10
_ERROR_SHARES = 4
_TOLD_MAX = 10
_ERRORS = ("error", "critical")
_OTHERS = ""


class LogLimit:
    """A structlog processor, to stand behind `add_log_level`: it drops a line that is too much.

    `lines_per_s` is for one event about one subject; all subjects of an event share ten times that, errors
    have four times as much of both, and ten seconds' worth may come at once. Up to `subjects_max` pairs of
    event and subject are told apart at a time. `seconds` never goes back.
    """

    def __init__(
        self, lines_per_s: float, subjects_max: int, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._lines_per_s = lines_per_s
        self._subjects_max = subjects_max
        self._seconds = seconds
        # The events are those of our own code and the loggers of others', so their number is bounded.
        self._events: dict[tuple[str, bool], TokenBucket] = {}
        self._subjects: OrderedDict[tuple[str, bool, str], TokenBucket] = OrderedDict()
        self._held: dict[tuple[str, str], Counter[str]] = {}
        self.held_back = 0

    def __len__(self) -> int:
        """How many pairs of event and subject are told apart now."""
        return len(self._subjects)

    def __call__(
        self, _logger: object, _method: str, event_dict: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        level = event_dict["level"]
        # A foreign line's event is free text; its logger says what kind of line it is.
        event = event_dict.get("logger") or event_dict["event"]
        if level == "debug" or event == HELD_BACK:
            return event_dict
        subject = _subject(event_dict)
        if not self._has_room(event, subject, level in _ERRORS):
            self._hold_back(event, level, subject)
            raise structlog.DropEvent
        return event_dict

    def tell(self) -> None:
        """Log what was held back since the last time: the largest counts by subject, the others as one."""
        held, self._held = self._held, {}
        for (event, level), subjects in held.items():
            told = dict(subjects.most_common(_TOLD_MAX))
            others = subjects.total() - sum(told.values())
            if others:
                told[_OTHERS] = told.get(_OTHERS, 0) + others
            for subject, count in told.items():
                about = {"about": subject} if subject else {}
                getattr(structlog.get_logger(), level)(HELD_BACK, of=event, count=count, **about)

    def _has_room(self, event: str, subject: str, is_error: bool) -> bool:
        now = self._seconds()
        shares = _ERROR_SHARES if is_error else 1
        whole = self._events.get((event, is_error))
        if whole is None:
            whole = self._events[event, is_error] = self._bucket(shares * _EVENT_SHARES)
        key = event, is_error, subject
        own = self._subjects.get(key)
        if own is None:
            own = self._subjects[key] = self._bucket(shares)
            if len(self._subjects) > self._subjects_max:
                self._subjects.popitem(last=False)
        else:
            self._subjects.move_to_end(key)
        return own.take(1, now) and whole.take(1, now)

    def _hold_back(self, event: str, level: str, subject: str) -> None:
        self.held_back += 1
        subjects = self._held.setdefault((event, level), Counter())
        known = subject in subjects or len(subjects) < self._subjects_max
        subjects[subject if known else _OTHERS] += 1

    def _bucket(self, shares: int) -> TokenBucket:
        rate_per_s = self._lines_per_s * shares
        return TokenBucket(rate_per_s, max(1, int(rate_per_s * _BURST_S)))


def _subject(event_dict: Mapping[str, Any]) -> str:
    """Whom a line is about: an account, a carrier or its bind, or else the address of a peer."""
    for key in ("account", "bind", "carrier"):
        if event_dict.get(key):
            return str(event_dict[key])
    peer = str(event_dict.get("peer", ""))
    return peer.rpartition(":")[0] or peer
