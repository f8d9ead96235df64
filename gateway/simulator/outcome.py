"""What the simulated carrier does with a message: the last two digits of its destination decide.

| destination ends in | what happens |
|---|---|
| 01 | accepted, receipt UNDELIV, err 001 |
| 02 | accepted, receipt EXPIRED, err 002 |
| 08 | refused for good with ESME_RINVDSTADR |
| 58 | refused once with ESME_RTHROTTLED, taken when it comes again, receipt DELIVRD |
| 77 | accepted, receipt DELIVRD, then the recipient replies "TD" |
| anything else | accepted, receipt DELIVRD |
"""

from __future__ import annotations

from dataclasses import dataclass

from smpp.message_state import MessageState
from smpp.status import CommandStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of a message to one destination.

    `refusal` answers every submit, `first_refusal` only the first; `state` and `error` go into the receipt;
    `reply` is what the recipient sends back, if anything.
    """

    state: MessageState = MessageState.DELIVERED
    error: str = "000"
    refusal: CommandStatus = CommandStatus.ESME_ROK
    first_refusal: CommandStatus = CommandStatus.ESME_ROK
    reply: str = ""


_DELIVERED = Outcome()
_BY_ENDING = {
    "01": Outcome(state=MessageState.UNDELIVERABLE, error="001"),
    "02": Outcome(state=MessageState.EXPIRED, error="002"),
    "08": Outcome(refusal=CommandStatus.ESME_RINVDSTADR),
    "58": Outcome(first_refusal=CommandStatus.ESME_RTHROTTLED),
    "77": Outcome(reply="TD"),
}


def outcome(destination: str) -> Outcome:
    """The outcome of a message to `destination` (the digits of its address)."""
    return _BY_ENDING.get(destination[-2:], _DELIVERED)
