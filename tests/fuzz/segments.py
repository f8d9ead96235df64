"""User data with a header, and TLVs of a part: an input is read as the one and as the other.

A header is a list of elements that lie within it, or a PduError; it and the text are all there is. A part has
a place within its total. Septets behind it are a text, unless the header names a table that nobody has.
`corpus/segments` holds user data with headers, and areas of TLVs.
"""

from __future__ import annotations

from smpp import codec, segments, text
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.pdu import DeliverSm
from smpp.segments import UDHI
from smpp.status import CommandStatus
from smpp.text import SEPTETS, Alphabet, TextError
from tests.fuzz.pdus import user_data

_STATUSES = {
    CommandStatus.ESME_RINVESMCLASS,
    CommandStatus.ESME_ROPTPARNOTALLWD,
    CommandStatus.ESME_RMISSINGOPTPARAM,
    CommandStatus.ESME_RINVOPTPARAMVAL,
}
_BEFORE_TLVS = codec.encode_body(user_data(b"", 0))


def target(data: bytes) -> None:
    """One user data, one area of TLVs."""
    _check_header(data)
    _check_part(user_data(data, UDHI))
    for strict in (True, False):
        try:
            pdu = codec.decode(CommandId.DELIVER_SM, _BEFORE_TLVS + data, strict=strict)
        except PduError:
            continue
        assert isinstance(pdu, DeliverSm)
        for esm_class in (0, UDHI):
            _check_part(user_data(pdu.payload, esm_class, pdu.tlvs))


def _check_header(octets: bytes) -> None:
    try:
        elements, end = segments.read_udh(octets)
    except PduError as error:
        _check_refusal(error)
        return
    header = b"".join(bytes((identifier, len(value))) + value for identifier, value in elements)
    assert bytes((len(header),)) + header == octets[:end]


def _check_part(pdu: DeliverSm) -> None:
    try:
        octets = segments.user_text(pdu)
        part = segments.concat(pdu)
    except PduError as error:
        _check_refusal(error)
        return
    assert pdu.payload.endswith(octets)
    for alphabet in SEPTETS:
        _check_text(pdu, octets, alphabet)
    if part is not None:
        assert 1 <= part.seq <= part.total
        assert part.total > 1


def _check_text(pdu: DeliverSm, octets: bytes, alphabet: Alphabet) -> None:
    coding = segments.coding(pdu, alphabet)
    assert coding.alphabet is alphabet
    assert segments.units(octets, alphabet, coding.shifts) >= 1
    try:
        text.decode(alphabet, octets, coding.shifts, coding.fill_bits)
    except TextError:
        assert not coding.shifts.known


def _check_refusal(error: PduError) -> None:
    assert not error.fatal
    assert error.command_status in _STATUSES
