"""What is recorded of recipients, asked for a whole batch: blocks, opt-outs, members, consents, frequency.

Blocks and opt-outs are looked up for every message, in one statement; the rest only for accounts whose
settings ask for it. All of it is asked in the transaction that admits a message, and again, but for
frequency, in that which takes it out of the queue. So whatever a recipient or an operator has done is obeyed
from its commit on, whichever process made it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
)

from gateway.message import Message, State
from gateway.number import plain
from gateway.settings import Consent, OptOutScope, Recipients
from gateway.store import schema, schema_recipients
from gateway.store.dialect import constant, insert_rows
from gateway.store.ends import Means
from ledger.prepared import Prepared
from ledger.rows import Rows, dumps
from policy.clauses import (
    CONSENT_MISSING,
    FREQUENCY_CAP,
    RECIPIENT_BLOCKED,
    RECIPIENT_NOT_MEMBER,
    RECIPIENT_OPTED_OUT,
)
from policy.frequency import HOUR_MS, Cap

# How long after a message a TD is known to answer its signature.
_TD_AFTER_MS = 90 * 24 * HOUR_MS

_opt_out = schema_recipients.opt_out.c
_block = schema_recipients.block.c
_consent = schema_recipients.consent.c
_member = schema_recipients.member.c
_contact = schema_recipients.contact.c
_message = schema.message.c

_numbers = Rows("numbers")
_rows = Rows("rows")
_now = bindparam("now", type_=BigInteger)

# An account of NULL is a block.
_CHOICES = Prepared(
    union_all(
        select(_opt_out.number, _opt_out.account, _opt_out.signature)
        .join_from(_numbers.table, schema_recipients.opt_out, _opt_out.number == _numbers.each)
        .where(_opt_out.ended_at.is_(None)),
        select(_block.number, null(), literal_column("''")).join_from(
            _numbers.table, schema_recipients.block, _block.number == _numbers.each
        ),
    )
)
_MEMBERS = Prepared(
    select(_member.number, _member.account).join_from(
        _rows.table,
        schema_recipients.member,
        and_(_member.number == _rows.text(0), _member.account == _rows.text(1)),
    )
)
_is_theirs = and_(
    _consent.number == _rows.text(0),
    _consent.account == _rows.text(1),
    _consent.kind == _rows.text(2),
)
# The newest last.
_CONSENTS = Prepared(
    select(
        _consent.number,
        _consent.account,
        _consent.kind,
        _consent.frequency_max,
        _consent.frequency_days,
    )
    .join_from(
        _rows.table,
        schema_recipients.consent,
        _is_theirs,
    )
    .where(
        _consent.revoked_at.is_(None),
        _consent.granted_at <= _now,
        or_(_consent.expires_at.is_(None), _consent.expires_at > _now),
    )
    .order_by(_consent.granted_at)
)
# When the next one begins, of those who have none that is in force.
_LATER_CONSENTS = Prepared(
    select(_consent.number, _consent.account, _consent.kind, func.min(_consent.granted_at))
    .join_from(
        _rows.table,
        schema_recipients.consent,
        _is_theirs,
    )
    .where(
        _consent.revoked_at.is_(None),
        _consent.granted_at > _now,
        or_(_consent.expires_at.is_(None), _consent.expires_at > _consent.granted_at),
    )
    .group_by(_consent.number, _consent.account, _consent.kind)
)
# A message that was cancelled, or that no carrier wanted, has reached nobody.
_CONTACTS = Prepared(
    select(_contact.number, _contact.account, _contact.at, _contact.signature)
    .join_from(
        _rows.table,
        schema_recipients.contact,
        and_(
            _contact.number == _rows.text(0),
            _contact.account == _rows.text(1),
            _contact.at > _rows.integer(2),
        ),
    )
    .outerjoin(schema.message, _message.message_id == _contact.message_id)
    .where(
        or_(
            _message.state.is_(None),
            _message.state.not_in([constant(State.DELETED), constant(State.REJECTED)]),
        )
    )
)
_INSERT_CONTACT = insert_rows(schema_recipients.contact)
_LONGEST_CONSENT = Prepared(select(func.max(_consent.frequency_days)).where(_consent.frequency_days > 0))
_FORGET = Prepared(
    delete(schema_recipients.contact).where(
        tuple_(_contact.number, _contact.account, _contact.at, _contact.message_id).in_(
            select(_contact.number, _contact.account, _contact.at, _contact.message_id)
            .where(_contact.at < bindparam("before", type_=BigInteger))
            .limit(bindparam("count", type_=Integer))
        )
    )
)

_Contact = tuple[str, str, int, int, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """The rules that refuse messages, by message id; what to remember of the others, if they are stored.

    `passes_at` are the first instants (unix milliseconds) at which frequency, or a consent that begins then,
    and the hours would let a message that is refused pass.
    """

    rules: dict[int, str] = field(default_factory=dict)
    contacts: dict[int, _Contact] = field(default_factory=dict)
    passes_at: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _To:
    """A message, its recipient's number, and the rules of its account; `caps` has those of a consent too."""

    message: Message
    number: str
    own: Recipients
    caps: tuple[Cap, ...]


