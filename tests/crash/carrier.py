"""A carrier as a process of its own, so that it can be stopped: `python -m tests.crash.carrier JOURNAL`.

It prints its port, and writes down what happens in a journal of lines that `notes` reads:

    copy TOKEN ID STATUS AT       a submit_sm has come, and will be answered so
    told KIND ID AT               a receipt, or a reply, is sent for the first time
    acknowledged KIND ID AT       the gateway has answered it with status 0

Instants are of the machine's monotonic clock. What it has taken it reports until that is acknowledged, over
whichever bind is there: a carrier that forgets is not what is tested.
"""

from __future__ import annotations

import heapq
import socket
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TextIO

from tests.bench.link import Link, Poll
from tests.bench.pdus import (
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    DELIVER_SM_RESP,
    RESPONSE,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    pdu,
    read_submit_sm,
)
from tests.crash import pdus, tokens

_ROK, _RTHROTTLED, _RSUBMITFAIL = 0x00, 0x58, 0x45
_WINDOW = 20
_TICK_S = 0.002
_RETRY_S = 0.1


@dataclass(frozen=True, slots=True)
class Report:
    """A deliver_sm that the gateway must acknowledge: a receipt or a reply."""

    kind: str
    message_id: str
    token: int
    source: str
    destination: str

    def build(self, sequence_number: int) -> bytes:
        """The whole PDU."""
        if self.kind == "reply":
            return pdus.reply(sequence_number, self.source, self.destination, tokens.text_of(self.token))
        stat = tokens.stat_of(self.token)
        return pdus.receipt(sequence_number, self.source, self.destination, self.message_id, stat)


class Carrier:
    """Listens on a free loopback port. Every `drop_every`-th submit_sm (0: none) ends its connection."""

    def __init__(self, poll: Poll, journal: TextIO, drop_every: int) -> None:
        self.journal = journal
        self.drop_every = drop_every
        self.links: list[CarrierLink] = []
        self.submits = 0
        self._throttled: set[int] = set()
        self._told: set[Report] = set()
        self._waiting: deque[Report] = deque()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = 0
        self._poll = poll
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        poll.add(self._listener, self._accept)

    def next_number(self) -> int:
        """Never the same again."""
        self._numbers += 1
        return self._numbers

    def note(self, *words: object) -> None:
        """Write a line into the journal."""
        print(*words, perf_counter(), file=self.journal)

    def later(self, delay_s: float, what: Callable[[], None]) -> None:
        """Do it after `delay_s`."""
        heapq.heappush(self._due, (perf_counter() + delay_s, self.next_number(), what))

    def status_of(self, token: int) -> int:
        """The answer to a message."""
        if tokens.is_refused(token):
            return _RSUBMITFAIL
        if tokens.is_throttled(token) and token not in self._throttled:
            self._throttled.add(token)
            return _RTHROTTLED
        return _ROK

    def report(self, report: Report) -> None:
        """Send it as soon as there is room, until it is acknowledged."""
        self._waiting.append(report)

    def next_report(self) -> Report | None:
        """The oldest that waits, which is from now on the caller's."""
        if not self._waiting:
            return None
        report = self._waiting.popleft()
        if report not in self._told:
            self._told.add(report)
            self.note("told", report.kind, report.message_id)
        return report

    def tick(self) -> None:
        """Do what has become due."""
        now = perf_counter()
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
        self.links = [link for link in self.links if not link.closed]
        for link in self.links:
            link.send_reports()
            link.flush()

    def close(self) -> None:
        """Hang up on everyone, and close the port."""
        self._poll.remove(self._listener)
        self._listener.close()
        for link in self.links:
            link.close()

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        self.links.append(CarrierLink(sock, self._poll, self))


class CarrierLink(Link):
    """One bind of the gateway."""

    def __init__(self, sock: socket.socket, poll: Poll, carrier: Carrier) -> None:
        super().__init__(sock, poll)
        self._carrier = carrier
        self._bound = False
        self._unanswered: dict[int, Report] = {}

    def handle(
        self, command_id: int, command_status: int, sequence_number: int, data: bytes, start: int, end: int
    ) -> None:
        if self.closed:
            return  # what comes behind a connection's end was never received
        if command_id == SUBMIT_SM:
            self._submitted(sequence_number, data[start:end])
        elif command_id == DELIVER_SM_RESP:
            self._answered(sequence_number, command_status)
        elif command_id == BIND_TRANSCEIVER:
            self._bound = True
            self.out.append(pdu(BIND_TRANSCEIVER_RESP, sequence_number, b"crash\0"))
        elif command_id < RESPONSE:
            self.answer_upkeep(command_id, sequence_number)

    def close(self) -> None:
        if not self.closed:
            for report in self._unanswered.values():
                self._carrier.report(report)
        super().close()

    def send_reports(self) -> None:
        """Send what waits, as far as the window has room."""
        while self._bound and not self.closed and len(self._unanswered) < _WINDOW:
            report = self._carrier.next_report()
            if report is None:
                return
            number = self._carrier.next_number()
            self._unanswered[number] = report
            self.out.append(report.build(number))

    def _submitted(self, sequence_number: int, body: bytes) -> None:
        carrier, token = self._carrier, tokens.token_in(body)
        message_id, status = f"{1_000_000_000 + carrier.next_number()}", carrier.status_of(token)
        carrier.submits += 1
        carrier.note("copy", token, message_id, status)
        delay_s = tokens.answer_delay_s(token)
        carrier.later(delay_s, lambda: self._answer(sequence_number, message_id, status))
        if status == _ROK:
            submitted = read_submit_sm(body, 0)
            number, source = submitted.destination.decode(), submitted.source.decode()
            early = tokens.is_early(token)
            receipt = Report("receipt", message_id, token, number, source)
            carrier.later(
                0 if early else delay_s + tokens.receipt_delay_s(token), lambda: carrier.report(receipt)
            )
            if tokens.is_replied_to(token):
                carrier.report(Report("reply", message_id, token, number, source))
        if carrier.drop_every and carrier.submits % carrier.drop_every == 0:
            self.close()

    def _answer(self, sequence_number: int, message_id: str, status: int) -> None:
        body = b"" if status else message_id.encode() + b"\0"
        self.out.append(pdu(SUBMIT_SM_RESP, sequence_number, body, status))

    def _answered(self, sequence_number: int, status: int) -> None:
        report = self._unanswered.pop(sequence_number)
        if status:
            self._carrier.later(_RETRY_S, lambda: self._carrier.report(report))
        else:
            self._carrier.note("acknowledged", report.kind, report.message_id)


def main(journal_path: Path, drop_every: int) -> None:
    """Serve until killed."""
    poll = Poll()
    with journal_path.open("w", buffering=1) as journal:
        carrier = Carrier(poll, journal, drop_every)
        print(carrier.port, flush=True)
        # Ctrl-C at a campaign reaches us, too; what follows is its business.
        with suppress(KeyboardInterrupt):
            while True:
                poll.once(_TICK_S)
                carrier.tick()
        carrier.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
