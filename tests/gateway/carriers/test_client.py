from __future__ import annotations

import gc
import inspect
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from smpplib import consts, exceptions, smpp
from smpplib.client import Client

from gateway.carriers.client import CarrierClient
from gateway.settings import BindType, InterfaceVersion
from smpp.framer import Frame
from tests.gateway.carriers.peer import BIND_TRANSCEIVER_RESP, UNBIND_RESP, tlv
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.raw_pdus import ENQUIRE_LINK, UNBIND, raw


class Wire:
    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def loseConnection(self) -> None:
        self.closed = True


@pytest.fixture
def wire() -> Wire:
    return Wire()


def a_client(wire: Wire, **settings: Any) -> CarrierClient:
    return CarrierClient(a_carrier(**settings), wire, count(1).__next__)


def a_bound_client(wire: Wire) -> CarrierClient:
    client = a_client(wire)
    client.send_bind()
    client.take(Frame(BIND_TRANSCEIVER_RESP, 0, 1, b"SMSC\0"))
    wire.written = b""
    return client


# -- what we need of smpplib that it does not promise


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (Client._recv_exact, ["self", "exact_size"]),
        (Client.read_pdu, ["self"]),
        (Client.send_pdu, ["self", "p"]),
        (Client.connect, ["self"]),
        (Client.next_sequence, ["self"]),
        (smpp.make_pdu, ["command_name", "kwargs"]),
    ],
)
def test_smpplib_still_has_the_functions_that_the_client_calls_or_replaces(
    function: Callable[..., object], parameters: list[str]
) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_smpplibs_client_still_takes_the_arguments_that_we_give_it() -> None:
    parameters = inspect.signature(Client.__init__).parameters
    assert {"host", "port", "sequence_generator", "logger_name", "allow_unknown_opt_params"} <= set(
        parameters
    )


def test_smpplibs_client_still_keeps_its_socket_and_its_state_where_we_set_them() -> None:
    assert Client._socket is None
    assert Client.state == consts.SMPP_CLIENT_STATE_CLOSED


def test_smpplib_still_reads_through_recv_exact_and_follows_the_bind_response() -> None:
    octets = raw(BIND_TRANSCEIVER_RESP, b"SMSC\0")

    class Fed(Client):  # type: ignore[misc]  # smpplib has no types
        def _recv_exact(self, exact_size: int) -> bytes:
            nonlocal octets
            taken, octets = octets[:exact_size], octets[exact_size:]
            return taken

    client = Fed("host", 1, allow_unknown_opt_params=True)
    client.read_pdu()
    assert client.state == consts.SMPP_CLIENT_STATE_BOUND_TRX
    assert octets == b""


# -- what it sends


@pytest.mark.parametrize(
    ("bind_type", "command_id"),
    [(BindType.RECEIVER, 1), (BindType.TRANSMITTER, 2), (BindType.TRANSCEIVER, 9)],
)
def test_a_bind_is_sent_as_the_specification_writes_it(
    wire: Wire, bind_type: BindType, command_id: int
) -> None:
    a_client(wire, bind_type=bind_type, system_type="VMA").send_bind()
    body = b"signet\0" + b"sesame\0" + b"VMA\0" + b"\x34\0\0" + b"\0"
    assert wire.written == raw(command_id, body, sequence_number=1)


@pytest.mark.parametrize(
    ("version", "octet"),
    [(InterfaceVersion.V33, b"\x33"), (InterfaceVersion.V34, b"\x34"), (InterfaceVersion.V50, b"\x50")],
)
def test_a_bind_says_the_version_that_the_settings_do(
    wire: Wire, version: InterfaceVersion, octet: bytes
) -> None:
    a_client(wire, interface_version=version).send_bind()
    assert wire.written[16:] == b"signet\0sesame\0\0" + octet + b"\0\0\0"


def test_the_longest_names_that_the_settings_allow_are_sent_whole(wire: Wire) -> None:
    a_client(wire, system_id="s" * 15, password="p" * 8, system_type="t" * 12).send_bind()
    assert wire.written[16:] == b"s" * 15 + b"\0" + b"p" * 8 + b"\0" + b"t" * 12 + b"\0\x34\0\0\0"


def test_the_number_of_the_bind_is_remembered(wire: Wire) -> None:
    client = CarrierClient(a_carrier(), wire, count(41).__next__)
    client.send_bind()
    assert client.bind_sequence == 41


def test_every_request_takes_the_next_number(wire: Wire) -> None:
    client = a_bound_client(wire)
    client.send_enquire_link()
    client.send_unbind()
    first = int.from_bytes(wire.written[12:16])
    assert wire.written == raw(ENQUIRE_LINK, b"", first) + raw(UNBIND, b"", first + 1)


def test_the_answer_to_the_carriers_unbind_has_its_number(wire: Wire) -> None:
    client = a_bound_client(wire)
    client.send_unbind_resp(77)
    assert wire.written == raw(UNBIND_RESP, b"", 77)


def test_the_client_opens_no_connection_of_its_own(wire: Wire) -> None:
    with pytest.raises(exceptions.ConnectionError):
        a_client(wire).connect()


def test_disconnecting_closes_the_connection_that_it_was_given(wire: Wire) -> None:
    a_client(wire).disconnect()
    assert wire.closed


def test_a_client_that_is_let_go_of_says_nothing(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    a_bound_client(wire)
    gc.collect()
    assert caplog.records == []


# -- its state


@pytest.mark.parametrize(
    ("bind_type", "response", "transmits"),
    [
        (BindType.RECEIVER, 0x80000001, False),
        (BindType.TRANSMITTER, 0x80000002, True),
        (BindType.TRANSCEIVER, 0x80000009, True),
    ],
)
def test_only_a_bound_transmitter_or_transceiver_may_submit(
    wire: Wire, bind_type: BindType, response: int, transmits: bool
) -> None:
    client = a_client(wire, bind_type=bind_type)
    client.send_bind()
    assert not client.is_bound()
    assert not client.transmits
    client.take(Frame(response, 0, 1, b"SMSC\0"))
    assert client.is_bound()
    assert client.transmits == transmits


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"SMSC",
        b"a system id that is much longer than the specification allows\0",
        b"SMSC\0" + tlv(0x0210, b"\x34"),
        b"SMSC\0" + tlv(0x1400, b"vendor"),
        # smpplib knows user_message_reference, but not in a bind response.
        b"SMSC\0" + tlv(0x0204, b"\0\x01"),
        b"SMSC\0\x02",
    ],
)
def test_a_bind_is_accepted_whatever_stands_in_the_body_of_the_answer(wire: Wire, body: bytes) -> None:
    client = a_client(wire)
    client.send_bind()
    client.take(Frame(BIND_TRANSCEIVER_RESP, 0, 1, body))
    assert client.is_bound()


def test_a_granted_unbind_ends_the_bind(wire: Wire) -> None:
    client = a_bound_client(wire)
    client.send_unbind()
    client.take(Frame(UNBIND_RESP, 0, 2, b""))
    assert not client.is_bound()
    assert not client.transmits
