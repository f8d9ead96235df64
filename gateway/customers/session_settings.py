"""What a customer's session is allowed."""

from __future__ import annotations

from gateway.settings import Account, Limits, Timers
from smpp.session import Role, SessionSettings
from smpp.timers import TimerSettings

SYSTEM_ID = "signet"
"""What we call ourselves in the response to a bind."""


def session_settings(limits: Limits, timers: Timers, account: Account | None = None) -> SessionSettings:
    """What a session is allowed: little before its account is known, then what the account has."""
    return SessionSettings(
        role=Role.SMSC,
        timers=TimerSettings(
            timers.session_init_s,
            timers.enquire_link_s,
            timers.response_s,
            timers.inactivity_s,
            timers.unbind_s,
        ),
        window_max=1 if account is None else account.delivery_window_max,
        inbound_window_max=1 if account is None else account.window_max,
        pdu_max=limits.pdu_max,
        late_max=limits.late_max,
        system_id=SYSTEM_ID,
    )
