"""What becomes of a text in `signet demo`: foretold by the script, then seen by customer and ledger."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.statuses import err3
from ledger.transfer import Kind
from policy.clauses import RULES
from smpp import status
from smpp.message_state import MessageState
from smpp.receipt import Receipt

_RULES_BY_STATUS = {rule.vendor_status: rule.id for rule in RULES.values()}
_RULES_BY_ERROR = {err3(rule.vendor_status): rule.id for rule in RULES.values()}
_CHARGES = {Kind.SETTLE: "settled", Kind.VOID: "voided", None: "held"}
NONE = "-"
"""A cell that has nothing to say."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One text's fate, as its customer and the ledger tell it.

    `refusal` is the rule that refused it, or whatever else kept it out; "" is accepted. `units` are those of
    its hold, `charge` what became of the hold (None: still held), `end` the state in the receipt, `end_at`
    the time of day in it where the script asks for that, `reply` what the recipient wrote back.
    """

    refusal: str = ""
    units: int = 0
    charge: Kind | None = None
    end: MessageState | None = None
    end_at: str = ""
    reply: str = ""

    def cells(self) -> dict[str, str]:
        """What the table shows, by column."""
        rule = RULES.get(self.refusal)
        return {
            "verdict": self.refusal or "accepted",
            "clause": rule.clause if rule else NONE,
            "status": f"0x{rule.vendor_status:03X}" if rule else NONE,
            "charge": f"{self.units} {_CHARGES[self.charge]}" if self.units else "no charge",
            "receipt": self._receipt(),
        }

    def differences(self, expected: Fate) -> list[str]:
        """Where this is not the fate that was expected, in words."""
        wanted = expected.cells()
        return [
            f"{column} is {cell}, expected {wanted[column]}"
            for column, cell in self.cells().items()
            if cell != wanted[column]
        ]

    def _receipt(self) -> str:
        if self.refusal and not self.end:
            return NONE
        told = self.end.name if self.end else "none in time"
        at = f" at {self.end_at}" if self.end_at else ""
        reply = f", reply {self.reply}" if self.reply else ""
        return told + at + reply


def refusal(command_status: int) -> str:
    """A command_status as `Fate.refusal`: its rule, or its name where it stands for none; "" for 0."""
    if not command_status:
        return ""
    return _RULES_BY_STATUS.get(command_status) or status.name(command_status)


def told_later(receipt: Receipt) -> str:
    """The rule that a receipt names as that which has ended its message, or ""."""
    return _RULES_BY_ERROR.get(receipt.error, "") if receipt.state is MessageState.REJECTED else ""
