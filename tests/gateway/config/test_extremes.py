"""Files that are wrong in ways that nobody writes by hand are told as problems too, never as a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, problems_of

LEAST = ACCOUNT + CARRIER + ROUTE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"listen.port = {'9' * 5000}", "has a number of too many digits"),
        (f"a = {'[' * 3000}", "is nested too deeply"),
        (f"a = {'{b = ' * 3000}", "is nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    assert problems_of(tmp_path, text) == {str(tmp_path / "config.toml"): message}


@pytest.mark.parametrize("key", ["gateway.store", "policy.exceptions.files"])
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("~nobody-of-that-name/x", "begins with the home of a user who is not known here"),
        ("a\\u0000b", "must be a path, in quotes"),
    ],
)
def test_a_path_that_can_lead_nowhere_is_a_problem(
    tmp_path: Path, key: str, written: str, message: str
) -> None:
    is_list = key.endswith("files")
    value = f'["{written}"]' if is_list else f'"{written}"'
    assert problems_of(tmp_path, f"{key} = {value}\n{LEAST}") == {key + "[0]" * is_list: message}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("limits.batch_max", "must be at most 1000000000"),
        ("limits.message_ttl_s", "must be at most 1000000000"),
        ("limits.pdu_max", "must be at most 1048576"),
        ("listen.port", "must be at most 65535"),
    ],
)
@pytest.mark.parametrize("digits", [10, 30, 300])
def test_a_number_that_nothing_can_reckon_with_is_a_problem(
    tmp_path: Path, key: str, message: str, digits: int
) -> None:
    assert problems_of(tmp_path, f"{key} = 9{'0' * digits}\n{LEAST}") == {key: message}


def test_a_throttle_that_nothing_can_reckon_with_is_a_problem(tmp_path: Path) -> None:
    throttle = "throttle = { rate_per_s = 1e308, burst = 1" + "0" * 400 + " }\n"
    assert problems_of(tmp_path, ACCOUNT + throttle + CARRIER + ROUTE) == {
        "accounts[0].throttle.rate_per_s": "must be at most 1000000000",
        "accounts[0].throttle.burst": "must be at most 1000000000",
    }
