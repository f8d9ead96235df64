from __future__ import annotations

import pytest

from gateway.message import State
from gateway.store import schema, schema_recipients
from gateway.store.ends import Means
from gateway.store.inbound import record_inbound
from gateway.stored import Ended
from ledger.accounts import Balance
from ledger.transfer import Kind
from policy.clauses import RECIPIENT_OPTED_OUT
from policy.scope import Mode
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import (
    HOUR,
    NUMBER,
    SHANGHAI,
    START,
    accepted,
    message,
    receipt,
    reply,
    resent,
)

SPELLINGS = ["13800138000", "8613800138000", "+8613800138000", "008613800138000"]


class TestAReply:
    def test_it_is_kept_and_owed_to_its_customer_as_it_came(self, rig: Rig) -> None:
        [delivery] = rig.read(reply(opts_out=False, body=b"\0octets")).deliveries
        assert (delivery.account, delivery.message_id, delivery.body, delivery.attempts) == (
            *("bank", None, b"\0octets"),
            0,
        )
        [row] = rig.rows(schema.inbound)
        assert tuple(row) == (
            *(delivery.delivery_id, "north", "bank", NUMBER, "10690001", b"\0octets", 0, START),
        )
        [owed] = rig.rows(schema.delivery)
        assert (owed.delivery_id, owed.body, owed.due_at) == (delivery.delivery_id, b"\0octets", START)

    def test_one_that_belongs_to_nobody_is_kept_and_owed_to_nobody(self, rig: Rig) -> None:
        recorded = rig.read(reply(account=None))
        assert (recorded.deliveries, recorded.ended) == ((), ())
        assert len(rig.rows(schema.inbound)) == 1
        assert rig.rows(schema_recipients.opt_out) == []

    def test_it_changes_no_message(self, rig: Rig) -> None:
        waiting = rig.queued()
        assert rig.read(reply(opts_out=False)).ended == ()
        assert rig.state(waiting) is State.QUEUED
        assert rig.rows(schema_recipients.opt_out) == []

    def test_each_of_a_batch_has_an_id_of_its_own(self, rig: Rig) -> None:
        deliveries = rig.read(*(reply(opts_out=False) for _ in range(5))).deliveries
        assert len({delivery.delivery_id for delivery in deliveries}) == 5


