"""What one session is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field

from smpp.timers import TimerSettings
from smpp.transitions import Role

VERSION_34 = 0x34
VERSION_50 = 0x50


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Sizes in octets, windows in PDUs.

    `window_max` bounds our outstanding requests, `inbound_window_max` the peer's unanswered ones, `late_max`
    those of ours that are remembered after their time-out; `open_pdu_max` holds until the session is bound.
    `strict` says how bodies are decoded, `system_id` is ours for the bind response. `silent_version` is the
    interface_version of an SMSC that does not tell its own: 0x33 by the letter, mostly 0x34 in practice.
    """

    role: Role
    timers: TimerSettings = field(default_factory=TimerSettings)
    window_max: int = 10
    inbound_window_max: int = 100
    pdu_max: int = 70_000
    open_pdu_max: int = 256
    bind_tries_max: int = 3
    strict: bool = True
    system_id: str = ""
    late_max: int = 1_000
    silent_version: int = VERSION_34

    def __post_init__(self) -> None:
        if min(self.inbound_window_max, self.bind_tries_max) < 1:
            raise ValueError("inbound_window_max and bind_tries_max must be at least 1")
