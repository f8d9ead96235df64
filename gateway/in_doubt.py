"""What becomes of a submit that was never answered.

The carrier may have it or not, and SMPP offers no way to be sure. The account decides: `park` waits for a
late response, or a receipt that can only be its own, until a deadline; then the message ends UNKNOWN and its
units go back. `resend` sends again, which may reach the recipient twice and is marked as a resend. Either way
the customer is charged once.
"""

from __future__ import annotations

from gateway.message import Message
from gateway.settings import Account, InDoubtPolicy
from gateway.stored import AttemptOutcome, Outcome


def unanswered(
    message: Message,
    account: Account | None,
    bind: str,
    sent_at: int,
    now: int,
    in_doubt_s: float,
    wait_s: float,
) -> Outcome:
    """The outcome of an attempt without an answer. `account` is None when the settings no longer have it.

    Instants are unix milliseconds. A parked message ends `in_doubt_s` from now; one that is sent again is
    due after `wait_s`.
    """
    resend = account is not None and account.in_doubt is InDoubtPolicy.RESEND
    return Outcome(
        message=message,
        outcome=AttemptOutcome.IN_DOUBT,
        carrier=message.carrier or "",
        bind=bind,
        sent_at=sent_at,
        due_at=now + int(wait_s * 1000) if resend else 0,
        deadline_at=now + int(in_doubt_s * 1000),
        resend=resend,
    )
