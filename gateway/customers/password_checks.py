"""The checking of passwords, rationed: it takes tens of milliseconds of a core, and strangers ask for it.

Two limits hold a storm of wrong passwords. An origin may be wrong so often in a minute. Of one account only
so many passwords are in the check at a time, so that binds from many origins keep no other account waiting. A
bind beyond either is refused unchecked.

A pair that was right before needs no check, but it is an attempt like any other: else a guess would cost
nothing. Only an origin that the account has bound from is let in with it in any case, whatever goes wrong
beside it at the same address.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable

from twisted.internet.defer import Deferred

from gateway.customers.origin import origin
from gateway.passwords import Passwords
from gateway.settings import Account, Limits
from gateway.statuses import GatewayError
from policy.throttle import TokenBucket

# Runs a slow function off the reactor.
InThread = Callable[[Callable[[], bool]], Deferred[bool]]


class PasswordChecks:
    """Judges passwords. `seconds` never goes back; up to `origins_max` origins are remembered."""

    def __init__(
        self,
        passwords: Passwords,
        in_thread: InThread,
        seconds: Callable[[], float],
        limits: Limits,
        origins_max: int,
    ) -> None:
        self._passwords = passwords
        self._in_thread = in_thread
        self._seconds = seconds
        self._limits = limits
        self._origins_max = origins_max
        self._checking: Counter[str] = Counter()
        self._tries: OrderedDict[str, TokenBucket] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        """How many passwords are in the check."""
        return self._checking.total()

    @property
    def origins(self) -> int:
        """How many origins are remembered for their tries."""
        return len(self._tries)

    async def refusal(self, account: Account, password: str, host: str) -> GatewayError | None:
        """Why `password` does not let a peer at `host` into the account; None if it does."""
        peer = origin(host)
        known = self._passwords.knows(account.password_hash, password)
        if known and (account.name, peer) in self._proven:
            return None
        tries = self._tries_of(peer)
        if not tries.take(1, self._seconds()):
            return GatewayError.PASSWORD_UNCHECKED
        if not known:
            if self._checking[account.name] >= self._limits.password_checks_max:
                return GatewayError.PASSWORD_UNCHECKED
            if not await self._is_right(account, password):
                return GatewayError.PASSWORD_WRONG
        tries.spend(-1, self._seconds())
        self._proven[account.name, peer] = None
        if len(self._proven) > self._origins_max:
            self._proven.popitem(last=False)
        return None

    async def _is_right(self, account: Account, password: str) -> bool:
        self._checking[account.name] += 1
        try:
            return await self._in_thread(lambda: self._passwords.verify(account.password_hash, password))
        finally:
            self._checking[account.name] -= 1

    def _tries_of(self, peer: str) -> TokenBucket:
        tries = self._tries.get(peer)
        if tries is None:
            wrong_max = self._limits.wrong_passwords_max
            tries = self._tries[peer] = TokenBucket(wrong_max / 60, wrong_max)
            if len(self._tries) > self._origins_max:
                self._tries.popitem(last=False)
        self._tries.move_to_end(peer)
        return tries
