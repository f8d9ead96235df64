"""A customer: a stock `smpplib.client.Client`, blocking, as a small customer's program would drive it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from smpplib import consts, exceptions
from smpplib.client import Client

from tests.e2e.config import PASSWORD

GREETING = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"


@dataclass(frozen=True)
class Answer:
    """What the gateway answered to a submit_sm."""

    status: int
    message_id: str


@dataclass(frozen=True)
class Delivered:
    """A deliver_sm as smpplib has read it; `receipted` is the TLV receipted_message_id."""

    source: str
    destination: str
    esm_class: int
    data_coding: int
    octets: bytes
    receipted: str
    state: int | None

    @classmethod
    def of(cls, pdu: Any) -> Delivered:
        """What matters of smpplib's PDU."""
        return cls(
            pdu.source_addr.decode(),
            pdu.destination_addr.decode(),
            pdu.esm_class,
            pdu.data_coding,
            pdu.short_message or b"",
            (pdu.receipted_message_id or b"").decode(),
            pdu.message_state,
        )

    @property
    def fields(self) -> dict[str, str]:
        """The words of a receipt's text, up to its dates, and its `stat` and `err`."""
        words = self.octets.decode("ascii").split(" ")
        return dict(word.split(":", 1) for word in words if ":" in word)


class Customer:
    """One bind of `system_id`; `bind_type` is "transmitter", "receiver" or "transceiver", "" for none yet.

    Nothing is waited for longer than `timeout_s`; smpplib then raises TimeoutError.
    """

    def __init__(
        self,
        port: int,
        system_id: str,
        password: str = PASSWORD,
        bind_type: str = "transceiver",
        timeout_s: float = 15.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        # smpplib as it comes: a TLV that it does not know is an error.
        self.client = Client(
            "127.0.0.1", port, timeout=timeout_s, allow_unknown_opt_params=False, ssl_context=tls
        )
        self.client.set_message_sent_handler(self._sent)
        self.client.set_error_pdu_handler(self._sent)
        self.client.set_message_received_handler(self._received)
        self._answers: dict[int, Answer] = {}
        self.deliveries: list[Delivered] = []
        try:
            self.client.connect()
            if bind_type:
                bind = getattr(self.client, f"bind_{bind_type}")
                self.bind_resp = bind(system_id=system_id, password=password)
        except BaseException:
            self.leave()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    # -- messages

    def send(self, text: str, destination: str, **fields: object) -> int:
        """Submit a text in UCS-2 and do not wait; its sequence number."""
        octets = text.encode("utf-16-be")
        place = "short_message" if len(octets) <= 254 else "message_payload"
        asked: dict[str, object] = {
            "source_addr": "10690001",
            "destination_addr": destination,
            "data_coding": consts.SMPP_ENCODING_ISO10646,
            "registered_delivery": 1,
            place: octets,
        }
        return int(self.client.send_message(**asked | fields).sequence)

    def answer(self, sequence: int) -> Answer:
        """Read on until that submit_sm is answered."""
        self.read_until(lambda: sequence in self._answers)
        return self._answers.pop(sequence)

    def submit(self, text: str, destination: str, **fields: object) -> Answer:
        """Submit a text in UCS-2 and wait for the answer."""
        return self.answer(self.send(text, destination, **fields))

    def accepted(self, text: str, destination: str, **fields: object) -> str:
        """Submit a text that must be accepted; its message id."""
        answer = self.submit(text, destination, **fields)
        assert answer.status == 0
        return answer.message_id

    def receipt(self, message_id: str) -> Delivered:
        """Read on until the receipt of that message has come."""
        return self.delivery(lambda delivered: delivered.receipted == message_id)

    def delivery(self, wanted: Callable[[Delivered], bool]) -> Delivered:
        """Read on until such a deliver_sm has come."""
        self.read_until(lambda: any(wanted(delivered) for delivered in self.deliveries))
        return next(delivered for delivered in self.deliveries if wanted(delivered))

    def read_until(self, enough: Callable[[], bool]) -> None:
        """Read, and answer, PDU by PDU; smpplib's TimeoutError when none comes."""
        while not enough():
            self.client.read_once(auto_send_enquire_link=False)

    # -- parting

    def unbind(self) -> None:
        """Unbind and see the gateway close."""
        assert self.client.unbind().command == "unbind_resp"
        assert self.is_closed()
        self.leave()

    def is_closed(self) -> bool:
        """Whether the gateway ends the connection, and says nothing more."""
        with suppress(ConnectionResetError):
            return bool(self.client._socket.recv(1) == b"")
        return True

    def leave(self) -> None:
        """Hang up without a word."""
        self.client.state = consts.SMPP_CLIENT_STATE_OPEN
        self.client.disconnect()

    def _sent(self, pdu: Any) -> None:
        message_id = getattr(pdu, "message_id", None) or b""
        self._answers.setdefault(pdu.sequence, Answer(int(pdu.status), message_id.decode()))

    def _received(self, pdu: Any) -> None:
        self.deliveries.append(Delivered.of(pdu))


def refusal_of(port: int, system_id: str, password: str, tls: ssl.SSLContext | None = None) -> int:
    """The command_status of a bind that must be refused."""
    try:
        Customer(port, system_id, password, tls=tls).leave()
    except exceptions.PDUError as error:
        return int(error.args[1])
    raise AssertionError("the bind was accepted")
