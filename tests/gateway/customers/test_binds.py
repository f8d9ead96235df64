from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from twisted.internet.defer import Deferred, execute, fail, succeed

from gateway.clock import StatedClock
from gateway.customers.binds import Binds
from gateway.customers.password_checks import InThread, PasswordChecks
from gateway.passwords import Passwords
from gateway.ports import CommitUnknown, StoreClosed, StoreUnable
from gateway.settings import Account
from gateway.statuses import GatewayError
from ledger.states import AccountState
from policy.clauses import ACCOUNT_NOT_OPEN, ACCOUNT_SUSPENDED
from smpp.address import Address
from smpp.commands import CommandId
from smpp.pdu import Bind
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.carriers.samples import LIMITS, NOON, ZONE
from tests.gateway.customers.checks import HeldChecks
from tests.gateway.customers.customer_side import CustomerSide
from tests.gateway.customers.samples import PASSWORD, a_customer, bank_bind
from tests.gateway.raw_pdus import BIND_TRANSMITTER

BANK = a_customer()
HOST = "192.0.2.9"


def a_bind(system_id: str = "bank", password: str = PASSWORD) -> Bind:
    return Bind(9, system_id, password, "", 0x34, Address(0, 0, ""))


@dataclass(eq=False)
class FakeCaller:
    """A connection that asks to be bound."""

    host: str = HOST
    certificate_names: frozenset[str] | None = None
    is_overdue: bool = False
    evicted: bool = False

    def evict(self) -> None:
        self.evicted = True


class Door:
    """Binds with the account "bank" at an instant, and what they answered."""

    def __init__(self, account: Account = BANK, check_in: InThread = execute, now: float = NOON) -> None:
        clock = StatedClock(now, lambda: 0.0)
        checks = PasswordChecks(Passwords(), check_in, clock.monotonic, LIMITS, 100)
        self.state: AccountState | Exception = AccountState.OPEN
        self.asked: list[str] = []
        self.binds = Binds({"bank": account}, ZONE, clock, checks, self.state_of)

    def state_of(self, account: str) -> Deferred[AccountState]:
        self.asked.append(account)
        return fail(self.state) if isinstance(self.state, Exception) else succeed(self.state)

    def knock(
        self, bind: Bind, host: str = HOST, caller: FakeCaller | None = None
    ) -> list[tuple[Account | None, str | None]]:
        """The answer, once it is there."""
        answers: list[tuple[Account | None, str | None]] = []
        caller = caller or FakeCaller(host)
        Deferred.fromCoroutine(self.binds.admit(bind, caller)).addCallback(answers.append)
        return answers

    def admits(
        self, bind: Bind, host: str = HOST, caller: FakeCaller | None = None
    ) -> tuple[Account | None, str | None]:
        (answer,) = self.knock(bind, host, caller)
        return answer


def within(*networks: str) -> Account:
    return a_customer(allowed_networks=tuple(map(ip_network, networks)))


def signed_on(day: date) -> Account:
    return replace(BANK, contract=replace(BANK.contract, signed_on=day))


def test_a_bind_with_the_right_password_is_let_in() -> None:
    assert Door().admits(a_bind()) == (BANK, None)


def test_an_unknown_system_id_is_refused_without_a_check() -> None:
    checks = HeldChecks()
    assert Door(check_in=checks).admits(a_bind("stranger")) == (None, GatewayError.SYSTEM_ID_UNKNOWN)
    assert checks.asked == 0


@pytest.mark.parametrize("password", ["Secret", "", "secret ", "secre"])
def test_a_wrong_password_is_refused(password: str) -> None:
    assert Door().admits(a_bind(password=password)) == (BANK, GatewayError.PASSWORD_WRONG)


