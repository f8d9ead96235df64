"""Our codec against smpplib's: the same fields give the same octets, and each reads what the other wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.smpp import make_pdu, parse_pdu

from smpp import codec
from smpp.address import Address
from smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    DataSm,
    DeliverSm,
    QuerySm,
    QuerySmResp,
    SubmitSm,
)
from tests.smpp.pdu_strategies import (
    BINDS,
    DATA_SMS,
    DELIVER_SMS,
    QUERY_SM_RESPS,
    QUERY_SMS,
    SUBMIT_SMS,
    addresses,
    strings,
)

NAMES = {0x01: "bind_receiver", 0x02: "bind_transmitter", 0x09: "bind_transceiver"}

# TLVs that smpplib writes and reads as the specification says, in the order in which it writes them.
INTEGERS = {
    "user_message_reference": (0x0204, 2),
    "source_port": (0x020A, 2),
    "destination_port": (0x020B, 2),
    "payload_type": (0x0019, 1),
    "privacy_indicator": (0x0201, 1),
    "language_indicator": (0x020D, 1),
    "its_session_info": (0x1383, 2),
}
HIGHEST = {"payload_type": 1, "privacy_indicator": 3}
IN_SMPPLIBS_ORDER = {
    SubmitSm: (
        "user_message_reference",
        "source_port",
        "destination_port",
        "payload_type",
        "privacy_indicator",
        "language_indicator",
        "its_session_info",
    ),
    DeliverSm: (
        "user_message_reference",
        "source_port",
        "destination_port",
        "privacy_indicator",
        "payload_type",
        "language_indicator",
        "its_session_info",
    ),
}


def by_smpplib(name: str, sequence_number: int = 1, **fields: object) -> bytes:
    """A PDU of smpplib's encoder."""
    pdu = make_pdu(name, client=None, sequence=0, **fields)
    pdu.sequence = sequence_number
    if "interface_version" in fields:
        pdu.interface_version = fields["interface_version"]
    return cast(bytes, pdu.generate())


def mandatory(pdu: SubmitSm | DeliverSm) -> dict[str, object]:
    """The mandatory fields under smpplib's names."""
    return {
        "service_type": pdu.service_type,
        "source_addr_ton": pdu.source.ton,
        "source_addr_npi": pdu.source.npi,
        "source_addr": pdu.source.addr,
        "dest_addr_ton": pdu.destination.ton,
        "dest_addr_npi": pdu.destination.npi,
        "destination_addr": pdu.destination.addr,
        "esm_class": pdu.esm_class,
        "protocol_id": pdu.protocol_id,
        "priority_flag": pdu.priority_flag,
        "schedule_delivery_time": pdu.schedule_delivery_time,
        "validity_period": pdu.validity_period,
        "registered_delivery": pdu.registered_delivery,
        "replace_if_present_flag": pdu.replace_if_present_flag,
        "data_coding": pdu.data_coding,
        "sm_default_msg_id": pdu.sm_default_msg_id,
        "short_message": pdu.short_message,
    }


def body_of(octets: bytes) -> bytes:
    return octets[16:]


MESSAGES = st.one_of(SUBMIT_SMS, DELIVER_SMS)
SOME_INTEGERS = st.fixed_dictionaries(
    {}, optional={name: st.integers(0, HIGHEST.get(name, 255)) for name in sorted(INTEGERS)}
)


@given(MESSAGES, SOME_INTEGERS, st.integers(1, 0x7FFFFFFF))
def test_the_same_message_gives_the_same_octets(
    message: SubmitSm | DeliverSm, integers: dict[str, int], sequence_number: int
) -> None:
    order = [name for name in IN_SMPPLIBS_ORDER[type(message)] if name in integers]
    tlvs = tuple((INTEGERS[name][0], integers[name].to_bytes(INTEGERS[name][1])) for name in order)
    ours = replace(message, tlvs=tlvs)
    name = "submit_sm" if isinstance(message, SubmitSm) else "deliver_sm"
    theirs = by_smpplib(name, sequence_number, **mandatory(ours), **integers)
    assert codec.encode(ours, sequence_number) == theirs
    assert codec.decode(ours.command_id, body_of(theirs)) == ours


@given(MESSAGES, SOME_INTEGERS)
def test_smpplib_reads_what_we_write(message: SubmitSm | DeliverSm, integers: dict[str, int]) -> None:
    tlvs = tuple((INTEGERS[name][0], value.to_bytes(INTEGERS[name][1])) for name, value in integers.items())
    parsed = parse_pdu(codec.encode(replace(message, tlvs=tlvs), 77), client=None, sequence=0)
    assert parsed.sequence == 77
    for name, value in mandatory(message).items():
        # smpplib leaves a field None when the PDU ends before it, as an empty short_message does.
        read = getattr(parsed, name)
        assert (b"" if read is None else read) == (
            value.encode("latin-1") if isinstance(value, str) else value
        )
    assert {name: getattr(parsed, name) for name in integers} == integers


@given(SUBMIT_SMS, st.binary(min_size=1, max_size=600))
def test_message_payload_gives_the_same_octets(message: SubmitSm, payload: bytes) -> None:
    fields = mandatory(message) | {"short_message": b"", "message_payload": payload}
    pdu = codec.decode(message.command_id, body_of(by_smpplib("submit_sm", 1, **fields)))
    assert isinstance(pdu, SubmitSm)
    assert pdu.tlvs == ((0x0424, payload),)
    assert pdu.payload == payload


