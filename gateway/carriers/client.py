"""smpplib's `Client` on the reactor: no socket of its own, no blocking, no thread.

smpplib keeps what it is good at: the bind, unbind and enquire_link PDUs, the state of the session, which
command is legal in which state, and the counting of sequence numbers. Its socket is a stand-in that writes to
a Twisted transport, and its `read_pdu` reads from the one frame at hand, so it never waits. What comes in
volume or from strangers (submit_sm, deliver_sm and their responses) goes through our own bounded codec.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from smpplib import consts, exceptions, smpp
from smpplib.client import Client

from gateway.settings import Carrier
from smpp import codec
from smpp.framer import Frame

# smpplib warns of every TLV that it does not know; carriers send such TLVs with every PDU.
logging.getLogger("smpplib.command").setLevel(logging.ERROR)

_BOUND = (
    consts.SMPP_CLIENT_STATE_BOUND_TX,
    consts.SMPP_CLIENT_STATE_BOUND_RX,
    consts.SMPP_CLIENT_STATE_BOUND_TRX,
)


class Transport(Protocol):
    """What the client needs of a connection."""

    def write(self, data: bytes) -> None: ...
    def loseConnection(self) -> None: ...


class _Socket:
    """Stands where smpplib expects its socket."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def sendall(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.loseConnection()


class _Numbers:
    """smpplib's sequence generator, drawing from the window's numbers so that none is used twice."""

    def __init__(self, next_number: Callable[[], int]) -> None:
        self._next = next_number
        self.sequence = 0

    def next_sequence(self) -> int:
        self.sequence = self._next()
        return self.sequence


class CarrierClient(Client):  # type: ignore[misc]  # smpplib has no types
    """One SMPP session of ours with a carrier, on `transport`.

    `next_number` gives sequence numbers. Every method returns at once; answers come as frames.
    """

    def __init__(self, carrier: Carrier, transport: Transport, next_number: Callable[[], int]) -> None:
        super().__init__(
            carrier.host,
            carrier.port,
            sequence_generator=_Numbers(next_number),
            logger_name="smpplib.client",
            allow_unknown_opt_params=True,
        )
        self._carrier = carrier
        self._frame = b""
        self.bind_sequence = 0
        self._socket = _Socket(transport)
        self.state = consts.SMPP_CLIENT_STATE_OPEN

    def is_bound(self) -> bool:
        """Whether the carrier has accepted our bind."""
        return self.state in _BOUND

    @property
    def transmits(self) -> bool:
        """Whether submit_sm is legal now."""
        return self.state in (consts.SMPP_CLIENT_STATE_BOUND_TX, consts.SMPP_CLIENT_STATE_BOUND_TRX)

    def connect(self) -> None:
        """The connection is made by the reactor; always raises."""
        raise exceptions.ConnectionError("this client is given its connection")

    def send_bind(self) -> None:
        """Send the bind that the settings ask for; its answer is to be given to `take`."""
        pdu = smpp.make_pdu(
            f"bind_{self._carrier.bind_type}",
            client=self,
            system_id=self._carrier.system_id,
            password=self._carrier.password,
            system_type=self._carrier.system_type,
        )
        # smpplib lets no keyword change this one.
        pdu.interface_version = self._carrier.interface_version.octet
        self.bind_sequence = pdu.sequence
        self.send_pdu(pdu)

    def send_unbind(self) -> None:
        """Ask to part; the answer is to be given to `take`."""
        self.send_pdu(smpp.make_pdu("unbind", client=self))

    def send_enquire_link(self) -> None:
        """Ask whether the carrier is still there."""
        self.send_pdu(smpp.make_pdu("enquire_link", client=self))

    def send_unbind_resp(self, sequence_number: int) -> None:
        """Grant the carrier's unbind."""
        answer = smpp.make_pdu("unbind_resp", client=self)
        answer.sequence = sequence_number
        self.send_pdu(answer)

    def take(self, frame: Frame) -> None:
        """Let smpplib read the answer to a bind or unbind, so that its state follows."""
        # Without the body: smpplib stumbles over TLVs that it does not expect, and nobody reads them.
        self._frame = codec.frame(frame.command_id, frame.command_status, frame.sequence_number, b"")
        self.read_pdu()

    def __del__(self) -> None:
        """smpplib warns here of an open socket; the connection is not ours to close."""

    def _recv_exact(self, exact_size: int) -> bytes:
        taken, self._frame = self._frame[:exact_size], self._frame[exact_size:]
        return taken
