"""The identities of the lots: what each link drew, and what is left of each lot, is what it must be."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, null, or_, select, union_all

from ledger.accounts import DRAWS
from ledger.identity import Identity, Rows, count_of
from ledger.schema import ledger_account, ledger_draw, ledger_link, ledger_lot, ledger_request, ledger_rest
from ledger.transfer import Kind

_account = ledger_account.c
_draw = ledger_draw.c
_link = ledger_link.c
_lot = ledger_lot.c
_request = ledger_request.c
_rest = ledger_rest.c
_sign: ColumnElement[int] = case(*((_link.kind == kind, sign) for kind, sign in DRAWS.items()))

_MONEY = "P7"


def _link_without_its_draws() -> Rows:
    """Links that draw another number of units than they move."""
    drawn = (
        select(_draw.account, _draw.link, func.sum(_draw.units).label("units"))
        .group_by(_draw.account, _draw.link)
        .subquery("drawn")
    )
    found = func.coalesce(drawn.c.units, 0)
    due = case((_link.kind.in_(list(DRAWS)), _link.units), else_=0)
    return (
        select(_link.account, null(), _link.link, due.label("units"), found.label("drawn"))
        .outerjoin_from(
            ledger_link, drawn, and_(drawn.c.account == _link.account, drawn.c.link == _link.link)
        )
        .where(found != due)
    )


def _rest_is_not_what_is_left() -> Rows:
    """Lots, bought or given, of which another number of units is left than was not drawn."""
    lots = union_all(
        select(_lot.account, _lot.lot_id, _lot.units, _lot.at_ms),
        select(_request.account, _request.request_id, _request.units, _request.at_ms).where(
            _request.kind == Kind.ADJUST_UP
        ),
    ).subquery("lots")
    drawn = (
        select(_draw.account, _draw.lot_id, func.sum(_sign * _draw.units).label("units"))
        .outerjoin_from(
            ledger_draw, ledger_link, and_(_link.account == _draw.account, _link.link == _draw.link)
        )
        .group_by(_draw.account, _draw.lot_id)
        .subquery("drawn")
    )
    lot = lots.c
    due = lot.units + func.coalesce(drawn.c.units, 0)
    return (
        select(lot.account, lot.lot_id, due.label("left"), _rest.units.label("left_by_row"))
        .outerjoin_from(lots, ledger_rest, and_(_rest.account == lot.account, _rest.lot_id == lot.lot_id))
        .outerjoin(drawn, and_(drawn.c.account == lot.account, drawn.c.lot_id == lot.lot_id))
        .where(or_(_rest.units.is_(None), _rest.units != due, _rest.at_ms != lot.at_ms))
    )


def _draw_of_nothing() -> Rows:
    """Draws of a link that draws nothing, or of a lot that the account does not have."""
    return (
        select(_draw.account, _draw.lot_id, _draw.link, _draw.units)
        .outerjoin_from(
            ledger_draw, ledger_link, and_(_link.account == _draw.account, _link.link == _draw.link)
        )
        .outerjoin(ledger_rest, and_(_rest.account == _draw.account, _rest.lot_id == _draw.lot_id))
        .where(or_(_link.link.is_(None), _rest.lot_id.is_(None), _draw.units <= 0))
    )


def _rests_do_not_add_up() -> Rows:
    left = (
        select(_rest.account, func.sum(_rest.units).label("units"), func.min(_rest.units).label("least"))
        .group_by(_rest.account)
        .subquery("left_over")
    )
    found = func.coalesce(left.c.units, 0)
    due = _account.remaining + _account.held
    return (
        select(_account.account, null(), due.label("remaining_and_held"), found.label("left"))
        .outerjoin_from(ledger_account, left, left.c.account == _account.account)
        .where(or_(found != due, left.c.least < 0))
    )


LOTS_ADD_UP = Identity(
    "LOTS_ADD_UP",
    _MONEY,
    "What is left of an account's lots is what remains and what is held.",
    count_of(ledger_account),
    _rests_do_not_add_up(),
)

IDENTITIES = (
    LOTS_ADD_UP,
    Identity(
        "LINK_DRAWS_ITS_UNITS",
        _MONEY,
        "What is charged, refunded, taken away or returned is drawn of lots, unit for unit.",
        count_of(ledger_link),
        _link_without_its_draws(),
    ),
    Identity(
        "DRAW_HAS_LINK_AND_LOT",
        _MONEY,
        "Whatever is drawn belongs to a link and to a lot of its account.",
        count_of(ledger_draw),
        _draw_of_nothing(),
    ),
    Identity(
        "REST_IS_WHAT_WAS_NOT_DRAWN",
        _MONEY,
        "Of every lot, bought or given, is left what was not drawn.",
        count_of(ledger_rest),
        _rest_is_not_what_is_left(),
    ),
)
