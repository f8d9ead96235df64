"""From a submit_sm to a message: read it, judge it, write it as it will be relayed.

Pure: the account, the PDU and the time go in; out comes a `Reading` that the store may admit, or a `Refusal`
that names its rule. The policy sees the text, never the PDU.

A segment that the customer sends as a submit_sm of its own cannot be judged alone. The account's `segments`
decides: `join` it with the others and judge them as one, `refuse` it, or `pass` it on unread, held to the
hours only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from gateway.settings import Account, SegmentsMode
from gateway.statuses import GatewayError, status_for
from policy import chain
from policy.clauses import SOURCE_NOT_ALLOWED, TEXT_UNREADABLE, refuse
from policy.facts import Submission
from policy.verdict import Defer, Judgement, Refuse, Verdict
from smpp import codec, packing, parts, segments, smpptime, text
from smpp.address import Address
from smpp.errors import PduError
from smpp.pdu import SubmitSm
from smpp.segments import Coding, Concat
from smpp.text import Alphabet, TextError
from smpp.value import changed, value

_RECEIPT_BITS = 3
_ANY_END = 1


@value(frozen=True, slots=True)
class Reading:
    """An acceptable submit_sm. Instants are unix milliseconds; `body` is the submit_sm body to relay.

    `due_at` is not before the hours open, nor before the customer's schedule_delivery_time; after
    `deadline_at` (its validity_period, or the limit) it is not sent any more.
    """

    source_addr: str
    destination_addr: str
    registered_delivery: int
    units: int
    body: bytes
    due_at: int
    deadline_at: int


@value(frozen=True, slots=True)
class Segment:
    """A segment of a long message, to be judged when the others are there; `pdu` is what would be relayed.

    `reading.due_at` is when it asks to be sent at the earliest.
    """

    reading: Reading
    pdu: SubmitSm
    place: Concat
    alphabet: Alphabet


@dataclass(frozen=True, slots=True)
class Refusal:
    """A submit_sm that is not accepted: by which rule or `GatewayError`, with which status, which clause."""

    rule: str
    command_status: int
    clause: str = ""


def read(
    account: Account, pdu: SubmitSm, body: bytes, now: float, ttl_s: float
) -> Reading | Segment | Refusal:
    """Read and judge one submit_sm as of `now` (unix seconds). A message lives `ttl_s` at the longest.

    `body` is what `pdu` was read from: what need not change is relayed as it came.
    """
    source = _source(account, pdu.source)
    if source is None:
        return refusal(account, SOURCE_NOT_ALLOWED)
    times = _times(pdu, now, ttl_s)
    if isinstance(times, GatewayError):
        return refusal(account, times)
    starts, ends = times
    try:
        if account.default_alphabet is Alphabet.GSM7_PACKED:
            pdu = packing.unpacked(pdu)
            body = codec.encode_body(pdu)
        place = segments.concat(pdu)
        octets = segments.user_text(pdu)
        coding = segments.coding(pdu, _unpacked(account.default_alphabet))
    except PduError as error:
        return Refusal(TEXT_UNREADABLE, error.command_status)
    if place is not None and account.segments is not SegmentsMode.PASS:
        if account.segments is SegmentsMode.REFUSE:
            return refusal(account, GatewayError.SEGMENT_REFUSED)
        relayed = _relayed(pdu, body, source)
        return Segment(
            Reading(
                source.addr,
                pdu.destination.addr,
                pdu.registered_delivery,
                segments.units(octets, coding.alphabet, coding.shifts),
                relayed,
                int(starts * 1000),
                int(ends * 1000),
            ),
            codec.submit_sm(relayed),
            place,
            coding.alphabet,
        )
    judged = _judge(account, pdu, octets, coding, starts, is_segment=place is not None)
    if isinstance(judged, Refuse):
        return Refusal(judged.rule, status_for(judged.rule, account.statuses), judged.clause)
    return Reading(
        source.addr,
        pdu.destination.addr,
        pdu.registered_delivery,
        segments.units(octets, coding.alphabet, coding.shifts),
        _relayed(pdu, body, source),
        int(judged * 1000),
        int(ends * 1000),
    )


def read_whole(account: Account, pieces: Sequence[SubmitSm], last: Reading) -> Reading | Refusal:
    """Judge the message that `pieces` are all the segments of, in order; its times are those of `last`.

    What one of them asks to be told is asked for the whole. Raises PduError where they cannot be joined.
    """
    pdu = parts.whole(pieces)
    asked = reduce(or_, [piece.registered_delivery for piece in pieces])
    if asked != pdu.registered_delivery:
        pdu = changed(pdu, registered_delivery=asked)
    octets = segments.user_text(pdu)
    coding = segments.coding(pdu, _unpacked(account.default_alphabet))
    judged = _judge(account, pdu, octets, coding, last.due_at / 1000, is_segment=False)
    if isinstance(judged, Refuse):
        return Refusal(judged.rule, status_for(judged.rule, account.statuses), judged.clause)
    return changed(
        last,
        units=segments.units(octets, coding.alphabet, coding.shifts),
        body=codec.encode_body(pdu),
        due_at=int(judged * 1000),
    )


def alphabet_of(account: Account, pdu: SubmitSm) -> Alphabet:
    """The alphabet of the text of a message that was read. Raises PduError for a broken user data header."""
    return segments.coding(pdu, _unpacked(account.default_alphabet)).alphabet


def judgement(account: Account, pdu: SubmitSm, octets: bytes, coding: Coding, at: float) -> Judgement:
    """What the policy says of a whole text at `at` (unix seconds). Raises TextError for what is none."""
    ruleset = account.ruleset
    content = text.decode(coding.alphabet, octets, coding.shifts, coding.fill_bits)
    submission = Submission(content, at, ruleset.message_class, pdu.source.addr, pdu.destination.addr)
    return chain.evaluate(ruleset, submission)


def _unpacked(alphabet: Alphabet) -> Alphabet:
    """An account's alphabet as it is in the house: only peers pack."""
    return Alphabet.GSM7 if alphabet is Alphabet.GSM7_PACKED else alphabet


