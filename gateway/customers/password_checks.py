"""The checking of passwords, rationed: it takes tens of milliseconds of a core, and strangers ask for it.

Three limits hold a storm of wrong passwords. An origin may be wrong so often in a minute for one account, and
ten times as often for all: customers may share an address. Whoever uses that up and goes on being wrong waits
twice as long each time, up to `lockout_max_s`, until it is right or has tried nothing for long. Of one
account only so many passwords are in the check at a time, so that binds from many origins keep no other
account waiting; those with the same password share a check. A bind beyond a limit is refused unchecked.

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

_ALL_ACCOUNTS_SHARES = 10

# Runs a slow function off the reactor.
InThread = Callable[[Callable[[], bool]], Deferred[bool]]


class PasswordChecks:
    """Judges passwords. `seconds` never goes back; up to `origins_max` of what an origin tries are kept."""

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
        self._pending: dict[tuple[str, str], list[Deferred[bool]]] = {}
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        """How many passwords are in the check."""
        return self._checking.total()

    @property
    def origins(self) -> int:
        """How many buckets of tries are kept: one for each origin, and one for each account it tries."""
        return len(self._tries)

    async def refusal(self, account: Account, password: str, host: str) -> GatewayError | None:
        """Why `password` does not let a peer at `host` into the account; None if it does."""
        peer = origin(host)
        known = self._passwords.knows(account.password_hash, password)
        if known and (account.name, peer) in self._proven:
            return None
        tries = self._tries_of(account.name, peer), self._tries_of("", peer)
        now = self._seconds()
        if any(each.bucket.next_at(1, now) > now for each in tries):
            return GatewayError.PASSWORD_UNCHECKED
        if not known:
            same = self._pending.get((account.password_hash, password))
            if same is None and self._checking[account.name] >= self._limits.password_checks_max:
                return GatewayError.PASSWORD_UNCHECKED
            if not await (self._is_right(account, password) if same is None else _told_with(same)):
                for each in tries:
                    each.wrong(self._seconds())
                return GatewayError.PASSWORD_WRONG
        # Not what it tried for all accounts: one password of its own must not buy it guesses at others.
        tries[0].lockouts = 0
        self._proven[account.name, peer] = None
        if len(self._proven) > self._origins_max:
            self._proven.popitem(last=False)
        return None

    async def _is_right(self, account: Account, password: str) -> bool:
        pair = account.password_hash, password
        waiting = self._pending[pair] = []
        self._checking[account.name] += 1
        right = False
        try:
            right = await self._in_thread(lambda: self._passwords.verify(*pair))
        finally:
            self._checking[account.name] -= 1
            del self._pending[pair]
            for other in waiting:
                other.callback(right)
        return right

    def _tries_of(self, account: str, peer: str) -> _Tries:
        """An origin's tries for an account, "" for all accounts."""
        tries = self._tries.get((account, peer))
        if tries is None:
            wrong_max = self._limits.wrong_passwords_max * (1 if account else _ALL_ACCOUNTS_SHARES)
            tries = self._tries[account, peer] = _Tries(wrong_max, self._limits.lockout_max_s)
            if len(self._tries) > self._origins_max:
                self._tries.popitem(last=False)
        self._tries.move_to_end((account, peer))
        return tries


class _Tries:
    """What an origin may still try: `wrong_max` in a minute, and less the longer it goes on being wrong."""

    def __init__(self, wrong_max: int, lockout_max_s: float) -> None:
        self.bucket = TokenBucket(wrong_max / 60, wrong_max)
        self.lockouts = 0
        self._wrong_max = wrong_max
        self._lockout_max = int(lockout_max_s * wrong_max / 60)

    def wrong(self, now: float) -> None:
        """One more was wrong; when that was the last one that it had, the wait for the next one doubles."""
        if self.bucket.next_at(self._wrong_max, now) <= now:
            self.lockouts = 0  # it has been quiet for long
        self.bucket.spend(1, now)
        if self.bucket.next_at(1, now) > now:
            longer = min(2**self.lockouts, max(1, self._lockout_max))
            self.bucket.spend(longer - 1, now)
            self.lockouts += 1


def _told_with(waiting: list[Deferred[bool]]) -> Deferred[bool]:
    """What a check says that is under way, and whose answer others wait for."""
    said: Deferred[bool] = Deferred()
    waiting.append(said)
    return said
