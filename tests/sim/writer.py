"""What a customer has to submit: texts as one submit_sm, or in segments that any of its binds may send.

The segments of a long text come in order or shuffled, one of them never, once more, or late. One segment of
each text is sent once at the most, so that no text can be made whole twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.sim import long_text
from tests.sim.long_text import Place
from tests.sim.plan import PAYLOAD, PLAIN, UDH8, CustomerManners

_NEWS = 0x10  # of registered_delivery: intermediate notifications are asked for


@dataclass(eq=False, slots=True)
class Piece:
    """One submit_sm to send; `wait_s` after the others of its text, and `again` if it may be sent again."""

    token: int
    text: str
    place: Place
    destination: str
    registered_delivery: int
    valid: bool
    again: bool = False
    wait_s: float = 0.0


class Writer:
    """Writes the texts of one account, in its manners' forms in turn."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._texts = 0
        self._references = chance.randrange(0x10000)

    def write(self, token: int, manners: CustomerManners, valid: bool) -> list[Piece]:
        """The next text."""
        chance = self._chance
        form = manners.forms[self._texts % len(manners.forms)]
        self._texts += 1
        destination = f"138{chance.randrange(manners.numbers):08}"
        wants_receipt = manners.wants_receipt
        asks = int(wants_receipt > 0 and chance.random() < wants_receipt)
        if token % 3 == 0:
            asks |= _NEWS
        if form == PLAIN:
            text = f"尊敬的客户:代码#{token}#，回TD退订" + ("【中国银行】" if valid else "")
            return [Piece(token, text, Place(PLAIN), destination, asks, valid)]
        text, size = long_text.compose(token, chance.randint(2, manners.parts_max), valid, chance)
        if form == PAYLOAD:
            return [Piece(token, text, Place(PAYLOAD), destination, asks, valid)]
        self._references += 1
        reference = self._references % (0x100 if form == UDH8 else 0x10000)
        cut = long_text.pieces(text, size)
        pieces = [
            Piece(token, one, Place(form, reference, number, len(cut)), destination, asks, valid, again=True)
            for number, one in enumerate(cut, 1)
        ]
        return self._played(pieces, manners)

    def _played(self, pieces: list[Piece], manners: CustomerManners) -> list[Piece]:
        """The segments as they are sent."""
        chance = self._chance
        once, other = chance.sample(pieces, 2)
        once.again = False
        if self._happens(manners.shuffles):
            chance.shuffle(pieces)
        if self._happens(manners.repeats):
            pieces.append(other)
            other.wait_s = chance.choice((0.0, 0.0, 1.0, 5.0))
        elif self._happens(manners.gaps):
            pieces.remove(other)
        return pieces

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share
