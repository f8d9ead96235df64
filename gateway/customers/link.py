"""One connection of a customer: its session, its account once it is bound, and what passes through it.

Throttle and window hold back what a customer sends, but for what is answered without either: refused
submits, malformed PDUs, enquire_links. Those are rationed, see `ration`. A stranger may send little at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from twisted.internet.base import DelayedCall

from gateway import task, tls
from gateway.admission import Refusal
from gateway.customers.binds import Binds
from gateway.customers.deliveries import Deliveries
from gateway.customers.explanation import explanation
from gateway.customers.intake import Intake
from gateway.customers.operations import Operations
from gateway.customers.ration import Ration
from gateway.customers.refusals import BindRefusals
from gateway.customers.session_settings import session_settings
from gateway.customers.submit_multi import MultiSubmitter
from gateway.customers.without_tlvs import InParts, without_tlvs
from gateway.data_sm import as_submit_sm
from gateway.message import Message
from gateway.metrics import Metrics
from gateway.reactor import ReactorTime
from gateway.settings import Account, IdForm, Limits, Listen, StatusStyle, Timers
from gateway.stored import Delivery
from gateway.told_id import told as told_id
from gateway.transport import SessionProtocol
from smpp import codec, spec, tlv
from smpp.commands import CommandId
from smpp.events import (
    BindRequested,
    CloseRequired,
    Event,
    LateResponse,
    PeerUnbound,
    ProtocolFault,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
)
from smpp.pdu import (
    CancelSm,
    DataSm,
    GenericNack,
    Pdu,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    Tlvs,
)
from smpp.session import Session, State
from smpp.session_settings import VERSION_34, VERSION_50
from smpp.status import CommandStatus

log = structlog.get_logger()

# How long a customer that unbinds may wait for the answers to its last submits.
_LAST_ANSWERS_S = 2.0

# What a peer may send before it is bound: some binds and enquire_links, never a flood of them.
_STRANGER_OCTETS_MAX = 4096

_ID_FORMATS = {IdForm.DECIMAL: b"%d\0", IdForm.HEX: b"%x\0"}

_RECEIVING = (State.BOUND_RX, State.BOUND_TRX)


class CustomerLink(SessionProtocol):
    """A connection from a customer. `gone` is called once when it has ended."""

    def __init__(
        self,
        limits: Limits,
        listen: Listen,
        reactor: ReactorTime,
        binds: Binds,
        intake: Intake,
        operations: Operations,
        deliveries: Deliveries,
        metrics: Metrics,
        gone: Callable[[CustomerLink], None],
    ) -> None:
        super().__init__(
            lambda now: Session(session_settings(limits, Timers(session_init_s=listen.session_init_s)), now),
            reactor,
            send_buffer_max=limits.send_buffer_max,
            send_stall_s=limits.send_stall_s,
        )
        self._limits = limits
        self._refusals = BindRefusals(listen.bind_errors)
        self._binds = binds
        self._intake = intake
        self._operations = operations
        self._deliveries = deliveries
        self._metrics = metrics
        self._gone = gone
        self._account: Account | None = None
        self._id_format = _ID_FORMATS[IdForm.DECIMAL]
        self._tells_congestion = False
        self._receives = False
        self._binding = False
        self._refusal: DelayedCall | None = None
        self._leaving = False
        self._stranger_octets = 0
        self._caused = 0  # refusals and faults
        self._faults: list[ProtocolFault] = []
        self._ration = Ration(limits.refusals_per_s, reactor, self.start_reading)
        self._log = log.bind()
        self.label = ""

    # -- Submitter

    @property
    def account(self) -> Account:
        """Whose it is; only a bound link is asked."""
        assert self._account is not None
        return self._account

    def accept(self, sequence_number: int, message: Message) -> None:
        """Answer a submit_sm or data_sm with the id of the message."""
        if message.told_as is None:
            told = self._id_format % message.message_id
        else:
            told = message.told_as.encode("ascii") + b"\0"
        if self._tells_congestion:
            told += tlv.encode(self._congestion())
        self.session.respond_body(sequence_number, told)
        self._log.debug("message.accepted", message_id=message.message_id)

    def refuse(self, sequence_number: int, refusal: Refusal) -> None:
        """Answer with the status of a refusal, and its reason where the account wants to know."""
        told = self.account.explain and self.session.interface_version >= VERSION_34
        pdu = explanation(refusal, self.session.asked(sequence_number)) if told else None
        self.session.respond(sequence_number, pdu, refusal.command_status)
        self._caused += 1
        log.info(
            "message.refused", account=self.account.name, rule=refusal.rule, status=refusal.command_status
        )

    def answer(self, sequence_number: int, pdu: Pdu) -> None:
        """Answer an operation that has succeeded."""
        self.session.respond(sequence_number, pdu)

    def answer_multi(self, sequence_number: int, answer: SubmitMultiResp, command_status: int) -> None:
        """Answer a submit_multi."""
        if command_status:
            self._caused += 1
            self.session.respond(sequence_number, None, command_status)
            return
        if self._tells_congestion:
            answer = replace(answer, tlvs=self._congestion())
        self.session.respond(sequence_number, answer)

    def _congestion(self) -> Tlvs:
        """How full it is here, for those who speak SMPP 5.0 (4.8.4.18)."""
        return ((spec.CONGESTION_STATE, bytes((self._intake.congestion(self.account),))),)

    # -- what is measured

    @property
    def is_stranger(self) -> bool:
        """Whether its peer has neither bound nor a bind that is being judged."""
        return self._account is None and not self._binding

    @property
    def is_resting(self) -> bool:
        """Whether it is not read because it has caused too many refusals."""
        return self._ration.is_resting

    # -- Caller

    @property
    def host(self) -> str:
        """The customer's address."""
        return self.peer.rpartition(":")[0]

    @property
    def certificate_names(self) -> frozenset[str] | None:
        """The names in the customer's certificate; None without TLS."""
        return tls.peer_names(self.transport) if tls.has_tls(self.transport) else None

    @property
    def is_overdue(self) -> bool:
        """Whether the customer, which is read, has left an enquire_link unanswered for too long."""
        return self.session.is_overdue and not self.is_choked and not self.is_resting

    def evict(self) -> None:
        """Make room for another bind of the account."""
        self.abort("made room: its enquire_link is overdue")

    # -- Receiver

    @property
    def delivery_room(self) -> int:
        """How many deliver_sm may go out here now."""
        return self.session.window_room

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send deliver_sm requests; the outcome of each is told to `Deliveries`."""
        now = self.reactor.seconds()
        for delivery in deliveries:
            if self.session.interface_version < VERSION_34:
                self._deliver_next(delivery, without_tlvs(delivery))
            else:
                self.session.request_body(CommandId.DELIVER_SM, delivery.body, now, delivery)
        self.flush()

    def part(self) -> None:
        """Unbind the customer, or just close if it is not bound."""
        if self.session.state.is_bound:
            self.start_unbind()
        else:
            self.close("stopped")

    # -- SessionProtocol

    def handle(self, event: Event) -> None:
        match event:
            case RequestReceived(pdu=SubmitSm() as pdu):
                self._intake.offer(self, event.sequence_number, pdu, event.body, self._told_as())
            case RequestReceived():
                self._serve(event)
            case ResponseReceived(_, CommandStatus.ESME_ROK, GenericNack(), Delivery() as delivery):
                # A nack that says no reason is a nack all the same.
                self._deliveries.answered(delivery, CommandStatus.ESME_RUNKNOWNERR)
            case ResponseReceived(_, command_status, _, Delivery() as delivery):
                self._deliveries.answered(delivery, command_status)
            case LateResponse(_, GenericNack(), _):
                pass
            case LateResponse(CommandStatus.ESME_ROK, _, Delivery() as delivery):
                self._deliveries.answered(delivery, CommandStatus.ESME_ROK)
            case ResponseReceived(_, command_status, pdu, InParts() as parts):
                if command_status or isinstance(pdu, GenericNack):
                    self._deliveries.answered(
                        parts.delivery, command_status or CommandStatus.ESME_RUNKNOWNERR
                    )
                else:
                    self._deliver_next(parts.delivery, parts.rest)
            case RequestTimedOut(_, Delivery() | InParts() as context):
                self._deliveries.unanswered([_delivery_in(context)])
            case BindRequested():
                task.start(self._bind(event), "bind")
            case PeerUnbound():
                self._leaving = True
                self.reactor.callLater(_LAST_ANSWERS_S, self._leave)
            case ProtocolFault():
                self._caused += 1
                self._faults.append(event)
            case CloseRequired():
                log.info("bind.closed", peer=self.peer, reason=event.reason.value)
            case _:
                pass

    def flush(self) -> None:
        if not self.closed_by and self._ration.count(self._caused + self.session.enquiries_answered):
            self.stop_reading()
        if self._faults:
            self._tell_faults()
        super().flush()
        if self._leaving and not self.session.unanswered:
            self._leave()

    def dataReceived(self, data: bytes) -> None:
        if self._account is None and not self._bears(len(data)):
            return
        super().dataReceived(data)
        if self._receives:
            self._deliveries.pump(self.account.name)

    def lost(self, contexts: list[object]) -> None:
        self._ration.cancel()
        if self._refusal is not None and self._refusal.active():
            self._refusal.cancel()
        if self._faults:
            self._tell_faults()
        if self._receives:
            sent = [context for context in contexts if isinstance(context, (Delivery, InParts))]
            self._deliveries.unanswered(list(map(_delivery_in, sent)))
            self._deliveries.detach(self.account.name, self)
        if self._account is not None:
            self._binds.leave(self._account, self)
            log.info("bind.ended", account=self._account.name, peer=self.label, reason=self.closed_by)
            if not self.closed_by.startswith("unbound"):
                self._metrics.binds_lost["customer", self._account.name] += 1
        elif self.closed_by.startswith(tls.FAILED):
            log.warning("connection.dropped", peer=self.peer, reason=self.closed_by)
        self._gone(self)

    def _deliver_next(self, delivery: Delivery, bodies: Sequence[bytes]) -> None:
        """Send the first of these; the others follow one by one, each in the place of the one before."""
        if not self.session.window_room:
            self._deliveries.unanswered([delivery])
            return
        body, *rest = bodies
        context = InParts(delivery, rest) if rest else delivery
        self.session.request_body(CommandId.DELIVER_SM, body, self.reactor.seconds(), context)

    # -- what is rationed

    def _bears(self, octets: int) -> bool:
        """Whether so much more of a peer that has not bound is read at all."""
        self._stranger_octets += octets
        if self._stranger_octets <= _STRANGER_OCTETS_MAX:
            return True
        log.warning("connection.dropped", peer=self.peer, reason="too much before a bind")
        self.abort("too much before a bind")
        return False

    # -- binding and parting

    async def _bind(self, event: BindRequested) -> None:
        asked_at = self.reactor.seconds()
        self._binding = True
        account, rule = await self._binds.admit(event.bind, self)
        self._binding = False
        if self.closed_by:
            # Its customer left, or was sent away, while the password was being checked.
            if rule is None and account is not None:
                self._binds.leave(account, self)
            return
        now = self.reactor.seconds()
        if account is None or rule is not None:
            self._refuse_bind(event, account, rule or "", asked_at)
            return
        self.session.adopt(session_settings(self._limits, account.timers, account))
        self.session.accept_bind(event.sequence_number, now)
        self._account = account
        self._id_format = _ID_FORMATS[account.message_ids]
        self._tells_congestion = self.session.interface_version >= VERSION_50
        self._log = log.bind(account=account.name)
        self.label = f"{account.system_id}@{self.peer}"
        self._receives = self.session.state in _RECEIVING
        log.info(
            "bind.accepted",
            account=account.name,
            peer=self.peer,
            state=self.session.state.value,
            interface_version=self.session.interface_version,
        )
        self.flush()
        if self._receives:
            self._deliveries.attach(account.name, self)

    def _refuse_bind(self, event: BindRequested, account: Account | None, rule: str, asked_at: float) -> None:
        style = StatusStyle.STANDARD if account is None else account.statuses
        self._metrics.binds_refused[rule] += 1
        log.warning("bind.refused", system_id=event.bind.system_id, peer=self.peer, rule=rule)
        status, delay_s = self._refusals.next(rule, style, self.reactor.seconds() - asked_at)
        if delay_s:
            self._refusal = self.reactor.callLater(delay_s, self.refuse_bind, event.sequence_number, status)
        else:
            self.refuse_bind(event.sequence_number, status)

    def _leave(self) -> None:
        if self._leaving:
            self._leaving = False
            self.finish_unbind()

    def _serve(self, event: RequestReceived) -> None:
        """The requests that are not the usual one."""
        match event.pdu:
            case DataSm() as pdu:
                submit = as_submit_sm(pdu)
                body = codec.encode_body(submit)
                self._intake.offer(self, event.sequence_number, submit, body, self._told_as())
            case SubmitMulti() as multi:
                told_as = self._told_as() or told_id(self._intake.new_id(), self.account.message_ids)
                MultiSubmitter(self, event.sequence_number, multi, told_as).offer(self._intake.offer)
            case QuerySm() | CancelSm() | ReplaceSm() as operation:
                self._operations.offer(self, event.sequence_number, operation)

    def _told_as(self) -> str | None:
        """The id to tell where our own is too long: message_id has 8 octets before SMPP 3.4."""
        return None if self.session.interface_version >= VERSION_34 else self._intake.new_short_id()

    def _tell_faults(self) -> None:
        """Tell of the last fault of a read, and how many it was: a read may hold thousands."""
        count, last = len(self._faults), self._faults[-1]
        self._faults.clear()
        name = "" if self._account is None else self._account.name
        self._metrics.protocol_faults["customer", name] += count
        log.info(
            "pdu.faulty",
            account=name,
            peer=self.peer,
            reason=last.reason,
            status=last.command_status,
            count=count,
        )


def _delivery_in(context: Delivery | InParts) -> Delivery:
    return context.delivery if isinstance(context, InParts) else context
