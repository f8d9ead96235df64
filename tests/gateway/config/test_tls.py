"""What the configuration says about connections: TLS, proxies, versions, and what to think over."""

from __future__ import annotations

import resource
from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization

from gateway import open_files
from gateway.cli import main
from gateway.config.loading import load
from gateway.config.problem import ConfigError
from gateway.config.warnings import warnings
from gateway.settings import (
    BindErrors,
    BindType,
    CarrierTls,
    ClientCertificate,
    InterfaceVersion,
    Listen,
    ListenTls,
    Settings,
)
from tests.certificates import Authority
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def load_text(folder: Path, head: str = "", account: str = "", carrier: str = "") -> Settings:
    path = folder / "config.toml"
    path.write_text(f"{head}\n{ACCOUNT}{account}\n{CARRIER}{carrier}\n{ROUTE}", "utf-8")
    return load(path)


def problems(folder: Path, head: str = "", account: str = "", carrier: str = "") -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, head, account, carrier)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_a_port_for_tls_stands_beside_the_plain_one_or_instead(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("gateway")
    head = f"""[listen]
plain = false
session_init_s = 3
bind_errors = "uniform"
proxy_networks = ["10.0.0.0/8", "::1"]
[listen.tls]
port = 3550
certificate = "{own.certificate}"
key = "{own.key}"
client_ca = "{authority.file}"
client_certificate = "required"
"""
    tls = ListenTls(3550, own.certificate, own.key, authority.file, ClientCertificate.REQUIRED)
    networks = (ip_network("10.0.0.0/8"), ip_network("::1"))
    settings = load_text(tmp_path, head, 'tls = true\nclient_certificate = "bank.example"\n')
    assert settings.listen == Listen(
        "127.0.0.1", 2775, 1000, 100, 3.0, BindErrors.UNIFORM, networks, tls, plain=False
    )
    account = settings.accounts["bank-1"]
    assert (account.tls, account.client_certificate) == (True, "bank.example")


def test_a_carrier_is_plain_3_4_unless_it_says_otherwise(tmp_path: Path, authority: Authority) -> None:
    carrier = load_text(tmp_path).carriers["mobile"]
    assert (carrier.tls, carrier.interface_version) == (None, InterfaceVersion.V34)
    carrier = load_text(tmp_path, carrier="tls = {}\n").carriers["mobile"]
    assert carrier.tls == CarrierTls(None, None, None, None)
    own = authority.issue("us")
    more = f'tls = {{ ca = "{authority.file}", {own.table}, server_name = "smsc.example" }}\n'
    more += 'interface_version = "5.0"\nbind_type = "pair"\n'
    carrier = load_text(tmp_path, carrier=more).carriers["mobile"]
    assert carrier.tls == CarrierTls(authority.file, own.certificate, own.key, "smsc.example")
    assert (carrier.interface_version, carrier.bind_type) == (InterfaceVersion.V50, BindType.PAIR)


def test_the_octets_of_versions_are_those_of_the_specification() -> None:
    assert [version.octet for version in InterfaceVersion] == [0x33, 0x34, 0x50]


class TestFiles:
    def written(self, folder: Path, name: str, octets: bytes) -> Path:
        path = folder / name
        path.write_bytes(octets)
        return path

    def listen(self, certificate: Path, key: Path, more: str = "") -> str:
        return f'[listen.tls]\nport = 3550\ncertificate = "{certificate}"\nkey = "{key}"\n{more}'

    def test_that_are_missing(self, tmp_path: Path) -> None:
        head = self.listen(Path("no.pem"), Path("no.key"), 'client_ca = "neither.pem"\n')
        missing = "cannot be read: No such file or directory"
        assert problems(tmp_path, head) == {
            "listen.tls.certificate": missing,
            "listen.tls.key": missing,
            "listen.tls.client_ca": missing,
        }

    def test_that_are_something_else(self, tmp_path: Path, authority: Authority) -> None:
        own = authority.issue("gateway")
        none = "has no certificate in it (PEM)"
        assert problems(tmp_path, self.listen(own.key, own.key)) == {"listen.tls.certificate": none}
        assert problems(tmp_path, self.listen(own.certificate, own.certificate)) == {
            "listen.tls.key": "has no private key in it (PEM) that goes with the certificate"
        }

    def test_that_do_not_belong_together(self, tmp_path: Path, authority: Authority) -> None:
        own, other = authority.issue("gateway"), authority.issue("other")
        told = "is not the key of the certificate"
        assert problems(tmp_path, self.listen(own.certificate, other.key)) == {"listen.tls.key": told}
        more = f'tls = {{ certificate = "{own.certificate}", key = "{other.key}" }}\n'
        assert problems(tmp_path, carrier=more) == {"carriers[0].tls.key": told}

    def test_that_need_a_password(self, tmp_path: Path, authority: Authority) -> None:
        own = authority.issue("gateway")
        key = serialization.load_pem_private_key(own.key.read_bytes(), None)
        encrypted = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"geheim"),
        )
        head = self.listen(own.certificate, self.written(tmp_path, "key", encrypted))
        assert problems(tmp_path, head) == {
            "listen.tls.key": "is encrypted, and nobody is there to tell the password"
        }

    def test_whose_key_is_never_repeated(self, tmp_path: Path, authority: Authority) -> None:
        own, other = authority.issue("gateway"), authority.issue("other")
        with pytest.raises(ConfigError) as caught:
            load_text(tmp_path, self.listen(own.certificate, other.key))
        secret = other.key.read_text().splitlines()[1]
        assert secret not in repr(caught.value.problems)
        assert secret not in repr(load_text(tmp_path, self.listen(own.certificate, own.key)))


