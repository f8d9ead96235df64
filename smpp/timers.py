"""The session timers of SMPP 3.4 (sections 2.9 and 7.2), as arithmetic on instants.

Nothing is armed or cancelled. Activity sets an instant; `deadline` says when to look next and `due` what has
come by then. response_timer is the window's, one deadline a request.

- session_init runs from the connection to the bind.
- enquire_link: no PDU of any kind from the peer for `enquire_link_s`: ask. Still none `response_s` later: ask
  again. Still none after that: the peer is gone.
- inactivity: no transaction but enquire_link, either way, for `inactivity_s`: unbind.
- unbind: how long our unbind waits for its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf

ENQUIRIES_MAX = 2


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """Seconds. 0 switches `enquire_link_s` or `inactivity_s` off; the others must be positive."""

    session_init_s: float = 10.0
    enquire_link_s: float = 30.0
    response_s: float = 10.0
    inactivity_s: float = 0.0
    unbind_s: float = 5.0

    def __post_init__(self) -> None:
        if min(self.session_init_s, self.response_s, self.unbind_s) <= 0:
            raise ValueError("session_init_s, response_s and unbind_s must be positive")
        if min(self.enquire_link_s, self.inactivity_s) < 0:
            raise ValueError("enquire_link_s and inactivity_s must not be negative")


class Due(Enum):
    """What a timer asks for."""

    SESSION_INIT = "no bind in time: close"
    ENQUIRE_LINK = "no word from the peer: ask"
    PEER_SILENT = "asked and still no word: close"
    INACTIVITY = "no transaction: unbind"
    UNBIND = "no answer to our unbind: close"


class Timers:
    """The timers of one session. All instants are the caller's monotonic clock in seconds."""

    __slots__ = ("_enquired_at", "_enquiries", "_settings", "_single", "last_received", "last_transaction")

    def __init__(self, settings: TimerSettings, now: float) -> None:
        self._settings = settings
        # The one timer that runs while the session is not bound; None while it is.
        self._single: tuple[float, Due] | None = (now + settings.session_init_s, Due.SESSION_INIT)
        self._enquired_at = now
        self._enquiries = 0
        # Plain attributes, because the session sets them with every PDU: when a PDU came last, and when one
        # that is not an enquire_link came or went last.
        self.last_received = now
        self.last_transaction = now

    def adopt(self, settings: TimerSettings) -> None:
        """Count by these settings from now on; a timer that runs already keeps its end."""
        self._settings = settings

    def bound(self, now: float) -> None:
        """The session is bound."""
        self._single = None
        self.last_received = self.last_transaction = now

    def unbinding(self, now: float) -> None:
        """Our unbind was sent."""
        self._single = (now + self._settings.unbind_s, Due.UNBIND)

    def stop(self) -> None:
        """Nothing is awaited from the peer any more."""
        self._single = (inf, Due.UNBIND)

    def enquired(self, now: float) -> int:
        """An enquire_link was sent; how many are now unanswered in a row."""
        self._enquiries = 1 if self._alive() else self._enquiries + 1
        self._enquired_at = now
        return self._enquiries

    @property
    def is_overdue(self) -> bool:
        """Whether the peer had to be asked again, and has still said nothing."""
        return self._enquiries >= ENQUIRIES_MAX and not self._alive()

    def deadline(self) -> float | None:
        """The instant at which something is next due, if any."""
        instant = self._next()[0]
        return None if instant == inf else instant

    def due(self, now: float) -> Due | None:
        """What is due at `now`."""
        instant, due = self._next()
        return due if instant <= now else None

    def _next(self) -> tuple[float, Due]:
        if self._single is not None:
            return self._single
        enquiry, inactivity = self._next_enquiry(), self._next_inactivity()
        return inactivity if inactivity[0] <= enquiry[0] else enquiry

    def _next_enquiry(self) -> tuple[float, Due]:
        if not self._settings.enquire_link_s:
            return inf, Due.ENQUIRE_LINK
        if self._alive():
            return self.last_received + self._settings.enquire_link_s, Due.ENQUIRE_LINK
        due = Due.ENQUIRE_LINK if self._enquiries < ENQUIRIES_MAX else Due.PEER_SILENT
        return self._enquired_at + self._settings.response_s, due

    def _next_inactivity(self) -> tuple[float, Due]:
        if not self._settings.inactivity_s:
            return inf, Due.INACTIVITY
        return self.last_transaction + self._settings.inactivity_s, Due.INACTIVITY

    def _alive(self) -> bool:
        """Whether the peer was heard since we last asked."""
        return not self._enquiries or self.last_received >= self._enquired_at
