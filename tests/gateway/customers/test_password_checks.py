from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from gateway.customers.password_checks import InThread, PasswordChecks
from gateway.passwords import Passwords
from gateway.settings import Account, Limits
from gateway.statuses import GatewayError
from tests.gateway.customers.checks import HeldChecks
from tests.gateway.customers.samples import PASSWORD, a_customer

BANK, SHOP = a_customer(), a_customer(name="shop")
HOME, STRANGE = "192.0.2.9", "198.51.100.1"
WRONG, UNCHECKED = GatewayError.PASSWORD_WRONG, GatewayError.PASSWORD_UNCHECKED
LIMITS = Limits(wrong_passwords_max=3, password_checks_max=2, lockout_max_s=200.0)


class Guard:
    """The checks, and what they said."""

    def __init__(self, check_in: InThread = execute, origins_max: int = 100) -> None:
        self.clock = Clock()
        self.checks = PasswordChecks(Passwords(), check_in, self.clock.seconds, LIMITS, origins_max)

    def ask(self, password: str, host: str = HOME, account: Account = BANK) -> list[GatewayError | None]:
        """What is said of a password, once it is there."""
        said: list[GatewayError | None] = []
        asked = self.checks.refusal(account, password, host)
        Deferred.fromCoroutine(asked).addCallback(said.append)
        return said

    def says(self, password: str, host: str = HOME, account: Account = BANK) -> GatewayError | None:
        (said,) = self.ask(password, host, account)
        return said


