from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from gateway.admin import AdminSite, Health
from gateway.metrics import Metrics

Params = ParamSpec("Params")


@dataclass
class Admin:
    """A gateway as far as its admin port shows it, and an HTTP client at that port."""

    metrics: Metrics = field(default_factory=Metrics)
    health: Health = field(default_factory=lambda: Health(True))
    url: str = ""

    async def ask(self, path: str, method: str = "GET") -> tuple[int, str, str]:
        """Status code, content type and body of the answer."""
        return await deferToThread(self._request, path, method)

    def _request(self, path: str, method: str) -> tuple[int, str, str]:
        try:
            answer = urlopen(Request(self.url + path, method=method), timeout=5)
        except HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()


@pytest.fixture
def admin() -> Iterator[Admin]:
    running = Admin()
    site = AdminSite(running.metrics, lambda: running.health)
    listening: Any = reactor  # zope interfaces carry no types for mypy
    port = listening.listenTCP(0, site, interface="127.0.0.1")
    running.url = f"http://127.0.0.1:{port.getHost().port}"
    yield running
    pytest_twisted.blockon(port.stopListening())


def in_reactor(
    test: Callable[Params, Coroutine[Deferred[Any], Any, None]],
) -> Callable[Params, Deferred[None]]:
    @wraps(test)
    def run(*args: Params.args, **kwargs: Params.kwargs) -> Deferred[None]:
        return Deferred.fromCoroutine(test(*args, **kwargs))

    return run


@in_reactor
async def test_metrics_are_in_the_text_format_of_prometheus(admin: Admin) -> None:
    admin.metrics.messages_accepted["完美"] += 5
    code, content_type, body = await admin.ask("/metrics")
    assert code == 200
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert 'signet_messages_accepted_total{account="完美"} 5.0\n' in body


@in_reactor
async def test_a_healthy_gateway_answers_200_with_its_details(admin: Admin) -> None:
    admin.health = Health(True, {"carriers": {"north": "BOUND_TRX"}, "waiting": 3})
    code, content_type, body = await admin.ask("/health")
    assert (code, content_type) == (200, "application/json")
    assert json.loads(body) == {"status": "ok", "carriers": {"north": "BOUND_TRX"}, "waiting": 3}


@in_reactor
async def test_a_gateway_that_cannot_take_messages_answers_503(admin: Admin) -> None:
    admin.health = Health(False, {"store": "down"})
    code, _, body = await admin.ask("/health")
    assert code == 503
    assert json.loads(body) == {"status": "unavailable", "store": "down"}


@in_reactor
async def test_health_is_asked_at_every_request(admin: Admin) -> None:
    codes = [(await admin.ask("/health"))[0]]
    admin.health = Health(False)
    codes.append((await admin.ask("/health"))[0])
    assert codes == [200, 503]


@pytest.mark.parametrize("path", ["/", "/metrics/more", "/accounts"])
@in_reactor
async def test_there_is_nothing_else_to_see(admin: Admin, path: str) -> None:
    assert (await admin.ask(path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@in_reactor
async def test_nothing_can_be_changed_here(admin: Admin, method: str) -> None:
    assert (await admin.ask("/health", method))[0] == 405
