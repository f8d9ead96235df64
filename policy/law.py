"""The law behind the contract's clauses: which article stands for what, and on which days.

Order 31 is 通信短信息服务管理规定, 工业和信息化部令第31号, in force from 2015-06-30. Order 74 takes its place
on 2026-05-01, and is cited as a whole. 电信条例 is cited as amended on 2016-02-06.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Article:
    """An article of a regulation, in force from `since` until the day before `until`, None without an end.

    `number` is "" where the regulation is cited as a whole.
    """

    regulation: str
    number: str
    since: date
    until: date | None = None

    def __str__(self) -> str:
        name = f"{self.regulation} art. {self.number}" if self.number else self.regulation
        return f"{name}, in force from {self.since}"

    def is_in_force(self, day: date) -> bool:
        """Whether a message of that day is judged by it."""
        return self.since <= day and (self.until is None or day < self.until)


_CHANGE = date(2026, 5, 1)
_ORDER_74 = Article("Order 74", "", _CHANGE)


def _order_31(number: str) -> Article:
    return Article("Order 31", number, date(2015, 6, 30), _CHANGE)


CONSENT = (_order_31("18"), _ORDER_74)
"""No commercial message without the recipient's consent."""

OPT_OUT = (_order_31("20"), _ORDER_74)
"""Every commercial message says how to be sent no more."""

CONTENT = (Article("电信条例", "56", date(2016, 2, 6)),)
"""The nine kinds of content that nobody may spread."""
