"""Kannel as a customer: its bearerbox bound to the gateway, its smsbox to send with, and what they report."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.config import PASSWORD, free_port
from tests.e2e.patience import until
from tests.interop.program import lacking

# Debian has them in /usr/sbin, which is not on everybody's path.
BEARERBOX = shutil.which("bearerbox", path="/usr/sbin:/usr/bin")
SMSBOX = shutil.which("smsbox", path="/usr/sbin:/usr/bin")

_CONFIG = """
group = core
admin-port = {admin_port}
admin-interface = 127.0.0.1
admin-password = {password}
smsbox-port = {smsbox_port}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = "{folder}/bearerbox.log"
log-level = 0

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms_port}
sendsms-interface = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 0

group = sendsms-user
username = test
password = {password}
concatenation = true
max-messages = 10

group = sms-service
keyword = default
get-url = "http://127.0.0.1:{report_port}/reply?from=%p&text=%b"
catch-all = true
max-messages = 0
"""

_SMSC = """
group = smsc
smsc = smpp
smsc-id = signet
host = 127.0.0.1
{bind}
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
interface-version = 34
enquire-link-interval = 1
reconnect-delay = 1
"""

_ALL_DLRS = 31

Report = dict[str, str]


class Kannel:
    """Bearerbox, smsbox, and a web server that they report to; a context that leaves no process behind.

    It binds to `port` as a transceiver or, as a `pair`, twice: as a transmitter and as a receiver.
    """

    def __init__(self, folder: Path, port: int, system_id: str, pair: bool = False) -> None:
        if BEARERBOX is None or SMSBOX is None:
            lacking("kannel")
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.reports: list[Report] = []
        self._ports = {name: free_port() for name in ("admin_port", "smsbox_port", "sendsms_port")}
        self._config = folder / "kannel.conf"
        binds = (
            [f"port = {port}", f"receive-port = {port}"]
            if pair
            else [f"port = {port}\ntransceiver-mode = true"]
        )
        groups = [_SMSC.format(bind=bind, system_id=system_id, password=PASSWORD) for bind in binds]
        core = _CONFIG.format(
            folder=folder, password=PASSWORD, report_port=self._web.server_port, **self._ports
        )
        self._config.write_text(core + "".join(groups))
        self._boxes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._web.serve_forever).start()
        try:
            self._start(BEARERBOX)
            self._wait_for_port(self._ports["smsbox_port"])
            self._start(SMSBOX)
            # Not for its port: smsbox may take the next connection for one that came and went at once.
            until(lambda: "Connected to bearerbox" in self._smsbox_log(), "smsbox's bearerbox")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for box in self._boxes[::-1]:
            box.kill()
            box.wait()
        self._web.shutdown()
        self._web.server_close()

    # -- what a test does with it

    def send(self, text: str, to: str, source: str, coding: int) -> str:
        """Put a message in, by the sendsms of smsbox; its answer. `coding` is 0 for GSM, 2 for UCS-2."""
        report = f"http://127.0.0.1:{self._web.server_port}/dlr?to={to}&dlr=%d&id=%F&text=%A"
        query = {
            "username": "test",
            "password": PASSWORD,
            "from": source,
            "to": to,
            "text": text,
            "coding": coding,
            "charset": "UTF-8",
            "dlr-mask": _ALL_DLRS,
            "dlr-url": report,
        }
        url = (
            f"http://127.0.0.1:{self._ports['sendsms_port']}/cgi-bin/sendsms?{urllib.parse.urlencode(query)}"
        )
        with urllib.request.urlopen(url, timeout=10) as answer:
            said: bytes = answer.read()
        return said.decode()

    def text(self, report: Report) -> str:
        """The text of a reply in UCS-2, which Kannel hands on as octets."""
        return report["text"].encode("latin-1").decode("utf-16-be")

    def wait_for(self, **fields: str) -> Report:
        """Wait for a report with these fields."""
        return until(
            lambda: next((r for r in list(self.reports) if fields.items() <= r.items()), None),
            f"{fields} among {self.reports}",
        )

    def stop(self) -> None:
        """Ask bearerbox to stop, as its operator does: it unbinds."""
        self._boxes[0].terminate()

    # -- inside

    def _start(self, box: str | None) -> None:
        assert box is not None
        command: list[str | Path] = [box, str(self._config)]
        self._boxes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def _smsbox_log(self) -> str:
        log = self._config.with_name("smsbox.log")
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def _wait_for_port(self, port: int) -> None:
        def connect() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        until(connect, f"Kannel on port {port}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kannel = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, _, query = self.path.partition("?")
                report = dict(urllib.parse.parse_qsl(query, keep_blank_values=True, encoding="latin-1"))
                kannel.reports.append({"kind": kind.strip("/")} | report)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Not on the console."""

        return Handler
