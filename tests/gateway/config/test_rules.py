"""What an account's messages are held to, as the configuration file says it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.config.warnings import warnings
from policy.clauses import RULES
from policy.facts import MessageClass
from policy.register import Registration
from policy.ruleset import Ruleset
from policy.scope import Mode, Scope
from policy.template import Template
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, problems_of, settings_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
FILES_MAX = 1_000_000
TODAY = date(2026, 11, 22)
AGREED = 'supplements = [{ agreed_on = 2025-01-06, reference = "补充协议一", terms = ["rules"] }]'


def written(keys: str) -> str:
    """The file with these keys in its account, in place of its own."""
    name = keys.partition(" ")[0]
    own = "".join(f"{line}\n" for line in ACCOUNT.splitlines() if not line.startswith(f"{name} "))
    return f"{own}{keys}\n{CARRIER}{ROUTE}"


def ruleset_of(folder: Path, keys: str) -> Ruleset:
    return settings_of(folder, written(keys)).accounts["bank-1"].ruleset


def test_a_rule_may_hold_for_some_classes_and_may_only_report(tmp_path: Path) -> None:
    keys = 'rules.SALUTATION_MISSING = { classes = ["commercial", "notice"], shadow = true }'
    ruleset = ruleset_of(tmp_path, keys)
    both = frozenset({MessageClass.COMMERCIAL, MessageClass.NOTICE})
    assert ruleset.scopes == {"SALUTATION_MISSING": Scope(both, shadow=True)}
    assert ruleset.modes[MessageClass.NOTICE]["SALUTATION_MISSING"] is Mode.SHADOW
    assert ruleset.modes[MessageClass.CODE]["SALUTATION_MISSING"] is Mode.OFF


def test_a_rule_that_is_only_named_holds_as_usual(tmp_path: Path) -> None:
    ruleset = ruleset_of(tmp_path, "rules.SALUTATION_MISSING = {}")
    assert ruleset.modes[MessageClass.COMMERCIAL]["SALUTATION_MISSING"] is Mode.ON
    assert ruleset.modes[MessageClass.NOTICE]["SALUTATION_MISSING"] is Mode.OFF


@pytest.mark.parametrize("rule", [rule.id for rule in RULES.values() if rule.fixed])
def test_a_rule_that_holds_for_every_message_is_refused_with_the_reason(tmp_path: Path, rule: str) -> None:
    problems = problems_of(tmp_path, written(f"rules.{rule} = {{ shadow = true }}"))
    assert problems == {f"accounts[0].rules.{rule}": "holds for every message"}


@pytest.mark.parametrize(
    ("keys", "place", "message"),
    [
        ("rules.SALUTATION = {}", "rules.SALUTATION", "is not a rule"),
        (
            "rules.OUTSIDE_HOURS = { shadows = true }",
            "rules.OUTSIDE_HOURS.shadows",
            "is not a known key",
        ),
        (
            'rules.OUTSIDE_HOURS = { classes = ["codes"] }',
            "rules.OUTSIDE_HOURS.classes[0]",
            "must be 'commercial', 'notice' or 'code'",
        ),
        (
            'service_types = { OTPCODE = "code" }',
            "service_types.OTPCODE",
            "has 7 characters; SMPP allows at most 5",
        ),
        (
            'service_types = { OTP = "codes" }',
            "service_types.OTP",
            "must be 'commercial', 'notice' or 'code'",
        ),
        ("signatures = [5]", "signatures[0]", "must be text, in quotes, or a table"),
        ('signatures = ["【中国】"]', "signatures[0]", "is written without brackets"),
        ('signatures = [{ name = "银" }]', "signatures[0].name", "must have 2 to 20 characters, this has 1"),
        ('signatures = [{ status = "pending" }]', "signatures[0].name", "is missing"),
        (
            'signatures = [{ name = "中国银行", status = "known" }]',
            "signatures[0].status",
            "must be 'registered', 'pending' or 'revoked'",
        ),
        (
            'signatures = [{ name = "中国银行", valid_from = 2026-02-01, valid_to = 2026-01-31 }]',
            "signatures[0].valid_to",
            "must not be before valid_from",
        ),
        (
            'templates = [{ name = "one", text = "您好{name}" }]',
            "templates[0].text",
            "is not a template: {name} needs a length of 1 to 100, such as {name:1-12}",
        ),
        ("templates_only = true", "templates_only", "needs templates beside it, or nothing could be sent"),
        ("require_salutation = true", "require_salutation", "is not a known key"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, keys: str, place: str, message: str) -> None:
    assert problems_of(tmp_path, written(keys)) == {f"accounts[0].{place}": message}


def test_a_signature_is_a_name_or_a_table(tmp_path: Path) -> None:
    ruleset = ruleset_of(
        tmp_path,
        'signatures = ["中国银行", { name = "完美科技", status = "registered", evidence = "委托书 7", '
        "valid_from = 2026-01-01, valid_to = 2026-12-31 }]",
    )
    assert ruleset.signatures.registrations == (
        Registration("中国银行"),
        Registration("完美科技", "registered", "委托书 7", date(2026, 1, 1), date(2026, 12, 31)),
    )
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=SHANGHAI).timestamp()
    assert ruleset.signatures.is_valid("完美科技", last)
    assert not ruleset.signatures.is_valid("完美科技", last + 1)


def test_templates_the_class_of_a_service_type_and_what_is_added_are_the_accounts(tmp_path: Path) -> None:
    text = "验证码{number:4-6}【中国银行】"
    keys = f'templates = [{{ name = "code", text = "{text}", message_class = "code" }}]\n'
    ruleset = ruleset_of(
        tmp_path, keys + 'templates_only = true\nappend = true\nservice_types = { OTP = "code" }'
    )
    assert ruleset.templates.templates == (Template("code", text, MessageClass.CODE),)
    assert ruleset.templates_only
    assert ruleset.append
    assert ruleset.class_of("OTP") is MessageClass.CODE


def test_the_limits_say_how_much_templates_keep(tmp_path: Path) -> None:
    keys = 'templates = [{ name = "any", text = "{name:1-20}甲{name:1-20}乙" }]'
    few = settings_of(tmp_path, f"[limits]\ntemplate_places_max = 50\n{written(keys)}")
    many = settings_of(tmp_path, written(keys))
    for settings in (few, many):
        settings.accounts["bank-1"].ruleset.templates.match("甲乙丙丁" * 10, MessageClass.COMMERCIAL)
    kept = [one.accounts["bank-1"].ruleset.templates.places for one in (few, many)]
    assert kept[0] <= 50 < kept[1]
    assert few.accounts["bank-1"].ruleset.version == many.accounts["bank-1"].ruleset.version


def test_a_rule_that_only_reports_what_the_law_forbids_is_warned_of(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        written(
            "rules.UNSUBSCRIBE_MISSING = { shadow = true }\nrules.SALUTATION_MISSING = { shadow = true }\n"
            f'rules.CONSENT_MISSING = {{ classes = ["commercial"] }}\n{AGREED}'
        ),
    )
    (found,) = warnings(settings, FILES_MAX, TODAY)
    assert (found.path, found.owner) == ("accounts[0].rules.UNSUBSCRIBE_MISSING.shadow", "bank")
    assert found.message == "only reports what the law forbids (Order 74, in force from 2026-05-01)"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('CONTENT_CULT = { classes = ["commercial", "notice"] }', "allows code messages"),
        ("CONTENT_CULT = { classes = [] }", "allows code, commercial, notice messages"),
        ('RECIPIENT_OPTED_OUT = { classes = ["code"] }', "allows commercial messages"),
        ('UNSUBSCRIBE_MISSING = { classes = ["notice"] }', "allows commercial messages"),
        ('SALUTATION_MISSING = { classes = ["notice"] }', ""),
        ('UNSUBSCRIBE_MISSING = { classes = ["notice", "commercial"] }', ""),
    ],
)
def test_a_rule_that_does_not_hold_where_the_law_does_is_warned_of(
    tmp_path: Path, rule: str, message: str
) -> None:
    settings = settings_of(tmp_path, written(f"rules.{rule}\n{AGREED}"))
    found = [problem.message for problem in warnings(settings, FILES_MAX, TODAY)]
    assert len(found) == bool(message)
    assert all(one.startswith(f"{message} what the law forbids (") for one in found)
