"""What would become of a text, without sending it: the gateway's own judgement, with how it was reached.

Pure. The text is written as its customer would write it, and goes the way of every submit_sm as far as that
can be gone without the store: whether its recipient has opted out, or the units suffice, is not asked. The
gateway is taken to be idle, so that no limit is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.addressing import address
from gateway.admission import Judged, Reading, Refusal, Segment, alphabet_of, judge, read, refusal
from gateway.parting import bodies_of, is_too_long
from gateway.routing import carriers_of, find, long_form
from gateway.settings import Account, LongForm, Settings
from gateway.statuses import GatewayError
from policy.clauses import RULES
from policy.facts import MessageClass
from policy.law import Article
from policy.throttle import TokenBucket
from policy.transform import Appended
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
    that fits into one. A text that is refused has them, too. `added` is what was put into the text before it
    was judged, and `pdu` has it; `template` is the agreed text that it is written by.
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
    message_class: MessageClass
    added: Appended | None = None
    template: str | None = None

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
        evidence = self.taken.evidence if isinstance(self.taken, Refusal) else None
        return None if evidence is None else evidence.span

    @property
    def shadowed(self) -> list[tuple[Refuse, tuple[int, int] | None]]:
        """What rules that only report have against it, with the piece of the text that it came with."""
        found = () if self.judgement is None else self.judgement.shadowed
        return [(each, each.span if self.added is None else self.added.original(each.span)) for each in found]

    @property
    def next_pass(self) -> float | None:
        """When a text that is refused would pass (unix seconds); None where no time will help."""
        evidence = self.taken.evidence if isinstance(self.taken, Refusal) else None
        at = None if evidence is None else evidence.next_pass_at
        return None if at is None else at / 1000

    def law(self, rule: str) -> Article | None:
        """The article behind a rule that is in force on the day of the text, None where there is none."""
        known = RULES.get(rule)
        day = datetime.fromtimestamp(self.at, self.account.ruleset.hours.zone).date()
        return None if known is None else known.law_on(day)

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
    service_type: str = "",
) -> Explanation:
    """What would become of `content` at `at` (unix seconds).

    Without a `data_coding` it is 0 if the account's own alphabet can write the text, and 8 if not. Raises
    TextError or ValueError for what no submit_sm can say.
    """
    pdu = _submit_sm(account, content, destination, source, data_coding, service_type)
    route = find(settings.routes, account.name, pdu.destination.addr)
    form = LongForm.UDH8 if route is None else long_form(route, settings.carriers)
    found = _read(settings, account, pdu, at)
    in_the_house, coding = _in_the_house(account, pdu)
    judged = judge(account, in_the_house, in_the_house.payload, coding, at)
    if judged is None or judged.added is None:
        written, alphabet = pdu, text.alphabet(pdu.data_coding, account.default_alphabet)
        cuts = _cuts(in_the_house.payload, coding, form)
    else:
        written, alphabet = judged.pdu, judged.coding.alphabet
        cuts = _cuts(judged.octets, judged.coding, form)
    ruleset = account.ruleset
    message_class = ruleset.class_of(service_type)
    return Explanation(
        account,
        at,
        written,
        alphabet,
        found if isinstance(found, Refusal) else _sent_on(settings, account, found, route, form),
        _judgement(judged, found),
        ruleset.opens_at(at, message_class),
        () if route is None else tuple(carriers_of(route)),
        None if len(cuts) == 1 else form,
        cuts,
        message_class,
        None if judged is None else judged.added,
        None if judged is None else ruleset.templates.match(judged.content, message_class),
    )


# -- as the customer would write it


def _submit_sm(
    account: Account,
    content: str,
    destination: str,
    source: str,
    data_coding: int | None,
    service_type: str,
) -> SubmitSm:
    data_coding, octets = _encoded(content, account.default_alphabet, data_coding)
    tlvs: Tlvs = ()
    if len(octets) > spec.SHORT_MESSAGE_MAX:
        tlvs, octets = ((spec.MESSAGE_PAYLOAD, octets),), b""
    here, there = address(source), address(destination)
    return SubmitSm(service_type, here, there, 0, 0, 0, "", "", 1, 0, data_coding, 0, octets, tlvs)


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
        bodies_of(reading.body, alphabet_of(account, codec.submit_sm(reading.body)), form)
    except ValueError:
        return refusal(account, GatewayError.MESSAGE_TOO_LONG)
    return reading


def _judgement(judged: Judged | None, found: Reading | Refusal) -> Judgement | None:
    """How the policy came to what was found, if it was the policy that did."""
    if judged is None or isinstance(found, Reading):
        return None if judged is None else judged.judgement
    verdict = judged.judgement.verdict
    return judged.judgement if isinstance(verdict, Refuse) and verdict.rule == found.rule else None


def _cuts(octets: bytes, coding: Coding, form: LongForm) -> Sequence[Cut]:
    kind: Kind = "udh16" if form is LongForm.UDH16 else "udh8"
    return segments.cuts(octets, coding.alphabet, kind)


def _in_the_house(account: Account, pdu: SubmitSm) -> tuple[SubmitSm, Coding]:
    """What is judged and cut: septets are not packed there."""
    if account.default_alphabet is Alphabet.GSM7_PACKED:
        pdu = packing.unpacked(pdu)
    return pdu, Coding(alphabet_of(account, pdu))
