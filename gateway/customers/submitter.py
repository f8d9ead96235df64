"""Whoever a message came from, and the answers to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from gateway import task
from gateway.admission import Refusal
from gateway.message import Message
from gateway.metrics import Metrics
from gateway.settings import Account
from gateway.stored import RefusedSubmit
from smpp.pdu import SubmitSm

log = structlog.get_logger()


class Sender(Protocol):
    """Whoever something came from."""

    @property
    def account(self) -> Account: ...

    @property
    def label(self) -> str:
        """What the records say about who submitted."""


class Submitter(Sender, Protocol):
    """The bind that a message came from, and that its answer goes to."""

    def accept(self, sequence_number: int, message: Message) -> None: ...

    def refuse(self, sequence_number: int, refusal: Refusal) -> None: ...

    def flush(self) -> None: ...

    def abort(self, reason: str) -> None: ...


def accept(submitter: Submitter, sequence_number: int, message: Message) -> None:
    """Answer that a message is taken, after the commit that makes it true."""
    try:
        submitter.accept(sequence_number, message)
    except Exception:
        _cut(submitter)


def refuse(submitter: Submitter, sequence_number: int, refused: Refusal, metrics: Metrics) -> None:
    """Answer that a message is not taken."""
    metrics.messages_refused[submitter.account.name, refused.rule] += 1
    try:
        submitter.refuse(sequence_number, refused)
    except Exception:
        _cut(submitter)


def evidence_of(
    sender: Sender, refused: Refusal, message: SubmitSm, refusal_id: int, now: float
) -> RefusedSubmit | None:
    """What is kept of a refusal at `now` (unix seconds); None of one by no rule of the contract."""
    evidence = refused.evidence
    if evidence is None:
        return None
    start, end = evidence.span or (None, None)
    return RefusedSubmit(
        refusal_id,
        sender.account.name,
        refused.rule,
        evidence.message_class,
        message.source.addr,
        message.destination.addr,
        evidence.body,
        evidence.units,
        sender.account.ruleset.version,
        sender.label,
        int(now * 1000),
        start,
        end,
        evidence.next_pass_at,
    )


def tell_shadowed(account: str, rules: Sequence[str], metrics: Metrics) -> None:
    """Count and log the rules that a message breaks, and that only report."""
    for rule in rules:
        metrics.rules_shadowed[account, rule] += 1
        log.info("rule.shadowed", account=account, rule=rule)


def _cut(submitter: Submitter) -> None:
    """An answer could not be sent: its customer has to know that it knows nothing."""
    log.exception("answer.failed", account=submitter.account.name)
    task.safely(submitter.abort, "an answer could not be sent")
