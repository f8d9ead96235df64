"""Message ids as peers write them: they come back in other clothes than they left.

In upper case, without leading zeros, in another base: the id of a receipt need not be written as that of the
response was. `look_up_key` and `candidates` find the message all the same, by guessing. Where a carrier has
said in which `Notation` it writes both, nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_MESSAGE_ID_MAX = 64
_HEX_DIGITS = frozenset("0123456789abcdef")


class Notation(StrEnum):
    """How a carrier writes its message ids: as a text that means only itself, or as a number in a base."""

    GUESS = "guess"
    STRING = "string"
    DEC = "dec"
    HEX = "hex"


@dataclass(frozen=True, slots=True)
class Notations:
    """How one carrier writes ids in submit_sm_resp and in receipts."""

    response: Notation = Notation.GUESS
    receipt: Notation = Notation.GUESS

    @property
    def are_known(self) -> bool:
        """Whether nothing is left to guess."""
        return Notation.GUESS not in (self.response, self.receipt)

    def key(self, message_id: str) -> str | None:
        """The key of the response that the id of a receipt means, if both are known numbers.

        None if they are texts, or if this one is no number of its base: then only the same text is meant.
        """
        if not self.are_known or Notation.STRING in (self.response, self.receipt):
            return None
        found = _numbers(message_id, self.receipt)
        return _written(found[0], self.response)[0] if found else None


GUESSED = Notations()


def look_up_key(message_id: str) -> str:
    """The one form under which to index an id: lower case, no leading zeros, a uuid without its dashes.

    Ids that differ only in case, zeros, base or dashes of a uuid meet: `look_up_key(a) in candidates(b)`.
    """
    folded = message_id.casefold()
    if len(folded) == 36 and folded[8] == folded[13] == folded[18] == folded[23] == "-":
        plain = folded.replace("-", "")
        if _HEX_DIGITS.issuperset(plain):
            folded = plain
    return folded.lstrip("0") or "0"


def candidates(message_id: str, notations: Notations = GUESSED) -> tuple[str, ...]:
    """The forms under which the message of a receipt may be known, the surest first, none twice.

    As it is; lower case; without leading zeros; a decimal as hexadecimal; a hexadecimal as decimal; a uuid
    without dashes. A form that does not exist for this id, or that the carrier's notations rule out, is left
    out. The converted forms can be another message's id ("12345678" is a number in both bases): compare the
    addresses too.
    """
    if notations.are_known:
        return (notations.key(message_id) or look_up_key(message_id),)
    folded = message_id.casefold()
    forms = [message_id, folded, folded.lstrip("0") or "0"]
    if Notation.STRING not in (notations.response, notations.receipt):
        for number in _numbers(message_id, notations.receipt):
            forms += _written(number, notations.response)
    forms.append(look_up_key(message_id))
    return tuple(dict.fromkeys(forms))


def _numbers(message_id: str, notation: Notation) -> list[int]:
    """The numbers that an id may be: of a decimal first itself, then what it is as a hexadecimal."""
    digits = message_id.casefold().lstrip("0") or "0"
    if len(digits) > _MESSAGE_ID_MAX or not _HEX_DIGITS.issuperset(digits):
        return []
    numbers = []
    if digits.isdigit() and notation is not Notation.HEX:
        numbers.append(int(digits))
    if notation is not Notation.DEC:
        numbers.append(int(digits, 16))
    return numbers


def _written(number: int, notation: Notation) -> list[str]:
    """A number in the base of `notation`, or in both."""
    if notation is Notation.DEC:
        return [str(number)]
    if notation is Notation.HEX:
        return [f"{number:x}"]
    return [f"{number:x}", str(number)]
