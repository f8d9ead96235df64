"""The segments of long messages that are here, until the last one comes.

A set of segments is told apart by what all of them share: account, addresses, kind, reference, total and
alphabet. It belongs to the account, not to a bind: segments come over several. A segment that comes twice is
the same if its octets are; with others it begins a new message under a reference used again, and the older
one runs out. Memory holds what the store has, too: a restart fills it again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeVar

from gateway.message import Message
from gateway.settings import Limits
from smpp.address import Address
from smpp.pdu import SubmitSm
from smpp.segments import Concat, Kind
from smpp.text import Alphabet
from smpp.value import value


@value(frozen=True, slots=True)
class Key:
    """What the segments of one message share."""

    account: str
    source: Address
    destination: Address
    kind: Kind
    ref: int
    total: int
    alphabet: Alphabet


def key_of(account: str, pdu: SubmitSm, place: Concat, alphabet: Alphabet) -> Key:
    """The set that a segment belongs to."""
    return Key(account, pdu.source, pdu.destination, place.kind, place.ref, place.total, alphabet)


class Step(Enum):
    """What a segment is to its set."""

    COLLECT = "one of those that wait"
    COMPLETE = "the last one"
    REPEAT = "here already"
    REFUSE = "one too many"


class Gathered:
    """A segment that has come, the bind that it came by, and its row once the store has it."""

    __slots__ = ("bind", "digest", "message", "pdu")

    def __init__(self, pdu: SubmitSm, message: Message | None = None, bind: object = None) -> None:
        self.bind = bind
        self.pdu = pdu
        self.digest = hash((pdu.payload, pdu.esm_class))
        self.message = message


class Gathering:
    """One set. Its rows in the store share `whole_id`; `deadline` is in unix seconds."""

    __slots__ = ("deadline", "is_closed", "key", "segments", "size", "whole_id")

    def __init__(self, key: Key, whole_id: int, deadline: float) -> None:
        self.key = key
        self.whole_id = whole_id
        self.deadline = deadline
        self.segments: dict[int, Gathered] = {}
        self.size = 0
        self.is_closed = False

    @property
    def is_new(self) -> bool:
        """Whether the store has none of its segments yet."""
        return all(segment.message is None for segment in self.segments.values())

    @property
    def is_stored(self) -> bool:
        """Whether every segment but one has come and is in the store."""
        stored = sum(segment.message is not None for segment in self.segments.values())
        return stored == self.key.total - 1

    @property
    def is_whole(self) -> bool:
        """Whether every segment has come."""
        return len(self.segments) == self.key.total

    @property
    def in_order(self) -> Sequence[Gathered]:
        """The segments by their place."""
        return [self.segments[seq] for seq in sorted(self.segments)]


class Collector:
    """The sets of all accounts. `new_id` gives each its whole_id."""

    def __init__(self, limits: Limits, new_id: Callable[[], int]) -> None:
        self._limits = limits
        self._new_id = new_id
        self._sets: dict[Key, Gathering] = {}
        self._by_age: dict[Gathering, None] = {}
        # Sets that were accepted, with their octets, by account.
        self._closed: defaultdict[str, dict[Gathering, int]] = defaultdict(dict)
        self._closed_octets: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._octets: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many sets wait for a segment."""
        return sum(self._counts.values())

    @property
    def octets(self) -> int:
        """Octets of text that wait."""
        return sum(self._octets.values())

    def expects(self, key: Key, seq: int, now: float) -> bool:
        """Whether a set with that key waits for that segment."""
        self.forget_old(now)
        found = self._sets.get(key)
        return found is not None and not found.is_closed and seq not in found.segments

    def place(
        self, key: Key, seq: int, pdu: SubmitSm, now: float, bind: object = None
    ) -> tuple[Step, Gathering | None]:
        """Take a segment into its set. `now` is in unix seconds; `bind` is what it came by."""
        self.forget_old(now)
        gathered = Gathered(pdu, bind=bind)
        found = self._sets.get(key)
        known = None if found is None else found.segments.get(seq)
        if found is not None and known is not None and _is_repeat(gathered, known, found):
            return Step.REPEAT, found
        if found is None or known is not None or found.is_closed:
            if not self._has_room(key, len(pdu.payload), is_new=True):
                return Step.REFUSE, None
            found = self._begin(key, self._new_id(), now + self._limits.reassembly_s)
        elif not self._has_room(key, len(pdu.payload), is_new=False):
            return Step.REFUSE, None
        self._put(found, seq, gathered)
        return Step.COMPLETE if found.is_whole else Step.COLLECT, found

    def restore(self, key: Key, seq: int, whole_id: int, deadline: float, gathered: Gathered) -> None:
        """Take a segment that was stored in an earlier life."""
        found = self._sets.get(key)
        if found is None or found.whole_id != whole_id:
            found = self._begin(key, whole_id, deadline)
        self._put(found, seq, gathered)

    def remove(self, gathering: Gathering, seq: int) -> None:
        """A segment was not stored: it may come again."""
        octets = len(gathering.segments.pop(seq).pdu.payload)
        if not gathering.is_closed:
            gathering.size -= octets
            _less(self._octets, gathering.key.account, octets)
        if not gathering.segments:
            self.drop(gathering)

    def close(self, gathering: Gathering) -> None:
        """The whole is accepted. Its segments are known for a while, for a customer that asks again.

        No more of them are known than may wait.
        """
        if gathering.is_closed:
            return
        account, limits = gathering.key.account, self._limits
        closed = self._closed[account]
        closed[gathering] = gathering.size
        self._closed_octets[account] += gathering.size
        self._count_out(gathering)
        while len(closed) > limits.reassemblies_max or (
            self._closed_octets[account] > limits.reassembly_octets_max
        ):
            self.drop(next(iter(closed)))

    def drop(self, gathering: Gathering) -> None:
        """The whole is not accepted: whatever comes is the beginning of another one."""
        self._count_out(gathering)
        self._by_age.pop(gathering, None)
        account = gathering.key.account
        _less(self._closed_octets, account, self._closed[account].pop(gathering, 0))
        if self._sets.get(gathering.key) is gathering:
            del self._sets[gathering.key]

    def forget_old(self, now: float) -> None:
        """Drop the sets whose time is over; the store ends what it has of them."""
        while self._by_age and (oldest := next(iter(self._by_age))).deadline <= now:
            self.drop(oldest)

    # -- inside

    def _begin(self, key: Key, whole_id: int, deadline: float) -> Gathering:
        known = self._sets.get(key)
        if known is not None and known.is_closed:
            self.drop(known)
        gathering = self._sets[key] = Gathering(key, whole_id, deadline)
        self._by_age[gathering] = None
        self._counts[key.account] += 1
        return gathering

    def _put(self, gathering: Gathering, seq: int, gathered: Gathered) -> None:
        gathering.segments[seq] = gathered
        gathering.size += len(gathered.pdu.payload)
        self._octets[gathering.key.account] += len(gathered.pdu.payload)

    def _count_out(self, gathering: Gathering) -> None:
        if not gathering.is_closed:
            gathering.is_closed = True
            _less(self._counts, gathering.key.account, 1)
            _less(self._octets, gathering.key.account, gathering.size)
            gathering.size = 0

    def _has_room(self, key: Key, octets: int, *, is_new: bool) -> bool:
        limits = self._limits
        return self._octets[key.account] + octets <= limits.reassembly_octets_max and not (
            is_new and self._counts[key.account] >= limits.reassemblies_max
        )


def _is_repeat(gathered: Gathered, known: Gathered, found: Gathering) -> bool:
    """Whether a segment is one that is here already.

    Once the whole is accepted, who repeats is a customer that has lost its bind before the answer came. By
    the same bind comes the next message of one that never changes its references.
    """
    return known.digest == gathered.digest and not (found.is_closed and known.bind is gathered.bind)


_Name = TypeVar("_Name")


def _less(counter: Counter[_Name], name: _Name, count: int) -> None:
    counter[name] -= count
    if counter[name] <= 0:
        del counter[name]
