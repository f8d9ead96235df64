"""From a submit_sm to a message: read it, judge it, write it as it will be relayed.

Pure: the account, the PDU and the time go in; out comes a `Reading` that the store may admit, or a `Refusal`
that names its rule. The policy sees the text, never the PDU.

A segment that the customer sends as a submit_sm of its own cannot be judged alone. The account's `segments`
decides: `join` it with the others and judge them as one, `refuse` it, or `pass` it on unread, held to the
hours only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from gateway.appending import complete
from gateway.settings import Account, SegmentsMode
from gateway.statuses import GatewayError, status_for
from policy import chain
from policy.clauses import SOURCE_NOT_ALLOWED, TEXT_UNREADABLE, refuse
from policy.facts import MessageClass, Submission
from policy.signature import named
from policy.transform import Appended
from policy.verdict import Defer, Judgement, Refuse
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
    `deadline_at` (its validity_period, or the limit) it is not sent any more. `submitted_body` is the body as
    it came where something was added to it; `shadowed` are the rules that would have refused it, and only
    report.
    """

    source_addr: str
    destination_addr: str
    registered_delivery: int
    units: int
    body: bytes
    due_at: int
    deadline_at: int
    message_class: MessageClass = MessageClass.COMMERCIAL
    signature: str = ""
    submitted_body: bytes | None = None
    shadowed: tuple[str, ...] = ()


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
class Evidence:
    """What is kept of a submit_sm that a rule of the contract refuses: its body before anything was added.

    `span` is the piece of the text that is to blame; `next_pass_at` is when it would pass, in unix
    milliseconds, None where no time will help.
    """

    message_class: MessageClass
    body: bytes
    units: int
    span: tuple[int, int] | None = None
    next_pass_at: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A submit_sm that is not accepted: by which rule or `GatewayError`, with which status, which clause.

    `detail` says more of the case; `evidence` is what a refusal by a rule leaves behind.
    """

    rule: str
    command_status: int
    clause: str = ""
    detail: str = ""
    evidence: Evidence | None = field(default=None, compare=False)
    shadowed: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Judged:
    """A whole text as it was judged: `pdu` and `octets` with what was `added` to it, if anything was."""

    judgement: Judgement
    content: str
    pdu: SubmitSm
    octets: bytes
    coding: Coding
    added: Appended | None = None


def read(
    account: Account, pdu: SubmitSm, body: bytes, now: float, ttl_s: float
) -> Reading | Segment | Refusal:
    """Read and judge one submit_sm as of `now` (unix seconds). A message lives `ttl_s` at the longest.

    `body` is what `pdu` was read from: what need not change is relayed as it came.
    """
    message_class = account.ruleset.class_of(pdu.service_type)
    source = _source(account, pdu.source)
    if source is None:
        return replace(refusal(account, SOURCE_NOT_ALLOWED), evidence=Evidence(message_class, body, 1))
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
        return Refusal(TEXT_UNREADABLE, error.command_status, evidence=Evidence(message_class, body, 1))
    if place is not None and account.segments is not SegmentsMode.PASS:
        if account.segments is SegmentsMode.REFUSE:
            return refusal(account, GatewayError.SEGMENT_REFUSED)
        return _segment(pdu, body, octets, coding, source, times, message_class, place)
    if place is not None:
        return _unread(account, pdu, body, octets, coding, source, times, message_class)
    judged = judge(account, pdu, octets, coding, starts)
    if judged is None or isinstance(judged.judgement.verdict, Refuse):
        evidence = Evidence(message_class, body, segments.units(octets, coding.alphabet, coding.shifts))
        return _refused(account, judged, evidence)
    submitted_body = None
    if judged.added is not None:
        pdu, submitted_body, body = judged.pdu, body, codec.encode_body(judged.pdu)
    verdict = judged.judgement.verdict
    return Reading(
        source.addr,
        pdu.destination.addr,
        pdu.registered_delivery,
        segments.units(judged.octets, judged.coding.alphabet, judged.coding.shifts),
        _relayed(pdu, body, source),
        int((verdict.until if isinstance(verdict, Defer) else starts) * 1000),
        int(ends * 1000),
        message_class,
        named(judged.content),
        submitted_body,
        _rules(judged.judgement.shadowed),
    )


def _segment(
    pdu: SubmitSm,
    body: bytes,
    octets: bytes,
    coding: Coding,
    source: Address,
    times: tuple[float, float],
    message_class: MessageClass,
    place: Concat,
) -> Segment:
    """A segment that waits for the others."""
    starts, ends = times
    relayed = _relayed(pdu, body, source)
    reading = Reading(
        source.addr,
        pdu.destination.addr,
        pdu.registered_delivery,
        segments.units(octets, coding.alphabet, coding.shifts),
        relayed,
        int(starts * 1000),
        int(ends * 1000),
        message_class,
    )
    return Segment(reading, codec.submit_sm(relayed), place, coding.alphabet)


def _unread(
    account: Account,
    pdu: SubmitSm,
    body: bytes,
    octets: bytes,
    coding: Coding,
    source: Address,
    times: tuple[float, float],
    message_class: MessageClass,
) -> Reading | Refusal:
    """A segment that is passed on as it is: held to the hours only."""
    starts, ends = times
    units = segments.units(octets, coding.alphabet, coding.shifts)
    verdict = chain.judge_hours(account.ruleset, starts, message_class)
    if isinstance(verdict, Refuse):
        next_pass_at = int(account.ruleset.opens_at(starts, message_class) * 1000)
        evidence = Evidence(message_class, body, units, next_pass_at=next_pass_at)
        return _refusal(account, verdict, evidence)
    return Reading(
        source.addr,
        pdu.destination.addr,
        pdu.registered_delivery,
        units,
        _relayed(pdu, body, source),
        int((starts if verdict is None else verdict.until) * 1000),
        int(ends * 1000),
        message_class,
    )


def read_whole(account: Account, pieces: Sequence[SubmitSm], last: Reading) -> Reading | Refusal:
    """Judge the message that `pieces` are all the segments of, in order; its times are those of `last`.

    What one of them asks to be told is asked for the whole. Raises PduError where they cannot be joined.
    """
    pdu = parts.whole(pieces)
    asked = reduce(or_, [piece.registered_delivery for piece in pieces])
    if asked != pdu.registered_delivery:
        pdu = changed(pdu, registered_delivery=asked)
    body = codec.encode_body(pdu)
    octets = segments.user_text(pdu)
    coding = segments.coding(pdu, _unpacked(account.default_alphabet))
    message_class = account.ruleset.class_of(pdu.service_type)
    judged = judge(account, pdu, octets, coding, last.due_at / 1000)
    if judged is None or isinstance(judged.judgement.verdict, Refuse):
        evidence = Evidence(message_class, body, segments.units(octets, coding.alphabet, coding.shifts))
        return _refused(account, judged, evidence)
    verdict, is_added = judged.judgement.verdict, judged.added is not None
    return changed(
        last,
        units=segments.units(judged.octets, judged.coding.alphabet, judged.coding.shifts),
        body=codec.encode_body(judged.pdu) if is_added else body,
        due_at=int(verdict.until * 1000) if isinstance(verdict, Defer) else last.due_at,
        message_class=message_class,
        signature=named(judged.content),
        submitted_body=body if is_added else None,
        shadowed=_rules(judged.judgement.shadowed),
    )


def alphabet_of(account: Account, pdu: SubmitSm) -> Alphabet:
    """The alphabet of the text of a message that was read. Raises PduError for a broken user data header."""
    return segments.coding(pdu, _unpacked(account.default_alphabet)).alphabet


def judge(account: Account, pdu: SubmitSm, octets: bytes, coding: Coding, at: float) -> Judged | None:
    """What the policy says at `at` (unix seconds) of a whole text; None of octets that are none.

    What the text lacks is added first, where the account has agreed to that.
    """
    if coding.alphabet is Alphabet.OCTETS:
        return None
    ruleset = account.ruleset
    message_class = ruleset.class_of(pdu.service_type)
    added = None
    try:
        content = text.decode(coding.alphabet, octets, coding.shifts, coding.fill_bits)
        if ruleset.append:
            completed = complete(ruleset, pdu, content, coding, message_class, at)
            if completed is not None:
                pdu, added = completed
                content, octets = added.text, pdu.payload
                coding = segments.coding(pdu, _unpacked(account.default_alphabet))
    except TextError:
        return None
    submission = Submission(content, at, message_class, pdu.source.addr, pdu.destination.addr)
    return Judged(chain.evaluate(ruleset, submission), content, pdu, octets, coding, added)


def _refused(account: Account, judged: Judged | None, evidence: Evidence) -> Refusal:
    """The refusal of a text, with the piece of what came that is to blame."""
    if judged is None:
        return _refusal(account, refuse(TEXT_UNREADABLE), evidence)
    found = judged.judgement
    assert isinstance(found.verdict, Refuse)
    span = found.verdict.span if judged.added is None else judged.added.original(found.verdict.span)
    next_pass_at = None if found.next_pass is None else int(found.next_pass * 1000)
    evidence = replace(evidence, span=span, next_pass_at=next_pass_at)
    return replace(_refusal(account, found.verdict, evidence), shadowed=_rules(found.shadowed))


def _refusal(account: Account, refused: Refuse, evidence: Evidence) -> Refusal:
    status = status_for(refused.rule, account.statuses)
    return Refusal(refused.rule, status, refused.clause, refused.detail, evidence)


def _rules(refusals: Sequence[Refuse]) -> tuple[str, ...]:
    return tuple([refused.rule for refused in refusals]) if refusals else ()


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
