"""Every PDU that the gateway sends, to customers and to carriers, as Wireshark's dissector reads it.

The scene has a gateway say all that it can; what it learns to send belongs in there, and its command_id, or
what is new in its fields, in here.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from smpp.commands import CommandId
from tests.interop import scene
from tests.interop.program import lacking
from tests.interop.tshark import TSHARK, dissect
from tests.interop.wiretap import Recording

TO_CUSTOMERS = {
    CommandId.GENERIC_NACK,
    CommandId.BIND_RECEIVER_RESP,
    CommandId.BIND_TRANSMITTER_RESP,
    CommandId.BIND_TRANSCEIVER_RESP,
    CommandId.SUBMIT_SM_RESP,
    CommandId.DELIVER_SM,
    CommandId.UNBIND,
    CommandId.UNBIND_RESP,
    CommandId.ENQUIRE_LINK,
    CommandId.ENQUIRE_LINK_RESP,
    CommandId.SUBMIT_MULTI_RESP,
    CommandId.DATA_SM_RESP,
    CommandId.QUERY_SM_RESP,
    CommandId.CANCEL_SM_RESP,
    CommandId.REPLACE_SM_RESP,
}
TO_CARRIERS = {
    CommandId.GENERIC_NACK,
    CommandId.BIND_RECEIVER,
    CommandId.BIND_TRANSMITTER,
    CommandId.BIND_TRANSCEIVER,
    CommandId.SUBMIT_SM,
    CommandId.DELIVER_SM_RESP,
    CommandId.UNBIND,
    CommandId.UNBIND_RESP,
    CommandId.ENQUIRE_LINK,
    CommandId.ENQUIRE_LINK_RESP,
    CommandId.DATA_SM_RESP,
}

# What the fields of what is sent must say, among other things: patterns for the whole of a value.
_RECEIPT = "id:{} sub:001 dlvrd:00[01] submit date:{} done date:{} stat:[A-Z]{{7}} err:000 text:"
SAID_TO_CUSTOMERS = {
    "smpp.error_status_code": {"0x0000000b", "0x00000044"},
    "smpp.final_date": {r"\w+ +\d+, 20\d\d [0-9:.]+ UTC"},
    "smpp.message_state": {"1", "2", "3", "4", "5", "8"},
    "smpp.network_error.code": {"0x0000"},
    "smpp.receipted_message_id": {r"\d{19}", "[0-9a-f]{16}"},
    "smpp.congestion_state": {"0"},
    "smpp.message_payload": {scene.LONG.encode("utf-16-be").hex()},
    "gsm_sms.udh.mm.msg_part": {"1", "2", "3", "4"},
    "smpp.message": {
        _RECEIPT.format(r"\d{19}", r"\d{10}", r"\d{10}"),
        _RECEIPT.format("[0-9a-f]{16}", r"\d{12}", r"\d{12}"),
        _RECEIPT.format(r"\d{19}", r"20\d{12}", r"20\d{12}"),
        _RECEIPT.format("[0-9a-f]{8}", r"\d{10}", r"\d{10}"),  # to one of SMPP 3.3
    },
}
SAID_TO_CARRIERS = {
    "gsm_sms.ie_identifier": {"0x00", "0x08"},
    "gsm_sms.udh.mm.msg_part": {"1", "2", "3", "4"},
    "smpp.sar_total_segments": {"4"},
    "smpp.sar_segment_seqnum": {"1", "2", "3", "4"},
    "smpp.message_payload": {scene.LONG.encode("utf-16-be").hex()},
}


class Line:
    """What crossed between the gateway and customers, or carriers, and what tshark says of it."""

    def __init__(
        self, recording: Recording, capture: Path, gateway_serves: bool, wanted: Mapping[str, object]
    ) -> None:
        recording.write(capture)
        self.pdus = recording.pdus(from_server=gateway_serves)
        packets = dissect(capture, list(wanted))
        self.packets = [packet for packet in packets if packet.from_server == gateway_serves]
        self.values: dict[str, set[str]] = defaultdict(set)
        for packet in self.packets:
            for field, values in packet.values.items():
                self.values[field].update(values)

    @property
    def dissected(self) -> list[int]:
        """The command_ids that tshark saw."""
        return [command_id for packet in self.packets for command_id in packet.command_ids]

    def says(self, field: str, pattern: str) -> bool:
        """Whether a field has a value of this form. Of a short_message tshark tells the octets."""
        values = self.values[field]
        if field == "smpp.message":
            values = {bytes.fromhex(value).decode("latin-1") for value in values}
        return any(re.fullmatch(pattern, value) for value in values)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Line]:
    """The lines of a gateway that has sent all that it can send."""
    if TSHARK is None:
        lacking("tshark")
    folder = tmp_path_factory.mktemp("tshark")
    customers, carriers = scene.play(folder)
    return {
        "customers": Line(customers, folder / "customers.pcap", True, SAID_TO_CUSTOMERS),
        "carriers": Line(carriers, folder / "carriers.pcap", False, SAID_TO_CARRIERS),
    }


@pytest.mark.parametrize(
    ("peers", "demanded", "said"),
    [
        ("customers", TO_CUSTOMERS, SAID_TO_CUSTOMERS),
        ("carriers", TO_CARRIERS, SAID_TO_CARRIERS),
    ],
    ids=["customers", "carriers"],
)
def test_tshark_has_nothing_against_what_the_gateway_sends(
    lines: dict[str, Line], peers: str, demanded: set[CommandId], said: dict[str, set[str]]
) -> None:
    line = lines[peers]
    assert [packet for packet in line.packets if packet.complaints] == []
    assert sorted(line.dissected) == sorted(pdu.command_id for pdu in line.pdus)
    assert {CommandId(command_id) for command_id in line.dissected} >= demanded
    unsaid = [(field, one) for field, forms in said.items() for one in forms if not line.says(field, one)]
    assert unsaid == []


def test_tshark_has_nothing_against_the_reason_of_a_refusal(lines: dict[str, Line], tmp_path: Path) -> None:
    reasons = [pdu for pdu in lines["customers"].pdus if pdu.command_status and pdu.body]
    assert {pdu.command_id for pdu in reasons} == {CommandId.SUBMIT_SM_RESP, CommandId.DATA_SM_RESP}
    # tshark 4.0 skips the body of any response with an error status, though SMPP 3.4 has this TLV for nothing
    # else (5.3.2.11). So it is shown these with status 0.
    recording = Recording()
    stream = recording.open()
    for pdu in reasons:
        head = struct.pack(">4L", 16 + len(pdu.body), pdu.command_id, 0, pdu.sequence_number)
        recording.add(stream, True, head + pdu.body)
    field = "smpp.additional_status_info_text"
    line = Line(recording, tmp_path / "reasons.pcap", True, {field: ()})
    assert [packet.complaints for packet in line.packets] == [()] * len(reasons)
    assert line.says(field, "SIGNATURE_MISSING .*: .*")


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(struct.pack(">4L", 20, CommandId.SUBMIT_SM_RESP, 0, 1) + b"1234", id="no NUL"),
        pytest.param(struct.pack(">4L", 25, CommandId.DELIVER_SM, 0, 1) + b"\0" * 9, id="cut short"),
    ],
)
def test_tshark_does_complain_about_what_is_malformed(tmp_path: Path, octets: bytes) -> None:
    if TSHARK is None:
        lacking("tshark")
    recording = Recording()
    recording.add(recording.open(), True, octets)
    recording.write(tmp_path / "malformed.pcap")
    [packet] = dissect(tmp_path / "malformed.pcap")
    assert packet.complaints
