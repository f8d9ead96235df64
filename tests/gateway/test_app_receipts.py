"""What a customer hears, and what it does not, through a whole gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.message import State
from gateway.settings import SegmentsMode
from ledger.accounts import Balance
from smpp import codec, spec
from smpp.commands import CommandId
from smpp.pdu import DeliverSm, tlv
from tests.gateway.carriers.peer import deliver, receipt
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.samples import a_customer, submit
from tests.gateway.store.told import told
from tests.gateway.whole import BOUGHT, Whole, settings_of

LONG = "尊敬的客户:" + "今天是您生日，" * 20 + "回TD退订【中国银行】"


@pytest.fixture
def whole(path: Path) -> Iterator[Whole]:
    """A gateway that is bound to a carrier, and whose customer has paid."""
    whole = Whole(settings_of(path)).top_up().start()
    yield whole
    whole.stop()
    assert whole.problems() == []


def delivered(whole: Whole, said: bytes, **fields: Any) -> list[DeliverSm]:
    """The deliver_sm that come of a submit_sm that the carrier has taken, and of what it says then."""
    customer = whole.customer()
    customer.send(submit(2, **fields))
    whole.accept(*whole.submits())
    assert customer.delivered() == []
    whole.say(said)
    pdus = [codec.decode(CommandId.DELIVER_SM, raw.body) for raw in customer.delivered()]
    return [pdu for pdu in pdus if isinstance(pdu, DeliverSm)]


def test_no_news_is_made_of_a_carriers_acceptance(whole: Whole) -> None:
    """Who asked for news (registered_delivery bit 4) hears what the carrier tells, and nothing before."""
    (news,) = delivered(whole, receipt(1, "c1", "ACCEPTD"), registered_delivery=0x11)
    assert (news.esm_class, b"stat:ACCEPTD" in news.short_message) == (0x20, True)


def test_a_receipt_has_the_reference_of_its_message(whole: Whole) -> None:
    (said,) = delivered(whole, receipt(1, "c1"), user_message_reference=4711)
    assert tlv(said.tlvs, spec.USER_MESSAGE_REFERENCE) == (4711).to_bytes(2)


def test_the_receipt_of_one_part_is_that_of_all_where_its_carrier_reports_so(path: Path) -> None:
    account = a_customer(segments=SegmentsMode.JOIN)
    whole = Whole(settings_of(path, [account], [a_carrier(one_receipt_a_message=True)])).top_up().start()
    customer = whole.customer()
    customer.send(submit(2, short_message=None, message_payload=LONG.encode("utf-16-be")))
    customer.read()
    whole.accept(*whole.submits())
    whole.say(receipt(1, "c2"))
    (said,) = customer.delivered()
    assert told(0, said.body).stat == "DELIVRD"
    assert set(whole.states()) == {State.DELIVERED}
    assert whole.balance() == Balance(BOUGHT, BOUGHT - 3, 0, 3, 0)
    whole.stop()


def test_a_reply_in_segments_goes_on_as_it_came(whole: Whole) -> None:
    customer = whole.customer()
    segments = [b"\5\0\3\7\2%c%b" % (seq, text) for seq, text in ((1, b"thank "), (2, b"you"))]
    whole.say(*(deliver(n, octets, esm_class=0x40) for n, octets in enumerate(segments, 1)))
    pdus = [codec.decode(CommandId.DELIVER_SM, raw.body) for raw in customer.delivered()]
    assert [(pdu.esm_class, pdu.short_message) for pdu in pdus if isinstance(pdu, DeliverSm)] == [
        (0x40, octets) for octets in segments
    ]