class TestAnOrigin:
    def test_may_be_wrong_so_often_in_a_minute(self) -> None:
        guard = Guard()
        assert [guard.says("guess", STRANGE) for _ in range(4)] == [WRONG, WRONG, WRONG, UNCHECKED]
        guard.clock.advance(19.0)
        assert guard.says("guess", STRANGE) is UNCHECKED
        guard.clock.advance(1.0)
        assert guard.says("guess", STRANGE) is WRONG

    def test_that_goes_on_being_wrong_waits_twice_as_long_each_time_up_to_a_limit(self) -> None:
        guard = Guard()
        for _ in range(3):
            guard.says("guess", STRANGE)
        for wait_s in (20.0, 40.0, 80.0, 160.0, 200.0, 200.0):
            guard.clock.advance(wait_s - 1.0)
            assert guard.says("guess", STRANGE) is UNCHECKED
            guard.clock.advance(1.0)
            assert guard.says("guess", STRANGE) is WRONG

    def test_that_was_right_at_last_waits_no_longer_than_at_first(self) -> None:
        guard = Guard()
        for _ in range(3):
            guard.says("guess", STRANGE)
        guard.clock.advance(20.0)
        guard.says("guess", STRANGE)
        guard.clock.advance(40.0)
        assert guard.says(PASSWORD, STRANGE) is None
        guard.says("guess", STRANGE)
        guard.clock.advance(20.0)
        assert guard.says("guess", STRANGE) is WRONG

    def test_that_was_quiet_for_long_begins_anew(self) -> None:
        guard = Guard()
        for _ in range(3):
            guard.says("guess", STRANGE)
        guard.clock.advance(20.0)
        guard.says("guess", STRANGE)
        guard.clock.advance(100.0)
        assert [guard.says("guess", STRANGE) for _ in range(4)] == [WRONG, WRONG, WRONG, UNCHECKED]
        guard.clock.advance(20.0)
        assert guard.says("guess", STRANGE) is WRONG

    def test_with_one_password_of_its_own_buys_no_guesses_at_others(self) -> None:
        guard = Guard()
        accounts = [a_customer(name=f"customer-{n}") for n in range(32)]
        for account in accounts[:30]:
            guard.says("guess", STRANGE, account)
        guard.clock.advance(2.0)
        assert guard.says("guess", STRANGE, accounts[30]) is WRONG
        guard.clock.advance(4.0)
        assert guard.says(PASSWORD, STRANGE, BANK) is None
        assert guard.says("guess", STRANGE, accounts[31]) is WRONG
        guard.clock.advance(7.0)
        assert guard.says("guess", STRANGE, accounts[31]) is UNCHECKED
        guard.clock.advance(1.0)
        assert guard.says("guess", STRANGE, accounts[31]) is WRONG

    def test_may_be_wrong_ten_times_as_often_for_all_accounts_together(self) -> None:
        guard = Guard()
        accounts = [a_customer(name=f"customer-{n}") for n in range(31)]
        said = [guard.says("guess", STRANGE, account) for account in accounts]
        assert said == [WRONG] * 30 + [UNCHECKED]

    def test_that_is_wrong_for_one_account_leaves_another_its_tries(self) -> None:
        guard = Guard()
        for _ in range(5):
            guard.says("guess", HOME, SHOP)
        assert guard.says(PASSWORD, HOME, BANK) is None

    def test_may_ask_for_many_binds_at_once_and_all_share_one_check(self) -> None:
        held = HeldChecks()
        guard = Guard(held)
        said = [guard.ask(PASSWORD) for _ in range(20)]
        held.release()
        assert said == [[None]] * 20
        assert held.asked == 1

    def test_may_be_right_as_often_as_it_likes(self) -> None:
        guard = Guard()
        assert [guard.says(PASSWORD) for _ in range(10)] == [None] * 10

    def test_may_be_right_for_as_many_accounts_as_it_likes(self) -> None:
        guard = Guard()
        accounts = [a_customer(name=f"customer-{n}") for n in range(5)]
        assert [guard.says(PASSWORD, HOME, account) for account in accounts] == [None] * 5

    def test_that_was_wrong_too_often_does_not_learn_that_a_guess_is_right(self) -> None:
        guard = Guard()
        assert guard.says(PASSWORD, HOME) is None
        for _ in range(3):
            guard.says("guess", STRANGE)
        assert guard.says(PASSWORD, STRANGE) is UNCHECKED

    def test_that_the_account_is_known_to_bind_from_is_let_in_all_the_same(self) -> None:
        guard = Guard()
        assert guard.says(PASSWORD) is None
        for _ in range(5):
            guard.says("guess")
        assert guard.says(PASSWORD) is None

    def test_leaves_the_others_their_tries(self) -> None:
        guard = Guard()
        for _ in range(4):
            guard.says("guess", STRANGE)
        assert guard.says("guess", HOME) is WRONG

    def test_is_forgotten_when_there_are_too_many(self) -> None:
        guard = Guard(origins_max=2)
        for host in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            guard.says("guess", host)
        assert guard.checks.origins == 2


class TestAnAccount:
    def test_has_only_so_many_passwords_in_the_check(self) -> None:
        held = HeldChecks()
        guard = Guard(held)
        waiting = [guard.ask(f"guess {n}", f"192.0.2.{n}") for n in (1, 2)]
        assert len(guard.checks) == 2
        assert guard.says(PASSWORD, "192.0.2.3") is UNCHECKED
        held.release()
        assert waiting == [[WRONG], []]
        assert guard.ask(PASSWORD, "192.0.2.3") == []
        assert held.asked == 3

    def test_keeps_no_other_account_waiting(self) -> None:
        held = HeldChecks()
        guard = Guard(held)
        for n in (1, 2, 3):
            guard.ask(f"guess {n}", f"192.0.2.{n}")
        assert guard.ask(PASSWORD, HOME, SHOP) == []
        assert held.asked == 3

    def test_has_room_again_though_a_check_has_failed(self) -> None:
        def fails(check: object) -> Deferred[bool]:
            raise RuntimeError("no thread")

        guard = Guard(fails)
        with pytest.raises(RuntimeError):
            guard.checks.refusal(BANK, "guess", HOME).send(None)
        assert len(guard.checks) == 0


def test_a_pair_that_was_right_needs_no_check() -> None:
    held = HeldChecks()
    guard = Guard(held)
    guard.ask(PASSWORD)
    held.release()
    assert guard.says(PASSWORD, STRANGE) is None
    assert held.asked == 1
