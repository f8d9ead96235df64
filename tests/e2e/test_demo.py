from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from policy.clauses import RULES

SIGNET = Path(sys.executable).with_name("signet")

# verdict; clause and status of a refusal; charge; receipt
ROWS = [
    ("accepted", "1 settled", "DELIVERED"),
    ("SALUTATION_MISSING", "1(3)", "0x401", "no charge"),
    ("UNSUBSCRIBE_MISSING", "1(3)", "0x402", "no charge"),
    ("SIGNATURE_MISSING", "1(3)", "0x403", "no charge"),
    ("SIGNATURE_NOT_REGISTERED", "1(3)", "0x404", "no charge"),
    ("SIGNATURE_MISPLACED", "1(3)", "0x405", "no charge"),
    ("CONTENT_CONSTITUTION", "六(1)", "0x411", "no charge"),
    ("CONTENT_STATE_SECURITY", "六(2)", "0x412", "no charge"),
    ("CONTENT_NATIONAL_HONOUR", "六(3)", "0x413", "no charge"),
    ("CONTENT_ETHNIC_HATRED", "六(4)", "0x414", "no charge"),
    ("CONTENT_CULT", "六(5)", "0x415", "no charge"),
    ("CONTENT_RUMOUR", "六(6)", "0x416", "no charge"),
    ("CONTENT_OBSCENE_VIOLENT", "六(7)", "0x417", "no charge"),
    ("CONTENT_OBSCENE_VIOLENT", "六(7)", "0x417", "no charge"),
    ("CONTENT_DEFAMATION", "六(8)", "0x418", "no charge"),
    ("CONTENT_UNLAWFUL", "六(9)", "0x419", "no charge"),
    ("CONTENT_UNLAWFUL", "六(9)", "0x419", "no charge"),
    ("accepted", "1 settled", "DELIVERED"),
    ("TEMPLATE_MISMATCH", "十", "0x406", "no charge"),
    ("accepted", "2 settled", "DELIVERED"),
    ("accepted", "1 settled", "UNDELIVERABLE"),
    ("accepted", "1 settled", "DELIVERED"),
    ("accepted", "1 voided", "REJECTED"),
    ("QUOTA_EXHAUSTED", "短信费(1)", "0x450", "no charge"),
    ("accepted", "1 settled", "DELIVERED, reply TD"),
    ("RECIPIENT_OPTED_OUT", "1(2)", "0x431", "no charge"),
    ("RECIPIENT_BLOCKED", "五(2)", "0x433", "no charge"),
    ("RECIPIENT_NOT_MEMBER", "1(2)", "0x432", "no charge"),
    ("CONSENT_MISSING", "1(2)", "0x430", "no charge"),
    ("accepted", "1 settled", "DELIVERED"),
    ("FREQUENCY_CAP", "十", "0x434", "no charge"),
    ("ACCOUNT_NOT_OPEN", "2", "0x451", "no charge"),
    ("ACCOUNT_SUSPENDED", "七", "0x452", "no charge"),
    ("SOURCE_NOT_ALLOWED", "四", "0x460", "no charge"),
    ("TEXT_UNREADABLE", "1(3)", "0x462", "no charge"),
    ("MESSAGE_INCOMPLETE", "1(3)", "0x461", "1 voided", "REJECTED"),
    ("LEAD_TIME_SHORT", "五(3)", "0x441", "no charge"),
    ("DEADLINE_UNREACHABLE", "五(3)", "0x442", "no charge"),
    ("OUTSIDE_HOURS", "五(5)", "0x440", "no charge"),
    ("accepted", "1 settled", "DELIVERED at 08:00"),
    ("accepted", "1 settled", "DELIVERED"),
]
LEDGER = [
    ["bank", "100", "93", "0", "7", "0"],
    ["club", "10", "9", "0", "1", "0"],
    ["courier", "10", "8", "0", "2", "0"],
    ["idle", "10", "10", "0", "0", "0"],
    ["new", "10", "10", "0", "0", "0"],
    ["shop", "1", "1", "0", "0", "0"],
]


