from __future__ import annotations

from collections.abc import Collection

from gateway.store import schema
from gateway.stored import Delivery, DeliveryOutcome, FinishedDelivery
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import HOUR, SECOND, START, receipt, reply

RETRY, ACKNOWLEDGED = DeliveryOutcome.RETRY, DeliveryOutcome.ACKNOWLEDGED
REFUSED, ABANDONED = DeliveryOutcome.REFUSED, DeliveryOutcome.ABANDONED


def owe(rig: Rig, count: int, account: str = "bank") -> list[Delivery]:
    return list(rig.read(*(reply(opts_out=False, account=account) for _ in range(count))).deliveries)


def waiting(
    rig: Rig, count: int = 100, account: str = "bank", besides: Collection[int] = ()
) -> tuple[list[Delivery], int | None]:
    return rig.result(rig.store.waiting_deliveries(account, count, besides))


def finish(rig: Rig, outcome: DeliveryOutcome, *deliveries: Delivery, due_at: int = 0) -> None:
    rig.result(rig.store.finish_deliveries([FinishedDelivery(one, outcome, due_at) for one in deliveries]))


def abandon(rig: Rig, created_before: int, count: int = 100) -> list[Delivery]:
    return rig.result(rig.store.abandon_deliveries(created_before, count))


class TestWhatWaits:
    def test_it_is_what_was_owed_the_oldest_first(self, rig: Rig) -> None:
        owed = owe(rig, 3)
        assert waiting(rig) == (owed, None)

    def test_a_receipt_is_read_as_it_was_owed(self, rig: Rig) -> None:
        rig.enroute("A1")
        [delivery] = rig.hear(receipt("A1")).deliveries
        assert waiting(rig) == ([delivery], None)

    def test_each_account_has_its_own(self, rig: Rig) -> None:
        bank, shop = owe(rig, 1), owe(rig, 1, account="shop")
        assert waiting(rig) == (bank, None)
        assert waiting(rig, account="shop") == (shop, None)
        assert waiting(rig, account="nobody") == ([], None)

    def test_it_comes_in_pages(self, rig: Rig) -> None:
        owed = owe(rig, 5)
        assert waiting(rig, count=2)[0] == owed[:2]

    def test_what_is_in_hand_is_passed_over_and_does_not_shorten_the_page(self, rig: Rig) -> None:
        owed = owe(rig, 5)
        in_hand = {owed[0].delivery_id, owed[2].delivery_id}
        assert waiting(rig, count=2, besides=in_hand)[0] == [owed[1], owed[3]]
        assert waiting(rig, besides=in_hand) == ([owed[1], owed[3], owed[4]], None)

    def test_what_is_due_later_is_named_and_not_given(self, rig: Rig) -> None:
        first, second = owe(rig, 2)
        finish(rig, RETRY, first, due_at=START + 2 * SECOND)
        assert waiting(rig) == ([second], START + 2 * SECOND)
        finish(rig, RETRY, second, due_at=START + SECOND)
        assert waiting(rig) == ([], START + SECOND)

    def test_a_full_page_does_not_look_ahead(self, rig: Rig) -> None:
        first, second = owe(rig, 2)
        finish(rig, RETRY, first, due_at=START + SECOND)
        assert waiting(rig, count=1) == ([second], None)


class TestWhatBecameOfThem:
    def test_acknowledged_or_refused_they_wait_no_more(self, rig: Rig) -> None:
        first, second, third = owe(rig, 3)
        rig.advance(5)
        finish(rig, ACKNOWLEDGED, first)
        finish(rig, REFUSED, second)
        assert waiting(rig) == ([third], None)
        rows = rig.rows(schema.delivery)
        assert [(row.outcome, row.finished_at) for row in rows] == [
            (ACKNOWLEDGED, START + 5 * SECOND),
            (REFUSED, START + 5 * SECOND),
            (RETRY, None),
        ]

    def test_a_retry_is_counted_and_due_when_it_says(self, rig: Rig) -> None:
        [delivery] = owe(rig, 1)
        for attempts in (1, 2, 3):
            finish(rig, RETRY, delivery, due_at=rig.now() + SECOND)
            assert waiting(rig)[0] == []
            rig.advance(1)
            [delivery] = waiting(rig)[0]
            assert delivery.attempts == attempts

    def test_a_batch_may_hold_all_of_it(self, rig: Rig) -> None:
        first, second, third = owe(rig, 3)
        rig.result(
            rig.store.finish_deliveries(
                [
                    FinishedDelivery(first, RETRY, START),
                    FinishedDelivery(second, ACKNOWLEDGED),
                    FinishedDelivery(third, REFUSED),
                ]
            )
        )
        [again], _ = waiting(rig)
        assert (again.delivery_id, again.attempts) == (first.delivery_id, 1)

    def test_said_twice_it_is_done_once(self, rig: Rig) -> None:
        first, second = owe(rig, 2)
        for _ in range(2):
            finish(rig, ACKNOWLEDGED, first)
            finish(rig, RETRY, second, due_at=START)
        [again], _ = waiting(rig)
        assert (again.delivery_id, again.attempts) == (second.delivery_id, 1)


class TestThoseThatNobodyFetches:
    def test_the_old_are_given_up_and_named(self, rig: Rig) -> None:
        old = owe(rig, 2)
        rig.advance(60)
        young = owe(rig, 1)
        assert abandon(rig, START) == []
        assert abandon(rig, START + 1) == old
        assert waiting(rig) == (young, None)
        assert [row.outcome for row in rig.rows(schema.delivery)] == [ABANDONED, ABANDONED, RETRY]

    def test_the_oldest_go_first_and_no_more_than_asked(self, rig: Rig) -> None:
        old = owe(rig, 3)
        assert abandon(rig, START + 1, count=2) == old[:2]
        assert abandon(rig, START + 1, count=2) == old[2:]
        assert abandon(rig, START + 1, count=2) == []

    def test_what_is_tried_again_and_again_is_given_up_all_the_same(self, rig: Rig) -> None:
        [delivery] = owe(rig, 1)
        finish(rig, RETRY, delivery, due_at=START + HOUR)
        assert abandon(rig, START) == []
        assert [one.delivery_id for one in abandon(rig, START + 1)] == [delivery.delivery_id]
        assert waiting(rig) == ([], None)

    def test_what_is_finished_is_not_given_up(self, rig: Rig) -> None:
        [delivery] = owe(rig, 1)
        finish(rig, ACKNOWLEDGED, delivery)
        assert abandon(rig, START + HOUR) == []