class TestAnAddress:
    @pytest.mark.parametrize(
        ("network", "host"),
        [
            ("192.0.2.0/24", "192.0.2.9"),
            ("192.0.2.9/32", "192.0.2.9"),
            ("0.0.0.0/0", "198.51.100.1"),
            ("2001:db8::/32", "2001:db8::9"),
            ("::/0", "2001:db8::9"),
            ("fe80::/10", "fe80::1%eth0"),
        ],
    )
    def test_of_an_allowed_network_is_let_in(self, network: str, host: str) -> None:
        account = within("10.0.0.0/8", network)
        assert Door(account).admits(a_bind(), host) == (account, None)

    @pytest.mark.parametrize(
        ("network", "host"),
        [
            ("192.0.2.0/24", "192.0.3.9"),
            ("192.0.2.9/32", "192.0.2.8"),
            ("0.0.0.0/0", "2001:db8::9"),
            ("2001:db8::/32", "2001:db9::9"),
            ("::/0", "192.0.2.9"),
        ],
    )
    def test_of_no_allowed_network_is_refused(self, network: str, host: str) -> None:
        account = within(network)
        assert Door(account).admits(a_bind(), host) == (account, GatewayError.PEER_NOT_ALLOWED)

    def test_that_came_in_by_an_ipv6_socket_is_an_ipv4_address_all_the_same(self) -> None:
        account = within("192.0.2.0/24")
        door = Door(account)
        assert door.admits(a_bind(), "::ffff:192.0.2.9") == (account, None)
        assert door.admits(a_bind(), "::ffff:192.0.3.9") == (account, GatewayError.PEER_NOT_ALLOWED)

    def test_that_is_not_allowed_costs_no_check(self) -> None:
        checks = HeldChecks()
        Door(within("10.0.0.0/8"), checks).admits(a_bind())
        assert checks.asked == 0


class TestAContract:
    @pytest.mark.parametrize(("hour", "rule"), [(23, ACCOUNT_NOT_OPEN), (24, None)])
    def test_opens_the_account_with_its_day_in_its_own_zone(self, hour: int, rule: str | None) -> None:
        # At 23:00 in Shanghai it is 15:00 UTC of the same day; at midnight it is still that day in UTC.
        now = datetime(2026, 3, 4, tzinfo=ZONE).timestamp() + hour * 3600
        account = signed_on(date(2026, 3, 5))
        assert Door(account, now=now).admits(a_bind()) == (account, rule)

    @pytest.mark.parametrize(("day", "rule"), [(4, None), (5, ACCOUNT_NOT_OPEN)])
    def test_closes_the_account_after_its_last_day(self, day: int, rule: str | None) -> None:
        now = datetime(2026, 3, day, 23, tzinfo=ZONE).timestamp()
        account = replace(BANK, contract=replace(BANK.contract, expires_on=date(2026, 3, 4)))
        assert Door(account, now=now).admits(a_bind()) == (account, rule)

    def test_that_is_not_in_force_is_not_told_to_a_stranger(self) -> None:
        account = signed_on(date(2099, 1, 1))
        assert Door(account).admits(a_bind(password="guess")) == (account, GatewayError.PASSWORD_WRONG)


class TestTheState:
    @pytest.mark.parametrize(
        ("state", "rule"),
        [
            (AccountState.SIGNED, ACCOUNT_NOT_OPEN),
            (AccountState.PAID, ACCOUNT_NOT_OPEN),
            (AccountState.OPEN, None),
            (AccountState.SUSPENDED, ACCOUNT_SUSPENDED),
            (AccountState.TERMINATED, ACCOUNT_NOT_OPEN),
        ],
    )
    def test_lets_only_an_open_account_bind(self, state: AccountState, rule: str | None) -> None:
        door = Door()
        door.state = state
        assert door.admits(a_bind()) == (BANK, rule)
        assert door.binds.counts().get("bank", 0) == (rule is None)

    def test_lets_a_suspended_account_fetch_its_receipts(self) -> None:
        door = Door()
        door.state = AccountState.SUSPENDED
        answers = {
            command_id: door.admits(replace(a_bind(), command_id=command_id))[1]
            for command_id in (
                CommandId.BIND_RECEIVER,
                CommandId.BIND_TRANSMITTER,
                CommandId.BIND_TRANSCEIVER,
            )
        }
        assert answers == {
            CommandId.BIND_RECEIVER: None,
            CommandId.BIND_TRANSMITTER: ACCOUNT_SUSPENDED,
            CommandId.BIND_TRANSCEIVER: ACCOUNT_SUSPENDED,
        }

    def test_is_not_asked_of_the_store_for_a_stranger(self) -> None:
        door = Door()
        door.admits(a_bind(password="guess"))
        assert door.asked == []

    @pytest.mark.parametrize("error", [StoreUnable("full"), StoreClosed(), CommitUnknown("lost")])
    def test_that_the_store_cannot_tell_lets_nobody_in(self, error: Exception) -> None:
        door = Door()
        door.state = error
        assert door.admits(a_bind()) == (BANK, GatewayError.STORE_DOWN)


