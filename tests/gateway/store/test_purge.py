"""A purge leaves what must stay, nothing of what must go, and a database in which all of the audit holds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, insert, update

from gateway.broadcasts.broadcast import Broadcast, BroadcastState
from gateway.ids import first_id
from gateway.message import Message
from gateway.store import broadcast_book, complaints, legal_holds, purge, schema, schema_recipients
from gateway.store.audit import IDENTITIES, Audit, audit_at_start
from gateway.store.engine import connect
from gateway.store.purge import Purged, Walk, What
from gateway.store.schema_broadcasts import broadcast, broadcast_recipient
from gateway.store.schema_records import purge as purge_table
from gateway.store.schema_records import refusal
from gateway.store.snapshot import snapshot
from gateway.stored import DeliveryOutcome, FinishedDelivery
from ledger.schema import ledger_account, ledger_transfer
from policy.facts import MessageClass
from smpp.message_state import MessageState
from tests.gateway.store.life import Life
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import NUMBER, START, parked, receipt, refused, reply, resent
from tests.gateway.store.test_audit import lead_a_life

DAY_MS = 86_400_000
LATER = START + DAY_MS
OTHER = "13900000009"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """A database without the history that other tests keep: a purge changes what has ended."""
    engine = connect(path, busy_timeout_s=0.0)
    yield engine
    engine.dispose()


@pytest.fixture
def rig(engine: Engine) -> Iterator[Rig]:
    rig = Rig(engine)
    rig.recover()
    yield rig
    rig.close()


def purged(
    engine: Engine, *classes: str, before: int = LATER, replies: int | None = None, now: int = LATER
) -> list[Purged]:
    """All walks of a purge, each to its end."""
    with engine.begin() as connection:
        walks = purge.begin(connection, dict.fromkeys(classes, before), replies)
    return [walked(engine, walk, now) for walk in walks]


def walked(engine: Engine, walk: Walk, now: int = LATER) -> Purged:
    while not walk.is_over:
        with engine.begin() as connection:
            walk = purge.step(connection, walk, "86")
    with engine.begin() as connection:
        return purge.finish(connection, walk, now)


def counts(found: Sequence[Purged]) -> dict[str, int]:
    return {each.what: each.purged for each in found if each.purged}


def violations(path: Path) -> list[str]:
    with snapshot(path, "86") as connection:
        audit = Audit(connection, 10)
        found = [name for name in IDENTITIES if audit.find(name).count]
        assert audit_at_start(connection, 10) == []
    return [identity.name for identity in found]


def delivered(rig: Rig, carrier_message_id: str = "A1", number: str = NUMBER) -> Message:
    """A message that was delivered, and its customer told."""
    sent = rig.enroute(carrier_message_id, destination_addr=number)
    told = rig.hear(receipt(carrier_message_id, number=number)).deliveries
    rig.result(
        rig.store.finish_deliveries([FinishedDelivery(each, DeliveryOutcome.ACKNOWLEDGED) for each in told])
    )
    return sent


def refuse(rig: Rig, destination_addr: str = NUMBER) -> int:
    refusal_id = rig.ids.next()
    with rig.engine.begin() as connection:
        connection.execute(
            insert(refusal).values(
                refusal_id=refusal_id,
                account="bank",
                rule="SIGNATURE_MISSING",
                message_class="commercial",
                source_addr="10690001",
                destination_addr=destination_addr,
                body=b"text",
                units=1,
                ruleset="0",
                submitted_by="bank@127.0.0.1",
                submitted_at=rig.now(),
            )
        )
    return refusal_id


def hold(
    rig: Rig, account: str | None = None, number: str | None = None, message_id: int | None = None
) -> int:
    with rig.engine.begin() as connection:
        return legal_holds.add(connection, account, number, message_id, "the court's", rig.now()).hold_id


def complain(rig: Rig, message_id: int | None, number: str = NUMBER) -> int:
    with rig.engine.begin() as connection:
        made = complaints.add(connection, number, "bank", message_id, "12321", START, "", rig.now())
    return made.complaint_id


def is_bare(rig: Rig, of: Message) -> bool:
    return bool(rig.row(of).body == b"")


def test_a_purged_message_keeps_its_bare_row_and_nothing_else(rig: Rig) -> None:
    sent = delivered(rig)
    found = counts(purged(rig.engine, "commercial"))
    assert found == {"messages": 1, "deliveries": 1, "receipts": 1}
    row = rig.row(sent)
    assert (row.account, row.units, row.state, row.ruleset) == ("bank", 1, 2, "0123456789ab")
    assert (row.body, row.destination_addr, row.source_addr, row.error) == (b"", "", "", None)
    assert (row.submitted_by, row.signature, row.submitted_body, row.told_as) == ("", "", None, None)
    for table in (schema.attempt, schema.receipt, schema.delivery):
        assert rig.rows(table) == []
    assert len(rig.rows(ledger_transfer)) == 3, "the top-up, the hold and the settle"


def test_number_and_text_are_nowhere_in_the_file(rig: Rig, path: Path) -> None:
    delivered(rig)
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET body = CAST('a secret text' AS BLOB)")
    purged(rig.engine, "commercial")
    rig.close()
    rig.engine.dispose()
    assert [each.name for each in path.parent.iterdir()] == [path.name], "the log is folded in"
    octets = path.read_bytes()
    assert b"a secret text" not in octets
    assert NUMBER.encode() not in octets


def test_only_what_is_old_enough_and_of_the_class_goes(rig: Rig) -> None:
    old = delivered(rig)
    rig.advance(10)
    new = delivered(rig, "A2")
    assert counts(purged(rig.engine, "notice")) == {}
    assert counts(purged(rig.engine, "commercial", before=START + 5_000))["messages"] == 1
    assert (is_bare(rig, old), is_bare(rig, new)) == (True, False)


def test_a_message_without_an_end_stays(rig: Rig) -> None:
    waiting = rig.queued()
    assert counts(purged(rig.engine, "commercial")) == {}
    assert not is_bare(rig, waiting)


def test_a_long_message_stays_until_all_of_it_has_ended(rig: Rig) -> None:
    first = rig.long()[1]
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE message SET final_at = 1 WHERE message_id = {first.message_id}")
    assert counts(purged(rig.engine, "commercial")) == {}
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET final_at = 1")
    assert counts(purged(rig.engine, "commercial")) == {"messages": 3}


def test_what_was_told_of_a_long_message_on_its_way_goes_with_it(rig: Rig) -> None:
    whole, *_ = rig.long()
    with rig.engine.begin() as connection:
        connection.execute(schema.news.insert().values(message_id=whole.message_id, state=1))
    purged(rig.engine, "commercial")
    assert len(rig.rows(schema.news)) == 1
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET final_at = 1")
    purged(rig.engine, "commercial")
    assert rig.rows(schema.news) == []


def test_a_delivery_that_waits_stays_although_its_message_is_bare(rig: Rig) -> None:
    rig.enroute("A1")
    rig.hear(receipt("A1"))
    assert counts(purged(rig.engine, "commercial")) == {"messages": 1, "receipts": 1}
    assert len(rig.rows(schema.delivery)) == 1


@pytest.mark.parametrize("held", ["account", "number", "message_id"])
def test_what_is_under_a_legal_hold_stays_until_the_hold_ends(rig: Rig, held: str) -> None:
    sent = delivered(rig, number=f"+86{NUMBER}")
    free = delivered(rig, "A2", number=OTHER)
    hold_id = hold(
        rig,
        account="bank" if held == "account" else None,
        number=NUMBER if held == "number" else None,
        message_id=sent.message_id if held == "message_id" else None,
    )
    purged(rig.engine, "commercial")
    assert (is_bare(rig, sent), is_bare(rig, free)) == (False, held != "account")
    assert len(rig.attempts(sent)) == 1
    with rig.engine.begin() as connection:
        assert legal_holds.end(connection, hold_id, LATER)
        assert not legal_holds.end(connection, hold_id, LATER)
    purged(rig.engine, "commercial")
    assert (is_bare(rig, sent), is_bare(rig, free)) == (True, True)
    assert (rig.rows(schema.receipt), rig.rows(schema.delivery)) == ([], [])


@pytest.mark.parametrize("is_linked", [True, False])
def test_what_is_complained_of_stays_until_the_complaint_is_closed(rig: Rig, is_linked: bool) -> None:
    sent = delivered(rig, number=f"+86{NUMBER}")
    same = delivered(rig, "A2")
    free = delivered(rig, "A3", number=OTHER)
    complaint_id = complain(rig, sent.message_id if is_linked else None)
    purged(rig.engine, "commercial")
    assert [is_bare(rig, each) for each in (sent, same, free)] == [False, is_linked, True]
    with rig.engine.begin() as connection:
        assert complaints.close(connection, complaint_id, "blocked", LATER)
    purged(rig.engine, "commercial")
    assert is_bare(rig, sent)
    assert is_bare(rig, same)


def test_a_complaint_of_a_part_keeps_the_whole(rig: Rig) -> None:
    second = rig.long()[2]
    rig.record(refused(rig.claim(count=1).messages[0]))
    complain(rig, second.message_id)
    assert "messages" not in counts(purged(rig.engine, "commercial"))


def test_a_hold_on_a_part_is_a_hold_on_the_whole(rig: Rig) -> None:
    second = rig.long()[2]
    rig.record(refused(rig.claim(count=1).messages[0]))
    hold(rig, message_id=second.message_id)
    assert "messages" not in counts(purged(rig.engine, "commercial"))


def test_refusals_go_with_their_class_and_a_hold_keeps_them(rig: Rig) -> None:
    refuse(rig)
    kept = refuse(rig, OTHER)
    hold(rig, number=OTHER)
    assert counts(purged(rig.engine, "commercial")) == {"refusals": 1}
    assert [row.refusal_id for row in rig.rows(refusal)] == [kept]


def test_replies_and_strange_receipts_go_but_not_an_opt_out(rig: Rig) -> None:
    told = rig.read(reply(opts_out=False), reply(number=OTHER)).deliveries
    rig.result(
        rig.store.finish_deliveries([FinishedDelivery(each, DeliveryOutcome.REFUSED) for each in told])
    )
    rig.hear(receipt("Z9"))
    assert counts(purged(rig.engine, "commercial")) == {}
    assert counts(purged(rig.engine, replies=LATER)) == {"replies": 1, "receipts": 1}
    [kept] = rig.rows(schema.inbound)
    assert kept.source_addr == OTHER
    assert [row.delivery_id for row in rig.rows(schema.delivery)] == [kept.inbound_id]


def test_a_reply_that_waits_for_its_customer_stays(rig: Rig) -> None:
    rig.read(reply(opts_out=False))
    assert counts(purged(rig.engine, replies=LATER)) == {}


def test_contacts_of_a_purged_message_go(rig: Rig) -> None:
    sent = delivered(rig, number=f"+86{NUMBER}")
    rows = [
        {"number": NUMBER, "account": "bank", "at": 1, "message_id": message_id, "signature": ""}
        for message_id in (sent.message_id, 5)
    ]
    with rig.engine.begin() as connection:
        connection.execute(insert(schema_recipients.contact), rows)
    purged(rig.engine, "commercial")
    assert [row.message_id for row in rig.rows(schema_recipients.contact)] == [5]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broadcast_keeps_its_text_as_long_as_one_of_its_recipients_is_under_a_hold(
    rig: Rig, place: int
) -> None:
    sample = Broadcast(
        0, "bank", "10690001", "尊敬的客户", "commercial", BroadcastState.FINISHED, 3, 1, 1, 1, 1, 1
    )
    numbers = [NUMBER[:-1] + str(last) for last in range(3)]
    with rig.engine.begin() as connection:
        added = broadcast_book.add(connection, sample)
        broadcast_book.add_recipients(connection, added.broadcast_id, 0, numbers)
        connection.execute(update(broadcast).values(finished_at=START))
        held = legal_holds.add(connection, None, numbers[place], None, "case 7", START)
    assert counts(purged(rig.engine, "commercial", before=START + 5)) == {"broadcasts": 2}
    assert [row.text for row in rig.rows(broadcast)] == ["尊敬的客户"]
    assert counts(purged(rig.engine, "commercial", before=START + 5)) == {}
    with rig.engine.begin() as connection:
        legal_holds.end(connection, held.hold_id, START)
    assert counts(purged(rig.engine, "commercial", before=START + 5)) == {"broadcasts": 1}
    assert [row.text for row in rig.rows(broadcast)] == [""]


def test_a_broadcast_that_finished_long_ago_loses_its_text_and_its_numbers(rig: Rig) -> None:
    sample = Broadcast(
        0, "bank", "10690001", "尊敬的客户", MessageClass.COMMERCIAL, BroadcastState.LOADING, 1, START, START,
        START, START, 1,
    )  # fmt: skip
    with rig.engine.begin() as connection:
        for finished_at in (None, START + 10, START):
            added = broadcast_book.add(connection, sample)
            broadcast_book.add_recipients(connection, added.broadcast_id, 1, [NUMBER])
            mine = broadcast.c.broadcast_id == added.broadcast_id
            connection.execute(update(broadcast).where(mine).values(finished_at=finished_at))
    assert counts(purged(rig.engine, "commercial", before=START + 5)) == {"broadcasts": 1}
    assert counts(purged(rig.engine, "commercial", before=START + 5)) == {}
    assert [row.number for row in rig.rows(broadcast_recipient)] == [NUMBER, NUMBER, ""]
    assert [row.text for row in rig.rows(broadcast)] == ["尊敬的客户", "尊敬的客户", ""]
    assert counts(purged(rig.engine, "commercial", before=START + 11)) == {"broadcasts": 1}


def test_each_walk_is_written_down_with_what_it_has_left(rig: Rig) -> None:
    delivered(rig)
    rig.advance(7)
    rig.queued()
    purged(rig.engine, "commercial", now=LATER)
    [row] = [row for row in rig.rows(purge_table) if row.what == "messages"]
    assert (row.message_class, row.purged, row.at) == ("commercial", 1, LATER)
    assert row.before == START + 7_000, "the one that waits was left"


def test_a_walk_begins_where_the_last_one_left_nothing(rig: Rig) -> None:
    delivered(rig)
    purged(rig.engine, "commercial", before=START + 5_000)
    with rig.engine.begin() as connection:
        [walk, *_] = purge.begin(connection, {"commercial": LATER}, None)
        assert (walk.what, walk.after) == (What.MESSAGES, (first_id(START + 5_000) - 1,))


def test_a_dry_purge_counts_and_changes_nothing(rig: Rig) -> None:
    sent = delivered(rig)
    with rig.engine.begin() as connection:
        [walk, *_] = purge.begin(connection, {"commercial": LATER}, None)
        assert purge.step(connection, walk, "86", dry=True).purged == 1
    assert not is_bare(rig, sent)


def test_a_walk_takes_as_many_steps_as_it_needs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "LOOK", 2)
    for number in range(5):
        delivered(rig, f"A{number}")
        refuse(rig)
    assert counts(purged(rig.engine, "commercial")) == {
        "messages": 5, "deliveries": 5, "refusals": 5, "receipts": 5,
    }  # fmt: skip


def test_the_whole_audit_holds_after_a_purge_of_messages_of_every_kind(rig: Rig, path: Path) -> None:
    lead_a_life(rig)
    rig.long()
    rig.record(refused(rig.claim(count=100).messages[0]))
    again = rig.submitting()
    rig.record(resent(again, START))
    rig.hear(receipt("A1", MessageState.UNDELIVERABLE))
    rig.record(parked(rig.submitting(), START + 10))
    rig.advance(3 * 86_400)
    while rig.end_overdue(receipt_wait_s=0.0).ended:
        pass
    rig.result(rig.store.abandon_deliveries(rig.now(), 100))
    before = rig.rows(ledger_account), rig.rows(ledger_transfer)
    found = counts(purged(rig.engine, "commercial", before=rig.now() + 1, replies=rig.now() + 1))
    assert found["messages"] == len(rig.rows(schema.message)) > 15
    assert (rig.rows(schema.attempt), rig.rows(schema.receipt)) == ([], [])
    assert (rig.rows(ledger_account), rig.rows(ledger_transfer)) == before
    assert violations(path) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_whole_audit_holds_after_a_purge_in_the_middle_of_any_life(
    empty_database: Path, tmp_path: Path, seed: int
) -> None:
    """What an ordinary life leaves behind, half of it purged, breaks no identity."""
    path = Path(shutil.copy(empty_database, tmp_path))
    engine = connect(path, busy_timeout_s=0.0)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE history (message_id INTEGER, old INTEGER, new INTEGER, was_final INTEGER)"
        )
    chance = Random(seed)
    life = Life(engine, chance)
    for _ in range(120):
        life.step()
    before = START + chance.randint(60_000, 600_000)
    purged(engine, "commercial", before=before, replies=before)
    assert violations(path) == []
    engine.dispose()
