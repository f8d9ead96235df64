"""Which optional parameters pass through the gateway: what SMPP has for the PDU, and what the route allows.

A vendor's own, and what SMPP has for other PDUs, mean something between two parties only. A route names the
tags that its customers and carriers have agreed on; they pass on it both ways.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from gateway.routing import first
from gateway.settings import Route
from smpp import codec
from smpp.pdu import DeliverSm, SubmitSm, Tlvs
from smpp.spec import DELIVER_SM_TLVS, SUBMIT_SM_TLVS


def of_submit(routes: Sequence[Route], account: str, pdu: SubmitSm, body: bytes) -> tuple[SubmitSm, bytes]:
    """A submit_sm, and the body that it was read from, as its route lets it through."""
    if only(pdu.tlvs, SUBMIT_SM_TLVS) == pdu.tlvs:
        return pdu, body
    route = first(routes, account, pdu.destination.addr)
    passing = SUBMIT_SM_TLVS.keys() | (route.tlvs if route else ())
    kept = only(pdu.tlvs, passing)
    if kept == pdu.tlvs:
        return pdu, body
    pdu = replace(pdu, tlvs=kept)
    return pdu, codec.encode_body(pdu)


def of_reply(routes: Sequence[Route], account: str | None, carrier: str, pdu: DeliverSm) -> DeliverSm:
    """A carrier's deliver_sm as an account gets it: any of its routes there may let a tag through."""
    passing = set(DELIVER_SM_TLVS)
    for route in routes:
        if route.account in (None, account) and carrier in route.carriers:
            passing |= route.tlvs
    kept = only(pdu.tlvs, passing)
    return pdu if kept == pdu.tlvs else replace(pdu, tlvs=kept)


def of_receipt(routes: Sequence[Route], account: str, destination_addr: str, tlvs: Tlvs) -> Tlvs:
    """Those of a carrier's own in a receipt that the route of its message lets through."""
    route = first(routes, account, destination_addr)
    return only(tlvs, route.tlvs) if route else ()


def in_receipts(routes: Sequence[Route]) -> Mapping[str, AbstractSet[int]]:
    """For each carrier the tags in its receipts that some route lets through.

    What SMPP has for deliver_sm is not among them: there a receipt of ours says it for itself.
    """
    tags: dict[str, set[int]] = {}
    for route in routes:
        for carrier in route.carriers:
            tags.setdefault(carrier, set()).update(route.tlvs - DELIVER_SM_TLVS.keys())
    return {carrier: passing for carrier, passing in tags.items() if passing}


def only(tlvs: Tlvs, passing: Container[int]) -> Tlvs:
    """Those whose tags pass, in their order."""
    return tuple([one for one in tlvs if one[0] in passing])
