"""docs/conformance.md says what is: its tests exist, and its tables are those of the code."""

from __future__ import annotations

import pytest

from gateway.settings import StatusStyle
from gateway.statuses import GatewayError, status_for
from smpp import spec
from smpp.commands import CommandId
from smpp.spec import TLVS, TlvSpec
from smpp.text import Alphabet, alphabet
from smpp.transitions import Action, Role, State, actions
from tests.document import Document

DOCUMENT = Document("conformance.md")

COLUMNS = (
    State.OPEN,
    State.BOUND_TX,
    State.BOUND_RX,
    State.BOUND_TRX,
    State.UNBINDING,
    State.PEER_UNBINDING,
)
WORDS = {
    Action.BIND: "judged",
    Action.REQUEST: "taken",
    Action.ENQUIRE_LINK: "answered",
    Action.UNBIND: "granted",
    Action.RESPONSE: "matched",
    Action.ENQUIRE_LINK_RESPONSE: "matched",
    Action.UNBIND_RESPONSE: "matched",
    Action.GENERIC_NACK: "matched",
    Action.IGNORE: "ignored",
    Action.WRONG_STATE: "0x04",
    Action.ALREADY_BOUND: "0x05",
    Action.LEAVING: "0x08",
    Action.NOT_OFFERED: "nack 0x03",
}
TABLES = {
    "submit_sm": spec.SUBMIT_SM_TLVS,
    "submit_multi": spec.SUBMIT_MULTI_TLVS,
    "data_sm": spec.DATA_SM_TLVS,
    "deliver_sm": spec.DELIVER_SM_TLVS,
    "replace_sm": spec.REPLACE_SM_TLVS,
    "alert_notification": spec.ALERT_NOTIFICATION_TLVS,
    "bind_resp": spec.BIND_RESP_TLVS,
    "data_sm_resp": spec.DATA_SM_RESP_TLVS,
}


def test_every_test_that_is_named_exists() -> None:
    DOCUMENT.check_tests()


def test_every_line_of_a_table_that_shows_something_names_a_test() -> None:
    DOCUMENT.check_tables()


def test_every_command_has_its_row() -> None:
    named = [name for row in DOCUMENT.rows("PDU | with customers") for name in row[0].split(", ")]
    assert sorted(named) == sorted(command_id.name.lower() for command_id in CommandId)


def test_the_table_of_states_is_that_of_the_session() -> None:
    told = {name: tuple(row[1:]) for row in DOCUMENT.rows("PDU | OPEN") for name in row[0].split(", ")}
    by_state = [actions(Role.SMSC, state) for state in COLUMNS]
    assert told == {
        command_id.name.lower(): tuple(WORDS[column[command_id]] for column in by_state)
        for command_id in CommandId
    }


def test_every_tlv_has_its_row_with_its_octets_and_values() -> None:
    assert [row[:5] for row in DOCUMENT.rows("TLV")] == [tlv_row(tag, known) for tag, known in TLVS.items()]


def tlv_row(tag: int, known: TlvSpec) -> list[str]:
    return [
        known.name,
        f"0x{tag:04X}",
        str(known.least) if known.least == known.most else f"{known.least}-{known.most}",
        "any" if known.highest is None else f"{known.lowest}-{known.highest}",
        ", ".join(name for name, table in TABLES.items() if tag in table),
    ]


def test_the_table_of_alphabets_is_that_of_the_texts() -> None:
    told: dict[int, str] = {}
    for row in DOCUMENT.rows("data_coding | alphabet"):
        for codes in row[0].split(", "):
            if codes != "any other":
                first, _, last = codes.partition("-")
                for data_coding in range(int(first, 16), int(last or first, 16) + 1):
                    assert told.setdefault(data_coding, row[1]) is row[1], data_coding
    others = DOCUMENT.rows("data_coding | alphabet")[-1][1]
    assert told.pop(0) == "the account's `default_alphabet`"
    for data_coding in range(1, 256):
        assert told.get(data_coding, others) == alphabet(data_coding, Alphabet.LATIN1), hex(data_coding)


@pytest.mark.parametrize("error", GatewayError)
def test_the_status_of_every_error_of_the_gateways_is_told(error: GatewayError) -> None:
    assert f"0x{status_for(error, StatusStyle.STANDARD):02X}" in DOCUMENT.text
