"""The ledger's identities, asked of a database from outside: what must hold whatever happened.

Every balance is the sum of its transfers, every transfer has the one before it, every top-up has its lot.
Each identity is one query for the rows that break it, so a sound ledger answers with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, not_, null, or_, select

from ledger.accounts import EFFECTS, Balance
from ledger.schema import ledger_account, ledger_lot, ledger_transfer
from ledger.transfer import Kind, Stage


@dataclass(frozen=True, slots=True)
class Violation:
    """A row that breaks an identity: its account, its source (a top-up or a message), and its numbers."""

    identity: str
    account: str | None
    source_id: int | None
    detail: str


_account = ledger_account.c
_transfer = ledger_transfer.c
_lot = ledger_lot.c
_before = ledger_transfer.alias("before")
_PLACES = [field.name for field in fields(Balance)]


def _by_transfers(place: str) -> ColumnElement[int]:
    """What the transfers of an account say of one field of its balance."""
    terms = [
        (_transfer.kind == kind, effect[place] * _transfer.units)
        for kind, effect in EFFECTS.items()
        if place in effect
    ]
    return func.sum(case(*terms, else_=0)) if terms else literal(0)


def _balance_is_sum_of_transfers() -> Select[*tuple[Any, ...]]:
    sums = (
        select(_transfer.account, *(_by_transfers(place).label(place) for place in _PLACES))
        .group_by(_transfer.account)
        .subquery("sums")
    )
    said = {place: func.coalesce(sums.c[place], 0) for place in _PLACES}
    columns = [
        column
        for place in _PLACES
        for column in (_account[place], said[place].label(f"{place}_by_transfers"))
    ]
    return (
        select(_account.account, null(), *columns)
        .outerjoin_from(ledger_account, sums, sums.c.account == _account.account)
        .where(or_(*(_account[place] != said[place] for place in _PLACES)))
    )


def _follows(stage: Stage, before: Stage, broken: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Transfers at `stage` without the one of `before` on the same account, or with a `broken` one."""
    earlier = and_(_before.c.source_id == _transfer.source_id, _before.c.stage == before)
    return (
        select(
            _transfer.account,
            _transfer.source_id,
            _transfer.kind,
            _transfer.units,
            _before.c.kind.label("kind_before"),
            _before.c.units.label("units_before"),
            _before.c.account.label("account_before"),
        )
        .outerjoin_from(ledger_transfer, _before, earlier)
        .where(_transfer.stage == stage)
        .where(or_(_before.c.source_id.is_(None), _before.c.account != _transfer.account, broken))
    )


_kind_at_stage = or_(*(and_(_transfer.kind == kind, _transfer.stage == kind.stage) for kind in Kind))
_topup_of_lot = and_(
    _transfer.source_id == _lot.lot_id,
    _transfer.stage == Stage.TOPUP,
    _transfer.account == _lot.account,
    _transfer.units == _lot.units,
)

_BROKEN: Mapping[str, Select[*tuple[Any, ...]]] = {
    "BALANCE_NOT_NEGATIVE": select(_account.account, null(), *(_account[place] for place in _PLACES)).where(
        or_(*(_account[place] < 0 for place in _PLACES))
    ),
    "BALANCE_ADDS_UP": select(_account.account, null(), *(_account[place] for place in _PLACES)).where(
        _account.topped_up != _account.remaining + _account.held + _account.settled + _account.returned
    ),
    "BALANCE_IS_SUM_OF_TRANSFERS": _balance_is_sum_of_transfers(),
    "TRANSFER_HAS_ACCOUNT": select(_transfer.account, _transfer.source_id, _transfer.kind, _transfer.units)
    .outerjoin_from(ledger_transfer, ledger_account, _account.account == _transfer.account)
    .where(_account.account.is_(None)),
    "TRANSFER_MOVES_UNITS": select(
        _transfer.account, _transfer.source_id, _transfer.kind, _transfer.units
    ).where(_transfer.units <= 0),
    "KIND_FITS_STAGE": select(_transfer.account, _transfer.source_id, _transfer.stage, _transfer.kind).where(
        not_(_kind_at_stage)
    ),
    "RESOLUTION_HAS_EQUAL_HOLD": _follows(Stage.RESOLUTION, Stage.HOLD, _before.c.units != _transfer.units),
    "REFUND_WITHIN_SETTLE": _follows(
        Stage.REFUND,
        Stage.RESOLUTION,
        or_(_before.c.kind != Kind.SETTLE, _before.c.units < _transfer.units),
    ),
    "LOT_HAS_EQUAL_TOPUP": select(_lot.account, _lot.lot_id, _lot.units)
    .outerjoin_from(ledger_lot, ledger_transfer, _topup_of_lot)
    .where(_transfer.source_id.is_(None)),
    "TOPUP_HAS_EQUAL_LOT": select(_transfer.account, _transfer.source_id, _transfer.units)
    .outerjoin_from(ledger_transfer, ledger_lot, _topup_of_lot)
    .where(_transfer.stage == Stage.TOPUP, _lot.lot_id.is_(None)),
    "LOT_NOT_NEGATIVE": select(_lot.account, _lot.lot_id, _lot.units, _lot.amount_fen).where(
        or_(_lot.units <= 0, _lot.amount_fen < 0)
    ),
}


def audit(conn: Connection, limit: int = 100) -> list[Violation]:
    """The rows that break an identity, at most `limit` of each; none in a sound ledger.

    Reads every transfer: run it in a transaction of its own, on one snapshot.
    """
    found = []
    for identity, broken in _BROKEN.items():
        for row in conn.execute(broken.limit(limit)):
            account, source_id, *numbers = row
            names = row._fields[2:]
            detail = ", ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=True))
            found.append(Violation(identity, account, source_id, detail))
    return found
