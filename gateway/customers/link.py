"""One connection of a customer: its session, its account once it is bound, and what passes through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from gateway import task
from gateway.admission import Refusal
from gateway.customers.binds import Binds
from gateway.customers.deliveries import Deliveries
from gateway.customers.intake import Intake
from gateway.metrics import Metrics
from gateway.ports import Delivery
from gateway.reactor import ReactorTime
from gateway.settings import Account, Limits, StatusStyle, Timers
from gateway.statuses import bind_status_for
from gateway.transport import SessionProtocol
from policy.clauses import RULES
from smpp import codec, spec
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
from smpp.pdu import DeliverSm, GenericNack, SubmitSm, SubmitSmResp
from smpp.session import Role, Session, SessionSettings, State
from smpp.session_settings import VERSION_34
from smpp.status import CommandStatus
from smpp.timers import TimerSettings

log = structlog.get_logger()

SYSTEM_ID = "signet"

# How long a customer that unbinds may wait for the answers to its last submits.
_LAST_ANSWERS_S = 2.0

_RECEIVING = (State.BOUND_RX, State.BOUND_TRX)


class CustomerLink(SessionProtocol):
    """A connection from a customer. `gone` is called once when it has ended."""

    def __init__(
        self,
        limits: Limits,
        reactor: ReactorTime,
        binds: Binds,
        intake: Intake,
        deliveries: Deliveries,
        metrics: Metrics,
        gone: Callable[[CustomerLink], None],
    ) -> None:
        super().__init__(
            lambda now: Session(_settings(limits, Timers()), now),
            reactor,
            send_buffer_max=limits.send_buffer_max,
        )
        self._limits = limits
        self._binds = binds
        self._intake = intake
        self._deliveries = deliveries
        self._metrics = metrics
        self._gone = gone
        self._account: Account | None = None
        self._receives = False
        self._leaving = False
        self._log = log.bind()
        self.label = ""

    # -- Submitter

    @property
    def account(self) -> Account:
        """Whose it is; only a bound link is asked."""
        assert self._account is not None
        return self._account

    def accept(self, sequence_number: int, message_id: int) -> None:
        """Answer a submit_sm with our id for the message."""
        self.session.respond_body(sequence_number, b"%d\0" % message_id)
        self._log.debug("message.accepted", message_id=message_id)

    def refuse(self, sequence_number: int, refusal: Refusal) -> None:
        """Answer a submit_sm with the status of a refusal, and its reason where the account wants to know."""
        told = self.account.explain and self.session.interface_version >= VERSION_34
        pdu = _explanation(refusal) if told else None
        self.session.respond(sequence_number, pdu, refusal.command_status)
        log.info(
            "message.refused", account=self.account.name, rule=refusal.rule, status=refusal.command_status
        )

    # -- Receiver

    @property
    def delivery_room(self) -> int:
        """How many deliver_sm may go out here now."""
        return self.session.window_room

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send deliver_sm requests; the outcome of each is told to `Deliveries`."""
        now = self.reactor.seconds()
        for delivery in deliveries:
            body = delivery.body
            if self.session.interface_version < VERSION_34:
                body = _without_tlvs(body)
            self.session.request_body(CommandId.DELIVER_SM, body, now, delivery)
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
                self._intake.offer(self, event.sequence_number, pdu, event.body)
            case ResponseReceived(_, CommandStatus.ESME_ROK, GenericNack(), Delivery() as delivery):
                # A nack that says no reason is a nack all the same.
                self._deliveries.answered(delivery, CommandStatus.ESME_RUNKNOWNERR)
            case ResponseReceived(_, command_status, _, Delivery() as delivery):
                self._deliveries.answered(delivery, command_status)
            case LateResponse(_, GenericNack(), _):
                pass
            case LateResponse(CommandStatus.ESME_ROK, _, Delivery() as delivery):
                self._deliveries.answered(delivery, CommandStatus.ESME_ROK)
            case RequestTimedOut(_, Delivery() as delivery):
                self._deliveries.unanswered([delivery])
            case BindRequested():
                task.start(self._bind(event), "bind")
            case PeerUnbound():
                self._leaving = True
                self.reactor.callLater(_LAST_ANSWERS_S, self._leave)
            case ProtocolFault():
                self._fault(event)
            case CloseRequired():
                log.info("bind.closed", peer=self.peer, reason=event.reason.value)
            case _:
                pass

    def flush(self) -> None:
        super().flush()
        if self._leaving and not self.session.unanswered:
            self._leave()

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        if self._receives:
            self._deliveries.pump(self.account.name)

    def lost(self, contexts: list[object]) -> None:
        if self._receives:
            self._deliveries.unanswered([context for context in contexts if isinstance(context, Delivery)])
            self._deliveries.detach(self.account.name, self)
        if self._account is not None:
            self._binds.leave(self._account)
            log.info("bind.ended", account=self._account.name, peer=self.label, reason=self.closed_by)
            if not self.closed_by.startswith("unbound"):
                self._metrics.binds_lost["customer", self._account.name] += 1
        self._gone(self)

    # -- binding and parting

    async def _bind(self, event: BindRequested) -> None:
        host, _, _ = self.peer.rpartition(":")
        account, rule = await self._binds.admit(event.bind, host)
        if self.closed_by:
            # Its customer left, or was sent away, while the password was being checked.
            if rule is None and account is not None:
                self._binds.leave(account)
            return
        now = self.reactor.seconds()
        if account is None or rule is not None:
            self._refuse_bind(event, account, rule or "")
            return
        self.session.adopt(_settings(self._limits, account.timers, account))
        self.session.accept_bind(event.sequence_number, now)
        self._account = account
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

    def _refuse_bind(self, event: BindRequested, account: Account | None, rule: str) -> None:
        style = StatusStyle.STANDARD if account is None else account.statuses
        self._metrics.binds_refused[rule] += 1
        log.warning("bind.refused", system_id=event.bind.system_id, peer=self.peer, rule=rule)
        now = self.reactor.seconds()
        for following in self.session.refuse_bind(event.sequence_number, bind_status_for(rule, style), now):
            if isinstance(following, CloseRequired):
                self.close(following.reason.value)
        self.flush()

    def _leave(self) -> None:
        if self._leaving:
            self._leaving = False
            self.finish_unbind()

    def _fault(self, event: ProtocolFault) -> None:
        name = "" if self._account is None else self._account.name
        self._metrics.protocol_faults["customer", name] += 1
        log.info("pdu.faulty", account=name, peer=self.peer, reason=event.reason, status=event.command_status)


