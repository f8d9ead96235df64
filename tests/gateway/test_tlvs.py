"""Optional parameters through a whole gateway: which of them pass, and which stay here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.message import State
from gateway.settings import LongForm, Route, SegmentsMode
from gateway.store import schema
from gateway.tlvs import in_receipts
from smpp import codec
from smpp.commands import CommandId
from smpp.pdu import DeliverSm, Tlvs
from tests.gateway.carriers.peer import deliver, receipt, submit_resp, tlv
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.samples import TEXT, a_customer, submit
from tests.gateway.raw_pdus import BIND_TRANSMITTER, Raw, raw, split
from tests.gateway.whole import Whole, settings_of

VENDORS, OTHERS, REFERENCE, QOS = 0x1401, 0x1402, 0x0204, 0x0017
LONG = "尊敬的客户:" + "今天是您生日，" * 20 + "回TD退订【中国银行】"

MIXED = tlv(VENDORS, b"one") + tlv(REFERENCE, b"\x12\x34") + tlv(OTHERS, b"two") + tlv(QOS, b"\0\0\0\1")
"""A vendor's that is agreed on, a standard one, a vendor's that is not, and one that is data_sm's."""


def routes(*tags: int) -> tuple[Route, ...]:
    return (Route(None, "", ("north",), frozenset(tags)),)


def started(path: Path, *routes: Route, **carrier: Any) -> Whole:
    """A gateway whose customers bank and shop have paid."""
    bank = a_customer(segments=SegmentsMode.JOIN)
    shop = replace(bank, name="shop", system_id="shop", source_addrs=("10690002",))
    settings = settings_of(path, [bank, shop], [a_carrier(window_max=10, **carrier)], routes)
    return Whole(settings).top_up().top_up("shop").start()


@pytest.fixture
def agreed(path: Path) -> Iterator[Whole]:
    """A gateway with one route for all, on which one vendor's tag passes."""
    whole = started(path, *routes(VENDORS))
    yield whole
    whole.stop()
    assert whole.problems() == []


def with_tlvs(pdu: bytes, tlvs: bytes) -> bytes:
    [one] = split(pdu)
    return raw(one.command_id, one.body + tlvs, one.sequence_number)


def tlvs_of(pdu: Raw) -> Tlvs:
    read = codec.decode(pdu.command_id, pdu.body)
    tlvs: Tlvs = getattr(read, "tlvs")  # noqa: B009 - of whatever kind it is
    return tlvs


def sent(whole: Whole, tlvs: bytes, system_id: str = "bank", **fields: Any) -> Raw:
    """What the carrier gets of a submit_sm with these."""
    # What comes back is for another bind.
    customer = whole.connect().bound(command_id=BIND_TRANSMITTER, system_id=system_id.encode())
    customer.send(with_tlvs(submit(2, **fields), tlvs))
    assert [pdu.command_status for pdu in customer.read()] == [0]
    [relayed] = whole.submits()
    return relayed


