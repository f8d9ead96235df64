from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from gateway.cli.demo import ledger_table, show, texts_table
from gateway.demonstration import Performance, Played
from gateway.simulator import stage
from gateway.simulator.customer import submit_sm
from gateway.simulator.fate import Fate, refusal, told_later
from gateway.simulator.outcome import Outcome, outcome
from gateway.simulator.script import EVENING, SCRIPT, Line
from gateway.statuses import err3
from ledger.accounts import Balance
from ledger.transfer import Kind
from policy.clauses import (
    DEADLINE_UNREACHABLE,
    LEAD_TIME_SHORT,
    MESSAGE_INCOMPLETE,
    OUTSIDE_HOURS,
    RULES,
    SIGNATURE_NOT_REGISTERED,
)
from smpp.message_state import MessageState
from smpp.receipt import Receipt
from smpp.status import CommandStatus

DELIVERED = Fate("", 1, Kind.SETTLE, MessageState.DELIVERED)
REFUSED = Fate(OUTSIDE_HOURS)
INCOMPLETE = Fate(MESSAGE_INCOMPLETE, 1, Kind.VOID, MessageState.REJECTED)


class TestFate:
    def test_the_expected_one_has_no_differences(self) -> None:
        assert DELIVERED.differences(DELIVERED) == []

    @pytest.mark.parametrize(
        ("fate", "told"),
        [
            (Fate("", 2, Kind.SETTLE, MessageState.DELIVERED), "charge is 2 settled, expected 1 settled"),
            (Fate("", 1, Kind.VOID, MessageState.DELIVERED), "charge is 1 voided, expected 1 settled"),
            (Fate("", 1, None, MessageState.DELIVERED), "charge is 1 held, expected 1 settled"),
            (Fate("", 0, None, MessageState.DELIVERED), "charge is no charge, expected 1 settled"),
            (Fate("", 1, Kind.SETTLE, MessageState.EXPIRED), "receipt is EXPIRED, expected DELIVERED"),
            (Fate("", 1, Kind.SETTLE, None), "receipt is none in time, expected DELIVERED"),
            (replace(DELIVERED, end_at="08:00"), "receipt is DELIVERED at 08:00, expected DELIVERED"),
            (replace(DELIVERED, reply="TD"), "receipt is DELIVERED, reply TD, expected DELIVERED"),
        ],
    )
    def test_every_difference_is_told_in_words(self, fate: Fate, told: str) -> None:
        assert fate.differences(DELIVERED) == [told]

    def test_a_refusal_names_its_clause(self) -> None:
        assert REFUSED.cells() == {
            "verdict": "OUTSIDE_HOURS",
            "clause": "五(5)",
            "status": "0x440",
            "charge": "no charge",
            "receipt": "-",
        }

    def test_a_refusal_that_a_receipt_tells_shows_the_receipt_too(self) -> None:
        cells = INCOMPLETE.cells()
        assert [cells[column] for column in ("status", "charge", "receipt")] == [
            "0x461",
            "1 voided",
            "REJECTED",
        ]

    def test_units_that_a_refused_text_holds_all_the_same_are_a_difference(self) -> None:
        assert replace(REFUSED, units=1).differences(REFUSED) == ["charge is 1 held, expected no charge"]


@pytest.mark.parametrize(
    ("command_status", "told"),
    [
        (0, ""),
        (0x440, OUTSIDE_HOURS),
        (CommandStatus.ESME_RTHROTTLED, "ESME_RTHROTTLED"),
        (0x4FF, "0x000004FF"),
    ],
)
def test_a_status_is_told_by_its_rule_or_its_name(command_status: int, told: str) -> None:
    assert refusal(command_status) == told


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        (MessageState.REJECTED, "461", MESSAGE_INCOMPLETE),
        (MessageState.REJECTED, err3(CommandStatus.ESME_RINVDSTADR), ""),
        (MessageState.UNDELIVERABLE, "461", ""),
    ],
)
def test_a_receipt_tells_the_rule_that_ended_its_message(state: MessageState, error: str, told: str) -> None:
    assert told_later(Receipt("1", state, error, None, None, intermediate=False)) == told


ONE_PLAYED = (Played(Line("one", "text", DELIVERED), DELIVERED),)
UNTOUCHED = {account: Balance(units, units, 0, 0, 0) for account, units in stage.TOP_UPS.items()}
ONE_SETTLED = UNTOUCHED | {"bank": Balance(100, 99, 0, 1, 0)}


