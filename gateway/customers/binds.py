"""Who may bind, and who is bound.

A bind is let in if its account exists, its address, certificate and password are right, its contract is in
force, the account is open (contract clause 2), and it has a bind left. What costs nothing to find out is
looked at before the password, and the store is asked for nobody who does not know the password.

A suspended account may bind as a receiver: the receipts of what it has sent are still its own.

Whoever only wants to look at its account is asked for the same address, certificate and password, and for
nothing else: what an account holds is its own, whatever its contract and state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol as Interface

from twisted.internet.defer import Deferred

from gateway.clock import Clock
from gateway.customers.origin import address_of
from gateway.customers.password_checks import PasswordChecks
from gateway.ports import CommitUnknown, StoreClosed, StoreUnable
from gateway.settings import Account
from gateway.statuses import GatewayError
from ledger.states import AccountState
from policy.clauses import ACCOUNT_NOT_OPEN, ACCOUNT_SUSPENDED
from smpp.commands import CommandId
from smpp.pdu import Bind


class Visitor(Interface):
    """Who says to be a customer: a connection."""

    @property
    def host(self) -> str:
        """Its peer's address."""

    @property
    def certificate_names(self) -> frozenset[str] | None:
        """The names in its peer's certificate, folded; None without TLS."""


class Caller(Visitor, Interface):
    """Who asks to be bound, and is bound then."""

    @property
    def is_overdue(self) -> bool:
        """Whether its peer has left an enquire_link unanswered for too long."""

    def evict(self) -> None:
        """End it, for its place is wanted."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A bind that was let in: which kind, from which address, and when (unix seconds)."""

    kind: CommandId
    host: str
    since: float


class Binds:
    """The accounts' binds. `accounts` is keyed by system_id; `zone` is that of the contracts' dates.

    `state_of` asks the store how an account stands.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        zone: tzinfo,
        clock: Clock,
        checks: PasswordChecks,
        state_of: Callable[[str], Deferred[AccountState]],
    ) -> None:
        self._accounts = accounts
        self._zone = zone
        self._clock = clock
        self._checks = checks
        self._state_of = state_of
        self._bound: defaultdict[str, dict[Caller, Bound]] = defaultdict(dict)

    async def admit(self, bind: Bind, caller: Caller) -> tuple[Account | None, str | None]:
        """The account that a caller's bind is for, if any, and the rule that refuses it, if one does.

        A bind that is let in counts until `leave`.
        """
        account, refusal = await self.identify(bind.system_id, bind.password, caller)
        if account is None or refusal is not None:
            return account, refusal
        if not account.contract.holds_on(datetime.fromtimestamp(self._clock.now(), self._zone).date()):
            return account, ACCOUNT_NOT_OPEN
        closed = await self._closed(account, bind)
        if closed is not None:
            return account, closed
        if len(self._bound[account.name]) >= account.binds_max and not self._make_room(account):
            return account, GatewayError.BINDS_EXCEEDED
        self._bound[account.name][caller] = Bound(CommandId(bind.command_id), caller.host, self._clock.now())
        return account, None

    async def identify(
        self, system_id: str, password: str, visitor: Visitor
    ) -> tuple[Account | None, GatewayError | None]:
        """The account that a visitor names, if any, and why the visitor is not its customer, if it is not."""
        account = self._accounts.get(system_id)
        if account is None:
            return None, GatewayError.SYSTEM_ID_UNKNOWN
        if not _within(account, visitor.host):
            return account, GatewayError.PEER_NOT_ALLOWED
        refusal = _tls_refusal(account, visitor.certificate_names)
        if refusal is None:
            refusal = await self._checks.refusal(account, password, visitor.host)
        return account, refusal

    async def _closed(self, account: Account, bind: Bind) -> str | None:
        """Why an account that is not open refuses this bind, if it does."""
        try:
            state = await self._state_of(account.name)
        except (StoreUnable, StoreClosed, CommitUnknown):
            return GatewayError.STORE_DOWN
        if state is AccountState.SUSPENDED:
            return None if bind.command_id == CommandId.BIND_RECEIVER else ACCOUNT_SUSPENDED
        return None if state is AccountState.OPEN else ACCOUNT_NOT_OPEN

    def leave(self, account: Account, caller: Caller) -> None:
        """A bind of the account has ended; no effect if it had to make room before."""
        self._bound[account.name].pop(caller, None)

    def counts(self) -> Mapping[str, int]:
        """How many binds each account has."""
        return {name: len(bound) for name, bound in self._bound.items()}

    def of(self, account: Account) -> Sequence[Bound]:
        """The account's binds, the oldest first."""
        return list(self._bound[account.name].values()) if account.name in self._bound else []

    def _make_room(self, account: Account) -> bool:
        """Evict a bind whose peer seems dead: a customer that comes back must not wait for its end."""
        dead = next((caller for caller in self._bound[account.name] if caller.is_overdue), None)
        if dead is None:
            return False
        self.leave(account, dead)
        dead.evict()
        return True


def _tls_refusal(account: Account, names: frozenset[str] | None) -> GatewayError | None:
    wanted = account.client_certificate
    if names is None:
        return GatewayError.TLS_REQUIRED if account.tls or wanted is not None else None
    if wanted is not None and wanted.casefold() not in names:
        return GatewayError.CERTIFICATE_WRONG
    return None


def _within(account: Account, host: str) -> bool:
    address = address_of(host)
    return any(address in network for network in account.allowed_networks)
