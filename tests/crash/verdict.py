"""Whether a run kept the promises: the journals of both ends, compared with the store and with each other.

Nothing here asks the gateway. A flaw is counted under its name, with the first of those it concerns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tests.crash import tokens
from tests.crash.notes import CarrierNotes, Copy, CustomerNotes
from tests.crash.store import SETTLE, VOID, Stored, StoreNotes

_One = TypeVar("_One")

_NAMED_MAX = 3
_ENDS = {"DELIVRD": "DELIVERED", "UNDELIV": "UNDELIVERABLE", "UNKNOWN": "UNKNOWN", "REJECTD": "REJECTED"}
_REPORTED = {"DELIVERED", "UNDELIVERABLE"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a run after it. `carriers` are by name; `in_doubt` is the most after any crash.

    `windows` is how many submits the carriers' windows hold together, `delay_s` how long each fdatasync took
    at least, 0 if nothing made it slow; `others` are flaws that the run itself has seen.
    """

    customer: CustomerNotes
    carriers: Mapping[str, CarrierNotes]
    store: StoreNotes
    in_doubt: int
    windows: int
    delay_s: float = 0.0
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures of a run, and its flaws by name; a run without flaws kept every promise.

    `acked` were answered 0, `unanswered` lost their connection first. `lost` were acked and then neither
    brought to a carrier nor ended with their units back, or their receipt never came. `duplicated` are copies
    at the carriers beyond the first; `unmarked` those of them that no resend in the store accounts for.
    """

    tried: int
    acked: int
    refused: int
    unanswered: int
    lost: int
    duplicated: int
    unmarked: int
    repeated: int
    unknown: int
    in_doubt: int
    unbalanced: int
    flaws: Mapping[str, str]


def judge(evidence: Evidence) -> Verdict:
    """The verdict on a run."""
    return _Case(evidence).verdict()


class _Case:
    """One run before the court."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._customer = evidence.customer
        self._store = evidence.store
        self._by_id = {message.message_id: message for message in evidence.store.messages}
        self._by_token = {message.token: message for message in evidence.store.messages}
        self._copies: dict[int, list[Copy]] = {}
        for carrier in evidence.carriers.values():
            for copy in carrier.copies:
                self._copies.setdefault(copy.token, []).append(copy)
        self._flaws: dict[str, list[str]] = {}

    def verdict(self) -> Verdict:
        lost = {*self._not_stored(), *self._not_carried(), *self._not_told()} & self._customer.accepted.keys()
        unmarked = self._unmarked()
        self._check_strangers()
        self._check_ends()
        self._check_receipts()
        self._check_carriers_heard()
        self._check_order()
        evidence, customer = self._evidence, self._customer
        self._flaw("unbalanced", evidence.store.unbalanced)
        self._flaw("seen in the run", [*evidence.others, *customer.nonsense])
        if evidence.store.unfinished:
            self._flaw("unfinished", [f"{evidence.store.unfinished} messages and deliveries"])
        if evidence.in_doubt > evidence.windows:
            self._flaw("more in doubt than the windows hold", [evidence.in_doubt])
        return Verdict(
            tried=len(customer.submitted_at),
            acked=len(customer.accepted),
            refused=len(customer.answers) - len(customer.accepted),
            unanswered=len(customer.submitted_at) - len(customer.answers),
            lost=len(lost),
            duplicated=sum(max(0, len(self._taken(token)) - 1) for token in self._copies),
            unmarked=unmarked,
            repeated=sum(len(stats) - 1 for stats in customer.receipts.values()),
            unknown=sum(message.state == "UNKNOWN" for message in evidence.store.messages),
            in_doubt=evidence.in_doubt,
            unbalanced=len(evidence.store.unbalanced),
            flaws={name: _told(concerned) for name, concerned in self._flaws.items()},
        )

    # -- what is lost

    def _not_stored(self) -> list[int]:
        """P1: status 0 means that the message is stored, under this id."""
        missing = [
            token
            for token, answer in self._customer.accepted.items()
            if (message := self._by_id.get(answer.message_id)) is None
            or (message.token, message.account) != (token, tokens.account_of(token))
        ]
        return self._flaw("answered 0 and not stored", missing)

    def _not_carried(self) -> list[int]:
        """P3: each is at a carrier, unless it was in doubt, ended so, and its units are back."""
        return self._flaw(
            "never at a carrier",
            [
                message.token
                for message in self._store.messages
                if message.token not in self._copies
                and not (message.state == "UNKNOWN" and message.resolution == VOID)
            ],
        )

    def _not_told(self) -> list[int]:
        """P6: the end of each comes to the customer, also of those whose answer was lost."""
        told = self._customer.receipts
        return self._flaw(
            "without a receipt", [m.token for m in self._store.messages if m.message_id not in told]
        )

    # -- what is too much

    def _unmarked(self) -> int:
        """P4: a copy beyond the first is a resend, and the store knows of it."""
        excess = {
            token: len(self._taken(token)) - 1 - message.resends for token, message in self._by_token.items()
        }
        self._flaw("sent twice without a resend", [token for token, count in excess.items() if count > 0])
        return sum(max(0, count) for count in excess.values())

    def _check_strangers(self) -> None:
        """P2: what was refused left no trace; nobody has what nobody sent; nothing is there twice."""
        customer = self._customer
        refused = {token for token, answer in customer.answers.items() if answer.status}
        self._flaw("refused and stored", refused & self._by_token.keys())
        self._flaw("refused and at a carrier", refused & self._copies.keys())
        self._flaw("at a carrier and not stored", self._copies.keys() - self._by_token.keys())
        self._flaw("stored and never sent", self._by_token.keys() - customer.submitted_at.keys())
        counts = Counter(message.token for message in self._store.messages)
        self._flaw("stored twice", [token for token, count in counts.items() if count > 1])

    # -- ends

    def _check_ends(self) -> None:
        """P5: one end each, and it is what a carrier said, or UNKNOWN for what was in doubt."""
        self._flaw("an end that is not so", [m.token for m in self._store.messages if not self._is_true(m)])
        wrong = []
        for message_id, stats in self._customer.receipts.items():
            message = self._by_id.get(message_id)
            if message is None or {_ENDS.get(stat) for stat in stats} != {message.state}:
                wrong.append(message_id)
        self._flaw("told another end than the store has", wrong)

    def _is_true(self, message: Stored) -> bool:
        if not message.ended:
            return False
        if message.state in _REPORTED:
            told = _ENDS[tokens.stat_of(message.token)]
            return bool(self._taken(message.token)) and (message.state, message.resolution) == (told, SETTLE)
        if message.state == "REJECTED":
            refused = any(copy.status for copy in self._copies.get(message.token, ()))
            return refused and message.resolution == VOID
        return message.state == "UNKNOWN" and message.resolution == VOID

    def _taken(self, token: int) -> list[Copy]:
        return [copy for copy in self._copies.get(token, ()) if copy.status == 0]

    # -- receipts and replies

    def _check_receipts(self) -> None:
        """P6: what the gateway acknowledged to a carrier, it has stored."""
        for name, carrier in self._evidence.carriers.items():
            token_of = {copy.message_id: copy.token for copy in carrier.copies}
            said = list(carrier.acknowledged)
            self._flaw(
                "a receipt acknowledged and not stored",
                [i for kind, i in said if kind == "receipt" and (name, i) not in self._store.receipts],
            )
            replied = [token_of[message_id] for kind, message_id in said if kind == "reply"]
            self._flaw(
                "a reply acknowledged and not stored", [t for t in replied if not self._store.replies[t]]
            )
            self._flaw("a reply that never came", [t for t in replied if not self._customer.replies[t]])

    def _check_carriers_heard(self) -> None:
        """The gateway listens to each receipt, however often it has to be told."""
        for carrier in self._evidence.carriers.values():
            self._flaw(
                "a carrier that is still not heard",
                [
                    copy.message_id
                    for copy in carrier.accepted
                    if ("receipt", copy.message_id) not in carrier.acknowledged
                ],
            )

    def _check_order(self) -> None:
        """Nothing leaves before the commit that makes it true: no sooner than the disk can have it."""
        delay_s = self._evidence.delay_s
        if not delay_s:
            return
        answers = self._customer.accepted.items()
        self._flaw(
            "answered before it was on disk", [t for t, answer in answers if answer.waited_s < delay_s]
        )
        began = self._customer.submitted_at
        for carrier in self._evidence.carriers.values():
            early = [copy.token for copy in carrier.copies if copy.at < began.get(copy.token, 0) + delay_s]
            self._flaw("at a carrier before it was on disk", early)
            told = carrier.told
            self._flaw(
                "acknowledged before it was on disk",
                [key[1] for key, at in carrier.acknowledged.items() if at - told[key] < delay_s],
            )

    def _flaw(self, name: str, concerned: Iterable[_One]) -> list[_One]:
        """Write those concerned down under a name; they are returned."""
        found = list(concerned)
        if found:
            self._flaws.setdefault(name, []).extend(map(str, found))
        return found


def _told(concerned: list[str]) -> str:
    more = ", ..." if len(concerned) > _NAMED_MAX else ""
    return f"{len(concerned)} ({', '.join(concerned[:_NAMED_MAX])}{more})"
