"""The door for customers: a link for each connection, up to two limits, and the way to close it.

One limit is for those from one origin, so that nobody can take all of them. The other is for all: when it is
reached, the oldest that has not even tried to bind makes room, for whoever means it binds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from gateway.customers.crowd import Crowd
from gateway.customers.link import CustomerLink
from gateway.settings import Listen
from gateway.transport import address_text

log = structlog.get_logger()


class CustomerListener(Factory):
    """Makes links with `make_link`, which is handed what to call when a link has ended."""

    noisy = False

    def __init__(
        self, make_link: Callable[[Callable[[CustomerLink], None]], CustomerLink], listen: Listen
    ) -> None:
        self._make_link = make_link
        self._links: Crowd[CustomerLink] = Crowd(listen)
        self._empty: Deferred[None] | None = None

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._links)

    def unread(self) -> Mapping[str, int]:
        """How many connections are not read, by why."""
        return {
            "does not read": sum(link.is_choked for link in self._links),
            "causes refusals": sum(link.is_resting for link in self._links),
        }

    @property
    def late(self) -> int:
        """Deliveries whose answer is overdue and would still be understood."""
        return sum(link.session.late for link in self._links)

    def buildProtocol(self, addr: object) -> CustomerLink | None:
        host = getattr(addr, "host", "")
        if self._empty is not None or not self._has_room(host):
            log.warning("connection.refused", peer=host, connections=len(self._links))
            return None
        link = self._make_link(self._gone)
        # Behind a proxy, the connection's own peer is not the customer.
        link.peer = address_text(addr) if host else ""
        self._links.add(link, host)
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

    def _has_room(self, host: str) -> bool:
        return self._links.may_grow_from(host) and (not self._links.is_full or self._make_room())

    def _make_room(self) -> bool:
        stranger = next((link for link in self._links if link.is_stranger), None)
        if stranger is None:
            return False
        log.warning("connection.dropped", peer=stranger.peer, reason="not bound, and the next one waits")
        self._links.remove(stranger)
        stranger.abort("made room")
        return True

    def _gone(self, link: CustomerLink) -> None:
        self._links.remove(link)
        self._tell_empty()

    def _tell_empty(self) -> None:
        if self._empty is not None and not self._links and not self._empty.called:
            self._empty.callback(None)
