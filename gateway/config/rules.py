"""What an account's messages are held to, in the configuration file: its tables, and the values they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated

from pydantic import (
    AfterValidator,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from gateway.config.field import Signature, Words, check_signature, service_type
from gateway.config.problem import did_you_mean, wrong
from gateway.config.table import BY_VALUE, Table
from policy.clauses import RULES
from policy.facts import MessageClass
from policy.register import Registration, Status
from policy.scope import Scope
from policy.template import Matcher, Template

MessageClassName = Annotated[MessageClass, BY_VALUE]


def _rule(text: str) -> str:
    rule = RULES.get(text)
    if rule is None:
        raise wrong("is not a rule", did_you_mean(text, RULES))
    if rule.fixed:
        raise wrong("holds for every message", rule.fixed)
    return text


RuleId = Annotated[str, AfterValidator(_rule)]
ServiceType = Annotated[str, AfterValidator(service_type)]


class RuleTable(Table):
    """One of `rules` of an account: the classes that a rule holds for, and whether it only reports."""

    classes: list[MessageClassName] | None = None
    shadow: bool = False


class SignatureTable(Table):
    """One of `signatures` of an account; a text alone is a name that is registered for good."""

    name: Signature
    status: Status = "registered"
    evidence: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    @field_validator("valid_to")
    @classmethod
    def _ends_after_it_begins(cls, value: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("valid_from")
        if value is not None and start is not None and value < start:
            raise wrong("must not be before valid_from")
        return value


def _named(value: object, validate: ValidatorFunctionWrapHandler) -> SignatureTable:
    if isinstance(value, str):
        value = {"name": check_signature(value)}
    elif not isinstance(value, Mapping):
        raise wrong("must be text, in quotes, or a table")
    table: SignatureTable = validate(value)
    return table


SignatureEntry = Annotated[SignatureTable, WrapValidator(_named)]


class TemplateTable(Table):
    """One of `templates` of an account."""

    name: Words
    text: Words
    message_class: MessageClassName | None = None

    @field_validator("text")
    @classmethod
    def _is_template(cls, value: str) -> str:
        try:
            Matcher([Template("", value)])
        except ValueError as error:
            raise wrong(f"is not a template: {error}") from None
        return value


def registrations_of(tables: Sequence[SignatureTable]) -> list[Registration]:
    """The register in these tables."""
    return [Registration(**dict(table)) for table in tables]


def scopes_of(tables: Mapping[str, RuleTable]) -> dict[str, Scope]:
    """Where the rules of these tables hold."""
    return {
        rule: Scope(None if table.classes is None else frozenset(table.classes), table.shadow)
        for rule, table in tables.items()
    }


def templates_of(tables: Sequence[TemplateTable]) -> list[Template]:
    """The templates in these tables."""
    return [Template(**dict(table)) for table in tables]
