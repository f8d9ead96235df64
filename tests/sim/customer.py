"""A customer's system: it binds, submits, answers deliveries, and behaves as its manners have it.

It never gives up: a connection that ends or goes silent is followed by another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from tests.sim import long_text, wire
from tests.sim.journal import Connected, Delivered, Forwarded, Journal, Lost, SubmitAnswered, Submitted
from tests.sim.network import Connection
from tests.sim.plan import PLAIN, CustomerManners
from tests.sim.timeline import Timeline
from tests.sim.writer import Piece, Writer

SENDER = {"bank": "10690001", "shop": "10690002"}
PASSWORD = "secret"
_PATIENCE_S = 30.0
_REPEAT_S, _REPEATS_MAX = 0.4, 60
_RECEIPT = 0x04
_INTERMEDIATE = 0x20

# Opens a connection to the gateway for a peer; None while nobody listens.
Connect = Callable[["Bind"], Connection | None]


class Customer:
    """One account's system with all its binds. `now` is the time of day, `tokens` numbers all texts."""

    def __init__(
        self,
        manners: CustomerManners,
        timeline: Timeline,
        chance: Random,
        journal: Journal,
        now: Callable[[], float],
        connect: Connect,
        tokens: Callable[[], int],
        connections: Callable[[], int],
    ) -> None:
        self.manners = manners
        self.timeline = timeline
        self.chance = chance
        self.journal = journal
        self.now = now
        self.connect = connect
        self.tokens = tokens
        self.connections = connections
        self.to_send = manners.messages
        self.to_repeat = _REPEATS_MAX
        self.writer = Writer(chance)
        self.pieces: deque[Piece] = deque()
        self.binds = [Bind(self) for _ in range(manners.binds)]

    def start(self) -> None:
        """Bind, and keep on."""
        for bind in self.binds:
            self.timeline.callLater(self.chance.random(), bind.try_again)

    def calm(self) -> None:
        """Behave from now on, and submit nothing by itself."""
        self.to_send = self.to_repeat = 0
        self.pieces.clear()
        self.manners = replace(
            self.manners,
            overruns=0.0,
            invalid=0.0,
            ignores_deliveries=0.0,
            refuses_deliveries=0.0,
            leaves=0.0,
            away_s=0.5,
            gaps=0.0,
            repeats=0.0,
            insists=0.0,
        )

    def happens(self, share: float) -> bool:
        return share > 0 and self.chance.random() < share

    def write(self, valid: bool = True) -> None:
        """Another text, for any bind to send."""
        for piece in self.writer.write(self.tokens(), self.manners, valid):
            if piece.wait_s and piece in self.pieces:
                self.later(piece, piece.wait_s)
            else:
                self.pieces.append(piece)

    def later(self, piece: Piece, wait_s: float) -> None:
        """Send a piece after a while, if that is still wanted then."""
        self.timeline.callLater(wait_s, self._once_more, piece)

    def insist(self, piece: Piece | None) -> None:
        """A piece was refused, or will never be answered: it may be sent again."""
        if piece is not None and piece.again and self.to_repeat > 0 and self.happens(self.manners.insists):
            self.to_repeat -= 1
            self.later(piece, _REPEAT_S)

    def _once_more(self, piece: Piece) -> None:
        if self.to_repeat > 0:
            self.pieces.append(piece)
            for bind in self.binds:
                bind.submit_more()


