"""Amounts of money as people read them: in yuan, and in the capitals of contracts and receipts (大写)."""

from __future__ import annotations

import cn2an

FEN_OF_YUAN = 100


def yuan(fen: int) -> str:
    """In yuan, with both decimals: 1234567 is "12,345.67"."""
    return f"{fen // FEN_OF_YUAN:,}.{fen % FEN_OF_YUAN:02}"


def capitals(fen: int) -> str:
    """In Chinese capitals (短信费(1)): 1234567 is 壹万贰仟叁佰肆拾伍元陆角柒分."""
    words: str = cn2an.an2cn(f"{fen // FEN_OF_YUAN}.{fen % FEN_OF_YUAN:02}", "rmb")
    return words
