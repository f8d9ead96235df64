from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.config.warnings import warnings
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, settings_of

FILES = 100_000
TODAY = date(2026, 11, 22)
CLOSED = 'hours.closed = [{ start = 2026-02-16, end = 2026-02-22, note = "春节", scope = "commercial" }]\n'


@pytest.mark.parametrize(
    ("exception", "closes"),
    [
        ("{ ", False),
        ('{ scope = "commercial", ', False),
        ("{ start = 2026-02-16T00:00:00, end = 2026-02-23T00:00:00, ", False),
        ('{ scope = "code", ', True),
        ("{ start = 2026-02-16T00:00:00, end = 2026-02-22T23:00:00, ", True),
        ("{ start = 2026-02-16T08:00:00, ", True),
    ],
)
def test_a_closure_that_an_exception_opens_whole_is_told(
    tmp_path: Path, exception: str, closes: bool
) -> None:
    exceptions = f'hours.exceptions = [{exception}note = "at all hours" }}]\n'
    found = list(
        warnings(settings_of(tmp_path, ACCOUNT + CLOSED + exceptions + CARRIER + ROUTE), FILES, TODAY)
    )
    assert [problem.path for problem in found] == ([] if closes else ["accounts[0].hours.closed[0]"])
    assert all("at all hours" in problem.message for problem in found)
