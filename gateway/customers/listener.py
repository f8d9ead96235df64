"""The door for customers: a link for each connection, up to a limit, and the way to close it."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from gateway.customers.link import CustomerLink

log = structlog.get_logger()


class CustomerListener(Factory):
    """Makes links with `make_link`, which is handed what to call when a link has ended."""

    noisy = False

    def __init__(
        self, make_link: Callable[[Callable[[CustomerLink], None]], CustomerLink], connections_max: int
    ) -> None:
        self._make_link = make_link
        self._connections_max = connections_max
        self._links: set[CustomerLink] = set()
        self._empty: Deferred[None] | None = None

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._links)

    def buildProtocol(self, addr: IAddress | None) -> CustomerLink | None:
        if len(self._links) >= self._connections_max or self._empty is not None:
            log.warning("connection.refused", connections=len(self._links))
            return None
        link = self._make_link(self._gone)
        self._links.add(link)
        return link

    def part(self) -> Deferred[None]:
        """Ask every customer to part, and let nobody in; fires when all are gone."""
        empty = self._empty = Deferred()
        for link in list(self._links):
            link.part()
        self._tell_empty()
        return empty

    def abort(self) -> None:
        """Cut the connections that are left."""
        for link in list(self._links):
            link.abort("stopped")

    def _gone(self, link: CustomerLink) -> None:
        self._links.discard(link)
        self._tell_empty()

    def _tell_empty(self) -> None:
        if self._empty is not None and not self._links and not self._empty.called:
            self._empty.callback(None)
