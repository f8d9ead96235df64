"""The chain of an account's transfers: each batch is sealed with a hash that names the one before.

A link seals the transfers of one kind that were written together: their account, place in the chain, kind and
instant, the id and the units of each. Who alters, adds or takes away a row must alter every hash after it,
and the last one stands in the account's own row and on every statement that was handed out.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

GENESIS = ""
"""What stands for the hash before the first link."""

Move = tuple[int, int]
"""What a transfer does to its account: its source_id and its units."""


def canonical(moves: Sequence[Move]) -> str:
    """The transfers of a link as they are hashed: in order of their ids, in JSON without spaces."""
    return f"[{','.join([f'[{source_id},{units}]' for source_id, units in sorted(moves)])}]"


def link_text(before: str, account: str, link: int, kind: int, at_ms: int, moves: str) -> str:
    """What is hashed: the hash before, then the account, then the numbers, then `canonical` moves."""
    return f"{before}\n{account}\n{link} {kind} {at_ms}\n{moves}"


def link_hash(before: str, account: str, link: int, kind: int, at_ms: int, moves: Sequence[Move]) -> str:
    """The hash of the link numbered `link`, in hexadecimal."""
    return sha256(link_text(before, account, link, kind, at_ms, canonical(moves)).encode()).hexdigest()
