"""The `Store` on a SQL database: each method is one job of the writer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, succeed

from gateway.broadcasts.broadcast import Broadcast, RefusedRecipient, Step
from gateway.clock import Clock
from gateway.message import Message
from gateway.store import (
    admit,
    attempts,
    broadcasts,
    deliveries,
    inbound,
    operations,
    receipts,
    recipients,
    recover,
    refusals,
)
from gateway.store import wholes as wholes_table
from gateway.store.ends import Means
from gateway.store.writer import Writer
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
from ledger.standing import states
from ledger.states import AccountState


class SqlStore:
    """See `gateway.ports.Store` and `gateway.broadcasts.broadcast.BroadcastStore`."""

    def __init__(self, writer: Writer, clock: Clock, node: int, means: Means) -> None:
        self._writer = writer
        self._clock = clock
        self._node = node
        self._means = means
        self._epoch = 0
        self._unknown_at_count = 0

    def _now(self) -> int:
        return int(self._clock.now() * 1000)

    async def recover(self, resend_accounts: Collection[str], in_doubt_deadline_at: int) -> Recovered:
        recovered = await self._writer.run(
            lambda c: recover.recover(
                c, self._node, resend_accounts, in_doubt_deadline_at, self._means, self._now()
            )
        )
        self._epoch = recovered.epoch
        return recovered

    def record_rulesets(self, rulesets: Mapping[str, str]) -> Deferred[None]:
        return self._writer.run(lambda c: refusals.record_rulesets(c, rulesets, self._now()))

    def admit(
        self, messages: Sequence[Message], refused: Sequence[RefusedSubmit] = ()
    ) -> Deferred[list[str | None]]:
        return self._writer.run(lambda c: admit.admit(c, messages, self._means, self._now(), refused))

    def collect(
        self, segments: Sequence[Message], beginning: Collection[int], since: int
    ) -> Deferred[list[Message | str | None]]:
        return self._writer.run(
            lambda c: wholes_table.collect(c, segments, beginning, since, self._means, self._now())
        )

    def join(self, wholes: Sequence[Whole]) -> Deferred[Joined]:
        return self._writer.run(lambda c: wholes_table.join(c, wholes, self._means, self._now()))

    def account_state(self, account: str) -> Deferred[AccountState]:
        return self._writer.run(lambda c: states(c, [account])[account])

    def look_up(self, asked: Sequence[Asked]) -> Deferred[list[Found | None]]:
        return self._writer.run(lambda c: operations.look_up(c, asked))

    def cancel(self, asked: Sequence[Asked]) -> Deferred[tuple[list[str | None], Recorded]]:
        return self._writer.run(lambda c: operations.cancel(c, asked, self._means, self._now()))

    def replace(
        self, wanted: Sequence[Replacement], refused: Sequence[RefusedSubmit] = ()
    ) -> Deferred[list[Replaced]]:
        return self._writer.run(lambda c: operations.swap(c, wanted, self._means, self._now(), refused))

    def claim(
        self, routes: Collection[str], carrier: str, count: int, opens_at: Callable[[Message, int], int]
    ) -> Deferred[Claimed]:
        return self._writer.run(
            lambda c: attempts.claim(
                c, routes, carrier, self._epoch, count, opens_at, self._means, self._now()
            )
        )

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> Deferred[Recorded]:
        # Before the receipts of the same messages, which then need not be parked.
        return self._writer.run(
            lambda c: attempts.record_outcomes(c, outcomes, self._means, self._now()), first=True
        )

    def record_receipts(self, items: Sequence[CarrierReceipt | Unreadable]) -> Deferred[Recorded]:
        return self._writer.run(lambda c: receipts.record_receipts(c, items, self._means, self._now()))

    def record_inbound(self, items: Sequence[Inbound]) -> Deferred[Recorded]:
        return self._writer.run(lambda c: inbound.record_inbound(c, items, self._means, self._now()))

    def recount(self, accounts: Collection[str]) -> Deferred[Sequence[tuple[str, str, int]] | None]:
        unknown = self._writer.unknown
        is_known = unknown == self._unknown_at_count
        if is_known and not accounts:
            return succeed(None)

        def count(connection: Connection) -> Sequence[tuple[str, str, int]] | None:
            if is_known and AccountState.TERMINATED not in states(connection, accounts).values():
                return None
            return recover.queued(connection)

        def counted(found: Sequence[tuple[str, str, int]] | None) -> Sequence[tuple[str, str, int]] | None:
            self._unknown_at_count = unknown
            return found

        return self._writer.run(count).addCallback(counted)

    def waiting_deliveries(
        self, account: str, count: int, besides: Collection[int]
    ) -> Deferred[tuple[list[Delivery], int | None]]:
        return self._writer.run(lambda c: deliveries.waiting(c, account, count, besides, self._now()))

    def finish_deliveries(self, finished: Sequence[FinishedDelivery]) -> Deferred[None]:
        return self._writer.run(lambda c: deliveries.finish(c, finished, self._now()))

    def end_overdue(self, count: int, receipt_wait_s: float) -> Deferred[Recorded]:
        wait_ms = int(receipt_wait_s * 1000)
        return self._writer.run(lambda c: recover.end_overdue(c, count, wait_ms, self._means, self._now()))

    def forget_contacts(self, count: int) -> Deferred[int]:
        return self._writer.run(lambda c: recipients.forget(c, count, self._means, self._now()))

    def running_broadcasts(self) -> Deferred[list[Broadcast]]:
        return self._writer.run(lambda c: broadcasts.running(c, self._now()))

    def next_recipients(
        self,
        broadcast_id: int,
        refused: Sequence[RefusedRecipient],
        count: int,
        routes: Sequence[str],
        backlog_max: int,
    ) -> Deferred[Step]:
        return self._writer.run(
            lambda c: broadcasts.step(
                c, broadcast_id, refused, count, routes, backlog_max, self._means, self._now()
            )
        )

    def give_up_recipients(self, broadcast_id: int, count: int) -> Deferred[bool]:
        return self._writer.run(lambda c: broadcasts.give_up(c, broadcast_id, count, self._now()))

    def cancel_recipients(
        self, broadcast_id: int, after_place: int, count: int
    ) -> Deferred[tuple[int | None, Recorded]]:
        return self._writer.run(
            lambda c: broadcasts.cancel(c, broadcast_id, after_place, count, self._means, self._now())
        )

    def abandon_deliveries(self, created_before: int, count: int) -> Deferred[list[Delivery]]:
        return self._writer.run(lambda c: deliveries.abandon(c, created_before, count, self._now()))
