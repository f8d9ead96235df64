"""`/account` over HTTP: a customer watches its own account (contract clauses 四 and 五(3)). It only reads.

A visitor says who it is by HTTP Basic, and is held to what a bind is held to. Whoever does not pass is told
nothing but that, always as late: neither the answer nor the time that it takes tells an unknown system_id
from a wrong password.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import structlog
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from gateway import task
from gateway.account_page.channel import PageChannel, PageRequest
from gateway.account_page.html import html
from gateway.account_page.overviews import Overviews
from gateway.account_page.view import view
from gateway.clock import Clock
from gateway.customers.binds import Binds
from gateway.customers.crowd import Crowd
from gateway.customers.refusals import uniform_delay_s
from gateway.insist import fault
from gateway.metrics import Metrics
from gateway.reactor import ReactorTime
from gateway.settings import Account, Listen, Settings
from policy.throttle import TokenBucket

log = structlog.get_logger()

PATH = b"/account"

_REQUESTS_PER_S, _REQUESTS_AT_ONCE = 1.0, 10
_SYSTEM_ID_TOLD = 16
_HEADERS = {
    "allow": "GET, HEAD",
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "server": "Signet",
    "vary": "accept, authorization",
    "x-content-type-options": "nosniff",
}
_CHALLENGE = 'Basic realm="Signet", charset="UTF-8"'


class AccountPage(Site):
    """The factory to listen with. `listen` is the page's own: a request may take session_init_s to come."""

    noisy = False
    protocol: Any = PageChannel

    def __init__(
        self,
        settings: Settings,
        listen: Listen,
        reactor: ReactorTime,
        clock: Clock,
        binds: Binds,
        overviews: Overviews,
        metrics: Metrics,
    ) -> None:
        pages: Any = _Pages(self)
        super().__init__(  # type: ignore[no-untyped-call]  # Twisted's
            pages, PageRequest, timeout=None, reactor=reactor, parsePOSTFormSubmission=False
        )
        self._reactor = reactor
        self._request_s = listen.session_init_s
        self._zone = settings.zone
        self._clock = clock
        self._binds = binds
        self._overviews = overviews
        self._metrics = metrics
        self._crowd: Crowd[PageChannel] = Crowd(listen)
        self._throttles = {
            account.name: TokenBucket(_REQUESTS_PER_S, _REQUESTS_AT_ONCE)
            for account in settings.accounts.values()
        }

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._crowd)

    def buildProtocol(self, addr: Any) -> Any:
        if not self._has_room(addr.host):
            log.warning("connection.refused", peer=addr.host, connections=len(self._crowd))
            return None
        channel: PageChannel = super().buildProtocol(addr)  # type: ignore[no-untyped-call]  # Twisted's
        # Behind a proxy, the connection's own peer is not the customer.
        channel.begin(addr.host, self._reactor, self._request_s, self._crowd.remove)
        self._crowd.add(channel, addr.host)
        return channel

    def acceptableProtocols(self) -> list[bytes]:
        """What TLS may agree on: no HTTP/2, which the channel does not speak, wherever it is installed."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """There is no access log, and no time of day to keep for it."""

    async def stop(self) -> None:
        """Cut the connections; returns when nothing is read any more."""
        for channel in list(self._crowd):
            channel.abort()
        await self._overviews.stop()

    def log(self, request: HttpRequest) -> None:
        """What is answered is counted, and only refusals are logged."""

    async def answer(self, request: Request, channel: PageChannel) -> None:
        """Answer one request for the page. Whatever fails, its visitor must not wait for ever."""
        try:
            await self._judge(request, channel)
        except Exception as error:
            self._fail(request, error, peer=channel.host)

    async def _judge(self, request: Request, channel: PageChannel) -> None:
        began_at = self._reactor.seconds()
        if not request.requestHeaders.hasHeader("authorization"):
            self.tell(request, 401, {"www-authenticate": _CHALLENGE})
            return
        said: Any = request  # Twisted's functions for this have no types
        system_id, password = said.getUser().decode("latin-1"), said.getPassword().decode("latin-1")
        account, refusal = await self._binds.identify(system_id, password, channel)
        if account is None or refusal is not None:
            named = system_id[:_SYSTEM_ID_TOLD]
            log.warning("account_page.refused", system_id=named, peer=channel.host, rule=refusal)
            delay_s = uniform_delay_s(self._reactor.seconds() - began_at)
            channel.wait(delay_s, lambda: self.tell(request, 401, {"www-authenticate": _CHALLENGE}))
        elif channel.is_lost:
            return
        elif not self._throttles[account.name].take(1, self._reactor.seconds()):
            self.tell(request, 429, {"retry-after": "1"})
        else:
            await self._show(request, account)

    def _has_room(self, host: str) -> bool:
        return self._crowd.may_grow_from(host) and (not self._crowd.is_full or self._make_room())

    def _make_room(self) -> bool:
        """Cut the oldest that nothing is done for: whoever means it asks at once."""
        idle = next((channel for channel in self._crowd if channel.is_idle), None)
        if idle is None:
            return False
        log.warning("connection.dropped", peer=idle.host, reason="idle, and the next one waits")
        self._crowd.remove(idle)
        idle.abort()
        return True

    async def _show(self, request: Request, account: Account) -> None:
        try:
            found, counts = await self._overviews.of(account.name)
            shown = view(account, found, counts, self._binds.of(account), self._clock.now(), self._zone)
        except Exception as error:
            self._fail(request, error, account=account.name)
            return
        if _wants_html(request):
            self.tell(request, 200, {"content-type": "text/html; charset=utf-8"}, html(shown))
        else:
            told = json.dumps(shown, ensure_ascii=False, indent=2)
            self.tell(request, 200, {"content-type": "application/json"}, f"{told}\n")

    def _fail(self, request: Request, error: Exception, **whose: str) -> None:
        log.error("account_page.failed", **whose, error=fault(error))
        self.tell(request, 503, {"retry-after": "10"})

    def tell(self, request: Request, code: int, headers: Mapping[str, str], text: str | None = None) -> None:
        """Answer, unless nobody is there any more; without a text in the words of HTTP."""
        # Twisted takes it from a request when it is lost.
        channel = cast(PageChannel | None, request.channel)
        if channel is None:
            return
        request.setResponseCode(code)
        body = (text or f"{code} {request.code_message.decode()}\n").encode()
        all_headers = {"content-type": "text/plain; charset=utf-8", **_HEADERS, **headers}
        for name, value in {**all_headers, "content-length": str(len(body))}.items():
            request.responseHeaders.setRawHeaders(name, [value])
        self._metrics.account_pages[str(code)] += 1
        channel.limit()
        request.write(body)  # type: ignore[no-untyped-call]  # Twisted's
        request.finish()  # type: ignore[no-untyped-call]  # Twisted's


class _Pages(Resource):
    def __init__(self, page: AccountPage) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self.isLeaf = True
        self._page = page

    def render(self, request: Request) -> int:
        channel = cast(PageChannel, request.channel)
        channel.unlimit()
        if request.path != PATH:
            self._page.tell(request, 404, {})
        elif request.method not in (b"GET", b"HEAD"):
            self._page.tell(request, 405, {})
        else:
            task.start(self._page.answer(request, channel), "account page")
        return NOT_DONE_YET


def _wants_html(request: Request) -> bool:
    accept = request.requestHeaders.getRawHeaders("accept", [])
    return any(kind.partition(";")[0].strip() == "text/html" for line in accept for kind in line.split(","))
