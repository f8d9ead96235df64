"""Dataclasses that are frozen where it is free.

Freezing at run time sends each field of a new object through `object.__setattr__`: constructing a submit_sm
then takes 3 us instead of 0.5, more than all the rest of its decoding. A `value` is frozen to the type
checker, which reads it as `dataclass(frozen=True, slots=True)`; at run time it has slots, equality and hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool):
        """The decorator for classes that are constructed once a message or more."""
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["value"]
