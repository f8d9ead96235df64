"""Messages in doubt that a receipt gives away.

The carrier's id of a submit that was never answered is lost, but its receipt may still come, under an id that
nobody knows. If the recipient that the receipt names has one message in doubt at that carrier and no other
that it may mean, it can only be that one: it takes the id. It may mean every message whose submit has no
answer: one that is being submitted now, one that was sent again and whose first copy was taken after all, one
that has been given up; and one that the carrier accepted without an id. Where there are several, nobody can
tell, and the receipt stays parked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, Connection, bindparam, select

from gateway.message import Message, State
from gateway.number import plain, spellings
from gateway.store import schema
from gateway.store.dialect import constant, upsert_rows
from gateway.store.ends import MESSAGE_COLUMNS, Means, message_of
from gateway.stored import AttemptOutcome, CarrierReceipt
from ledger.prepared import Prepared
from ledger.rows import dumps, texts
from smpp.message_id import GUESSED, Notations, look_up_key

# After so long no carrier reports on a message any more.
_REPORTED_MAX_MS = 7 * 86_400_000

_message = schema.message.c
_UNANSWERED = Prepared(
    select(*MESSAGE_COLUMNS).where(
        schema.unanswered,
        _message.destination_addr.in_(texts("addrs")),
        _message.submitted_at > bindparam("since", type_=BigInteger),
    )
)
# A carrier that forgets so many ids at a time could mean any number.
_UNNAMED_MAX = 1000
_attempt = schema.attempt.c
_UNNAMED = Prepared(
    select(_message.destination_addr, _message.submitted_at)
    .join_from(schema.attempt, schema.message, _attempt.message_id == _message.message_id)
    .where(
        _attempt.carrier == bindparam("carrier"),
        _attempt.outcome == constant(AttemptOutcome.ACCEPTED),
        _attempt.carrier_key.is_(None),
    )
    .order_by(_attempt.message_id.desc())
    .limit(constant(_UNNAMED_MAX))
)
_ATTEMPT = upsert_rows(schema.attempt)


def given_away(
    connection: Connection, said: Sequence[CarrierReceipt], means: Means, now: int
) -> dict[int, Message]:
    """By the `id()` of a receipt of an unknown id, the message that it can only mean; the id is now its."""
    final = [item for item in said if means.is_last(item)]
    found: dict[int, Message] = {}
    rows = []
    for carrier in dict.fromkeys(item.carrier for item in final):
        named = [
            (item, plain(item.destination_addr, means.country_code))
            for item in final
            if item.carrier == carrier
        ]
        meant = _by_number(connection, carrier, dict.fromkeys(number for _, number in named), means, now)
        unnamed = _unnamed(connection, carrier, means, now) if meant else set()
        for item, number in named:
            # Taken out, so that a second receipt to the same number does not take the same message.
            messages = meant.pop(number, [])
            if unnamed is None or number in unnamed:
                continue
            if len(messages) == 1 and messages[0].state is State.IN_DOUBT:
                [found[id(item)]] = messages
                notations = means.notations.get(carrier, GUESSED)
                rows.append(_attempt_row(item, messages[0], notations, now))
    _ATTEMPT.run(connection, rows)
    return found


def _by_number(
    connection: Connection, carrier: str, numbers: Iterable[str], means: Means, now: int
) -> dict[str, list[Message]]:
    """What a receipt from the carrier may mean, by number; the first copy of a resend went to any carrier."""
    addrs = [addr for number in numbers for addr in spellings(number, means.country_code)]
    messages: dict[str, list[Message]] = {}
    for row in _UNANSWERED.fetch(connection, addrs=dumps(addrs), since=now - _REPORTED_MAX_MS):
        message = message_of(row)
        if message.carrier == carrier or message.resends:
            messages.setdefault(plain(message.destination_addr, means.country_code), []).append(message)
    return messages


def _unnamed(connection: Connection, carrier: str, means: Means, now: int) -> set[str] | None:
    """The numbers of messages that the carrier accepted without an id; None if it may be any number."""
    rows = _UNNAMED.fetch(connection, carrier=carrier)
    recent = [addr for addr, submitted_at in rows if submitted_at > now - _REPORTED_MAX_MS]
    if len(recent) == _UNNAMED_MAX:
        return None
    return {plain(addr, means.country_code) for addr in recent}


def _attempt_row(
    said: CarrierReceipt, message: Message, notations: Notations, now: int
) -> tuple[object, ...]:
    carrier_message_id = said.receipt.message_id
    return (
        message.message_id,
        message.attempts,
        int(AttemptOutcome.ACCEPTED),
        said.carrier,
        "",
        carrier_message_id,
        notations.key(carrier_message_id) or look_up_key(carrier_message_id),
        None,
        message.submitted_at,
        now,
    )
