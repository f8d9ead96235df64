"""The configuration file as tables: every key, its kind and its default.

What each key does is told in `config.example.toml`.

A key that is not here is a mistake, not a comment. What one key may not be beside another of its table is
checked by a validator of the later one, so that it is reported together with everything else; what concerns
several tables is `config_check`'s.
"""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from gateway.config_field import (
    Addr,
    CertificateFile,
    Count,
    CountryCode,
    FilePath,
    Loopback,
    MessageStateName,
    Name,
    Network,
    Node,
    Password,
    PasswordHash,
    PduMax,
    Port,
    Prefix,
    Rate,
    RateAboveZero,
    Seconds,
    SecondsOrOff,
    SegmentsMax,
    Signature,
    StateWord,
    Status,
    SystemId,
    SystemType,
    Tag,
    Term,
    TermFile,
    TimeOfDay,
    Words,
    Zone,
    is_pair,
)
from gateway.config_problem import wrong
from gateway.settings import (
    BindErrors,
    BindType,
    ClientCertificate,
    IdForm,
    InDoubtPolicy,
    InterfaceVersion,
    Limits,
    LongForm,
    SegmentsMode,
    StatusStyle,
    Timers,
)
from policy.facts import MessageClass
from policy.ruleset import OutsideHours
from smpp.message_id import Notation
from smpp.status import CommandStatus
from smpp.text import Alphabet

_BY_VALUE = Field(strict=False)
_LIMITS = Limits()
_TIMERS = Timers()


class Table(BaseModel):
    """A table of the file: TOML's own types, no conversions, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class GatewayTable(Table):
    """`[gateway]`: this node, its place in the world and its database."""

    node: Node = 0
    zone: Zone = Field(default="Asia/Shanghai", validate_default=True)
    country_code: CountryCode = "86"
    store: FilePath = Field(default="var/signet.db", validate_default=True)


class ListenTlsTable(Table):
    """`tls` of `[listen]`: the port for TLS."""

    port: Port
    certificate: CertificateFile
    key: FilePath
    client_ca: CertificateFile | None = None
    client_certificate: Annotated[ClientCertificate, _BY_VALUE] = ClientCertificate.OPTIONAL

    @field_validator("key")
    @classmethod
    def _key_of_the_certificate(cls, value: Path, info: ValidationInfo) -> Path:
        return is_pair(info.data.get("certificate"), value)

    @field_validator("client_certificate")
    @classmethod
    def _known_by_an_authority(cls, value: ClientCertificate, info: ValidationInfo) -> ClientCertificate:
        if value is ClientCertificate.REQUIRED and info.data.get("client_ca", "") is None:
            raise wrong("needs client_ca beside it, the authorities that made the certificates")
        return value


class ListenTable(Table):
    """`[listen]`: where customers connect."""

    host: Words = "127.0.0.1"
    port: Port = 2775
    connections_max: Count = 1000
    connections_per_address_max: Count = 100
    session_init_s: Seconds = _TIMERS.session_init_s
    bind_errors: Annotated[BindErrors, _BY_VALUE] = BindErrors.EXACT
    proxy_networks: list[Network] = []
    tls: ListenTlsTable | None = None
    plain: bool = True

    @field_validator("plain")
    @classmethod
    def _one_port_at_least(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and info.data.get("tls", "") is None:
            raise wrong("needs tls beside it, or nobody can connect")
        return value


class AdminTable(Table):
    """`[admin]`: where health and metrics are read; port 0 is nowhere."""

    host: Loopback = "127.0.0.1"
    port: Port = 2780


class LogTable(Table):
    """`[log]`: how much is logged, and for whom."""

    format: Literal["json", "console"] = "json"
    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    lines_per_s: RateAboveZero = 2.0
    subjects_max: Count = 1000


class LimitsTable(Table):
    """`[limits]`, with the defaults of `settings.Limits`."""

    batch_max: Count = _LIMITS.batch_max
    intake_max: Count = _LIMITS.intake_max
    inbound_max: Count = _LIMITS.inbound_max
    deliveries_max: Count = _LIMITS.deliveries_max
    pdu_max: PduMax = _LIMITS.pdu_max
    send_buffer_max: Count = _LIMITS.send_buffer_max
    send_stall_s: Seconds = _LIMITS.send_stall_s
    late_max: Count = _LIMITS.late_max
    refusals_per_s: RateAboveZero = _LIMITS.refusals_per_s
    wrong_passwords_max: Count = _LIMITS.wrong_passwords_max
    password_checks_max: Count = _LIMITS.password_checks_max
    message_ttl_s: Seconds = _LIMITS.message_ttl_s
    in_doubt_s: Seconds = _LIMITS.in_doubt_s
    receipt_ttl_s: Seconds = _LIMITS.receipt_ttl_s
    retry_min_s: Seconds = _LIMITS.retry_min_s
    retry_max_s: Seconds = _LIMITS.retry_max_s
    drain_s: Seconds = _LIMITS.drain_s
    segments_max: SegmentsMax = _LIMITS.segments_max
    reassembly_s: Seconds = _LIMITS.reassembly_s
    reassemblies_max: Count = _LIMITS.reassemblies_max
    reassembly_octets_max: Count = _LIMITS.reassembly_octets_max
    lockout_max_s: Seconds = _LIMITS.lockout_max_s

    @field_validator("retry_max_s")
    @classmethod
    def _not_below_the_least(cls, value: float, info: ValidationInfo) -> float:
        return _at_least("retry_min_s", value, info)


class TimersTable(Table):
    """`timers` of an account, with the defaults of `settings.Timers`; before its bind it is nobody's."""

    enquire_link_s: Seconds = _TIMERS.enquire_link_s
    response_s: Seconds = _TIMERS.response_s
    inactivity_s: SecondsOrOff = _TIMERS.inactivity_s
    unbind_s: Seconds = _TIMERS.unbind_s


