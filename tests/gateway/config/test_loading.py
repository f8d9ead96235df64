"""The configuration file: what a good one means, and that no bad one gets past or breaks the loader."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.config.loading import load
from gateway.config.problem import ConfigError
from gateway.passwords import Passwords, hash_password
from gateway.settings import (
    Admin,
    BindType,
    Caps,
    Contract,
    IdForm,
    InDoubtPolicy,
    Limits,
    Listen,
    Log,
    ReceiptFormat,
    Route,
    SegmentsMode,
    Settings,
    StatusStyle,
    Throttle,
    Timers,
)
from policy.chain import evaluate
from policy.facts import MessageClass, Submission
from policy.verdict import Accept, Refuse, Verdict
from smpp.message_id import Notation, Notations
from smpp.message_state import MessageState
from smpp.receipt import ReceiptTlvs
from smpp.text import Alphabet

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
SHANGHAI = ZoneInfo("Asia/Shanghai")

ACCOUNT = """
[[accounts]]
name = "bank"
system_id = "bank-1"
password = "secret"
signatures = ["中国银行"]
contract.number = "WM39-SMS-0001"
contract.customer = "中国银行"
contract.operator = "长春完美科技有限公司"
contract.signed_on = 2025-01-06
"""
CARRIER = """
[[carriers]]
name = "mobile"
host = "smsc.example.net"
system_id = "signet"
password = "signet"
"""
ROUTE = """
[[routes]]
carriers = ["mobile"]
"""


def settings_of(folder: Path, text: str) -> Settings:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return load(path)


def problems_of(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        settings_of(folder, text)
    return {problem.path: problem.message for problem in caught.value.problems}


def verdict_at(settings: Settings, system_id: str, text: str, at: datetime) -> Verdict:
    ruleset = settings.accounts[system_id].ruleset
    submission = Submission(text, at.timestamp(), ruleset.message_class, "1069", "8613800000000")
    return evaluate(ruleset, submission).verdict


def test_a_file_with_the_least_in_it_gets_every_default(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, ACCOUNT + CARRIER + ROUTE)
    assert (settings.node, settings.zone, settings.country_code) == (0, SHANGHAI, "86")
    assert settings.store_path == tmp_path / "var" / "signet.db"
    assert settings.listen == Listen("127.0.0.1", 2775, 1000)
    assert settings.admin == Admin("127.0.0.1", 2780)
    assert settings.log == Log("json", "info")
    assert settings.limits == Limits()
    assert settings.routes == (Route(None, "", ("mobile",)),)


def test_an_account_with_the_least_in_it_is_held_to_the_contract(tmp_path: Path) -> None:
    account = settings_of(tmp_path, ACCOUNT + CARRIER + ROUTE).accounts["bank-1"]
    assert account.name == "bank"
    assert account.contract == Contract("WM39-SMS-0001", "中国银行", "长春完美科技有限公司", date(2025, 1, 6))
    assert account.ruleset.message_class is MessageClass.COMMERCIAL
    assert account.ruleset.signatures.is_valid("中国银行", 0.0)
    assert (account.ruleset.hours.open, account.ruleset.hours.close) == (time(8), time(17))
    assert (account.ruleset.hours.zone, account.ruleset.hours.exceptions) == (SHANGHAI, ())
    assert account.ruleset.outside_hours == "refuse"
    assert account.segments is SegmentsMode.JOIN
    assert account.statuses is StatusStyle.VENDOR
    assert account.in_doubt is InDoubtPolicy.PARK
    assert account.default_alphabet is Alphabet.GSM7
    assert account.allowed_networks == (ip_network("0.0.0.0/0"), ip_network("::/0"))
    assert (account.explain, account.source_addrs, account.throttle) == (False, (), None)
    assert account.timers == Timers()
    assert (account.message_ids, account.receipts) == (IdForm.DECIMAL, ReceiptFormat())


def test_a_carrier_with_the_least_in_it_is_a_transceiver_without_a_rate(tmp_path: Path) -> None:
    carrier = settings_of(tmp_path, ACCOUNT + CARRIER + ROUTE).carriers["mobile"]
    assert (carrier.host, carrier.port, carrier.binds) == ("smsc.example.net", 2775, 1)
    assert carrier.bind_type is BindType.TRANSCEIVER
    assert (carrier.rate, carrier.source_addr, carrier.system_type) == (None, None, "")
    assert carrier.temporary_statuses == {0x58, 0x14, 0x08}
    assert carrier.receipt_zone is SHANGHAI
    assert carrier.timers == Timers()
    assert (carrier.notations, carrier.receipt_states) == (Notations(), {})
    assert (carrier.receipts_by_text, carrier.unknown_is_final, carrier.one_receipt_a_message) == (
        True,
        False,
        False,
    )


def test_what_the_file_says_is_what_the_settings_hold(tmp_path: Path) -> None:
    text = (
        """
