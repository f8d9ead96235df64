"""Supplements of an account in the configuration file, and the terms of an account that call for one.

A term calls for a supplement if it changes what the customer has signed: what its messages must be, to whom
and when they may go, what they cost. How it binds and how it is told is not in the contract. Exceptions to
the hours and closures have a note of their own, for clause 五(5) provides for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pydantic import Field

from gateway.config.field import Words
from gateway.config.problem import Problem
from gateway.config.table import Table
from gateway.settings import Account, Charge, Consent, OptOutScope, SegmentsMode
from policy.clauses import RULES
from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import CLOSE, OPEN
from policy.scope import Scope
from policy.supplement import Supplement


class SupplementTable(Table):
    """One of `supplements` of an account."""

    agreed_on: date
    reference: Words
    terms: list[Words] = Field(min_length=1)
    note: str = ""


def supplement_of(table: SupplementTable) -> Supplement:
    """The supplement in a table."""
    return Supplement(**dict(table) | {"terms": tuple(table.terms)})


def departures(account: Account, content: ContentFilter) -> list[str]:
    """The keys by which an account departs from the contract's own terms; `content` is the filter of all."""
    rules, recipients = account.ruleset, account.recipients
    departs = {
        "message_class": rules.message_class is not MessageClass.COMMERCIAL,
        "service_types": bool(rules.service_types),
        **{f"rules.{rule}": _is_unusual(rule, scope) for rule, scope in rules.scopes.items()},
        "templates_only": rules.templates_only,
        "append": rules.append,
        "hours.open": rules.hours.open != OPEN,
        "hours.close": rules.hours.close != CLOSE,
        "hours.outside": rules.outside_hours != "refuse",
        "segments": account.segments is SegmentsMode.PASS,
        "caps": account.caps is not None,
        "consent": recipients.consent is not Consent.DECLARED,
        "members_only": recipients.members_only,
        "opt_out_scope": recipients.opt_out_scope is not OptOutScope.CUSTOMER,
        "frequency": bool(recipients.frequency),
        "trades": rules.content != content,
        "charge": account.charge is not Charge.ACCEPTED,
    }
    return [term for term, does in departs.items() if does]


def _is_unusual(rule: str, scope: Scope) -> bool:
    return scope.shadow or scope.classes not in (None, RULES[rule].classes)


def without_supplement(place: str, account: Account, content: ContentFilter) -> Iterator[Problem]:
    """The terms of the account at `place` that no supplement agrees to."""
    supplements = account.ruleset.supplements
    terms = [t for t in departures(account, content) if not any(one.covers(t) for one in supplements)]
    if terms:
        yield Problem(
            f"{place}.supplements",
            f"do not name {', '.join(terms)}, which the contract does not have so",
            "contract clause 十: other terms are agreed in a supplement",
            account.name,
        )


def ahead_of_agreement(place: str, account: Account, today: date) -> Iterator[Problem]:
    """Supplements whose terms are in force before they are agreed."""
    if not account.contract.holds_on(today):
        return
    for number, supplement in enumerate(account.ruleset.supplements):
        if today < supplement.agreed_on:
            yield Problem(
                f"{place}.supplements[{number}].agreed_on",
                f"is {supplement.agreed_on}, but in force already: {', '.join(supplement.terms)}",
                "until that day the terms of an account are those of its contract",
                account.name,
            )
