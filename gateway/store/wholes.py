"""Long messages in the database: segments that were collected give way to the parts that are sent.

The holds of the segments go back before the parts take theirs, in the same transaction: what the text costs
is what is sent of it, in however many segments it came.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, bindparam, update

from gateway.message import Message, State
from gateway.settings import StatusStyle
from gateway.statuses import GatewayError, err3, status_for
from gateway.store import recipients, schema, usage
from gateway.store.admit import admit, hold, insert, without_hold
from gateway.store.dialect import Bulk, constant
from gateway.store.ends import End, Means, end, messages_of
from gateway.store.references import refer
from gateway.store.refusals import of_whole, record
from gateway.store.repeats import repeated
from gateway.stored import Joined, Whole
from ledger import sql as ledger
from ledger.transfer import Hold, Kind
from policy.clauses import MESSAGE_INCOMPLETE
from smpp.value import changed

_JOIN = Bulk(
    update(schema.message)
    .values(state=constant(State.JOINED), deadline_at=bindparam("deadline_at"))
    .where(schema.message.c.message_id == bindparam("_message_id")),
    ("deadline_at", "_message_id"),
)


def collect(
    connection: Connection,
    segments: Sequence[Message],
    beginning: Collection[int],
    since: int,
    means: Means,
    now: int,
) -> list[Message | str | None]:
    """Store segments that wait for the rest of their message; see `gateway.ports.Store`."""
    known = repeated(connection, [m for m in segments if m.message_id in beginning], since)
    rules = iter(admit(connection, [m for m in segments if m.message_id not in known], means, now))
    return [known[m.message_id] if m.message_id in known else next(rules) for m in segments]


def join(connection: Connection, wholes: Sequence[Whole], means: Means, now: int) -> Joined:
    """Store the last segments, JOINED like those before them, and the parts; or end what was collected.

    A segment that has ended meanwhile, its time being over, leaves a message that is not whole any more.
    """
    collected = _collected(connection, wholes)
    judged = recipients.judge(connection, [_text(whole) for whole in wholes if whole.parts], means, now)
    parts = refer(connection, [part for whole in wholes for part in whole.parts], means.country_code)
    rules = [_rule(whole, found, judged.rules) for whole, found in zip(wholes, collected, strict=True)]
    if means.caps:
        _cap(connection, wholes, rules, means, now)
    willing = [index for index, rule in enumerate(rules) if rule is None]
    holds = [Hold(m.message_id, m.account, m.units) for index in willing for m in collected[index]]
    ledger.resolve(connection, Kind.VOID, holds, now)
    going = {wholes[index].last.whole_id for index in willing}
    parts = [part for part in parts if part.whole_id in going]
    held = dict(zip((part.message_id for part in parts), hold(connection, parts, now), strict=True))
    poor = [i for i in willing if not all(held[part.message_id] for part in wholes[i].parts)]
    reasons = without_hold(connection, (wholes[index].last.account for index in poor))
    for index in poor:
        rules[index] = reasons[wholes[index].last.account]
    accepted = [index for index in willing if rules[index] is None]
    _JOIN.run(
        connection,
        [(wholes[index].last.deadline_at, m.message_id) for index in accepted for m in collected[index]],
    )
    insert(
        connection,
        [*(wholes[index].last for index in accepted), *(part for part in parts if held[part.message_id])],
    )
    if means.caps:
        usage.count(connection, [_demand(wholes[index]) for index in accepted], means, now)
    recipients.remember(connection, judged, [wholes[index].last for index in accepted])
    refused = (
        of_whole(whole, rule, judged.passes_at.get(whole.last.message_id))
        for whole, rule in zip(wholes, rules, strict=True)
        if rule is not None
    )
    record(connection, [one for one in refused if one is not None])
    ends = [
        End(segment, State.REJECTED, err3(status_for(rule, StatusStyle.VENDOR)), now, Kind.VOID)
        for segments, rule in zip(collected, rules, strict=True)
        if rule is not None
        for segment in segments
    ]
    stored: dict[int | None, list[Message]] = {wholes[index].last.whole_id: [] for index in accepted}
    for part in parts:
        if part.whole_id in stored:
            stored[part.whole_id].append(part)
    by_whole = [stored.get(whole.last.whole_id, []) for whole in wholes]
    return Joined(rules, end(connection, ends, means, now), by_whole)


def _cap(
    connection: Connection, wholes: Sequence[Whole], rules: list[str | None], means: Means, now: int
) -> None:
    """Refuse those that go beyond a cap."""
    willing = [index for index, rule in enumerate(rules) if rule is None]
    fits = usage.fitting(connection, [_demand(wholes[index]) for index in willing], means, now)
    for index, fit in zip(willing, fits, strict=True):
        if not fit:
            rules[index] = GatewayError.CAP_REACHED


def _demand(whole: Whole) -> usage.Demand:
    return whole.last.account, sum(part.units for part in whole.parts)


def _collected(connection: Connection, wholes: Sequence[Whole]) -> list[list[Message]]:
    """The segments of each whole that still wait."""
    ids = [message_id for whole in wholes for message_id in whole.collected]
    found = messages_of(connection, ids) if ids else {}
    waiting = {i: message for i, message in found.items() if message.state is State.COLLECTING}
    return [[waiting[i] for i in whole.collected if i in waiting] for whole in wholes]


def _text(whole: Whole) -> Message:
    """The message that the segments make, by the id of the last one; its parts know what was read of it."""
    return changed(whole.parts[0], message_id=whole.last.message_id, state=State.JOINED, part=0)


def _rule(whole: Whole, found: Sequence[Message], refused: Mapping[int, str]) -> str | None:
    if len(found) < len(whole.collected):
        return MESSAGE_INCOMPLETE
    return refused.get(whole.last.message_id, whole.rule)