def judge(connection: Connection, messages: Sequence[Message], means: Means, now: int) -> Judged:
    """Which of these messages the records of their recipients refuse, in the order given.

    The parts of a long message share the fate of the JOINED one before them. A message counts for those
    behind it in the batch even if it should be refused afterwards, for want of money.
    """
    judged, own = _standing(connection, messages, means, now)
    _hold_to_frequency(connection, judged, own, means, now)
    refused = {
        m.whole_id: judged.rules[m.message_id]
        for m in messages
        if m.state is State.JOINED and m.message_id in judged.rules
    }
    if refused:
        judged.rules.update((m.message_id, refused[m.whole_id]) for m in messages if m.whole_id in refused)
    return judged


def withdrawn(connection: Connection, messages: Sequence[Message], means: Means, now: int) -> Judged:
    """Which of these admitted messages may not be sent any more."""
    judged, _ = _standing(connection, messages, means, now)
    return judged


def remember(connection: Connection, judged: Judged, stored: Iterable[Message]) -> None:
    """Write down who has been written to, now that these messages are stored."""
    if judged.contacts:
        rows = [judged.contacts[m.message_id] for m in stored if m.message_id in judged.contacts]
        _INSERT_CONTACT.run(connection, rows)


def forget(connection: Connection, count: int, means: Means, now: int) -> int:
    """Drop up to `count` contacts that nothing can ask for any more; how many there were."""
    reaches_ms = [cap.reach_ms for own in means.recipients.values() for cap in own.frequency]
    if any(own.opt_out_scope is OptOutScope.SIGNATURE for own in means.recipients.values()):
        reaches_ms.append(_TD_AFTER_MS)
    [(days,)] = _LONGEST_CONSENT.fetch(connection)
    longest_ms = max(reaches_ms, default=0)
    before = now - max(longest_ms, (days or 0) * 24 * HOUR_MS)
    return _FORGET.change(connection, before=before, count=count)


def _standing(
    connection: Connection, messages: Sequence[Message], means: Means, now: int
) -> tuple[Judged, list[_To]]:
    """Who is refused, whatever was sent before; the other messages of accounts with rules of their own."""
    judged = Judged()
    if not messages:
        return judged, []
    numbers = [plain(message.destination_addr, means.country_code) for message in messages]
    choices: defaultdict[str, list[tuple[str | None, str]]] = defaultdict(list)
    for number, account, signature in _CHOICES.fetch(connection, numbers=dumps(numbers)):
        choices[number].append((account, signature))
    if choices:
        for number, message in zip(numbers, messages, strict=True):
            rule = _silenced(choices.get(number, ()), message, means)
            if rule is not None:
                judged.rules[message.message_id] = rule
    if not means.recipients:
        return judged, []
    own = [
        _To(message, number, rules, rules.frequency)
        for number, message in zip(numbers, messages, strict=True)
        if (rules := means.recipients.get(message.account)) is not None
        and message.message_id not in judged.rules
    ]
    own = _members(connection, own, judged, means)
    return judged, _consenting(connection, own, judged, means, now)


def _silenced(choices: Iterable[tuple[str | None, str]], message: Message, means: Means) -> str | None:
    """The rule by which a block, or else an opt-out, refuses a message."""
    broken = {
        RECIPIENT_BLOCKED if account is None else RECIPIENT_OPTED_OUT
        for account, signature in choices
        if account is None or (account in ("", message.account) and signature in ("", message.signature))
    }
    rules = (rule for rule in (RECIPIENT_BLOCKED, RECIPIENT_OPTED_OUT) if rule in broken)
    return next((rule for rule in rules if means.refuses(rule, message)), None)


def _members(connection: Connection, own: list[_To], judged: Judged, means: Means) -> list[_To]:
    """Refuse those who are no members where they must be; the others."""
    asked = {(to.number, to.message.account) for to in own if to.own.members_only}
    if not asked:
        return own
    members = {tuple(row) for row in _MEMBERS.fetch(connection, rows=dumps(list(asked)))}
    strangers = asked - members
    for to in own:
        is_stranger = to.own.members_only and (to.number, to.message.account) in strangers
        if is_stranger and means.refuses(RECIPIENT_NOT_MEMBER, to.message):
            judged.rules[to.message.message_id] = RECIPIENT_NOT_MEMBER
    return [to for to in own if to.message.message_id not in judged.rules]