class CarrierTimersTable(TimersTable):
    """`timers` of a carrier."""

    session_init_s: Seconds = _TIMERS.session_init_s


class ThrottleTable(Table):
    """`throttle` of an account, `rate` of a carrier; a rate of 0 blocks."""

    rate_per_s: Rate
    burst: Count


class TermsTable(Table):
    """Terms written here, and files of terms (UTF-8, one a line, lines that begin with # are comments)."""

    terms: list[Term] = []
    files: list[TermFile] = []


class KindsTable(Table):
    """The nine forbidden kinds of contract clause 六, in its order."""

    constitution: TermsTable = TermsTable()
    state_security: TermsTable = TermsTable()
    national_honour: TermsTable = TermsTable()
    ethnic_hatred: TermsTable = TermsTable()
    cult: TermsTable = TermsTable()
    rumour: TermsTable = TermsTable()
    obscene_violent: TermsTable = TermsTable()
    defamation: TermsTable = TermsTable()
    unlawful: TermsTable = TermsTable()


class PolicyTable(Table):
    """`[policy]`: the content filter that all accounts share."""

    terms: KindsTable = KindsTable()
    exceptions: TermsTable = TermsTable()


class ContractTable(Table):
    """`contract` of an account (contract, head)."""

    number: Words
    customer: Words
    operator: Words
    signed_on: date


class HoursExceptionTable(Table):
    """An agreed exception to the hours: without `end` for good, without `start` since the contract's date."""

    start: datetime | None = None
    end: datetime | None = None
    note: Words
    scope: Annotated[MessageClass, _BY_VALUE] | None = None

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


class HoursTable(Table):
    """`hours` of an account; the defaults are contract clause 五(5)'s."""

    open: TimeOfDay = time(8)
    close: TimeOfDay = time(17)
    outside: OutsideHours = "refuse"
    exceptions: list[HoursExceptionTable] = []

    @field_validator("close")
    @classmethod
    def _closes_after_it_opens(cls, value: time, info: ValidationInfo) -> time:
        if "open" in info.data and value <= info.data["open"]:
            raise wrong("must be later than open, on the same day", "for all hours, agree an exception")
        return value


class ReceiptsTable(Table):
    """`receipts` of an account: how they are written for it."""

    message_id: Annotated[IdForm, _BY_VALUE] = IdForm.DECIMAL
    date_digits: Literal[10, 12, 14] = 10
    tlvs: bool = True
    message_state: bool = True
    network_error_code: bool = True