class TestTheLimit:
    def test_counts_the_binds_of_an_account(self) -> None:
        door = Door(a_customer(binds_max=2))
        assert [door.admits(a_bind())[1] for _ in range(3)] == [None, None, GatewayError.BINDS_EXCEEDED]
        assert door.binds.counts() == {"bank": 2}

    def test_has_room_again_after_a_bind_has_ended(self) -> None:
        account = a_customer(binds_max=1)
        door = Door(account)
        caller = FakeCaller()
        door.admits(a_bind(), caller=caller)
        door.binds.leave(account, caller)
        assert door.admits(a_bind()) == (account, None)
        assert door.admits(a_bind()) == (account, GatewayError.BINDS_EXCEEDED)

    def test_counts_no_bind_that_was_refused(self) -> None:
        door = Door(a_customer(binds_max=1))
        door.admits(a_bind(password="guess"))
        assert door.admits(a_bind())[1] is None

    def test_holds_for_binds_whose_passwords_were_checked_at_the_same_time(self) -> None:
        checks = HeldChecks()
        door = Door(a_customer(binds_max=1), checks)
        first, second = door.knock(a_bind()), door.knock(a_bind())
        checks.release()
        assert {rule for _, rule in first + second} == {None, GatewayError.BINDS_EXCEEDED}

    def test_makes_room_for_a_new_bind_where_one_is_overdue(self) -> None:
        door = Door(a_customer(binds_max=2))
        alive, dead = FakeCaller(), FakeCaller(is_overdue=True)
        for caller in (alive, dead):
            door.admits(a_bind(), caller=caller)
        assert door.admits(a_bind())[1] is None
        assert (alive.evicted, dead.evicted) == (False, True)
        assert door.admits(a_bind())[1] is GatewayError.BINDS_EXCEEDED
        assert door.binds.counts() == {"bank": 2}

    def test_counts_a_bind_that_made_room_no_second_time_when_it_ends(self) -> None:
        account = a_customer(binds_max=1)
        door = Door(account)
        dead = FakeCaller(is_overdue=True)
        door.admits(a_bind(), caller=dead)
        door.admits(a_bind())
        door.binds.leave(account, dead)
        assert door.binds.counts() == {"bank": 1}

    def test_leaves_what_is_overdue_alone_as_long_as_there_is_room(self) -> None:
        door = Door(a_customer(binds_max=2))
        dead = FakeCaller(is_overdue=True)
        door.admits(a_bind(), caller=dead)
        door.admits(a_bind())
        assert not dead.evicted


class TestTls:
    @pytest.mark.parametrize(
        ("demanded", "names", "rule"),
        [
            ({}, None, None),
            ({}, frozenset(), None),
            ({"tls": True}, None, GatewayError.TLS_REQUIRED),
            ({"tls": True}, frozenset(), None),
            ({"client_certificate": "Bank.example"}, None, GatewayError.TLS_REQUIRED),
            ({"client_certificate": "Bank.example"}, frozenset(), GatewayError.CERTIFICATE_WRONG),
            ({"client_certificate": "Bank.example"}, frozenset(["shop"]), GatewayError.CERTIFICATE_WRONG),
            ({"client_certificate": "Bank.example"}, frozenset(["shop", "bank.example"]), None),
        ],
    )
    def test_and_a_certificate_are_as_the_account_demands(
        self, demanded: dict[str, Any], names: frozenset[str] | None, rule: GatewayError | None
    ) -> None:
        account = a_customer(**demanded)
        caller = FakeCaller(certificate_names=names)
        assert Door(account).admits(a_bind(), caller=caller) == (account, rule)

    def test_that_is_missing_costs_no_check(self) -> None:
        checks = HeldChecks()
        Door(a_customer(tls=True), checks).admits(a_bind())
        assert checks.asked == 0


