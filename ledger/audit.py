"""The ledger's identities, asked of a database from outside: what must hold whatever happened.

Every balance is the sum of its transfers, every transfer has the one before it, every top-up its lot, every
adjustment and return its request, every charge its lots. A sound ledger answers each query with nothing.
"""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, not_, null, or_, select

from ledger import chain_audit, draw_audit
from ledger.accounts import EFFECTS, Balance
from ledger.identity import Identity, Rows, Violation, count_of, violations
from ledger.schema import ledger_account, ledger_lot, ledger_request, ledger_transfer
from ledger.transfer import Kind, Stage

_account = ledger_account.c
_transfer = ledger_transfer.c
_lot = ledger_lot.c
_request = ledger_request.c
_before = ledger_transfer.alias("before")
_PLACES = [field.name for field in fields(Balance)]
_balances = select(_account.account, null(), *(_account[place] for place in _PLACES))
_moves = select(_transfer.account, _transfer.source_id, _transfer.kind, _transfer.units)


def _by_transfers(place: str) -> ColumnElement[int]:
    """What the transfers of an account say of one field of its balance."""
    terms = [
        (_transfer.kind == kind, effect[place] * _transfer.units)
        for kind, effect in EFFECTS.items()
        if place in effect
    ]
    return func.sum(case(*terms, else_=0)) if terms else literal(0)


def _balance_is_sum_of_transfers() -> Rows:
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


def _follows(stage: Stage, before: Stage, broken: ColumnElement[bool]) -> Rows:
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

_transfer_of_request = and_(
    _transfer.source_id == _request.request_id,
    _transfer.kind == _request.kind,
    _transfer.account == _request.account,
    _transfer.units == _request.units,
)

_MONEY = "P7"
_ACCOUNTS = count_of(ledger_account)
_TRANSFERS = count_of(ledger_transfer)
_LOTS = count_of(ledger_lot)

OF_BALANCES = (
    Identity(
        "BALANCE_NOT_NEGATIVE",
        _MONEY,
        "No place of a balance is below zero.",
        _ACCOUNTS,
        _balances.where(or_(*(_account[place] < 0 for place in _PLACES))),
    ),
    Identity(
        "BALANCE_ADDS_UP",
        _MONEY,
        "Topped up = remaining + held + settled + returned.",
        _ACCOUNTS,
        _balances.where(
            _account.topped_up != _account.remaining + _account.held + _account.settled + _account.returned
        ),
    ),
)
"""What balances alone can tell: a row an account."""

IDENTITIES = (
    *OF_BALANCES,
    Identity(
        "BALANCE_IS_SUM_OF_TRANSFERS",
        _MONEY,
        "Every place of a balance is what its transfers add up to.",
        _ACCOUNTS,
        _balance_is_sum_of_transfers(),
    ),
    Identity(
        "TRANSFER_HAS_ACCOUNT",
        _MONEY,
        "Every transfer moves the units of an account that exists.",
        _TRANSFERS,
        _moves.outerjoin_from(ledger_transfer, ledger_account, _account.account == _transfer.account).where(
            _account.account.is_(None)
        ),
    ),
    Identity(
        "TRANSFER_MOVES_UNITS",
        _MONEY,
        "Every transfer moves at least one unit.",
        _TRANSFERS,
        _moves.where(_transfer.units <= 0),
    ),
    Identity(
        "KIND_FITS_STAGE",
        _MONEY,
        "Every transfer is of a kind that occurs at its stage.",
        _TRANSFERS,
        select(_transfer.account, _transfer.source_id, _transfer.stage, _transfer.kind).where(
            not_(_kind_at_stage)
        ),
    ),
    Identity(
        "RESOLUTION_HAS_EQUAL_HOLD",
        _MONEY,
        "A settle or void ends a hold of the same account and units.",
        _TRANSFERS,
        _follows(Stage.RESOLUTION, Stage.HOLD, _before.c.units != _transfer.units),
    ),
    Identity(
        "REFUND_WITHIN_SETTLE",
        _MONEY,
        "A refund follows a settle on the same account, and gives back no more.",
        _TRANSFERS,
        _follows(
            Stage.REFUND,
            Stage.RESOLUTION,
            or_(_before.c.kind != Kind.SETTLE, _before.c.units < _transfer.units),
        ),
    ),
    Identity(
        "LOT_HAS_EQUAL_TOPUP",
        _MONEY,
        "Every lot was credited to its account, in full.",
        _LOTS,
        select(_lot.account, _lot.lot_id, _lot.units)
        .outerjoin_from(ledger_lot, ledger_transfer, _topup_of_lot)
        .where(_transfer.source_id.is_(None)),
    ),
    Identity(
        "TOPUP_HAS_EQUAL_LOT",
        _MONEY,
        "Every credit has the lot that was paid for.",
        _TRANSFERS,
        select(_transfer.account, _transfer.source_id, _transfer.units)
        .outerjoin_from(ledger_transfer, ledger_lot, _topup_of_lot)
        .where(_transfer.stage == Stage.TOPUP, _lot.lot_id.is_(None)),
    ),
    Identity(
        "LOT_NOT_NEGATIVE",
        _MONEY,
        "A lot has at least one unit, and cost nothing or more.",
        _LOTS,
        select(_lot.account, _lot.lot_id, _lot.units, _lot.amount_fen).where(
            or_(_lot.units <= 0, _lot.amount_fen < 0)
        ),
    ),
    Identity(
        "REQUEST_HAS_EQUAL_TRANSFER",
        _MONEY,
        "Every adjustment and return that was asked for was made, in full.",
        count_of(ledger_request),
        select(_request.account, _request.request_id, _request.kind, _request.units)
        .outerjoin_from(ledger_request, ledger_transfer, _transfer_of_request)
        .where(_transfer.source_id.is_(None)),
    ),
    Identity(
        "ADJUSTMENT_HAS_REQUEST",
        _MONEY,
        "Every adjustment and return was asked for, with a reason.",
        _TRANSFERS,
        select(_transfer.account, _transfer.source_id, _transfer.kind, _transfer.units)
        .outerjoin_from(ledger_transfer, ledger_request, _transfer_of_request)
        .where(_transfer.stage.in_((Stage.ADJUSTMENT, Stage.RETURN)), _request.request_id.is_(None)),
    ),
    *chain_audit.IDENTITIES,
    *draw_audit.IDENTITIES,
)


def audit(conn: Connection, limit: int = 100) -> list[Violation]:
    """The rows that break an identity of the ledger, at most `limit` of each; none in a sound one.

    Reads every transfer: run it in a transaction of its own, on one snapshot.
    """
    return [found for identity in IDENTITIES for found in violations(conn, identity, limit)]
