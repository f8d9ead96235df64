"""Each corruption is planted in a store that was sound, with the tables' guards off, and must be named."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import cast

import pytest
from sqlalchemy import Connection, Engine

from gateway.store import identities, schema
from gateway.store.audit import AT_START, IDENTITIES, Audit, Finding, audit_at_start
from gateway.store.snapshot import snapshot
from ledger import sql
from ledger.identity import Rows, Violation, violations
from ledger.requests import Request
from ledger.schema import ledger_transfer
from ledger.transfer import Kind
from smpp.message_state import MessageState
from tests.gateway.store.database import open_quickly
from tests.gateway.store.life import Life
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import HOUR, NUMBER, SECOND, START, parked, receipt, refused, reply, resent

OTHER = "13900000009"
COUNTRY_CODE = "86"
IDS = {"message_id", "source_id", "delivery_id"}
Ids = dict[str, int]


def lead_a_life(rig: Rig) -> Ids:
    """A message of each kind; their ids by what they are."""
    rig.recover()
    sent = {
        "in_doubt": rig.submitting(),
        "resent": rig.submitting(),
        "rejected": rig.submitting(units=2),
        "expired": rig.queued(deadline_at=START + SECOND),
        "enroute": rig.enroute("A1"),
        "delivered": rig.enroute("A2"),
        "silent": rig.enroute("A3", registered_delivery=0),
        "watched": rig.enroute("A4", registered_delivery=0x11),
        "failed": rig.enroute("A5", registered_delivery=2),
    }
    rig.record(
        parked(sent["in_doubt"], START + HOUR), resent(sent["resent"], START), refused(sent["rejected"])
    )
    rig.hear(receipt("A4", MessageState.ENROUTE))
    rig.hear(*(receipt(carrier_id) for carrier_id in ("A2", "A3", "A4")))
    rig.hear(receipt("A5", MessageState.UNDELIVERABLE))
    rig.read(reply(number=OTHER))
    rig.advance(1)
    rig.end_overdue()
    with rig.engine.begin() as connection:
        sql.ask(connection, Request(7, Kind.ADJUST_UP, "bank", 5, 0, "A1", "a gift", START))
    sent["queued"], sent["submitting"] = rig.queued(), rig.submitting()
    sent["joined"], sent["part"], _ = rig.long()
    return {name: message.message_id for name, message in sent.items()}


@pytest.fixture(scope="module")
def sound(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ids]:
    """A closed database, and what is in it."""
    path = Path(shutil.copy(empty_database, tmp_path_factory.mktemp("sound")))
    rig = Rig(open_quickly(path))
    ids = lead_a_life(rig)
    rig.close()
    rig.engine.dispose()
    return path, ids


@pytest.fixture
def path(sound: tuple[Path, Ids], tmp_path: Path) -> Path:
    return Path(shutil.copy(sound[0], tmp_path))


def opted_out(account: str) -> str:
    """The statement by which the recipient of `NUMBER` opts out of an account's messages."""
    return f"INSERT INTO opt_out (number, account, since, inbound_id) VALUES ('{NUMBER}', '{account}', 0, 1)"


