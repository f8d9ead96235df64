"""What the configuration says about the page on which customers look at their accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import open_files
from gateway.cli import main
from gateway.config.warnings import warnings
from gateway.settings import Listen, ListenTls
from tests.certificates import Authority
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, settings_of
from tests.gateway.config.test_tls import load_text, problems

FILES = 100_000
TODAY = date(2026, 3, 4)


def test_without_its_table_there_is_none(tmp_path: Path) -> None:
    assert load_text(tmp_path).account_page is None


def test_with_its_table_it_is_on_this_machine(tmp_path: Path) -> None:
    assert load_text(tmp_path, "[account_page]\n").account_page == Listen("127.0.0.1", 2781, 100, 10)


def test_it_has_tls_and_proxies_as_binds_have(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("gateway")
    head = f"""[account_page]
host = "0.0.0.0"
plain = false
connections_max = 7
connections_per_address_max = 2
session_init_s = 3
proxy_networks = ["10.0.0.0/8"]
tls = {{ port = 2782, {own.table} }}
"""
    tls = ListenTls(2782, own.certificate, own.key)
    networks = (ip_network("10.0.0.0/8"),)
    assert load_text(tmp_path, head).account_page == Listen(
        "0.0.0.0", 2781, 7, 2, 3.0, proxy_networks=networks, tls=tls, plain=False
    )


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("[account_page]\nport = 2775\n", {"account_page.port": "is that of listen.port too"}),
        ("[admin]\nport = 2781\n[account_page]\n", {"admin.port": "is that of account_page.port too"}),
        (
            "[account_page]\nplain = false\n",
            {"account_page.plain": "needs tls beside it, or nobody can connect"},
        ),
        ('[account_page]\nbind_errors = "exact"\n', {"account_page.bind_errors": "is not a known key"}),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path: Path, head: str, told: dict[str, str]) -> None:
    assert problems(tmp_path, head) == told


def test_ports_of_its_own_may_be_taken_where_it_is_off(tmp_path: Path) -> None:
    assert load_text(tmp_path, "[admin]\nport = 2781\n").admin is not None


@pytest.mark.parametrize(
    ("host", "warns"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True), ("192.0.2.1", True)]
)
def test_passwords_in_clear_are_told_of(tmp_path: Path, host: str, warns: bool) -> None:
    page = f'[account_page]\nhost = "{host}"\n'
    found = list(warnings(settings_of(tmp_path, page + ACCOUNT + CARRIER + ROUTE), FILES, TODAY))
    assert [problem.path for problem in found] == (["account_page.host"] if warns else [])


def test_a_page_over_tls_alone_is_not(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("gateway")
    page = f'[account_page]\nhost = "0.0.0.0"\nplain = false\ntls = {{ port = 2782, {own.table} }}\n'
    assert list(warnings(settings_of(tmp_path, page + ACCOUNT + CARRIER + ROUTE), FILES, TODAY)) == []


@pytest.mark.parametrize(("page", "warned"), [("[account_page]\n", ["accounts[0].system_id"]), ("", [])])
def test_a_name_that_no_visitor_can_give_is_told_of(tmp_path: Path, page: str, warned: list[str]) -> None:
    settings = settings_of(tmp_path, page + ACCOUNT + CARRIER + ROUTE)
    accounts = {"a:b": replace(next(iter(settings.accounts.values())), system_id="a:b")}
    found = warnings(replace(settings, accounts=accounts), FILES, TODAY)
    assert [problem.path for problem in found] == warned


def test_its_connections_are_open_files_too(tmp_path: Path) -> None:
    settings = load_text(tmp_path, "[account_page]\n")
    alone = open_files.wanted(replace(settings, account_page=None))
    assert open_files.wanted(settings) == alone + 100


def test_signet_check_names_its_port(tmp_path: Path) -> None:
    for head, words in (("[account_page]\n", "127.0.0.1:2781"), ("", "off")):
        load_text(tmp_path, head)
        result = CliRunner().invoke(main, ["check", "-c", str(tmp_path / "config.toml")])
        assert ["account", "page", words] in [line.split() for line in result.stdout.splitlines()]