class TestASubmit:
    def test_leaves_with_what_smpp_has_for_it_and_what_its_route_allows(self, agreed: Whole) -> None:
        assert tlvs_of(sent(agreed, MIXED)) == ((VENDORS, b"one"), (REFERENCE, b"\x12\x34"))

    def test_is_otherwise_as_it_came(self, agreed: Whole) -> None:
        assert sent(agreed, MIXED).body == with_tlvs(submit(2), MIXED)[16 : -len(MIXED)] + (
            tlv(VENDORS, b"one") + tlv(REFERENCE, b"\x12\x34")
        )

    def test_leaves_without_a_vendors_where_nothing_is_agreed_on(self, path: Path) -> None:
        whole = started(path, *routes())
        assert tlvs_of(sent(whole, MIXED)) == ((REFERENCE, b"\x12\x34"),)
        whole.stop()

    def test_may_have_one_that_is_another_pdus_if_its_route_allows_it(self, path: Path) -> None:
        whole = started(path, *routes(QOS, OTHERS))
        assert [tag for tag, _ in tlvs_of(sent(whole, MIXED))] == [REFERENCE, OTHERS, QOS]
        whole.stop()

    def test_goes_by_the_route_that_it_takes(self, path: Path) -> None:
        shops = Route("shop", "", ("north",), frozenset({VENDORS}))
        special = Route("bank", "139", ("north",), frozenset({OTHERS}))
        whole = started(path, shops, special, *routes())
        assert [tag for tag, _ in tlvs_of(sent(whole, MIXED))] == [REFERENCE]
        relayed = sent(whole, MIXED, destination="13900000001")
        assert [tag for tag, _ in tlvs_of(relayed)] == [REFERENCE, OTHERS]
        relayed = sent(whole, MIXED, system_id="shop", source_addr="10690002")
        assert [tag for tag, _ in tlvs_of(relayed)] == [VENDORS, REFERENCE]
        whole.stop()

    def test_that_has_no_route_is_refused_all_the_same(self, path: Path) -> None:
        whole = started(path, Route(None, "139", ("north",), frozenset({VENDORS})))
        assert whole.customer().submit_statuses(with_tlvs(submit(2), MIXED)) == {2: 0x0B}
        whole.stop()

    def test_keeps_all_of_a_tag_that_is_repeated(self, agreed: Whole) -> None:
        assert tlvs_of(sent(agreed, tlv(VENDORS, b"1") + tlv(VENDORS, b"2") + tlv(OTHERS, b""))) == (
            (VENDORS, b"1"),
            (VENDORS, b"2"),
        )


@pytest.mark.parametrize("form", [LongForm.UDH8, LongForm.UDH16, LongForm.SAR])
def test_each_part_of_a_long_message_has_what_is_allowed(path: Path, form: LongForm) -> None:
    whole = started(path, *routes(VENDORS), long_messages=form)
    payload = tlv(0x0424, LONG.encode("utf-16-be"))
    customer = whole.customer()
    customer.send(with_tlvs(submit(2, short_message=b""), MIXED + payload))
    parts = whole.submits()
    assert len(parts) == 3
    for part in parts:
        assert tlvs_of(part)[:2] == ((VENDORS, b"one"), (REFERENCE, b"\x12\x34"))
        assert OTHERS not in dict(tlvs_of(part))
    whole.stop()


def test_segments_that_are_joined_leave_with_what_the_first_may_have(agreed: Whole) -> None:
    customer = agreed.customer()
    text = LONG.encode("utf-16-be")
    for number, piece in ((2, text[134:]), (1, text[:134])):
        tlvs = MIXED if number == 1 else tlv(VENDORS, b"of the second")
        header = b"\x05\x00\x03\x07\x02" + bytes((number,))
        customer.send(with_tlvs(submit(number, short_message=header + piece, esm_class=0x40), tlvs))
    [first, *others] = agreed.submits()
    assert tlvs_of(first) == ((VENDORS, b"one"), (REFERENCE, b"\x12\x34"))
    assert {tlvs_of(part) for part in others} == {tlvs_of(first)}


def test_what_is_stored_of_a_message_has_them_too(agreed: Whole) -> None:
    agreed.carrier().lose()
    customer = agreed.customer()
    customer.send(with_tlvs(submit(2), MIXED))
    [row] = agreed.rows(schema.message)
    assert codec.submit_sm(row.body).tlvs == ((VENDORS, b"one"), (REFERENCE, b"\x12\x34"))


# -- the other way


def delivered(whole: Whole, said: bytes, system_id: str = "bank") -> DeliverSm:
    """The one deliver_sm that a customer gets of what the carrier says."""
    customer = whole.customer(system_id)
    whole.say(said)
    [delivery] = customer.delivered()
    pdu = codec.decode(CommandId.DELIVER_SM, delivery.body)
    assert isinstance(pdu, DeliverSm)
    return pdu


