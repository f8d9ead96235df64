"""What was recorded of recipients at an instant of the past: blocks, opt-outs, members, consents.

As far as the tables still tell: of a member or a block that was taken off its list nothing is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from gateway.store import schema_recipients
from ledger.prepared import Prepared, Row
from ledger.rows import dumps, texts

_opt_out = schema_recipients.opt_out.c
_consent = schema_recipients.consent.c
_member = schema_recipients.member.c
_block = schema_recipients.block.c
_numbers = texts("numbers")
_OPT_OUTS = Prepared(
    select(_opt_out.number, _opt_out.account, _opt_out.signature, _opt_out.since, _opt_out.ended_at).where(
        _opt_out.number.in_(_numbers)
    )
)
_CONSENTS = Prepared(
    select(
        _consent.number,
        _consent.account,
        _consent.kind,
        _consent.granted_at,
        _consent.expires_at,
        _consent.revoked_at,
    ).where(_consent.number.in_(_numbers))
)
_MEMBERS = Prepared(
    select(_member.number, _member.account, _member.since).where(_member.number.in_(_numbers))
)
_BLOCKS = Prepared(select(_block.number, _block.since).where(_block.number.in_(_numbers)))

_EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class History:
    """The records of some numbers, as `gateway.number.plain` writes them. Instants are unix milliseconds."""

    _opt_outs: Mapping[str, list[Row]] = field(default_factory=dict)
    _consents: Mapping[str, list[Row]] = field(default_factory=dict)
    _members: Mapping[str, list[Row]] = field(default_factory=dict)
    _blocks: Mapping[str, list[Row]] = field(default_factory=dict)

    def is_blocked(self, number: str, at: int) -> bool:
        """Whether the operator's list had the number."""
        return any(since <= at for _, since in self._blocks.get(number, ()))

    def has_opted_out(self, number: str, account: str, signature: str, at: int) -> bool:
        """Whether the recipient wanted nothing of that account under that signature."""
        return any(
            account_ in (account, _EVERYBODY)
            and signature_ in (signature, "")
            and since <= at
            and (ended_at is None or at < ended_at)
            for _, account_, signature_, since, ended_at in self._opt_outs.get(number, ())
        )

    def is_member(self, number: str, account: str, at: int) -> bool:
        """Whether the number was on the account's list."""
        return any(
            account_ == account and since <= at for _, account_, since in self._members.get(number, ())
        )

    def has_consented(self, number: str, account: str, kind: str, at: int) -> bool:
        """Whether there was a consent of that kind in force."""
        return any(
            (account_, kind_) == (account, kind)
            and granted_at <= at
            and (expires_at is None or at < expires_at)
            and (revoked_at is None or at < revoked_at)
            for _, account_, kind_, granted_at, expires_at, revoked_at in self._consents.get(number, ())
        )


def history(connection: Connection, numbers: Iterable[str]) -> History:
    """What is recorded of these numbers."""
    asked = dumps(list(dict.fromkeys(numbers)))
    return History(
        *(
            _by_number(table.fetch(connection, numbers=asked))
            for table in (_OPT_OUTS, _CONSENTS, _MEMBERS, _BLOCKS)
        )
    )


def _by_number(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found
