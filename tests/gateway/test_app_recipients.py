"""What is recorded of recipients, through a whole gateway: refused, let through, and withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from gateway.message import State
from gateway.settings import Consent, OptOutScope, Recipients, StatusStyle
from gateway.store import schema_recipients as tables
from gateway.store.schema_records import refusal
from ledger.accounts import Balance
from policy.clauses import (
    CONSENT_MISSING,
    FREQUENCY_CAP,
    RECIPIENT_BLOCKED,
    RECIPIENT_NOT_MEMBER,
    RECIPIENT_OPTED_OUT,
    RULES,
)
from policy.content import ContentFilter
from policy.frequency import Cap, Period
from policy.hours import Hours
from policy.ruleset import compile_ruleset
from smpp import codec
from smpp.address import Address
from smpp.pdu import ReplaceSm
from tests.gateway.carriers.peer import deliver, submit_resp
from tests.gateway.carriers.samples import NOON, a_carrier
from tests.gateway.customers.samples import NUMBER, TEXT, a_customer, submit
from tests.gateway.raw_pdus import DELIVER_SM, SUBMIT_SM
from tests.gateway.store.samples import SHANGHAI
from tests.gateway.store.told import told
from tests.gateway.test_long_messages import LONG
from tests.gateway.whole import BOUGHT, Whole, settings_of

OTHER = "13900000001"


def started(path: Path, rules: Recipients = Recipients()) -> Whole:  # noqa: B008
    """A gateway that may have one message at its carrier at a time, and has it: the others wait."""
    accounts = [
        a_customer(recipients=rules, statuses=StatusStyle.VENDOR),
        a_customer(name="shop", system_id="shop", source_addrs=("10690002",), statuses=StatusStyle.VENDOR),
    ]
    whole = Whole(settings_of(path, accounts, [a_carrier(window_max=1)])).top_up().top_up("shop").start()
    shop = whole.customer("shop")
    shop.send(submit(2, destination="13700000000", source_addr="10690002"))
    assert len(whole.submits()) == 1
    return whole


@pytest.fixture
def whole(path: Path) -> Iterator[Whole]:
    whole = started(path)
    yield whole
    whole.stop()
    assert whole.problems() == []


def status(rule: str) -> int:
    return RULES[rule].vendor_status


def block(whole: Whole) -> None:
    with whole.observer.begin() as connection:
        connection.execute(insert(tables.block).values(number=NUMBER, since=0, note=""))


def test_an_account_s_rules_are_the_ones_of_its_settings(path: Path) -> None:
    rules = Recipients(Consent.LISTED, members_only=True, frequency=(Cap(1, Period.DAY),))
    whole = started(path, rules)
    customer = whole.customer()
    assert customer.submit_statuses(submit(2)) == {2: status(RECIPIENT_NOT_MEMBER)}
    with whole.observer.begin() as connection:
        connection.execute(insert(tables.member).values(number=NUMBER, account="bank", since=0))
    assert customer.submit_statuses(submit(3)) == {3: status(CONSENT_MISSING)}
    consent = {"number": NUMBER, "account": "bank", "kind": "commercial", "source": "", "proof_sha256": ""}
    with whole.observer.begin() as connection:
        connection.execute(insert(tables.consent).values(**consent, granted_at=0, recorded_at=0))
    assert customer.submit_statuses(submit(4), submit(5)) == {4: 0, 5: status(FREQUENCY_CAP)}
    whole.stop()


def test_what_frequency_refuses_is_kept_with_the_time_at_which_the_hours_let_it_pass(path: Path) -> None:
    hours = Hours(time(8), time(17), SHANGHAI)
    ruleset = compile_ruleset(signatures=["中国银行"], content=ContentFilter({}), hours=hours)
    account = a_customer(ruleset=ruleset, recipients=Recipients(frequency=(Cap(1, Period.DAY),)))
    whole = Whole(settings_of(path, [account], [a_carrier()])).top_up().start()
    whole.customer().send(submit(2), submit(3))
    [row] = whole.rows(refusal)
    opening = datetime.fromtimestamp(NOON, SHANGHAI).replace(hour=8) + timedelta(days=1)
    assert (row.rule, row.next_pass_at) == (FREQUENCY_CAP, int(opening.timestamp() * 1000))
    whole.stop()


def test_a_long_message_is_refused_whole(path: Path) -> None:
    whole = started(path, Recipients(frequency=(Cap(1, Period.DAY),)))
    customer = whole.customer()
    octets = LONG.encode("utf-16-be")
    long = [submit(n, short_message=b"", message_payload=octets) for n in (2, 3)]
    assert customer.submit_statuses(*long) == {2: 0, 3: status(FREQUENCY_CAP)}
    assert len(whole.rows(tables.contact)) == 1
    whole.stop()


def test_a_block_by_another_process_binds_at_once(whole: Whole) -> None:
    customer = whole.customer()
    assert customer.submit_statuses(submit(2)) == {2: 0}
    block(whole)
    assert customer.submit_statuses(submit(3), submit(4, destination=OTHER)) == {
        3: status(RECIPIENT_BLOCKED),
        4: 0,
    }


def test_what_waits_for_a_number_that_is_blocked_is_never_sent(whole: Whole) -> None:
    customer = whole.customer()
    customer.send(submit(2), submit(3, destination=OTHER))
    customer.read()
    block(whole)
    whole.say(submit_resp(2, b"c1"))
    assert [told(0, pdu.body).destination_addr for pdu in whole.submits()] == [OTHER]
    [gone] = customer.read()
    assert (gone.command_id, told(0, gone.body).stat) == (DELIVER_SM, "DELETED")
    assert whole.states() == [State.ENROUTE, State.DELETED, State.SUBMITTING]
    assert whole.balance() == Balance(BOUGHT, BOUGHT - 1, 1, 0, 0)


def test_what_waits_for_a_number_that_is_blocked_gets_no_other_text(whole: Whole) -> None:
    customer = whole.customer()
    customer.send(submit(2))
    (resp,) = customer.read()
    block(whole)
    text = TEXT.replace("生日", "节日").encode("utf-16-be")
    own_id = resp.body.removesuffix(b"\0").decode()
    swap = ReplaceSm(own_id, Address(0, 1, "10690001"), "", "", 1, 0, text, ())
    customer.send(codec.encode(swap, 9))
    (answer,) = customer.read()
    assert answer.command_status == status(RECIPIENT_BLOCKED)


def test_another_text_to_one_who_will_have_agreed_is_kept_with_the_time(path: Path) -> None:
    whole = started(path, Recipients(Consent.LISTED))
    consent = {"number": NUMBER, "account": "bank", "kind": "commercial", "source": "", "proof_sha256": ""}
    later = (NOON + 3600) * 1000
    with whole.observer.begin() as connection:
        for granted_at in (0, later):
            row = consent | {"granted_at": granted_at, "recorded_at": 0}
            connection.execute(insert(tables.consent).values(row))
    customer = whole.customer()
    customer.send(submit(2))
    (resp,) = customer.read()
    with whole.observer.begin() as connection:
        connection.execute(
            update(tables.consent).where(tables.consent.c.granted_at == 0).values(revoked_at=1)
        )
    text = TEXT.replace("生日", "节日").encode("utf-16-be")
    own_id = resp.body.removesuffix(b"\0").decode()
    customer.send(codec.encode(ReplaceSm(own_id, Address(0, 1, "10690001"), "", "", 1, 0, text, ()), 9))
    (answer,) = customer.read()
    assert answer.command_status == status(CONSENT_MISSING)
    [kept] = whole.rows(refusal)
    assert (kept.rule, kept.next_pass_at) == (CONSENT_MISSING, later)
    whole.stop()


def test_td_to_an_account_that_speaks_for_the_operator_is_td_to_all(path: Path) -> None:
    whole = started(path, Recipients(opt_out_scope=OptOutScope.OPERATOR))
    shop = whole.customer("shop")
    assert shop.submit_statuses(submit(2, source_addr="10690002")) == {2: 0}
    whole.say(deliver(5, b"TD"))
    assert whole.states() == [State.SUBMITTING, State.DELETED]
    assert shop.submit_statuses(submit(3, source_addr="10690002")) == {3: status(RECIPIENT_OPTED_OUT)}
    assert SUBMIT_SM not in {pdu.command_id for pdu in whole.carrier().read()}
    whole.stop()
