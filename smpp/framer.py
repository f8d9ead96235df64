"""Octets of a stream, in whatever pieces they come, into frames.

A chunk that starts at a frame's border is cut up where it lies. What comes while a frame is incomplete is put
aside and joined to it once, when the frame is whole, so the work stays linear however small the pieces are.
The announced length is judged as soon as its four octets are there: nothing is gathered for a frame that
would be refused.
"""

from __future__ import annotations

from smpp.errors import PduError
from smpp.spec import HEADER
from smpp.status import CommandStatus
from smpp.value import value

_HEADER_LENGTH = HEADER.size
_LENGTH_OCTETS = 4


@value(frozen=True, slots=True)
class Frame:
    """A PDU with its header read (SMPP 3.4, 3.2) and its body as it came."""

    command_id: int
    command_status: int
    sequence_number: int
    body: bytes


class Framer:
    """Cuts one direction of a connection into frames of at most `pdu_max` octets.

    `pdu_max` may be changed at any time and holds for the next frame whose length is read.
    """

    __slots__ = ("_data", "_start", "_tail", "_wanted", "pdu_max")

    def __init__(self, pdu_max: int) -> None:
        self.pdu_max = pdu_max
        self._data = b""
        self._start = 0
        self._tail = bytearray()
        self._wanted = _LENGTH_OCTETS

    @property
    def buffered(self) -> int:
        """How many octets are held that no frame has taken yet."""
        return len(self._data) - self._start + len(self._tail)

    def feed(self, data: bytes) -> None:
        """Take the next octets of the stream."""
        if self._start == len(self._data) and not self._tail:
            self._data = data
            self._start = 0
        else:
            self._tail += data

    def next_frame(self) -> Frame | None:
        """The next whole frame, None until more octets come.

        Raises a fatal PduError (ESME_RINVCMDLEN), on every call, for a length below 16 or above `pdu_max`.
        """
        data, start = self._data, self._start
        available = len(data) - start
        if available >= _HEADER_LENGTH:
            length, command_id, command_status, sequence_number = HEADER.unpack_from(data, start)
            if _HEADER_LENGTH <= length <= self.pdu_max and available >= length:
                self._start = end = start + length
                return Frame(command_id, command_status, sequence_number, data[start + _HEADER_LENGTH : end])
        return self._next_frame()

    def _next_frame(self) -> Frame | None:
        """The same for what is no whole frame where it lies."""
        frame = self._cut()
        if frame is None and self._tail and self.buffered >= self._wanted:
            self._data = self._data[self._start :] + bytes(self._tail)
            self._start = 0
            self._tail.clear()
            frame = self._cut()
        if frame is None and self._start:
            # A whole chunk is not kept for the sake of its last octets, or of none.
            self._data = self._data[self._start :]
            self._start = 0
        return frame

    def _cut(self) -> Frame | None:
        data, start = self._data, self._start
        available = len(data) - start
        if available < _HEADER_LENGTH:
            if available < _LENGTH_OCTETS:
                self._wanted = _LENGTH_OCTETS
            else:
                self._wanted = self._checked(int.from_bytes(data[start : start + _LENGTH_OCTETS]))
            return None
        length, command_id, command_status, sequence_number = HEADER.unpack_from(data, start)
        if available < self._checked(length):
            self._wanted = length
            return None
        self._start = end = start + length
        return Frame(command_id, command_status, sequence_number, data[start + _HEADER_LENGTH : end])

    def _checked(self, length: int) -> int:
        if _HEADER_LENGTH <= length <= self.pdu_max:
            return length
        reason = f"command_length {length} is not within {_HEADER_LENGTH} and {self.pdu_max}"
        raise PduError(CommandStatus.ESME_RINVCMDLEN, reason, fatal=True)
