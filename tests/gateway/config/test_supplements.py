"""`supplements` of an account: what was agreed besides the contract's own terms (contract clause 十)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.config.loading import load
from gateway.config.problem import ConfigError, Problem
from gateway.config.warnings import warnings
from policy.supplement import Supplement
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, EXAMPLE, ROUTE, problems_of, settings_of

FILES = 100_000
TODAY = date(2026, 11, 22)
TRADE = '[policy.trades.finance]\nterms = ["无抵押贷款"]\n'


def written(keys: str, *supplements: str) -> str:
    return f"{TRADE}{ACCOUNT}{keys}\nsupplements = [{', '.join(supplements)}]\n{CARRIER}{ROUTE}"


def paper(*terms: str, agreed_on: str = "2025-03-01") -> str:
    return f'{{ agreed_on = {agreed_on}, reference = "补充协议一", terms = {list(terms)} }}'


def warned(folder: Path, keys: str, *supplements: str, today: date = TODAY) -> list[Problem]:
    return list(warnings(settings_of(folder, written(keys, *supplements)), FILES, today))


DEPARTURES = [
    ('message_class = "notice"', "message_class"),
    ('service_types = { OTP = "code" }', "service_types"),
    ("rules.SALUTATION_MISSING = { shadow = true }", "rules.SALUTATION_MISSING"),
    ('rules.SALUTATION_MISSING = { classes = ["notice"] }', "rules.SALUTATION_MISSING"),
    ('templates = [{ name = "a", text = "您好【中国银行】" }]\ntemplates_only = true', "templates_only"),
    ("append = true", "append"),
    ('hours.open = "07:00"', "hours.open"),
    ('hours.close = "21:00"', "hours.close"),
    ('hours.outside = "hold"', "hours.outside"),
    ('segments = "pass"', "segments"),
    ("caps = { units_per_day = 10 }", "caps"),
    ('consent = "listed"', "consent"),
    ("members_only = true", "members_only"),
    ('opt_out_scope = "operator"', "opt_out_scope"),
    ('frequency = [{ max = 3, per = "day" }]', "frequency"),
    ('trades = ["finance"]', "trades"),
    ('charge = "delivered"', "charge"),
]


@pytest.mark.parametrize(("keys", "term"), DEPARTURES)
def test_a_term_that_the_contract_does_not_have_calls_for_a_supplement(
    tmp_path: Path, keys: str, term: str
) -> None:
    (found,) = warned(tmp_path, keys)
    assert (found.path, found.owner) == ("accounts[0].supplements", "bank")
    assert found.message == f"do not name {term}, which the contract does not have so"
    assert warned(tmp_path, keys, paper(term)) == []


@pytest.mark.parametrize(
    "keys",
    [
        'rules.SALUTATION_MISSING = { classes = ["commercial"] }',
        'segments = "refuse"\nstatuses = "standard"\nexplain = true\nin_doubt = "resend"\nwindow_max = 5',
        'source_addrs = ["1069"]\nthrottle = { rate_per_s = 1.0, burst = 1 }\nreceipts.date_digits = 12',
        'hours.exceptions = [{ note = "特殊情况" }]\nhours.open = "08:00"\nappend = false',
        'templates = [{ name = "a", text = "您好【中国银行】" }]',
        'hours.closed = [{ start = 2026-05-01, note = "五一" }]',
    ],
)
def test_what_is_not_in_the_contract_or_is_as_it_says_calls_for_none(tmp_path: Path, keys: str) -> None:
    assert warned(tmp_path, keys) == []


def test_all_terms_without_one_are_told_in_one_line(tmp_path: Path) -> None:
    keys = 'append = true\nhours.open = "07:00"\nhours.outside = "hold"\ncharge = "delivered"'
    (found,) = warned(tmp_path, keys, paper("hours"))
    assert found.message == "do not name append, charge, which the contract does not have so"


def test_the_example_has_no_warnings() -> None:
    assert list(warnings(load(EXAMPLE), FILES, TODAY)) == []


def test_terms_in_force_before_they_are_agreed_are_warned_of(tmp_path: Path) -> None:
    agreement = paper("append", agreed_on="2026-11-23")
    (found,) = warned(tmp_path, "append = true", agreement)
    assert found.path == "accounts[0].supplements[0].agreed_on"
    assert found.message == "is 2026-11-23, but in force already: append"
    assert warned(tmp_path, "append = true", agreement, today=date(2026, 11, 23)) == []
    keys = "append = true\ncontract.expires_on = 2025-12-31"
    assert warned(tmp_path, keys, agreement) == []


@pytest.mark.parametrize(
    ("term", "hint"),
    [
        ("append", ""),
        ("chagre", 'did you mean "charge"?'),
        ("hours.open", 'did you mean "hours.close"?'),
        ("rules.OUTSIDE_HOUR", 'did you mean "rules.OUTSIDE_HOURS"?'),
        ("supplements", ""),
    ],
)
def test_a_supplement_to_what_the_account_does_not_have_is_told(tmp_path: Path, term: str, hint: str) -> None:
    keys = 'hours.close = "18:00"\nrules.OUTSIDE_HOURS = { classes = ["notice"] }\ncharge = "delivered"'
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, written(keys, paper("hours", "rules.OUTSIDE_HOURS", "charge", term)))
    (found,) = caught.value.problems
    assert (found.path, found.owner) == ("accounts[0].supplements[0].terms[3]", "bank")
    assert (found.message, found.hint) == (f'"{term}" is not a key that this account has', hint)


def test_a_supplement_older_than_its_contract_is_told(tmp_path: Path) -> None:
    text = written("append = true", paper("append"), paper("append", agreed_on="2025-01-05"))
    assert problems_of(tmp_path, text) == {
        "accounts[0].supplements[1].agreed_on": "is before the contract is signed, on 2025-01-06"
    }
    settings_of(tmp_path, written("append = true", paper("append", agreed_on="2025-01-06")))


@pytest.mark.parametrize(
    ("supplement", "problems"),
    [
        ("{}", {"agreed_on": "is missing", "reference": "is missing", "terms": "is missing"}),
        (
            '{ agreed_on = "2025-03-01", reference = "", terms = [] }',
            {
                "agreed_on": "must be a date such as 2026-05-01, without quotes",
                "reference": "must not be empty",
                "terms": "must not be empty",
            },
        ),
        (
            '{ agreed_on = 2025-03-01T08:00:00, reference = "a", terms = [""] }',
            {
                "agreed_on": "must be a date such as 2026-05-01, without quotes",
                "terms[0]": "must not be empty",
            },
        ),
    ],
)
def test_a_supplement_has_a_day_a_reference_and_terms(
    tmp_path: Path, supplement: str, problems: dict[str, str]
) -> None:
    found = problems_of(tmp_path, written("", supplement))
    assert found == {f"accounts[0].supplements[0].{key}": message for key, message in problems.items()}


def test_an_array_of_tables_is_as_good(tmp_path: Path) -> None:
    text = (
        f"{ACCOUNT}append = true\n[[accounts.supplements]]\nagreed_on = 2025-03-01\n"
        f'reference = "补充协议一"\nterms = ["append"]\nnote = "试用"\n{CARRIER}{ROUTE}'
    )
    ruleset = settings_of(tmp_path, text).accounts["bank-1"].ruleset
    assert ruleset.supplements == (Supplement(date(2025, 3, 1), "补充协议一", ("append",), "试用"),)
