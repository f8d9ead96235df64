"""What carriers send, read, and answered after the store has taken it and not before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.ports import CommitUnknown, StoreUnable
from gateway.stored import CarrierReceipt, Delivery, Inbound, Recorded, Unreadable
from smpp.message_state import MessageState
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.dispatching import START, Dispatching, bound
from tests.gateway.carriers.peer import DELIVER_SM_RESP, deliver, receipt, tlv
from tests.gateway.carriers.samples import ZONE, a_carrier, an_account
from tests.gateway.raw_pdus import MESSAGE_PAYLOAD, RECEIPTED_MESSAGE_ID

RX_T_APPN = 0x64
MESSAGE_STATE = 0x0427


def asked(side: Dispatching, method: str) -> list[Any]:
    """What is at the store now."""
    side.turn()
    return [item for call in side.store.waiting(method) for item in call.asked]


def answers(side: Dispatching, carrier: str = "north") -> list[tuple[int, int]]:
    """Number and status of the answers since the last time."""
    return [
        (pdu.sequence_number, pdu.command_status)
        for pdu in side.peer(carrier).read()
        if pdu.command_id == DELIVER_SM_RESP
    ]


def said_by(octets: bytes, **how: Any) -> CarrierReceipt:
    side = bound(**how)
    side.peer().send(octets)
    (said,) = asked(side, "record_receipts")
    assert isinstance(said, CarrierReceipt)
    return said


def reply_by(octets: bytes, **how: Any) -> Inbound:
    side = bound(**how)
    side.peer().send(octets)
    (said,) = asked(side, "record_inbound")
    assert isinstance(said, Inbound)
    return said


# -- receipts


def test_a_receipt_is_recorded_with_what_it_says() -> None:
    said = said_by(receipt(1, "00B8", "DELIVRD", done="2603041159", source=b"8613800138000"))
    assert said.carrier == "north"
    assert said.destination_addr == "8613800138000"
    assert said.received_at == START
    assert said.done_at == datetime(2026, 3, 4, 11, 59, tzinfo=ZONE).timestamp() * 1000
    assert (said.receipt.message_id, said.receipt.state) == ("00B8", MessageState.DELIVERED)


def test_a_receipt_in_tlvs_needs_no_text() -> None:
    tlvs = tlv(RECEIPTED_MESSAGE_ID, b"c1\0") + tlv(MESSAGE_STATE, b"\x05")
    said = said_by(deliver(1, b"", esm_class=4, tlvs=tlvs))
    assert (said.receipt.message_id, said.receipt.state) == ("c1", MessageState.UNDELIVERABLE)


def test_the_dates_of_a_receipt_are_in_the_carriers_zone() -> None:
    zone = ZoneInfo("Europe/London")
    said = said_by(receipt(1, "c1", done="2603041159"), carriers=(a_carrier(receipt_zone=zone),))
    assert said.done_at == datetime(2026, 3, 4, 11, 59, tzinfo=zone).timestamp() * 1000


@pytest.mark.parametrize(
    "done", ["", "0", "yesterday", "9999999999", "00010101000000", "19690101000000", "99991231235959"]
)
def test_a_receipt_without_a_date_that_can_be_is_dated_by_its_arrival(done: str) -> None:
    assert said_by(receipt(1, "c1", done=done)).done_at == START


def test_a_receipt_without_an_id_is_kept_as_it_came() -> None:
    side = bound()
    octets = deliver(1, b"stat:DELIVRD err:000", esm_class=4)
    side.peer().send(octets)
    (said,) = asked(side, "record_receipts")
    assert said == Unreadable("north", "a receipt without a message id", octets[16:], START)
    with capture_logs() as logs:
        side.store.answer("record_receipts")
    assert answers(side) == [(1, 0)]
    assert side.metrics.receipts_unreadable == {"north": 1}
    assert [entry["event"] for entry in logs] == ["receipt.unreadable"]


def test_a_receipt_that_nobody_knows_is_answered_and_counted() -> None:
    side = bound()
    side.peer().send(receipt(1, "c1"))
    (said,) = asked(side, "record_receipts")
    side.store.answer("record_receipts", Recorded(unknown=[said]))
    assert answers(side) == [(1, 0)]
    assert side.metrics.receipts_unmatched == {"north": 1}


@pytest.mark.parametrize("stat", ["BLOCKED", ""])
def test_a_receipt_with_a_word_that_nobody_understands_is_kept_as_it_came(stat: str) -> None:
    side = bound()
    octets = receipt(1, "c1", stat)
    side.peer().send(octets)
    (said,) = asked(side, "record_receipts")
    assert said == Unreadable("north", f"a receipt with stat:{stat} and no state", octets[16:], START)
    side.store.answer("record_receipts")
    assert answers(side) == [(1, 0)]
    assert side.metrics.receipts_unreadable == {"north": 1}


def test_a_carriers_own_words_are_read_as_its_settings_say() -> None:
    carrier = a_carrier(receipt_states={"BLOCKED": MessageState.REJECTED})
    said = said_by(receipt(1, "c1", "blocked"), carriers=(carrier,))
    assert said.receipt.state is MessageState.REJECTED


def test_news_on_the_way_are_news_whatever_their_word() -> None:
    assert said_by(receipt(1, "c1", "BLOCKED", esm_class=0x20)).receipt.intermediate


def test_a_state_that_contradicts_the_text_wins_and_is_logged() -> None:
    side = bound()
    with capture_logs() as logs:
        text = b"id:c1 stat:DELIVRD err:000"
        side.peer().send(deliver(1, text, esm_class=4, tlvs=tlv(MESSAGE_STATE, b"\x05")))
        (said,) = asked(side, "record_receipts")
    assert said.receipt.state is MessageState.UNDELIVERABLE
    assert logs == [
        {
            "event": "receipt.contradicts_itself",
            "log_level": "warning",
            "carrier": "north",
            "carrier_message_id": "c1",
            "message_state": "UNDELIVERABLE",
            "stat": "DELIVRD",
        }
    ]


# -- replies


def test_a_reply_is_recorded_with_its_owner_and_its_octets() -> None:
    octets = deliver(1, b"thanks", source=b"+8613900139000")
    assert reply_by(octets) == Inbound(
        carrier="north",
        account="bank",
        source_addr="13900139000",
        destination_addr="10690001",
        body=octets[16:],
        opts_out=False,
        received_at=START,
    )


def test_what_only_reads_like_a_receipt_is_one_if_its_id_is_known() -> None:
    side = bound()
    side.peer().send(receipt(1, "c1", esm_class=0))
    (said,) = asked(side, "record_receipts")
    assert said.receipt.presumed
    side.store.answer("record_receipts")
    assert answers(side) == [(1, 0)]
    assert asked(side, "record_inbound") == []


def test_what_only_reads_like_a_receipt_is_a_reply_if_its_id_is_not_known() -> None:
    side = bound()
    octets = deliver(1, b"id:joe stat:married?", source=b"13900139000")
    side.peer().send(octets, receipt(2, "c1"))
    presumed, known = asked(side, "record_receipts")
    side.store.answer("record_receipts", Recorded(unknown=[presumed, known]))
    assert answers(side) == [(2, 0)]
    (said,) = asked(side, "record_inbound")
    assert (said.source_addr, said.body, said.account) == ("13900139000", octets[16:], "bank")
    side.store.answer("record_inbound")
    assert answers(side) == [(1, 0)]
    assert side.metrics.receipts_unmatched == {"north": 1}
    assert side.metrics.inbound == {"north": 1}


@pytest.mark.parametrize(
    "octets",
    [
        deliver(1, b"TD"),
        deliver(1, b" td. "),
        deliver(1, b"Stop", data_coding=1),
        deliver(1, b"T", data_coding=3),
        deliver(1, "退订".encode("utf-16-be"), data_coding=8),
        deliver(1, "ＴＤ".encode("utf-16-be"), data_coding=8),
        deliver(1, "拒收！".encode("utf-16-be"), data_coding=0x18),
        deliver(1, b"\x05\x00\x03\x07\x01\x01TD", esm_class=0x40),
        deliver(1, b"", tlvs=tlv(MESSAGE_PAYLOAD, b"TD")),
    ],
)
def test_a_reply_that_asks_for_no_more_opts_out(octets: bytes) -> None:
    assert reply_by(octets).opts_out


@pytest.mark.parametrize(
    "octets",
    [
        deliver(1, b""),
        deliver(1, b"TD is short for touchdown"),
        deliver(1, b"thanks"),
        deliver(1, "你好".encode("utf-16-be"), data_coding=8),
        # Half a character, a header that reaches past the end, octets that are no text.
        deliver(1, b"\x90\x00\x8b", data_coding=8),
        deliver(1, b"\x50TD", esm_class=0x40),
        deliver(1, b"TD", data_coding=4),
    ],
)
def test_any_other_reply_does_not(octets: bytes) -> None:
    assert not reply_by(octets).opts_out


@pytest.mark.parametrize(
    ("accounts", "owner"),
    [
        ((an_account(name="bank", source_addrs=("10690001", "10690002")),), "bank"),
        ((an_account(name="bank", source_addrs=("10690002",)),), None),
        ((an_account(name="bank"), an_account(name="shop", source_addrs=("10690009",))), "bank"),
        # Two may send from it, so nobody knows whom it answers.
        ((an_account(name="bank"), an_account(name="shop")), None),
        ((), None),
    ],
)
def test_a_reply_belongs_to_the_one_account_that_sends_from_its_destination(
    accounts: tuple[Any, ...], owner: str | None
) -> None:
    assert reply_by(deliver(1, b"thanks"), accounts=accounts).account == owner


@pytest.mark.parametrize("esm_class", [0x08, 0x10, 0x18, 0x48])
def test_what_the_recipient_acknowledges_is_a_message_of_its_own_kind(esm_class: int) -> None:
    octets = deliver(1, b"\x05\x00\x03\x07\x01\x01id:c1 stat:DELIVRD", esm_class=esm_class)
    assert reply_by(octets).body == octets[16:]


def test_where_texts_do_not_make_receipts_what_reads_like_one_is_a_reply() -> None:
    octets = receipt(1, "c1", esm_class=0)
    assert reply_by(octets, carriers=(a_carrier(receipts_by_text=False),)).body == octets[16:]


# -- when it is answered


def test_nothing_is_answered_before_the_commit() -> None:
    side = bound()
    side.peer().send(receipt(1, "c1"), deliver(2, b"thanks"))
    side.pass_time(5)
    assert (len(side.inbound), answers(side)) == (2, [])
    side.store.answer("record_receipts")
    side.pass_time(5)
    assert answers(side) == [(1, 0)]
    side.store.answer("record_inbound")
    assert answers(side) == [(2, 0)]
    assert len(side.inbound) == 0


def test_what_comes_during_a_commit_goes_with_the_next() -> None:
    side = bound()
    side.peer().send(receipt(1, "c1"))
    side.turn()
    side.peer().send(receipt(2, "c2"))
    side.peer().send(receipt(3, "c3"))
    assert [said.receipt.message_id for said in asked(side, "record_receipts")] == ["c1"]
    side.store.answer("record_receipts")
    assert answers(side) == [(1, 0)]
    assert [said.receipt.message_id for said in asked(side, "record_receipts")] == ["c2", "c3"]


@pytest.mark.parametrize("error", [StoreUnable("disk full"), CommitUnknown("disk gone")])
@pytest.mark.parametrize("octets", [receipt(1, "c1"), deliver(1, b"thanks")])
def test_what_the_store_cannot_take_is_asked_for_again(octets: bytes, error: Exception) -> None:
    side = bound()
    side.peer().send(octets)
    side.turn()
    with capture_logs() as logs:
        side.store.fail(side.store.calls[0].method, error)
    assert answers(side) == [(1, RX_T_APPN)]
    assert side.owed == []
    assert [(e["event"], e["log_level"]) for e in logs] == [("inbound.not_recorded", "error")]
    assert side.bind_of().is_bound


def test_replies_are_asked_for_again_without_the_receipts_of_their_batch() -> None:
    side = bound()
    side.peer().send(receipt(1, "c1"), deliver(2, b"thanks"))
    side.turn()
    side.store.answer("record_receipts")
    side.store.fail("record_inbound", StoreUnable("disk full"))
    assert answers(side) == [(1, 0), (2, RX_T_APPN)]


def test_after_a_failure_the_next_batch_is_taken() -> None:
    side = bound()
    side.peer().send(deliver(1, b"thanks"))
    side.turn()
    side.store.fail("record_inbound", StoreUnable("disk full"))
    answers(side)
    side.peer().send(deliver(2, b"thanks"))
    side.turn()
    side.store.answer("record_inbound")
    assert answers(side) == [(2, 0)]


def test_every_answer_goes_to_the_link_that_it_came_from() -> None:
    side = bound("north", "south", carriers=(a_carrier(name="north"), a_carrier(name="south")))
    side.peer("north").send(deliver(1, b"a"), deliver(2, b"b"))
    side.peer("south").send(deliver(1, b"c"))
    assert [said.carrier for said in asked(side, "record_inbound")] == ["north", "north", "south"]
    side.store.answer("record_inbound")
    assert answers(side, "north") == [(1, 0), (2, 0)]
    assert answers(side, "south") == [(1, 0)]


def test_a_link_that_is_gone_before_the_commit_gets_no_answer_and_neither_does_the_next() -> None:
    side = bound()
    side.peer().send(deliver(1, b"thanks"))
    side.turn()
    side.peer().lose()
    side.pass_time(1)
    side.bind()
    side.store.answer("record_inbound")
    assert [peer.connection.written for peer in side.network.peers()] == [b"", b""]


def test_what_the_store_brought_about_is_told() -> None:
    side = bound()
    delivery = Delivery(5, "bank", None, b"", 0, START)
    side.peer().send(deliver(1, b"thanks"))
    side.turn()
    side.store.answer("record_inbound", Recorded([delivery]))
    assert side.owed == [delivery]


def test_stopping_waits_until_everything_is_answered() -> None:
    side = bound()
    side.peer().send(deliver(1, b"thanks"))
    stopped = Deferred.fromCoroutine(side.inbound.stop())
    side.turn()
    assert not fired(stopped)
    side.store.answer("record_inbound")
    assert fired(stopped)
    assert answers(side) == [(1, 0)]
