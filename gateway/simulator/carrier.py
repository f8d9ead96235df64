"""A carrier's SMSC to try the gateway with: it takes messages, gives them an end, and sends the receipt.

What becomes of a message is decided by its destination, see `outcome`. Receipts and replies are kept until a
bind of the same system_id acknowledges them; `deliveries_max` bounds all that is kept, and a message whose
receipt would go beyond it is refused with ESME_RMSGQFUL.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from itertools import count
from typing import cast

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from gateway.addressing import address
from gateway.clock import Clock
from gateway.reactor import ReactorTime
from gateway.simulator.mailbox import Mailbox
from gateway.simulator.outcome import Outcome, outcome
from gateway.transport import SessionProtocol
from smpp import segments, text
from smpp.address import Address
from smpp.events import (
    BindRequested,
    CloseRequired,
    Event,
    PeerUnbound,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
    Unbound,
)
from smpp.message_state import MessageState
from smpp.pdu import Bind, DeliverSm, SubmitSm, SubmitSmResp
from smpp.receipt import format_receipt
from smpp.session import Role, Session, SessionSettings, State
from smpp.status import CommandStatus
from smpp.timers import TimerSettings

DEFAULT_TIMERS = TimerSettings()

_THROTTLED_MAX = 10_000
_RETRIED = frozenset(
    {
        CommandStatus.ESME_RSYSERR,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RX_T_APPN,
    }
)


class IdForm(StrEnum):
    """How the carrier writes a message_id. MIXED is common: hex in the response, decimal in the receipt."""

    DECIMAL = "decimal"
    HEX = "hex"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class CarrierSettings:
    """The carrier's ways. A `system_id` or `password` of None lets anyone in.

    `receipt_delay_s` passes between a message and its receipt (and again before a reply), `retry_s` before a
    delivery that the customer could not take is sent again. `zone` is that of the dates in receipts.
    """

    system_id: str | None = None
    password: str | None = None
    id_form: IdForm = IdForm.DECIMAL
    receipt_delay_s: float = 0.5
    retry_s: float = 1.0
    deliveries_max: int = 100_000
    window_max: int = 100
    inbound_window_max: int = 1000
    zone: tzinfo = UTC
    timers: TimerSettings = DEFAULT_TIMERS


@dataclass(slots=True)
class CarrierCounts:
    """What has happened so far; a delivery is a receipt or a reply."""

    accepted: int = 0
    refused: int = 0
    acknowledged: int = 0
    rejected: int = 0


class SimulatedCarrier(Factory):
    """The SMSC: a factory for the links of whoever binds.

    `watch`, if given, is told of each message: the submit_sm, the command_status it got, its message_id.
    Message ids count up from the clock's microseconds, so that a carrier started anew repeats none.
    """

    noisy = False

    def __init__(
        self,
        reactor: ReactorTime,
        clock: Clock,
        settings: CarrierSettings | None = None,
        watch: Callable[[SubmitSm, int, str], None] | None = None,
    ) -> None:
        self.settings = settings or CarrierSettings()
        self.counts = CarrierCounts()
        # As a set that keeps the order of arrival.
        self._links: dict[CarrierLink, None] = {}
        self._gone: list[Deferred[None]] = []
        self._reactor = reactor
        self._clock = clock
        self._watch = watch
        self._ids = count(int(clock.now() * 1_000_000) + 1)
        self._references = count()
        self._mailboxes: dict[str, Mailbox] = {}
        self._throttled: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._kept = 0
        self._later: list[tuple[float, int, Mailbox, DeliverSm]] = []  # a heap; the int keeps equals in order
        self._order = count()
        self._timer: DelayedCall | None = None

    @property
    def kept(self) -> int:
        """The receipts and replies that are not yet acknowledged, waiting ones and those on their way."""
        return self._kept

    def buildProtocol(self, addr: IAddress | None) -> CarrierLink:
        return CarrierLink(self, self._reactor)

    def send_inbound(self, source: str, destination: str, message: str, system_id: str | None = None) -> None:
        """Send a message from a phone: in segments (UDH, 8-bit reference) if it is long.

        Without a `system_id` it is for the customer that bound first. Raises `LookupError` while none has,
        and `OverflowError` when `deliveries_max` are kept.
        """
        mailbox = (
            self._mailboxes[system_id]
            if system_id is not None
            else next(iter(self._mailboxes.values()), None)
        )
        if mailbox is None:
            raise LookupError("nobody has bound yet")
        for delivery in self._inbound(address(source), address(destination), message):
            if self._kept >= self.settings.deliveries_max:
                raise OverflowError(f"{self._kept} deliveries are kept already")
            self._kept += 1
            mailbox.put(delivery)

    def unbind(self) -> Deferred[None]:
        """Ask everyone to part; fires when all are gone."""
        gone: Deferred[None] = Deferred()
        self._gone.append(gone)
        for link in list(self._links):
            link.part()
        self._tell_gone()
        return gone

    # -- for the links

    def link_opened(self, link: CarrierLink) -> None:
        """Someone has connected."""
        self._links[link] = None

    def link_lost(self, link: CarrierLink) -> None:
        """A connection is gone."""
        self._links.pop(link, None)
        self._tell_gone()

    def bind_status(self, bind: Bind) -> int:
        """The command_status of a bind request."""
        wanted = self.settings
        if wanted.system_id is not None and bind.system_id != wanted.system_id:
            return CommandStatus.ESME_RINVSYSID
        if wanted.password is not None and bind.password != wanted.password:
            return CommandStatus.ESME_RINVPASWD
        return CommandStatus.ESME_ROK

    def mailbox(self, system_id: str) -> Mailbox:
        """The mailbox of a customer that has bound."""
        return self._mailboxes.setdefault(system_id, Mailbox())

    def submit(self, system_id: str, message: SubmitSm) -> tuple[int, str]:
        """Take or refuse a message: (command_status, message_id)."""
        fate = outcome(message.destination.addr)
        status = self._status(system_id, message, fate)
        message_id = ""
        if status:
            self.counts.refused += 1
        else:
            self.counts.accepted += 1
            message_id = self._accept(system_id, message, fate)
        if self._watch is not None:
            self._watch(message, status, message_id)
        return status, message_id

    def retry(self, mailbox: Mailbox, delivery: DeliverSm) -> None:
        """The customer could not take `delivery` now."""
        self._deliver_later(self.settings.retry_s, mailbox, delivery)

    def forget(self, *, acknowledged: bool) -> None:
        """A delivery is over: acknowledged, or rejected for good."""
        self._kept -= 1
        if acknowledged:
            self.counts.acknowledged += 1
        else:
            self.counts.rejected += 1

    # -- inside

    def _tell_gone(self) -> None:
        if not self._links:
            waits, self._gone = self._gone, []
            for gone in waits:
                gone.callback(None)

    def _status(self, system_id: str, message: SubmitSm, fate: Outcome) -> int:
        if fate.refusal:
            return fate.refusal
        if self._kept >= self.settings.deliveries_max:
            return CommandStatus.ESME_RMSGQFUL
        if not fate.first_refusal:
            return CommandStatus.ESME_ROK
        key = (system_id, message.destination.addr)
        if key in self._throttled:
            del self._throttled[key]
            return CommandStatus.ESME_ROK
        self._throttled[key] = None
        if len(self._throttled) > _THROTTLED_MAX:
            self._throttled.popitem(last=False)
        return fate.first_refusal

    def _accept(self, system_id: str, message: SubmitSm, fate: Outcome) -> str:
        number = next(self._ids)
        mailbox = self.mailbox(system_id)
        delay_s = self.settings.receipt_delay_s
        wanted = message.registered_delivery & 0x03
        if wanted == 1 or (wanted == 2 and fate.state is not MessageState.DELIVERED):
            self._kept += 1
            self._deliver_later(delay_s, mailbox, self._receipt(message, fate, number))
        if fate.reply:
            for delivery in self._inbound(message.destination, message.source, fate.reply):
                self._kept += 1
                self._deliver_later(2 * delay_s, mailbox, delivery)
        return _write_id(number, hexadecimal=self.settings.id_form is not IdForm.DECIMAL)

    def _receipt(self, message: SubmitSm, fate: Outcome, number: int) -> DeliverSm:
        submitted = datetime.fromtimestamp(self._clock.now(), self.settings.zone)
        done = datetime.fromtimestamp(self._clock.now() + self.settings.receipt_delay_s, self.settings.zone)
        message_id = _write_id(number, hexadecimal=self.settings.id_form is IdForm.HEX)
        return format_receipt(
            message.source, message.destination, message_id, fate.state, fate.error, submitted, done
        )

    def _inbound(self, source: Address, destination: Address, message: str) -> list[DeliverSm]:
        data_coding, octets = text.encode(message)
        alphabet = text.alphabet(data_coding, text.Alphabet.GSM7)
        parts = segments.split(octets, alphabet, next(self._references) % 256, "udh8")
        esm_class = 0x40 if len(parts) > 1 else 0
        return [
            DeliverSm("", source, destination, esm_class, 0, 0, "", "", 0, 0, data_coding, 0, part)
            for part in parts
        ]

    def _deliver_later(self, delay_s: float, mailbox: Mailbox, delivery: DeliverSm) -> None:
        due = self._reactor.seconds() + delay_s
        entry = (due, next(self._order), mailbox, delivery)
        heapq.heappush(self._later, entry)
        if self._later[0] is entry:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._later:
            delay_s = max(0.0, self._later[0][0] - self._reactor.seconds())
            self._timer = self._reactor.callLater(delay_s, self._deliver_due)

    def _deliver_due(self) -> None:
        now = self._reactor.seconds()
        while self._later and self._later[0][0] <= now:
            _, _, mailbox, delivery = heapq.heappop(self._later)
            mailbox.put(delivery)
        self._arm()


class CarrierLink(SessionProtocol):
    """One connection to the simulated carrier."""

    def __init__(self, carrier: SimulatedCarrier, reactor: ReactorTime) -> None:
        self._carrier = carrier
        self._system_id = ""
        self._mailbox = Mailbox()
        settings = carrier.settings
        super().__init__(self._make_session_of(settings), reactor, unbind_s=settings.timers.unbind_s)

    @staticmethod
    def _make_session_of(settings: CarrierSettings) -> Callable[[float], Session]:
        session_settings = SessionSettings(
            role=Role.SMSC,
            timers=settings.timers,
            window_max=settings.window_max,
            inbound_window_max=settings.inbound_window_max,
            system_id="simulator",
        )
        return lambda now: Session(session_settings, now)

    def opened(self) -> None:
        self._carrier.link_opened(self)

    def handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._answer(event)
        elif isinstance(event, ResponseReceived):
            self._acknowledged(event.command_status, cast(DeliverSm, event.context))
        elif isinstance(event, RequestTimedOut):
            self._carrier.retry(self._mailbox, cast(DeliverSm, event.context))
        elif isinstance(event, BindRequested):
            self._bind(event)
        elif isinstance(event, PeerUnbound):
            self._mailbox.remove_receiver(self)
            self.finish_unbind()
        elif isinstance(event, CloseRequired | Unbound):
            self._mailbox.remove_receiver(self)

    def lost(self, contexts: list[object]) -> None:
        self._mailbox.remove_receiver(self)
        self._mailbox.put_back(cast(list[DeliverSm], contexts))
        self._carrier.link_lost(self)

    def deliver(self, waiting: deque[DeliverSm]) -> None:
        """`Receiver.deliver`. A customer that speaks an older SMPP than 3.4 gets no TLVs."""
        now = self.reactor.seconds()
        plain = self.session.interface_version < 0x34
        while waiting and self.session.window_room:
            delivery = waiting.popleft()
            self.session.request(replace(delivery, tlvs=()) if plain else delivery, now, delivery)
        self.flush()

    def part(self) -> None:
        """Unbind the customer."""
        self._mailbox.remove_receiver(self)
        self.start_unbind()

    def _bind(self, event: BindRequested) -> None:
        status = self._carrier.bind_status(event.bind)
        if status:
            self.refuse_bind(event.sequence_number, status)
            return
        self.accept_bind(event.sequence_number)
        self._system_id = event.bind.system_id
        self._mailbox = self._carrier.mailbox(self._system_id)
        if self.session.state in (State.BOUND_RX, State.BOUND_TRX):
            self._mailbox.add_receiver(self)

    def _answer(self, event: RequestReceived) -> None:
        if not isinstance(event.pdu, SubmitSm):
            self.session.respond(event.sequence_number, None, CommandStatus.ESME_RINVCMDID)
            return
        status, message_id = self._carrier.submit(self._system_id, event.pdu)
        response = None if status else SubmitSmResp(message_id)
        self.session.respond(event.sequence_number, response, status)

    def _acknowledged(self, command_status: int, delivery: DeliverSm) -> None:
        if command_status in _RETRIED:
            self._carrier.retry(self._mailbox, delivery)
        else:
            self._carrier.forget(acknowledged=command_status == CommandStatus.ESME_ROK)
        self._mailbox.pump()


def _write_id(number: int, *, hexadecimal: bool) -> str:
    return f"{number:X}" if hexadecimal else str(number)
