"""What both ends have written down, for the verdict to compare with the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a submit_sm, and how long it took."""

    status: int
    message_id: str
    waited_s: float


@dataclass(slots=True)
class CustomerNotes:
    """What the customers sent and got; receipts by our message id, replies by token.

    `submitted_at` is an instant before the octets left.
    """

    submitted_at: dict[int, float] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    receipts: dict[str, list[str]] = field(default_factory=dict)
    replies: Counter[int] = field(default_factory=Counter)
    nonsense: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> dict[int, Answer]:
        """The answers with status 0."""
        return {token: answer for token, answer in self.answers.items() if answer.status == 0}


@dataclass(frozen=True, slots=True)
class Copy:
    """A submit_sm at a carrier, what it was answered, and when it came."""

    token: int
    message_id: str
    status: int
    at: float


@dataclass(slots=True)
class CarrierNotes:
    """A carrier's journal, as far as it has been read. A report is known by its kind and its message id."""

    path: Path
    copies: list[Copy] = field(default_factory=list)
    told: dict[tuple[str, str], float] = field(default_factory=dict)
    acknowledged: dict[tuple[str, str], float] = field(default_factory=dict)
    _read: int = 0

    def read_on(self) -> None:
        """Read what has been written since."""
        with self.path.open("rb") as journal:
            journal.seek(self._read)
            octets = journal.read()
        whole = octets[: octets.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode().splitlines():
            self._take(*line.split(" "))

    @property
    def accepted(self) -> list[Copy]:
        """The copies that the carrier took."""
        return [copy for copy in self.copies if copy.status == 0]

    def _take(self, event: str, *words: str) -> None:
        if event == "copy":
            token, message_id, status, at = words
            self.copies.append(Copy(int(token), message_id, int(status), float(at)))
        else:
            kind, message_id, at = words
            {"told": self.told, "acknowledged": self.acknowledged}[event][kind, message_id] = float(at)
