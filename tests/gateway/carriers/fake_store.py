"""A store that answers when the test says so, with what the test says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred

from gateway.message import Message
from gateway.stored import (
    Asked,
    CarrierReceipt,
    Claimed,
    Delivery,
    FinishedDelivery,
    Found,
    Inbound,
    Joined,
    Outcome,
    Recorded,
    Recovered,
    RefusedSubmit,
    Replaced,
    Replacement,
    Unreadable,
    Whole,
)
from ledger.states import AccountState


@dataclass
class Call:
    """A call under way: `asked` is the method's first argument, and `done` its answer to come."""

    method: str
    # Any: every method asks and is answered in its own types.
    asked: Any
    done: Deferred[Any]
    count: int = 0
    refused: Sequence[RefusedSubmit] = ()


def _recorded(call: Call) -> Recorded:
    """What the real store tells of outcomes: which messages went back to the queue."""
    if call.method != "record_outcomes":
        return Recorded()
    return Recorded(queued=[replace(o.message, due_at=o.due_at) for o in call.asked if o.due_at])


class FakeStore:
    """See `gateway.ports.Store`. The calls wait, in order, until they are answered or failed."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def waiting(self, method: str) -> list[Call]:
        """The calls of a method that have no answer."""
        return [call for call in self.calls if call.method == method]

    def answer(self, method: str, result: object = None) -> Call:
        """Let the oldest call of a method succeed."""
        call = self._take(method)
        call.done.callback(_recorded(call) if result is None else result)
        return call

    def fail(self, method: str, error: Exception) -> Call:
        """Let the oldest call of a method fail."""
        call = self._take(method)
        call.done.errback(error)
        return call

    def _take(self, method: str) -> Call:
        call = self.waiting(method)[0]
        self.calls.remove(call)
        return call

    def _ask(self, method: str, asked: object, count: int = 0) -> Deferred[Any]:
        call = Call(method, asked, Deferred(), count)
        self.calls.append(call)
        return call.done

    async def recover(self, resend_accounts: Collection[str], in_doubt_deadline_at: int) -> Recovered:
        recovered: Recovered = await self._ask("recover", resend_accounts)
        return recovered

    def record_rulesets(self, rulesets: Mapping[str, str]) -> Deferred[None]:
        return self._ask("record_rulesets", rulesets)

    def admit(
        self, messages: Sequence[Message], refused: Sequence[RefusedSubmit] = ()
    ) -> Deferred[list[str | None]]:
        done = self._ask("admit", messages)
        self.calls[-1].refused = refused
        return done

    def collect(
        self, segments: Sequence[Message], beginning: Collection[int], since: int
    ) -> Deferred[list[Message | str | None]]:
        return self._ask("collect", segments)

    def join(self, wholes: Sequence[Whole]) -> Deferred[Joined]:
        return self._ask("join", wholes)

    def account_state(self, account: str) -> Deferred[AccountState]:
        return self._ask("account_state", account)

    def look_up(self, asked: Sequence[Asked]) -> Deferred[list[Found | None]]:
        return self._ask("look_up", asked)

    def cancel(self, asked: Sequence[Asked]) -> Deferred[tuple[list[str | None], Recorded]]:
        return self._ask("cancel", asked)

    def replace(
        self, wanted: Sequence[Replacement], refused: Sequence[RefusedSubmit] = ()
    ) -> Deferred[list[Replaced]]:
        return self._ask("replace", wanted)

    def claim(
        self, routes: Collection[str], carrier: str, count: int, opens_at: Callable[[Message, int], int]
    ) -> Deferred[Claimed]:
        return self._ask("claim", (sorted(routes), carrier), count)

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> Deferred[Recorded]:
        return self._ask("record_outcomes", outcomes)

    def record_receipts(self, receipts: Sequence[CarrierReceipt | Unreadable]) -> Deferred[Recorded]:
        return self._ask("record_receipts", receipts)

    def record_inbound(self, inbound: Sequence[Inbound]) -> Deferred[Recorded]:
        return self._ask("record_inbound", inbound)

    def recount(self, accounts: Collection[str]) -> Deferred[Sequence[tuple[str, str, int]] | None]:
        return self._ask("recount", accounts)

    def waiting_deliveries(
        self, account: str, count: int, besides: Collection[int]
    ) -> Deferred[tuple[list[Delivery], int | None]]:
        return self._ask("waiting_deliveries", account)

    def finish_deliveries(self, finished: Sequence[FinishedDelivery]) -> Deferred[None]:
        return self._ask("finish_deliveries", finished)

    def end_overdue(self, count: int, receipt_wait_s: float) -> Deferred[Recorded]:
        return self._ask("end_overdue", count)

    def forget_contacts(self, count: int) -> Deferred[int]:
        return self._ask("forget_contacts", count)

    def abandon_deliveries(self, created_before: int, count: int) -> Deferred[list[Delivery]]:
        return self._ask("abandon_deliveries", created_before)
