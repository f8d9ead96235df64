"""Amounts of money as people read them: in yuan, and in the capitals of contracts and receipts (大写)."""

from __future__ import annotations

import cn2an

FEN_OF_YUAN = 100


def yuan(fen: int) -> str:
    """In yuan, with both decimals: 1234567 is "12,345.67"."""
    whole, rest = divmod(abs(fen), FEN_OF_YUAN)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02}"


def capitals(fen: int) -> str:
    """In Chinese capitals (短信费(1)): 1234567 is 壹万贰仟叁佰肆拾伍元陆角柒分."""
    whole, rest = divmod(abs(fen), FEN_OF_YUAN)
    words: str = cn2an.an2cn(f"{whole}.{rest:02}", "rmb")
    return f"负{words}" if fen < 0 else words
