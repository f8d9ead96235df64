"""What a whole gateway keeps of the rules and of what they refuse, and what it does by class."""

from __future__ import annotations

import json
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from gateway.message import State
from gateway.settings import Account, SegmentsMode, StatusStyle
from gateway.store import schema, schema_recipients, schema_records
from policy.clauses import RULES
from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import Hours
from policy.register import Registration
from policy.ruleset import Ruleset, compile_ruleset
from policy.scope import Scope
from policy.template import Template
from smpp import codec, segments
from smpp.pdu import ReplaceSm
from smpp.text import Alphabet
from tests.gateway.carriers.samples import NOON, ZONE, a_carrier
from tests.gateway.customers.samples import NUMBER, a_customer, submit
from tests.gateway.test_long_messages import LONG, UNSIGNED, answers, segment, text_of
from tests.gateway.test_operations import SENDER, ask, sent
from tests.gateway.whole import BOUGHT, Whole, settings_of

AT_17 = NOON + 5 * 3600
SIGNATURE_STATUS = RULES["SIGNATURE_MISSING"].vendor_status


def rules(**changes: Any) -> Ruleset:
    inputs: dict[str, Any] = {
        "signatures": ["中国银行"],
        "content": ContentFilter({}),
        "hours": Hours(time(8), time(17), ZONE),
    }
    return compile_ruleset(**inputs | changes)


def an_account(ruleset: Ruleset | None = None, **changes: Any) -> Account:
    usual = {"segments": SegmentsMode.JOIN, "statuses": StatusStyle.VENDOR}
    return a_customer(**usual | changes | {"ruleset": ruleset or rules()})


def started(
    path: Path, *accounts: Account, now: float = NOON, window_max: int = 10, units: int = BOUGHT
) -> Whole:
    carrier = a_carrier(window_max=window_max)
    return Whole(settings_of(path, accounts, carriers=[carrier]), now=now).top_up(units=units).start()


def kept(whole: Whole) -> list[Any]:
    return list(whole.rows(schema_records.refusal))


def metric(whole: Whole, line: str) -> bool:
    return line.encode() in whole.gateway.metrics.render()


def test_what_templates_keep_of_texts_has_a_gauge(path: Path) -> None:
    agreed = rules(templates=[Template("any", "{name:1-20}【中国银行】")], templates_only=True)
    plain = an_account(name="shop", system_id="shop")
    whole = started(path, an_account(agreed), plain)
    assert metric(whole, '\nsignet_template_places{account="bank"} 0.0\n')
    whole.customer().send(submit(2))
    assert agreed.templates.places > 0
    assert metric(whole, f'\nsignet_template_places{{account="bank"}} {agreed.templates.places:.1f}\n')
    assert not metric(whole, 'signet_template_places{account="shop"}')
    whole.stop()


def test_the_rules_of_every_account_are_kept_once_a_version(path: Path) -> None:
    ruleset = rules(append=True)
    accounts = an_account(ruleset), an_account(ruleset, name="shop", system_id="shop")
    started(path, *accounts).stop()
    other = rules(signatures=[Registration("中国银行", "pending")])
    whole = started(
        path, an_account(ruleset), an_account(other, name="shop", system_id="shop"), now=NOON + 60
    )
    rows = {row.version: row for row in whole.rows(schema_records.ruleset)}
    assert {version: json.loads(row.rules) for version, row in rows.items()} == {
        ruleset.version: ruleset.describe(),
        other.version: other.describe(),
    }
    assert rows[ruleset.version].first_used_at == NOON * 1000
    assert rows[other.version].first_used_at == (NOON + 60) * 1000
    whole.stop()


def test_a_message_is_stored_with_its_class_and_its_signature(path: Path) -> None:
    whole = started(path, an_account(rules(service_types={"OTP": MessageClass.CODE})))
    whole.customer().send(submit(2), submit(3, "验证码1234【中国银行】", service_type="OTP"))
    found = [(row.message_class, row.signature, row.submitted_body) for row in whole.rows(schema.message)]
    assert found == [("commercial", "中国银行", None), ("code", "中国银行", None)]
    whole.stop()


def test_a_text_in_segments_that_is_refused_is_kept_once_and_whole(path: Path) -> None:
    whole = started(path, an_account())
    customer = whole.customer()
    customer.send(segment(1, UNSIGNED), segment(2, UNSIGNED))
    assert kept(whole) == []
    customer.send(segment(3, UNSIGNED))
    assert answers(customer) == {1: 0, 2: 0, 3: SIGNATURE_STATUS}
    (row,) = kept(whole)
    assert (row.rule, row.units, row.destination_addr) == ("SIGNATURE_MISSING", 3, NUMBER)
    assert codec.submit_sm(row.body).payload.decode("utf-16-be") == UNSIGNED
    whole.stop()


def test_a_text_in_segments_that_there_is_no_money_for_is_kept_once_and_whole(path: Path) -> None:
    whole = started(path, an_account(), units=2)
    customer = whole.customer()
    customer.send(segment(1), segment(2))
    customer.send(segment(3))
    assert answers(customer) == {1: 0, 2: 0, 3: RULES["QUOTA_EXHAUSTED"].vendor_status}
    (row,) = kept(whole)
    assert (row.rule, row.units, row.span_start) == ("QUOTA_EXHAUSTED", 3, None)
    assert codec.submit_sm(row.body).payload.decode("utf-16-be") == LONG
    whole.stop()


