"""The chain of an account's transfers: each batch is sealed with a hash that names the one before.

A link seals the transfers of one kind that were written together: their account, place in the chain, kind and
instant, the id and the units of each, and how many units of which lots they drew or gave back. Who alters,
adds or takes away a row must alter every hash after it, and the last one stands in the account's own row and
on every statement that was handed out.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

GENESIS = ""
"""What stands for the hash before the first link."""

Move = tuple[int, int]
"""What a transfer does to its account: its source_id and its units; or to a lot: its id and so many units."""


def canonical(moves: Sequence[Move]) -> str:
    """The transfers of a link as they are hashed: in order of their ids, in JSON without spaces."""
    return f"[{','.join([f'[{source_id},{units}]' for source_id, units in sorted(moves)])}]"


def link_hash(
    before: str,
    account: str,
    link: int,
    kind: int,
    at_ms: int,
    moves: Sequence[Move],
    draws: Sequence[Move] = (),
) -> str:
    """The hash of the link numbered `link`, in hexadecimal.

    What is hashed is the hash before, the account, the numbers, the moves, and what was drawn, if anything: a
    line each.
    """
    text = f"{before}\n{account}\n{link} {kind} {at_ms}\n{canonical(moves)}"
    return sha256(f"{text}\n{canonical(draws)}".encode() if draws else text.encode()).hexdigest()