class Bind:
    """One place of a customer's: a connection, and the next one when it is lost."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.is_bound = False
        self._connection: Connection | None = None
        self._number = 0
        self._frames = wire.Frames()
        self._sequence_number = 0
        self._sent_at: dict[int, float] = {}
        self._sent: dict[int, Piece] = {}
        self._bind_sent_at = 0.0
        self._ready_at = 0.0

    def try_again(self) -> None:
        """Connect and bind; later, if nobody is there."""
        customer = self.customer
        connection = customer.connect(self)
        if connection is None:
            self._later(0.5, self.try_again)
            return
        self._connection, self._frames = connection, wire.Frames()
        self._number, self._sequence_number, self._sent_at = customer.connections(), 1, {}
        self._sent = {}
        self._write(Connected(customer.now(), self._number, "customer", customer.manners.name))
        bind: dict[str, Any] = {
            "system_id": customer.manners.name,
            "password": PASSWORD,
            "interface_version": 0x34,
        }
        self._bind_sent_at = customer.timeline.seconds()
        self._send(wire.write("bind_transceiver", 1, **bind))
        self._later(_PATIENCE_S / 10, self._look, self._number)

    # -- Peer

    def received(self, data: bytes) -> None:
        for frame in self._frames.take(data):
            if self._connection is None:
                return
            self._take(*frame)
        self.submit_more()

    def lost(self) -> None:
        self.is_bound = False
        self._connection = None
        for piece in self._sent.values():
            self.customer.insist(piece)
        self._write(Lost(self.customer.now(), self._number))
        self._later(self.customer.manners.away_s * self.customer.chance.random(), self.try_again)

    # -- inside

    def _take(self, command_id: int, command_status: int, sequence_number: int, octets: bytes) -> None:
        if command_id == wire.BIND_TRANSCEIVER | wire.RESP:
            if command_status:
                self._leave()
            else:
                self.is_bound = True
        elif command_id == wire.SUBMIT_SM | wire.RESP:
            self._sent_at.pop(sequence_number, None)
            piece = self._sent.pop(sequence_number, None)
            message_id = "" if command_status else wire.read(octets).message_id.decode()
            if command_status and piece is not None and piece.again:
                self.customer.insist(piece)
            elif command_status and self.customer.to_repeat > 0:
                self.customer.to_repeat -= 1
                self.customer.to_send += 1
                self._ready_at = self.customer.timeline.seconds() + _REPEAT_S
                self._later(_REPEAT_S, self.submit_more)
            self._write(
                SubmitAnswered(self.customer.now(), self._number, sequence_number, command_status, message_id)
            )
        elif command_id == wire.DELIVER_SM:
            self._on_delivery(sequence_number, wire.read(octets))
        elif command_id == wire.ENQUIRE_LINK:
            self._send(wire.write("enquire_link_resp", sequence_number))
        elif command_id == wire.UNBIND:
            self._send(wire.write("unbind_resp", sequence_number))
            self._leave()

    def _on_delivery(self, sequence_number: int, pdu: Any) -> None:
        customer, manners = self.customer, self.customer.manners
        status: int | None = wire.ESME_ROK
        if customer.happens(manners.ignores_deliveries):
            status = None
        elif customer.happens(manners.refuses_deliveries):
            status = wire.ESME_RX_T_APPN
        now, number, account = customer.now(), self._number, manners.name
        if pdu.esm_class & (_RECEIPT | _INTERMEDIATE):
            message_id, final = pdu.receipted_message_id.decode(), not pdu.esm_class & _INTERMEDIATE
            state = pdu.message_state
            self._write(Delivered(now, number, account, sequence_number, message_id, state, final, status))
        else:
            source = pdu.source_addr.decode()
            self._write(Forwarded(now, number, account, sequence_number, source, status))
        if customer.happens(manners.leaves):
            self._leave()
        elif status:
            self._send(wire.refuse("deliver_sm_resp", sequence_number, status))
        elif status is not None:
            self._send(wire.write("deliver_sm_resp", sequence_number))

    def submit_more(self) -> None:
        """Send what waits, as far as the window goes."""
        customer, manners = self.customer, self.customer.manners
        while self.is_bound and customer.timeline.seconds() >= self._ready_at:
            if not customer.pieces and not customer.to_send:
                return
            if len(self._sent_at) >= manners.window_max and not customer.happens(manners.overruns):
                return
            if not customer.pieces:
                customer.to_send -= 1
                customer.write(valid=not customer.happens(manners.invalid))
            self._submit(customer.pieces.popleft())
            if manners.every_s:
                self._ready_at = customer.timeline.seconds() + manners.every_s
                self._later(manners.every_s, self.submit_more)

    def submit(self) -> None:
        """Submit a text at once."""
        self.customer.write()
        while self.customer.pieces:
            self._submit(self.customer.pieces.popleft())

    def _submit(self, piece: Piece) -> None:
        customer, place = self.customer, piece.place
        account = customer.manners.name
        self._sequence_number += 1
        self._write(
            Submitted(
                customer.now(),
                self._number,
                account,
                self._sequence_number,
                piece.token,
                piece.destination,
                piece.registered_delivery,
                piece.valid,
                place.form,
                "" if place.form == PLAIN else piece.text,
                place.number,
                place.total,
            )
        )
        self._sent_at[self._sequence_number] = customer.timeline.seconds()
        self._sent[self._sequence_number] = piece
        self._send(
            wire.write(
                "submit_sm",
                self._sequence_number,
                source_addr=SENDER[account],
                destination_addr=piece.destination,
                data_coding=8,
                registered_delivery=piece.registered_delivery,
                **long_text.fields(piece.text, place),
            )
        )

    def _look(self, number: int) -> None:
        """Leave a connection on which an answer is long overdue."""
        if number != self._number or self._connection is None:
            return
        since = min(self._sent_at.values(), default=None) if self.is_bound else self._bind_sent_at
        if since is not None and self.customer.timeline.seconds() - since > _PATIENCE_S:
            self._connection.reset()
            return
        self._later(_PATIENCE_S / 10, self._look, number)

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _send(self, octets: bytes) -> None:
        if self._connection is not None:
            self._connection.send(octets)

    def _write(self, entry: Any) -> None:
        self.customer.journal.write(entry)

    def _later(self, seconds: float, call: Callable[..., object], *args: object) -> None:
        self.customer.timeline.callLater(seconds, call, *args)
