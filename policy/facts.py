"""What the rules look at: one message as its sender wants it sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MessageClass(StrEnum):
    """What a message is for (contract clause 1(1)); rules of form differ by class."""

    COMMERCIAL = "commercial"
    NOTICE = "notice"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Submission:
    """A whole message, its segments joined, at the instant it is judged.

    `at` is in unix seconds (UTC); `source` and `destination` are addresses as submitted.
    """

    text: str
    at: float
    message_class: MessageClass
    source: str
    destination: str
