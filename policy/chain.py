"""The rules in their one order: form, content, hours; the first that objects decides.

Form comes first, so that a malformed text is refused at once and not held until the morning; the signature
leads, because every class needs it and the unsubscribe text is found by it. What a rule that only reports
has against a message is told beside the verdict, as far as the chain goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from policy import salutation, signature, unsubscribe
from policy.clauses import (
    CONTENT_KINDS,
    OUTSIDE_HOURS,
    SIGNATURE_NOT_REGISTERED,
    TEMPLATE_MISMATCH,
    refuse,
)
from policy.facts import MessageClass, Submission
from policy.normalise import fold
from policy.ruleset import Ruleset
from policy.scope import Mode, Modes
from policy.verdict import Defer, Judgement, Refuse

_Objections = Sequence[Defer | Refuse]
_Step = Callable[[Ruleset, Submission], _Objections]


def evaluate(ruleset: Ruleset, submission: Submission) -> Judgement:
    """Judges one message by its account's rules, as of `submission.at`.

    Which rules it is held to is a matter of its class (see `scope`). Defer only comes from the hours.
    """
    judgement = _evaluate(ruleset, submission)
    if isinstance(judgement.verdict, Refuse):
        next_pass = _next_pass(ruleset, submission, judgement.verdict)
        return judgement if next_pass is None else replace(judgement, next_pass=next_pass)
    return judgement


def judge_hours(ruleset: Ruleset, at: float, message_class: MessageClass) -> Defer | Refuse | None:
    """The last rule by itself, for what has no text to be read: None if it may be sent at `at`.

    `at` is in unix seconds.
    """
    if ruleset.modes[message_class][OUTSIDE_HOURS] is not Mode.ON:
        return None
    return _outside(ruleset, at, message_class)


def _evaluate(ruleset: Ruleset, submission: Submission) -> Judgement:
    plan = ruleset.plans[submission.message_class]
    shadowed: tuple[Refuse, ...] = ()
    for index, name in enumerate(plan.steps):
        objections = _STEPS[name](ruleset, submission)
        if not objections:
            continue
        verdict, reported = _weigh(objections, ruleset.modes[submission.message_class])
        shadowed += reported
        if verdict is not None:
            return Judgement(verdict, plan.steps[: index + 1], shadowed, ruleset.version)
    return replace(plan.judgement, shadowed=shadowed) if shadowed else plan.judgement


def _weigh(objections: _Objections, modes: Modes) -> tuple[Defer | Refuse | None, tuple[Refuse, ...]]:
    """The first objection that counts, and those that are only reported before it."""
    reported: list[Refuse] = []
    for objection in objections:
        if isinstance(objection, Defer) or modes[objection.rule] is Mode.ON:
            return objection, tuple(reported)
        if modes[objection.rule] is Mode.SHADOW:
            reported.append(objection)
    return None, tuple(reported)


def _next_pass(ruleset: Ruleset, submission: Submission, refused: Refuse) -> float | None:
    """When the same message would pass: once its signature is valid, and the hours are open."""
    at: float | None = submission.at
    if refused.rule == SIGNATURE_NOT_REGISTERED and refused.span is not None:
        start, end = refused.span
        at = ruleset.signatures.next_valid(submission.text[start + 1 : end - 1], submission.at)
    elif refused.rule != OUTSIDE_HOURS:
        return None
    if at is None:
        return None
    later = _evaluate(ruleset, replace(submission, at=at)).verdict
    if isinstance(later, Refuse) and later.rule == OUTSIDE_HOURS:
        at = ruleset.hours.next_open(at, submission.message_class)
        later = _evaluate(ruleset, replace(submission, at=at)).verdict
    return None if isinstance(later, Refuse) else at


# -- the steps


def _signature(ruleset: Ruleset, submission: Submission) -> _Objections:
    return signature.check(submission.text, ruleset.signatures, submission.at)


def _salutation(_: Ruleset, submission: Submission) -> _Objections:
    found = salutation.check(submission.text)
    return () if found is None else (found,)


def _unsubscribe(_: Ruleset, submission: Submission) -> _Objections:
    found = unsubscribe.check(submission.text)
    return () if found is None else (found,)


def _template(ruleset: Ruleset, submission: Submission) -> _Objections:
    if ruleset.templates.match(submission.text, submission.message_class) is None:
        return (refuse(TEMPLATE_MISMATCH),)
    return ()


def _content(ruleset: Ruleset, submission: Submission) -> _Objections:
    folded = fold(submission.text)
    first = ruleset.content.find(folded)
    if first is None:
        return ()
    modes = ruleset.modes[submission.message_class]
    # A term of a kind that only reports must not hide one of a kind that refuses.
    reporting = [(kind,) for kind in CONTENT_KINDS if modes[kind] is Mode.SHADOW]
    if not reporting and modes[first.rule] is Mode.ON:
        return (first,)
    refusing = tuple(kind for kind in CONTENT_KINDS if modes[kind] is Mode.ON)
    found = (ruleset.content.find(folded, kinds) for kinds in (*reporting, refusing))
    return [refusal for refusal in found if refusal is not None]


def _hours(ruleset: Ruleset, submission: Submission) -> _Objections:
    found = _outside(ruleset, submission.at, submission.message_class)
    return () if found is None else (found,)


def _outside(ruleset: Ruleset, at: float, message_class: MessageClass) -> Defer | Refuse | None:
    if ruleset.hours.is_open(at, message_class):
        return None
    is_held = ruleset.outside_hours == "hold" and ruleset.modes[message_class][OUTSIDE_HOURS] is Mode.ON
    if is_held:
        return Defer(ruleset.hours.next_open(at, message_class))
    return refuse(OUTSIDE_HOURS)


_STEPS: Mapping[str, _Step] = {
    "signature": _signature,
    "salutation": _salutation,
    "unsubscribe": _unsubscribe,
    "template": _template,
    "content": _content,
    "hours": _hours,
}