class AccountTable(Table):
    """One of `[[accounts]]`."""

    name: Name
    system_id: SystemId
    password: Password | None = None
    password_hash: PasswordHash | None = Field(default=None, validate_default=True)
    contract: ContractTable
    message_class: Annotated[MessageClass, _BY_VALUE] = MessageClass.COMMERCIAL
    signatures: list[Signature] = Field(min_length=1)
    require_salutation: bool = False
    require_unsubscribe: bool = False
    hours: HoursTable = HoursTable()
    allowed_networks: list[Network] = Field(
        default=["0.0.0.0/0", "::/0"], validate_default=True, min_length=1
    )
    source_addrs: list[Addr] = []
    default_alphabet: Annotated[Alphabet, _BY_VALUE] = Alphabet.GSM7
    segments: Annotated[SegmentsMode, _BY_VALUE] = SegmentsMode.JOIN
    statuses: Annotated[StatusStyle, _BY_VALUE] = StatusStyle.VENDOR
    explain: bool = False
    in_doubt: Annotated[InDoubtPolicy, _BY_VALUE] = InDoubtPolicy.PARK
    binds_max: Count = 4
    window_max: Count = 100
    delivery_window_max: Count = 10
    queue_max: Count = 100_000
    throttle: ThrottleTable | None = None
    timers: TimersTable = TimersTable()
    message_ids: Annotated[IdForm, _BY_VALUE] = IdForm.DECIMAL
    receipts: ReceiptsTable = ReceiptsTable()
    tls: bool = False
    client_certificate: Words | None = None

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


class CarrierTlsTable(Table):
    """`tls` of a carrier."""

    ca: CertificateFile | None = None
    certificate: CertificateFile | None = None
    key: FilePath | None = Field(default=None, validate_default=True)
    server_name: Words | None = None

    @field_validator("key")
    @classmethod
    def _both_or_none(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "certificate" not in info.data:
            return value
        certificate = info.data["certificate"]
        if (value is None) != (certificate is None):
            raise wrong("is missing" if value is None else "needs a certificate beside it")
        return value if value is None else is_pair(certificate, value)


class CarrierTable(Table):
    """One of `[[carriers]]`."""

    name: Name
    host: Words
    port: Annotated[Port, Field(ge=1)] = 2775
    system_id: SystemId
    password: Password
    system_type: SystemType = ""
    bind_type: Annotated[BindType, _BY_VALUE] = BindType.TRANSCEIVER
    binds: Count = 1
    window_max: Count = 10
    rate: ThrottleTable | None = None
    source_addr: Addr | None = None
    temporary_statuses: list[Status] = [
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RSYSERR,
    ]
    receipt_zone: Zone | None = None
    reconnect_min_s: Seconds = 1.0
    reconnect_max_s: Seconds = 60.0
    timers: CarrierTimersTable = CarrierTimersTable()
    long_messages: Annotated[LongForm, _BY_VALUE] = LongForm.UDH8
    septets_packed: bool = False
    resp_id: Annotated[Notation, _BY_VALUE] = Notation.GUESS
    receipt_id: Annotated[Notation, _BY_VALUE] = Notation.GUESS
    receipt_states: dict[StateWord, MessageStateName] = {}
    receipts_by_text: bool = True
    unknown_is_final: bool = False
    one_receipt_a_message: bool = False
    interface_version: Annotated[InterfaceVersion, _BY_VALUE] = InterfaceVersion.V34
    tls: CarrierTlsTable | None = None

    @field_validator("interface_version")
    @classmethod
    def _knows_the_parameters(cls, value: InterfaceVersion, info: ValidationInfo) -> InterfaceVersion:
        form = info.data.get("long_messages")
        if value is InterfaceVersion.V33 and form in (LongForm.SAR, LongForm.PAYLOAD):
            raise wrong(f"has no optional parameters, which long_messages {form.value} needs")
        return value

    @field_validator("reconnect_max_s")
    @classmethod
    def _not_below_the_least(cls, value: float, info: ValidationInfo) -> float:
        return _at_least("reconnect_min_s", value, info)


class RouteTable(Table):
    """One of `[[routes]]`."""

    account: Name | None = None
    prefix: Prefix = ""
    carriers: list[Name] = Field(min_length=1)
    tlvs: list[Tag] = []


class File(Table):
    """The whole file."""

    # Validated also where it is left out, for its default path is relative to the file's folder.
    gateway: GatewayTable = Field(default={}, validate_default=True)
    listen: ListenTable = ListenTable()
    admin: AdminTable = AdminTable()
    log: LogTable = LogTable()
    limits: LimitsTable = LimitsTable()
    policy: PolicyTable = PolicyTable()
    accounts: list[AccountTable] = Field(min_length=1)
    carriers: list[CarrierTable] = Field(min_length=1)
    routes: list[RouteTable] = Field(min_length=1)


def _at_least(least: str, value: float, info: ValidationInfo) -> float:
    if least in info.data and value < info.data[least]:
        raise wrong(f"must be at least {least}")
    return value
