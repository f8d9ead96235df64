"""Everything that one account's messages are held to, compiled once and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Literal

from policy import signature
from policy.clauses import (
    CONTENT_KINDS,
    OUTSIDE_HOURS,
    SALUTATION_MISSING,
    TEMPLATE_MISMATCH,
    UNSUBSCRIBE_MISSING,
)
from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import Hours
from policy.register import Register, Registration
from policy.scope import Mode, Modes, Scope, compile_modes
from policy.supplement import Supplement
from policy.template import PLACES_MAX, Template, Templates
from policy.verdict import Accept, Judgement

OutsideHours = Literal["refuse", "hold"]

# The steps of the chain, in their order, and the rules that each can refuse by.
_STEPS: Mapping[str, tuple[str, ...]] = {
    "signature": signature.RULES,
    "salutation": (SALUTATION_MISSING,),
    "unsubscribe": (UNSUBSCRIBE_MISSING,),
    "template": (TEMPLATE_MISMATCH,),
    "content": CONTENT_KINDS,
    "hours": (OUTSIDE_HOURS,),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to a message of one class: the `steps`, and the `judgement` if none of them objects."""

    steps: tuple[str, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules of one account. Make it with `compile_ruleset`.

    `version` is 12 hex digits of a SHA-256 over `describe`: equal rules have equal versions.
    `message_class` is the class of the account's messages, but for those of a kind (SMPP's service_type) in
    `service_types`. `scopes` are the rules that hold otherwise than in the table; `modes` and `plans` follow
    from these by class. `outside_hours` says what becomes of a message submitted outside `hours`;
    `templates_only` whether a text must be written by one of `templates`; `append` whether what a text lacks
    is added (see `transform`). `supplements` are the papers by which these rules, and other terms of the
    account, were agreed.
    """

    version: str
    message_class: MessageClass
    service_types: Mapping[str, MessageClass]
    signatures: Register
    scopes: Mapping[str, Scope]
    content: ContentFilter
    hours: Hours
    outside_hours: OutsideHours
    templates: Templates
    templates_only: bool
    append: bool
    supplements: tuple[Supplement, ...]
    modes: Mapping[MessageClass, Modes] = field(compare=False, repr=False)
    plans: Mapping[MessageClass, Plan] = field(compare=False, repr=False)

    def class_of(self, service_type: str) -> MessageClass:
        """The class of a message of that kind."""
        return self.service_types.get(service_type, self.message_class)

    def opens_at(self, at: float, message_class: MessageClass) -> float:
        """From when on the hours let a message of that class out that is due at `at` (unix seconds)."""
        if self.modes[message_class][OUTSIDE_HOURS] is not Mode.ON:
            return at
        return self.hours.next_open(at, message_class)

    def describe(self) -> dict[str, object]:
        """Everything that the version stands for, as JSON has it; the content filter by its digest."""
        hours = self.hours
        return {
            "message_class": self.message_class,
            "service_types": dict(self.service_types),
            "signatures": [
                {
                    "name": one.name,
                    "status": one.status,
                    "evidence": one.evidence,
                    "valid_from": _written(one.valid_from),
                    "valid_to": _written(one.valid_to),
                }
                for one in self.signatures.registrations
            ],
            "rules": {
                rule: {
                    "classes": None if scope.classes is None else sorted(scope.classes),
                    "shadow": scope.shadow,
                }
                for rule, scope in self.scopes.items()
            },
            "content": self.content.digest,
            "hours": {
                "open": str(hours.open),
                "close": str(hours.close),
                "zone": str(hours.zone),
                "outside": self.outside_hours,
                "exceptions": [
                    {"start": str(e.start), "end": _written(e.end), "note": e.note, "scope": e.scope}
                    for e in hours.exceptions
                ],
                "closed": [
                    {"start": str(c.start), "end": str(c.end), "note": c.note, "scope": c.scope}
                    for c in hours.closed
                ],
            },
            "templates": [
                {"name": one.name, "text": one.text, "message_class": one.message_class}
                for one in self.templates.templates
            ],
            "templates_only": self.templates_only,
            "append": self.append,
            "supplements": [one.describe() for one in self.supplements],
        }


def compile_ruleset(
    *,
    signatures: Iterable[str | Registration],
    content: ContentFilter,
    hours: Hours,
    message_class: MessageClass = MessageClass.COMMERCIAL,
    outside_hours: OutsideHours = "refuse",
    service_types: Mapping[str, MessageClass] = MappingProxyType({}),
    scopes: Mapping[str, Scope] = MappingProxyType({}),
    templates: Iterable[Template] = (),
    templates_only: bool = False,
    append: bool = False,
    supplements: Iterable[Supplement] = (),
    template_places_max: int = PLACES_MAX,
) -> Ruleset:
    """The rules of one account, with their version.

    A signature that is only a name is registered for good. `template_places_max` bounds what templates keep,
    and changes no verdict; the version does not stand for it. Raises ValueError for a signature that is not
    well-formed (see `register.is_well_formed`), a text that is no template, and the scope of a rule that has
    none.
    """
    registrations = (Registration(one) if isinstance(one, str) else one for one in signatures)
    inputs = (
        message_class,
        MappingProxyType(dict(service_types)),
        Register(registrations, hours.zone),
        MappingProxyType(dict(scopes)),
        content,
        hours,
        outside_hours,
        Templates(templates, template_places_max),
        templates_only,
        append,
        tuple(supplements),
    )
    modes = compile_modes(scopes)
    unnamed = Ruleset("", *inputs, modes, {})
    words = json.dumps(unnamed.describe(), ensure_ascii=False, sort_keys=True)
    version = sha256(words.encode()).hexdigest()[:12]
    plans = {each: _plan(version, modes[each], templates_only) for each in MessageClass}
    return Ruleset(version, *inputs, modes, MappingProxyType(plans))


def _written(moment: object) -> str | None:
    return None if moment is None else str(moment)


def _plan(version: str, modes: Modes, templates_only: bool) -> Plan:
    steps = tuple(
        step
        for step, rules in _STEPS.items()
        if any(modes[rule] is not Mode.OFF for rule in rules) and (step != "template" or templates_only)
    )
    return Plan(steps, Judgement(Accept(), steps, ruleset=version))
