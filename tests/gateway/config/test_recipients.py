"""What an account's keys about recipients mean."""

from __future__ import annotations

from pathlib import Path

from gateway.settings import Consent, OptOutScope, Recipients
from policy.facts import MessageClass
from policy.frequency import Cap, Period
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, settings_of


def recipients_of(folder: Path, keys: str = "") -> Recipients:
    return settings_of(folder, ACCOUNT + keys + CARRIER + ROUTE).accounts["bank-1"].recipients


def test_without_a_word_the_contract_s_warranty_is_the_consent(tmp_path: Path) -> None:
    assert recipients_of(tmp_path) == Recipients(
        Consent.DECLARED, frozenset({MessageClass.COMMERCIAL}), False, OptOutScope.CUSTOMER, ()
    )


def test_every_key_about_recipients_is_taken_over(tmp_path: Path) -> None:
    keys = """
consent = "listed"
rules.CONSENT_MISSING.classes = ["commercial", "notice"]
members_only = true
opt_out_scope = "signature"
frequency = [{ max = 3, per = "day" }, { max = 5, per_hours = 24, by = "signature" }]
"""
    assert recipients_of(tmp_path, keys) == Recipients(
        Consent.LISTED,
        frozenset({MessageClass.COMMERCIAL, MessageClass.NOTICE}),
        True,
        OptOutScope.SIGNATURE,
        (Cap(3, Period.DAY), Cap(5, per_hours=24, by_signature=True)),
    )