def run(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run it with an empty home, and `folder` for temporary files."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "TMPDIR": str(folder)}
    (folder / "home").mkdir()
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder / "home",
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def rows(stdout: str) -> list[list[str]]:
    """The cells of the numbered rows: number, what is shown, verdict, mark; text, and what else is told."""
    lines = stdout.splitlines()
    first = [index for index, line in enumerate(lines) if re.match(r" *\d+  ", line)]
    return [[cell for line in lines[i : i + 2] for cell in re.split(r"\s{2,}", line.strip())] for i in first]


def test_all_comes_out_as_expected_with_an_empty_home(tmp_path: Path) -> None:
    done = run(tmp_path, SIGNET, "demo")
    assert done.stderr == ""
    assert done.returncode == 0
    seen = rows(done.stdout)
    assert [(row[2], *row[5:]) for row in seen] == ROWS
    assert [row[0] for row in seen] == [str(number) for number in range(1, len(ROWS) + 1)]
    assert {row[3] for row in seen} == {"✓"}
    assert seen[0][4] == "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
    accounts = [row[0] for row in LEDGER]
    ledger = [
        cells for line in done.stdout.splitlines() if (cells := line.split())[:1] and cells[0] in accounts
    ]
    assert ledger == LEDGER
    assert done.stdout.endswith("✓ All 41 texts came out as expected, and the ledger adds up.\n")
    assert [path.name for path in tmp_path.rglob("*")] == ["home"]


def test_every_rule_is_seen_to_refuse_a_text() -> None:
    assert {verdict for verdict, *_ in ROWS} - {"accepted"} == set(RULES)


AT_NIGHT = """
import time
real = time.time
time.time = lambda: real() - real() % 86400 + 18 * 3600  # 02:00 in Shanghai
from gateway.cli import main
main(["demo"])
"""


def test_it_runs_at_night_too(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", AT_NIGHT)
    assert (done.returncode, done.stderr) == (0, "")


WRONG = """
from dataclasses import replace
from gateway import demonstration
from gateway.cli.demo import run
from gateway.simulator.script import SCRIPT
from ledger.identity import Violation
from ledger.transfer import Kind
from smpp.message_state import MessageState

demonstration.audit = lambda connection: [Violation("BALANCE_ADDS_UP", "bank", None, "held 1")]
accepted, refused, *_ = SCRIPT
delivered = accepted.expected
run([
    replace(accepted, expected=refused.expected),
    replace(refused, expected=delivered),
    replace(accepted, expected=replace(delivered, units=3)),
    replace(accepted, expected=replace(delivered, charge=Kind.VOID)),
    replace(accepted, expected=replace(delivered, end=MessageState.EXPIRED)),
    accepted,
])
"""


def test_what_comes_out_otherwise_is_marked_and_told_and_is_exit_code_1(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", WRONG)
    assert done.returncode == 1
    assert [row[3] for row in rows(done.stdout)] == ["✗", "✗", "✗", "✗", "✗", "✓"]
    assert [line for line in done.stdout.splitlines() if line.startswith(("✗", "✓"))] == [
        "✗ text 1 (the contract's own example): verdict is accepted, expected SALUTATION_MISSING",
        "✗ text 1 (the contract's own example): clause is -, expected 1(3)",
        "✗ text 1 (the contract's own example): status is -, expected 0x401",
        "✗ text 1 (the contract's own example): charge is 1 settled, expected no charge",
        "✗ text 1 (the contract's own example): receipt is DELIVERED, expected -",
        "✗ text 2 (no salutation): verdict is SALUTATION_MISSING, expected accepted",
        "✗ text 2 (no salutation): clause is 1(3), expected -",
        "✗ text 2 (no salutation): status is 0x401, expected -",
        "✗ text 2 (no salutation): charge is no charge, expected 1 settled",
        "✗ text 2 (no salutation): receipt is -, expected DELIVERED",
        "✗ text 3 (the contract's own example): charge is 1 settled, expected 3 settled",
        "✗ text 4 (the contract's own example): charge is 1 settled, expected 1 voided",
        "✗ text 5 (the contract's own example): receipt is DELIVERED, expected EXPIRED",
        "✗ the ledger: bank has 95 remaining, expected 94",
        "✗ the ledger: bank has 5 settled, expected 6",
        "✗ the ledger: BALANCE_ADDS_UP does not hold: held 1",
    ]


INTERRUPTED = """
import os
import signal
from gateway.cli.demo import run
from gateway.simulator.script import SCRIPT

class Interrupted(tuple):
    def __iter__(self):
        for number, line in enumerate(super().__iter__()):
            if number == 1:
                os.kill(os.getpid(), signal.SIGINT)
            yield line

run(Interrupted(SCRIPT))
"""


def test_an_interrupted_demonstration_is_no_success_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", INTERRUPTED)
    assert (done.returncode, done.stderr) == (1, "signet demo: stopped before its end\n")
    assert rows(done.stdout) == []
    assert [path.name for path in tmp_path.rglob("*")] == ["home"]


NEVER_ENDING = """
from importlib import import_module
from gateway.store.writer import Writer
from twisted.internet.defer import Deferred

demo = import_module("gateway.cli.demo")
demo._LONGEST_S = 1.0
Writer.close = lambda self: Deferred()
demo.run(demo.SCRIPT[1:2])
"""


def test_a_gateway_that_does_not_stop_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", NEVER_ENDING)
    assert (done.returncode, done.stderr) == (1, "signet demo: not finished after 1 seconds\n")
