"""The field tables of SMPP 3.4: how long each field may be and which status answers one that does not fit.

Sizes count the terminating NUL, as the specification's tables do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from struct import Struct
from typing import Final

from smpp.status import CommandStatus


@dataclass(frozen=True, slots=True)
class CString:
    """A NUL-terminated mandatory string of at most `size` octets; `status` answers a longer one."""

    name: str
    size: int
    status: int


class TlvKind(Enum):
    """What the value of an optional parameter is."""

    OCTETS = "octets"
    INTEGER = "an integer"
    STRING = "a C-octet string"


@dataclass(frozen=True, slots=True)
class TlvSpec:
    """An optional parameter whose value has `least` to `most` octets (SMPP 3.4, 5.3.2).

    An integer that has a `highest` is within that and `lowest`; what lies beyond is reserved.
    """

    name: str
    least: int
    most: int
    kind: TlvKind = TlvKind.OCTETS
    highest: int | None = None
    lowest: int = 0


HEADER: Final = Struct(">IIII")
"""command_length, command_id, command_status and sequence_number (SMPP 3.4, 3.2)."""

SYSTEM_ID: Final = CString("system_id", 16, CommandStatus.ESME_RINVSYSID)
PASSWORD: Final = CString("password", 9, CommandStatus.ESME_RINVPASWD)
SYSTEM_TYPE: Final = CString("system_type", 13, CommandStatus.ESME_RINVSYSTYP)
ADDRESS_RANGE: Final = CString("address_range", 41, CommandStatus.ESME_RINVCMDLEN)
SERVICE_TYPE: Final = CString("service_type", 6, CommandStatus.ESME_RINVSERTYP)
SOURCE_ADDR: Final = CString("source_addr", 21, CommandStatus.ESME_RINVSRCADR)
DESTINATION_ADDR: Final = CString("destination_addr", 21, CommandStatus.ESME_RINVDSTADR)
SCHEDULE_DELIVERY_TIME: Final = CString("schedule_delivery_time", 17, CommandStatus.ESME_RINVSCHED)
VALIDITY_PERIOD: Final = CString("validity_period", 17, CommandStatus.ESME_RINVEXPIRY)
MESSAGE_ID: Final = CString("message_id", 65, CommandStatus.ESME_RINVMSGID)
LONG_SOURCE_ADDR: Final = CString("source_addr", 65, CommandStatus.ESME_RINVSRCADR)
LONG_DESTINATION_ADDR: Final = CString("destination_addr", 65, CommandStatus.ESME_RINVDSTADR)
ESME_ADDR: Final = CString("esme_addr", 65, CommandStatus.ESME_RINVDSTADR)
DL_NAME: Final = CString("dl_name", 21, CommandStatus.ESME_RINVDLNAME)
FINAL_DATE: Final = CString("final_date", 17, CommandStatus.ESME_RINVCMDLEN)

SHORT_MESSAGE_MAX: Final = 254

DEST_ADDR_SUBUNIT: Final = 0x0005
DEST_NETWORK_TYPE: Final = 0x0006
DEST_BEARER_TYPE: Final = 0x0007
DEST_TELEMATICS_ID: Final = 0x0008
SOURCE_ADDR_SUBUNIT: Final = 0x000D
SOURCE_NETWORK_TYPE: Final = 0x000E
SOURCE_BEARER_TYPE: Final = 0x000F
SOURCE_TELEMATICS_ID: Final = 0x0010
QOS_TIME_TO_LIVE: Final = 0x0017
PAYLOAD_TYPE: Final = 0x0019
ADDITIONAL_STATUS_INFO_TEXT: Final = 0x001D
RECEIPTED_MESSAGE_ID: Final = 0x001E
MS_MSG_WAIT_FACILITIES: Final = 0x0030
PRIVACY_INDICATOR: Final = 0x0201
SOURCE_SUBADDRESS: Final = 0x0202
DEST_SUBADDRESS: Final = 0x0203
USER_MESSAGE_REFERENCE: Final = 0x0204
USER_RESPONSE_CODE: Final = 0x0205
SOURCE_PORT: Final = 0x020A
DESTINATION_PORT: Final = 0x020B
SAR_MSG_REF_NUM: Final = 0x020C
LANGUAGE_INDICATOR: Final = 0x020D
SAR_TOTAL_SEGMENTS: Final = 0x020E
SAR_SEGMENT_SEQNUM: Final = 0x020F
SC_INTERFACE_VERSION: Final = 0x0210
CALLBACK_NUM_PRES_IND: Final = 0x0302
CALLBACK_NUM_ATAG: Final = 0x0303
NUMBER_OF_MESSAGES: Final = 0x0304
CALLBACK_NUM: Final = 0x0381
DPF_RESULT: Final = 0x0420
SET_DPF: Final = 0x0421
MS_AVAILABILITY_STATUS: Final = 0x0422
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424
DELIVERY_FAILURE_REASON: Final = 0x0425
MORE_MESSAGES_TO_SEND: Final = 0x0426
MESSAGE_STATE: Final = 0x0427
CONGESTION_STATE: Final = 0x0428
USSD_SERVICE_OP: Final = 0x0501
BILLING_IDENTIFICATION: Final = 0x060B
SOURCE_NETWORK_ID: Final = 0x060D
DEST_NETWORK_ID: Final = 0x060E
SOURCE_NODE_ID: Final = 0x060F
DEST_NODE_ID: Final = 0x0610
DEST_ADDR_NP_RESOLUTION: Final = 0x0611
DEST_ADDR_NP_INFORMATION: Final = 0x0612
DEST_ADDR_NP_COUNTRY: Final = 0x0613
DISPLAY_TIME: Final = 0x1201
SMS_SIGNAL: Final = 0x1203
MS_VALIDITY: Final = 0x1204
ALERT_ON_MESSAGE_DELIVERY: Final = 0x130C
ITS_REPLY_TYPE: Final = 0x1380
ITS_SESSION_INFO: Final = 0x1383

_INTEGER = TlvKind.INTEGER
_STRING = TlvKind.STRING

TLVS: Final = {
    DEST_ADDR_SUBUNIT: TlvSpec("dest_addr_subunit", 1, 1, _INTEGER, 4),
    DEST_NETWORK_TYPE: TlvSpec("dest_network_type", 1, 1, _INTEGER, 8),
    DEST_BEARER_TYPE: TlvSpec("dest_bearer_type", 1, 1, _INTEGER, 8),
    DEST_TELEMATICS_ID: TlvSpec("dest_telematics_id", 2, 2, _INTEGER),
    SOURCE_ADDR_SUBUNIT: TlvSpec("source_addr_subunit", 1, 1, _INTEGER, 4),
    SOURCE_NETWORK_TYPE: TlvSpec("source_network_type", 1, 1, _INTEGER, 8),
    SOURCE_BEARER_TYPE: TlvSpec("source_bearer_type", 1, 1, _INTEGER, 8),
    SOURCE_TELEMATICS_ID: TlvSpec("source_telematics_id", 1, 1, _INTEGER),
    QOS_TIME_TO_LIVE: TlvSpec("qos_time_to_live", 4, 4, _INTEGER),
    PAYLOAD_TYPE: TlvSpec("payload_type", 1, 1, _INTEGER, 1),
    ADDITIONAL_STATUS_INFO_TEXT: TlvSpec("additional_status_info_text", 1, 256, _STRING),
    RECEIPTED_MESSAGE_ID: TlvSpec("receipted_message_id", 1, 65, _STRING),
    MS_MSG_WAIT_FACILITIES: TlvSpec("ms_msg_wait_facilities", 1, 1, _INTEGER),
    PRIVACY_INDICATOR: TlvSpec("privacy_indicator", 1, 1, _INTEGER, 3),
    SOURCE_SUBADDRESS: TlvSpec("source_subaddress", 2, 23),
    DEST_SUBADDRESS: TlvSpec("dest_subaddress", 2, 23),
    USER_MESSAGE_REFERENCE: TlvSpec("user_message_reference", 2, 2, _INTEGER),
    USER_RESPONSE_CODE: TlvSpec("user_response_code", 1, 1, _INTEGER),
    SOURCE_PORT: TlvSpec("source_port", 2, 2, _INTEGER),
    DESTINATION_PORT: TlvSpec("destination_port", 2, 2, _INTEGER),
    SAR_MSG_REF_NUM: TlvSpec("sar_msg_ref_num", 2, 2, _INTEGER),
    LANGUAGE_INDICATOR: TlvSpec("language_indicator", 1, 1, _INTEGER),
    SAR_TOTAL_SEGMENTS: TlvSpec("sar_total_segments", 1, 1, _INTEGER, 255, 1),
    SAR_SEGMENT_SEQNUM: TlvSpec("sar_segment_seqnum", 1, 1, _INTEGER, 255, 1),
    SC_INTERFACE_VERSION: TlvSpec("sc_interface_version", 1, 1, _INTEGER),
    CALLBACK_NUM_PRES_IND: TlvSpec("callback_num_pres_ind", 1, 1, _INTEGER, 15),
    CALLBACK_NUM_ATAG: TlvSpec("callback_num_atag", 0, 65),
    NUMBER_OF_MESSAGES: TlvSpec("number_of_messages", 1, 1, _INTEGER, 99),
    CALLBACK_NUM: TlvSpec("callback_num", 4, 19),
    DPF_RESULT: TlvSpec("dpf_result", 1, 1, _INTEGER, 1),
    SET_DPF: TlvSpec("set_dpf", 1, 1, _INTEGER, 1),
    MS_AVAILABILITY_STATUS: TlvSpec("ms_availability_status", 1, 1, _INTEGER, 2),
    NETWORK_ERROR_CODE: TlvSpec("network_error_code", 3, 3),
    MESSAGE_PAYLOAD: TlvSpec("message_payload", 0, 65_535),
    DELIVERY_FAILURE_REASON: TlvSpec("delivery_failure_reason", 1, 1, _INTEGER, 3),
    MORE_MESSAGES_TO_SEND: TlvSpec("more_messages_to_send", 1, 1, _INTEGER, 1),
    MESSAGE_STATE: TlvSpec("message_state", 1, 1, _INTEGER, 9),
    CONGESTION_STATE: TlvSpec("congestion_state", 1, 1, _INTEGER, 100),
    USSD_SERVICE_OP: TlvSpec("ussd_service_op", 1, 1, _INTEGER),
    BILLING_IDENTIFICATION: TlvSpec("billing_identification", 1, 1024),
    SOURCE_NETWORK_ID: TlvSpec("source_network_id", 7, 65, _STRING),
    DEST_NETWORK_ID: TlvSpec("dest_network_id", 7, 65, _STRING),
    SOURCE_NODE_ID: TlvSpec("source_node_id", 6, 6),
    DEST_NODE_ID: TlvSpec("dest_node_id", 6, 6),
    DEST_ADDR_NP_RESOLUTION: TlvSpec("dest_addr_np_resolution", 1, 1, _INTEGER, 2),
    DEST_ADDR_NP_INFORMATION: TlvSpec("dest_addr_np_information", 10, 10),
    DEST_ADDR_NP_COUNTRY: TlvSpec("dest_addr_np_country", 1, 5, _INTEGER),
    DISPLAY_TIME: TlvSpec("display_time", 1, 1, _INTEGER, 2),
    SMS_SIGNAL: TlvSpec("sms_signal", 2, 2, _INTEGER),
    MS_VALIDITY: TlvSpec("ms_validity", 1, 1, _INTEGER, 3),
    ALERT_ON_MESSAGE_DELIVERY: TlvSpec("alert_on_message_delivery", 0, 1, _INTEGER, 3),
    ITS_REPLY_TYPE: TlvSpec("its_reply_type", 1, 1, _INTEGER, 8),
    ITS_SESSION_INFO: TlvSpec("its_session_info", 2, 2),
}
"""Every optional parameter of SMPP 3.4, and of 5.0 but those of cell broadcasts, by its tag."""

_IN_BOTH = frozenset(
    {
        USER_MESSAGE_REFERENCE,
        SOURCE_PORT,
        DESTINATION_PORT,
        SAR_MSG_REF_NUM,
        SAR_TOTAL_SEGMENTS,
        SAR_SEGMENT_SEQNUM,
        USER_RESPONSE_CODE,
        PRIVACY_INDICATOR,
        PAYLOAD_TYPE,
        MESSAGE_PAYLOAD,
        CALLBACK_NUM,
        SOURCE_SUBADDRESS,
        DEST_SUBADDRESS,
        LANGUAGE_INDICATOR,
        ITS_SESSION_INFO,
    }
)
_IN_SUBMIT_SM = _IN_BOTH | {
    SOURCE_ADDR_SUBUNIT,
    DEST_ADDR_SUBUNIT,
    MORE_MESSAGES_TO_SEND,
    CALLBACK_NUM_PRES_IND,
    CALLBACK_NUM_ATAG,
    DISPLAY_TIME,
    SMS_SIGNAL,
    MS_VALIDITY,
    MS_MSG_WAIT_FACILITIES,
    NUMBER_OF_MESSAGES,
    ALERT_ON_MESSAGE_DELIVERY,
    ITS_REPLY_TYPE,
    USSD_SERVICE_OP,
}
_IN_DELIVER_SM = _IN_BOTH | {NETWORK_ERROR_CODE, MESSAGE_STATE, RECEIPTED_MESSAGE_ID}
_IN_SUBMIT_MULTI = _IN_SUBMIT_SM - {
    USER_RESPONSE_CODE,
    MORE_MESSAGES_TO_SEND,
    NUMBER_OF_MESSAGES,
    ITS_REPLY_TYPE,
    ITS_SESSION_INFO,
    USSD_SERVICE_OP,
}
_IN_DATA_SM = (_IN_SUBMIT_SM - {USSD_SERVICE_OP}) | {
    SOURCE_NETWORK_TYPE,
    SOURCE_BEARER_TYPE,
    SOURCE_TELEMATICS_ID,
    DEST_NETWORK_TYPE,
    DEST_BEARER_TYPE,
    DEST_TELEMATICS_ID,
    QOS_TIME_TO_LIVE,
    SET_DPF,
    RECEIPTED_MESSAGE_ID,
    MESSAGE_STATE,
    NETWORK_ERROR_CODE,
}
# What SMPP 5.0 added to every submission (table 4-20); older peers do not send it.
_IN_SUBMISSIONS_OF_50 = frozenset(
    {
        BILLING_IDENTIFICATION,
        SOURCE_NETWORK_ID,
        DEST_NETWORK_ID,
        SOURCE_NODE_ID,
        DEST_NODE_ID,
        DEST_ADDR_NP_RESOLUTION,
        DEST_ADDR_NP_INFORMATION,
        DEST_ADDR_NP_COUNTRY,
    }
)


def _specs(tags: Iterable[int]) -> dict[int, TlvSpec]:
    return {tag: TLVS[tag] for tag in tags}


SUBMIT_SM_TLVS: Final = _specs(_IN_SUBMIT_SM | _IN_SUBMISSIONS_OF_50)
"""The optional parameters of submit_sm (SMPP 3.4, table 4-11)."""

DELIVER_SM_TLVS: Final = _specs(_IN_DELIVER_SM)
"""The optional parameters of deliver_sm (SMPP 3.4, table 4-16)."""

SUBMIT_MULTI_TLVS: Final = _specs(_IN_SUBMIT_MULTI | _IN_SUBMISSIONS_OF_50)
"""The optional parameters of submit_multi (SMPP 3.4, 4.5.1)."""

DATA_SM_TLVS: Final = _specs(_IN_DATA_SM | _IN_SUBMISSIONS_OF_50)
"""The optional parameters of data_sm (SMPP 3.4, 4.7.1)."""

REPLACE_SM_TLVS: Final = _specs({MESSAGE_PAYLOAD})
"""The optional parameter of replace_sm (SMPP 5.0, table 4-36; 3.4 has none)."""

ALERT_NOTIFICATION_TLVS: Final = _specs({MS_AVAILABILITY_STATUS})
"""The optional parameter of alert_notification (SMPP 3.4, 4.12.1)."""

BIND_RESP_TLVS: Final = _specs({SC_INTERFACE_VERSION, CONGESTION_STATE})
"""The optional parameters of the responses to a bind (SMPP 3.4, 4.1.2 to 4.1.6; 5.0, 4.8.4.18)."""

DATA_SM_RESP_TLVS: Final = _specs(
    {DELIVERY_FAILURE_REASON, NETWORK_ERROR_CODE, ADDITIONAL_STATUS_INFO_TEXT, DPF_RESULT, CONGESTION_STATE}
)
"""The optional parameters of data_sm_resp (SMPP 3.4, 4.7.2); in 5.0 of every response to a submission."""


def is_standard(tag: int) -> bool:
    """Whether `tag` is in `TLVS`: a vendor's own (0x1400 to 0x3FFF) never is (SMPP 3.4, 5.3.1)."""
    return tag in TLVS
