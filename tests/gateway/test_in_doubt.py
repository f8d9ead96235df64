from __future__ import annotations

import pytest

from gateway.in_doubt import unanswered
from gateway.settings import Account, InDoubtPolicy
from gateway.stored import AttemptOutcome, Outcome
from tests.gateway.carriers.samples import a_message, an_account

SENT_AT, NOW = 1_000_000, 1_010_000


def outcome(account: Account | None) -> Outcome:
    return unanswered(a_message(1), account, "north-1", SENT_AT, NOW, in_doubt_s=3600.0, wait_s=2.5)


@pytest.mark.parametrize("account", [None, *(an_account(in_doubt=policy) for policy in InDoubtPolicy)])
def test_it_says_what_was_tried_and_that_nobody_knows(account: Account | None) -> None:
    found = outcome(account)
    assert (found.outcome, found.message) == (AttemptOutcome.IN_DOUBT, a_message(1))
    assert (found.carrier, found.bind, found.sent_at) == ("north", "north-1", SENT_AT)
    assert (found.answered_at, found.carrier_message_id, found.command_status) == (None, None, None)


def test_parked_it_waits_for_a_deadline_and_is_not_due() -> None:
    found = outcome(an_account(in_doubt=InDoubtPolicy.PARK))
    assert not found.resend
    assert found.deadline_at == NOW + 3_600_000
    assert found.due_at == 0


def test_resent_it_is_due_after_the_wait() -> None:
    found = outcome(an_account(in_doubt=InDoubtPolicy.RESEND))
    assert found.resend
    assert found.due_at == NOW + 2_500


def test_an_account_that_the_settings_no_longer_have_is_parked() -> None:
    """To send twice needs somebody's word that it may be."""
    found = outcome(None)
    assert (found.resend, found.deadline_at, found.due_at) == (False, NOW + 3_600_000, 0)
