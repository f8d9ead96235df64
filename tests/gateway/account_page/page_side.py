"""An account page on a real port, its timers on a clock that the test moves, and HTTP clients in threads."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, execute, maybeDeferred, succeed
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import deferToThread

from gateway.account_page.overviews import Overviews
from gateway.account_page.page import AccountPage
from gateway.clock import StatedClock
from gateway.customers.binds import Binds
from gateway.customers.doors import Doors
from gateway.customers.password_checks import PasswordChecks
from gateway.metrics import Metrics
from gateway.passwords import Passwords
from gateway.settings import Account, Limits, Listen, ListenTls
from gateway.store.reader import Reader
from ledger.states import AccountState
from tests.gateway.carriers.samples import NOON, ZONE
from tests.gateway.customers.samples import PASSWORD, a_customer
from tests.gateway.whole import settings_of

PATIENCE_S = 5.0
real: Any = reactor  # zope interfaces carry no types for mypy


@dataclass(frozen=True)
class Answer:
    """What the client got."""

    code: int
    headers: Mapping[str, str]
    text: str


def basic(system_id: str = "bank", password: str = PASSWORD) -> dict[str, str]:
    """The header that says who asks."""
    pair = base64.b64encode(f"{system_id}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


class Page:
    """The page of some accounts on a database; `tls` is its certificate."""

    def __init__(
        self,
        path: Path,
        accounts: Sequence[Account] = (a_customer(),),
        tls: ListenTls | None = None,
        **listen: Any,
    ) -> None:
        self.time = Clock()
        clock = StatedClock(NOON, self.time.seconds)
        settings = settings_of(path, accounts)
        self.metrics = Metrics()
        checks = self.checks = PasswordChecks(Passwords(), execute, self.time.seconds, Limits(), 100)
        self.binds = Binds(settings.accounts, ZONE, clock, checks, lambda account: succeed(AccountState.OPEN))
        self.read: Callable[..., Deferred[Any]] = deferToThread
        reader = Reader(path, lambda work: self.read(work), time.monotonic)
        overviews = Overviews(reader, clock, self.time.seconds, ZONE)
        listens = Listen("127.0.0.1", 0, tls=tls, plain=tls is None, **{"connections_max": 10} | listen)
        # Any: mypy takes Twisted's channels for something else.
        page: Any = AccountPage(settings, listens, self.time, clock, self.binds, overviews, self.metrics)
        self.page = page
        doors = Doors(listens, page, self.time, self.metrics)
        ((_, self.factory),) = doors.factories
        self._port = real.listenTCP(0, self.factory, interface="127.0.0.1")
        self.port: int = self._port.getHost().port

    async def close(self) -> None:
        await maybeDeferred(self._port.stopListening)
        await Deferred.fromCoroutine(self.page.stop())

    def ask(
        self,
        headers: Mapping[str, str] | None = None,
        path: str = "/account",
        method: str = "GET",
        trust: ssl.SSLContext | None = None,
        source: str = "127.0.0.1",
    ) -> Deferred[Answer]:
        """The answer to one request; without `headers` it is the bank's own."""
        sent = basic() if headers is None else dict(headers)
        return deferToThread(self._request, method, path, sent, trust, source)

    async def refused(self, headers: Mapping[str, str], **more: Any) -> Answer:
        """The answer to one who does not pass, which is a second late."""
        asked = self.ask(headers, **more)
        due_at = self.time.seconds() + 1.0
        await until(lambda: asked.called or due_at in self.timers())
        assert not asked.called
        self.time.advance(1.0)
        return await asked

    def timers(self) -> list[float]:
        """When something is to happen."""
        calls: Sequence[Any] = self.time.getDelayedCalls()
        return [call.getTime() for call in calls]

    def _request(
        self, method: str, path: str, headers: dict[str, str], trust: ssl.SSLContext | None, source: str
    ) -> Answer:
        connection: HTTPConnection
        where: Any = {"timeout": PATIENCE_S, "source_address": (source, 0)}
        if trust is None:
            connection = HTTPConnection("127.0.0.1", self.port, **where)
        else:
            connection = HTTPSConnection("127.0.0.1", self.port, context=trust, **where)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read().decode())
        finally:
            connection.close()


async def until(happened: Callable[[], object]) -> None:
    """Returns when it has happened; an AssertionError if it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        await deferLater(real, 0.01, lambda: None)
