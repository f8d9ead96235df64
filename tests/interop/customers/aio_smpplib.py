"""A customer on PyPI's aiosmpplib, which parses the text of a receipt by itself."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import aiosmpplib as smpp

from tests.interop.orders import orders, say

_BINDS = {
    "transmitter": smpp.BindMode.TRANSMITTER,
    "receiver": smpp.BindMode.RECEIVER,
    "transceiver": smpp.BindMode.TRANSCEIVER,
}


_SAR_MSG_REF_NUM = 0x020C
_SAR_TOTAL_SEGMENTS = 0x020E
_SAR_SEGMENT_SEQNUM = 0x020F

_BIND_RESPONSES = [(0x80000000 | bind).to_bytes(4, "big") for bind in (1, 2, 9)]


class Hook(smpp.AbstractHook):  # type: ignore[misc]  # aiosmpplib is untyped
    """Tells what is received."""

    async def sending(self, smpp_message: object, pdu: bytes, client_id: str) -> None:
        """Of no interest."""

    async def send_error(self, smpp_message: object, error: Exception, client_id: str) -> None:
        """A text that could not be sent."""
        say(event="error", message=repr(error))

    async def received(self, smpp_message: object, pdu: bytes, client_id: str) -> None:
        """A PDU, as aiosmpplib has parsed it."""
        match smpp_message:
            case None if pdu[4:8] in _BIND_RESPONSES:
                # A bind response without a body, as errors have none, is beyond it: it tries again for ever.
                say(event="bound", status=None)
            case smpp.DeliverSm():
                _take(smpp_message)
            case smpp.BindTransceiverResp():  # the others are its subclasses
                say(event="bound", status=int(smpp_message.command_status))
            case smpp.UnbindResp():
                say(event="unbound", status=int(smpp_message.command_status))
            case smpp.Unbind():
                say(event="sent away")
            case smpp.SubmitSmResp():
                status, message_id = int(smpp_message.command_status), smpp_message.message_id
                say(event="answer", to=smpp_message.log_id, status=status, message_id=message_id)


class Customer:
    """One bind."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def obey(self) -> None:
        """Do what the test wants."""
        async for order in orders():
            await getattr(self, order["do"])(order)

    async def bind(self, order: dict[str, Any]) -> None:
        """Bind, and bind again whenever the connection has ended."""
        self._esme = smpp.ESME(
            "127.0.0.1",
            self._port,
            order["system_id"],
            order["password"],
            bind_mode=_BINDS[order["as"]],
            enquire_link_interval=order.get("enquire_link_s", 55.0),
            log_level=logging.CRITICAL,
            hook=Hook(),
        )
        self._life = asyncio.create_task(self._esme.start())

    async def submit(self, order: dict[str, Any]) -> None:
        """Send a text; its destination is told with the answer. A long one goes as message_payload."""
        await self._submit(order, order["text"])

    async def submit_long(self, order: dict[str, Any]) -> None:
        """Send a long text; of the answers to its parts, and of the receipts, the last one is told.

        It cuts the text by itself, but for SAR: there aiosmpplib 0.7.4 reads a variable that it has not set.
        """
        if order["how"] == "sar":
            total = len(order["parts"])
            for number, part in enumerate(order["parts"], 1):
                fields = {_SAR_MSG_REF_NUM: 7, _SAR_TOTAL_SEGMENTS: total, _SAR_SEGMENT_SEQNUM: number}
                parameters = [smpp.OptionalParam(tag, value) for tag, value in fields.items()]
                await self._submit(order, part, optional_params=parameters)
        else:
            udh, text = order["how"] == "udh", "".join(order["parts"])
            await self._submit(order, text, esm_class=0x40 if udh else 0, auto_message_payload=not udh)

    async def _submit(self, order: dict[str, Any], text: str, **fields: Any) -> None:
        message = smpp.SubmitSm(
            short_message=text,
            source=smpp.PhoneNumber(order["source"]),
            destination=smpp.PhoneNumber(order["to"]),
            log_id=order["to"],
            **fields,
        )
        await self._esme.broker.enqueue(message)

    async def unbind(self, order: dict[str, Any]) -> None:
        """Unbind and end."""
        await self._esme.stop()
        await self._life
        say(event="closed")


def _take(deliver: smpp.DeliverSm) -> None:
    if deliver.is_receipt():
        receipt = deliver.parse_receipt()
        state = next(
            parameter.value
            for parameter in deliver.optional_params
            if parameter.tag == smpp.state.MESSAGE_STATE
        )
        say(
            event="receipt",
            id=receipt["id"],
            state=state,
            source=deliver.source.number,
            destination=deliver.destination.number,
            text=deliver.short_message,
            parsed={name: str(value) for name, value in receipt.items()},
        )
    else:
        text = deliver.short_message or deliver.message_payload
        say(event="text", source=deliver.source.number, text=text)


if __name__ == "__main__":
    asyncio.run(Customer(int(sys.argv[1])).obey())
