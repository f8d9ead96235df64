"""Where a rule holds: an account may agree it for some classes of messages only, or have it report only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from policy.clauses import RULES
from policy.facts import MessageClass


class Mode(Enum):
    """What a rule does to the messages of a class: `SHADOW` reports what it would refuse."""

    OFF = "off"
    SHADOW = "shadow"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Scope:
    """The classes that a rule holds for, None for the table's own, and whether it only reports."""

    classes: frozenset[MessageClass] | None = None
    shadow: bool = False

    def mode(self, rule: str, message_class: MessageClass) -> Mode:
        """What `rule` does to messages of that class. Raises KeyError for an unknown rule id."""
        classes = RULES[rule].classes if self.classes is None else self.classes
        if message_class not in classes:
            return Mode.OFF
        return Mode.SHADOW if self.shadow else Mode.ON


Modes = Mapping[str, Mode]
"""What each rule does to the messages of one class, by rule id."""


def compile_modes(scopes: Mapping[str, Scope]) -> Mapping[MessageClass, Modes]:
    """What every rule does in each class. Raises ValueError for a scope of a rule that has none."""
    for rule in scopes:
        if rule not in RULES:
            raise ValueError(f"{rule!r} is not a rule")
        if RULES[rule].fixed:
            raise ValueError(f"{rule} has no scope: {RULES[rule].fixed}")
    usual = Scope()
    return MappingProxyType(
        {
            message_class: MappingProxyType(
                {rule: scopes.get(rule, usual).mode(rule, message_class) for rule in RULES}
            )
            for message_class in MessageClass
        }
    )
