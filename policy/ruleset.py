"""Everything that one account's messages are held to, compiled once and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import Hours
from policy.signature import is_well_formed

OutsideHours = Literal["refuse", "hold"]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules of one account. Make it with `compile_ruleset`.

    `version` is 12 hex digits of a SHA-256 over all the inputs: equal rules have equal versions.
    `message_class` is the class of the account's messages. `require_salutation` and
    `require_unsubscribe` ask for that form in the `notice` and `code` classes too; `commercial`
    always needs both. `outside_hours` says what becomes of a message submitted outside `hours`.
    """

    version: str
    message_class: MessageClass
    signatures: frozenset[str]
    require_salutation: bool
    require_unsubscribe: bool
    content: ContentFilter
    hours: Hours
    outside_hours: OutsideHours


def compile_ruleset(
    *,
    signatures: Iterable[str],
    content: ContentFilter,
    hours: Hours,
    message_class: MessageClass = MessageClass.COMMERCIAL,
    outside_hours: OutsideHours = "refuse",
    require_salutation: bool = False,
    require_unsubscribe: bool = False,
) -> Ruleset:
    """The rules of one account, with their version.

    Raises ValueError for a signature that is not well-formed (see `signature.is_well_formed`).
    """
    names = frozenset(signatures)
    for name in sorted(names):
        if not is_well_formed(name):
            raise ValueError(f"{name!r} is not a signature of 2 to 20 letters and digits")
    inputs = (
        sorted(names),
        str(message_class),
        require_salutation,
        require_unsubscribe,
        content.digest,
        *(str(part) for part in (hours.open, hours.close, hours.zone)),
        [(str(e.start), str(e.end), e.note, str(e.scope)) for e in hours.exceptions],
        [(str(c.start), str(c.end), c.note, str(c.scope)) for c in hours.closed],
        outside_hours,
    )
    return Ruleset(
        version=sha256(repr(inputs).encode()).hexdigest()[:12],
        message_class=message_class,
        signatures=names,
        require_salutation=require_salutation,
        require_unsubscribe=require_unsubscribe,
        content=content,
        hours=hours,
        outside_hours=outside_hours,
    )
