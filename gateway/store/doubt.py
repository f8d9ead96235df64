"""Messages in doubt that a receipt gives away.

The carrier's id of a submit that was never answered is lost, but its receipt may still come, under an id that
nobody knows. If exactly one message is in doubt at that carrier for the recipient that the receipt names, it
can only be that one: it takes the id. If there are several, nobody can tell, and the receipt stays parked.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from gateway.message import Message, State
from gateway.number import plain, spellings
from gateway.ports import AttemptOutcome, CarrierReceipt
from gateway.store import schema
from gateway.store.dialect import constant, upsert_rows
from gateway.store.ends import MESSAGE_COLUMNS, Means, message_of
from ledger.prepared import Prepared
from ledger.rows import dumps, texts
from smpp.receipt import look_up_key

_message = schema.message.c
_IN_DOUBT = Prepared(
    select(*MESSAGE_COLUMNS).where(
        _message.state == constant(State.IN_DOUBT),
        _message.carrier == bindparam("carrier"),
        _message.destination_addr.in_(texts("addrs")),
    )
)
_ATTEMPT = upsert_rows(schema.attempt)


def given_away(
    connection: Connection, said: Sequence[CarrierReceipt], means: Means, now: int
) -> dict[int, Message]:
    """By the index of a receipt of an unknown id, the message that it can only mean; the id is now its."""
    final = [index for index, item in enumerate(said) if item.receipt.is_final]
    found: dict[int, Message] = {}
    for carrier in {said[index].carrier for index in final}:
        numbers = {
            index: plain(said[index].destination_addr, means.country_code)
            for index in final
            if said[index].carrier == carrier
        }
        doubtful = _by_number(connection, carrier, set(numbers.values()), means)
        for index, number in numbers.items():
            # Taken out, so that a second receipt to the same number does not take the same message.
            messages = doubtful.pop(number, [])
            if len(messages) == 1:
                found[index] = messages[0]
    _ATTEMPT.run(connection, [_attempt_row(said[index], message, now) for index, message in found.items()])
    return found


def _by_number(
    connection: Connection, carrier: str, numbers: set[str], means: Means
) -> dict[str, list[Message]]:
    addrs = [addr for number in numbers for addr in spellings(number, means.country_code)]
    messages: dict[str, list[Message]] = {}
    for row in _IN_DOUBT.fetch(connection, carrier=carrier, addrs=dumps(addrs)):
        message = message_of(row)
        messages.setdefault(plain(message.destination_addr, means.country_code), []).append(message)
    return messages


def _attempt_row(said: CarrierReceipt, message: Message, now: int) -> tuple[object, ...]:
    carrier_message_id = said.receipt.message_id
    return (
        message.message_id,
        message.attempts,
        int(AttemptOutcome.ACCEPTED),
        said.carrier,
        "",
        carrier_message_id,
        look_up_key(carrier_message_id),
        None,
        message.submitted_at,
        now,
    )