def refusal(account: Account, rule: str) -> Refusal:
    """A refusal by `rule`, with the status in the account's style."""
    return Refusal(rule, status_for(rule, account.statuses))


def _source(account: Account, source: Address) -> Address | None:
    """The sender to show: the one given if it is the account's, the account's first if none is given."""
    if not account.source_addrs:
        return source
    if not source.addr:
        return Address(source.ton, source.npi, account.source_addrs[0])
    return source if source.addr in account.source_addrs else None


def _times(pdu: SubmitSm, now: float, ttl_s: float) -> tuple[float, float] | GatewayError:
    """When a message starts and ends to be valid, in unix seconds."""
    if not pdu.schedule_delivery_time and not pdu.validity_period:
        return now, now + ttl_s
    instant = datetime.fromtimestamp(now, UTC)
    try:
        scheduled = smpptime.parse(pdu.schedule_delivery_time, instant)
    except ValueError:
        return GatewayError.SCHEDULE_INVALID
    try:
        expires = smpptime.parse(pdu.validity_period, instant)
    except ValueError:
        return GatewayError.VALIDITY_INVALID
    starts = now if scheduled is None else max(now, scheduled.timestamp())
    ends = starts + ttl_s if expires is None else min(expires.timestamp(), starts + ttl_s)
    return (starts, ends) if ends > starts else GatewayError.VALIDITY_INVALID


def _judge(
    account: Account, pdu: SubmitSm, octets: bytes, coding: Coding, starts: float, is_segment: bool
) -> float | Refuse:
    """From when on the message may be sent (unix seconds), or why it may not."""
    ruleset = account.ruleset
    verdict: Verdict | None
    if is_segment:
        verdict = chain.judge_hours(ruleset, starts, ruleset.message_class)
    elif coding.alphabet is Alphabet.OCTETS:
        return refuse(TEXT_UNREADABLE)
    else:
        try:
            verdict = judgement(account, pdu, octets, coding, starts).verdict
        except TextError:
            return refuse(TEXT_UNREADABLE)
    if isinstance(verdict, Refuse):
        return verdict
    return verdict.until if isinstance(verdict, Defer) else starts


def _relayed(pdu: SubmitSm, body: bytes, source: Address) -> bytes:
    """The submit_sm body for the carrier: due at once, and always asking how it ended."""
    registered_delivery = pdu.registered_delivery & ~_RECEIPT_BITS | _ANY_END
    as_it_is = source is pdu.source and not (
        pdu.schedule_delivery_time or pdu.replace_if_present_flag or pdu.sm_default_msg_id
    )
    if as_it_is:
        return codec.with_registered_delivery(body, registered_delivery)
    relayed = SubmitSm(
        pdu.service_type,
        source,
        pdu.destination,
        pdu.esm_class,
        pdu.protocol_id,
        pdu.priority_flag,
        "",
        pdu.validity_period,
        registered_delivery,
        0,
        pdu.data_coding,
        0,
        pdu.short_message,
        pdu.tlvs,
    )
    return codec.encode_body(relayed)
