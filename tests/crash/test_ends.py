"""Both ends are checked too: they speak as others do, and write down what happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import pytest
from smpplib import smpp
from smpplib.client import Client

from tests.bench.link import Poll
from tests.crash import pdus, tokens
from tests.crash.carrier import Carrier
from tests.crash.customer import Customer
from tests.crash.notes import CarrierNotes, Copy, CustomerNotes
from tests.crash.pdus import Receipted

CODES = [token for token in range(130) if tokens.account_of(token) == "codes"]


def parsed(octets: bytes) -> smpp.pdu.PDU:
    client = Client("127.0.0.1", 0, allow_unknown_opt_params=False)
    return smpp.parse_pdu(octets, client=client, allow_unknown_opt_params=False)


def test_a_receipt_is_what_smpplib_reads() -> None:
    octets = pdus.receipt(9, "13800000003", "10690002", "1000000042", "UNDELIV")
    deliver_sm = parsed(octets)
    assert (deliver_sm.command, deliver_sm.sequence, deliver_sm.length) == ("deliver_sm", 9, len(octets))
    assert (deliver_sm.source_addr, deliver_sm.destination_addr) == (b"13800000003", b"10690002")
    assert deliver_sm.esm_class == 4
    assert deliver_sm.short_message.startswith(b"id:1000000042 sub:001 dlvrd:001 submit date:")
    assert pdus.read_deliver_sm(octets[16:]) == Receipted("1000000042", "UNDELIV")


def test_a_reply_is_what_smpplib_reads() -> None:
    octets = pdus.reply(9, "13800000006", "10690001", tokens.text_of(6))
    deliver_sm = parsed(octets)
    assert (deliver_sm.esm_class, deliver_sm.data_coding) == (0, 8)
    assert deliver_sm.short_message.decode("utf-16-be") == tokens.text_of(6)
    assert pdus.read_deliver_sm(octets[16:]) == 6


def test_a_journal_is_read_line_by_line_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    notes = CarrierNotes(path)
    path.write_text("copy 17 100 88 1.5\ncopy 17 101 0 2.5\ntold receipt 101 2.75\nackno")
    notes.read_on()
    assert notes.copies == [Copy(17, "100", 88, 1.5), Copy(17, "101", 0, 2.5)]
    assert notes.accepted == [Copy(17, "101", 0, 2.5)]
    assert (notes.told, notes.acknowledged) == ({("receipt", "101"): 2.75}, {})
    with path.open("a") as journal:
        journal.write("wledged receipt 101 3.0\n")
    notes.read_on()
    assert notes.acknowledged == {("receipt", "101"): 3.0}
    assert len(notes.copies) == 2


class Pair:
    """A customer that binds straight to a carrier, both here."""

    def __init__(self, folder: Path, drop_every: int) -> None:
        self.poll = Poll()
        self.journal = (folder / "journal").open("w", buffering=1)
        self.carrier = Carrier(self.poll, self.journal, drop_every)
        self.notes = CustomerNotes()
        port = self.carrier.port
        self.customer = Customer(self.poll, port, "codes", "secret", CODES, self.notes, binds=2, window=5)
        self.customer.released = 130
        self._read = CarrierNotes(folder / "journal")

    @property
    def carrier_notes(self) -> CarrierNotes:
        self._read.read_on()
        return self._read

    def run_until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not done():
            assert time.monotonic() < deadline
            self.poll.once(0.002)
            self.customer.tick(perf_counter())
            self.carrier.tick()

    def all_reported(self) -> bool:
        notes = self.carrier_notes
        owed = {("receipt", copy.message_id) for copy in notes.accepted}
        return self.customer.idle and owed <= notes.acknowledged.keys() == notes.told.keys()

    def close(self) -> None:
        self.customer.close()
        self.carrier.close()
        self.journal.close()
        self.poll.close()


@pytest.fixture
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    pair = Pair(tmp_path, drop_every=getattr(request, "param", 0))
    yield pair
    pair.close()


def test_the_two_ends_agree_on_every_message(pair: Pair) -> None:
    pair.run_until(pair.all_reported)
    carrier, customer = pair.carrier_notes, pair.notes
    assert sorted(copy.token for copy in carrier.copies) == list(customer.submitted_at) == CODES
    assert {c.token: (c.status, c.message_id if c.status == 0 else "") for c in carrier.copies} == {
        token: (answer.status, answer.message_id) for token, answer in customer.answers.items()
    }
    refused = {token: answer.status for token, answer in customer.answers.items() if answer.status}
    assert refused == {40: 0x45, 98: 0x45, 44: 0x58}
    assert customer.receipts == {c.message_id: [tokens.stat_of(c.token)] for c in carrier.accepted}
    assert customer.replies == {token: 1 for token in CODES if tokens.is_replied_to(token)}
    assert customer.nonsense == []


@pytest.mark.parametrize("pair", [9], indirect=True)
def test_a_carrier_that_hangs_up_still_reports_all_that_it_took(pair: Pair) -> None:
    pair.run_until(pair.all_reported)
    carrier, customer = pair.carrier_notes, pair.notes
    assert list(customer.submitted_at) == CODES
    assert customer.answers.keys() < {copy.token for copy in carrier.copies} <= set(CODES)
    assert customer.receipts.keys() == {copy.message_id for copy in carrier.accepted}
