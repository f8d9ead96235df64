"""How fast accounts may send: one bucket for each, and one for each source_addr of those that ask for it.

A source's bucket that is full again says nothing that a new one would not, so it may be forgotten. Where
`sources_max` of an account are in use, and none of them may be, a further source waits.
"""

from __future__ import annotations

from collections import OrderedDict

from gateway.settings import Account, Limits, Throttle
from policy.throttle import TokenBucket


class Throttles:
    """The buckets of all accounts. `now` is in seconds of a clock that never goes back."""

    def __init__(self, limits: Limits) -> None:
        self._sources_max = limits.sources_max
        self._accounts: dict[str, TokenBucket] = {}
        # By account, those used last at the end.
        self._sources: dict[str, OrderedDict[str, TokenBucket]] = {}

    def sources(self) -> dict[str, int]:
        """How many source addresses of each account are told apart."""
        return {account: len(buckets) for account, buckets in self._sources.items()}

    def take(self, account: Account, source_addr: str, units: int, now: float) -> bool:
        """Whether so many segments may come now; if not, nothing is taken."""
        own = self._own(account)
        if account.throttle_per_source is None:
            return own is None or own.take(units, now)
        source = self._source(account.name, source_addr, account.throttle_per_source, now)
        if source is None or source.next_at(units, now) > now:
            return False
        return (own is None or own.take(units, now)) and source.take(units, now)

    def spend(self, account: Account, source_addr: str, units: int, now: float) -> None:
        """Take them whether they may come or not: what follows pays for it."""
        own = self._own(account)
        if own is not None:
            own.spend(units, now)
        if account.throttle_per_source is not None:
            source = self._source(account.name, source_addr, account.throttle_per_source, now)
            if source is not None:
                source.spend(units, now)

    def _own(self, account: Account) -> TokenBucket | None:
        if account.throttle is None:
            return None
        bucket = self._accounts.get(account.name)
        if bucket is None:
            bucket = self._accounts[account.name] = _bucket(account.throttle)
        return bucket

    def _source(self, account: str, source_addr: str, throttle: Throttle, now: float) -> TokenBucket | None:
        known = self._sources.setdefault(account, OrderedDict())
        bucket = known.get(source_addr)
        if bucket is None:
            if len(known) >= self._sources_max and not _forget_oldest(known, throttle.burst, now):
                return None
            bucket = known[source_addr] = _bucket(throttle)
        known.move_to_end(source_addr)
        return bucket


def _bucket(throttle: Throttle) -> TokenBucket:
    return TokenBucket(throttle.rate_per_s, throttle.burst)


def _forget_oldest(known: OrderedDict[str, TokenBucket], burst: int, now: float) -> bool:
    """Forget the source that was not used for longest, if all of its burst is there again."""
    oldest = next(iter(known))
    if known[oldest].next_at(burst, now) > now:
        return False
    del known[oldest]
    return True
