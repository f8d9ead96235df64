"""Which carriers may take a message, in order of preference.

A stored message carries its route as text, the carriers' names in order, so that a change of the routes
leaves the messages that wait where their sender's settings had put them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.settings import Carrier, LongForm, Route

_SEPARATOR = ","


def first(routes: Sequence[Route], account: str, destination_addr: str) -> Route | None:
    """The route of a message: the first whose account and prefix match, or None."""
    for route in routes:
        if route.account in (None, account) and destination_addr.startswith(route.prefix):
            return route
    return None


def find(routes: Sequence[Route], account: str, destination_addr: str) -> str | None:
    """The route of a message as it is stored, or None."""
    route = first(routes, account, destination_addr)
    return None if route is None else _SEPARATOR.join(route.carriers)


def routes_of(routes: Sequence[Route], account: str) -> list[str]:
    """Every route that a message of an account may have, as it is stored."""
    return list(dict.fromkeys(_SEPARATOR.join(r.carriers) for r in routes if r.account in (None, account)))


def long_form(route: str, carriers: Mapping[str, Carrier]) -> LongForm:
    """How long messages are cut for a route: for the carrier whose form leaves least room in a part.

    Whole only where every carrier wants them so.
    """
    forms = {carriers[name].long_messages for name in carriers_of(route) if name in carriers}
    if forms == {LongForm.PAYLOAD}:
        return LongForm.PAYLOAD
    return LongForm.UDH16 if LongForm.UDH16 in forms else LongForm.UDH8


def carriers_of(route: str) -> list[str]:
    """The carriers of a stored route, the preferred one first."""
    return route.split(_SEPARATOR)
