"""Admission in the database: recipients' choices, then money, then the message, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from gateway.message import Message, State
from gateway.store import recipients, schema, usage
from gateway.store.dialect import insert_rows
from gateway.store.ends import Means
from gateway.store.references import refer
from gateway.store.refusals import of_messages, record
from gateway.stored import RefusedSubmit
from ledger import sql as ledger
from ledger.standing import states
from ledger.states import AccountState
from ledger.transfer import Hold
from policy.clauses import ACCOUNT_NOT_OPEN, ACCOUNT_SUSPENDED, QUOTA_EXHAUSTED

_INSERT = insert_rows(schema.message)

_WITHOUT_HOLD = {AccountState.OPEN: QUOTA_EXHAUSTED, AccountState.SUSPENDED: ACCOUNT_SUSPENDED}


def admit(
    connection: Connection,
    messages: Sequence[Message],
    means: Means,
    now: int,
    refused: Sequence[RefusedSubmit] = (),
) -> list[str | None]:
    """For each message None, stored with its hold, or the rule that refuses it.

    Of one that is refused, as of the `refused`, nothing is stored but that it was.
    """
    judged = recipients.judge(connection, messages, means, now)
    messages = refer(connection, messages, means.country_code)
    verdicts = [judged.rules.get(message.message_id) for message in messages]
    if means.caps:
        usage.cap(connection, messages, verdicts, means, now)
    allowed = [
        index
        for index, verdict in enumerate(verdicts)
        if verdict is None and messages[index].state is not State.JOINED
    ]
    held = hold(connection, [messages[index] for index in allowed], now)
    unheld = [index for index, is_held in zip(allowed, held, strict=True) if not is_held]
    rules = without_hold(connection, (messages[index].account for index in unheld))
    for index in unheld:
        verdicts[index] = rules[messages[index].account]
        if messages[index].part == 1:
            verdicts[index - 1] = verdicts[index]  # the JOINED one in front of its parts
    admitted = [message for message, verdict in zip(messages, verdicts, strict=True) if verdict is None]
    insert(connection, admitted)
    if means.caps:
        usage.count_messages(connection, admitted, means, now)
    recipients.remember(connection, judged, admitted)
    if refused or len(admitted) < len(messages):
        record(connection, [*refused, *of_messages(messages, verdicts, judged.passes_at)])
    return verdicts


def hold(connection: Connection, messages: Sequence[Message], now: int) -> list[bool]:
    """Hold the units of messages; the parts of a long message hold together or not at all."""
    holds = [Hold(m.message_id, m.account, m.units, m.whole_id if m.part else None) for m in messages]
    return ledger.hold(connection, holds, now)


def without_hold(connection: Connection, accounts: Iterable[str]) -> dict[str, str]:
    """The rule by which each of these accounts got no hold (contract clauses 2, 七, 短信费(1))."""
    names = dict.fromkeys(accounts)
    found = states(connection, names) if names else {}
    return {name: _WITHOUT_HOLD.get(state, ACCOUNT_NOT_OPEN) for name, state in found.items()}


def insert(connection: Connection, messages: Sequence[Message]) -> None:
    """Store messages."""
    _INSERT.run(connection, [_row(message) for message in messages])


def _row(message: Message) -> tuple[object, ...]:
    return (
        message.message_id,
        message.account,
        int(message.state),
        message.units,
        message.source_addr,
        message.destination_addr,
        message.registered_delivery,
        message.body,
        message.route,
        message.carrier,
        message.epoch,
        message.attempts,
        message.resends,
        message.submitted_at,
        message.due_at,
        message.deadline_at,
        message.ruleset,
        message.submitted_by,
        None,
        None,
        message.whole_id,
        message.part,
        message.segment,
        message.told_as,
        message.message_class,
        message.signature,
        message.submitted_body,
    )
