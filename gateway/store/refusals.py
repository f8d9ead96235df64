"""What is kept of submits that a rule of the contract has refused, and the rules that were in force then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from gateway.message import Message
from gateway.store import schema_records
from gateway.store.dialect import insert_new_rows, insert_rows
from gateway.stored import RefusedSubmit, Whole, refusal_of
from policy.clauses import RULES

_INSERT = insert_rows(schema_records.refusal)
_INSERT_RULESET = insert_new_rows(schema_records.ruleset)


def record(connection: Connection, refused: Sequence[RefusedSubmit]) -> None:
    """Write refusals down."""
    _INSERT.run(connection, [_row(one) for one in refused])


def record_rulesets(connection: Connection, rulesets: Mapping[str, str], now: int) -> None:
    """Write down the rules of versions that are not known yet."""
    _INSERT_RULESET.run(connection, [(version, rules, now) for version, rules in rulesets.items()])


def of_messages(
    messages: Sequence[Message], rules: Sequence[str | None], passes_at: Mapping[int, int]
) -> Iterator[RefusedSubmit]:
    """The refusals of those messages that have a rule; a long one is refused once, for all its parts.

    `passes_at` tells by message id when it would pass, where a time is known.
    """
    units = {message.whole_id: 0 for message in messages if message.part}
    for message in messages:
        if message.part:
            units[message.whole_id] += message.units
    for message, rule in zip(messages, rules, strict=True):
        if rule in RULES and not message.part:
            found = refusal_of(message, str(rule), passes_at.get(message.message_id))
            yield found if message.units else replace(found, units=units[message.whole_id])


def of_whole(whole: Whole, rule: str, next_pass_at: int | None) -> RefusedSubmit | None:
    """The refusal of a long message by `rule`; None for a reason that is no rule of the contract.

    `next_pass_at` is when it would pass, if it is the store that refuses it.
    """
    if whole.evidence is None or rule not in RULES:
        return None
    if rule == whole.rule:
        return whole.evidence
    return replace(whole.evidence, rule=rule, span_start=None, span_end=None, next_pass_at=next_pass_at)


def _row(one: RefusedSubmit) -> tuple[object, ...]:
    return (
        one.refusal_id,
        one.account,
        one.rule,
        one.message_class,
        one.source_addr,
        one.destination_addr,
        one.body,
        one.units,
        one.ruleset,
        one.submitted_by,
        one.submitted_at,
        one.span_start,
        one.span_end,
        one.next_pass_at,
    )
