"""One customer and its link, with a store behind them that answers when it is told to."""

from __future__ import annotations

from typing import Any

from gateway.message import Message
from gateway.settings import Limits
from gateway.stored import Delivery, FinishedDelivery
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.carriers.samples import LIMITS
from tests.gateway.customers.customer_side import CustomerSide
from tests.gateway.customers.outlet import FakeOutlet
from tests.gateway.customers.peer import Customer
from tests.gateway.customers.samples import a_customer


class Linked(CustomerSide):
    """A side with one customer that is connected; its account has the fields given."""

    # Any: the fields of an account.
    def __init__(self, limits: Limits = LIMITS, outlet: FakeOutlet | None = None, **account: Any) -> None:
        self.store = FakeStore()
        super().__init__(self.store, accounts=(a_customer(**account),), limits=limits, outlet=outlet)
        self.customer: Customer = self.connect()

    def asked(self) -> list[Message]:
        """The oldest batch of messages that the store is to decide on."""
        messages: list[Message] = self.store.waiting("admit")[0].asked
        return messages

    def admitted(self, *rules: str | None) -> None:
        """The store decides on the oldest batch of messages."""
        self.store.answer("admit", list(rules))
        self.reactor.advance(0)

    def statuses(self) -> dict[int, int]:
        """The answers to submits that have come: command_status by sequence_number."""
        return {pdu.sequence_number: pdu.command_status for pdu in self.customer.read()}

    def owes(self, *deliveries: Delivery) -> None:
        """The store has nothing older, and now these."""
        if self.store.waiting("waiting_deliveries"):
            self.store.answer("waiting_deliveries", ([], None))
        self.deliveries.owe(deliveries)

    def finished(self) -> list[tuple[int, str]]:
        """What became of deliveries, as the store is told: delivery_id and outcome. It takes note."""
        self.reactor.advance(0)
        finished: list[FinishedDelivery] = []
        while self.store.waiting("finish_deliveries"):
            finished += self.store.answer("finish_deliveries").asked
            self.reactor.advance(0)
        return [(one.delivery.delivery_id, one.outcome.name) for one in finished]


def bound(
    bind: dict[str, Any] | None = None,
    *,
    limits: Limits = LIMITS,
    outlet: FakeOutlet | None = None,
    **account: Any,
) -> Linked:
    """One that is bound, with the fields of `bind` changed."""
    linked = Linked(limits, outlet, **account)
    linked.customer.bound(**bind or {})
    return linked
