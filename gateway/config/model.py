"""The configuration file as tables: every key, its kind and its default.

What each key does is told in `config.example.toml`.

A key that is not here is a mistake, not a comment. What one key may not be beside another of its table is
checked by a validator of the later one, so that it is reported together with everything else; what concerns
several tables is `config_check`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway.config.account import AccountTable
from gateway.config.calendar import CalendarTable
from gateway.config.carrier import CarrierTable
from gateway.config.field import (
    CertificateFile,
    Count,
    CountryCode,
    DaysOrEver,
    FilePath,
    Loopback,
    Name,
    Network,
    Node,
    PduMax,
    Port,
    Prefix,
    RateAboveZero,
    Seconds,
    SegmentsMax,
    Tag,
    TimeOfDay,
    Words,
    Zone,
    is_pair,
)
from gateway.config.policy import PolicyTable
from gateway.config.problem import wrong
from gateway.config.table import BY_VALUE, Table, at_least
from gateway.settings import BindErrors, ClientCertificate, Limits, Retention, Timers

_LIMITS = Limits()
_RETENTION = Retention()


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
    client_certificate: Annotated[ClientCertificate, BY_VALUE] = ClientCertificate.OPTIONAL

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


class DoorTable(Table):
    """What `[listen]` and `[account_page]` have in common: where customers connect, and how."""

    host: Words = "127.0.0.1"
    port: Port
    connections_max: Count
    connections_per_address_max: Count
    session_init_s: Seconds = Timers().session_init_s
    proxy_networks: list[Network] = []
    tls: ListenTlsTable | None = None
    plain: bool = True

    @field_validator("plain")
    @classmethod
    def _one_port_at_least(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and info.data.get("tls", "") is None:
            raise wrong("needs tls beside it, or nobody can connect")
        return value


class ListenTable(DoorTable):
    """`[listen]`: where customers connect to bind."""

    port: Port = 2775
    connections_max: Count = 1000
    connections_per_address_max: Count = 100
    bind_errors: Annotated[BindErrors, BY_VALUE] = BindErrors.EXACT


class AccountPageTable(DoorTable):
    """`[account_page]`: where customers look at their accounts; without it they cannot."""

    port: Port = 2781
    connections_max: Count = 100
    connections_per_address_max: Count = 10


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
    sources_max: Count = _LIMITS.sources_max
    template_places_max: Count = _LIMITS.template_places_max

    @field_validator("retry_max_s")
    @classmethod
    def _not_below_the_least(cls, value: float, info: ValidationInfo) -> float:
        return at_least("retry_min_s", value, info)


class RetentionTable(Table):
    """`[retention]`, with the defaults of `settings.Retention`."""

    commercial_days: DaysOrEver = _RETENTION.commercial_days
    notice_days: DaysOrEver = _RETENTION.notice_days
    code_days: DaysOrEver = _RETENTION.code_days
    reply_days: DaysOrEver = _RETENTION.reply_days
    purge_at: TimeOfDay = _RETENTION.purge_at


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
    retention: RetentionTable = RetentionTable()
    calendar: CalendarTable = CalendarTable()
    account_page: AccountPageTable | None = None
