from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from sqlalchemy import Engine
from structlog.testing import capture_logs
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread

from gateway.passwords import Passwords
from gateway.settings import ClientCertificate, ListenTls
from gateway.store.engine import open_engine
from ledger import sql
from ledger.lots import Lot
from ledger.standing import move, open_account
from ledger.states import AccountState
from smpp.commands import CommandId
from tests.certificates import Authority, trusting
from tests.gateway.account_page.page_side import Answer, Page, basic, until
from tests.gateway.broadcasting import hand_in
from tests.gateway.carriers.samples import NOON
from tests.gateway.customers.samples import TEXT, a_customer
from tests.gateway.customers.test_binds import FakeCaller, a_bind
from tests.gateway.test_admin import in_reactor

Make = Callable[..., Page]
BANK = a_customer()
SHOP = replace(BANK, name="shop", system_id="shop")


@pytest.fixture
def database(path: Path) -> Iterator[Engine]:
    engine = open_engine(path)
    with engine.begin() as connection:
        for lot_id, account in enumerate(("bank", "shop"), 1):
            units = 100 * lot_id
            sql.topup(connection, Lot(lot_id, account, units, 250, f"{account}'s", int(NOON * 1000)))
            open_account(connection, account, int(NOON * 1000))
    yield engine
    engine.dispose()


@pytest.fixture
def make(path: Path, database: Engine) -> Iterator[Make]:
    """Makes pages on the database."""
    pages: list[Page] = []

    def page(*args: Any, **kwargs: Any) -> Page:
        pages.append(Page(path, *args, **kwargs))
        return pages[-1]

    yield page
    for each in pages:
        pytest_twisted.blockon(Deferred.fromCoroutine(each.close()))


@pytest.fixture
def page(make: Make) -> Page:
    return make([BANK, SHOP])


def told(answer: Answer) -> Any:
    assert (answer.code, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.text)


class TestACustomer:
    @in_reactor
    async def test_is_told_what_it_holds(self, page: Page) -> None:
        shown = told(await page.ask())
        assert shown["account"] == "bank"
        assert (shown["customer"], shown["operator"]) == ("Bank", "Operator")
        assert (shown["state"], shown["state_since"]) == ("OPEN", "2026-03-04T12:00:00+08:00")
        balance = {"topped_up": 100, "remaining": 100, "held": 0, "settled": 0, "returned": 0}
        assert shown["balance"] == balance
        assert shown["lots"] == [
            {
                "paid_at": "2026-03-04T12:00:00+08:00",
                "reference": "bank's",
                "units": 100,
                "left": 100,
                "amount_fen": 250,
                "fen_a_unit": 2.5,
            }
        ]

    @in_reactor
    async def test_is_told_nothing_of_others(self, page: Page, database: Engine) -> None:
        hand_in(database, 3, account="shop")
        await bound(page, "shop")
        mine, others = await page.ask(), await page.ask(basic("shop"))
        assert (told(mine)["binds"], told(mine)["broadcasts"]) == ([], [])
        assert "shop" not in mine.text
        assert told(others)["account"] == "shop"
        assert (len(told(others)["binds"]), len(told(others)["broadcasts"])) == (1, 1)

    @in_reactor
    async def test_sees_its_binds(self, page: Page) -> None:
        await bound(page, "bank", "192.0.2.9")
        assert told(await page.ask())["binds"] == [
            {"kind": "transceiver", "address": "192.0.2.9", "since": "2026-03-04T12:00:00+08:00"}
        ]

    @in_reactor
    async def test_sees_how_far_its_broadcasts_are_but_not_their_text(
        self, page: Page, database: Engine
    ) -> None:
        hand_in(database, 3)
        answer = await page.ask()
        (broadcast,) = told(answer)["broadcasts"]
        assert (broadcast["state"], broadcast["recipients"], broadcast["not_yet_sent"]) == ("READY", 3, 3)
        assert TEXT not in answer.text

    @pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.TERMINATED])
    @in_reactor
    async def test_may_look_when_it_may_not_send(
        self, page: Page, database: Engine, state: AccountState
    ) -> None:
        with database.begin() as connection:
            move(connection, "bank", state, int(NOON * 1000), "a reason")
        assert told(await page.ask())["state"] == state.name

    @in_reactor
    async def test_may_look_before_and_after_its_contract(self, make: Make) -> None:
        contract = BANK.contract
        days = replace(contract, signed_on=contract.signed_on.replace(year=2030))
        page = make([replace(BANK, contract=days)])
        assert told(await page.ask())["signed_on"] == "2030-01-01"


