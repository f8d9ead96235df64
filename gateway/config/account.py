"""An account in the configuration file: its tables, and the `Account` that they make."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from pydantic import Field, ValidationInfo, field_validator

from gateway.config.field import (
    Addr,
    CapHours,
    Count,
    DocumentFile,
    Moment,
    Name,
    Network,
    Password,
    PasswordHash,
    Sha256,
    SystemId,
    TimeOfDay,
    Words,
)
from gateway.config.problem import wrong
from gateway.config.rules import (
    MessageClassName,
    RuleId,
    RuleTable,
    ServiceType,
    SignatureEntry,
    TemplateTable,
    registrations_of,
    scopes_of,
    templates_of,
)
from gateway.config.supplement import SupplementTable, supplement_of
from gateway.config.table import BY_VALUE, Table, ThrottleTable, TimersTable, throttle_of
from gateway.settings import (
    Account,
    Caps,
    Charge,
    Consent,
    Contract,
    IdForm,
    InDoubtPolicy,
    OptOutScope,
    ReceiptFormat,
    Recipients,
    SegmentsMode,
    StatusStyle,
    Timers,
)
from policy.clauses import CONSENT_MISSING, RULES
from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.frequency import Cap, Period
from policy.hours import CLOSE, OPEN, Hours, HoursClosure, HoursException
from policy.ruleset import OutsideHours, compile_ruleset
from policy.scope import Scope
from smpp.receipt import ReceiptTlvs
from smpp.text import Alphabet

_CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class ContractTable(Table):
    """`contract` of an account (contract, head)."""

    number: Words
    customer: Words
    operator: Words
    signed_on: date
    expires_on: date | None = None
    document: DocumentFile | None = None
    document_sha256: Sha256 | None = None

    @field_validator("expires_on")
    @classmethod
    def _expires_after_it_is_signed(cls, value: date | None, info: ValidationInfo) -> date | None:
        if value is not None and "signed_on" in info.data and value < info.data["signed_on"]:
            raise wrong("must not be before signed_on")
        return value

    @field_validator("document_sha256")
    @classmethod
    def _hash_of_the_document(cls, value: str | None, info: ValidationInfo) -> str | None:
        found = info.data.get("document")
        if value is not None and found is not None and value != found:
            raise wrong("is not the hash of document", f"that is {found}")
        return value


class HoursExceptionTable(Table):
    """An agreed exception to the hours: without `end` for good, without `start` since the contract's date."""

    start: datetime | None = None
    end: datetime | None = None
    note: Words
    scope: Annotated[MessageClass, BY_VALUE] | None = None

    @field_validator("end")
    @classmethod
    def _ends_after_its_start(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("start")
        if value is None or "start" not in info.data:
            return value
        if start is None:
            raise wrong("needs a start beside it")
        if (start.tzinfo is None) != (value.tzinfo is None):
            raise wrong("must have an offset from UTC if start has one, and none if it has none")
        if value <= start:
            raise wrong("must be after start")
        return value


class HoursClosureTable(Table):
    """A closure, such as a holiday: whole days, the last one included, or from one time to another."""

    start: Moment
    end: Moment | None = Field(default=None, validate_default=True)
    note: Words
    scope: Annotated[MessageClass, BY_VALUE] | None = None

    @field_validator("end")
    @classmethod
    def _ends_after_its_start(cls, value: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("start")
        if start is None:
            return value
        if value is None:
            if isinstance(start, datetime):
                raise wrong("is missing", "a start without a time of day is for the whole day")
            value = start
        if isinstance(start, datetime) and isinstance(value, datetime):
            if (start.tzinfo is None) != (value.tzinfo is None):
                raise wrong("must have an offset from UTC if start has one, and none if it has none")
            if value <= start:
                raise wrong("must be after start")
        elif isinstance(start, datetime) or isinstance(value, datetime):
            raise wrong("must be a date if start is one, and have a time of day if start has one")
        elif value < start:
            raise wrong("must not be before start")
        return value


class HoursTable(Table):
    """`hours` of an account; the defaults are contract clause 五(5)'s."""

    open: TimeOfDay = OPEN
    close: TimeOfDay = CLOSE
    outside: OutsideHours = "refuse"
    exceptions: list[HoursExceptionTable] = []
    closed: list[HoursClosureTable] = []

    @field_validator("close")
    @classmethod
    def _closes_after_it_opens(cls, value: time, info: ValidationInfo) -> time:
        if "open" in info.data and value <= info.data["open"]:
            raise wrong("must be later than open, on the same day", "for all hours, agree an exception")
        return value


class ReceiptsTable(Table):
    """`receipts` of an account: how they are written for it."""

    message_id: Annotated[IdForm, BY_VALUE] = IdForm.DECIMAL
    date_digits: Literal[10, 12, 14] = 10
    tlvs: bool = True
    message_state: bool = True
    network_error_code: bool = True


class CapsTable(Table):
    """`caps` of an account: a day's, a month's, or both."""

    units_per_day: Count | None = None
    units_per_month: Count | None = Field(default=None, validate_default=True)

    @field_validator("units_per_month")
    @classmethod
    def _one_at_least(cls, value: int | None, info: ValidationInfo) -> int | None:
        day = info.data.get("units_per_day", 0)
        if value is None and day is None:
            raise wrong("is missing", "caps are units_per_day, units_per_month, or both")
        if value is not None and day is not None and value < day:
            raise wrong("must be at least units_per_day")
        return value


class CapTable(Table):
    """One of `frequency` of an account; the default of `per_hours` looks at `per`, so that one is given."""

    max: Count
    per: Annotated[Period, BY_VALUE] | None = None
    per_hours: CapHours | None = Field(default=None, validate_default=True)
    by: Literal["number", "signature"] = "number"

    @field_validator("per_hours")
    @classmethod
    def _one_period(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "per" not in info.data:
            return value
        if value is None and info.data["per"] is None:
            raise wrong("is missing, and so is per", 'such as per = "day" or per_hours = 24')
        if value is not None and info.data["per"] is not None:
            raise wrong("stands beside per", "keep one of the two")
        return value


class AccountTable(Table):
    """One of `[[accounts]]`."""

    name: Name
    system_id: SystemId
    password: Password | None = None
    password_hash: PasswordHash | None = Field(default=None, validate_default=True)
    contract: ContractTable
    message_class: Annotated[MessageClass, BY_VALUE] = MessageClass.COMMERCIAL
    signatures: list[SignatureEntry] = Field(min_length=1)
    hours: HoursTable = HoursTable()
    allowed_networks: list[Network] = Field(
        default=["0.0.0.0/0", "::/0"], validate_default=True, min_length=1
    )
    source_addrs: list[Addr] = []
    default_alphabet: Annotated[Alphabet, BY_VALUE] = Alphabet.GSM7
    segments: Annotated[SegmentsMode, BY_VALUE] = SegmentsMode.JOIN
    statuses: Annotated[StatusStyle, BY_VALUE] = StatusStyle.VENDOR
    explain: bool = False
    in_doubt: Annotated[InDoubtPolicy, BY_VALUE] = InDoubtPolicy.PARK
    binds_max: Count = 4
    window_max: Count = 100
    delivery_window_max: Count = 10
    queue_max: Count = 100_000
    throttle: ThrottleTable | None = None
    timers: TimersTable = TimersTable()
    message_ids: Annotated[IdForm, BY_VALUE] = IdForm.DECIMAL
    receipts: ReceiptsTable = ReceiptsTable()
    tls: bool = False
    client_certificate: Words | None = None
    throttle_per_source: ThrottleTable | None = None
    caps: CapsTable | None = None
    consent: Annotated[Consent, BY_VALUE] = Consent.DECLARED
    members_only: bool = False
    opt_out_scope: Annotated[OptOutScope, BY_VALUE] = OptOutScope.CUSTOMER
    frequency: list[CapTable] = []
    trades: list[Name] = []
    charge: Annotated[Charge, BY_VALUE] = Charge.ACCEPTED
    service_types: dict[ServiceType, MessageClassName] = {}
    rules: dict[RuleId, RuleTable] = {}
    templates: list[TemplateTable] = []
    templates_only: bool = False
    append: bool = False
    supplements: list[SupplementTable] = []

    @field_validator("templates_only")
    @classmethod
    def _has_templates(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("templates", True):
            raise wrong("needs templates beside it, or nothing could be sent")
        return value

    @field_validator("password_hash")
    @classmethod
    def _one_password(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "password" not in info.data:
            return value
        if value is None and info.data["password"] is None:
            raise wrong("is missing", "signet account new makes one; password = in clear is for trials")
        if value is not None and info.data["password"] is not None:
            raise wrong("stands beside password", "keep one of the two")
        return value


def account_of(
    table: AccountTable, content: ContentFilter, zone: ZoneInfo, template_places_max: int
) -> Account:
    """The account in a table; `content` is the filter that all share, `zone` the operator's."""
    contract = _contract(table.contract)
    ruleset = compile_ruleset(
        signatures=registrations_of(table.signatures),
        content=content.permitting(table.trades),
        hours=_hours(table.hours, contract, zone),
        message_class=table.message_class,
        outside_hours=table.hours.outside,
        service_types=table.service_types,
        scopes=scopes_of(table.rules),
        templates=templates_of(table.templates),
        templates_only=table.templates_only,
        append=table.append,
        supplements=map(supplement_of, table.supplements),
        template_places_max=template_places_max,
    )
    return Account(
        name=table.name,
        system_id=table.system_id,
        password_hash=table.password_hash or _hash_in_memory(table),
        contract=contract,
        ruleset=ruleset,
        allowed_networks=tuple(table.allowed_networks),
        source_addrs=tuple(table.source_addrs),
        default_alphabet=table.default_alphabet,
        segments=table.segments,
        statuses=table.statuses,
        explain=table.explain,
        in_doubt=table.in_doubt,
        binds_max=table.binds_max,
        window_max=table.window_max,
        delivery_window_max=table.delivery_window_max,
        queue_max=table.queue_max,
        throttle=throttle_of(table.throttle),
        timers=Timers(**dict(table.timers)),
        message_ids=table.message_ids,
        receipts=_receipts(table.receipts),
        tls=table.tls,
        client_certificate=table.client_certificate,
        throttle_per_source=throttle_of(table.throttle_per_source),
        caps=Caps(**dict(table.caps)) if table.caps else None,
        recipients=_recipients(table),
        charge=table.charge,
    )


def _contract(table: ContractTable) -> Contract:
    document_sha256 = table.document_sha256 or table.document or ""
    given = {key: value for key, value in table if key != "document"}
    return Contract(**given | {"document_sha256": document_sha256})


def _receipts(table: ReceiptsTable) -> ReceiptFormat:
    tlvs = ReceiptTlvs(table.message_state, table.network_error_code) if table.tlvs else None
    return ReceiptFormat(table.message_id, table.date_digits, tlvs)


def _recipients(table: AccountTable) -> Recipients:
    consent = scopes_of(table.rules).get(CONSENT_MISSING, Scope())
    return Recipients(
        table.consent,
        RULES[CONSENT_MISSING].classes if consent.classes is None else consent.classes,
        table.members_only,
        table.opt_out_scope,
        tuple(Cap(c.max, c.per, c.per_hours, c.by == "signature") for c in table.frequency),
    )


def _hash_in_memory(table: AccountTable) -> str:
    """The hash of a password that the file has in clear: cheap, for it protects nothing.

    Its salt is made from the system_id, so that the same file gives equal settings at every load.
    """
    salt = hashlib.sha256(table.system_id.encode()).digest()[:16]
    return _CHEAP_HASHER.hash(table.password or "", salt=salt)


def _hours(table: HoursTable, contract: Contract, zone: ZoneInfo) -> Hours:
    signed = datetime.combine(contract.signed_on, time(), zone)
    exceptions = (
        HoursException(
            start=_aware(exception.start, zone) or signed,
            end=_aware(exception.end, zone),
            note=exception.note,
            scope=exception.scope,
        )
        for exception in table.exceptions
    )
    closed = tuple(_closure(closure, zone) for closure in table.closed)
    return Hours(table.open, table.close, zone, tuple(exceptions), closed)


def _closure(table: HoursClosureTable, zone: ZoneInfo) -> HoursClosure:
    start, end = table.start, table.end
    if isinstance(start, datetime) and isinstance(end, datetime):
        first, last = _aware(start, zone), _aware(end, zone)
    else:
        assert end is not None, "the table's own check has put it there"
        first = datetime.combine(start, time(), zone)
        last = datetime.combine(end + timedelta(days=1), time(), zone)
    assert first is not None
    assert last is not None
    return HoursClosure(first, last, table.note, table.scope)


def _aware(local: datetime | None, zone: ZoneInfo) -> datetime | None:
    return local.replace(tzinfo=zone) if local and local.tzinfo is None else local
