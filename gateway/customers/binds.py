"""Who may bind, and who is bound.

A bind is let in if its account exists, its contract is in force, its address and password are right, and the
account has a bind left. Checking a password is slow on purpose, so it runs off the reactor, unless the same
pair was right before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from ipaddress import IPv4Address, IPv6Address, ip_address

from twisted.internet.defer import Deferred

from gateway.clock import Clock
from gateway.passwords import Passwords
from gateway.settings import Account
from gateway.statuses import GatewayError
from policy.clauses import ACCOUNT_NOT_OPEN
from smpp.pdu import Bind

# Runs a slow function off the reactor.
InThread = Callable[[Callable[[], bool]], Deferred[bool]]


class Binds:
    """The accounts' binds. `accounts` is keyed by system_id; `zone` is that of the contracts' dates."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        zone: tzinfo,
        clock: Clock,
        passwords: Passwords,
        in_thread: InThread,
    ) -> None:
        self._accounts = accounts
        self._zone = zone
        self._clock = clock
        self._passwords = passwords
        self._in_thread = in_thread
        self._bound: Counter[str] = Counter()

    async def admit(self, bind: Bind, host: str) -> tuple[Account | None, str | None]:
        """The account that a bind from `host` is for, if any, and the rule that refuses it, if one does.

        A bind that is let in counts until `leave`.
        """
        account = self._accounts.get(bind.system_id)
        if account is None:
            return None, GatewayError.SYSTEM_ID_UNKNOWN
        if not _within(account, host):
            return account, GatewayError.PEER_NOT_ALLOWED
        if not await self._password_is_right(account, bind.password):
            return account, GatewayError.PASSWORD_WRONG
        if datetime.fromtimestamp(self._clock.now(), self._zone).date() < account.contract.signed_on:
            return account, ACCOUNT_NOT_OPEN
        if self._bound[account.name] >= account.binds_max:
            return account, GatewayError.BINDS_EXCEEDED
        self._bound[account.name] += 1
        return account, None

    def leave(self, account: Account) -> None:
        """A bind of the account has ended."""
        self._bound[account.name] -= 1

    def counts(self) -> Mapping[str, int]:
        """How many binds each account has."""
        return self._bound

    async def _password_is_right(self, account: Account, password: str) -> bool:
        if self._passwords.knows(account.password_hash, password):
            return True
        return await self._in_thread(lambda: self._passwords.verify(account.password_hash, password))


def _within(account: Account, host: str) -> bool:
    address: IPv4Address | IPv6Address = ip_address(host)
    if isinstance(address, IPv6Address):
        # An IPv4 peer of a socket that listens on "::".
        address = address.ipv4_mapped or address
    return any(address in network for network in account.allowed_networks)