@pytest.mark.parametrize(
    ("head", "account", "carrier", "told"),
    [
        ("[listen]\nplain = false", "", "", {"listen.plain": "needs tls beside it, or nobody can connect"}),
        ("", "tls = true", "", {"accounts[0].tls": "needs listen.tls, the port for TLS"}),
        (
            "",
            'client_certificate = "bank"',
            "",
            {"accounts[0].client_certificate": "needs listen.tls.client_ca"},
        ),
        ("", "", 'tls = { certificate = "{own}" }', {"carriers[0].tls.key": "is missing"}),
        ("", "", 'tls = { key = "{key}" }', {"carriers[0].tls.key": "needs a certificate beside it"}),
        (
            "",
            "",
            'interface_version = "3.3"\nlong_messages = "sar"',
            {"carriers[0].interface_version": "has no optional parameters, which long_messages sar needs"},
        ),
        (
            "[listen.tls]\nport = 2775\n{pair}",
            "",
            "",
            {"listen.tls.port": "is that of listen.port too"},
        ),
        (
            "[listen.tls]\nport = 2780\n{pair}",
            "",
            "",
            {"admin.port": "is that of listen.tls.port too"},
        ),
        (
            '[listen.tls]\nport = 3550\n{pair}client_certificate = "required"',
            "",
            "",
            {
                "listen.tls.client_certificate": (
                    "needs client_ca beside it, the authorities that made the certificates"
                )
            },
        ),
    ],
)
def test_what_does_not_go_together_is_told(
    tmp_path: Path, authority: Authority, head: str, account: str, carrier: str, told: dict[str, str]
) -> None:
    own = authority.issue("gateway")
    pair = f'certificate = "{own.certificate}"\nkey = "{own.key}"\n'
    head = head.replace("{pair}", pair)
    carrier = carrier.replace("{own}", str(own.certificate)).replace("{key}", str(own.key))
    assert problems(tmp_path, head, account + "\n", carrier + "\n") == told


def test_a_closed_plain_port_may_be_somebody_elses(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("gateway")
    head = f"[listen]\nplain = false\n[listen.tls]\nport = 2775\n{own.table.replace(', ', chr(10))}\n"
    assert load_text(tmp_path, head).listen.tls is not None


def test_any_free_port_is_no_port_of_anybodys(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("gateway")
    pair = own.table.replace(", ", "\n")
    head = f"[listen]\nport = 0\n[listen.tls]\nport = 0\n{pair}\n[admin]\nport = 0\n"
    assert load_text(tmp_path, head).listen.port == 0


class TestWarnings:
    def test_of_more_connections_than_the_system_allows(self, tmp_path: Path) -> None:
        settings = load_text(tmp_path)
        files = open_files.wanted(settings)
        assert files > settings.listen.connections_max
        assert list(warnings(settings, files, TODAY)) == []
        (warning,) = warnings(settings, files - 1, TODAY)
        assert (warning.path, f"needs {files} " in warning.message) == ("listen.connections_max", True)

    def test_count_what_proxies_and_carriers_take(self, tmp_path: Path) -> None:
        settings = load_text(tmp_path, carrier='bind_type = "pair"\nbinds = 3\n')
        alone = open_files.wanted(load_text(tmp_path))
        assert open_files.wanted(settings) == alone + 5
        proxied = replace(settings.listen, proxy_networks=(ip_network("10.0.0.0/8"),))
        assert open_files.wanted(replace(settings, listen=proxied)) == alone + 5 + 1000

    def test_of_an_account_that_can_fill_the_intake(self, tmp_path: Path) -> None:
        head = "[limits]\nintake_max = 400\n"
        assert list(warnings(load_text(tmp_path, head), 10_000, TODAY)) == []
        (warning,) = warnings(load_text(tmp_path, head, "binds_max = 5\n"), 10_000, TODAY)
        assert (warning.path, warning.owner) == ("accounts[0].window_max", "bank")

    def test_are_told_by_signet_check_and_are_no_problems(self, tmp_path: Path) -> None:
        load_text(tmp_path, "[limits]\nintake_max = 399\n")
        result = CliRunner().invoke(main, ["check", "-c", str(tmp_path / "config.toml")])
        assert result.exit_code == 0
        assert result.stderr.splitlines()[0].endswith("config.toml: 1 warning")
        assert "accounts[0].window_max (bank) times binds_max is 400" in result.stderr
        assert "no problems" in result.stdout


def test_this_process_may_have_as_many_files_open_as_it_needs() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        soft = min(before[0], 512)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
        open_files.allow(soft - 1)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft
        open_files.allow(soft + 1)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft + 1
        open_files.allow(2**40)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_summary_of_signet_check_names_the_ports_with_tls(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("gateway")
    head = f"[listen.tls]\nport = 3550\n{own.table.replace(', ', chr(10))}\n"
    load_text(tmp_path, head, carrier="tls = {}\n")
    result = CliRunner().invoke(main, ["check", "-c", str(tmp_path / "config.toml")])
    assert "127.0.0.1:2775, 127.0.0.1:3550 with TLS" in result.stdout
    assert "smsc.example.net:2775 with TLS as" in result.stdout
