"""A carrier in the configuration file: its tables, and the `Carrier` that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator

from gateway.config.field import (
    Addr,
    CertificateFile,
    Count,
    FilePath,
    MessageStateName,
    Name,
    Password,
    Port,
    Seconds,
    StateWord,
    Status,
    SystemId,
    SystemType,
    Words,
    Zone,
    is_pair,
)
from gateway.config.problem import wrong
from gateway.config.table import BY_VALUE, Table, ThrottleTable, TimersTable, at_least, throttle_of
from gateway.settings import (
    BindType,
    Carrier,
    CarrierTls,
    InterfaceVersion,
    LongForm,
    Timers,
)
from smpp.message_id import Notation, Notations
from smpp.status import CommandStatus


class CarrierTimersTable(TimersTable):
    """`timers` of a carrier."""

    session_init_s: Seconds = Timers().session_init_s


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
    bind_type: Annotated[BindType, BY_VALUE] = BindType.TRANSCEIVER
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
    long_messages: Annotated[LongForm, BY_VALUE] = LongForm.UDH8
    septets_packed: bool = False
    resp_id: Annotated[Notation, BY_VALUE] = Notation.GUESS
    receipt_id: Annotated[Notation, BY_VALUE] = Notation.GUESS
    receipt_states: dict[StateWord, MessageStateName] = {}
    receipts_by_text: bool = True
    unknown_is_final: bool = False
    one_receipt_a_message: bool = False
    interface_version: Annotated[InterfaceVersion, BY_VALUE] = InterfaceVersion.V34
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
        return at_least("reconnect_min_s", value, info)


def carrier_of(table: CarrierTable, zone: ZoneInfo) -> Carrier:
    """The carrier in a table; `zone` is the operator\'s."""
    return Carrier(
        name=table.name,
        host=table.host,
        port=table.port,
        system_id=table.system_id,
        password=table.password,
        system_type=table.system_type,
        bind_type=table.bind_type,
        binds=table.binds,
        window_max=table.window_max,
        rate=throttle_of(table.rate),
        source_addr=table.source_addr,
        temporary_statuses=frozenset(table.temporary_statuses),
        receipt_zone=table.receipt_zone or zone,
        reconnect_min_s=table.reconnect_min_s,
        reconnect_max_s=table.reconnect_max_s,
        timers=Timers(**dict(table.timers)),
        long_messages=table.long_messages,
        septets_packed=table.septets_packed,
        notations=Notations(table.resp_id, table.receipt_id),
        receipt_states=table.receipt_states,
        receipts_by_text=table.receipts_by_text,
        unknown_is_final=table.unknown_is_final,
        one_receipt_a_message=table.one_receipt_a_message,
        interface_version=table.interface_version,
        tls=None if table.tls is None else CarrierTls(**dict(table.tls)),
    )
