"""The benchmark is checked too: its ends speak as others do, and its journal misses nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from smpplib import smpp
from smpplib.client import Client

from tests.bench.customer import Load
from tests.bench.journal import Journal
from tests.bench.pdus import Receipt, Receipted, SubmitSm, Submitted, read_receipt, read_submit_sm
from tests.bench.run import Plan, run_direct

TEXT = "生日快乐，回TD退订【中国银行】"


def parsed(octets: bytes) -> smpp.pdu.PDU:
    client = Client("127.0.0.1", 0, allow_unknown_opt_params=False)
    return smpp.parse_pdu(octets, client=client, allow_unknown_opt_params=False)


def test_a_submit_sm_is_what_smpplib_reads() -> None:
    octets = SubmitSm("10690001", TEXT, 11).build(7, b"13800000001")
    submit_sm = parsed(octets)
    assert (submit_sm.command, submit_sm.sequence, submit_sm.length) == ("submit_sm", 7, len(octets))
    assert (submit_sm.source_addr, submit_sm.destination_addr) == (b"10690001", b"13800000001")
    assert (submit_sm.esm_class, submit_sm.registered_delivery, submit_sm.data_coding) == (0, 1, 8)
    assert submit_sm.short_message.decode("utf-16-be") == TEXT
    assert read_submit_sm(octets, 16) == Submitted(b"10690001", b"13800000001", True)


def test_a_long_text_goes_into_message_payload() -> None:
    submit_sm = parsed(SubmitSm("10690001", TEXT * 20, 11).build(7, b"13800000001"))
    assert submit_sm.sm_length == 0
    assert submit_sm.message_payload.decode("utf-16-be") == TEXT * 20


def test_a_text_in_segments_is_cut_behind_headers_that_tell_their_places() -> None:
    build = SubmitSm("10690001", TEXT * 8, 11, segments=3).build
    octets = [build(7, b"13800000001", segment) for segment in range(3)]
    pdus = [parsed(one) for one in octets]
    headers = [bytes((5, 0, 3, 0x2A, 3, place)) for place in (1, 2, 3)]
    assert [pdu.short_message[:6] for pdu in pdus] == headers
    assert [pdu.esm_class for pdu in pdus] == [0x40] * 3
    assert b"".join(pdu.short_message[6:] for pdu in pdus).decode("utf-16-be") == TEXT * 8
    assert [read_submit_sm(one, 16).place for one in octets] == [1, 2, 3]


def test_a_submit_sm_with_other_field_lengths_is_read_too() -> None:
    fields = b"CMT\0\x05\0Bank\0\x01\x01+8613800000001\0\x00\x00\x00" + b"261122090000000R\0" * 2
    assert read_submit_sm(fields + b"\x11\0\0\0\0", 0) == Submitted(b"Bank", b"+8613800000001", True)
    assert not read_submit_sm(fields + b"\x10\0\0\0\0", 0).wants_receipt


def test_a_receipt_is_what_smpplib_reads() -> None:
    submitted = Submitted(b"10690001", b"13800000001", True)
    octets = Receipt(b"2611220800").build(9, submitted, b"1000000042")
    deliver_sm = parsed(octets)
    assert (deliver_sm.command, deliver_sm.sequence, deliver_sm.length) == ("deliver_sm", 9, len(octets))
    assert (deliver_sm.source_addr, deliver_sm.destination_addr) == (b"13800000001", b"10690001")
    assert (deliver_sm.esm_class, deliver_sm.message_state) == (4, 2)
    assert deliver_sm.receipted_message_id == b"1000000042"
    assert deliver_sm.short_message == (
        b"id:1000000042 sub:001 dlvrd:001 submit date:2611220800 done date:2611220800 "
        b"stat:DELIVRD err:000 text:"
    )
    assert read_receipt(octets, 16, len(octets)) == Receipted(b"13800000001", b"1000000042", True)


@pytest.mark.parametrize("rate_per_s", [None, 5000.0])
@pytest.mark.parametrize("receipt_delay_s", [0.0, 0.02])
def test_the_two_ends_agree_without_a_gateway(rate_per_s: float | None, receipt_delay_s: float) -> None:
    load = Load("10690001", TEXT, binds=2, window=7, rate_per_s=rate_per_s)
    figures = run_direct(Plan(300, load, 1, receipt_delay_s, receipt_window=5))
    assert figures.faults == {}
    assert figures.messages_per_s > 0
    assert figures.receipt_p50_ms >= receipt_delay_s * 1000


def test_each_segment_is_accounted_for() -> None:
    load = Load("10690001", TEXT * 8, binds=2, window=7, rate_per_s=None, segments=3)
    figures = run_direct(Plan(100, load, 1, 0.0, receipt_window=5))
    assert (figures.messages, figures.segments, figures.faults) == (300, 3, {})


def flawless() -> Journal:
    journal = Journal(3)
    journal.answered = journal.receipted = 3
    journal.relays[:] = journal.receipts[:] = b"\1\1\1"
    journal.message_ids[:] = journal.receipt_ids[:] = [b"1", b"2", b"3"]
    return journal


def test_a_flawless_run_has_no_faults() -> None:
    assert flawless().faults() == {}
    assert flawless().complete


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda journal: setattr(journal, "answered", 2), "unanswered"),
        (lambda journal: setattr(journal, "answered_twice", 1), "answered twice"),
        (lambda journal: journal.refusals.update({0x45: 1}), "refused"),
        (lambda journal: journal.relays.__setitem__(1, 0), "not relayed"),
        (lambda journal: journal.relays.__setitem__(1, 2), "relayed twice"),
        (lambda journal: journal.receipts.__setitem__(1, 0), "without receipt"),
        (lambda journal: journal.receipts.__setitem__(1, 2), "receipted twice"),
        (lambda journal: journal.receipt_ids.__setitem__(1, b"3"), "receipt for another id"),
        (lambda journal: setattr(journal, "undelivered", 1), "receipt not DELIVRD"),
    ],
)
def test_every_flaw_is_told(spoil: Callable[[Journal], None], fault: str) -> None:
    journal = flawless()
    spoil(journal)
    assert journal.faults() == {fault: 1}
