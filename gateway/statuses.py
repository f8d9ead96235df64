"""Which command_status a refusal gets: one table for the rules of the contract and the gateway's own errors.

A rule has two statuses, its own from SMPP's vendor range and SMPP's nearest; the account chooses the style.
A gateway error (rate, queue, route, credentials) has SMPP's status in either style.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from gateway.settings import BindErrors, StatusStyle
from policy.clauses import RULES, Rule
from smpp.status import CommandStatus


class GatewayError(StrEnum):
    """Reasons to refuse that are no rule of the contract; counted and logged by these names like rules."""

    THROTTLED = "THROTTLED"
    QUEUE_FULL = "QUEUE_FULL"
    STORE_DOWN = "STORE_DOWN"
    STOPPING = "STOPPING"
    DESTINATION_INVALID = "DESTINATION_INVALID"
    NO_ROUTE = "NO_ROUTE"
    SEGMENT_REFUSED = "SEGMENT_REFUSED"
    MESSAGE_TOO_LONG = "MESSAGE_TOO_LONG"
    MESSAGE_UNKNOWN = "MESSAGE_UNKNOWN"
    NOT_CANCELLED = "NOT_CANCELLED"
    NOT_REPLACED = "NOT_REPLACED"
    SCHEDULE_INVALID = "SCHEDULE_INVALID"
    VALIDITY_INVALID = "VALIDITY_INVALID"
    SYSTEM_ID_UNKNOWN = "SYSTEM_ID_UNKNOWN"
    PASSWORD_WRONG = "PASSWORD_WRONG"
    PASSWORD_UNCHECKED = "PASSWORD_UNCHECKED"
    PEER_NOT_ALLOWED = "PEER_NOT_ALLOWED"
    BINDS_EXCEEDED = "BINDS_EXCEEDED"
    TLS_REQUIRED = "TLS_REQUIRED"
    CERTIFICATE_WRONG = "CERTIFICATE_WRONG"
    CAP_REACHED = "CAP_REACHED"


_ERRORS: dict[str, int] = {
    GatewayError.THROTTLED: CommandStatus.ESME_RTHROTTLED,
    GatewayError.QUEUE_FULL: CommandStatus.ESME_RMSGQFUL,
    GatewayError.STORE_DOWN: CommandStatus.ESME_RSYSERR,
    GatewayError.STOPPING: CommandStatus.ESME_RSYSERR,
    GatewayError.DESTINATION_INVALID: CommandStatus.ESME_RINVDSTADR,
    GatewayError.NO_ROUTE: CommandStatus.ESME_RINVDSTADR,
    GatewayError.SEGMENT_REFUSED: CommandStatus.ESME_RINVESMCLASS,
    GatewayError.MESSAGE_TOO_LONG: CommandStatus.ESME_RSUBMITFAIL,
    GatewayError.MESSAGE_UNKNOWN: CommandStatus.ESME_RINVMSGID,
    GatewayError.NOT_CANCELLED: CommandStatus.ESME_RCANCELFAIL,
    GatewayError.NOT_REPLACED: CommandStatus.ESME_RREPLACEFAIL,
    GatewayError.SCHEDULE_INVALID: CommandStatus.ESME_RINVSCHED,
    GatewayError.VALIDITY_INVALID: CommandStatus.ESME_RINVEXPIRY,
    GatewayError.SYSTEM_ID_UNKNOWN: CommandStatus.ESME_RINVSYSID,
    GatewayError.PASSWORD_WRONG: CommandStatus.ESME_RINVPASWD,
    GatewayError.PASSWORD_UNCHECKED: CommandStatus.ESME_RBINDFAIL,
    GatewayError.PEER_NOT_ALLOWED: CommandStatus.ESME_RBINDFAIL,
    GatewayError.BINDS_EXCEEDED: CommandStatus.ESME_RALYBND,
    GatewayError.TLS_REQUIRED: CommandStatus.ESME_RBINDFAIL,
    GatewayError.CERTIFICATE_WRONG: CommandStatus.ESME_RBINDFAIL,
    GatewayError.CAP_REACHED: CommandStatus.ESME_RTHROTTLED,
}

# What tells a stranger which of its credentials is wrong.
_TELLTALE = (GatewayError.SYSTEM_ID_UNKNOWN, GatewayError.PASSWORD_WRONG)


def _table(status_of: Callable[[Rule], int]) -> dict[str, int]:
    return {name: status_of(rule) for name, rule in RULES.items()} | _ERRORS


def _standard_bind_status(rule: Rule) -> int:
    return rule.standard_status if rule.standard_bind_status is None else rule.standard_bind_status


_SUBMIT = {
    StatusStyle.VENDOR: _table(lambda rule: rule.vendor_status),
    StatusStyle.STANDARD: _table(lambda rule: rule.standard_status),
}
_BIND = {
    StatusStyle.VENDOR: _SUBMIT[StatusStyle.VENDOR],
    StatusStyle.STANDARD: _table(_standard_bind_status),
}


def status_for(rule: str, style: StatusStyle) -> int:
    """The command_status of a submit_sm_resp. Raises KeyError for what is neither rule nor `GatewayError`."""
    return _SUBMIT[style][rule]


def bind_status_for(rule: str, style: StatusStyle, errors: BindErrors = BindErrors.EXACT) -> int:
    """The command_status of a bind response. Raises KeyError for what is neither rule nor `GatewayError`."""
    if errors is BindErrors.UNIFORM and rule in _TELLTALE:
        return CommandStatus.ESME_RBINDFAIL
    return _BIND[style][rule]


def err3(status: int) -> str:
    """The `err:` of a receipt: the last three hex digits of a command_status, lower case."""
    return f"{status & 0xFFF:03x}"
