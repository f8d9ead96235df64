"""What other rules would have said to the submits that are stored: each judged again, as of its own time.

Texts are judged by the new configuration's rules of their account and class; what recipients had agreed to is
known from the store's history. What depends on what else was sent, on money, or on a recipient's own refusal
stays as it was. Nothing here looks at the clock: the same submits and rules make the same report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from itertools import islice

from gateway.logs import mask_number
from gateway.number import plain
from gateway.records.text import pdu_of, place_of, text_of, units_of, whole_of
from gateway.settings import Account, Consent, Settings
from gateway.store.history import History
from gateway.store.submits import Submit
from policy import chain
from policy.clauses import (
    CONSENT_MISSING,
    CONTENT_KINDS,
    OUTSIDE_HOURS,
    RECIPIENT_BLOCKED,
    RECIPIENT_NOT_MEMBER,
    RECIPIENT_OPTED_OUT,
    SALUTATION_MISSING,
    SIGNATURE_MISPLACED,
    SIGNATURE_MISSING,
    SIGNATURE_NOT_REGISTERED,
    TEMPLATE_MISMATCH,
    UNSUBSCRIBE_MISSING,
)
from policy.facts import MessageClass, Submission
from policy.scope import Mode
from policy.signature import named
from policy.transform import append
from policy.verdict import Refuse
from smpp import smpptime
from smpp.pdu import SubmitSm

# Those that a text, its time and the records of its recipient decide; a refusal by any other rule stays.
_JUDGED = frozenset(
    {
        SALUTATION_MISSING,
        UNSUBSCRIBE_MISSING,
        SIGNATURE_MISSING,
        SIGNATURE_NOT_REGISTERED,
        SIGNATURE_MISPLACED,
        TEMPLATE_MISMATCH,
        *CONTENT_KINDS,
        CONSENT_MISSING,
        RECIPIENT_NOT_MEMBER,
        OUTSIDE_HOURS,
    }
)
_PIECE = 1000
# How much of a text is shown on either side of what it is refused for.
_AROUND = 6


class Change(StrEnum):
    """How the new verdict differs."""

    NEWLY_REFUSED = "newly refused"
    NEWLY_PASSED = "newly passed"
    OTHER_RULE = "other rule"


class Unjudged(StrEnum):
    """Why a submit was not judged again."""

    NO_ACCOUNT = "the new configuration has no such account"
    NO_TEXT = "no text is stored, or none that can be read"
    NOT_WHOLE = "segments of it are missing"


@dataclass(frozen=True, slots=True)
class Sample:
    """A submit that would fare otherwise, its number masked, and of its text only what is to blame."""

    submit_id: int
    submitted_at: int
    number: str
    excerpt: str


@dataclass(slots=True)
class Line:
    """The submits of one account with one change: how many they are, and what they cost.

    `then` and `now` are the rules that refuse, None where it passes.
    """

    change: Change
    account: str
    then: str | None
    now: str | None
    messages: int = 0
    units: int = 0
    samples: list[Sample] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a replay has found. `left` counts refusals that stay because they cannot be judged, by rule.

    `unjudged` counts by reason; `prices` has the average price of a unit in fen of each account with lots.
    """

    passed: int = 0
    refused: int = 0
    lines: dict[tuple[str, str | None, str | None], Line] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[Unjudged] = field(default_factory=Counter)
    capped: Sequence[str] = ()
    prices: Mapping[str, Fraction] = field(default_factory=dict)

    def sorted_lines(self) -> list[Line]:
        """The changes, those to what passed first, then by rule and account."""
        changes = list(Change)
        return sorted(
            self.lines.values(),
            key=lambda line: (changes.index(line.change), line.now or "", line.then or "", line.account),
        )

    def fen(self, line: Line) -> int | None:
        """What the units of a line cost, to the fen, half a fen being one; None if no price is known."""
        price = self.prices.get(line.account)
        return None if price is None else int(price * line.units + Fraction(1, 2))


