"""Which carriers may take a message, in order of preference.

A stored message carries its route as text, the carriers' names in order, so that a change of the routes
leaves the messages that wait where their sender's settings had put them.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.settings import Route

_SEPARATOR = ","


def find(routes: Sequence[Route], account: str, destination_addr: str) -> str | None:
    """The route of a message: the first whose account and prefix match, or None."""
    for route in routes:
        if route.account in (None, account) and destination_addr.startswith(route.prefix):
            return _SEPARATOR.join(route.carriers)
    return None


def carriers_of(route: str) -> list[str]:
    """The carriers of a stored route, the preferred one first."""
    return route.split(_SEPARATOR)
