"""What has arrived for the simulated customer, and who waits for it."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from twisted.internet.defer import Deferred, succeed

from smpp.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from a phone: a reply, for instance. `text` is that of one segment."""

    source: str
    destination: str
    text: str


class Receipts:
    """The first receipt of each message; the oldest are forgotten beyond `kept_max`."""

    def __init__(self, kept_max: int) -> None:
        self._kept_max = kept_max
        self._kept: OrderedDict[str, Receipt] = OrderedDict()
        self._waits: dict[str, list[Deferred[Receipt]]] = {}

    def wait(self, message_id: str) -> Deferred[Receipt]:
        """The receipt of this message, as soon as it is there; cancelling gives the wait up."""
        if message_id in self._kept:
            return succeed(self._kept[message_id])
        wait: Deferred[Receipt] = Deferred(lambda given_up: self._give_up(message_id, given_up))
        self._waits.setdefault(message_id, []).append(wait)
        return wait

    def arrive(self, receipt: Receipt) -> None:
        """A receipt is there; one that says another thing than the first changes nothing."""
        self._kept.setdefault(receipt.message_id, receipt)
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
        for wait in self._waits.pop(receipt.message_id, ()):
            wait.callback(receipt)

    def fail(self, error: Exception) -> None:
        """Nothing will arrive any more."""
        waits, self._waits = self._waits, {}
        for wait in [wait for waits_of_one in waits.values() for wait in waits_of_one]:
            wait.errback(error)

    def _give_up(self, message_id: str, given_up: Deferred[Receipt]) -> None:
        left = [wait for wait in self._waits.pop(message_id) if wait is not given_up]
        if left:
            self._waits[message_id] = left


class Inbounds:
    """Messages from phones in the order of their arrival; the oldest are forgotten beyond `kept_max`."""

    def __init__(self, kept_max: int) -> None:
        self._kept: deque[Inbound] = deque(maxlen=kept_max)
        self._waits: deque[Deferred[Inbound]] = deque()

    def wait(self) -> Deferred[Inbound]:
        """The next message; each goes to one who waits, and cancelling gives the wait up."""
        if self._kept:
            return succeed(self._kept.popleft())
        wait: Deferred[Inbound] = Deferred(self._waits.remove)
        self._waits.append(wait)
        return wait

    def arrive(self, inbound: Inbound) -> None:
        """A message is there."""
        if self._waits:
            self._waits.popleft().callback(inbound)
        else:
            self._kept.append(inbound)

    def fail(self, error: Exception) -> None:
        """Nothing will arrive any more."""
        waits, self._waits = self._waits, deque()
        for wait in waits:
            wait.errback(error)
