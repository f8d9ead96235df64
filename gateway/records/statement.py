"""A month's statement as the lines of a document: one table of sections, for CSV, paper and people alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo

from gateway.records.fen import capitals, yuan
from gateway.settings import Contract
from gateway.store.statements import Month
from ledger.accounts import Balance
from ledger.lots import Lot, LotUnits, value_fen
from ledger.requests import Request
from ledger.transfer import Kind

_PLACES = {
    "topped_up": "累计购买",
    "remaining": "剩余",
    "held": "占用",
    "settled": "已用",
    "returned": "已退",
}
_KINDS = {
    Kind.TOPUP: ("topped up", "充值"),
    Kind.HOLD: ("held", "占用"),
    Kind.SETTLE: ("charged", "扣费"),
    Kind.VOID: ("given back unsent", "未发退回"),
    Kind.REFUND: ("refunded", "失败退回"),
    Kind.RETURN: ("returned at the end", "终止退款"),
    Kind.ADJUST_UP: ("adjusted up", "调增"),
    Kind.ADJUST_DOWN: ("adjusted down", "调减"),
}


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the statement: its name in both languages, its headings, and rows of texts."""

    name: str
    chinese: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def bought_fen(month: Month) -> int:
    """What was paid in the month."""
    return sum(lot.amount_fen for lot in month.ledger.bought)


def returned_fen(month: Month) -> int:
    """What was paid back in the month."""
    return sum(request.amount_fen for request in month.ledger.asked)


def charged_fen(month: Month) -> int:
    """What was paid for the units that the month's messages were charged, less what was refunded."""
    return value_fen(month.ledger.charged)


def sections(month: Month, contract: Contract | None, zone: tzinfo) -> Iterator[Section]:
    """The statement, section by section. Numbers are plain digits; amounts are in yuan."""
    made = month.ledger
    yield Section("account", "账户", ("", ""), _about(month, contract))
    yield Section("opening", "期初", ("place", "units"), _places(made.opening))
    yield Section(
        "lots",
        "充值",
        ("date", "reference", "units", "yuan", "fen a unit"),
        [_lot(lot, zone) for lot in made.bought],
    )
    yield Section(
        "sent",
        "发送",
        ("day", "carrier", "submits", "units"),
        [
            (each.day.isoformat(), each.carrier or "-", str(each.submits), str(each.units))
            for each in month.sent
        ],
    )
    yield Section(
        "charged",
        "扣费批次",
        ("date", "reference", "units", "yuan", "fen a unit"),
        [_units(each, zone) for each in made.charged],
    )
    yield Section(
        "refused",
        "拒绝",
        ("clause", "rule", "submits", "units"),
        [(each.clause, each.rule, str(each.submits), str(each.units)) for each in month.refused],
    )
    yield Section(
        "adjusted and returned",
        "调整与退款",
        ("date", "kind", "reference", "reason", "units", "yuan"),
        [_request(request, zone) for request in made.asked],
    )
    yield Section(
        "moved",
        "变动",
        ("kind", "units"),
        [(" ".join(_KINDS[kind]), str(made.moved[kind])) for kind in Kind if kind in made.moved],
    )
    yield Section(
        "left",
        "剩余批次",
        ("reference", "units", "left", "fen left"),
        [
            (rest.lot.reference, str(rest.lot.units), str(rest.units), f"{float(rest.value_fen):.2f}")
            for rest in made.rests
        ],
    )
    yield Section("closing", "期末", ("place", "units"), _places(made.closing))


def _lot(lot: Lot, zone: tzinfo) -> tuple[str, ...]:
    price = f"{float(lot.unit_price_fen):.4f}"
    return _day(lot.at_ms, zone), lot.reference, str(lot.units), yuan(lot.amount_fen), price


def _units(charged: LotUnits, zone: tzinfo) -> tuple[str, ...]:
    lot, cost = charged.lot, yuan(value_fen([charged]))
    return _day(lot.at_ms, zone), lot.reference, str(charged.units), cost, f"{float(lot.unit_price_fen):.4f}"


def _request(request: Request, zone: tzinfo) -> tuple[str, ...]:
    kind = " ".join(_KINDS[request.kind])
    units, amount = str(request.units), yuan(request.amount_fen)
    return _day(request.at_ms, zone), kind, request.reference, request.reason, units, amount


def _about(month: Month, contract: Contract | None) -> list[tuple[str, str]]:
    made = month.ledger
    paid, charged, returned = bought_fen(month), charged_fen(month), returned_fen(month)
    rows = [("account 账户", made.account), ("month 月份", f"{month.first:%Y-%m}")]
    if contract is not None:
        rows += [
            ("contract 合同编号", contract.number),
            ("customer 甲方", contract.customer),
            ("operator 乙方", contract.operator),
        ]
    rows += [("paid 充值金额", f"{yuan(paid)} 人民币{capitals(paid)}")]
    rows += [("charged 扣费金额", f"{yuan(charged)} 人民币{capitals(charged)}")]
    rows += [("returned 退款金额", f"{yuan(returned)} 人民币{capitals(returned)}")]
    return [*rows, ("chain 账链", f"{made.link} {made.head}")]


def _places(balance: Balance) -> list[tuple[str, str]]:
    return [
        (f"{place.replace('_', ' ')} {_PLACES[place]}", str(units))
        for place, units in asdict(balance).items()
    ]


def _day(at_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).date().isoformat()
