"""A carrier: it takes binds, answers submits, reports, forwards replies, and behaves as its manners have it.

What it has to tell (receipts, replies) it keeps until the gateway has answered 0 for it, or has refused it
for good, and tells again on any connection after a while or after an answer that asks for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.sim import long_text, wire
from tests.sim.customer import SENDER
from tests.sim.journal import (
    Connected,
    DeliverAnswered,
    Journal,
    Lost,
    RelayAnswered,
    Relayed,
    Replied,
    Reported,
)
from tests.sim.network import Connection
from tests.sim.plan import CarrierManners
from tests.sim.timeline import Timeline

_REPEAT_S = 15.0
_OPEN_MAX = 10
_ENROUTE, _DELIVERED, _EXPIRED, _UNDELIVERABLE = 1, 2, 3, 5
_STAT = {_ENROUTE: "ENROUTE", _DELIVERED: "DELIVRD", _EXPIRED: "EXPIRED", _UNDELIVERABLE: "UNDELIV"}
_RECEIPT, _INTERMEDIATE = 0x04, 0x20
_ACCOUNTS = {sender: account for account, sender in SENDER.items()}


@dataclass(eq=False, slots=True)
class _Word:
    """What the gateway is to be told: a receipt (`state`) or a reply (`state` None)."""

    token: int
    carrier_message_id: str
    state: int | None
    number: str
    sender: str
    place: int = 0
    told_at: float | None = None
    tries: int = 0


@dataclass(slots=True)
class _Fate:
    """What becomes of one submit."""

    token: int
    carrier_message_id: str
    number: str
    sender: str
    wants_receipt: bool
    place: int = 0
    words: list[_Word] = field(default_factory=list)


class Carrier:
    """An SMSC by its name, with all its connections."""

    def __init__(
        self,
        name: str,
        manners: CarrierManners,
        timeline: Timeline,
        chance: Random,
        journal: Journal,
        now: Callable[[], float],
        connections: Callable[[], int],
    ) -> None:
        self.name = name
        self.manners = manners
        self.timeline = timeline
        self.chance = chance
        self.journal = journal
        self.now = now
        self.connections = connections
        self.relayed: Counter[tuple[int, int]] = Counter()
        self._ids = 0
        self._links: list[Link] = []
        self._words: list[_Word] = []

    def calm(self) -> None:
        """Behave from now on."""
        self.manners = replace(
            self.manners,
            throttles=0.0,
            refuses=0.0,
            ignores=0.0,
            answers_late=0.0,
            answers_garbage=0.0,
            receipts_early=0.0,
            receipts_twice=0.0,
            disconnects=0.0,
            replies_td=0.0,
        )

    @property
    def has_more_to_tell(self) -> bool:
        return bool(self._words)

    def opened(self, link: Link) -> None:
        self._links.append(link)

    def closed(self, link: Link) -> None:
        self._links.remove(link)
        for word in link.asked.values():
            word.told_at = None

    def start(self) -> None:
        """Look at what is to be told, again and again."""
        self._tell()
        self.timeline.callLater(1.0, self.start)

    def happens(self, share: float) -> bool:
        return share > 0 and self.chance.random() < share

    # -- submits

    def fate(self, pdu: Any, token: int, place: int) -> _Fate:
        """What becomes of a submit that is accepted: an id, and what is said of it."""
        number, sender = pdu.destination_addr.decode(), pdu.source_addr.decode()
        fate = _Fate(token, self._new_id(), number, sender, bool(pdu.registered_delivery & 1), place)
        manners = self.manners
        if fate.wants_receipt and not self.happens(manners.receipts_never):
            state = (
                self.chance.choice((_EXPIRED, _UNDELIVERABLE)) if self.happens(manners.fails) else _DELIVERED
            )
            states = [_ENROUTE, state] if self.happens(manners.news) else [state]
            if self.happens(manners.receipts_twice):
                states.append(state)
            fate.words = [
                _Word(fate.token, fate.carrier_message_id, s, number, sender, place) for s in states
            ]
        if self.happens(manners.replies_td):
            fate.words.append(_Word(fate.token, "", None, number, sender))
        return fate

    def say(self, words: list[_Word]) -> None:
        """These are to be told from now on."""
        self._words += words
        self._tell()

    def heard(self, word: _Word, command_status: int) -> None:
        """The gateway has answered; anything but "later" is the end of it."""
        word.told_at = None
        if command_status not in (wire.ESME_RX_T_APPN, wire.ESME_RMSGQFUL, wire.ESME_RSYSERR):
            self._words = [other for other in self._words if other is not word]
        else:
            word.told_at = self.timeline.seconds() - _REPEAT_S / 2

    def _new_id(self) -> str:
        self._ids += 1
        if self.manners.ids == "again":
            return str(self._ids % 7)
        return f"{1000 + self._ids:x}" if self.manners.ids == "hex" else str(1000 + self._ids)

    def _tell(self) -> None:
        now = self.timeline.seconds()
        for word in list(self._words):
            links = [link for link in self._links if link.is_bound and len(link.asked) < _OPEN_MAX]
            if not links:
                return
            if word.told_at is None or now - word.told_at >= _REPEAT_S:
                word.told_at = now
                word.tries += 1
                self.chance.choice(links).tell(word)


class Link:
    """One connection of the gateway's to a carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.is_bound = False
        self.asked: dict[int, _Word] = {}
        self._connection: Connection | None = None
        self._number = 0
        self._frames = wire.Frames()
        self._sequence_number = 0

    def connected(self, connection: Connection) -> None:
        """The gateway has come."""
        self._connection = connection
        self._number = self.carrier.connections()
        self._write(Connected(self.carrier.now(), self._number, "carrier", self.carrier.name))
        self.carrier.opened(self)

    def tell(self, word: _Word) -> None:
        """Send a receipt or a reply."""
        carrier = self.carrier
        self._sequence_number += 1
        number = self._sequence_number
        self.asked[number] = word
        addresses: dict[str, Any] = {"source_addr": word.number, "destination_addr": word.sender}
        if word.state is None:
            account = _ACCOUNTS[word.sender]
            self._write(
                Replied(carrier.now(), self._number, carrier.name, number, word.number, account, True)
            )
            self._send(wire.write("deliver_sm", number, short_message=b"TD", **addresses))
            return
        raw = word.carrier_message_id
        self._write(
            Reported(
                carrier.now(), self._number, carrier.name, number, raw, word.token, word.state, word.place
            )
        )
        told = str(int(raw, 16)) if carrier.manners.ids == "hex" else raw
        esm_class = _INTERMEDIATE if word.state == _ENROUTE else _RECEIPT
        text = (
            f"id:{told} sub:001 dlvrd:001 submit date:2603041200 done date:2603041201"
            f" stat:{_STAT[word.state]} err:000 text:"
        )
        self._send(
            wire.write("deliver_sm", number, esm_class=esm_class, short_message=text.encode(), **addresses)
        )

    # -- Peer

    def received(self, data: bytes) -> None:
        for frame in self._frames.take(data):
            if self._connection is not None:
                self._take(*frame)

    def lost(self) -> None:
        if self._connection is not None:
            self._connection = None
            self.is_bound = False
            self._write(Lost(self.carrier.now(), self._number))
            self.carrier.closed(self)

    # -- inside

    def _take(self, command_id: int, command_status: int, sequence_number: int, octets: bytes) -> None:
        if command_id == wire.BIND_TRANSCEIVER:
            self.is_bound = True
            self._send(wire.write("bind_transceiver_resp", sequence_number, system_id="SMSC"))
        elif command_id == wire.SUBMIT_SM:
            self._on_submit(sequence_number, wire.read(octets))
        elif command_id == wire.DELIVER_SM | wire.RESP:
            self._write(DeliverAnswered(self.carrier.now(), self._number, sequence_number, command_status))
            word = self.asked.pop(sequence_number, None)
            if word is not None:
                self.carrier.heard(word, command_status)
        elif command_id == wire.ENQUIRE_LINK:
            self._send(wire.write("enquire_link_resp", sequence_number))
        elif command_id == wire.UNBIND:
            self._send(wire.write("unbind_resp", sequence_number))
            if self._connection is not None:
                self._connection.close()

    def _on_submit(self, sequence_number: int, pdu: Any) -> None:
        carrier, manners = self.carrier, self.carrier.manners
        text, place, octets = long_text.read(pdu)
        fate = carrier.fate(pdu, long_text.token_of(text), place.number)
        carrier.relayed[fate.token, fate.place] += 1
        self._write(
            Relayed(
                carrier.now(),
                self._number,
                carrier.name,
                sequence_number,
                fate.token,
                fate.number,
                text,
                place.form,
                place.number,
                place.total,
                place.reference,
                octets,
            )
        )
        if carrier.happens(manners.disconnects) and self._connection is not None:
            if carrier.happens(0.5):
                # It has taken the message; only the answer is lost.
                carrier.timeline.callLater(manners.receipt_s, carrier.say, fate.words)
            self._connection.reset()
            return
        wait_s = manners.answer_s * carrier.chance.random()
        if carrier.happens(manners.answers_late):
            wait_s += carrier.chance.choice((3.0, 12.0))
        if carrier.happens(manners.throttles):
            answer: tuple[int, str] = carrier.chance.choice((wire.ESME_RTHROTTLED, wire.ESME_RMSGQFUL)), ""
        elif carrier.happens(manners.refuses):
            answer = wire.ESME_RINVDSTADR, ""
        else:
            answer = wire.ESME_ROK, fate.carrier_message_id
            receipt_s = manners.receipt_s * carrier.chance.random()
            early = carrier.happens(manners.receipts_early)
            carrier.timeline.callLater(0.0 if early else wait_s + receipt_s, carrier.say, fate.words)
        if not carrier.happens(manners.ignores):
            carrier.timeline.callLater(wait_s, self._answer, sequence_number, fate, *answer)

    def _answer(self, sequence_number: int, fate: _Fate, command_status: int, message_id: str) -> None:
        if self._connection is None:
            return
        self._write(
            RelayAnswered(
                self.carrier.now(),
                self._number,
                sequence_number,
                fate.token,
                command_status,
                message_id,
                fate.place,
            )
        )
        if self.carrier.happens(self.carrier.manners.answers_garbage):
            # An answer to something that was never asked stands before it.
            self._send(wire.write("submit_sm_resp", 0x7FFF_0000, message_id="stray"))
        if command_status:
            self._send(wire.refuse("submit_sm_resp", sequence_number, command_status))
        else:
            self._send(wire.write("submit_sm_resp", sequence_number, message_id=message_id))

    def _send(self, octets: bytes) -> None:
        if self._connection is not None:
            self._connection.send(octets)

    def _write(self, entry: Any) -> None:
        self.carrier.journal.write(entry)
