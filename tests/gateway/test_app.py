"""The ways through a whole gateway, from a customer's octets to a carrier's and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.message import State
from gateway.settings import IdForm, ReceiptFormat, Route
from gateway.store import schema, schema_recipients
from ledger.accounts import Balance
from policy.clauses import RECIPIENT_OPTED_OUT, RULES
from smpp.message_id import Notation, Notations
from smpp.septets import pack
from smpp.status import CommandStatus
from tests.gateway.carriers.peer import DELIVER_SM_RESP, deliver, receipt, submit_resp
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.samples import NUMBER, TEXT, a_customer, submit
from tests.gateway.raw_pdus import BIND_TRANSMITTER, DELIVER_SM, RESP, SUBMIT_SM, Raw, split
from tests.gateway.store.commits import HeldCommits
from tests.gateway.store.told import told
from tests.gateway.whole import BOUGHT, Whole, settings_of

SUBMIT_RESP = SUBMIT_SM | RESP


@pytest.fixture
def whole(path: Path) -> Iterator[Whole]:
    """A gateway that is bound to a carrier, and whose customer has paid."""
    whole = Whole(settings_of(path, carriers=[a_carrier(window_max=3)])).top_up().start()
    yield whole
    whole.stop()
    assert whole.problems() == []


def own_ids(resps: list[Raw]) -> list[bytes]:
    """The ids that a customer was given."""
    assert {(pdu.command_id, pdu.command_status) for pdu in resps} == {(SUBMIT_RESP, 0)}
    return [pdu.body.removesuffix(b"\0") for pdu in resps]


def recipients(pdus: list[Raw]) -> list[str]:
    """Whom submit_sm are for; their addresses stand where those of a deliver_sm do."""
    return [told(0, pdu.body).destination_addr for pdu in pdus]


class TestAMessage:
    def test_goes_to_the_carrier_and_its_receipt_comes_back(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(submit(2, registered_delivery=1))
        (own_id,) = own_ids(customer.read())
        (relayed,) = whole.submits()
        assert relayed.body == split(submit(2, registered_delivery=1))[0].body
        assert (whole.states(), whole.balance()) == ([State.SUBMITTING], Balance(BOUGHT, BOUGHT - 1, 1, 0, 0))

        whole.accept(relayed)
        assert (whole.states(), whole.balance()) == ([State.ENROUTE], Balance(BOUGHT, BOUGHT - 1, 0, 1, 0))
        assert customer.read() == []

        whole.say(receipt(5, "c1"))
        assert whole.carrier().read() == [Raw(DELIVER_SM_RESP, 0, 5, b"\0")]
        (delivery,) = customer.delivered()
        said = told(0, delivery.body)
        assert (said.stat, said.esm_class) == ("DELIVRD", 4)
        assert (said.source_addr, said.destination_addr) == (NUMBER, "10690001")
        assert said.text.startswith(f"id:{own_id.decode()} ")

        customer.acknowledge(delivery)
        assert whole.states() == [State.DELIVERED]
        (row,) = whole.rows(schema.delivery)
        assert row.finished_at is not None

    def test_is_known_to_each_side_in_the_form_that_it_wants(self, path: Path) -> None:
        bank = a_customer(message_ids=IdForm.HEX, receipts=ReceiptFormat(IdForm.HEX, 14, None))
        habits = {"notations": Notations(Notation.HEX, Notation.DEC), "unknown_is_final": True}
        whole = Whole(settings_of(path, [bank], [a_carrier(**habits)])).top_up().start()
        customer = whole.customer()
        customer.send(submit(2, registered_delivery=1))
        (own_id,) = own_ids(customer.read())
        (relayed,) = whole.submits()
        whole.say(submit_resp(relayed.sequence_number, b"00B8"))
        whole.say(receipt(5, "184", "UNKNOWN", source=b"10086"))
        (delivery,) = customer.delivered()
        (stored,) = whole.rows(schema.message)
        said = told(0, delivery.body)
        assert own_id == f"{stored.message_id:x}".encode()
        assert said.text.startswith(f"id:{own_id.decode()} sub:001 dlvrd:000 submit date:20260304120000 ")
        assert (said.stat, delivery.body.endswith(b" text:")) == ("UNKNOWN", True)
        assert whole.states() == [State.UNKNOWN]
        whole.stop()

    def test_that_wants_no_receipt_ends_in_silence(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(submit(2, registered_delivery=0))
        (relayed,) = whole.submits()
        whole.accept(relayed)
        whole.say(receipt(5, "c1"))
        assert customer.delivered() == []
        assert whole.states() == [State.DELIVERED]

    def test_that_the_carrier_refuses_costs_nothing(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(submit(2))
        (relayed,) = whole.submits()
        whole.say(submit_resp(relayed.sequence_number, command_status=CommandStatus.ESME_RINVDSTADR))
        (delivery,) = customer.delivered()
        assert told(0, delivery.body).stat == "REJECTD"
        assert (whole.states(), whole.balance()) == ([State.REJECTED], Balance(BOUGHT, BOUGHT, 0, 0, 0))

    def test_that_the_carrier_cannot_take_now_is_sent_again(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(submit(2))
        (first,) = whole.submits()
        whole.say(submit_resp(first.sequence_number, command_status=CommandStatus.ESME_RTHROTTLED))
        whole.pass_time(0.75)
        assert whole.submits() == []
        whole.pass_time(0.5)
        (second,) = whole.submits()
        assert second.body == first.body
        whole.accept(second)
        assert (whole.states(), whole.balance()) == ([State.ENROUTE], Balance(BOUGHT, BOUGHT - 1, 0, 1, 0))

    def test_that_no_carrier_takes_expires(self, whole: Whole) -> None:
        whole.carrier().lose()
        customer = whole.customer()
        customer.send(submit(2, validity_period="000000000005000R"))
        own_ids(customer.read())
        whole.pass_time(6.25)
        (delivery,) = customer.delivered()
        assert told(0, delivery.body).stat == "EXPIRED"
        assert (whole.states(), whole.balance()) == ([State.EXPIRED], Balance(BOUGHT, BOUGHT, 0, 0, 0))

    def test_without_a_carrier_waits_for_one(self, whole: Whole) -> None:
        whole.carrier().lose()
        customer = whole.customer()
        customer.send(submit(2))
        own_ids(customer.read())
        assert whole.states() == [State.QUEUED]
        whole.pass_time(1.0)
        whole.carrier().accept_bind()
        whole.turn()
        assert len(whole.submits()) == 1

    def test_of_one_customer_is_told_to_no_other(self, path: Path) -> None:
        accounts = [a_customer(), a_customer(name="shop", system_id="shop")]
        whole = Whole(settings_of(path, accounts)).top_up("bank").top_up("shop").start()
        bank, shop = whole.customer("bank"), whole.customer("shop")
        bank.send(submit(2))
        shop.send(submit(2))
        whole.accept(*whole.submits())
        own_ids(bank.read() + shop.read())
        whole.say(receipt(5, "c2"))
        assert (len(bank.delivered()), len(shop.delivered())) == (0, 1)
        whole.say(receipt(6, "c1"))
        assert (len(bank.delivered()), len(shop.delivered())) == (1, 0)
        assert whole.balance("shop") == whole.balance("bank") == Balance(BOUGHT, BOUGHT - 1, 0, 1, 0)
        whole.stop()

    def test_takes_the_route_of_its_number(self, path: Path) -> None:
        carriers = [a_carrier(name="north"), a_carrier(name="south")]
        routes = [Route(None, "139", ("south", "north")), Route(None, "", ("north",))]
        whole = Whole(settings_of(path, carriers=carriers, routes=routes)).top_up().start()
        customer = whole.customer()
        customer.send(submit(2, destination="13900000001"), submit(3))
        assert (len(whole.submits("south")), len(whole.submits("north"))) == (1, 1)
        whole.carrier("south").lose()
        customer.send(submit(4, destination="13900000001"))
        assert len(whole.submits("north")) == 1, "the second carrier of its route"
        whole.stop()


class TestTheQueue:
    def test_begins_where_the_window_of_the_carrier_ends(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(*(submit(n, destination=f"1380000000{n}") for n in range(2, 8)))
        own_ids(customer.read())
        first = whole.submits()
        assert recipients(first) == ["13800000002", "13800000003", "13800000004"]
        assert whole.states().count(State.QUEUED) == 3
        whole.accept(first[1])
        assert recipients(whole.submits()) == ["13800000005"]

    def test_is_not_overtaken_by_what_comes_later(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(*(submit(n, destination=f"1380000000{n}") for n in range(2, 7)))
        first = whole.submits()
        # The answers of the carrier and a new message, in one turn of the reactor.
        customer.connection.arrive(submit(7, destination="13800000007"))
        whole.say(*(submit_resp(pdu.sequence_number) for pdu in first))
        assert recipients(whole.submits()) == ["13800000005", "13800000006", "13800000007"]

    def test_has_a_limit_for_each_account(self, path: Path) -> None:
        accounts = [a_customer(queue_max=2), a_customer(name="shop", system_id="shop")]
        whole = Whole(settings_of(path, accounts)).top_up("bank").top_up("shop").start()
        whole.carrier().lose()
        bank = whole.customer("bank")
        for n in (2, 3):
            assert bank.submit_statuses(submit(n)) == {n: 0}
        assert bank.submit_statuses(submit(4)) == {4: CommandStatus.ESME_RMSGQFUL}
        assert whole.customer("shop").submit_statuses(submit(2)) == {2: 0}
        whole.stop()


class TestTheCommit:
    """Nothing leaves before the commit that makes it true."""

    @pytest.fixture
    def commits(self) -> HeldCommits:
        return HeldCommits()

    @pytest.fixture
    def held(self, path: Path, commits: HeldCommits) -> Iterator[Whole]:
        whole = Whole(settings_of(path), commits).top_up().start_with(commits)
        whole.carrier().accept_bind()
        yield whole
        whole.stop_with(commits)

    def commit(self, held: Whole, commits: HeldCommits) -> None:
        """Of everything that waits, and what follows from it."""
        held.turn()
        while len(commits):
            commits.release()
            held.turn()

    def test_of_a_message_precedes_its_answer_and_its_submit(self, held: Whole, commits: HeldCommits) -> None:
        customer = held.customer()
        self.commit(held, commits)
        customer.send(submit(2))
        held.turn()
        assert (customer.read(), held.submits()) == ([], [])
        self.commit(held, commits)
        assert (len(customer.read()), len(held.submits())) == (1, 1)

    def test_of_a_receipt_precedes_the_answer_to_the_carrier(self, held: Whole, commits: HeldCommits) -> None:
        customer = held.customer()
        self.commit(held, commits)
        customer.send(submit(2))
        self.commit(held, commits)
        customer.read()
        held.accept(*held.submits())
        self.commit(held, commits)
        held.say(receipt(5, "c1"))
        assert (held.carrier().read(), customer.read()) == ([], [])
        self.commit(held, commits)
        assert [pdu.command_id for pdu in held.carrier().read()] == [DELIVER_SM_RESP]
        assert [pdu.command_id for pdu in customer.read()] == [DELIVER_SM]

    def test_of_an_outcome_precedes_the_next_submit_in_its_slot(
        self, held: Whole, commits: HeldCommits
    ) -> None:
        customer = held.customer()
        self.commit(held, commits)
        window = a_carrier().window_max
        for n in range(2, window + 4):
            customer.send(submit(n))
            self.commit(held, commits)
        first = held.submits()
        assert len(first) == window
        held.accept(first[0])
        assert held.submits() == []
        self.commit(held, commits)
        assert len(held.submits()) == 1

    @pytest.mark.parametrize("made", [True, False])
    def test_of_unknown_outcome_leaves_the_message_to_what_is_stored(
        self, held: Whole, commits: HeldCommits, made: bool
    ) -> None:
        self.commit(held, commits)
        customer = held.customer(command_id=BIND_TRANSMITTER)
        customer.send(submit(2))
        commits.lose_the_answer() if made else commits.lose()
        held.turn()
        assert (customer.read(), customer.connection.over) == ([], True)
        self.commit(held, commits)
        for _ in range(8):
            held.pass_time(0.25)
            self.commit(held, commits)
        sent = held.submits()
        assert (len(sent), held.states()) == ((1, [State.SUBMITTING]) if made else (0, []))
        held.accept(*sent)
        self.commit(held, commits)
        settled = int(made)
        assert held.balance() == Balance(BOUGHT, BOUGHT - settled, 0, settled, 0)
        exported = held.gateway.metrics.render().decode()
        assert 'signet_slots_taken{bind="north/0"} 0.0' in exported
        assert 'signet_queued_messages{account="bank"} 1.0' not in exported


class TestAReply:
    def test_reaches_the_customer_whose_number_it_was_sent_to(self, whole: Whole) -> None:
        customer = whole.customer()
        whole.say(deliver(5, b"thank you"))
        (delivery,) = customer.delivered()
        assert told(0, delivery.body).text == "thank you"
        assert customer.submit_statuses(submit(2)) == {2: 0}

    @pytest.mark.parametrize("esm_class", [0x08, 0x10, 0x18])
    def test_of_the_recipients_device_or_hand_reaches_it_as_what_it_is(
        self, whole: Whole, esm_class: int
    ) -> None:
        customer = whole.customer()
        whole.say(deliver(5, b"id:c1 stat:DELIVRD", esm_class=esm_class))
        (delivery,) = customer.delivered()
        assert told(0, delivery.body).esm_class == esm_class

    def test_stop_in_packed_septets_opts_out(self, path: Path) -> None:
        carrier = a_carrier(septets_packed=True)
        whole = Whole(settings_of(path, [a_customer(source_addrs=("10690001",))], [carrier])).top_up().start()
        whole.say(deliver(5, pack(b"STOP")))
        assert [row.number for row in whole.rows(schema_recipients.opt_out)] == [NUMBER]

    def test_td_opts_out(self, whole: Whole) -> None:
        customer = whole.customer()
        customer.send(*(submit(n) for n in range(2, 7)))
        customer.read()
        sent = whole.submits()
        assert len(sent) == 3
        whole.say(deliver(5, "ＴＤ".encode("utf-16-be"), data_coding=8, source=b"86" + NUMBER.encode()))
        assert [pdu.command_id for pdu in whole.carrier().read()] == [DELIVER_SM_RESP]
        stats = [told(0, delivery.body).stat for delivery in customer.delivered()]
        assert stats == ["", "DELETED", "DELETED"], "the reply, and what still waited"
        assert whole.states() == [State.SUBMITTING] * 3 + [State.DELETED] * 2
        assert whole.balance() == Balance(BOUGHT, BOUGHT - 3, 3, 0, 0)
        refused = RULES[RECIPIENT_OPTED_OUT].standard_status
        assert customer.submit_statuses(submit(8)) == {8: refused}
        assert customer.submit_statuses(submit(9, destination="13900000001")) == {9: 0}

    def test_td_to_one_customer_is_none_to_another(self, path: Path) -> None:
        accounts = [
            a_customer(),
            a_customer(name="shop", system_id="shop", source_addrs=("10690002",)),
        ]
        whole = Whole(settings_of(path, accounts)).top_up("bank").top_up("shop").start()
        whole.say(deliver(5, b"TD"))
        shop = whole.customer("shop")
        assert shop.submit_statuses(submit(2, source_addr="10690002")) == {2: 0}
        refused = RULES[RECIPIENT_OPTED_OUT].standard_status
        assert whole.customer("bank").submit_statuses(submit(2)) == {2: refused}
        whole.stop()


def test_what_a_customer_is_told_of_a_refusal_is_the_contracts(whole: Whole) -> None:
    customer = whole.customer()
    unsigned = TEXT.removesuffix("【中国银行】")
    assert customer.submit_statuses(submit(2, unsigned)) == {2: RULES["SIGNATURE_MISSING"].standard_status}
    assert (whole.states(), whole.balance()) == ([], Balance(BOUGHT, BOUGHT, 0, 0, 0))


def test_every_queue_has_a_gauge(whole: Whole) -> None:
    whole.carrier().lose()
    customer = whole.customer()
    customer.send(submit(2), submit(3))
    exported = whole.gateway.metrics.render().decode()
    for gauge in (
        "signet_intake 0.0",
        "signet_inbound 0.0",
        "signet_outcomes 0.0",
        "signet_deliveries 0.0",
        "signet_store_jobs 0.0",
        "signet_connections 1.0",
        'signet_queued_messages{account="bank"} 2.0',
        'signet_binds{account="bank"} 1.0',
        'signet_slots_taken{bind="north/0"} 0.0',
    ):
        assert f"\n{gauge}\n" in exported
