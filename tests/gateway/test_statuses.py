from __future__ import annotations

import pytest

from gateway.settings import StatusStyle
from gateway.statuses import GatewayError, bind_status_for, err3, status_for
from policy.clauses import RULES

VENDOR, STANDARD = StatusStyle.VENDOR, StatusStyle.STANDARD


@pytest.mark.parametrize(
    ("rule", "vendor", "standard"),
    [
        ("SIGNATURE_MISSING", 0x403, 0x45),
        ("CONTENT_OBSCENE_VIOLENT", 0x417, 0x45),
        ("RECIPIENT_OPTED_OUT", 0x431, 0x0B),
        ("FREQUENCY_CAP", 0x434, 0x58),
        ("QUOTA_EXHAUSTED", 0x450, 0x45),
        ("SOURCE_NOT_ALLOWED", 0x460, 0x0A),
    ],
)
def test_a_rule_has_its_own_status_or_the_nearest_of_smpp(rule: str, vendor: int, standard: int) -> None:
    assert status_for(rule, VENDOR) == vendor
    assert status_for(rule, STANDARD) == standard


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (GatewayError.THROTTLED, 0x58),
        (GatewayError.QUEUE_FULL, 0x14),
        (GatewayError.STORE_DOWN, 0x08),
        (GatewayError.NO_ROUTE, 0x0B),
        (GatewayError.SYSTEM_ID_UNKNOWN, 0x0F),
        (GatewayError.PASSWORD_WRONG, 0x0E),
        (GatewayError.PEER_NOT_ALLOWED, 0x0D),
        (GatewayError.BINDS_EXCEEDED, 0x05),
    ],
)
def test_a_gateway_error_has_the_status_of_smpp_in_either_style(error: GatewayError, status: int) -> None:
    for style in StatusStyle:
        assert status_for(error, style) == status
        assert bind_status_for(error, style) == status


def test_an_account_that_is_not_open_fails_the_bind_and_later_the_submit() -> None:
    assert bind_status_for("ACCOUNT_NOT_OPEN", STANDARD) == 0x0D
    assert status_for("ACCOUNT_NOT_OPEN", STANDARD) == 0x45
    assert bind_status_for("ACCOUNT_NOT_OPEN", VENDOR) == status_for("ACCOUNT_NOT_OPEN", VENDOR) == 0x451


def test_a_bind_refused_by_a_rule_of_the_submit_gets_that_rules_status() -> None:
    assert bind_status_for("SOURCE_NOT_ALLOWED", STANDARD) == 0x0A


def test_every_reason_refuses_in_every_style() -> None:
    for reason in [*RULES, *GatewayError]:
        for style in StatusStyle:
            assert 0 < status_for(reason, style) <= 0x4FF
            assert 0 < bind_status_for(reason, style) <= 0x4FF


def test_a_plain_name_finds_the_gateway_error_too() -> None:
    assert status_for("THROTTLED", VENDOR) == 0x58


def test_no_gateway_error_has_the_name_of_a_rule() -> None:
    assert not set(GatewayError) & set(RULES)


def test_an_unknown_reason_is_an_error_of_the_caller() -> None:
    with pytest.raises(KeyError):
        status_for("NO_SUCH_RULE", VENDOR)


@pytest.mark.parametrize(("status", "err"), [(0x417, "417"), (0x0A, "00a"), (0, "000"), (0x12345AB, "5ab")])
def test_the_err_of_a_receipt_is_three_lower_case_hex_digits(status: int, err: str) -> None:
    assert err3(status) == err
