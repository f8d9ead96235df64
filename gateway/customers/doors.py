"""The ports that customers may connect to, and what stands between a port and the listener.

From outside in: whose connection it is (`proxied`), TLS, the listener. A port that needs neither has the
listener alone.
"""

from __future__ import annotations

from twisted.internet.protocol import Factory

from gateway import tls
from gateway.customers.proxied import ProxiedListener
from gateway.metrics import Metrics
from gateway.reactor import ReactorTime
from gateway.settings import Listen


class Doors:
    """Number and factory of each port, in `factories`: the plain one first.

    Raises what `tls.server_factory` does.
    """

    def __init__(self, listen: Listen, listener: Factory, reactor: ReactorTime, metrics: Metrics) -> None:
        self.factories: list[tuple[int, Factory]] = []
        self._proxied: list[ProxiedListener] = []
        if listen.plain:
            self.factories.append((listen.port, listener))
        if listen.tls is not None:
            self.factories.append((listen.tls.port, tls.server_factory(listen.tls, listener, reactor)))
        if listen.proxy_networks:
            self._proxied = [ProxiedListener(f, listen, reactor, metrics) for _, f in self.factories]
            ports = [port for port, _ in self.factories]
            self.factories = list(zip(ports, self._proxied, strict=True))

    @property
    def unannounced(self) -> int:
        """Connections of proxies that have not said yet whose they are."""
        return sum(map(len, self._proxied))

    def abort(self) -> None:
        """Cut those."""
        for proxied in self._proxied:
            proxied.abort()