@dataclass(frozen=True, slots=True)
class _Read:
    """A submit with its text, and what the rules of texts say to it now."""

    submit: Submit
    account: Account
    pdu: SubmitSm
    text: str
    refused: Refuse | None


class Replay:
    """Judges submits by the accounts of `settings`; `history_of` knows the records of recipients' numbers.

    Of each line of the report, `samples` submits are shown at the most. `holding` are the versions of rules
    by which texts waited for the hours.
    """

    def __init__(
        self,
        settings: Settings,
        history_of: Callable[[Iterable[str]], History],
        samples: int,
        holding: Collection[str] = (),
    ) -> None:
        self._holding = holding
        self._accounts = {account.name: account for account in settings.accounts.values()}
        self._country_code = settings.country_code
        self._history_of = history_of
        self._samples = samples
        capped = sorted(name for name, account in self._accounts.items() if account.recipients.frequency)
        self.report = Report(capped=capped)

    def judge(self, submits: Iterable[Submit], judged: Callable[[int], object]) -> None:
        """Judge all of them, in pieces; `judged` is told how many, again and again."""
        left = iter(submits)
        while piece := list(islice(left, _PIECE)):
            read = [found for submit in piece if (found := self._read(submit)) is not None]
            numbers = [self._number(one.submit) for one in read if _asks_for_records(one)]
            records = self._history_of(numbers) if numbers else History()
            for one in read:
                self._compare(one, self._rule(one, records))
            judged(len(piece))

    def _read(self, submit: Submit) -> _Read | None:
        account = self._accounts.get(submit.account)
        if account is None:
            self.report.unjudged[Unjudged.NO_ACCOUNT] += 1
            return None
        pieces = [pdu for body in submit.bodies if (pdu := pdu_of(body)) is not None]
        if len(pieces) < len(submit.bodies):
            self.report.unjudged[Unjudged.NO_TEXT] += 1
            return None
        pdu = pieces[0] if len(pieces) == 1 and place_of(pieces[0]) is None else whole_of(pieces)
        if pdu is None:
            self.report.unjudged[Unjudged.NOT_WHOLE] += 1
            return None
        text = text_of(pdu, account)
        if text is None:
            self.report.unjudged[Unjudged.NO_TEXT] += 1
            return None
        return _Read(submit, account, pdu, text, self._refused(account, submit, pdu, text))

    def _refused(self, account: Account, submit: Submit, pdu: SubmitSm, text: str) -> Refuse | None:
        """What the rules of texts have against it, as of when it was to be sent."""
        refused = _judged(account, submit, text, _wanted_at(submit, pdu))
        if refused is None or refused.rule != OUTSIDE_HOURS or submit.due_at is None:
            return refused
        # Where nothing waits for the hours, what is due later was scheduled, though its body says so no more.
        is_scheduled = submit.due_at > submit.submitted_at and submit.ruleset not in self._holding
        return _judged(account, submit, text, submit.due_at / 1000) if is_scheduled else refused

    def _number(self, submit: Submit) -> str:
        return plain(submit.destination_addr, self._country_code)

    def _rule(self, read: _Read, records: History) -> str | None:
        """The rule that refuses it now, if one does."""
        if read.refused is not None:
            return read.refused.rule
        then = read.submit.rule
        if then is not None and then not in _JUDGED:
            self.report.left[then] += 1
            return then
        return self._recipients_rule(read, records) if _asks_for_records(read) else None

    def _recipients_rule(self, read: _Read, records: History) -> str | None:
        modes = read.account.ruleset.modes[MessageClass(read.submit.message_class)]
        return next((rule for rule in self._broken(read, records) if modes[rule] is Mode.ON), None)

    def _broken(self, read: _Read, records: History) -> Iterator[str]:
        """The rules that the records of its recipient break."""
        submit, wanted = read.submit, read.account.recipients
        number, at = self._number(submit), submit.submitted_at
        if submit.rule is not None:
            # What passed then was for a recipient who had not refused it.
            if records.is_blocked(number, at):
                yield RECIPIENT_BLOCKED
            if records.has_opted_out(number, submit.account, named(read.text), at):
                yield RECIPIENT_OPTED_OUT
        if wanted.members_only and not records.is_member(number, submit.account, at):
            yield RECIPIENT_NOT_MEMBER
        kind = submit.message_class
        if _needs_consent(read) and not records.has_consented(number, submit.account, kind, at):
            yield CONSENT_MISSING

    def _compare(self, read: _Read, now: str | None) -> None:
        then = read.submit.rule
        if then == now:
            if then is None:
                self.report.passed += 1
            else:
                self.report.refused += 1
            return
        key = read.submit.account, then, now
        line = self.report.lines.get(key)
        if line is None:
            line = self.report.lines[key] = Line(_change(then, now), read.submit.account, then, now)
        line.messages += 1
        line.units += read.submit.units or units_of(read.pdu, read.account)
        if len(line.samples) < self._samples:
            span = read.refused.span if read.refused is not None else None
            line.samples.append(_sample(read, span))


