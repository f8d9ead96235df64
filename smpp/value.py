"""Dataclasses that are frozen where it is free.

Freezing at run time sends each field of a new object through `object.__setattr__`: constructing a submit_sm
then takes 3 us instead of 0.5, more than all the rest of its decoding. A `value` is frozen to the type
checker, which reads it as `dataclass(frozen=True, slots=True)`; at run time it has slots, equality and hash.

`changed` is `dataclasses.replace`, which takes several times as long, for values of two fields or more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
    from dataclasses import replace as changed
else:
    from dataclasses import dataclass, fields
    from functools import cache
    from operator import attrgetter

    def value(*, frozen: bool, slots: bool):
        """The decorator for classes that are constructed once a message or more."""
        return dataclass(slots=slots, unsafe_hash=frozen)

    def changed(old, **changes):
        """A copy of a value, with other values in some fields."""
        kind = type(old)
        new = kind(*_all_of(kind)(old))
        for name, what in changes.items():
            setattr(new, name, what)
        return new

    @cache
    def _all_of(kind):
        return attrgetter(*(field.name for field in fields(kind)))


__all__ = ["changed", "value"]
