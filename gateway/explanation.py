"""What would become of a text, without sending it: the gateway's own judgement, with how it was reached.

Pure. The text is written as its customer would write it, and goes the way of every submit_sm as far as that
can be gone without the store: whether its recipient has opted out, or the units suffice, is not asked. The
gateway is taken to be idle, so that no limit is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.addressing import address
from gateway.admission import Reading, Refusal, Segment, alphabet_of, judgement, read, refusal
from gateway.parting import bodies_of, is_too_long
from gateway.routing import carriers_of, find, long_form
from gateway.settings import Account, LongForm, Settings
from gateway.statuses import GatewayError
from policy.throttle import TokenBucket
from policy.verdict import Judgement, Refuse
from smpp import codec, packing, segments, spec, status, text
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.pdu import SubmitSm, Tlvs
from smpp.segments import Coding, Cut, Kind
from smpp.status import CommandStatus
from smpp.text import Alphabet, TextError


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would become of a text that `account` submits at `at` (unix seconds) as `pdu`.

    `judgement` is the policy's, None where it is not asked; `opens_at` is when the account may send, from
    `at` on. `route` names the carriers; `segments` are what would leave, in `form`, which is None for a text
    that fits into one. A text that is refused has them, too.
    """

    account: Account
    at: float
    pdu: SubmitSm
    alphabet: Alphabet
    taken: Reading | Refusal
    judgement: Judgement | None
    opens_at: float
    route: tuple[str, ...]
    form: LongForm | None
    segments: Sequence[Cut]

    @property
    def units(self) -> int:
        """What the message costs, if it is accepted."""
        return len(self.segments)

    @property
    def command_status(self) -> int:
        """What its submit_sm_resp says."""
        return self.taken.command_status if isinstance(self.taken, Refusal) else CommandStatus.ESME_ROK

    @property
    def span(self) -> tuple[int, int] | None:
        """The piece of the text that it is refused for, if there is one."""
        verdict = None if self.judgement is None else self.judgement.verdict
        return verdict.span if isinstance(verdict, Refuse) else None

    @property
    def due_at(self) -> float | None:
        """When it would be sent (unix seconds): at once, or when the hours begin."""
        return self.taken.due_at / 1000 if isinstance(self.taken, Reading) else None


def explain(
    settings: Settings,
    account: Account,
    content: str,
    at: float,
    destination: str,
    source: str = "",
    data_coding: int | None = None,
) -> Explanation:
    """What would become of `content` at `at` (unix seconds).

    Without a `data_coding` it is 0 if the account's own alphabet can write the text, and 8 if not. Raises
    TextError or ValueError for what no submit_sm can say.
    """
    pdu = _submit_sm(account, content, destination, source, data_coding)
    route = find(settings.routes, account.name, pdu.destination.addr)
    form = LongForm.UDH8 if route is None else long_form(route, settings.carriers)
    found = _read(settings, account, pdu, at)
    cuts = _cuts(account, pdu, form)
    ruleset = account.ruleset
    return Explanation(
        account,
        at,
        pdu,
        text.alphabet(pdu.data_coding, account.default_alphabet),
        found if isinstance(found, Refusal) else _sent_on(settings, account, pdu, found, route, form),
        _judgement(account, pdu, at, found),
        ruleset.hours.next_open(at, ruleset.message_class),
        () if route is None else tuple(carriers_of(route)),
        None if len(cuts) == 1 else form,
        cuts,
    )


# -- as the customer would write it


def _submit_sm(
    account: Account, content: str, destination: str, source: str, data_coding: int | None
) -> SubmitSm:
    data_coding, octets = _encoded(content, account.default_alphabet, data_coding)
    tlvs: Tlvs = ()
    if len(octets) > spec.SHORT_MESSAGE_MAX:
        tlvs, octets = ((spec.MESSAGE_PAYLOAD, octets),), b""
    here, there = address(source), address(destination)
    return SubmitSm("", here, there, 0, 0, 0, "", "", 1, 0, data_coding, 0, octets, tlvs)


def _encoded(content: str, default: Alphabet, data_coding: int | None) -> tuple[int, bytes]:
    if data_coding is not None:
        return data_coding, _octets(content, text.alphabet(data_coding, default))
    try:
        return 0, _octets(content, default)
    except (TextError, ValueError):
        return text.encode(content, Alphabet.UCS2)


def _octets(content: str, alphabet: Alphabet) -> bytes:
    if alphabet is Alphabet.OCTETS:
        raise TextError("octets of no alphabet say nothing")
    if alphabet is Alphabet.UTF8:
        return content.encode()
    data_coding, octets = text.encode(content, alphabet)
    if text.alphabet(data_coding, alphabet) is not alphabet:
        raise TextError(f"the text cannot be written in {alphabet}")
    return octets


# -- as the gateway would take it


def _read(settings: Settings, account: Account, pdu: SubmitSm, at: float) -> Reading | Refusal:
    """What the session and admission say."""
    if len(codec.encode(pdu, 1)) > settings.limits.pdu_max:
        return _refused_by_protocol(CommandStatus.ESME_RINVCMDLEN)
    body = codec.encode_body(pdu)
    try:
        codec.decode(CommandId.SUBMIT_SM, body)
    except PduError as error:
        return _refused_by_protocol(error.command_status)
    found = read(account, pdu, body, at, settings.limits.message_ttl_s)
    assert not isinstance(found, Segment), "a whole text is no segment"
    return found


def _refused_by_protocol(command_status: int) -> Refusal:
    return Refusal(status.name(command_status), command_status)


def _sent_on(
    settings: Settings,
    account: Account,
    pdu: SubmitSm,
    reading: Reading,
    route: str | None,
    form: LongForm,
) -> Reading | Refusal:
    """What the intake says to what is acceptable, in its order."""
    if route is None:
        return refusal(account, GatewayError.NO_ROUTE)
    for throttle in (account.throttle, account.throttle_per_source):
        if throttle and not TokenBucket(throttle.rate_per_s, throttle.burst).take(reading.units, 0.0):
            return refusal(account, GatewayError.THROTTLED)
    if is_too_long(reading.units, form, settings.limits):
        return refusal(account, GatewayError.MESSAGE_TOO_LONG)
    try:
        bodies_of(reading.body, alphabet_of(account, pdu), form)
    except ValueError:
        return refusal(account, GatewayError.MESSAGE_TOO_LONG)
    return reading


def _judgement(account: Account, pdu: SubmitSm, at: float, found: Reading | Refusal) -> Judgement | None:
    """How the policy came to what was found, if it was the policy that did."""
    pdu, coding = _in_the_house(account, pdu)
    judged = judgement(account, pdu, pdu.payload, coding, at)
    if isinstance(found, Reading):
        return judged
    return judged if isinstance(judged.verdict, Refuse) and judged.verdict.rule == found.rule else None


def _cuts(account: Account, pdu: SubmitSm, form: LongForm) -> Sequence[Cut]:
    pdu, coding = _in_the_house(account, pdu)
    kind: Kind = "udh16" if form is LongForm.UDH16 else "udh8"
    return segments.cuts(pdu.payload, coding.alphabet, kind)


def _in_the_house(account: Account, pdu: SubmitSm) -> tuple[SubmitSm, Coding]:
    """What is judged and cut: septets are not packed there."""
    if account.default_alphabet is Alphabet.GSM7_PACKED:
        pdu = packing.unpacked(pdu)
    return pdu, Coding(alphabet_of(account, pdu))
