"""How full it is here, told to customers that speak SMPP 5.0 (congestion_state, 4.8.4.18)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from smpp import codec, tlv
from smpp.pdu import DataSm, Pdu, SubmitMulti, Tlvs
from smpp.spec import CONGESTION_STATE
from tests.gateway.carriers.samples import LIMITS, a_submit
from tests.gateway.customers.linked import Linked, bound
from tests.gateway.customers.outlet import FakeOutlet
from tests.gateway.customers.samples import TEXT, submit
from tests.gateway.raw_pdus import RESP, Raw

OF_50 = {"interface_version": 0x50}
PAYLOAD = (0x0424, TEXT.encode("utf-16-be"))


def bound_of_50(intake_max: int = 10, backlog: int = 0, **account: Any) -> Linked:
    """A customer of SMPP 5.0; `backlog` messages of its account wait in the queue."""
    outlet = FakeOutlet()
    outlet.backlog["bank"] = backlog
    return bound(OF_50, limits=replace(LIMITS, intake_max=intake_max), outlet=outlet, **account)


def told(answer: Raw) -> int | None:
    pdu = codec.decode(answer.command_id, answer.body)
    tlvs: Tlvs = getattr(pdu, "tlvs")  # noqa: B009 - of whatever kind it is
    return tlv.integer(tlvs, CONGESTION_STATE)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param({"intake_max": 1000}, 0, id="idle"),
        pytest.param({"intake_max": 10}, 10, id="the intake: this one is in it still"),
        pytest.param({"intake_max": 1}, 100, id="a full intake"),
        pytest.param({"backlog": 500, "queue_max": 1000}, 50, id="the account's queue"),
        pytest.param({"backlog": 999, "queue_max": 1000}, 99, id="not quite full"),
        pytest.param({"backlog": 3, "queue_max": 1000}, 10, id="whichever is fuller"),
    ],
)
def test_an_acceptance_tells_how_full_it_is(how: dict[str, int], expected: int) -> None:
    linked = bound_of_50(**how)
    linked.customer.send(submit(2))
    linked.admitted(None)
    [answer] = linked.customer.read()
    assert (answer.command_status, told(answer)) == (0, expected)


def test_it_is_never_more_than_full() -> None:
    linked = bound_of_50(backlog=0, queue_max=10)
    linked.customer.send(submit(2))
    # Others of its account were faster.
    linked.outlet.backlog["bank"] = 25
    linked.admitted(None)
    assert [told(answer) for answer in linked.customer.read()] == [100]


def test_the_queues_of_others_do_not_count() -> None:
    linked = bound_of_50(intake_max=1000)
    linked.outlet.backlog["shop"] = 1000
    linked.customer.send(submit(2))
    linked.admitted(None)
    assert [told(answer) for answer in linked.customer.read()] == [0]


def request(pdu: Pdu) -> bytes:
    return codec.encode(pdu, 2)


def multi() -> SubmitMulti:
    one = replace(a_submit(), data_coding=8)
    return SubmitMulti(
        one.service_type, one.source, (one.destination,), 0, 0, 0, "", "", 1, 0, 8, 0, b"", (PAYLOAD,)
    )


def data() -> DataSm:
    one = a_submit()
    return DataSm(one.service_type, one.source, one.destination, 0, 1, 8, (PAYLOAD,))


@pytest.mark.parametrize("pdu", [data(), multi()], ids=lambda pdu: type(pdu).__name__)
@pytest.mark.parametrize(("version", "expected"), [(0x50, 10), (0x34, None)])
def test_the_other_submissions_tell_it_too(pdu: Pdu, version: int, expected: int | None) -> None:
    linked = bound({"interface_version": version}, limits=replace(LIMITS, intake_max=10))
    linked.customer.send(request(pdu))
    linked.admitted(None)
    [answer] = linked.customer.read()
    assert (answer.command_id, answer.command_status) == (pdu.command_id | RESP, 0)
    assert told(answer) == expected


@pytest.mark.parametrize("version", [0x00, 0x33, 0x34, 0x4F])
def test_a_customer_of_an_older_version_is_told_an_id_and_nothing_else(version: int) -> None:
    linked = bound({"interface_version": version}, limits=replace(LIMITS, intake_max=1))
    linked.customer.send(submit(2))
    linked.admitted(None)
    [answer] = linked.customer.read()
    assert answer.body.index(b"\0") == len(answer.body) - 1


def test_a_refusal_is_a_header_only() -> None:
    linked = bound_of_50(backlog=10, queue_max=10)
    linked.customer.send(submit(2))
    [answer] = linked.customer.read()
    assert (answer.command_status, answer.body) == (0x14, b"")