async def bound(page: Page, system_id: str, host: str = "192.0.2.9") -> None:
    """A bind of an account."""
    bind = replace(a_bind(system_id), command_id=CommandId.BIND_TRANSCEIVER)
    _, refusal = await page.binds.admit(bind, FakeCaller(host))
    assert refusal is None


class TestThePage:
    @in_reactor
    async def test_is_html_for_those_who_read_it(self, page: Page) -> None:
        answer = await page.ask(basic() | {"Accept": "application/xhtml+xml, text/html;q=0.9"})
        assert (answer.code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.text.startswith("<!DOCTYPE html>")
        assert "剩余可发" in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "text/htmlish"])
    @in_reactor
    async def test_is_json_for_all_others(self, page: Page, accept: str) -> None:
        assert told(await page.ask(basic() | {"Accept": accept}))["account"] == "bank"

    @in_reactor
    async def test_writes_what_others_named_as_text(self, make: Make) -> None:
        contract = replace(BANK.contract, customer="<b>Bank</b>", operator='"&<script>')
        page = make([replace(BANK, contract=contract)])
        answer = await page.ask(basic() | {"Accept": "text/html"})
        assert "&lt;b&gt;Bank&lt;/b&gt;" in answer.text
        assert "&quot;&amp;&lt;script&gt;" in answer.text
        assert "<b>" not in answer.text
        assert "<script" not in answer.text

    @in_reactor
    async def test_is_kept_by_nobody(self, page: Page) -> None:
        assert (await page.ask()).headers["cache-control"] == "no-store"

    @in_reactor
    async def test_has_a_head_of_its_own(self, page: Page) -> None:
        whole, head = await page.ask(), await page.ask(method="HEAD")
        assert (head.code, head.text) == (200, "")
        assert head.headers["content-length"] == str(len(whole.text.encode()))

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
    @in_reactor
    async def test_cannot_be_changed(self, page: Page, method: str) -> None:
        answer = await page.ask(method=method)
        assert (answer.code, answer.headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("where", ["/", "/account/", "/account/shop", "/metrics"])
    @in_reactor
    async def test_is_the_only_one(self, page: Page, where: str) -> None:
        assert (await page.ask(path=where)).code == 404

    @in_reactor
    async def test_is_told_from_a_store_that_fails(self, page: Page) -> None:
        def fail(work: object) -> Deferred[Any]:
            raise ZeroDivisionError

        page.read = fail
        assert (await page.ask()).code == 503

    @in_reactor
    async def test_is_told_from_a_check_of_passwords_that_fails(
        self, page: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> bool:
            raise ZeroDivisionError

        monkeypatch.setattr(Passwords, "verify", fail)
        assert (await page.ask()).code == 503


class TestWhoDoesNotPass:
    @in_reactor
    async def test_is_asked_who_it_is(self, page: Page) -> None:
        answer = await page.ask({})
        assert (answer.code, answer.headers["www-authenticate"]) == (
            401,
            'Basic realm="Signet", charset="UTF-8"',
        )

    @in_reactor
    async def test_is_not_told_whether_there_is_such_an_account(self, page: Page) -> None:
        wrong = await page.refused(basic(password="wrong"))
        unknown = await page.refused(basic("nobody"))
        broken = await page.refused({"Authorization": "Basic !"})
        for answer in (wrong, unknown, broken):
            assert answer.code == 401
            assert {**answer.headers, "date": ""} == {**wrong.headers, "date": ""}
            assert answer.text == wrong.text

    @in_reactor
    async def test_is_whoever_comes_from_elsewhere(self, make: Make) -> None:
        page = make([replace(BANK, allowed_networks=(ip_network("127.0.0.2"),))])
        elsewhere = await page.refused(basic())
        from_there = await page.ask(source="127.0.0.2")
        assert (elsewhere.code, from_there.code) == (401, 200)

    @in_reactor
    async def test_has_so_many_tries_with_binds_and_here_together(self, page: Page) -> None:
        for _ in range(5):
            await page.refused(basic(password="wrong"))
            await page.binds.admit(a_bind(password="wrong"), FakeCaller("127.0.0.1"))
        _, refusal = await page.binds.admit(a_bind(), FakeCaller("127.0.0.1"))
        assert refusal == "PASSWORD_UNCHECKED"
        assert (await page.refused(basic())).code == 401
        assert told(await page.ask(source="127.0.0.2"))["account"] == "bank"

    @in_reactor
    async def test_may_leave_before_it_is_told(self, page: Page) -> None:
        asked = await deferToThread(connected, page, basic(password="wrong"))
        await until(lambda: 1.0 in page.timers())
        asked.close()
        await until(lambda: len(page.page) == 0)
        assert page.timers() == []


class TestBehindAProxy:
    LINE = "PROXY TCP4 192.0.2.9 192.0.2.1 4000 2781\r\n"

    def page(self, make: Make) -> Page:
        account = replace(BANK, allowed_networks=(ip_network("192.0.2.9"),))
        return make([account], proxy_networks=(ip_network("127.0.0.1"),))

    @in_reactor
    async def test_it_is_the_customer_that_asks(self, make: Make) -> None:
        page = self.page(make)
        asked = await deferToThread(connected, page, basic(), proxy=self.LINE)
        assert (await deferToThread(said, asked)).startswith(b"HTTP/1.1 200")

    @in_reactor
    async def test_nobody_else_chooses_an_address(self, make: Make) -> None:
        page = self.page(make)
        refused = await page.refused(basic() | {"X-Forwarded-For": "192.0.2.9"}, source="127.0.0.2")
        assert refused.code == 401


class TestWhatIsTooMuch:
    @in_reactor
    async def test_an_account_has_ten_requests_and_then_one_a_second(self, page: Page) -> None:
        codes = [(await page.ask()).code for _ in range(11)]
        assert codes == [200] * 10 + [429]
        assert (await page.ask(basic("shop"))).code == 200
        page.time.advance(1.0)
        assert [(await page.ask()).code for _ in range(2)] == [200, 429]

    @in_reactor
    async def test_a_request_that_never_ends_is_cut_off(self, page: Page) -> None:
        asked = await deferToThread(connected, page, {}, "GET /account HTTP/1.1\r\nX: ")
        await until(lambda: len(page.page) == 1)
        page.time.advance(9.0)
        asked.send(b"more")
        page.time.advance(1.0)
        assert await deferToThread(said, asked) == b""
        await until(lambda: len(page.page) == 0)

    @pytest.mark.parametrize("head", ["POST /account HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "X" * 9])
    @in_reactor
    async def test_a_request_that_is_too_long_is_cut_off(self, page: Page, head: str) -> None:
        asked = await deferToThread(connected, page, {}, head)
        with suppress(OSError):
            await deferToThread(asked.sendall, b"x" * 20_000)
        assert not (await deferToThread(said, asked)).startswith(b"HTTP/1.1 200")
        await until(lambda: len(page.page) == 0)

    @in_reactor
    async def test_a_request_that_cannot_be_read_is_cut_off(self, page: Page) -> None:
        head = f"POST /account HTTP/1.1\r\nContent-Length: {'9' * 5000}\r\n\r\n"
        with capture_logs() as logs:
            asked = await deferToThread(connected, page, {}, head)
            assert await deferToThread(said, asked) == b""
        dropped = [(each["event"], each["log_level"], each["peer"]) for each in logs]
        assert dropped == [("connection.dropped", "warning", "127.0.0.1")]
        assert page.timers() == []

    @in_reactor
    async def test_what_comes_with_a_request_needs_no_file(
        self, page: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise OSError("no space left")

        monkeypatch.setattr(tempfile, "TemporaryFile", fail)
        request = "POST /account HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        asked = await deferToThread(connected, page, {}, request)
        assert (await deferToThread(said, asked)).startswith(b"HTTP/1.1 405")

    @in_reactor
    async def test_who_left_before_it_was_known_costs_no_read(
        self, page: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks: list[Deferred[bool]] = []
        reads: list[object] = []

        def read(work: object) -> Deferred[Any]:
            reads.append(work)
            raise ZeroDivisionError

        def check(_: object) -> Deferred[bool]:
            checks.append(Deferred())
            return checks[0]

        monkeypatch.setattr(page.checks, "_in_thread", check)
        page.read = read
        asked = await deferToThread(connected, page, basic())
        await until(lambda: checks)
        asked.close()
        await until(lambda: len(page.page) == 0)
        checks[0].callback(True)
        assert reads == []

    @in_reactor
    async def test_an_address_has_so_many_connections(self, make: Make) -> None:
        page = make(connections_max=3, connections_per_address_max=2)
        held = [(await deferToThread(connected, page, {}, "GET")) for _ in range(3)]
        (await until(lambda: len(page.page) == 2))
        assert (await deferToThread(said, held[2])) == b""
        assert (await page.ask(source="127.0.0.2")).code == 200
        for one in held:
            one.close()

    @in_reactor
    async def test_the_oldest_that_does_nothing_makes_room(self, make: Make) -> None:
        page = make(connections_max=2)
        held = [(await deferToThread(connected, page, {}, "GET")) for _ in range(2)]
        await until(lambda: len(page.page) == 2)
        assert (await page.ask()).code == 200
        assert (await deferToThread(said, held[0])) == b""
        assert len(page.page) == 1
        held[1].close()

    def test_who_makes_room_counts_no_more_before_it_has_gone(self, make: Make) -> None:
        page = make(connections_max=1)
        for _ in range(2):
            channel = page.page.buildProtocol(IPv4Address("TCP", "192.0.2.9", 4000))
            channel.makeConnection(StringTransport())  # type: ignore[no-untyped-call]  # Twisted's
            assert len(page.page) == 1

    @in_reactor
    async def test_nobody_whose_answer_is_under_way_makes_room(self, make: Make) -> None:
        page = make(connections_max=1)
        reading: Deferred[Any] = Deferred()
        page.read = lambda work: reading
        asked = await deferToThread(connected, page, basic())
        await until(lambda: len(page.page._overviews) == 1)
        another = await deferToThread(connected, page, basic())
        assert (await deferToThread(said, another)) == b""
        reading.errback(OSError())
        assert (await deferToThread(said, asked)).startswith(b"HTTP/1.1 503")

    @in_reactor
    async def test_a_connection_has_one_request(self, page: Page) -> None:
        asked = await deferToThread(connected, page, {}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        assert (await deferToThread(said, asked)).count(b"HTTP/1.1 404") == 1


def connected(page: Page, headers: dict[str, str], head: str = "", proxy: str = "") -> socket.socket:
    """A connection with the beginning of a request, or all of it."""
    client = socket.create_connection(("127.0.0.1", page.port), timeout=5)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    client.sendall(proxy.encode() + (head or f"GET /account HTTP/1.1\r\nHost: x\r\n{lines}\r\n").encode())
    return client


def said(client: socket.socket) -> bytes:
    """All that comes until the end of the connection."""
    octets = b""
    with client, suppress(ConnectionResetError):
        while more := client.recv(65_536):
            octets += more
    return octets


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def listen(self, authority: Authority) -> ListenTls:
        own = authority.issue("gateway", "127.0.0.1")
        return ListenTls(0, own.certificate, own.key, authority.file, ClientCertificate.OPTIONAL)

    @in_reactor
    async def test_carries_the_page(self, make: Make, authority: Authority) -> None:
        page = make([replace(BANK, tls=True)], self.listen(authority))
        answer = await page.ask(trust=trusting(authority))
        assert told(answer)["account"] == "bank"

    @in_reactor
    async def test_is_agreed_on_as_http_1_1_whatever_else_is_installed(
        self, make: Make, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("twisted.web.http.H2_ENABLED", True)
        page = make([BANK], self.listen(authority))
        client = trusting(authority)
        client.set_alpn_protocols(["h2", "http/1.1"])

        def agreed() -> str | None:
            with (
                socket.create_connection(("127.0.0.1", page.port), timeout=5) as plain,
                client.wrap_socket(plain, server_hostname="127.0.0.1") as own,
            ):
                return own.selected_alpn_protocol()

        assert await deferToThread(agreed) == "http/1.1"
        await until(lambda: len(page.page) == 0)

    @in_reactor
    async def test_is_asked_for_where_the_account_binds_with_it_only(self, make: Make) -> None:
        page = make([replace(BANK, tls=True)])
        answer = await page.refused(basic())
        assert answer.code == 401

    @in_reactor
    async def test_shows_the_certificate_that_an_account_must_have(
        self, make: Make, authority: Authority
    ) -> None:
        page = make([replace(BANK, client_certificate="bank.example")], self.listen(authority))
        without = trusting(authority)
        refused = await page.refused(basic(), trust=without)
        own = trusting(authority, authority.issue("bank.example"))
        shown = await page.ask(trust=own)
        assert (refused.code, shown.code) == (401, 200)


class TestTheStop:
    @in_reactor
    async def test_cuts_what_is_open(self, make: Make) -> None:
        page = make()
        asked = await deferToThread(connected, page, {}, "GET")
        await until(lambda: len(page.page) == 1)
        await page.close()
        assert await deferToThread(said, asked) == b""
        assert page.timers() == []

    @in_reactor
    async def test_waits_for_what_is_read(self, make: Make) -> None:
        page = make()
        reading: Deferred[Any] = Deferred()
        page.read = lambda work: reading
        asked = await deferToThread(connected, page, basic())
        await until(lambda: len(page.page._overviews) == 1)
        closing = Deferred.fromCoroutine(page.close())
        assert await deferToThread(said, asked) == b""
        assert not closing.called
        with capture_logs() as logs:
            reading.errback(ZeroDivisionError())
            await closing
        assert [each["event"] for each in logs] == ["account_page.failed"]


@in_reactor
async def test_what_is_answered_is_counted(make: Make) -> None:
    page = make()
    for headers in (basic(), {}, basic()):
        (await page.ask(headers))
    assert page.metrics.account_pages == {"200": 2, "401": 1}