class TestAPassword:
    def test_is_checked_elsewhere_while_the_bind_waits(self) -> None:
        checks = HeldChecks()
        answers = Door(check_in=checks).knock(a_bind())
        assert (answers, checks.asked) == ([], 1)
        checks.release()
        assert answers == [(BANK, None)]

    @pytest.mark.parametrize(("password", "command_status"), [(b"secret", 0), (b"guess", 0x0E)])
    def test_is_answered_as_soon_as_it_is_checked(self, password: bytes, command_status: int) -> None:
        checks = HeldChecks()
        customer = CustomerSide(FakeStore(), check_in=checks).connect()
        bind = bank_bind(command_id=BIND_TRANSMITTER, password=password)
        assert customer.ask(bind) == []
        checks.release()
        assert [pdu.command_status for pdu in customer.read()] == [command_status]

    def test_that_was_right_before_is_known_at_once(self) -> None:
        checks = HeldChecks()
        door = Door(check_in=checks)
        door.knock(a_bind())
        checks.release()
        assert door.admits(a_bind()) == (BANK, None)
        assert checks.asked == 1

    def test_that_was_wrong_before_is_checked_again(self) -> None:
        checks = HeldChecks()
        door = Door(check_in=checks)
        door.knock(a_bind(password="guess"))
        checks.release()
        assert door.knock(a_bind(password="guess")) == []
        assert checks.asked == 2


class TestACustomerThatLeavesWhileItsPasswordIsChecked:
    """It holds no bind of its account, and nobody takes it for bound."""

    # Any: what replaces fields of the account.
    def waiting(self, **changes: Any) -> tuple[CustomerSide, HeldChecks]:
        checks = HeldChecks()
        return CustomerSide(FakeStore(), check_in=checks, accounts=(a_customer(**changes),)), checks

    def test_by_losing_its_connection(self) -> None:
        side, checks = self.waiting(binds_max=1)
        gone, next_one = side.connect(), side.connect()
        gone.send(bank_bind())
        gone.lose()
        checks.release()
        assert side.binds.counts() == {"bank": 0}
        next_one.bound()

    def test_by_losing_its_connection_with_a_wrong_password(self) -> None:
        side, checks = self.waiting()
        customer = side.connect()
        customer.send(bank_bind(password=b"guess"))
        customer.lose()
        checks.release()
        assert customer.read() == []
        assert side.binds.counts().get("bank", 0) == 0

    def test_by_an_unbind(self) -> None:
        side, checks = self.waiting()
        customer = side.connect()
        customer.connection.stuck = True
        customer.send(bank_bind())
        customer.unbind()
        checks.release()
        assert [pdu.command_id for pdu in customer.read()] == [0x80000006]
        assert side.binds.counts()["bank"] == 0

    def test_because_the_gateway_stops(self) -> None:
        store = FakeStore()
        checks = HeldChecks()
        side = CustomerSide(store, check_in=checks)
        customer = side.connect()
        customer.connection.stuck = True
        customer.send(bank_bind())
        side.listener.part()
        checks.release()
        assert side.binds.counts()["bank"] == 0
        assert store.calls == [], "nobody asks for deliveries to a customer that is not there"

    def test_because_it_took_too_long(self) -> None:
        side, checks = self.waiting()
        customer = side.connect()
        customer.connection.stuck = True
        customer.send(bank_bind())
        side.pass_time(10.0)
        assert customer.connection.half_closed
        checks.release()
        assert customer.read() == []
        assert side.binds.counts()["bank"] == 0
