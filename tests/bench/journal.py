"""What happened to every message of a run, seen from outside, and whether all of it is as promised."""

from __future__ import annotations

from array import array
from collections import Counter

FIRST_DESTINATION = 13_800_000_000
DESTINATION_DIGITS = 11


class Journal:
    """One row a submit_sm, by its index. The instants are of `perf_counter`, 0.0 means never.

    Each is a message, or one of the `segments` of a long one, which stand one behind the other.
    """

    def __init__(self, texts: int, segments: int = 1) -> None:
        self.segments = segments
        self.messages = messages = texts * segments
        self.submitted_at = array("d", bytes(8 * messages))
        self.answered_at = array("d", bytes(8 * messages))
        self.receipted_at = array("d", bytes(8 * messages))
        self.relays = bytearray(messages)
        self.receipts = bytearray(messages)
        self.message_ids = [b""] * messages
        self.receipt_ids = [b""] * messages
        self.refusals: Counter[int] = Counter()
        self.answered = 0
        self.receipted = 0
        self.answered_twice = 0
        self.undelivered = 0

    @property
    def complete(self) -> bool:
        """Every message has its answer, and every accepted one its receipt."""
        refused = self.refusals.total()
        return self.answered == self.messages and self.receipted >= self.messages - refused

    def faults(self) -> dict[str, int]:
        """How many messages went wrong, by what went wrong; empty when nothing did."""
        pairs = zip(self.message_ids, self.receipt_ids, strict=True)
        found = {
            "unanswered": self.messages - self.answered,
            "answered twice": self.answered_twice,
            "refused": self.refusals.total(),
            "not relayed": self.relays.count(0),
            "relayed twice": sum(count > 1 for count in self.relays),
            "without receipt": self.receipts.count(0),
            "receipted twice": sum(count > 1 for count in self.receipts),
            "receipt for another id": sum(1 for own, told in pairs if told and own != told),
            "receipt not DELIVRD": self.undelivered,
        }
        return {fault: count for fault, count in found.items() if count}

    def index_of(self, destination: bytes, message_id: bytes) -> int:
        """Which submit_sm a receipt means: that with its id, or one that has none yet."""
        first = index_of(destination) * self.segments
        rows = range(first, first + self.segments)
        known = (index for index in rows if self.message_ids[index] == message_id)
        without = (index for index in rows if not self.receipts[index])
        return next(known, next(without, first))

    def latencies_ms(self, until: array[float]) -> list[float]:
        """Sorted times from submit to `until`, in milliseconds, of the messages that got there."""
        pairs = zip(self.submitted_at, until, strict=True)
        return sorted((then - submitted) * 1000 for submitted, then in pairs if then)


def destination_of(index: int) -> bytes:
    """The destination that stands for a text."""
    return b"%d" % (FIRST_DESTINATION + index)


def index_of(destination: bytes) -> int:
    """The text that a destination stands for."""
    return int(destination) - FIRST_DESTINATION
