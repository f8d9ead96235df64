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
from gateway.simulator.fate import Fate, refusal
from gateway.simulator.outcome import Outcome, outcome
from gateway.simulator.script import EVENING, SCRIPT, Line
from ledger.accounts import Balance
from ledger.transfer import Kind
from policy.clauses import OUTSIDE_HOURS, RULES, SIGNATURE_NOT_REGISTERED
from smpp.message_state import MessageState
from smpp.status import CommandStatus

DELIVERED = Fate("", 1, Kind.SETTLE, MessageState.DELIVERED)
REFUSED = Fate(OUTSIDE_HOURS)


class TestFate:
    def test_the_expected_one_has_no_differences(self) -> None:
        assert DELIVERED.differences(DELIVERED) == []

    @pytest.mark.parametrize(
        ("fate", "told"),
        [
            (Fate("", 2, Kind.SETTLE, MessageState.DELIVERED), "units is 2 settled, expected 1 settled"),
            (Fate("", 1, Kind.VOID, MessageState.DELIVERED), "units is 1 voided, expected 1 settled"),
            (Fate("", 1, None, MessageState.DELIVERED), "units is 1 held, expected 1 settled"),
            (Fate("", 0, None, MessageState.DELIVERED), "units is -, expected 1 settled"),
            (Fate("", 1, Kind.SETTLE, MessageState.EXPIRED), "receipt is EXPIRED, expected DELIVERED"),
            (Fate("", 1, Kind.SETTLE, None), "receipt is none in time, expected DELIVERED"),
            (replace(DELIVERED, reply="TD"), "receipt is DELIVERED, reply TD, expected DELIVERED"),
        ],
    )
    def test_every_difference_is_told_in_words(self, fate: Fate, told: str) -> None:
        assert fate.differences(DELIVERED) == [told]

    def test_a_refusal_names_its_clause(self) -> None:
        assert REFUSED.cells() == {
            "verdict": "OUTSIDE_HOURS",
            "clause": "五(5)",
            "units": "-",
            "receipt": "-",
        }

    def test_units_that_a_refused_text_holds_all_the_same_are_a_difference(self) -> None:
        assert replace(REFUSED, units=1).differences(REFUSED) == ["units is 1 held, expected -"]


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


ONE_PLAYED = (Played(Line("one", "text", DELIVERED), DELIVERED),)
ONE_SETTLED = {"bank": Balance(100, 99, 0, 1, 0), "shop": Balance(1, 1, 0, 0, 0)}


class TestPerformance:
    def test_it_has_no_problems_if_all_is_as_expected(self) -> None:
        assert Performance(ONE_PLAYED, ONE_SETTLED, []).problems() == []

    def test_a_text_that_fared_otherwise_is_told_with_its_number(self) -> None:
        played = [*ONE_PLAYED, Played(Line("two", "text", REFUSED), replace(REFUSED, units=1))]
        assert Performance(played, ONE_SETTLED, []).problems() == [
            "text 2 (two): units is 1 held, expected -"
        ]

    def test_a_unit_in_another_place_is_told(self) -> None:
        balances = ONE_SETTLED | {"bank": Balance(100, 98, 1, 1, 0)}
        assert Performance(ONE_PLAYED, balances, []).problems() == [
            "the ledger: bank has 98 remaining, expected 99",
            "the ledger: bank has 1 held, expected 0",
        ]

    def test_an_account_that_the_ledger_does_not_know_is_told(self) -> None:
        assert Performance(ONE_PLAYED, {"bank": ONE_SETTLED["bank"]}, []).problems() == [
            "the ledger: shop has 0 topped up, expected 1",
            "the ledger: shop has 0 remaining, expected 1",
        ]

    def test_what_the_audit_found_is_told(self) -> None:
        assert Performance(ONE_PLAYED, ONE_SETTLED, ["X does not hold: 1"]).problems() == [
            "the ledger: X does not hold: 1"
        ]


class TestScript:
    def test_it_begins_with_the_example_of_the_contract(self) -> None:
        assert SCRIPT[0].text == "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
        assert SCRIPT[0].expected == DELIVERED

    def test_its_clock_never_goes_back(self) -> None:
        times = [line.at for line in SCRIPT]
        assert times == sorted(times)
        assert times[-1] == EVENING

    def test_its_refusals_are_rules(self) -> None:
        assert {line.expected.refusal for line in SCRIPT} - set(RULES) == {""}

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
ALL_SETTLED = {"bank": Balance(100, 94, 0, 6, 0), "shop": Balance(1, 1, 0, 0, 0)}
PERFORMANCE = Performance(ALL_PLAYED, ALL_SETTLED, [])


class TestShown:
    def test_a_terminal_of_80_columns_shows_all_of_it(self) -> None:
        lines, code = printed(PERFORMANCE, 80, is_terminal=True)
        assert code == 0
        assert max(map(cell_len, lines)) <= 80
        shown = "".join("".join(lines).split())
        for line in SCRIPT:
            cells = line.expected.cells()
            assert "".join(cells["verdict"].split()) in shown
            assert all(cell in "\n".join(lines) for cell in (cells["receipt"], cells["clause"]))
        assert SIGNATURE_NOT_REGISTERED in "\n".join(lines)

    def test_a_pipe_gets_one_line_for_each_text_with_its_columns_in_line(self) -> None:
        lines, code = printed(PERFORMANCE, 10_000, is_terminal=False)
        assert code == 0
        rows = [line for line in lines if line.rstrip().endswith("✓")]
        assert len(rows) == len(SCRIPT)
        assert len({cell_len(row) for row in rows}) == 1
        starts = [row.index(line.text[:20]) for row, line in zip(rows, SCRIPT, strict=True)]
        assert len(set(starts)) == 1

    def test_what_was_not_expected_is_marked_and_told(self) -> None:
        played = [*ALL_PLAYED[:-1], Played(SCRIPT[-1], replace(REFUSED, units=1))]
        lines, code = printed(replace(PERFORMANCE, played=played), 10_000, is_terminal=False)
        assert code == 1
        assert [line.split()[0] for line in lines if line.rstrip().endswith("✗")] == ["18"]
        assert lines[-1] == "✗ text 18 (the first text again, at night): units is 1 held, expected -"

    def test_the_ledger_has_a_row_for_each_account(self) -> None:
        assert ledger_table(ALL_SETTLED).row_count == 2

    def test_the_texts_have_a_row_each(self) -> None:
        assert texts_table(ALL_PLAYED, stacked=True).row_count == len(SCRIPT)
