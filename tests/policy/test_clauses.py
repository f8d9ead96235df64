from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from policy import clauses
from policy.clauses import CONTENT_KINDS, RULES, refuse
from policy.facts import MessageClass
from policy.verdict import Refuse

RSUBMITFAIL, RINVDSTADR, RINVSRCADR, RTHROTTLED, RBINDFAIL = 0x45, 0x0B, 0x0A, 0x58, 0x0D

# As agreed with customers: they program against these numbers, so none may ever move.
AGREED = {
    "SALUTATION_MISSING": ("1(3)", 0x401, RSUBMITFAIL),
    "UNSUBSCRIBE_MISSING": ("1(3)", 0x402, RSUBMITFAIL),
    "SIGNATURE_MISSING": ("1(3)", 0x403, RSUBMITFAIL),
    "SIGNATURE_NOT_REGISTERED": ("1(3)", 0x404, RSUBMITFAIL),
    "SIGNATURE_MISPLACED": ("1(3)", 0x405, RSUBMITFAIL),
    "TEMPLATE_MISMATCH": ("十", 0x406, RSUBMITFAIL),
    "CONTENT_CONSTITUTION": ("六(1)", 0x411, RSUBMITFAIL),
    "CONTENT_STATE_SECURITY": ("六(2)", 0x412, RSUBMITFAIL),
    "CONTENT_NATIONAL_HONOUR": ("六(3)", 0x413, RSUBMITFAIL),
    "CONTENT_ETHNIC_HATRED": ("六(4)", 0x414, RSUBMITFAIL),
    "CONTENT_CULT": ("六(5)", 0x415, RSUBMITFAIL),
    "CONTENT_RUMOUR": ("六(6)", 0x416, RSUBMITFAIL),
    "CONTENT_OBSCENE_VIOLENT": ("六(7)", 0x417, RSUBMITFAIL),
    "CONTENT_DEFAMATION": ("六(8)", 0x418, RSUBMITFAIL),
    "CONTENT_UNLAWFUL": ("六(9)", 0x419, RSUBMITFAIL),
    "CONSENT_MISSING": ("1(2)", 0x430, RSUBMITFAIL),
    "RECIPIENT_OPTED_OUT": ("1(2)", 0x431, RINVDSTADR),
    "RECIPIENT_NOT_MEMBER": ("1(2)", 0x432, RINVDSTADR),
    "RECIPIENT_BLOCKED": ("五(2)", 0x433, RINVDSTADR),
    "FREQUENCY_CAP": ("十", 0x434, RTHROTTLED),
    "OUTSIDE_HOURS": ("五(5)", 0x440, RSUBMITFAIL),
    "LEAD_TIME_SHORT": ("五(3)", 0x441, RSUBMITFAIL),
    "DEADLINE_UNREACHABLE": ("五(3)", 0x442, RSUBMITFAIL),
    "QUOTA_EXHAUSTED": ("短信费(1)", 0x450, RSUBMITFAIL),
    "ACCOUNT_NOT_OPEN": ("2", 0x451, RSUBMITFAIL),
    "ACCOUNT_SUSPENDED": ("七", 0x452, RSUBMITFAIL),
    "SOURCE_NOT_ALLOWED": ("四", 0x460, RINVSRCADR),
    "MESSAGE_INCOMPLETE": ("1(3)", 0x461, RSUBMITFAIL),
    "TEXT_UNREADABLE": ("1(3)", 0x462, RSUBMITFAIL),
}


def test_every_rule_has_its_agreed_clause_and_statuses() -> None:
    table = {rule.id: (rule.clause, rule.vendor_status, rule.standard_status) for rule in RULES.values()}
    assert table == AGREED


def test_every_rule_is_found_by_its_own_id_and_has_a_constant_of_that_name() -> None:
    for rule_id, rule in RULES.items():
        assert rule.id == rule_id == getattr(clauses, rule_id)


def test_no_two_rules_share_a_vendor_status() -> None:
    statuses = [rule.vendor_status for rule in RULES.values()]
    assert len(statuses) == len(set(statuses))
    assert all(0x400 <= status <= 0x4FF for status in statuses)


def test_only_the_account_states_have_a_status_for_a_bind() -> None:
    at_bind = {rule.id: rule.standard_bind_status for rule in RULES.values() if rule.standard_bind_status}
    assert at_bind == {"ACCOUNT_NOT_OPEN": RBINDFAIL, "ACCOUNT_SUSPENDED": RBINDFAIL}


def test_every_rule_explains_itself_on_one_line_in_both_languages() -> None:
    for rule in RULES.values():
        assert rule.english.endswith(".")
        assert rule.chinese
        assert "\n" not in rule.english + rule.chinese


def test_a_rule_names_the_article_that_is_in_force_on_a_day() -> None:
    consent = RULES["CONSENT_MISSING"]
    assert str(consent.law_on(date(2026, 4, 30))) == "Order 31 art. 18, in force from 2015-06-30"
    assert str(consent.law_on(date(2026, 5, 1))) == "Order 74, in force from 2026-05-01"
    assert consent.law_on(date(2015, 6, 29)) is None
    assert RULES["OUTSIDE_HOURS"].law_on(date(2026, 5, 1)) is None


def test_no_two_articles_of_a_rule_are_in_force_at_once() -> None:
    for rule in RULES.values():
        for one, other in pairwise(rule.law):
            assert one.until is not None
            assert one.until <= other.since


def test_form_and_consent_are_asked_of_commercial_messages_and_all_else_of_every_class() -> None:
    commercial = {rule.id for rule in RULES.values() if rule.classes == {MessageClass.COMMERCIAL}}
    assert commercial == {"SALUTATION_MISSING", "UNSUBSCRIBE_MISSING", "CONSENT_MISSING"}
    assert all(rule.classes == set(MessageClass) for rule in RULES.values() if rule.id not in commercial)


def test_money_states_access_and_what_cannot_be_read_are_the_same_for_every_class() -> None:
    assert {rule.id for rule in RULES.values() if rule.fixed} == {
        "LEAD_TIME_SHORT",
        "DEADLINE_UNREACHABLE",
        "QUOTA_EXHAUSTED",
        "ACCOUNT_NOT_OPEN",
        "ACCOUNT_SUSPENDED",
        "SOURCE_NOT_ALLOWED",
        "MESSAGE_INCOMPLETE",
        "TEXT_UNREADABLE",
    }


def test_the_nine_forbidden_kinds_follow_the_order_of_clause_six() -> None:
    assert [RULES[kind].clause for kind in CONTENT_KINDS] == [f"六({n})" for n in range(1, 10)]


def test_a_refusal_carries_the_clause_of_its_rule() -> None:
    assert refuse("OUTSIDE_HOURS") == Refuse("OUTSIDE_HOURS", None, "五(5)")
    assert refuse("CONTENT_RUMOUR", (3, 7)) == Refuse("CONTENT_RUMOUR", (3, 7), "六(6)")


def test_a_refusal_by_an_unknown_rule_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        refuse("NO_SUCH_RULE")


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        RULES["X"] = RULES["OUTSIDE_HOURS"]  # type: ignore[index]  # the point of the test