class TestAnOptOut:
    def test_the_messages_that_wait_are_deleted_and_cost_nothing(self, rig: Rig) -> None:
        waiting = rig.queued(units=3)
        recorded = rig.read(reply())
        assert recorded.ended == (Ended(waiting.message_id, "bank", State.DELETED, was_queued=True),)
        assert rig.state(waiting) is State.DELETED
        assert rig.resolution(waiting) is Kind.VOID
        assert rig.balance() == Balance(topped_up=1000, remaining=1000)
        assert rig.claim().messages == []

    def test_the_customer_gets_the_reply_and_a_receipt_for_each(self, rig: Rig) -> None:
        waiting = [rig.queued(), rig.queued()]
        recorded = rig.read(reply(body=b"\0TD"))
        assert [delivery.message_id for delivery in recorded.deliveries] == [
            None,
            *(one.message_id for one in waiting),
        ]
        assert [rig.stats_told(one) for one in waiting] == [["DELETED"], ["DELETED"]]

    def test_a_sender_that_wanted_no_receipt_gets_the_reply_only(self, rig: Rig) -> None:
        rig.queued(registered_delivery=0)
        assert [delivery.message_id for delivery in rig.read(reply()).deliveries] == [None]

    @pytest.mark.parametrize("destination_addr", SPELLINGS)
    def test_however_the_number_is_written(self, rig: Rig, destination_addr: str) -> None:
        waiting = rig.queued(destination_addr=destination_addr)
        rig.read(reply())
        assert rig.state(waiting) is State.DELETED

    @pytest.mark.parametrize("destination_addr", ["15551234567", "0015551234567"])
    def test_a_foreign_number_is_obeyed_too(self, rig: Rig, destination_addr: str) -> None:
        waiting = rig.queued(destination_addr=destination_addr)
        rig.read(reply(number="15551234567"))
        assert rig.state(waiting) is State.DELETED

    def test_from_then_on_the_number_is_refused(self, rig: Rig) -> None:
        rig.read(reply())
        assert rig.admit(message(rig.ids.next())) == ["RECIPIENT_OPTED_OUT"]

    def test_other_customers_and_other_numbers_are_left_alone(self, rig: Rig) -> None:
        rig.top_up("shop", 10)
        of_another_customer = rig.queued(account="shop")
        to_another_number = rig.queued(destination_addr="13800138001")
        to_a_longer_number = rig.queued(destination_addr="138001380001")
        rig.read(reply())
        for one in (of_another_customer, to_another_number, to_a_longer_number):
            assert rig.state(one) is State.QUEUED

    def test_a_class_that_the_rule_does_not_hold_for_is_left_alone(self, rig: Rig) -> None:
        code, offer = rig.queued(message_class="code"), rig.queued()

        def modes(account: str, message_class: str, rule: str) -> Mode:
            return Mode.OFF if (message_class, rule) == ("code", RECIPIENT_OPTED_OUT) else Mode.ON

        means = Means(rig.ids.next, SHANGHAI, country_code="86", modes=modes)
        with rig.engine.begin() as connection:
            record_inbound(connection, [reply()], means, rig.now())
        assert (rig.state(code), rig.state(offer)) == (State.QUEUED, State.DELETED)

    def test_what_has_left_cannot_be_called_back(self, rig: Rig) -> None:
        submitting, enroute = rig.submitting(), rig.enroute("A1")
        rig.read(reply())
        assert (rig.state(submitting), rig.state(enroute)) == (State.SUBMITTING, State.ENROUTE)
        rig.record(accepted(submitting, "A2"))
        rig.hear(receipt("A1"), receipt("A2"))
        assert (rig.state(submitting), rig.state(enroute)) == (State.DELIVERED, State.DELIVERED)

    def test_what_waits_to_be_sent_again_is_not_sent_again(self, rig: Rig) -> None:
        sent = rig.submitting()
        rig.record(resent(sent, START + HOUR))
        rig.read(reply())
        assert rig.state(sent) is State.DELETED
        rig.record(accepted(sent, "A1"))
        assert rig.state(sent) is State.DELETED
        assert rig.balance() == Balance(topped_up=1000, remaining=1000)

    def test_said_twice_it_is_kept_twice_and_done_once(self, rig: Rig) -> None:
        waiting = rig.queued()
        first = rig.read(reply(), reply())
        assert len(first.ended) == 1
        rig.advance(60)
        second = rig.read(reply())
        assert (len(second.deliveries), second.ended) == (1, ())
        assert len(rig.rows(schema.inbound)) == 3
        [choice] = rig.rows(schema_recipients.opt_out)
        assert (choice.number, choice.account, choice.since) == (NUMBER, "bank", START)
        assert choice.inbound_id == rig.rows(schema.inbound)[0].inbound_id
        assert rig.stats_told(waiting) == ["DELETED"]

    def test_the_choices_of_a_batch_are_kept_apart(self, rig: Rig) -> None:
        """One recipient refuses the bank, another the shop; neither refuses for the other."""
        rig.top_up("shop", 10)
        first, second = "13800138001", "13800138002"
        messages = {
            (account, number): rig.queued(account=account, destination_addr=number)
            for account in ("bank", "shop")
            for number in (first, second)
        }
        rig.read(reply(account="bank", number=first), reply(account="shop", number=second))
        deleted = {key for key, one in messages.items() if rig.state(one) is State.DELETED}
        assert deleted == {("bank", first), ("shop", second)}
