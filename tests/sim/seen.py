"""The journal as the checks want it: by connection, by token, by message id.

The simulation lets the time of day leap over idle hours. A `leap` is a gap between two entries that no quiet
run has; `steady` takes the leaps out, so that what was under way during one does not look late. Whatever a
check calls late it must measure in steady time; what it calls early, in the time of day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

from tests.sim.journal import (
    Connected,
    DeliverAnswered,
    Delivered,
    Died,
    Entry,
    Forwarded,
    Gauged,
    Journal,
    Logged,
    Lost,
    RelayAnswered,
    Relayed,
    Replied,
    Reported,
    Started,
    Stopped,
    SubmitAnswered,
    Submitted,
)
from tests.sim.stored import Key

ROK = 0

_LEAP_S = 10.0


@dataclass(slots=True)
class Line:
    """One connection and what passed over it. `life` counts the gateway's lives from 0."""

    connection: int
    side: str = ""
    peer: str = ""
    life: int = 0
    lost_at: float | None = None
    submitted: dict[int, Submitted] = field(default_factory=dict)
    submit_answers: list[SubmitAnswered] = field(default_factory=list)
    delivered: list[Delivered | Forwarded] = field(default_factory=list)
    relayed: list[Relayed] = field(default_factory=list)
    relay_answers: dict[int, RelayAnswered] = field(default_factory=dict)
    told: dict[int, Reported | Replied] = field(default_factory=dict)
    told_answers: list[DeliverAnswered] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """A carrier's receipt or reply; `kept_at` is when the gateway's answer 0 came, None if none did."""

    said: Reported | Replied
    kept_at: float | None


@dataclass(slots=True)
class Piece:
    """A segment that a customer has sent, and the answer if there was one."""

    sent: Submitted
    answer: SubmitAnswered | None = None


@dataclass(slots=True)
class Seen:
    """What the outside saw. `submits` has the first of each token, `pieces` all segments of a text.

    `doubt_max` is the most copies of a text, or of a part of it, that were at carriers at one moment without
    a negative answer; `life_ends` has the end of each life that ended, the first at 0.
    """

    lines: dict[int, Line] = field(default_factory=dict)
    submits: dict[int, Submitted] = field(default_factory=dict)
    answers: dict[int, SubmitAnswered] = field(default_factory=dict)
    pieces: dict[int, list[Piece]] = field(default_factory=dict)
    copies: dict[Key, list[Relayed]] = field(default_factory=dict)
    relay_answers: dict[Key, list[RelayAnswered]] = field(default_factory=dict)
    doubt_max: Counter[Key] = field(default_factory=Counter)
    delivered: dict[str, list[Delivered]] = field(default_factory=dict)
    forwarded: list[Forwarded] = field(default_factory=list)
    reports: dict[Key, list[Told]] = field(default_factory=dict)
    replies: list[Told] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    life_ends: list[Died | Stopped] = field(default_factory=list)
    ended_at: float = 0.0
    _doubt: Counter[Key] = field(default_factory=Counter)
    _sent: dict[tuple[int, int], Piece] = field(default_factory=dict)
    _leaps: list[float] = field(default_factory=list)
    _leapt_from: list[float] = field(default_factory=list)
    _leapt_s: list[float] = field(default_factory=lambda: [0.0])

    def end_of(self, line: Line) -> float:
        """When a connection ended: by itself, with its life of the gateway, or with the journal."""
        ends = [] if line.lost_at is None else [line.lost_at]
        if line.life < len(self.life_ends):
            ends.append(self.life_ends[line.life].at)
        return min(ends, default=self.ended_at)

    def steady(self, at: float) -> float:
        """An instant without the leaps before it."""
        return at - self._leapt_s[bisect_right(self._leapt_from, at)]

    def leapt(self, at: float, within_s: float) -> bool:
        """Whether the time of day has leapt within the last seconds."""
        return bisect_right(self._leaps, at) > bisect_right(self._leaps, at - within_s)

    def take(self, entry: Entry) -> None:
        """Read one entry; they come in order."""
        if self.ended_at and entry.at - self.ended_at > _LEAP_S:
            self._leaps.append(entry.at)
            # It came somewhere between the two entries: what lies between them lies behind it.
            self._leapt_from.append(self.ended_at + _LEAP_S)
            self._leapt_s.append(self._leapt_s[-1] + entry.at - self.ended_at)
        self.ended_at = entry.at
        match entry:
            case Gauged() | Started():
                pass
            case Logged():
                self.logged.append(entry)
            case Died() | Stopped():
                self.life_ends.append(entry)
            case Connected():
                line = self._line(entry.connection)
                line.side, line.peer, line.life = entry.side, entry.peer, len(self.life_ends)
            case Lost():
                self._line(entry.connection).lost_at = entry.at
            case Submitted() | SubmitAnswered() | Delivered() | Forwarded():
                self._read_customer(entry, self._line(entry.connection))
            case _:
                self._read_carrier(entry, self._line(entry.connection))

    def _read_customer(self, entry: Submitted | SubmitAnswered | Delivered | Forwarded, line: Line) -> None:
        match entry:
            case Submitted():
                line.submitted[entry.sequence_number] = entry
                self.submits.setdefault(entry.token, entry)
                if entry.total:
                    piece = self._sent[entry.connection, entry.sequence_number] = Piece(entry)
                    self.pieces.setdefault(entry.token, []).append(piece)
            case SubmitAnswered():
                line.submit_answers.append(entry)
                submit = line.submitted.get(entry.sequence_number)
                if submit is not None and submit.total:
                    self._sent[entry.connection, entry.sequence_number].answer = entry
                elif submit is not None:
                    self.answers.setdefault(submit.token, entry)
            case Delivered():
                line.delivered.append(entry)
                self.delivered.setdefault(entry.message_id, []).append(entry)
            case Forwarded():
                line.delivered.append(entry)
                self.forwarded.append(entry)

    def _read_carrier(
        self, entry: Relayed | RelayAnswered | Reported | Replied | DeliverAnswered, line: Line
    ) -> None:
        match entry:
            case Relayed():
                key = entry.token, entry.place
                line.relayed.append(entry)
                self.copies.setdefault(key, []).append(entry)
                self._doubt[key] += 1
                self.doubt_max[key] = max(self.doubt_max[key], self._doubt[key])
            case RelayAnswered():
                key = entry.token, entry.place
                line.relay_answers.setdefault(entry.sequence_number, entry)
                self.relay_answers.setdefault(key, []).append(entry)
                self._doubt[key] -= entry.command_status != ROK
            case Reported() | Replied():
                line.told[entry.sequence_number] = entry
            case DeliverAnswered():
                line.told_answers.append(entry)

    def _line(self, connection: int) -> Line:
        line = self.lines.get(connection)
        if line is None:
            line = self.lines[connection] = Line(connection)
        return line

    def join(self) -> None:
        """Put answers to what carriers told; to be called once, when all entries are taken."""
        for line in self.lines.values():
            kept = {a.sequence_number: a.at for a in line.told_answers if a.command_status == ROK}
            for sequence_number, said in line.told.items():
                told = Told(said, kept.get(sequence_number))
                if isinstance(said, Reported):
                    self.reports.setdefault((said.token, said.place), []).append(told)
                else:
                    self.replies.append(told)


def read(journal: Journal) -> Seen:
    """Read a journal, once."""
    seen = Seen()
    for entry in journal.entries:
        seen.take(entry)
    seen.join()
    return seen
