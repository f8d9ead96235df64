"""A stream of octets, as both sides' sockets give it: `corpus/framer` holds streams of PDUs.

Frames come out the same in any pieces, and nothing is gathered for a length that will be refused. A body is a
PDU or a PduError that can be answered; what was read can be written, and reads the same again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from smpp import codec
from smpp.errors import PduError
from smpp.framer import Frame, Framer
from smpp.pdu import DeliverSm, Pdu, QuerySmResp, SubmitMultiResp, SubmitSm
from smpp.status import CommandStatus
from tests.fuzz.chunks import octets, pieces, whole

PDU_MAX = 1024
_HEADER = 16
# What an empty query_sm_resp becomes: two strings, two numbers.
_NULS_MAX = 4


def target(data: bytes) -> None:
    """One stream."""
    frames, fault, left = _read(whole(data))
    assert sum(_HEADER + len(frame.body) for frame in frames) + left == len(data)
    assert fault is None or (fault.fatal, fault.command_status) == (True, CommandStatus.ESME_RINVCMDLEN)
    for way in (octets, pieces):
        in_pieces, fault_in_pieces, _ = _read(way(data))
        assert in_pieces == frames
        assert str(fault_in_pieces) == str(fault)
    for frame in frames:
        _check_frame(frame)


def _read(chunks: Iterable[bytes]) -> tuple[list[Frame], PduError | None, int]:
    """The frames, the reason why there are no more, and how many octets no frame has taken."""
    framer = Framer(PDU_MAX)
    frames: list[Frame] = []
    for chunk in chunks:
        framer.feed(chunk)
        try:
            while (frame := framer.next_frame()) is not None:
                frames.append(frame)
        except PduError as fault:
            return frames, fault, framer.buffered
        assert framer.buffered < PDU_MAX
    return frames, None, framer.buffered


def _check_frame(frame: Frame) -> None:
    command_id, body = frame.command_id, frame.body
    loose = _decoded(command_id, body, strict=False)
    strict = _decoded(command_id, body, strict=True)
    if isinstance(loose, PduError):
        assert isinstance(strict, PduError)
        return
    is_strict = not isinstance(strict, PduError)
    assert not is_strict or strict == loose, "strictness refuses, it does not change"
    written = codec.encode(loose, frame.sequence_number, frame.command_status)
    [again], fault, _ = _read([written])
    assert fault is None
    assert replace(again, body=body) == frame
    assert codec.decode(command_id, again.body, strict=is_strict) == loose
    if isinstance(loose, SubmitMultiResp):
        assert len(again.body) <= len(body) + _NULS_MAX
    else:
        nuls = bytes(_NULS_MAX if isinstance(loose, QuerySmResp) else 1)
        assert (body + nuls).startswith(again.body), "nothing is made up but the NULs that a response lacks"
    if isinstance(loose, SubmitSm | DeliverSm):
        assert body in (again.body, again.body + b"\0"), "nothing is left out but a stray NUL"
        _check_registered_delivery(loose, body)


def _decoded(command_id: int, body: bytes, *, strict: bool) -> Pdu | PduError:
    found: Pdu | PduError
    try:
        found = codec.decode(command_id, body, strict=strict)
    except PduError as error:
        found = error
    if isinstance(found, PduError):
        assert not found.fatal
        assert found.command_status
    else:
        assert found.command_id == command_id
    return found


def _check_registered_delivery(pdu: SubmitSm | DeliverSm, body: bytes) -> None:
    changed = codec.with_registered_delivery(body, 1)
    assert len(changed) == len(body)
    assert codec.decode(pdu.command_id, changed, strict=False) == replace(pdu, registered_delivery=1)