def test_a_receipt_of_smpplib_is_read_with_its_tlvs() -> None:
    octets = by_smpplib(
        "deliver_sm",
        source_addr="8613800138000",
        destination_addr="ACME",
        esm_class=4,
        short_message=b"id:42 stat:DELIVRD err:000",
        network_error_code=b"\x03\x00\x00",
        message_state=2,
        receipted_message_id="42",
    )
    pdu = codec.decode(0x05, body_of(octets))
    assert isinstance(pdu, DeliverSm)
    assert pdu.tlvs == ((0x0423, b"\x03\x00\x00"), (0x0427, b"\x02"), (0x001E, b"42\0"))
    assert codec.encode(pdu, 1) == octets


@given(DATA_SMS, st.integers(0, 0xFFFF))
def test_a_data_sm_gives_the_same_octets(message: DataSm, reference: int) -> None:
    payload = message.payload
    ours = replace(message, tlvs=((0x0424, payload or b"x"), (0x0204, reference.to_bytes(2))))
    theirs = by_smpplib(
        "data_sm",
        service_type=ours.service_type,
        source_addr_ton=ours.source.ton,
        source_addr_npi=ours.source.npi,
        source_addr=ours.source.addr,
        dest_addr_ton=ours.destination.ton,
        dest_addr_npi=ours.destination.npi,
        destination_addr=ours.destination.addr,
        esm_class=ours.esm_class,
        registered_delivery=ours.registered_delivery,
        data_coding=ours.data_coding,
        message_payload=payload or b"x",
        user_message_reference=reference,
    )
    assert codec.encode(ours, 1) == theirs
    assert codec.decode(ours.command_id, body_of(theirs)) == ours


@given(QUERY_SMS)
def test_a_query_sm_gives_the_same_octets(query: QuerySm) -> None:
    theirs = by_smpplib(
        "query_sm",
        message_id=query.message_id,
        source_addr_ton=query.source.ton,
        source_addr_npi=query.source.npi,
        source_addr=query.source.addr,
    )
    assert codec.encode(query, 1) == theirs
    assert codec.decode(query.command_id, body_of(theirs)) == query


@given(QUERY_SM_RESPS)
def test_smpplib_reads_our_query_sm_resp(resp: QuerySmResp) -> None:
    parsed = parse_pdu(codec.encode(resp, 7), client=None, sequence=0)
    assert (parsed.sequence, parsed.message_id) == (7, resp.message_id.encode("latin-1"))
    assert (parsed.final_date, parsed.message_state) == (resp.final_date.encode(), resp.message_state)
    assert parsed.error_code == resp.error_code


@given(addresses(strings(20)), addresses(strings(20)), st.integers(0, 2))
def test_an_alert_notification_gives_the_same_octets(source: Address, esme: Address, status: int) -> None:
    theirs = by_smpplib(
        "alert_notification",
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.addr,
        esme_addr_ton=esme.ton,
        esme_addr_npi=esme.npi,
        esme_addr=esme.addr,
        ms_availability_status=status,
    )
    ours = AlertNotification(source, esme, ((0x0422, bytes((status,))),))
    assert codec.encode(ours, 1) == theirs
    assert codec.decode(ours.command_id, body_of(theirs)) == ours


@given(BINDS)
def test_a_bind_gives_the_same_octets(pdu: Bind) -> None:
    theirs = by_smpplib(
        NAMES[pdu.command_id],
        system_id=pdu.system_id,
        password=pdu.password,
        system_type=pdu.system_type,
        interface_version=pdu.interface_version,
        addr_ton=pdu.address.ton,
        addr_npi=pdu.address.npi,
        address_range=pdu.address.addr,
    )
    assert codec.encode(pdu, 1) == theirs
    assert codec.decode(pdu.command_id, body_of(theirs)) == pdu


@pytest.mark.parametrize("command_id", sorted(NAMES))
def test_a_bind_resp_gives_the_same_octets(command_id: int) -> None:
    resp = BindResp(command_id | 0x80000000, "smsc", ((0x0210, b"\x34"),))
    theirs = by_smpplib(f"{NAMES[command_id]}_resp", 5, system_id="smsc", sc_interface_version=0x34)
    assert codec.encode(resp, 5) == theirs
    assert codec.decode(resp.command_id, body_of(theirs)) == resp


@given(
    st.sampled_from(["submit_sm_resp", "deliver_sm_resp", "data_sm_resp"]),
    st.text(alphabet="0123456789abcdef-", max_size=64),
)
def test_a_message_response_gives_the_same_octets(name: str, message_id: str) -> None:
    theirs = by_smpplib(name, 9, message_id=message_id)
    pdu = codec.decode(int.from_bytes(theirs[4:8]), body_of(theirs))
    assert getattr(pdu, "message_id", None) == message_id
    assert codec.encode(pdu, 9) == theirs


@pytest.mark.parametrize(
    "name", ["enquire_link", "enquire_link_resp", "unbind", "unbind_resp", "generic_nack"]
)
def test_a_pdu_without_a_body_gives_the_same_octets(name: str) -> None:
    theirs = by_smpplib(name, 3)
    assert codec.encode(codec.decode(int.from_bytes(theirs[4:8]), b""), 3) == theirs
