"""How long a broadcast will take: by the rates of its carriers, which work side by side, and of its account.

The carriers are taken to be bound, and idle otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from gateway.routing import carriers_of
from gateway.settings import Account, BindType, Carrier

# How long a carrier without a rate is taken to need for an answer: its windows turn over so often.
_ANSWER_S = 1.0


def sending_s(
    account: Account, carriers: Mapping[str, Carrier], recipients: Mapping[str, int], units: int
) -> float:
    """Seconds to send `units` segments to each of so many recipients, by route; infinity if it never ends."""
    segments: dict[str, int] = {}
    for route, count in recipients.items():
        preferred = carriers_of(route)[0]
        segments[preferred] = segments.get(preferred, 0) + count * units
    takes = [_seconds(count, rate_per_s(carriers[name])) for name, count in segments.items()]
    total = sum(segments.values())
    for throttle in (account.throttle, account.throttle_per_source):
        if throttle is not None:
            takes.append(_seconds(total, throttle.rate_per_s))
    return max(takes, default=0.0)


def rate_per_s(carrier: Carrier) -> float:
    """Segments that a carrier takes in a second, over all of its binds."""
    if carrier.bind_type is BindType.RECEIVER:
        return 0.0
    each = carrier.window_max / _ANSWER_S if carrier.rate is None else carrier.rate.rate_per_s
    return each * carrier.binds


def _seconds(segments: int, rate: float) -> float:
    return segments / rate if rate else inf