[gateway]
node = 3
zone = "Asia/Urumqi"
store = "/srv/signet.db"
country_code = "998"
[listen]
host = "::"
[admin]
host = "::1"
[log]
format = "console"
level = "debug"
[limits]
batch_max = 7
drain_s = 2
"""
        + ACCOUNT
        + """message_class = "code"
segments = "pass"
statuses = "standard"
in_doubt = "resend"
default_alphabet = "gbk"
explain = true
allowed_networks = ["10.1.0.0/16", "2001:db8::1"]
source_addrs = ["1069"]
throttle = { rate_per_s = 0.5, burst = 3 }
timers.enquire_link_s = 5
message_ids = "hex"
receipts = { message_id = "hex", date_digits = 14, network_error_code = false }
"""
        + CARRIER
        + """rate = { rate_per_s = 0, burst = 1 }
bind_type = "receiver"
temporary_statuses = ["ESME_RSYSERR", 0x45]
receipt_zone = "UTC"
resp_id = "hex"
receipt_id = "dec"
receipt_states = { blocked = "REJECTED", "M:00181" = "EXPIRED" }
receipts_by_text = false
unknown_is_final = true
one_receipt_a_message = true
"""
        + CARRIER.replace('"mobile"', '"unicom"')
        + """
[[routes]]
account = "bank"
prefix = "86"
carriers = ["unicom"]
tlvs = ["0x1401", 0x1500, "0X3fFf"]
"""
    )
    settings = settings_of(tmp_path, text)
    account, carrier = settings.accounts["bank-1"], settings.carriers["mobile"]
    assert (settings.node, settings.zone, settings.store_path) == (
        3,
        ZoneInfo("Asia/Urumqi"),
        Path("/srv/signet.db"),
    )
    assert (settings.listen.host, settings.admin, settings.log) == (
        "::",
        Admin("::1", 2780),
        Log("console", "debug"),
    )
    assert settings.country_code == "998"
    assert settings.limits == Limits(batch_max=7, drain_s=2.0)
    assert account.ruleset.message_class is MessageClass.CODE
    assert account.ruleset.hours.zone == ZoneInfo("Asia/Urumqi")
    assert account.segments is SegmentsMode.PASS
    assert account.statuses is StatusStyle.STANDARD
    assert account.in_doubt is InDoubtPolicy.RESEND
    assert account.default_alphabet is Alphabet.GBK
    assert account.explain
    assert account.allowed_networks == (ip_network("10.1.0.0/16"), ip_network("2001:db8::1"))
    assert account.source_addrs == ("1069",)
    assert account.throttle == Throttle(0.5, 3)
    assert account.timers == Timers(enquire_link_s=5.0)
    assert account.message_ids is IdForm.HEX
    assert account.receipts == ReceiptFormat(IdForm.HEX, 14, ReceiptTlvs(network_error_code=False))
    assert carrier.notations == Notations(Notation.HEX, Notation.DEC)
    assert carrier.receipt_states == {"BLOCKED": MessageState.REJECTED, "M:00181": MessageState.EXPIRED}
    assert (carrier.receipts_by_text, carrier.unknown_is_final, carrier.one_receipt_a_message) == (
        False,
        True,
        True,
    )
    assert carrier.rate == Throttle(0.0, 1)
    assert carrier.bind_type is BindType.RECEIVER
    assert carrier.temporary_statuses == {0x08, 0x45}
    assert (carrier.receipt_zone, settings.carriers["unicom"].receipt_zone) == (
        ZoneInfo("UTC"),
        ZoneInfo("Asia/Urumqi"),
    )
    assert settings.routes == (Route("bank", "86", ("unicom",), frozenset({0x1401, 0x1500, 0x3FFF})),)


def test_paths_are_relative_to_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "terms.txt").write_text("# 赌\n赌博\n", "utf-8")
    (tmp_path / "etc" / "config.toml").write_text(
        '[gateway]\nstore = "../here.db"\n'
        '[policy.terms]\nobscene_violent.files = ["../terms.txt"]\n' + ACCOUNT + CARRIER + ROUTE,
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    settings = load(Path("etc/config.toml"))
    assert settings.store_path.resolve() == (tmp_path / "here.db").resolve()
    noon = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
    text = "尊敬的客户：欢迎来赌博，回TD退订【中国银行】"
    verdict = verdict_at(settings, "bank-1", text, noon)
    assert isinstance(verdict, Refuse)
    assert verdict.rule == "CONTENT_OBSCENE_VIOLENT"


@pytest.mark.parametrize(
    ("kind", "clause"),
    [
        ("constitution", "六(1)"),
        ("state_security", "六(2)"),
        ("national_honour", "六(3)"),
        ("ethnic_hatred", "六(4)"),
        ("cult", "六(5)"),
        ("rumour", "六(6)"),
        ("obscene_violent", "六(7)"),
        ("defamation", "六(8)"),
        ("unlawful", "六(9)"),
    ],
)
def test_a_kind_of_terms_is_refused_under_its_own_clause(tmp_path: Path, kind: str, clause: str) -> None:
    text = f'[policy.terms]\n{kind}.terms = ["某词"]\n[policy.exceptions]\nterms = ["某某词典"]\n'
    settings = settings_of(tmp_path, text + ACCOUNT + CARRIER + ROUTE)
    noon = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
    verdict = verdict_at(settings, "bank-1", "尊敬的客户：有某词，回TD退订【中国银行】", noon)
    assert isinstance(verdict, Refuse)
    assert (verdict.rule, verdict.clause) == (f"CONTENT_{kind.upper()}", clause)
    excepted = verdict_at(settings, "bank-1", "尊敬的客户：有某某词典，回TD退订【中国银行】", noon)
    assert excepted == Accept()


def test_all_accounts_share_one_content_filter(tmp_path: Path) -> None:
    accounts = ACCOUNT + ACCOUNT.replace('"bank', '"shop')
    settings = settings_of(tmp_path, accounts + CARRIER + ROUTE)
    bank, shop = settings.accounts.values()
    assert bank.ruleset.content is shop.ruleset.content


def test_a_password_in_clear_lets_its_customer_in_and_nobody_else(tmp_path: Path) -> None:
    account = settings_of(tmp_path, ACCOUNT + CARRIER + ROUTE).accounts["bank-1"]
    assert "secret" not in account.password_hash
    assert Passwords().verify(account.password_hash, "secret")
    assert not Passwords().verify(account.password_hash, "Secret")


def test_a_password_hash_is_kept_as_it_stands(tmp_path: Path) -> None:
    written = hash_password("secret")
    text = ACCOUNT.replace('password = "secret"', f'password_hash = "{written}"')
    settings = settings_of(tmp_path, text + CARRIER + ROUTE)
    assert settings.accounts["bank-1"].password_hash == written


def test_the_same_file_gives_equal_settings_at_every_load(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8")
    assert settings_of(tmp_path, text) == settings_of(tmp_path, text)


def test_a_changed_term_is_a_changed_ruleset(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8")
    before = settings_of(tmp_path, text).accounts["demo"].ruleset
    after = settings_of(tmp_path, text.replace("代开发票", "虚开发票")).accounts["demo"].ruleset
    assert before != after
    assert before.version != after.version


def test_an_exception_without_an_offset_is_told_in_the_zone_of_the_gateway(tmp_path: Path) -> None:
    exceptions = """hours.exceptions = [
    { start = 2026-02-10T20:00:00, end = 2026-02-10T21:00:00, note = "十" },
    { start = 2026-02-11T20:00:00Z, note = "十", scope = "code" },
    { note = "十" },
]
"""
    settings = settings_of(tmp_path, ACCOUNT + exceptions + CARRIER + ROUTE)
    local, offset, standing = settings.accounts["bank-1"].ruleset.hours.exceptions
    assert local.start == datetime(2026, 2, 10, 12, tzinfo=UTC)
    assert local.end == datetime(2026, 2, 10, 13, tzinfo=UTC)
    assert (offset.start, offset.end) == (datetime(2026, 2, 11, 20, tzinfo=UTC), None)
    assert offset.scope is MessageClass.CODE
    assert standing.start == datetime(2025, 1, 6, tzinfo=SHANGHAI), "since the contract's date"
    assert (standing.end, standing.scope, standing.note) == (None, None, "十")


def test_a_closure_is_of_whole_days_or_of_times_in_the_zone_of_the_gateway(tmp_path: Path) -> None:
    closed = """hours.closed = [
    { start = 2026-02-16, end = 2026-02-22, note = "春节" },
    { start = 2026-05-01, note = "劳动节", scope = "commercial" },
    { start = 2026-02-10T12:00:00, end = 2026-02-10T13:30:00, note = "十" },
]
"""
    settings = settings_of(tmp_path, ACCOUNT + closed + CARRIER + ROUTE)
    festival, day, noon = settings.accounts["bank-1"].ruleset.hours.closed
    assert festival.start == datetime(2026, 2, 16, tzinfo=SHANGHAI)
    assert (festival.end, festival.note) == (datetime(2026, 2, 23, tzinfo=SHANGHAI), "春节")
    assert (day.start, day.end) == (
        datetime(2026, 5, 1, tzinfo=SHANGHAI),
        datetime(2026, 5, 2, tzinfo=SHANGHAI),
    )
    assert day.scope is MessageClass.COMMERCIAL
    assert (noon.start, noon.end) == (
        datetime(2026, 2, 10, 4, tzinfo=UTC),
        datetime(2026, 2, 10, 5, 30, tzinfo=UTC),
    )


def test_sources_may_be_throttled_and_units_capped(tmp_path: Path) -> None:
    more = """throttle_per_source = { rate_per_s = 2, burst = 5 }
