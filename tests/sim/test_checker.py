"""The checker sees what it is there to see: a run that keeps every promise, and each promise broken once."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.store.engine import open_engine
from tests.gateway.store.database import open_quickly
from tests.sim import checker, planted_limits, planted_long, planted_messages, planted_receipts
from tests.sim.case import Case, Plant, a_case, added, both, gauge, message, planned, sql
from tests.sim.case_journal import BANK, a_plan, at, destination, message_id, relay, report, submit
from tests.sim.journal import Delivered, Died, Logged, Lost, Replied, Reported
from tests.sim.stored import DELETED, DELIVERED, QUEUED, SUBMITTING

PLANTED = {
    **planted_messages.ACCEPTED_AND_REFUSED,
    **planted_messages.AT_CARRIERS,
    **planted_messages.ENDS,
    **planted_receipts.RECEIPTS,
    **planted_receipts.MONEY,
    **planted_limits.LINKS,
    **planted_limits.LIMITS,
    **planted_long.LONG,
}

_HALF_OPENS = planned(weather=replace(a_plan().weather, half_opens=0.1))
_IDS_AGAIN = planned(carriers=(replace(a_plan().carriers[0], ids="again"),))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and the triggers that keep the history."""
    path = tmp_path_factory.mktemp("empty") / "signet.db"
    open_engine(path).dispose()
    open_quickly(path).dispose()
    return path


@pytest.fixture
def case(empty: Path, tmp_path: Path) -> Iterator[Case]:
    """A run that keeps every promise."""
    with a_case(Path(shutil.copy(empty, tmp_path))) as found:
        yield found


def test_a_run_that_keeps_every_promise_has_no_problem(case: Case) -> None:
    assert case.problems() == []
    assert case.problems_at_restart() == []


@pytest.mark.parametrize("planted", PLANTED)
def test_a_broken_promise_is_seen(case: Case, planted: str) -> None:
    plant, words = PLANTED[planted]
    plant(case)
    problems = case.problems()
    assert any(words in problem for problem in problems), problems


def test_the_checker_knows_nothing_of_the_gateways_code() -> None:
    here = Path(__file__).parent
    files = [
        file for file in here.glob("*.py") if file.name.startswith(("check", "seen", "stored", "allowance"))
    ]
    assert len(files) == 12
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert {name.name for name in node.names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom):
                package, _, module = str(node.module).partition(".")
                assert package in sys.stdlib_module_names or (package, module[:3]) == ("tests", "sim")


def test_the_database_is_left_as_it_was(case: Case) -> None:
    case.sql("DELETE FROM opt_out")
    case.connection.commit()
    files = [case.database, case.database.with_name(case.database.name + "-wal")]
    before = [file.read_bytes() for file in files]
    assert case.problems() != []
    assert [file.read_bytes() for file in files] == before


def test_an_opt_out_from_the_operator_is_from_every_customer(case: Case) -> None:
    case.sql("UPDATE opt_out SET account = ''")
    assert case.problems() == []


def test_a_crash_may_leave_as_much_in_doubt_as_the_windows_hold(case: Case) -> None:
    both(*(message(token, f"state = {SUBMITTING}, final_at = NULL") for token in (1, 4)))(case)
    assert not any("being submitted" in problem for problem in case.problems_at_restart())
    message(6, f"state = {SUBMITTING}, final_at = NULL")(case)
    (problem,) = (problem for problem in case.problems_at_restart() if "being submitted" in problem)
    assert problem == "P3 3 messages are being submitted to north, whose windows hold 2"


def test_what_still_runs_need_not_have_come_to_its_end(case: Case) -> None:
    message(5, f"state = {QUEUED}, final_at = NULL")(case)
    sql("UPDATE delivery SET finished_at = NULL")(case)
    sql("UPDATE ledger_account SET held = 1, remaining = remaining - 1")(case)
    case.drop(Delivered, lambda e: e.message_id == "9001")
    words = ("has no end", "is still owed", "are still held", "never acknowledged")
    problems = case.problems()
    assert all(any(word in problem for problem in problems) for word in words)
    problems = checker.check(case.journal, case.plan, case.database)
    assert not any(word in problem for problem in problems for word in words)


def test_what_is_under_way_when_the_time_of_day_leaps_is_not_late(case: Case) -> None:
    message(7, f"final_at = {round(at(200.99) * 1000)}")(case)
    case.add(relay(18_060.01, 20, 7))
    assert not any("clause" in problem or "and ended at" in problem for problem in case.problems())


def test_a_crash_may_come_between_the_end_of_a_delivery_and_its_word_in_the_log(case: Case) -> None:
    case.drop(Logged, lambda e: True)
    assert case.problems() != []
    case.add(Died(at(199.02), 1, "after_commit"))
    assert case.problems() == []


@pytest.mark.parametrize(
    "excuse",
    [
        added(Lost(at(13.0), BANK)),
        added(Died(at(13.0), 1, "before_write")),
        both(added(Lost(at(40.0), BANK)), _HALF_OPENS),
    ],
)
def test_a_submit_may_stay_unanswered_where_its_connection_ends_or_goes_silent(
    case: Case, excuse: Plant
) -> None:
    case.add(submit(12.0, 9))
    assert case.problems() != []
    excuse(case)
    assert case.problems() == []


def test_a_receipt_of_an_id_that_is_used_again_binds_nobody(case: Case) -> None:
    planted_receipts.RECEIPTS["a_receipt_that_was_answered_is_lost"][0](case)
    assert any("but its carrier was answered 0" in problem for problem in case.problems())
    _IDS_AGAIN(case)
    assert not any("but its carrier was answered 0" in problem for problem in case.problems())


def test_a_message_may_end_by_the_receipt_of_another_where_ids_are_used_again(case: Case) -> None:
    case.change(Reported, lambda e: e.token == 1, token=8)
    assert any("for no reason" in problem for problem in case.problems())
    _IDS_AGAIN(case)
    assert not any("for no reason" in problem for problem in case.problems())


def test_a_receipt_may_come_after_another_end(case: Case) -> None:
    case.add(*report(20.0, 9, 5, DELIVERED))
    case.sql("INSERT INTO receipt SELECT carrier, '1005', 2, '1005', '', NULL, '', 0, 0 FROM receipt LIMIT 1")
    assert case.problems() == []


def test_a_message_that_waits_is_deleted_only_after_its_recipient_has_opted_out(case: Case) -> None:
    message(5, f"state = {DELETED}")(case)
    case.change(Replied, lambda e: True, number=destination(5))
    assert not any("for no reason" in problem for problem in case.problems())
    case.change(Replied, lambda e: True, at=at(18.6))
    assert any("for no reason" in problem for problem in case.problems())


def test_a_queue_may_be_longer_by_what_was_answered_late(case: Case) -> None:
    gauge("queued_messages", "bank", 10)(case)
    assert any("queued_messages" in problem for problem in case.problems())
    sql("INSERT INTO history VALUES (?, 17, 0, 0)", message_id(1))(case)
    assert not any("queued_messages" in problem for problem in case.problems())
