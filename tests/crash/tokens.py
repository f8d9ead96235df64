"""A message of a run is its token, a number that its text carries: all else about it follows from that.

So both ends, the store and the verdict agree on what should happen to a message without a word between them.
"""

from __future__ import annotations

ACCOUNTS = ("codes", "news")
"""Their messages in doubt are sent again, and parked."""

CARRIERS = {"codes": "mobile", "news": "unicom"}

SOURCES = {"codes": "10690001", "news": "10690002"}
"""The number that an account sends from, and that replies to it go to."""

_TEXT = "尊敬的客户:您的编号是{token:08}，请妥善保管{more}，回TD退订"
_SIGNATURE = "【中国银行】"
_MORE = "，如有疑问请咨询客服" * 4
_ANCHOR = "编号是".encode("utf-16-be")


def account_of(token: int) -> str:
    """Whose message it is."""
    return ACCOUNTS[token % 2]


def number_of(token: int) -> str:
    """Its recipient. Some have two messages, for the receipt of one in doubt must not end the other."""
    return f"138{token - 2 if token % 5 == 4 and token > 1 else token:08}"


def units_of(token: int) -> int:
    """The units that it costs."""
    return 2 if token % 9 == 8 else 1


def breaks_the_contract(token: int) -> bool:
    """Whether the gateway must refuse it: it has no signature."""
    return token % 25 == 7


def text_of(token: int) -> str:
    """Its text."""
    text = _TEXT.format(token=token, more=_MORE if units_of(token) == 2 else "")
    return text if breaks_the_contract(token) else text + _SIGNATURE


def token_in(octets: bytes) -> int:
    """The token of the UCS-2 text in these octets. Raises ValueError where there is none."""
    start = octets.index(_ANCHOR) + len(_ANCHOR)
    return int(octets[start : start + 16].decode("utf-16-be"))


# -- what its carrier does with it


def is_refused(token: int) -> bool:
    """Whether the carrier refuses it for good."""
    return token % 29 == 11


def is_throttled(token: int) -> bool:
    """Whether the carrier wants it later, the first time."""
    return token % 101 == 44


def stat_of(token: int) -> str:
    """The end that the carrier reports."""
    return "UNDELIV" if token % 17 == 3 else "DELIVRD"


def is_early(token: int) -> bool:
    """Whether the receipt comes before the response."""
    return token % 31 == 5


def is_replied_to(token: int) -> bool:
    """Whether its recipient replies."""
    return token % 10 == 6


def answer_delay_s(token: int) -> float:
    """How long the carrier thinks before it answers."""
    return (token * 7919 % 31) / 1000


def receipt_delay_s(token: int) -> float:
    """How long after its answer the carrier sends the receipt."""
    return (token * 104729 % 53) / 1000
