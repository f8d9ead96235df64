"""The rules in their one order: form, content, hours; the first that objects decides.

Form comes first, so that a malformed text is refused at once and not held until the morning; the signature
leads, because every class needs it and the unsubscribe text is found by it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from policy import salutation, signature, unsubscribe
from policy.clauses import OUTSIDE_HOURS, refuse
from policy.facts import MessageClass, Submission
from policy.normalise import fold
from policy.ruleset import Ruleset
from policy.verdict import Accept, Defer, Judgement, Refuse

_Step = Callable[[Ruleset, Submission], Defer | Refuse | None]


def evaluate(ruleset: Ruleset, submission: Submission) -> Judgement:
    """Judges one message by its account's rules, as of `submission.at`.

    Commercial messages need salutation, unsubscribe text and signature; notices and codes need a signature,
    and the others where the ruleset says so (contract clause 1(3)). Defer only comes from the hours.
    """
    commercial = submission.message_class is MessageClass.COMMERCIAL
    names, steps, accepted = _CHAINS[
        commercial or ruleset.require_salutation, commercial or ruleset.require_unsubscribe
    ]
    for index, step in enumerate(steps):
        verdict = step(ruleset, submission)
        if verdict is not None:
            return Judgement(verdict, names[: index + 1])
    return accepted


def _signature(ruleset: Ruleset, submission: Submission) -> Refuse | None:
    return signature.check(submission.text, ruleset.signatures)


def _salutation(_: Ruleset, submission: Submission) -> Refuse | None:
    return salutation.check(submission.text)


def _unsubscribe(_: Ruleset, submission: Submission) -> Refuse | None:
    return unsubscribe.check(submission.text)


def _content(ruleset: Ruleset, submission: Submission) -> Refuse | None:
    return ruleset.content.find(fold(submission.text))


def judge_hours(ruleset: Ruleset, at: float, message_class: MessageClass) -> Defer | Refuse | None:
    """The last rule by itself, for what has no text to be read: None if it may be sent at `at`.

    `at` is in unix seconds.
    """
    if ruleset.hours.is_open(at, message_class):
        return None
    if ruleset.outside_hours == "hold":
        return Defer(ruleset.hours.next_open(at, message_class))
    return refuse(OUTSIDE_HOURS)


def _hours(ruleset: Ruleset, submission: Submission) -> Defer | Refuse | None:
    return judge_hours(ruleset, submission.at, submission.message_class)


def _chain(
    with_salutation: bool, with_unsubscribe: bool
) -> tuple[tuple[str, ...], tuple[_Step, ...], Judgement]:
    steps: dict[str, _Step] = {"signature": _signature}
    if with_salutation:
        steps["salutation"] = _salutation
    if with_unsubscribe:
        steps["unsubscribe"] = _unsubscribe
    steps |= {"content": _content, "hours": _hours}
    names = tuple(steps)
    return names, tuple(steps.values()), Judgement(Accept(), names)


_CHAINS = {switches: _chain(*switches) for switches in product((False, True), repeat=2)}
