"""Delivery receipts: reading every carrier's, writing one that every customer's client can read.

SMPP 3.4 leaves the text of a receipt to the vendor (Appendix B is "a typical example"), so a receipt is
read in this order: esm_class says whether the PDU is one, the TLVs say what they say, and the text fills
in the rest. Nothing in the text is required, in place or trusted; only what stands in front of `text:` is
read, because behind it comes the message itself, which may contain anything.

What a recipient's own device or hand acknowledges (esm_class 0x08 and 0x10) is no receipt: it is a message
from there. The id of a receipt is kept as it came; `smpp.message_id` finds what it means.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

from smpp import gsm, segments, spec
from smpp.address import Address
from smpp.errors import PduError
from smpp.message_state import MessageState
from smpp.pdu import DeliverSm, Tlvs
from smpp.value import value

RECEIPT = 0x04
"""esm_class of a delivery receipt (SMPP 3.4, 5.2.12)."""
INTERMEDIATE = 0x20
"""esm_class of an intermediate delivery notification (SMPP 3.4, 5.2.12)."""

ERROR_MAX = 16
WORD_MAX = 16
UNMAPPED_ERROR = "999"
"""`err` of a receipt whose error does not fit into three characters."""

NO_STATES: Mapping[str, MessageState] = {}

_MESSAGE_TYPE = 0x3C
_CENTURY_PIVOT = 38
# A longer one is no date, and of a code no more is read: so what is remembered of them is short.
_DIGITS_MAX, _CODE_MAX = 15, 5
_NETWORK_GSM = b"\x03"


@value(frozen=True, slots=True)
class Receipt:
    """A carrier's word about one message.

    `message_id` exactly as the carrier wrote it, empty when the PDU is marked as a receipt but names no
    message. `error` verbatim, at most 16 characters, empty when absent. The dates are None when they
    cannot be read. `intermediate`: an intermediate notification. `presumed`: esm_class does not say
    receipt, only the text looks like one; it is a receipt only if the id is known, else a mobile's message.
    `word` is what stands behind `stat:` where that does not mean `state`: because message_state says another,
    or, if not `understood`, because nobody knows what it means, and `state` is UNKNOWN.
    """

    message_id: str
    state: MessageState
    error: str
    submitted: datetime | None
    done: datetime | None
    intermediate: bool
    presumed: bool = False
    word: str = ""
    understood: bool = True

    @property
    def is_final(self) -> bool:
        """Whether this ends the message."""
        return self.state.is_final and not self.intermediate


def parse(
    pdu: DeliverSm, zone: tzinfo, states: Mapping[str, MessageState] = NO_STATES, by_text: bool = True
) -> Receipt | None:
    """The receipt that `pdu` is, or None when it is a message from a mobile.

    `zone` is the zone of the carrier's dates. `states` maps the carrier's own words behind `stat:`, in upper
    case, and goes before the standard ones; any other word is UNKNOWN, which is not final. `by_text`: a text
    that looks like a receipt is presumed to be one; else only esm_class and receipted_message_id make one.
    """
    esm_class = pdu.esm_class
    message_type = esm_class & _MESSAGE_TYPE
    marked = message_type & (RECEIPT | INTERMEDIATE)
    if not marked and message_type:
        return None
    tlvs = dict(pdu.tlvs) if pdu.tlvs else {}
    named = tlvs.get(spec.RECEIPTED_MESSAGE_ID)
    tlv_id = _c_string(named) if named else ""
    text = _text(pdu)
    presumed = not marked and not tlv_id
    if presumed and not (by_text and _RECEIPT_LIKE.match(text)):
        return None
    text_id, submitted, done, stat, err = _fields(text)
    told = _state_of(tlvs.get(spec.MESSAGE_STATE))
    code = tlvs.get(spec.NETWORK_ERROR_CODE)
    read = _STATES_BY_STAT.get(stat) if not states else None
    if read is None:
        read = _state_named(stat, states)
    state = told or read or MessageState.UNKNOWN
    return Receipt(
        tlv_id or text_id,
        state,
        (_error_of(code[:_CODE_MAX]) if code else "") or err[:ERROR_MAX],
        _date(submitted[:_DIGITS_MAX], zone),
        _date(done[:_DIGITS_MAX], zone),
        esm_class & INTERMEDIATE != 0,
        presumed,
        "" if read is state else stat[:WORD_MAX],
        told is not None or read is not None,
    )


# -- The text ------------------------------------------------------------------------------------------------

_RECEIPT_LIKE = re.compile(r"\s*id:.*\bstat:", re.IGNORECASE | re.DOTALL)
# What most carriers send, found by one match; `_FIELD` finds the same in it and in anything else.
_COMMON = re.compile(
    r"id:([^\s,;]+) sub:\d+ dlvrd:\d+ submit date:(\d+) done date:(\d+) stat:(\w+) err:(\w+)(?: [Tt]ext:|\Z)"
)
_TEXT_FIELD = re.compile(r"[\s,;]text:", re.IGNORECASE)
_NAMES = r"id|sub|dlvrd|submit\s+date|done\s+date|stat|err"
# An empty value must not swallow the name of the field behind it.
_FIELD = re.compile(rf"\b({_NAMES}):\s*(?!(?:{_NAMES}):)([^\s,;]*)", re.IGNORECASE)


def _text(pdu: DeliverSm) -> str:
    """The user data as text. Its octets tell which; data_coding does not: ASCII comes labelled as UCS-2."""
    try:
        octets = segments.user_text(pdu)
    except PduError:
        octets = pdu.payload  # marked as having a header, but there is none
    codec = "latin-1"
    if octets.startswith(b"\0"):
        codec = "utf-16-be"
    elif octets.startswith((b"\xfe\xff", b"\xff\xfe")):
        codec = "utf-16"
    return octets.decode(codec, "replace").rstrip("\0\ufffd")  # a NUL of C's, whole or half of a character


def _fields(text: str) -> Sequence[str]:
    """The values of id, submit date, done date, stat and err; "" when absent, the first when repeated."""
    common = _COMMON.match(text)
    if common:
        return common.groups()
    end = _TEXT_FIELD.search(text)
    found = _FIELD.findall(text, 0, end.start() if end else len(text))
    values = {name[:4].lower(): value for name, value in reversed(found)}
    return [values.get(name, "") for name in ("id", "subm", "done", "stat", "err")]


_STATES_BY_STAT = {state.stat: state for state in MessageState}
_STATES_BY_PREFIX = {
    "ENRO": MessageState.ENROUTE,
    "BUFF": MessageState.ENROUTE,
    "DELI": MessageState.DELIVERED,
    "EXPI": MessageState.EXPIRED,
    "DELE": MessageState.DELETED,
    "UNDE": MessageState.UNDELIVERABLE,
    "FAIL": MessageState.UNDELIVERABLE,
    "ACCE": MessageState.ACCEPTED,
    "UNKN": MessageState.UNKNOWN,
    "REJE": MessageState.REJECTED,
}


def _state_named(stat: str, states: Mapping[str, MessageState]) -> MessageState | None:
    stat = stat.upper()
    return states.get(stat) or _STATES_BY_PREFIX.get(stat[:4])


@lru_cache(maxsize=1024)  # the receipts of a minute share their dates
def _date(digits: str, zone: tzinfo) -> datetime | None:
    """YYMMDDhhmm, YYMMDDhhmmss, YYYYMMDDhhmm or YYYYMMDDhhmmss, as length and month say; else None."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    if len(digits) == 14:
        return _instant(int(digits[:4]), digits[4:], zone)
    if len(digits) not in (10, 12):
        return None
    found = None
    if len(digits) == 12 and digits.startswith("20") and "01" <= digits[4:6] <= "12":
        found = _instant(int(digits[:4]), digits[4:], zone)
    year = int(digits[:2])
    return found or _instant(year + (2000 if year < _CENTURY_PIVOT else 1900), digits[2:], zone)


