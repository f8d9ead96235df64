"""What the configuration says of the content filter."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from gateway.config.problem import ConfigError
from policy.normalise import fold
from policy.verdict import Accept, Refuse
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, SHANGHAI, settings_of, verdict_at


def test_a_list_finds_its_terms_in_the_forms_that_it_asks_for(tmp_path: Path) -> None:
    text = """
    [policy]
    synonyms = [["代开", "代办"]]
    [policy.terms]
    cult.terms = ["代开发票"]
    cult.reordered_from = 3
    rumour.terms = ["网上赌博"]
    rumour.split_from = 2
    defamation.terms = ["虚假消息"]
    defamation.homophones_from = 3
    unlawful.terms = ["信用卡套现"]
    unlawful.padded_from = 3
    """
    settings = settings_of(tmp_path, text + ACCOUNT + CARRIER + ROUTE)
    for disguised in ("代办发票", "发票代开", "网上贝者博", "虚加消息", "信用卡的套现"):
        assert settings.content.find(fold(disguised)) is not None
    for other in ("网上博赌", "信用卡讨现", "贝者博", "虚假的消息", "亻弋开发票"):
        assert settings.content.find(fold(other)) is None


def test_what_is_said_of_all_lists_holds_for_those_that_say_nothing_else(tmp_path: Path) -> None:
    text = """
    [policy.forms]
    reordered_from = 3
    [policy.terms]
    cult.terms = ["代开发票"]
    rumour.terms = ["网上赌博"]
    rumour.reordered_from = 0
    [policy.trades.finance]
    terms = ["低息贷款"]
    reordered_from = 5
    """
    content = settings_of(tmp_path, text + ACCOUNT + CARRIER + ROUTE).content
    assert content.find(fold("发票代开")) is not None
    assert content.find(fold("赌博网上")) is None
    assert content.find(fold("贷款低息")) is None


def test_an_account_may_say_what_is_forbidden_to_all_but_its_trade(tmp_path: Path) -> None:
    policy = '[policy.trades.finance]\nterms = ["低息贷款"]\n[policy.trades.medicine]\nterms = ["处方药"]\n'
    shop = ACCOUNT.replace('"bank', '"shop')
    bank = ACCOUNT + 'trades = ["finance"]\n'
    settings = settings_of(tmp_path, policy + bank + shop + CARRIER + ROUTE)
    noon = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
    text = "尊敬的客户：低息贷款，回TD退订【中国银行】"
    assert verdict_at(settings, "bank-1", text, noon) == Accept()
    refused = verdict_at(settings, "shop-1", text, noon)
    assert isinstance(refused, Refuse)
    assert refused.rule == "CONTENT_UNLAWFUL"
    assert isinstance(verdict_at(settings, "bank-1", text.replace("低息贷款", "处方药"), noon), Refuse)


def test_a_trade_without_a_list_is_a_mistake(tmp_path: Path) -> None:
    text = '[policy.trades.finance]\nterms = ["贷款"]\n' + ACCOUNT + 'trades = ["finanse", "x"]\n'
    with pytest.raises(ConfigError) as raised:
        settings_of(tmp_path, text + CARRIER + ROUTE)
    assert [(problem.path, problem.hint) for problem in raised.value.problems] == [
        ("accounts[0].trades[0]", 'did you mean "finance"?'),
        ("accounts[0].trades[1]", "its list would be [policy.trades.x]"),
    ]


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        ("[policy.terms]\ncult.split_from = 1", "policy.terms.cult.split_from"),
        ("[policy.terms]\ncult.padded_from = 21", "policy.terms.cult.padded_from"),
        ('[policy]\nsynonyms = [["代开"]]', "policy.synonyms[0]"),
        ('[policy.trades.finance]\nterms = ["*"]', "policy.trades.finance.terms[0]"),
        ("[policy.exceptions]\nsplit_from = 2", "policy.exceptions.split_from"),
        ("[policy.trades.finance]\nlist = []", "policy.trades.finance.list"),
        ("[policy.trades.terms]\nlist = []", "policy.trades.terms.list"),
    ],
)
def test_what_a_list_may_not_ask_for_is_told_with_its_place(tmp_path: Path, policy: str, path: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings_of(tmp_path, policy + ACCOUNT + CARRIER + ROUTE)
    assert [problem.path for problem in raised.value.problems] == [path]


def test_what_is_wrong_in_a_list_is_told_with_what_to_write(tmp_path: Path) -> None:
    text = '[policy]\nsynonyms = [["代开"]]\n[policy.trades.finance]\nterm = []\n'
    with pytest.raises(ConfigError) as raised:
        settings_of(tmp_path, text + ACCOUNT + CARRIER + ROUTE)
    assert [(problem.message, problem.hint) for problem in raised.value.problems] == [
        ("needs two words at least, which stand for one another", ""),
        ("is not a known key", 'did you mean "terms"?'),
    ]
