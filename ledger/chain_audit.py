"""The identities of the chain: no transfer was altered, added or taken away, and none is missing at the end.

Each link names the one before, so the links and the account's head prove each other; the transfers of a link
must hash to it. A hash cannot tell which row of its link is wrong: the link is named, with what was counted.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Text, and_, cast, func, null, or_, select

from ledger.chain import GENESIS
from ledger.identity import Identity, Moves, Rows, Sha256, count_of
from ledger.schema import ledger_account, ledger_draw, ledger_link, ledger_transfer

_account = ledger_account.c
_transfer = ledger_transfer.c
_link = ledger_link.c
_draw = ledger_draw.c
_other = ledger_link.alias("other")

_MONEY = "P7"
_LINKS = count_of(ledger_link)


def _in_place(step: int) -> ColumnElement[bool]:
    """`_other` is the link so many steps after this one."""
    return and_(_other.c.account == _link.account, _other.c.link == _link.link + step)


def _sealed_text(moves: ColumnElement[str], draws: ColumnElement[str]) -> ColumnElement[str]:
    """As `ledger.chain.link_hash` writes it."""
    number, kind, at_ms = (cast(column, Text) for column in (_link.link, _link.kind, _link.at_ms))
    before = func.coalesce(_other.c.hash, GENESIS)
    text = before + "\n" + _link.account + "\n" + number + " " + kind + " " + at_ms + "\n" + moves
    return text + func.coalesce("\n" + draws, "")


def _not_as_sealed() -> Rows:
    """Links whose transfers are not those that were sealed."""
    found = (
        select(
            _transfer.account,
            _transfer.link,
            func.count().label("transfers"),
            func.sum(_transfer.units).label("units"),
            func.min(_transfer.kind).label("kind"),
            func.max(_transfer.kind).label("kind_max"),
            func.min(_transfer.at_ms).label("at_ms"),
            func.max(_transfer.at_ms).label("at_ms_max"),
            Moves(_transfer.source_id, _transfer.units).label("moves"),
        )
        .group_by(_transfer.account, _transfer.link)
        .subquery("found")
    )
    drawn = (
        select(_draw.account, _draw.link, Moves(_draw.lot_id, _draw.units).label("lots"))
        .group_by(_draw.account, _draw.link)
        .subquery("drawn")
    )
    seen = found.c
    return (
        select(
            _link.account,
            null(),
            _link.link,
            _link.transfers,
            func.coalesce(seen.transfers, 0).label("transfers_found"),
            _link.units,
            func.coalesce(seen.units, 0).label("units_found"),
        )
        .outerjoin_from(ledger_link, found, and_(seen.account == _link.account, seen.link == _link.link))
        .outerjoin(_other, _in_place(-1))
        .outerjoin(drawn, and_(drawn.c.account == _link.account, drawn.c.link == _link.link))
        .where(
            or_(
                seen.link.is_(None),
                seen.transfers != _link.transfers,
                seen.units != _link.units,
                seen.kind != _link.kind,
                seen.kind_max != _link.kind,
                seen.at_ms != _link.at_ms,
                seen.at_ms_max != _link.at_ms,
                Sha256(_sealed_text(seen.moves, drawn.c.lots)) != _link.hash,
            )
        )
    )


def _not_at_head() -> Rows:
    """Accounts whose last link is not the one that they name, or goes on behind it."""
    last = and_(_link.account == _account.account, _link.link == _account.link)
    behind = select(_other.c.link).where(
        _other.c.account == _account.account, _other.c.link == _account.link + 1
    )
    return (
        select(_account.account, null(), _account.link, _account.head, _link.hash.label("hash_found"))
        .outerjoin_from(ledger_account, ledger_link, last)
        .where(or_(func.coalesce(_link.hash, GENESIS) != _account.head, behind.exists()))
    )


LINK_ENDS_AT_HEAD = Identity(
    "LINK_ENDS_AT_HEAD",
    _MONEY,
    "The last link of an account is the one that its row names: no transfers are missing at the end.",
    count_of(ledger_account),
    _not_at_head(),
)

IDENTITIES = (
    LINK_ENDS_AT_HEAD,
    Identity(
        "LINK_HAS_PREVIOUS",
        _MONEY,
        "Every link but the first follows another one: none is missing in between.",
        _LINKS,
        select(_link.account, null(), _link.link)
        .outerjoin_from(ledger_link, _other, _in_place(-1))
        .where(_link.link != 1, _other.c.link.is_(None)),
    ),
    Identity(
        "LINK_IS_AS_SEALED",
        _MONEY,
        "The transfers of every link, and the link before, are those that its hash was made of.",
        _LINKS,
        _not_as_sealed(),
    ),
    Identity(
        "TRANSFER_HAS_LINK",
        _MONEY,
        "Every transfer stands in a link of its account's chain.",
        count_of(ledger_transfer),
        select(_transfer.account, _transfer.source_id, _transfer.kind, _transfer.units, _transfer.link)
        .outerjoin_from(
            ledger_transfer,
            ledger_link,
            and_(_link.account == _transfer.account, _link.link == _transfer.link),
        )
        .where(_link.link.is_(None)),
    ),
)