def test_a_joined_text_is_completed_and_both_are_kept(path: Path) -> None:
    whole = started(path, an_account(rules(append=True)))
    customer = whole.customer()
    customer.send(*(segment(n, UNSIGNED) for n in (1, 2, 3)))
    assert answers(customer) == {1: 0, 2: 0, 3: 0}
    assert text_of(whole.submits()) == LONG
    parts = [row for row in whole.rows(schema.message) if row.part]
    assert [row.signature for row in parts] == ["中国银行"] * 3
    first, *others = [row.submitted_body for row in parts]
    assert codec.submit_sm(first).payload.decode("utf-16-be") == UNSIGNED
    assert others == [None, None]
    whole.stop()


def test_a_joined_text_of_septets_that_is_completed_is_cut_in_its_new_alphabet(path: Path) -> None:
    ruleset = rules(message_class=MessageClass.CODE, append=True)
    whole = started(path, an_account(ruleset))
    customer = whole.customer()
    for number, part in enumerate(segments.split(b"x" * 200, Alphabet.GSM7, 7, "udh8"), 1):
        customer.send(submit(number, "", short_message=part, data_coding=0, esm_class=0x40))
    assert answers(customer) == {1: 0, 2: 0}
    relayed = whole.submits()
    assert text_of(relayed) == "x" * 200 + "【中国银行】"
    assert [codec.submit_sm(raw.body).data_coding for raw in relayed] == [8, 8, 8, 8]
    whole.stop()


def test_what_only_reports_is_counted_and_sent(path: Path) -> None:
    ruleset = rules(scopes={"SALUTATION_MISSING": Scope(shadow=True)})
    whole = started(path, an_account(ruleset))
    customer = whole.customer()
    customer.send(submit(2, "您好，回TD退订【中国银行】"), submit(3, "您好【中国银行】"))
    assert answers(customer) == {2: 0, 3: RULES["UNSUBSCRIBE_MISSING"].vendor_status}
    assert metric(whole, 'signet_rules_shadowed_total{account="bank",rule="SALUTATION_MISSING"} 2.0')
    whole.stop()


@pytest.mark.parametrize("shadow", [False, True])
def test_a_rule_of_the_store_may_only_report_too(path: Path, shadow: bool) -> None:
    ruleset = rules(scopes={"RECIPIENT_OPTED_OUT": Scope(shadow=shadow)})
    whole = started(path, an_account(ruleset))
    with whole.observer.begin() as connection:
        row = {"number": NUMBER, "account": "bank", "since": 0}
        connection.execute(schema_recipients.opt_out.insert().values(**row))
    customer = whole.customer()
    customer.send(submit(2))
    refused = RULES["RECIPIENT_OPTED_OUT"].vendor_status
    assert answers(customer) == {2: 0 if shadow else refused}
    assert [row.rule for row in kept(whole)] == ([] if shadow else ["RECIPIENT_OPTED_OUT"])
    counted = 'signet_rules_shadowed_total{account="bank",rule="RECIPIENT_OPTED_OUT"} 1.0'
    assert metric(whole, counted) is shadow
    whole.stop()


def test_the_hours_of_a_class_are_asked_at_release_too(path: Path) -> None:
    ruleset = rules(
        service_types={"OTP": MessageClass.CODE},
        scopes={"OUTSIDE_HOURS": Scope(frozenset({MessageClass.COMMERCIAL}))},
    )
    whole = started(path, an_account(ruleset), now=AT_17 - 1, window_max=1)
    customer = whole.customer()
    code = "验证码1234【中国银行】"
    customer.send(submit(2), submit(3), submit(4, code, service_type="OTP"))
    assert answers(customer) == {2: 0, 3: 0, 4: 0}
    whole.pass_time(2)
    whole.accept(*whole.submits())
    whole.pass_time(2)
    (relayed,) = whole.submits()
    assert codec.submit_sm(relayed.body).service_type == "OTP"
    assert sorted(whole.states()) == [State.QUEUED, State.ENROUTE, State.SUBMITTING]
    whole.stop()


def test_another_text_for_a_message_is_stored_with_what_was_added_to_it(path: Path) -> None:
    whole = started(path, an_account(rules(append=True)), window_max=1)
    customer = whole.customer()
    sent(customer, submit(2, destination="13700000000"))
    (own_id,) = sent(customer, submit(3))
    other = "尊敬的客户:节日快乐"
    swap = ReplaceSm(own_id, SENDER, "", "", 1, 0, other.encode("utf-16-be"))
    assert ask(customer, swap)[0] == 0
    row = next(row for row in whole.rows(schema.message) if str(row.message_id) == own_id)
    assert codec.submit_sm(row.submitted_body).payload.decode("utf-16-be") == other
    assert codec.submit_sm(row.body).payload.decode("utf-16-be") == other + "回TD退订【中国银行】"
    assert row.signature == "中国银行"
    whole.stop()