def corrupt(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA ignore_check_constraints = ON")
    with database:
        assert database.execute(statement).rowcount
    database.close()


def violations_at_start(connection: Connection, name: str) -> Iterator[Sequence[Violation]]:
    """What a start finds of an identity, if it looks at it."""
    return (violations(connection, identity, 10) for identity in AT_START if identity.name == name)


def findings(path: Path, limit: int = 10) -> dict[str, Finding]:
    """The whole audit's, by identity."""
    with snapshot(path, COUNTRY_CODE) as connection:
        audit = Audit(connection, limit)
        return {identity.name: audit.find(identity) for identity in IDENTITIES}


def broken(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if finding.count}


def test_a_sound_store_breaks_nothing_and_all_of_it_was_asked(path: Path) -> None:
    found = findings(path)
    assert broken(found) == set()
    assert {name: finding.rows for name, finding in found.items() if finding.rows == 0} == {}
    assert (found["MESSAGE_HAS_EQUAL_HOLD"].rows, found["TOLD_IS_WANTED"].rows) == (14, 6)


def test_an_empty_store_breaks_nothing(empty_database: Path) -> None:
    assert broken(findings(empty_database)) == set()


CORRUPTIONS = [
    ("MESSAGE_HAS_EQUAL_HOLD", "DELETE FROM ledger_transfer WHERE source_id = {queued}", "queued"),
    (
        "MESSAGE_HAS_EQUAL_HOLD",
        "UPDATE ledger_transfer SET units = 3 WHERE stage = 1 AND source_id = {delivered}",
        "delivered",
    ),
    ("MESSAGE_HAS_EQUAL_HOLD", "UPDATE message SET account = 'shop' WHERE message_id = {expired}", "expired"),
    ("HOLD_HAS_MESSAGE", "DELETE FROM message WHERE message_id = {queued}", "queued"),
    (
        "SUBMITTING_HAS_INTENT",
        "UPDATE message SET carrier = NULL WHERE message_id = {submitting}",
        "submitting",
    ),
    (
        "SUBMITTING_HAS_INTENT",
        "UPDATE message SET attempts = 0 WHERE message_id = {submitting}",
        "submitting",
    ),
    ("SUBMITTING_IN_THIS_EPOCH", "UPDATE node SET epoch = epoch + 1", "submitting"),
    ("ATTEMPT_HAS_MESSAGE", "DELETE FROM message WHERE message_id = {enroute}", "enroute"),
    ("ATTEMPT_HAS_MESSAGE", "UPDATE attempt SET number = 2 WHERE message_id = {delivered}", "delivered"),
    ("ATTEMPT_HAS_MESSAGE", "UPDATE attempt SET number = 0 WHERE message_id = {delivered}", "delivered"),
    ("ATTEMPT_OUTCOME_IS_KNOWN", "UPDATE attempt SET outcome = 5 WHERE message_id = {rejected}", "rejected"),
    ("IN_DOUBT_HAS_ATTEMPT", "DELETE FROM attempt WHERE message_id = {in_doubt}", "in_doubt"),
    ("IN_DOUBT_HAS_ATTEMPT", "UPDATE attempt SET outcome = 2 WHERE message_id = {in_doubt}", "in_doubt"),
    ("RESEND_HAS_ATTEMPT", "UPDATE message SET resends = 2 WHERE message_id = {resent}", "resent"),
    ("STATE_AND_END_AGREE", "UPDATE message SET state = 6 WHERE message_id = {delivered}", "delivered"),
    ("STATE_AND_END_AGREE", "UPDATE message SET state = 0 WHERE message_id = {delivered}", "delivered"),
    ("STATE_AND_END_AGREE", "UPDATE message SET state = 2 WHERE message_id = {enroute}", "enroute"),
    ("STATE_AND_END_AGREE", "UPDATE message SET final_at = 1 WHERE message_id = {queued}", "queued"),
    ("PURGED_HAS_ENDED", "UPDATE message SET body = x'' WHERE message_id = {queued}", "queued"),
    ("ACCEPTED_IS_NOT_WAITING", "UPDATE message SET state = 0 WHERE message_id = {enroute}", "enroute"),
    (
        "FINAL_RECEIPT_ENDS_MESSAGE",
        "UPDATE message SET state = 1, final_at = NULL WHERE message_id = {delivered}",
        "delivered",
    ),
    ("RECEIPT_HAS_MESSAGE", "DELETE FROM message WHERE message_id = {silent}", "silent"),
    ("DELIVERY_HAS_MESSAGE", "DELETE FROM message WHERE message_id = {rejected}", "rejected"),
    (
        "DELIVERY_HAS_MESSAGE",
        "UPDATE delivery SET account = 'shop' WHERE message_id = {delivered}",
        "delivered",
    ),
    (
        "DELIVERY_AND_OUTCOME_AGREE",
        "UPDATE delivery SET finished_at = 1 WHERE message_id = {delivered}",
        "delivered",
    ),
    (
        "DELIVERY_AND_OUTCOME_AGREE",
        "UPDATE delivery SET outcome = 1 WHERE message_id = {delivered}",
        "delivered",
    ),
    (
        "DELIVERY_AND_OUTCOME_AGREE",
        "UPDATE delivery SET outcome = 4, finished_at = 1 WHERE message_id = {delivered}",
        "delivered",
    ),
    ("END_IS_TOLD", "DELETE FROM delivery WHERE message_id = {failed}", "failed"),
    # The receipt of a state on the way is not that of the end.
    (
        "END_IS_TOLD",
        "DELETE FROM delivery WHERE delivery_id = "
        "(SELECT max(delivery_id) FROM delivery WHERE message_id = {watched})",
        "watched",
    ),
    (
        "END_IS_TOLD_ONCE",
        "INSERT INTO delivery SELECT delivery_id + 1000, account, message_id, body, 0, 0, 0, 0, NULL "
        "FROM delivery WHERE message_id = {delivered}",
        "delivered",
    ),
    (
        "TOLD_IS_WANTED",
        "UPDATE message SET registered_delivery = 0 WHERE message_id = {delivered}",
        "delivered",
    ),
    (
        "TOLD_IS_WANTED",
        "UPDATE message SET registered_delivery = 2 WHERE message_id = {delivered}",
        "delivered",
    ),
    ("TOLD_IS_WANTED", "UPDATE message SET registered_delivery = 1 WHERE message_id = {watched}", "watched"),
    ("TOLD_IS_WANTED", "UPDATE message SET final_at = NULL WHERE message_id = {rejected}", "rejected"),
    ("TOLD_IS_WANTED", "UPDATE delivery SET body = x'00' WHERE message_id = {rejected}", "rejected"),
    ("HELD_IS_UNRESOLVED", "UPDATE ledger_account SET held = held - 1, settled = settled + 1", None),
    ("HELD_IS_UNRESOLVED", "UPDATE message SET units = 2 WHERE message_id = {in_doubt}", None),
    (
        "UNRESOLVED_HOLD_IS_OPEN",
        "INSERT INTO ledger_transfer VALUES ({in_doubt}, 2, 3, 'bank', 1, 0, 1)",
        "in_doubt",
    ),
    (
        "CARRIED_IS_SETTLED",
        "DELETE FROM ledger_transfer WHERE source_id = {enroute} AND stage = 2",
        "enroute",
    ),
    (
        "CARRIED_IS_SETTLED",
        "UPDATE ledger_transfer SET kind = 4 WHERE source_id = {failed} AND stage = 2",
        "failed",
    ),
    (
        "ENDED_HOLD_IS_RESOLVED",
        "DELETE FROM ledger_transfer WHERE source_id = {rejected} AND stage = 2",
        "rejected",
    ),
    (
        "SETTLED_WAS_TAKEN",
        "UPDATE ledger_transfer SET kind = 3 WHERE source_id = {rejected} AND stage = 2",
        "rejected",
    ),
    ("SETTLED_WAS_TAKEN", "DELETE FROM attempt WHERE message_id = {delivered}", "delivered"),
    ("JOINED_HAS_PARTS", "UPDATE message SET final_at = 1 WHERE part > 0", "joined"),
    ("JOINED_HAS_PARTS", "DELETE FROM message WHERE part > 0", "joined"),
    ("PART_HAS_WHOLE", "DELETE FROM message WHERE message_id = {joined}", "part"),
    (
        "OPT_OUT_IS_OBEYED",
        opted_out("bank"),
        "queued",
    ),
    (
        "OPT_OUT_IS_OBEYED",
        f"UPDATE message SET destination_addr = '+86{OTHER}' WHERE message_id = {{queued}}",
        "queued",
    ),
]


@pytest.mark.parametrize(("name", "corruption", "culprit"), CORRUPTIONS)
def test_a_planted_corruption_is_found_and_names_its_message(
    sound: tuple[Path, Ids], path: Path, name: str, corruption: str, culprit: str | None
) -> None:
    _, ids = sound
    corrupt(path, corruption.format(**ids))
    wanted = None if culprit is None else ids[culprit]
    [identity] = [identity for identity in IDENTITIES if identity.name == name]
    with snapshot(path, COUNTRY_CODE) as connection:
        found = Audit(connection, limit=10).find(identity)
        at_start = [*violations_at_start(connection, name)]
    assert wanted in {violation.source_id for violation in found.violations}
    assert found.count == len(found.violations)
    assert at_start == [found.violations] * len(at_start)


def test_each_identity_has_its_corruption() -> None:
    assert {name for name, _, _ in CORRUPTIONS} == {identity.name for identity in identities.IDENTITIES}


def test_a_message_that_came_back_after_its_recipient_opted_out_breaks_nothing(path: Path) -> None:
    """It is deleted when it would be sent again."""
    corrupt(path, f"UPDATE message SET destination_addr = '{OTHER}' WHERE state = 0 AND attempts > 0")
    assert broken(findings(path)) == set()


def test_another_accounts_opt_out_is_no_concern_of_this_one(path: Path) -> None:
    corrupt(path, opted_out("shop"))
    assert broken(findings(path)) == set()


def test_an_opt_out_from_everybody_is_obeyed_by_each(path: Path) -> None:
    corrupt(path, opted_out(""))
    assert broken(findings(path)) == {"OPT_OUT_IS_OBEYED"}


@pytest.mark.parametrize("column", ["signature = 'another'", "ended_at = 1", "inbound_id = NULL"])
def test_an_opt_out_of_another_signature_or_over_or_brought_in_is_no_concern(path: Path, column: str) -> None:
    corrupt(path, opted_out("bank"))
    corrupt(path, f"UPDATE opt_out SET {column}")
    assert broken(findings(path)) == set()


def test_violations_beyond_the_limit_are_counted(path: Path) -> None:
    corrupt(path, "UPDATE attempt SET outcome = 9")
    found = findings(path, limit=3)["ATTEMPT_OUTCOME_IS_KNOWN"]
    assert (len(found.violations), found.more, found.count) == (3, 5, 8)


def test_a_violation_shows_what_differs(sound: tuple[Path, Ids], path: Path) -> None:
    _, ids = sound
    corrupt(path, f"UPDATE message SET units = 7 WHERE message_id = {ids['rejected']}")
    [violation] = findings(path)["MESSAGE_HAS_EQUAL_HOLD"].violations
    assert (violation.account, violation.source_id) == ("bank", ids["rejected"])
    assert violation.detail == "units 7, held_on bank, held 2"


@pytest.mark.parametrize("seed", range(3))
def test_no_life_however_random_breaks_an_identity(engine: Engine, seed: int) -> None:
    life = Life(engine, Random(seed))
    path = Path(engine.url.database or "")
    for _ in range(50):
        life.step()
    # This life admits to its last day as if it were its first.
    assert broken(findings(path)) <= {"SUBMITTING_IN_THIS_EPOCH"}
    life.end()
    assert broken(findings(path)) == set()


def multiply(path: Path, message_id: int, count: int) -> None:
    """Make so many more of a message that has ended, all older than itself, with all that belongs to it."""
    database = sqlite3.connect(path)
    for table, key in (
        (schema.message, "message_id"),
        (schema.attempt, "message_id"),
        (schema.delivery, "message_id"),
        (ledger_transfer, "source_id"),
    ):
        columns = [f"{name} - {1 << 30} - n" if name in IDS else name for name in list(table.c.keys())]
        database.execute(
            f"WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count}) "
            f"INSERT INTO {table.name} SELECT {', '.join(columns)} "
            f"FROM {table.name} CROSS JOIN number WHERE {key} = {message_id}"
        )
    database.commit()
    database.close()


def steps_of(connection: Connection, query: Rows) -> int:
    """What a query costs: hundreds of steps of SQLite's machine."""
    steps: list[None] = []
    database = cast(sqlite3.Connection, connection.connection.dbapi_connection)
    database.set_progress_handler(lambda: steps.append(None), 100)
    connection.execute(query).all()
    database.set_progress_handler(None, 0)
    return len(steps)


def test_a_start_costs_no_more_where_more_has_ended(sound: tuple[Path, Ids], tmp_path: Path) -> None:
    costs: list[dict[str, int]] = []
    for count in (1_500, 4_500):
        path = Path(shutil.copy(sound[0], tmp_path / f"{count}.db"))
        multiply(path, sound[1]["failed"], count)
        with snapshot(path, COUNTRY_CODE) as connection:
            assert audit_at_start(connection, limit=10) == []
            costs.append({identity.name: steps_of(connection, identity.broken) for identity in AT_START})
            costs[-1]["whole"] = steps_of(connection, identities.MESSAGE_HAS_EQUAL_HOLD.broken)
    few, many = costs
    assert {name for name in few if many[name] > 1.1 * few[name] + 5} == {"whole"}