def _instant(year: int, rest: str, zone: tzinfo) -> datetime | None:
    """`rest` is MMDDhhmm or MMDDhhmmss."""
    parts = [int(rest[at : at + 2]) for at in range(0, len(rest), 2)]
    month, day, hour, minute, second = [*parts, 0][:5]
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


# -- The TLVs ------------------------------------------------------------------------------------------------


def _c_string(value: bytes) -> str:
    """A string with or without its NUL."""
    return value.split(b"\0", 1)[0].decode("latin-1")


_STATES_BY_NUMBER = {bytes((state,)): state for state in MessageState}


def _state_of(message_state: bytes | None) -> MessageState | None:
    return None if message_state is None else _STATES_BY_NUMBER.get(message_state)


@lru_cache(maxsize=1024)  # most are 0
def _error_of(network_error_code: bytes) -> str:
    """The code behind the octet of the network type; some send it in three octets instead of two."""
    if len(network_error_code) < 2:
        return ""
    return f"{int.from_bytes(network_error_code[1:], 'big'):03d}"


# -- Writing -------------------------------------------------------------------------------------------------

_TWO_DIGITS = tuple(f"{number:02d}" for number in range(100))
_SAME_IN_ASCII_AND_GSM = frozenset(
    chr(code) for code in range(0x20, 0x7F) if gsm.decode(bytes((code,))) == chr(code)
)
_ON_THE_WAY = (MessageState.ENROUTE, MessageState.ACCEPTED)
_STATS = {state: (state.stat, "001" if state is MessageState.DELIVERED else "000") for state in MessageState}
_MESSAGE_STATES = {state: (spec.MESSAGE_STATE, octet) for octet, state in _STATES_BY_NUMBER.items()}
_STATE_TLVS = {state: b"\x04\x27\0\1" + octet for octet, state in _STATES_BY_NUMBER.items()}
_TLV_HEAD = struct.Struct(">HH")
# From esm_class to sm_default_msg_id; all but the first are zero.
_RECEIPT_FIELDS = {
    state: bytes((INTERMEDIATE if state in _ON_THE_WAY else RECEIPT, *(0,) * 8)) for state in MessageState
}


