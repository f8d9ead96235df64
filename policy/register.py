"""The register of an account's signatures: which it may use, from when until when, and on what evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import inf
from typing import Literal
from zoneinfo import ZoneInfo

LENGTH_MIN = 2
LENGTH_MAX = 20

Status = Literal["registered", "pending", "revoked"]

_ALWAYS = (-inf, inf)


@dataclass(frozen=True, slots=True)
class Registration:
    """One signature, without 【】: `evidence` says where the proof is that it is the customer's to use.

    Only a registered one may be used, from the beginning of `valid_from` to the end of `valid_to`; None is
    without a limit.
    """

    name: str
    status: Status = "registered"
    evidence: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


class Register:
    """Registrations, the days of which are those of `zone`. A name may stand in several.

    Raises ValueError for a name that is not well-formed (see `is_well_formed`). Equal where the registrations
    and the zone are.
    """

    __slots__ = ("_always", "_windows", "registrations", "zone")

    def __init__(self, registrations: Iterable[Registration], zone: ZoneInfo) -> None:
        self.registrations = tuple(dict.fromkeys(registrations))
        self.zone = zone
        self._windows: dict[str, tuple[tuple[float, float], ...]] = {}
        for one in self.registrations:
            if not is_well_formed(one.name):
                raise ValueError(f"{one.name!r} is not a signature of 2 to 20 letters and digits")
            if one.status == "registered":
                windows = self._windows.get(one.name, ())
                self._windows[one.name] = (*windows, self._window(one))
        self._always = frozenset(name for name, windows in self._windows.items() if _ALWAYS in windows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Register):
            return NotImplemented
        return (self.registrations, self.zone) == (other.registrations, other.zone)

    def __hash__(self) -> int:
        return hash(self.registrations)

    def is_valid(self, name: str, at: float) -> bool:
        """Whether a message may be signed with that name at `at` (unix seconds)."""
        if name in self._always:
            return True
        return any(starts <= at < ends for starts, ends in self._windows.get(name, ()))

    def next_valid(self, name: str, at: float) -> float | None:
        """The first instant from `at` on at which the name is valid; None if it never will be."""
        coming = [max(starts, at) for starts, ends in self._windows.get(name, ()) if at < ends]
        return min(coming, default=None)

    def first(self, at: float) -> str | None:
        """The first name in the register that is valid at `at`."""
        return next((name for name in self._windows if self.is_valid(name, at)), None)

    def why_not(self, name: str, at: float) -> str:
        """What the register says of a name that is not valid at `at`, in a few words; "" if nothing."""
        for one in self.registrations:
            if one.name != name:
                continue
            if one.status != "registered":
                return "its registration is pending" if one.status == "pending" else "it has been revoked"
            if self._window(one)[0] > at:
                return f"it is valid from {one.valid_from} on"
            return f"it was valid until {one.valid_to}"
        return ""

    def _window(self, one: Registration) -> tuple[float, float]:
        starts = -inf if one.valid_from is None else self._midnight(one.valid_from)
        ends = inf if one.valid_to is None else self._midnight(one.valid_to + timedelta(days=1))
        return starts, ends

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time(), self.zone).timestamp()


def is_well_formed(name: str) -> bool:
    """Whether a name can be registered: 2 to 20 letters, digits and inner spaces, without punctuation."""
    return (
        LENGTH_MIN <= len(name) <= LENGTH_MAX
        and name == name.strip()
        and all(character.isalnum() or character == " " for character in name)
    )
