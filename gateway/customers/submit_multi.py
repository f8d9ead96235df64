"""One submit_multi as the messages that it is: each destination is judged, charged and told of by itself.

All of them are told of under one id. Distribution lists are not kept here. If no destination is accepted, the
whole is refused, with the status of the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.admission import Refusal
from gateway.customers.submitter import Submitter
from gateway.message import Message
from gateway.settings import Account
from smpp import codec
from smpp.address import Address
from smpp.pdu import DistributionList, SubmitMulti, SubmitMultiResp, SubmitSm, UnsuccessSme
from smpp.status import CommandStatus

# Of the name of a distribution list, what its place in the answer holds.
_ADDR_MAX = 20

Offer = Callable[[Submitter, int, SubmitSm, bytes, str], None]


class Asker(Submitter, Protocol):
    """The bind that a submit_multi came from."""

    def answer_multi(self, sequence_number: int, answer: SubmitMultiResp, command_status: int) -> None: ...


class MultiSubmitter:
    """Offers a message for each destination of a submit_multi, and answers when all are decided."""

    def __init__(self, asker: Asker, sequence_number: int, pdu: SubmitMulti, told_as: str) -> None:
        self._asker = asker
        self._sequence_number = sequence_number
        self._pdu = pdu
        self._told_as = told_as
        self._undecided = len(pdu.destinations)
        self._refused: list[UnsuccessSme] = []

    def offer(self, offer: Offer) -> None:
        """Offer them all; the answer may be given before this returns."""
        for index, destination in enumerate(self._pdu.destinations):
            if isinstance(destination, DistributionList):
                address = Address(0, 0, destination.name[:_ADDR_MAX])
                self._refuse(address, CommandStatus.ESME_RCNTSUBDL)
            elif not destination.addr.isdecimal():
                self._refuse(destination, CommandStatus.ESME_RINVDSTADR)
            else:
                pdu = self._for(destination)
                offer(self, index, pdu, codec.encode_body(pdu), self._told_as)
        self.flush()

    def _for(self, destination: Address) -> SubmitSm:
        pdu = self._pdu
        return SubmitSm(
            pdu.service_type,
            pdu.source,
            destination,
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
            pdu.tlvs,
        )

    def _refuse(self, address: Address, command_status: int) -> None:
        self._undecided -= 1
        self._refused.append(UnsuccessSme(address, command_status))

    # -- Submitter: a sequence_number is the place of a destination

    @property
    def account(self) -> Account:
        return self._asker.account

    @property
    def label(self) -> str:
        return self._asker.label

    def accept(self, sequence_number: int, message: Message) -> None:
        self._undecided -= 1

    def refuse(self, sequence_number: int, refusal: Refusal) -> None:
        destination = self._pdu.destinations[sequence_number]
        assert isinstance(destination, Address)
        self._refuse(destination, refusal.command_status)

    def flush(self) -> None:
        """Answer, once all are decided."""
        if self._undecided:
            return
        self._undecided = -1
        refused = tuple(self._refused)
        everybody = len(refused) == len(self._pdu.destinations)
        self._asker.answer_multi(
            self._sequence_number,
            SubmitMultiResp("" if everybody else self._told_as, refused),
            refused[0].command_status if everybody else 0,
        )
        self._asker.flush()

    def abort(self, reason: str) -> None:
        self._asker.abort(reason)
