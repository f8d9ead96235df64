"""Receipts by the settings of their carrier and of their account: ids as told, last words, forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.message import State
from gateway.settings import IdForm, ReceiptFormat, Route
from gateway.store import schema
from gateway.store.ends import Means
from gateway.store.sqlstore import SqlStore
from ledger.accounts import Balance
from smpp import codec
from smpp.commands import CommandId
from smpp.message_id import Notation, Notations
from smpp.message_state import MessageState
from smpp.pdu import DeliverSm
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import NODE, Rig
from tests.gateway.store.samples import NUMBER, SHANGHAI, START, accepted, parked, receipt

GUESS, STRING, DEC, HEX = Notation
OTHER = "13900139000"
UNKNOWN = MessageState.UNKNOWN


class MeansRig(Rig):
    """A rig with the fields given of `Means`."""

    def mean(self, **fields: Any) -> None:
        means = replace(Means(self.ids.next, SHANGHAI, "86"), **fields)
        self.store = SqlStore(self.writer, self.clock, NODE, means)

    def notations(self, response: Notation, receipt: Notation) -> None:
        self.mean(notations={"north": Notations(response, receipt)})


@pytest.fixture
def rig(engine: Engine) -> Iterator[MeansRig]:
    """A store; whatever the test does to it, the invariants hold afterwards."""
    rig = MeansRig(engine)
    yield rig
    check(engine)
    rig.close()


TOLD = [
    pytest.param(HEX, DEC, "00A1", "161", id="response hexadecimal, receipt decimal"),
    pytest.param(DEC, HEX, "161", "00A1", id="response decimal, receipt hexadecimal"),
    pytest.param(HEX, HEX, "00A1", "a1", id="both hexadecimal"),
    pytest.param(DEC, DEC, "161", "00161", id="both decimal"),
    pytest.param(STRING, STRING, "A-1_b", "A-1_b", id="texts"),
    pytest.param(HEX, DEC, "0e99-ab", "0e99-ab", id="no numbers after all"),
]


class TestIdsAsTold:
    @pytest.mark.parametrize(("response", "written", "in_response", "in_receipt"), TOLD)
    @pytest.mark.parametrize("number", [NUMBER, OTHER, ""])
    def test_they_need_no_number(
        self,
        rig: MeansRig,
        response: Notation,
        written: Notation,
        in_response: str,
        in_receipt: str,
        number: str,
    ) -> None:
        rig.notations(response, written)
        sent = rig.enroute(in_response)
        assert rig.hear(receipt(in_receipt, number=number)).unknown == ()
        assert rig.state(sent) is State.DELIVERED

    @pytest.mark.parametrize(("response", "written", "in_response", "in_receipt"), TOLD)
    def test_they_are_found_before_the_response_too(
        self, rig: MeansRig, response: Notation, written: Notation, in_response: str, in_receipt: str
    ) -> None:
        rig.notations(response, written)
        sent = rig.submitting()
        said = receipt(in_receipt)
        assert rig.hear(said).unknown == (said,)
        assert len(rig.record(accepted(sent, in_response)).ended) == 1
        assert rig.state(sent) is State.DELIVERED

    @pytest.mark.parametrize(
        ("response", "written", "in_response", "in_receipt"),
        [
            pytest.param(HEX, DEC, "16", "16", id="the same text in another base"),
            pytest.param(DEC, DEC, "22", "16", id="a base that it is not in"),
            pytest.param(HEX, HEX, "a1", "161", id="a decimal where there are none"),
            pytest.param(STRING, STRING, "A1", "a1", id="another case"),
            pytest.param(STRING, STRING, "01", "1", id="other zeros"),
        ],
    )
    def test_nothing_else_is_guessed(
        self, rig: MeansRig, response: Notation, written: Notation, in_response: str, in_receipt: str
    ) -> None:
        rig.notations(response, written)
        sent = rig.enroute(in_response)
        said = receipt(in_receipt)
        assert rig.hear(said).unknown == (said,)
        assert rig.state(sent) is State.ENROUTE

    def test_of_several_messages_of_one_id_the_number_tells(self, rig: MeansRig) -> None:
        rig.notations(HEX, DEC)
        older, newer = rig.enroute("A1", destination_addr=OTHER), rig.enroute("A1")
        rig.hear(receipt("161", number=OTHER))
        assert (rig.state(older), rig.state(newer)) == (State.DELIVERED, State.ENROUTE)

    def test_what_is_only_presumed_to_be_a_receipt_needs_the_number_all_the_same(self, rig: MeansRig) -> None:
        rig.notations(HEX, DEC)
        sent = rig.enroute("A1")
        rig.hear(receipt("161", number=OTHER, presumed=True))
        assert rig.state(sent) is State.ENROUTE
        rig.hear(receipt("161", presumed=True))
        assert rig.state(sent) is State.DELIVERED

    def test_half_of_it_rules_out_half_of_the_guesses(self, rig: MeansRig) -> None:
        rig.notations(GUESS, DEC)
        hexadecimal, decimal = rig.enroute("A1"), rig.enroute("353")
        rig.hear(receipt("161"))  # not 0x161, which is 353
        assert (rig.state(hexadecimal), rig.state(decimal)) == (State.DELIVERED, State.ENROUTE)

    def test_other_carriers_are_guessed_as_ever(self, rig: MeansRig) -> None:
        rig.notations(STRING, STRING)
        south, north = rig.enroute("A1", carrier="south"), rig.enroute("B2")
        rig.hear(receipt("161", carrier="south"), receipt("178"))
        assert (rig.state(south), rig.state(north)) == (State.DELIVERED, State.ENROUTE)

    def test_an_id_that_a_receipt_gave_away_is_found_again(self, rig: MeansRig) -> None:
        rig.notations(HEX, DEC)
        sent = rig.submitting(registered_delivery=0x11)
        rig.record(parked(sent, deadline_at=START + 3_600_000))
        rig.hear(receipt("161"))
        assert rig.state(sent) is State.DELIVERED
        assert rig.hear(receipt("161", MessageState.EXPIRED)).unknown == ()
        assert [row.message_id for row in rig.rows(schema.receipt)] == [sent.message_id] * 2


class TestAnUnknownThatIsTheLastWord:
    def test_ends_the_message_and_is_charged(self, rig: MeansRig) -> None:
        rig.mean(last_unknown={"north"})
        sent = rig.enroute("A1")
        assert len(rig.hear(receipt("A1", UNKNOWN)).ended) == 1
        assert rig.state(sent) is State.UNKNOWN
        assert rig.stats_told(sent) == ["UNKNOWN"]
        assert rig.balance() == Balance(topped_up=1000, remaining=999, settled=1)

    def test_does_so_before_the_response_too(self, rig: MeansRig) -> None:
        rig.mean(last_unknown={"north"})
        sent = rig.submitting()
        rig.hear(receipt("A1", UNKNOWN))
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.UNKNOWN

    def test_is_none_of_an_intermediate_notification(self, rig: MeansRig) -> None:
        rig.mean(last_unknown={"north"})
        sent = rig.enroute("A1")
        rig.hear(receipt("A1", UNKNOWN, intermediate=True))
        assert rig.state(sent) is State.ENROUTE

    def test_is_none_of_a_word_that_nobody_understands(self, rig: MeansRig) -> None:
        rig.mean(last_unknown={"north"})
        sent = rig.enroute("A1")
        said = receipt("A1", UNKNOWN, presumed=True)
        rig.hear(replace(said, receipt=replace(said.receipt, understood=False)))
        assert rig.state(sent) is State.ENROUTE

    def test_is_none_of_other_carriers(self, rig: MeansRig) -> None:
        rig.mean(last_unknown={"south"})
        sent = rig.enroute("A1")
        rig.hear(receipt("A1", UNKNOWN))
        assert rig.state(sent) is State.ENROUTE


class TestWhatTheSenderReads:
    def test_is_written_in_the_form_of_its_account(self, rig: MeansRig) -> None:
        rig.mean(receipts={"bank": ReceiptFormat(IdForm.HEX, 12, None)})
        sent = rig.enroute("A1")
        rig.hear(receipt("A1"))
        [told] = rig.told()
        assert told.text == (
            f"id:{sent.message_id:x} sub:001 dlvrd:001 submit date:261123090000 done date:261123090000"
            " stat:DELIVRD err:000 text:"
        )
        assert delivered(rig).tlvs == ()

    @pytest.mark.parametrize("state", [MessageState.DELIVERED, MessageState.ENROUTE])
    def test_has_the_tlvs_of_the_carrier_behind_our_own(self, rig: MeansRig, state: MessageState) -> None:
        rig.mean(routes=[Route("bank", "", ("north",), frozenset({0x1403, 0x1404}))])
        rig.enroute("A1", registered_delivery=0x11)
        vendors = ((0x1403, b"MCCMNC"), (0x1404, b"\0"))
        rig.hear(replace(receipt("A1", state), tlvs=(*vendors, (0x1405, b"of another account"))))
        assert delivered(rig).tlvs[-2:] == vendors
        assert len(delivered(rig).tlvs) == 5


def delivered(rig: Rig) -> DeliverSm:
    """The one receipt that is owed."""
    [row] = rig.rows(schema.delivery)
    pdu = codec.decode(CommandId.DELIVER_SM, row.body)
    assert isinstance(pdu, DeliverSm)
    return pdu
