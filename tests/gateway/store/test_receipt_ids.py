"""Which message a receipt means: carriers write their ids in other clothes than they gave them out."""

from __future__ import annotations

import pytest

from gateway.message import State
from smpp.message_state import MessageState
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import NUMBER, START, accepted, receipt, resent

OTHER = "13900139000"

FORMS = [
    pytest.param("A1b2", "A1b2", id="exact"),
    pytest.param("A1B2", "a1b2", id="case"),
    pytest.param("00123", "123", id="zeros in the response only"),
    pytest.param("123", "00123", id="zeros in the receipt only"),
    pytest.param("1A2B", "6699", id="response hexadecimal, receipt decimal"),
    pytest.param("6699", "1a2b", id="response decimal, receipt hexadecimal"),
    pytest.param("812FC7470000001B", "9308878062554710043", id="beyond 63 bits"),
    pytest.param("0e99a4c1-1b2c-4d3e-8f90-a1b2c3d4e5f6", "0E99A4C11B2C4D3E8F90A1B2C3D4E5F6", id="uuid"),
]


@pytest.mark.parametrize(("in_response", "in_receipt"), FORMS)
def test_a_receipt_finds_its_message_by_any_form_of_the_id(
    rig: Rig, in_response: str, in_receipt: str
) -> None:
    sent = rig.enroute(in_response)
    assert rig.hear(receipt(in_receipt)).unknown == ()
    assert rig.state(sent) is State.DELIVERED


@pytest.mark.parametrize(("in_response", "in_receipt"), FORMS[1:])
def test_a_form_that_is_not_exact_must_agree_on_the_number(
    rig: Rig, in_response: str, in_receipt: str
) -> None:
    sent = rig.enroute(in_response)
    said = receipt(in_receipt, number=OTHER)
    assert rig.hear(said).unknown == (said,)
    assert rig.state(sent) is State.ENROUTE


@pytest.mark.parametrize("number", ["8613800138000", "+8613800138000", "008613800138000", "13800138000"])
def test_the_number_agrees_however_the_country_is_written(rig: Rig, number: str) -> None:
    sent = rig.enroute("A1")
    rig.hear(receipt("161", number=number))
    assert rig.state(sent) is State.DELIVERED


@pytest.mark.parametrize("number", ["", "10086", "anybody"])
def test_an_exact_id_needs_no_number(rig: Rig, number: str) -> None:
    sent = rig.enroute("A1")
    rig.hear(receipt("A1", number=number))
    assert rig.state(sent) is State.DELIVERED


def test_carriers_that_count_alike_do_not_get_in_each_others_way(rig: Rig) -> None:
    north = rig.enroute("17", carrier="north")
    south = rig.enroute("17", carrier="south")
    rig.hear(receipt("17", MessageState.UNDELIVERABLE, carrier="south"))
    assert (rig.state(north), rig.state(south)) == (State.ENROUTE, State.UNDELIVERABLE)
    rig.hear(receipt("17", carrier="north"))
    assert rig.state(north) is State.DELIVERED


def test_they_do_not_in_one_batch_either(rig: Rig) -> None:
    north = rig.enroute("17", carrier="north")
    south = rig.enroute("0x17", carrier="south")
    said = receipt("17", carrier="south", number=OTHER)
    recorded = rig.hear(said, receipt("17", carrier="north"))
    assert recorded.unknown == (said,)
    assert (rig.state(north), rig.state(south)) == (State.DELIVERED, State.ENROUTE)


@pytest.mark.parametrize(("given", "meant"), [("12", "12"), ("12", "012"), ("0c", "0C")])
def test_the_exact_id_wins_over_other_forms(rig: Rig, given: str, meant: str) -> None:
    """All of these are the number twelve to one or the other."""
    sent = {one: rig.enroute(one) for one in {"12", "012", "C", "0c", "0C", "18", meant}}
    rig.hear(receipt(meant))
    ended = [one for one, message in sent.items() if rig.state(message) is not State.ENROUTE]
    assert ended == [meant]
    assert given in sent


def test_where_hexadecimal_meets_decimal_the_number_decides(rig: Rig) -> None:
    """The carrier answers in hexadecimal and reports in decimal, and every id is a number in both."""
    ten = rig.enroute("10", destination_addr=NUMBER)
    sixteen = rig.enroute("16", destination_addr=OTHER)
    rig.hear(receipt("16", number=NUMBER))
    assert (rig.state(ten), rig.state(sixteen)) == (State.DELIVERED, State.ENROUTE)


def test_a_stranger_of_the_same_key_does_not_hide_another_form(rig: Rig) -> None:
    stranger = rig.enroute("0010", destination_addr=OTHER)
    meant = rig.enroute("a", destination_addr=NUMBER)
    rig.hear(receipt("10", number=NUMBER))
    assert (rig.state(stranger), rig.state(meant)) == (State.ENROUTE, State.DELIVERED)


@pytest.mark.parametrize("number", [NUMBER, "", "anybody"])
def test_of_an_id_that_the_carrier_gave_twice_the_newest_is_meant(rig: Rig, number: str) -> None:
    old = rig.enroute("17")
    new = rig.enroute("17")
    rig.hear(receipt("17", number=number))
    assert (rig.state(old), rig.state(new)) == (State.ENROUTE, State.DELIVERED)


def test_of_an_id_that_the_carrier_gave_twice_the_number_tells_the_older(rig: Rig) -> None:
    old = rig.enroute("17", destination_addr=NUMBER)
    new = rig.enroute("17", destination_addr=OTHER)
    rig.hear(receipt("17", number=NUMBER))
    assert (rig.state(old), rig.state(new)) == (State.DELIVERED, State.ENROUTE)


def test_each_attempt_of_a_message_has_its_id(rig: Rig) -> None:
    first = rig.submitting()
    rig.record(resent(first, START))
    [second] = rig.claim().messages
    rig.record(accepted(first, "A1"), accepted(second, "A2"))
    rig.hear(receipt("A1"))
    assert rig.state(first) is State.DELIVERED


def test_ids_that_are_no_numbers_are_no_trouble(rig: Rig) -> None:
    sent = rig.enroute("batch-7_part/2 é")
    said = receipt("batch-7_part/3 é")
    assert rig.hear(said, receipt("batch-7_part/2 é")).unknown == (said,)
    assert rig.state(sent) is State.DELIVERED
