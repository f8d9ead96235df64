"""Hypothesis strategies for PDUs that the specification allows, for tests of the codec."""

from __future__ import annotations

from hypothesis import strategies as st

from smpp import spec
from smpp.address import Address
from smpp.commands import CommandId
from smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    DistributionList,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Tlvs,
    Unbind,
    UnbindResp,
    UnparsedPdu,
    UnsuccessSme,
)

OCTET = st.integers(0, 255)
DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=20)
TIMES = st.sampled_from(["", "000001000000000R", "250131120000000+"])
REGISTERED_DELIVERIES = OCTET.filter(lambda octet: octet & 3 != 3)
READ_COMMANDS = frozenset(CommandId)
"""The commands whose bodies are read."""


def strings(max_size: int) -> st.SearchStrategy[str]:
    """Latin-1 without NUL."""
    return st.binary(max_size=max_size).map(lambda octets: octets.replace(b"\0", b"").decode("latin-1"))


def addresses(addr: st.SearchStrategy[str]) -> st.SearchStrategy[Address]:
    """Addresses of any TON and NPI."""
    return st.builds(Address, OCTET, OCTET, addr)


TLVS: st.SearchStrategy[Tlvs] = st.lists(
    st.one_of(
        st.tuples(st.just(0x0204), st.binary(min_size=2, max_size=2)),
        st.tuples(st.just(0x0381), st.binary(min_size=4, max_size=19)),
        st.tuples(st.integers(0x1400, 0x3FFF), st.binary(max_size=30)),
    ),
    max_size=4,
).map(tuple)
SAR: st.SearchStrategy[Tlvs] = st.integers(1, 255).flatmap(
    lambda total: st.tuples(
        st.tuples(st.just(0x020C), st.binary(min_size=2, max_size=2)),
        st.tuples(st.just(0x020E), st.just(bytes([total]))),
        st.tuples(st.just(0x020F), st.integers(1, total).map(lambda seqnum: bytes([seqnum]))),
    )
)

_CONTENT: st.SearchStrategy[tuple[bytes, Tlvs]] = st.one_of(
    st.tuples(st.binary(max_size=254), st.one_of(TLVS, SAR)),
    st.tuples(st.just(b""), st.binary(max_size=600).map(lambda payload: ((0x0424, payload),))),
)


def _messages(
    make: type[SubmitSm | DeliverSm], destination: st.SearchStrategy[str]
) -> st.SearchStrategy[SubmitSm | DeliverSm]:
    return st.builds(
        lambda head, tail, content: make(*head, *tail, *content),
        st.tuples(
            strings(5), addresses(strings(20)), addresses(destination), OCTET, OCTET, st.integers(0, 3)
        ),
        st.tuples(TIMES, TIMES, REGISTERED_DELIVERIES, st.integers(0, 1), OCTET, st.just(0)),
        _CONTENT,
    )


SUBMIT_SMS = _messages(SubmitSm, DIGITS)
DELIVER_SMS = _messages(DeliverSm, strings(20))
BINDS = st.builds(
    Bind, st.sampled_from([1, 2, 9]), strings(15), strings(8), strings(12), OCTET, addresses(strings(40))
)

DATA_SMS = st.builds(
    DataSm,
    strings(5),
    addresses(strings(20)),
    addresses(DIGITS),
    OCTET,
    REGISTERED_DELIVERIES,
    OCTET,
    st.tuples(TLVS, st.binary(max_size=600)).map(lambda parts: (*parts[0], (0x0424, parts[1]))),
)
SUBMIT_MULTIS = st.builds(
    lambda head, tail, content: SubmitMulti(*head, *tail, *content),
    st.tuples(
        strings(5),
        addresses(strings(20)),
        st.lists(
            st.one_of(
                addresses(DIGITS), st.builds(DistributionList, st.text("abc-1", min_size=1, max_size=20))
            ),
            min_size=1,
            max_size=254,
        ).map(tuple),
        OCTET,
        OCTET,
        st.integers(0, 3),
    ),
    st.tuples(TIMES, TIMES, REGISTERED_DELIVERIES, st.integers(0, 1), OCTET, st.just(0)),
    _CONTENT,
)
MESSAGE_IDS = strings(64).filter(bool)
QUERY_SMS = st.builds(QuerySm, MESSAGE_IDS, addresses(strings(20)))
QUERY_SM_RESPS = st.builds(QuerySmResp, strings(64), TIMES, OCTET, OCTET)
CANCEL_SMS = st.builds(CancelSm, strings(5), strings(64), addresses(strings(20)), addresses(DIGITS))
REPLACE_SMS = st.builds(
    lambda head, content: ReplaceSm(*head, *content),
    st.tuples(MESSAGE_IDS, addresses(strings(20)), TIMES, TIMES, REGISTERED_DELIVERIES, st.just(0)),
    st.one_of(
        st.tuples(st.binary(max_size=254), TLVS),
        st.tuples(st.just(b""), st.binary(max_size=600).map(lambda payload: ((0x0424, payload),))),
    ),
)
ALERT_NOTIFICATIONS = st.builds(
    AlertNotification,
    addresses(strings(64)),
    addresses(strings(64)),
    st.one_of(TLVS, st.integers(0, 2).map(lambda status: ((0x0422, bytes([status])),))),
)
OUTBINDS = st.builds(Outbind, strings(15), strings(8))