def _consenting(connection: Connection, own: list[_To], judged: Judged, means: Means, now: int) -> list[_To]:
    """Refuse those who have not agreed where they must have; the others, with the caps agreed to."""
    asked = {_consent_of(to) for to in own if _needs_consent(to)}
    if not asked:
        return own
    found = _CONSENTS.fetch(connection, rows=dumps(list(asked)), now=now)
    consents = {(number, account, kind): frequency for number, account, kind, *frequency in found}
    left, refused = [], []
    for to in own:
        frequency = consents.get(_consent_of(to)) if _needs_consent(to) else [None, None]
        if frequency is None and means.refuses(CONSENT_MISSING, to.message):
            judged.rules[to.message.message_id] = CONSENT_MISSING
            refused.append(to)
            continue
        count, days = frequency or (None, None)
        agreed = () if count is None or days is None else (Cap(count, per_hours=24 * days),)
        left.append(_To(to.message, to.number, to.own, to.caps + agreed) if agreed else to)
    if refused:
        _await_consent(connection, refused, judged, means, now)
    return left


def _await_consent(
    connection: Connection, refused: Sequence[_To], judged: Judged, means: Means, now: int
) -> None:
    """Write down from when on those have agreed whose consent is yet to begin."""
    asked = {_consent_of(to) for to in refused}
    found = _LATER_CONSENTS.fetch(connection, rows=dumps(list(asked)), now=now)
    begins = {(number, account, kind): granted_at for number, account, kind, granted_at in found}
    for to in refused:
        if (at := begins.get(_consent_of(to))) is not None:
            at = max(at, to.message.due_at)
            judged.passes_at[to.message.message_id] = means.opens_at(to.message, at)


def _needs_consent(to: _To) -> bool:
    return to.own.consent is Consent.LISTED and to.message.message_class in to.own.consent_for


def _consent_of(to: _To) -> tuple[str, str, str]:
    return to.number, to.message.account, str(to.message.message_class)


def _hold_to_frequency(
    connection: Connection, judged: Judged, own: Sequence[_To], means: Means, now: int
) -> None:
    """Refuse what is too much for one number; what is let through may count, or be answered with TD.

    A long message is one message, when all of it has come.
    """
    whole = [to for to in own if not to.message.part and to.message.state is not State.COLLECTING]
    had = _contacts(connection, [to for to in whole if to.caps], now)
    for to in whole:
        message = to.message
        at = max(message.due_at, now)
        others = had[to.number, message.account]
        is_too_much = not all(
            cap.allows(_counted(cap, others, message.signature), at, means.zone) for cap in to.caps
        )
        if is_too_much and means.refuses(FREQUENCY_CAP, message):
            judged.rules[message.message_id] = FREQUENCY_CAP
            judged.passes_at[message.message_id] = _next_pass(to, others, at, means)
        elif to.caps or to.own.opt_out_scope is OptOutScope.SIGNATURE:
            others.append((at, message.signature))
            contact = to.number, message.account, at, message.message_id, message.signature
            judged.contacts[message.message_id] = contact


def _next_pass(to: _To, others: Sequence[tuple[int, str]], at: int, means: Means) -> int:
    """The first instant from `at` on that every cap allows, and the hours."""
    counted = [(cap, _counted(cap, others, to.message.signature)) for cap in to.caps]
    before = -1
    while before != at:
        before = at
        for cap, due in counted:
            at = cap.next_pass(due, at, means.zone)
        at = means.opens_at(to.message, at)
    return at


def _contacts(
    connection: Connection, capped: Sequence[_To], now: int
) -> defaultdict[tuple[str, str], list[tuple[int, str]]]:
    """When, and under which signature, each account wrote to these numbers, as far back as caps reach."""
    had: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    if not capped:
        return had
    since: dict[tuple[str, str], int] = {}
    for to in capped:
        key = to.number, to.message.account
        since[key] = min(since.get(key, now), now - max(cap.reach_ms for cap in to.caps))
    rows = [(*key, at) for key, at in since.items()]
    for number, account, at, signature in _CONTACTS.fetch(connection, rows=dumps(rows)):
        had[number, account].append((at, signature))
    return had


def _counted(cap: Cap, others: Iterable[tuple[int, str]], signature: str) -> list[int]:
    """When those messages are due that count for a cap."""
    return [at for at, signed in others if signed == signature or not cap.by_signature]