def _settings(limits: Limits, timers: Timers, account: Account | None = None) -> SessionSettings:
    """What a session is allowed: little before its account is known, then what the account has."""
    return SessionSettings(
        role=Role.SMSC,
        timers=TimerSettings(
            timers.session_init_s,
            timers.enquire_link_s,
            timers.response_s,
            timers.inactivity_s,
            timers.unbind_s,
        ),
        window_max=1 if account is None else account.delivery_window_max,
        inbound_window_max=1 if account is None else account.window_max,
        pdu_max=limits.pdu_max,
        system_id=SYSTEM_ID,
    )


def _explanation(refusal: Refusal) -> SubmitSmResp:
    rule = RULES.get(refusal.rule)
    words = refusal.rule if rule is None else f"{rule.id} {rule.clause}: {rule.english}"
    return SubmitSmResp("", ((spec.ADDITIONAL_STATUS_INFO_TEXT, words.encode("utf-8") + b"\0"),))


def _without_tlvs(body: bytes) -> bytes:
    """A deliver_sm body for an ESME from before SMPP 3.4, which must not be sent any TLV."""
    pdu = codec.decode(CommandId.DELIVER_SM, body, strict=False)
    assert isinstance(pdu, DeliverSm)
    return codec.encode_body(
        DeliverSm(
            pdu.service_type,
            pdu.source,
            pdu.destination,
            pdu.esm_class,
            pdu.protocol_id,
            pdu.priority_flag,
            pdu.schedule_delivery_time,
            pdu.validity_period,
            pdu.registered_delivery,
            pdu.replace_if_present_flag,
            pdu.data_coding,
            pdu.sm_default_msg_id,
            pdu.short_message,
        )
    )
