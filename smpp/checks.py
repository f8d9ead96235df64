"""What an SMSC refuses to take from its customers although it can be read: values out of range.

Faults are told in wire order, those of TLVs last. Each function raises PduError with the status that answers
the first one.
"""

from __future__ import annotations

from collections.abc import Mapping

from smpp import spec, tlv
from smpp.errors import PduError
from smpp.pdu import (
    AlertNotification,
    CancelSm,
    DataSm,
    DeliverSm,
    DistributionList,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
    Tlvs,
)
from smpp.spec import TlvSpec
from smpp.status import CommandStatus

_SAR = frozenset({spec.SAR_MSG_REF_NUM, spec.SAR_TOTAL_SEGMENTS, spec.SAR_SEGMENT_SEQNUM})
# TLVs whose validity depends on other fields.
_DEPENDENT = _SAR | {spec.MESSAGE_PAYLOAD}

# data_sm has room for 64 characters, but no network has such addresses, and no other PDU of a message.
_ADDR_MAX = spec.SOURCE_ADDR.size - 1


def message(pdu: SubmitSm | SubmitMulti | DeliverSm, expected: Mapping[int, TlvSpec]) -> None:
    """A submit_sm, a submit_multi, or a deliver_sm, which may go to letters."""
    if type(pdu) is SubmitSm:
        if not pdu.destination.addr.isdecimal():
            raise _destination()
    elif type(pdu) is SubmitMulti:
        _lists(pdu)
    if pdu.priority_flag > 3:
        raise PduError(CommandStatus.ESME_RINVPRTFLG, "priority_flag is over 3")
    if pdu.schedule_delivery_time or pdu.validity_period:
        _times(pdu)
    if pdu.registered_delivery & 3 == 3:
        raise _registered_delivery()
    if pdu.replace_if_present_flag > 1:
        raise PduError(CommandStatus.ESME_RINVREPFLAG, "replace_if_present_flag is over 1")
    if pdu.sm_default_msg_id:
        raise _default_msg_id()
    if pdu.tlvs:
        tlvs(pdu.tlvs, expected, pdu.short_message)


def data_sm(pdu: DataSm) -> None:
    """A data_sm, which says nothing without message_payload (SMPP 3.4, 4.7.1)."""
    if len(pdu.source.addr) > _ADDR_MAX:
        raise PduError(CommandStatus.ESME_RINVSRCADR, f"source_addr has more than {_ADDR_MAX} characters")
    if len(pdu.destination.addr) > _ADDR_MAX or not pdu.destination.addr.isdecimal():
        raise _destination()
    if pdu.registered_delivery & 3 == 3:
        raise _registered_delivery()
    tlvs(pdu.tlvs, spec.DATA_SM_TLVS)
    if all(tag != spec.MESSAGE_PAYLOAD for tag, _ in pdu.tlvs):
        raise PduError(CommandStatus.ESME_RMISSINGOPTPARAM, "a data_sm without message_payload")


def query_sm(pdu: QuerySm) -> None:
    """A query_sm."""
    _named(pdu)


def cancel_sm(pdu: CancelSm) -> None:
    """A cancel_sm: of a message by its id, or of all to a destination (SMPP 3.4, 4.9)."""
    addr = pdu.destination.addr
    if not addr.isdecimal() and (addr or not pdu.message_id):
        raise _destination()


def replace_sm(pdu: ReplaceSm) -> None:
    """A replace_sm."""
    _named(pdu)
    _times(pdu)
    if pdu.registered_delivery & 3 == 3:
        raise _registered_delivery()
    if pdu.sm_default_msg_id:
        raise _default_msg_id()
    tlvs(pdu.tlvs, spec.REPLACE_SM_TLVS, pdu.short_message)


def alert_notification(pdu: AlertNotification) -> None:
    """An alert_notification."""
    tlvs(pdu.tlvs, spec.ALERT_NOTIFICATION_TLVS)


def tlvs(values: Tlvs, expected: Mapping[int, TlvSpec], short_message: bytes = b"") -> None:
    """Tags that the PDU is not expected to have pass as they are (SMPP 3.4, 3.3)."""
    depends = False
    for tag, octets in values:
        tlv_spec = expected.get(tag)
        if tlv_spec is not None:
            if tlv_spec.highest is not None or not tlv_spec.least <= len(octets) <= tlv_spec.most:
                tlv.check(tlv_spec, octets)
            depends = depends or tag in _DEPENDENT
    if depends:
        _dependent(short_message, {tag: octets for tag, octets in values if tag in expected})


def _dependent(short_message: bytes, values: Mapping[int, bytes]) -> None:
    if short_message and spec.MESSAGE_PAYLOAD in values:
        raise PduError(CommandStatus.ESME_ROPTPARNOTALLWD, "message_payload beside a short_message")
    if _SAR.isdisjoint(values):
        return
    if not values.keys() >= _SAR:
        raise PduError(CommandStatus.ESME_RMISSINGOPTPARAM, "one of the three sar TLVs is missing")
    total, seqnum = values[spec.SAR_TOTAL_SEGMENTS][0], values[spec.SAR_SEGMENT_SEQNUM][0]
    if not 1 <= seqnum <= total:
        raise PduError(CommandStatus.ESME_RINVOPTPARAMVAL, f"segment {seqnum} of {total}")


def _lists(pdu: SubmitMulti) -> None:
    """A number that is none costs that destination only: unsuccess_sme tells of it (SMPP 3.4, 4.5.2)."""
    for destination in pdu.destinations:
        if isinstance(destination, DistributionList) and not destination.name:
            raise PduError(CommandStatus.ESME_RINVDLNAME, "dl_name is empty")


def _times(pdu: SubmitSm | SubmitMulti | DeliverSm | ReplaceSm) -> None:
    if pdu.schedule_delivery_time and len(pdu.schedule_delivery_time) != 16:
        raise PduError(
            CommandStatus.ESME_RINVSCHED, "schedule_delivery_time is neither empty nor 16 characters"
        )
    if pdu.validity_period and len(pdu.validity_period) != 16:
        raise PduError(CommandStatus.ESME_RINVEXPIRY, "validity_period is neither empty nor 16 characters")


def _named(pdu: QuerySm | ReplaceSm) -> None:
    if not pdu.message_id:
        raise PduError(CommandStatus.ESME_RINVMSGID, "message_id is empty")


def _destination() -> PduError:
    return PduError(CommandStatus.ESME_RINVDSTADR, "destination_addr is empty, too long or not numeric")


def _registered_delivery() -> PduError:
    return PduError(
        CommandStatus.ESME_RINVREGDLVFLG, "registered_delivery asks for the reserved receipt type 3"
    )


def _default_msg_id() -> PduError:
    return PduError(CommandStatus.ESME_RINVDFTMSGID, "no predefined messages are held here")