class TestAReceipt:
    def test_has_the_carriers_own_that_the_route_allows_behind_ours(self, agreed: Whole) -> None:
        agreed.accept(sent(agreed, b""))
        tags = delivered(agreed, receipt(5, "c1", tlvs=MIXED + tlv(0x0427, b"\2"))).tlvs
        assert [tag for tag, _ in tags] == [0x001E, 0x0427, 0x0423, VENDORS]
        assert (VENDORS, b"one") in tags

    def test_goes_by_the_route_of_its_message(self, path: Path) -> None:
        whole = started(path, Route("shop", "", ("north",), frozenset({VENDORS})), *routes(OTHERS))
        whole.accept(sent(whole, b""))
        assert delivered(whole, receipt(5, "c1", tlvs=MIXED)).tlvs[3:] == ((OTHERS, b"two"),)
        relayed = sent(whole, b"", system_id="shop", source_addr="10690002")
        whole.accept(relayed, first_id=2)
        told = delivered(whole, receipt(6, "c2", tlvs=MIXED), system_id="shop")
        assert told.tlvs[3:] == ((VENDORS, b"one"),)
        whole.stop()

    def test_of_a_state_on_the_way_has_them_too(self, agreed: Whole) -> None:
        agreed.accept(sent(agreed, b"", registered_delivery=0x11))
        assert delivered(agreed, receipt(5, "c1", "ENROUTE", tlvs=MIXED)).tlvs[3:] == ((VENDORS, b"one"),)

    def test_that_comes_before_the_answer_goes_without_them(self, agreed: Whole) -> None:
        relayed = sent(agreed, b"")
        agreed.say(receipt(5, "c1", tlvs=MIXED))
        told = delivered(agreed, submit_resp(relayed.sequence_number, b"c1"))
        assert [tag for tag, _ in told.tlvs] == [0x001E, 0x0427, 0x0423]
        assert agreed.states() == [State.DELIVERED]


class TestAReply:
    def test_has_what_smpp_has_for_it_and_what_its_accounts_route_allows(self, agreed: Whole) -> None:
        reply = delivered(agreed, deliver(5, b"hello", tlvs=MIXED + tlv(0x1380, b"\1")))
        assert reply.tlvs == ((VENDORS, b"one"), (REFERENCE, b"\x12\x34"))
        assert reply.short_message == b"hello"

    def test_goes_by_the_routes_of_its_account_to_its_carrier(self, path: Path) -> None:
        elsewhere = Route("bank", "138", ("south",), frozenset({OTHERS}))
        shops = Route("shop", "139", ("north",), frozenset({QOS}))
        banks = Route("bank", "139", ("south", "north"), frozenset({VENDORS}))
        whole = started(path, elsewhere, shops, banks, *routes())
        assert delivered(whole, deliver(5, b"hello", tlvs=MIXED)).tlvs == (
            (VENDORS, b"one"),
            (REFERENCE, b"\x12\x34"),
        )
        to_shop = deliver(6, b"hello", tlvs=MIXED, destination=b"10690002")
        assert [tag for tag, _ in delivered(whole, to_shop, system_id="shop").tlvs] == [REFERENCE, QOS]
        whole.stop()

    def test_whose_text_is_in_message_payload_keeps_it(self, agreed: Whole) -> None:
        reply = delivered(agreed, deliver(5, b"", tlvs=tlv(0x0424, TEXT.encode()) + tlv(OTHERS, b"")))
        assert reply.tlvs == ((0x0424, TEXT.encode()),)


def test_what_a_receipt_of_ours_says_for_itself_is_never_taken_from_a_carriers() -> None:
    allowed = (*routes(VENDORS, 0x0427, 0x001E), Route(None, "", ("south",)))
    assert in_receipts(allowed) == {"north": {VENDORS}}
