"""What carriers say, with the real store: what stands in the database when they are answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.message import State
from gateway.store import schema, schema_recipients
from ledger.accounts import Balance
from tests.gateway.carriers.conftest import MakeRelay
from tests.gateway.carriers.peer import DELIVER_SM_RESP, deliver, receipt, submit_resp, tlv
from tests.gateway.carriers.relay import Relay
from tests.gateway.carriers.samples import a_carrier, a_waiting_message
from tests.gateway.carriers.store_file import UNITS
from tests.gateway.raw_pdus import raw


def answers(relay: Relay) -> list[tuple[int, int]]:
    """Number and status of the answers that the carrier gets now."""
    relay.pass_time()
    pdus = relay.peer().read()
    return [(p.sequence_number, p.command_status) for p in pdus if p.command_id == DELIVER_SM_RESP]


def accept(relay: Relay, message_id: int, carrier_message_id: bytes) -> None:
    """Send a message that the carrier accepts."""
    number = relay.send(message_id)
    relay.peer().send(submit_resp(number, carrier_message_id))
    relay.pass_time()


def test_a_receipt_ends_its_message_and_is_owed_to_the_customer(relay: Relay) -> None:
    accept(relay, 1, b"c1")
    relay.peer().send(receipt(7, "c1"))
    assert answers(relay) == [(7, 0)]
    assert relay.file.state(1) is State.DELIVERED
    assert [(d.account, d.message_id) for d in relay.owed] == [("bank", 1)]
    assert relay.metrics.messages_ended == {("bank", "DELIVERED"): 1}
    assert relay.metrics.receipts == {("north", "DELIVERED"): 1}


def test_a_repeated_receipt_is_answered_and_changes_nothing(relay: Relay) -> None:
    accept(relay, 1, b"c1")
    relay.peer().send(receipt(7, "c1"))
    relay.pass_time()
    relay.peer().send(receipt(8, "c1"), receipt(9, "c1", "UNDELIV"))
    assert answers(relay) == [(7, 0), (8, 0), (9, 0)]
    assert relay.file.state(1) is State.DELIVERED
    assert len(relay.owed) == 1


def test_a_receipt_before_the_response_waits_for_it(relay: Relay) -> None:
    number = relay.send(1)
    relay.peer().send(receipt(7, "c1"))
    assert answers(relay) == [(7, 0)]
    assert relay.file.state(1) is State.SUBMITTING
    relay.peer().send(submit_resp(number, b"c1"))
    relay.pass_time()
    assert relay.file.state(1) is State.DELIVERED
    assert relay.file.balance() == Balance(UNITS, UNITS - 1, 0, 1)


def test_a_receipt_may_come_on_another_bind_of_its_carrier(make_relay: MakeRelay) -> None:
    relay = make_relay(carriers=(a_carrier(binds=2),))
    accept(relay, 1, b"c1")
    other = relay.network.peers()[0]
    assert other is not relay.peer()
    other.accept_bind()
    other.send(receipt(7, "c1"))
    relay.pass_time()
    assert relay.file.state(1) is State.DELIVERED


def test_what_reads_like_a_receipt_ends_the_message_that_it_names(relay: Relay) -> None:
    accept(relay, 1, b"c1")
    relay.peer().send(receipt(7, "c1", esm_class=0))
    assert answers(relay) == [(7, 0)]
    assert relay.file.state(1) is State.DELIVERED
    assert relay.file.rows(schema.inbound) == []


def test_what_reads_like_a_receipt_of_nothing_is_the_customers_reply(relay: Relay) -> None:
    relay.peer().send(receipt(7, "nobody", esm_class=0))
    assert answers(relay) == [(7, 0)]
    assert relay.file.rows(schema.receipt) == []
    (row,) = relay.file.rows(schema.inbound)
    assert row.account == "bank"
    assert [(d.account, d.message_id) for d in relay.owed] == [("bank", None)]


def test_a_receipt_that_cannot_be_read_is_kept(relay: Relay) -> None:
    relay.peer().send(deliver(7, b"\xff\xfe\xfd", esm_class=4))
    assert answers(relay) == [(7, 0)]
    (row,) = relay.file.rows(schema.unreadable)
    assert b"\xff\xfe\xfd" in row.body


def test_a_receipt_from_the_year_one_ends_its_message_too(relay: Relay) -> None:
    accept(relay, 1, b"c1")
    accept(relay, 2, b"c2")
    relay.peer().send(receipt(7, "c1", done="00010101000000"), receipt(8, "c2"))
    assert answers(relay) == [(7, 0), (8, 0)]
    assert (relay.file.state(1), relay.file.state(2)) == (State.DELIVERED, State.DELIVERED)


def test_a_td_silences_the_account_for_the_number_and_deletes_what_waits(relay: Relay) -> None:
    later = relay.now_ms() + 60_000
    relay.queue(1, destination_addr="+8613900139000", due_at=later)
    relay.queue(2, destination_addr="13900139000", due_at=later)
    relay.queue(3, destination_addr="13800138000", due_at=later)
    relay.peer().send(deliver(7, b"TD", source=b"8613900139000"))
    assert answers(relay) == [(7, 0)]
    states = [relay.file.state(message_id) for message_id in (1, 2, 3)]
    assert states == [State.DELETED, State.DELETED, State.QUEUED]
    assert relay.file.balance() == Balance(UNITS, UNITS - 1, 1)
    assert relay.dispatcher.waiting("bank") == 1
    (row,) = relay.file.rows(schema_recipients.opt_out)
    assert (row.number, row.account) == ("13900139000", "bank")
    refused = relay.file.store.admit([a_waiting_message(4, destination_addr="13900139000")])
    relay.pass_time()
    assert refused.result == ["RECIPIENT_OPTED_OUT"]


def test_a_td_that_is_nobodys_silences_nobody(relay: Relay) -> None:
    relay.peer().send(deliver(7, b"TD", destination=b"10699999"))
    assert answers(relay) == [(7, 0)]
    assert relay.file.rows(schema_recipients.opt_out) == []
    (row,) = relay.file.rows(schema.inbound)
    assert (row.account, row.opts_out) == (None, 1)
    assert relay.owed == []


def test_what_the_database_will_not_take_is_kept_as_it_came(relay: Relay) -> None:
    accept(relay, 1, b"c1")
    relay.file.break_table(schema.receipt)
    octets = receipt(7, "c1")
    relay.peer().send(octets)
    assert answers(relay) == [(7, 0)]
    (row,) = relay.file.rows(schema.unreadable)
    assert (row.carrier, row.body, row.reason) == ("north", octets[16:], "not recorded: IntegrityError")
    assert (relay.file.state(1), relay.owed) == (State.ENROUTE, [])
    assert relay.metrics.put_aside == {"receipt": 1}


def test_what_it_will_not_even_keep_is_refused_for_good(relay: Relay) -> None:
    for table in (schema.receipt, schema.inbound, schema.unreadable):
        relay.file.break_table(table)
    relay.peer().send(receipt(7, "c1"), deliver(8, b"thanks"))
    assert sorted(answers(relay)) == [(7, 0x65), (8, 0x65)]
    assert relay.metrics.put_aside == {"receipt": 1, "reply": 1}


def test_one_receipt_that_the_database_will_not_take_does_not_hold_up_the_others(relay: Relay) -> None:
    for n in range(1, 8):
        accept(relay, n, b"c%d" % n)
    relay.file.spoil(4)
    relay.peer().send(*(receipt(n, f"c{n}") for n in range(1, 8)))
    assert sorted(answers(relay)) == [(n, 0) for n in range(1, 8)]
    assert [relay.file.state(n) is State.DELIVERED for n in range(1, 8)] == [True] * 3 + [False] + [True] * 3
    assert [delivery.message_id for delivery in relay.owed] == [1, 2, 3, 5, 6, 7]
    (row,) = relay.file.rows(schema.unreadable)
    assert row.body == receipt(4, "c4")[16:]


def test_no_delivery_is_too_odd_for_the_store(relay: Relay) -> None:
    ids = st.sampled_from(["c1", "C1", "0", "000", "ffffffffffffffff", "18446744073709551616", "\xff", "'"])
    dates = st.sampled_from(["", "0", "00010101000000", "99991231235959", "2602300000", "260304120099"])
    stats = st.sampled_from(["DELIVRD", "ACCEPTD", "ENROUTE", "UNDELIV", "whatever", ""])
    receipts = st.builds(
        lambda i, d, s: f"id:{i} sub:001 dlvrd:001 submit date:{d} done date:{d} stat:{s} err:000 text:",
        ids,
        dates,
        stats,
    ).map(lambda text: text.encode("latin-1"))
    tags = st.sampled_from([0x001E, 0x0427, 0x0423, 0x0424, 0x020C, 0x1400])
    tlvs = st.lists(st.builds(tlv, tags, st.binary(max_size=70)), max_size=3).map(b"".join)

    @given(
        receipts | st.binary(max_size=60),
        st.sampled_from([0, 4, 0x20, 8, 0x40, 0x44, 0xFF]),
        st.integers(0, 255),
        tlvs,
        st.text("+0123456789abc", max_size=20).map(str.encode),
    )
    def check(short_message: bytes, esm_class: int, data_coding: int, tlvs: bytes, source: bytes) -> None:
        octets = deliver(
            9, short_message, esm_class=esm_class, data_coding=data_coding, tlvs=tlvs, source=source
        )
        relay.peer().send(octets, raw(0x15, b"", 1))
        assert answers(relay) == [(9, 0)]

    accept(relay, 1, b"c1")
    check()
