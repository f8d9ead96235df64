"""How many files and connections the system lets this process have open, and how many the settings want."""

from __future__ import annotations

import resource

from gateway.settings import BindType, Settings

# What else is open: the database, its log, the admin port, what Python itself holds.
_OTHERS = 64


def wanted(settings: Settings) -> int:
    """How many files the gateway may have open when every limit is reached."""
    doors = [settings.listen] if settings.account_page is None else [settings.listen, settings.account_page]
    # Behind a proxy there are those besides that have not said yet whose they are.
    downstream = sum(door.connections_max * (2 if door.proxy_networks else 1) for door in doors)
    upstream = sum(
        carrier.binds * (2 if carrier.bind_type is BindType.PAIR else 1)
        for carrier in settings.carriers.values()
    )
    return downstream + upstream + _OTHERS


def at_most() -> int:
    """How many a process may allow itself: the hard limit of RLIMIT_NOFILE."""
    return _number(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def allow(count: int) -> None:
    """Let this process have so many open, or as many as it may; never fewer than before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _number(soft) < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, _number(hard)), hard))


def _number(limit: int) -> int:
    # Without a limit the system says -1, and a C int is more than anybody has.
    return 2**31 - 1 if limit == resource.RLIM_INFINITY else limit