class TestPerformance:
    def test_it_has_no_problems_if_all_is_as_expected(self) -> None:
        assert Performance(ONE_PLAYED, ONE_SETTLED, []).problems() == []

    def test_a_text_that_fared_otherwise_is_told_with_its_number(self) -> None:
        played = [*ONE_PLAYED, Played(Line("two", "text", REFUSED), replace(REFUSED, units=1))]
        assert Performance(played, ONE_SETTLED, []).problems() == [
            "text 2 (two): charge is 1 held, expected no charge"
        ]

    def test_a_unit_in_another_place_is_told(self) -> None:
        balances = ONE_SETTLED | {"bank": Balance(100, 98, 1, 1, 0)}
        assert Performance(ONE_PLAYED, balances, []).problems() == [
            "the ledger: bank has 98 remaining, expected 99",
            "the ledger: bank has 1 held, expected 0",
        ]

    def test_an_account_that_the_ledger_does_not_know_is_told(self) -> None:
        balances = {account: balance for account, balance in ONE_SETTLED.items() if account != "shop"}
        assert Performance(ONE_PLAYED, balances, []).problems() == [
            "the ledger: shop has 0 topped up, expected 1",
            "the ledger: shop has 0 remaining, expected 1",
        ]

    def test_what_the_audit_found_is_told(self) -> None:
        assert Performance(ONE_PLAYED, ONE_SETTLED, ["X does not hold: 1"]).problems() == [
            "the ledger: X does not hold: 1"
        ]


BROADCAST_RULES = {LEAD_TIME_SHORT, DEADLINE_UNREACHABLE}


class TestScript:
    def test_it_begins_with_the_example_of_the_contract(self) -> None:
        assert SCRIPT[0].text == "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
        assert SCRIPT[0].expected == DELIVERED

    def test_its_clock_never_goes_back(self) -> None:
        times = [line.at for line in SCRIPT]
        assert times == sorted(times)
        assert EVENING in times

    def test_every_rule_refuses_a_text(self) -> None:
        assert {line.expected.refusal for line in SCRIPT} - {""} == set(RULES)

    def test_only_what_no_submit_can_break_is_shown_by_a_broadcast(self) -> None:
        assert {line.expected.refusal for line in SCRIPT if line.broadcast} == BROADCAST_RULES

    def test_the_carrier_does_what_the_script_says(self) -> None:
        for line in SCRIPT:
            if not line.expected.refusal:
                foretold: Outcome = outcome(line.destination)
                end = MessageState.REJECTED if foretold.refusal else foretold.state
                assert (line.expected.end, line.expected.reply) == (end, foretold.reply)

    def test_one_text_is_too_long_for_short_message(self) -> None:
        pdu = submit_sm(next(line.text for line in SCRIPT if line.expected.units == 2), "13800138000")
        assert (pdu.short_message, len(pdu.tlvs)) == (b"", 1)


def test_the_configuration_of_the_stage_is_a_true_one(tmp_path: Path) -> None:
    settings = stage.settings(tmp_path, 4321)
    assert settings.listen.port == 0
    assert settings.admin is None
    assert settings.store_path == tmp_path / "signet.db"
    assert settings.carriers["simulated"].port == 4321
    assert {account.name for account in settings.accounts.values()} == set(stage.TOP_UPS)


def printed(performance: Performance, width: int, *, is_terminal: bool) -> tuple[list[str], int]:
    output = Console(width=width, file=io.StringIO(), force_terminal=is_terminal, record=True)
    code = show(performance, output)
    return output.export_text().splitlines(), code


ALL_PLAYED = tuple(Played(line, line.expected) for line in SCRIPT)
ALL_SETTLED = UNTOUCHED | {
    "bank": Balance(100, 93, 0, 7, 0),
    "club": Balance(10, 9, 0, 1, 0),
    "courier": Balance(10, 8, 0, 2, 0),
}
PERFORMANCE = Performance(ALL_PLAYED, ALL_SETTLED, [])


class TestShown:
    @pytest.mark.parametrize(("width", "shown_width"), [(80, 80), (100, 100), (240, 100), (10_000, 100)])
    def test_its_lines_are_never_wider_than_the_terminal_or_100_columns(
        self, width: int, shown_width: int
    ) -> None:
        lines, code = printed(PERFORMANCE, width, is_terminal=width < 10_000)
        assert code == 0
        assert max(map(cell_len, lines)) == shown_width
        shown = "".join("".join(lines).split())
        for line in SCRIPT:
            cells = line.expected.cells()
            assert "".join(cells["verdict"].split()) in shown
            assert any(
                all(cell in row for cell in cells.values() if cell not in ("-", cells["verdict"]))
                for row in lines
            )
        assert SIGNATURE_NOT_REGISTERED in "\n".join(lines)

    def test_what_was_not_expected_is_marked_and_told(self) -> None:
        night = next(index for index, line in enumerate(SCRIPT) if line.at == EVENING)
        played = list(ALL_PLAYED)
        played[night] = Played(SCRIPT[night], replace(REFUSED, units=1))
        lines, code = printed(replace(PERFORMANCE, played=played), 10_000, is_terminal=False)
        assert code == 1
        assert [line.split()[0] for line in lines if line.rstrip().endswith("✗")] == ["39"]
        assert lines[-1] == "✗ text 39 (the first text again, at night): charge is 1 held, expected no charge"

    def test_the_ledger_has_a_row_for_each_account(self) -> None:
        assert ledger_table(ALL_SETTLED).row_count == len(stage.TOP_UPS)

    def test_the_texts_have_a_row_each_and_so_have_the_times(self) -> None:
        times = {line.at for line in SCRIPT}
        assert texts_table(ALL_PLAYED, 100).row_count == len(SCRIPT) + len(times)