def _judged(account: Account, submit: Submit, text: str, at: float) -> Refuse | None:
    """What the rules of texts have against it at `at` (unix seconds)."""
    message_class = MessageClass(submit.message_class)
    added = append(account.ruleset, text, message_class, at) if account.ruleset.append else None
    judged = text if added is None else added.text
    submission = Submission(judged, at, message_class, "", submit.destination_addr)
    verdict = chain.evaluate(account.ruleset, submission).verdict
    if not isinstance(verdict, Refuse):
        return None
    return verdict if added is None else replace(verdict, span=added.original(verdict.span))


def _wanted_at(submit: Submit, pdu: SubmitSm) -> float:
    """When its customer wanted it sent (unix seconds), as far as what is stored still tells."""
    submitted_at = submit.submitted_at / 1000
    try:
        scheduled = smpptime.parse(pdu.schedule_delivery_time, datetime.fromtimestamp(submitted_at, UTC))
    except ValueError:
        return submitted_at  # it was refused before that was read
    return submitted_at if scheduled is None else max(submitted_at, scheduled.timestamp())


def _asks_for_records(read: _Read) -> bool:
    """Whether the records of its recipient say what becomes of it."""
    if read.refused is not None:
        return False
    return read.submit.rule is not None or read.account.recipients.members_only or _needs_consent(read)


def _needs_consent(read: _Read) -> bool:
    wanted = read.account.recipients
    return wanted.consent is Consent.LISTED and read.submit.message_class in wanted.consent_for


def _change(then: str | None, now: str | None) -> Change:
    if then is None:
        return Change.NEWLY_REFUSED
    return Change.NEWLY_PASSED if now is None else Change.OTHER_RULE


def _sample(read: _Read, span: tuple[int, int] | None) -> Sample:
    submit = read.submit
    number = mask_number(submit.destination_addr)
    return Sample(submit.submit_id, submit.submitted_at, number, _excerpt(read.text, span))


def _excerpt(text: str, span: tuple[int, int] | None) -> str:
    """What the text is refused for, a little around it, digits hidden; "" where no piece is to blame."""
    if span is None:
        return ""
    start, end = max(0, span[0] - _AROUND), min(len(text), span[1] + _AROUND)
    shown = "".join("*" if letter.isdigit() else letter for letter in text[start:end])
    return f"{'…' if start else ''}{shown}{'…' if end < len(text) else ''}"


def prices(lots: Iterable[tuple[str, int, int]]) -> dict[str, Fraction]:
    """The average price of a unit in fen, by account; lots are account, units and amount in fen."""
    bought: dict[str, tuple[int, int]] = {}
    for account, units, fen in lots:
        before = bought.get(account, (0, 0))
        bought[account] = before[0] + units, before[1] + fen
    return {account: Fraction(fen, units) for account, (units, fen) in sorted(bought.items())}
