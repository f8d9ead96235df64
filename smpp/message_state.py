"""The states of a message, as SMPP 3.4 numbers them (5.2.28) and as receipts spell them (Appendix B)."""

from __future__ import annotations

from enum import IntEnum


class MessageState(IntEnum):
    """`message_state`. 3.4 knows no other values."""

    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8

    @property
    def is_final(self) -> bool:
        """Whether a carrier that says so has said its last word.

        UNKNOWN is not: it is also what a word that we cannot read becomes, and the true end may still come.
        """
        return self in _FINAL

    @property
    def stat(self) -> str:
        """The seven letters behind `stat:` in a receipt."""
        return _STATS[self]


_FINAL = frozenset(
    {
        MessageState.DELIVERED,
        MessageState.EXPIRED,
        MessageState.DELETED,
        MessageState.UNDELIVERABLE,
        MessageState.REJECTED,
    }
)

_STATS = {
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
}