caps = { units_per_day = 10, units_per_month = 100 }
"""
    account = settings_of(tmp_path, ACCOUNT + more + CARRIER + ROUTE).accounts["bank-1"]
    assert (account.throttle_per_source, account.caps) == (Throttle(2.0, 5), Caps(10, 100))
    plain = settings_of(tmp_path, ACCOUNT + CARRIER + ROUTE).accounts["bank-1"]
    assert (plain.throttle_per_source, plain.caps) == (None, None)


@pytest.mark.parametrize("written", ['"09:30"', '"09:30:00"', "09:30:00"])
def test_a_time_of_day_is_text_or_toml_s_own(tmp_path: Path, written: str) -> None:
    settings = settings_of(tmp_path, ACCOUNT + f"hours.open = {written}\n" + CARRIER + ROUTE)
    assert settings.accounts["bank-1"].ruleset.hours.open == time(9, 30)


def test_port_0_means_no_admin_port(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[admin]\nport = 0\n" + ACCOUNT + CARRIER + ROUTE).admin is None


def test_a_byte_order_mark_is_forgiven(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "\ufeff" + ACCOUNT + CARRIER + ROUTE).node == 0


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert [problem.path for problem in caught.value.problems] == [str(path)]


def test_problems_keep_the_order_of_the_tables_and_name_their_owner(tmp_path: Path) -> None:
    accounts = [ACCOUNT.replace('"bank', f'"bank{n}').replace('"secret"', '""') for n in range(12)]
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, "".join(accounts) + CARRIER + ROUTE)
    found = [(problem.path, problem.owner) for problem in caught.value.problems]
    assert found == [(f"accounts[{n}].password", f"bank{n}") for n in range(12)]


def test_a_carrier_with_a_mistake_is_still_a_carrier_that_routes_may_name(tmp_path: Path) -> None:
    assert list(problems_of(tmp_path, ACCOUNT + CARRIER + "window_max = 0\n" + ROUTE)) == [
        "carriers[0].window_max"
    ]


def test_receipts_may_go_without_tlvs(tmp_path: Path) -> None:
    text = ACCOUNT + "receipts.tlvs = false\n" + CARRIER + ROUTE
    assert settings_of(tmp_path, text).accounts["bank-1"].receipts == ReceiptFormat(tlvs=None)


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        ('{ BLOCKED = "REJECTD" }', "is not a state of SMPP"),
        ("{ BLOCKED = 8 }", "is not a state of SMPP"),
        ('{ "NOT DELIVERED" = "REJECTED" }', "must be one word"),
        ('{ "" = "REJECTED" }', "must not be empty"),
        ('["BLOCKED"]', "must be a table"),
    ],
)
def test_a_state_of_a_carriers_own_that_cannot_be_is_a_problem(
    tmp_path: Path, states: str, problem: str
) -> None:
    problems = problems_of(tmp_path, ACCOUNT + CARRIER + f"receipt_states = {states}\n" + ROUTE)
    ((place, message),) = problems.items()
    assert place.startswith("carriers[0].receipt_states")
    assert message.startswith(problem)


@pytest.mark.parametrize(
    "mistake",
    [
        'password = "hunter2-too-long"',
        'password = "hunter2"\npassword_hash = "hunter2"',
        'password = ["hunter2"]',
        'password_hash = "$argon2id$hunter2"',
        'pasword = "hunter2"',
        'password = "hunter2',
    ],
)
def test_no_problem_repeats_a_password(tmp_path: Path, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, ACCOUNT.replace('password = "secret"', mistake) + CARRIER + ROUTE)
    assert "hunter2" not in repr(caught.value.problems)
    assert "hunter2" not in str(caught.value)