def format_receipt(
    source: Address,
    destination: Address,
    message_id: str,
    state: MessageState,
    error: str,
    submitted: datetime,
    done: datetime,
    text_sample: str = "",
    tlvs: bool = True,
) -> DeliverSm:
    """The receipt of a message, in the narrow form of Appendix B that every client reads.

    `source` and `destination` are those of the message: the receipt goes the other way. The dates are
    written as their own zone shows them. `error` is written in three characters: digits are padded, longer
    ones become 999. Of `text_sample` the first 20 characters are shown when they are the same octets in
    ASCII and GSM 7 bit, else none. `tlvs` is for binds with an interface_version of at least 0x34. ENROUTE
    and ACCEPTED make an intermediate notification. Raises ValueError for an id beyond Latin-1.
    """
    stat, delivered = _STATS[state]
    err = _three(error)
    text = (
        f"id:{message_id} sub:001 dlvrd:{delivered}"
        f" submit date:{date_digits(submitted)} done date:{date_digits(done)}"
        f" stat:{stat} err:{err} text:{_sample(text_sample)}"
    )
    return DeliverSm(
        "",
        destination,
        source,
        INTERMEDIATE if state in _ON_THE_WAY else RECEIPT,
        0,
        0,
        "",
        "",
        0,
        0,
        0,
        0,
        text.encode("latin-1"),
        _tlvs(message_id, state, err) if tlvs else (),
    )


@dataclass(frozen=True, slots=True)
class ReceiptTlvs:
    """Which TLVs a receipt of ours carries beside receipted_message_id."""

    message_state: bool = True
    network_error_code: bool = True


ALL_TLVS = ReceiptTlvs()


def receipt_body(
    submit_body: bytes,
    message_id: str,
    state: MessageState,
    error: str,
    submitted: str,
    done: str,
    tlvs: ReceiptTlvs | None = ALL_TLVS,
    more: Tlvs = (),
) -> bytes:
    """`format_receipt`, encoded and without a sample, for a submit_sm body that was read before.

    The addresses are taken as they lie in `submit_body`: reading and writing them is most of the longer way.
    The dates come as they are to be written: see `date_digits`. `more` goes behind the TLVs of our own;
    where `tlvs` is None there are none at all.
    """
    start = submit_body.find(0) + 1
    source_end = submit_body.find(0, start + 2) + 1
    source = submit_body[start:source_end]
    destination = submit_body[source_end : submit_body.find(0, source_end + 2) + 1]
    stat, delivered = _STATS[state]
    err = _three(error)
    text = (
        f"id:{message_id} sub:001 dlvrd:{delivered} submit date:{submitted} done date:{done}"
        f" stat:{stat} err:{err} text:"
    ).encode("latin-1")
    head = (b"\0", destination, source, _RECEIPT_FIELDS[state], len(text).to_bytes(1, "big"), text)
    if tlvs is not ALL_TLVS or more:
        chosen = () if tlvs is None else (*_tlvs(message_id, state, err, tlvs), *more)
        return b"".join((*head, *(_TLV_HEAD.pack(tag, len(octets)) + octets for tag, octets in chosen)))
    id_value = message_id.encode("latin-1") + b"\0"
    return b"".join(
        (
            *head,
            b"\0\x1e",
            len(id_value).to_bytes(2, "big"),
            id_value,
            _STATE_TLVS[state],
            b"\x04\x23\0\3" + _NETWORK_GSM + int(err).to_bytes(2, "big") if err.isdigit() else b"",
        )
    )


def date_digits(date: datetime, digits: int = 10) -> str:
    """A date as a receipt says it, in 10, 12 or 14 digits: YYMMDDhhmm, with seconds, with the century too.

    In a third of the time that `strftime` takes.
    """
    two = _TWO_DIGITS
    ten = two[date.year % 100] + two[date.month] + two[date.day] + two[date.hour] + two[date.minute]
    if digits == 10:
        return ten
    return ten + two[date.second] if digits == 12 else two[date.year // 100] + ten + two[date.second]


def _tlvs(message_id: str, state: MessageState, err: str, wanted: ReceiptTlvs = ALL_TLVS) -> Tlvs:
    found = [(spec.RECEIPTED_MESSAGE_ID, message_id.encode("latin-1") + b"\0")]
    if wanted.message_state:
        found.append(_MESSAGE_STATES[state])
    if wanted.network_error_code and err.isdigit():
        found.append((spec.NETWORK_ERROR_CODE, _NETWORK_GSM + int(err).to_bytes(2, "big")))
    return tuple(found)


def _three(error: str) -> str:
    """`error` in three characters."""
    if len(error) > 3:
        error = error.lstrip("0")
    if len(error) > 3 or not (error.isascii() and (error.isalnum() or not error)):
        return UNMAPPED_ERROR
    return error.zfill(3)


def _sample(text: str) -> str:
    sample = text[:20]
    return sample if _SAME_IN_ASCII_AND_GSM.issuperset(sample) else ""
