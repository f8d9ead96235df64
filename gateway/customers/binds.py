"""Who may bind, and who is bound.

A bind is let in if its account exists, its contract is in force, its address and password are right, and the
account has a bind left. What costs nothing to find out is looked at before the password.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, tzinfo

from gateway.clock import Clock
from gateway.customers.origin import address_of
from gateway.customers.password_checks import PasswordChecks
from gateway.settings import Account
from gateway.statuses import GatewayError
from policy.clauses import ACCOUNT_NOT_OPEN
from smpp.pdu import Bind


class Binds:
    """The accounts' binds. `accounts` is keyed by system_id; `zone` is that of the contracts' dates."""

    def __init__(
        self, accounts: Mapping[str, Account], zone: tzinfo, clock: Clock, checks: PasswordChecks
    ) -> None:
        self._accounts = accounts
        self._zone = zone
        self._clock = clock
        self._checks = checks
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
        refusal = await self._checks.refusal(account, bind.password, host)
        if refusal is not None:
            return account, refusal
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


def _within(account: Account, host: str) -> bool:
    address = address_of(host)
    return any(address in network for network in account.allowed_networks)
