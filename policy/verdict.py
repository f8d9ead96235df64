"""What the rules say: one of three verdicts, and which rules were tried to reach it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accept:
    """The message may be sent now."""


@dataclass(frozen=True, slots=True)
class Defer:
    """The message may be sent, but not before `until` (unix seconds)."""

    until: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """The message may not be sent.

    `rule` is a key of `clauses.RULES`, `clause` its label in the contract; `span` is the offending
    piece of the text as submitted (start, end), or None where no piece of it is to blame. `detail` says more
    of this case where there is more to say.
    """

    rule: str
    span: tuple[int, int] | None
    clause: str
    detail: str = ""


Verdict = Accept | Defer | Refuse


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its `trail`: the names of the steps taken, in order; a refusal is by the last.

    `shadowed` is what rules that only report would have refused it for; `ruleset` is the version of the
    rules. `next_pass` is the first instant (unix seconds) from which the same text would pass, None where no
    time will help or none is needed.
    """

    verdict: Verdict
    trail: tuple[str, ...]
    shadowed: tuple[Refuse, ...] = ()
    ruleset: str = ""
    next_pass: float | None = None
