"""A database that is not as it must be keeps a gateway from starting, until an operator says otherwise."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import main
from tests.e2e.config import Config, free_port
from tests.e2e.gateway import Gateway


def test_a_violation_is_told_and_may_be_passed_over(tmp_path: Path) -> None:
    config = Config()
    config.account("bank", "mobile")
    config.carrier("mobile", free_port())
    with Gateway(tmp_path, config) as gateway:
        gateway.top_up("bank", 100)
        database = sqlite3.connect(tmp_path / "signet.db")
        with database:
            database.execute("INSERT INTO ledger_transfer VALUES (7, 1, 2, 'bank', 1, 0, 1)")
        database.close()

        gateway.launch()
        assert gateway.exit_code() == 1
        [violated] = gateway.events("audit.violated")
        assert (violated["level"], violated["identity"], violated["source_id"]) == (
            "error",
            "HOLD_HAS_MESSAGE",
            7,
        )
        assert gateway.log.splitlines()[-1] == (
            f"Error: the database {tmp_path / 'signet.db'} is not as it must be: HOLD_HAS_MESSAGE; see all "
            "of it with `signet audit`, or go on with `signet run --despite-audit`"
        )

        gateway.start("--despite-audit", bound=False)
        assert len(gateway.events("audit.passed_over")) == 1
        audited = CliRunner().invoke(main, ["audit", "-c", str(gateway.config_path)])
        assert audited.exit_code == 1
        assert "HOLD_HAS_MESSAGE: Every hold has its message" in audited.stdout
        assert gateway.stop() == 0