def _multi_resps(tlvs: st.SearchStrategy[Tlvs]) -> st.SearchStrategy[SubmitMultiResp]:
    sme = st.builds(UnsuccessSme, addresses(strings(20)), st.integers(0, 0xFFFFFFFF))
    return st.builds(SubmitMultiResp, strings(64), st.lists(sme, max_size=255).map(tuple), tlvs)


BODILESS = (
    EnquireLink(),
    EnquireLinkResp(),
    Unbind(),
    UnbindResp(),
    GenericNack(),
    CancelSmResp(),
    ReplaceSmResp(),
)

PDUS: st.SearchStrategy[Pdu] = st.one_of(
    SUBMIT_SMS,
    DELIVER_SMS,
    BINDS,
    st.builds(BindResp, st.sampled_from([0x80000001, 0x80000002, 0x80000009]), strings(15), TLVS),
    st.builds(SubmitSmResp, strings(64), TLVS),
    st.builds(DeliverSmResp, strings(64), TLVS),
    DATA_SMS,
    st.builds(DataSmResp, strings(64), TLVS),
    SUBMIT_MULTIS,
    _multi_resps(TLVS),
    QUERY_SMS,
    QUERY_SM_RESPS,
    CANCEL_SMS,
    REPLACE_SMS,
    ALERT_NOTIFICATIONS,
    OUTBINDS,
    st.sampled_from(BODILESS),
    st.builds(UnparsedPdu, st.sampled_from([0x0A, 0x111, 0x1234, 0x80010000]), st.binary(max_size=50)),
)


def _any_length(tag: int) -> st.SearchStrategy[tuple[int, bytes]]:
    """A TLV of the specification with as many octets as it may have."""
    tlv_spec = spec.TLVS[tag]
    return st.tuples(st.just(tag), st.binary(min_size=tlv_spec.least, max_size=min(tlv_spec.most, 600)))


ALL_TLVS: st.SearchStrategy[Tlvs] = st.lists(
    st.one_of(
        st.sampled_from(sorted(spec.TLVS)).flatmap(_any_length),
        st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)),
    ),
    max_size=8,
).map(tuple)
"""Any tags, in any order, some twice, whether or not a PDU is expected to have them."""

LOOSE_MESSAGES: st.SearchStrategy[SubmitSm | DeliverSm] = st.builds(
    lambda make, strings, addresses, octets, short_message, tlvs: make(
        strings[0],
        *addresses,
        *octets[:3],
        *strings[1:],
        *octets[3:],
        short_message,
        tlvs,
    ),
    st.sampled_from([SubmitSm, DeliverSm]),
    st.tuples(strings(5), strings(16), strings(16)),
    st.tuples(addresses(strings(20)), addresses(strings(20))),
    st.tuples(*[OCTET] * 7),
    st.binary(max_size=254),
    ALL_TLVS,
)
"""Whatever the wire can carry, sense or none: what a carrier may send, and a customer may not."""

LOOSE_REQUESTS: st.SearchStrategy[Pdu] = st.one_of(
    st.builds(
        DataSm, strings(5), addresses(strings(64)), addresses(strings(64)), OCTET, OCTET, OCTET, ALL_TLVS
    ),
    st.builds(
        SubmitMulti,
        strings(5),
        addresses(strings(20)),
        st.lists(
            st.one_of(addresses(strings(20)), st.builds(DistributionList, strings(20))),
            min_size=1,
            max_size=254,
        ).map(tuple),
        *[OCTET] * 3,
        strings(16),
        strings(16),
        *[OCTET] * 4,
        st.binary(max_size=254),
        ALL_TLVS,
    ),
    st.builds(QuerySm, strings(64), addresses(strings(20))),
    st.builds(CancelSm, strings(5), strings(64), addresses(strings(20)), addresses(strings(20))),
    st.builds(
        ReplaceSm,
        strings(64),
        addresses(strings(20)),
        strings(16),
        strings(16),
        OCTET,
        OCTET,
        st.binary(max_size=254),
        ALL_TLVS,
    ),
    st.builds(AlertNotification, addresses(strings(64)), addresses(strings(64)), ALL_TLVS),
)

LOOSE_PDUS: st.SearchStrategy[Pdu] = st.one_of(
    LOOSE_MESSAGES,
    LOOSE_REQUESTS,
    PDUS,
    st.builds(BindResp, st.sampled_from([0x80000001, 0x80000002, 0x80000009]), strings(15), ALL_TLVS),
    st.builds(SubmitSmResp, strings(64), ALL_TLVS),
    st.builds(DeliverSmResp, strings(64), ALL_TLVS),
    st.builds(DataSmResp, strings(64), ALL_TLVS),
    _multi_resps(ALL_TLVS),
    st.builds(QuerySmResp, strings(64), strings(16), OCTET, OCTET),
    st.builds(
        UnparsedPdu,
        st.integers(0, 0xFFFFFFFF).filter(lambda command_id: command_id not in READ_COMMANDS),
        st.binary(max_size=300),
    ),
)
"""PDUs of every kind, as the lenient side reads them."""
