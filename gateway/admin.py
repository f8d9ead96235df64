"""The loopback HTTP port: `/metrics` for Prometheus, `/health` for a supervisor. It only reads.

It asks for no password and so belongs on a loopback address; the settings' check sees to that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from twisted.web.http import Request as HttpRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from gateway.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the gateway can take messages, and what a person would want to see with that."""

    ok: bool
    details: Mapping[str, object] = field(default_factory=dict)


class _Pages(Resource):
    def __init__(self, metrics: Metrics, health: Callable[[], Health]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self.isLeaf = True
        self._metrics = metrics
        self._health = health

    def render(self, request: Request) -> bytes:
        if request.method != b"GET":
            return _page(request, 405, "text/plain", b"GET only.\n")
        if request.path == b"/metrics":
            return self._metrics_page(request)
        if request.path == b"/health":
            return self._health_page(request)
        return _page(request, 404, "text/plain", b"There is /metrics and /health.\n")

    def _metrics_page(self, request: Request) -> bytes:
        return _page(request, 200, "text/plain; version=0.0.4; charset=utf-8", self._metrics.render())

    def _health_page(self, request: Request) -> bytes:
        health = self._health()
        told = {"status": "ok" if health.ok else "unavailable", **health.details}
        body = json.dumps(told, ensure_ascii=False).encode() + b"\n"
        return _page(request, 200 if health.ok else 503, "application/json", body)


def _page(request: Request, code: int, content_type: str, body: bytes) -> bytes:
    request.setResponseCode(code)
    request.responseHeaders.setRawHeaders("allow", ["GET"])
    request.responseHeaders.setRawHeaders("content-type", [content_type])
    return body


class AdminSite(Site):
    """The factory to listen with. `health` is asked at every request, in the reactor: it must be quick."""

    noisy = False

    def __init__(self, metrics: Metrics, health: Callable[[], Health]) -> None:
        super().__init__(_Pages(metrics, health), timeout=10)  # type: ignore[no-untyped-call]  # Twisted's

    def log(self, request: HttpRequest) -> None:
        """A scrape every few seconds is no event."""
