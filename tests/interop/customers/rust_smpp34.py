"""A customer on PyPI's smpp34. It reads a receipt's TLVs; the text of one is for its user.

It answers an enquire_link by itself, and sends its own at an interval that cannot be set.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import smpp34

from tests.interop.orders import orders, say

_BINDS = {"transmitter": "TX", "receiver": "RX", "transceiver": "TRX"}
_RECEIPT = 0x04
_UCS2 = 8
# SMPP 3.4 sections 5.3.2.12, 5.3.2.22 to 5.3.2.24, 5.3.2.32 and 5.3.2.35.
_RECEIPTED_MESSAGE_ID = 0x001E
_SAR_MSG_REF_NUM = 0x020C
_SAR_TOTAL_SEGMENTS = 0x020E
_SAR_SEGMENT_SEQNUM = 0x020F
_MESSAGE_PAYLOAD = 0x0424
_MESSAGE_STATE = 0x0427


class Customer:
    """One bind."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()

    async def obey(self) -> None:
        """Do what the test wants."""
        async for order in orders():
            task = asyncio.create_task(getattr(self, order["do"])(order))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def bind(self, order: dict[str, Any]) -> None:
        """Bind, then read on until the end."""
        client = smpp34.Client(
            "127.0.0.1",
            self._port,
            order["system_id"],
            order["password"],
            bind_type=_BINDS[order["as"]],
            connect_timeout_ms=1000,
        )
        try:
            self._smsc = await client.connect()
        except smpp34.SmppError as error:
            # A refusal it does not tell: it waits until its time is over.
            say(event="bound", status=None, error=str(error))
            return
        say(event="bound", status=0)
        while isinstance(event := await self._smsc.next(), smpp34.DeliverSmEvent):
            _take(event)
        say(event="closed")

    async def submit(self, order: dict[str, Any]) -> None:
        """Send a text and wait for the answer."""
        ucs2 = order["coding"] == "ucs2"
        octets = order["text"].encode("utf-16-be" if ucs2 else "ascii")
        await self._submit(order, octets, data_coding=_UCS2 if ucs2 else 0)

    async def submit_long(self, order: dict[str, Any]) -> None:
        """Send the parts of a text at once; smpp34 leaves it to its user to cut and number them."""
        total = len(order["parts"])
        sent = []
        for number, text in enumerate(order["parts"], 1):
            octets = text.encode("utf-16-be")
            fields: dict[str, Any] = {"data_coding": _UCS2}
            if order["how"] == "payload":
                octets, fields["tlvs"] = b"", [smpp34.Tlv(_MESSAGE_PAYLOAD, octets)]
            elif order["how"] == "udh":
                octets, fields["esm_class"] = bytes((5, 0, 3, 7, total, number)) + octets, 0x40
            else:
                fields["tlvs"] = [
                    smpp34.Tlv(_SAR_MSG_REF_NUM, b"\0\7"),
                    smpp34.Tlv(_SAR_TOTAL_SEGMENTS, bytes((total,))),
                    smpp34.Tlv(_SAR_SEGMENT_SEQNUM, bytes((number,))),
                ]
            sent.append(self._submit(order, octets, **fields))
        await asyncio.gather(*sent)

    async def _submit(self, order: dict[str, Any], octets: bytes, **fields: Any) -> None:
        answer = await self._smsc.submit_sm(
            order["to"], octets, source_addr=order["source"], registered_delivery=1, **fields
        )
        status, message_id = answer.command_status, answer.message_id or ""
        say(event="answer", to=order["to"], status=status, message_id=message_id)

    async def unbind(self, order: dict[str, Any]) -> None:
        """Unbind; smpp34 does not show the response."""
        await self._smsc.unbind()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        task.result()


def _take(event: smpp34.DeliverSmEvent) -> None:
    tlvs = {tlv.tag: tlv for tlv in event.tlvs}
    payload = tlvs.get(_MESSAGE_PAYLOAD)
    octets = event.short_message if payload is None else payload.value
    text = octets.decode("utf-16-be" if event.data_coding == _UCS2 else "ascii")
    if event.esm_class & _RECEIPT:
        say(
            event="receipt",
            id=tlvs[_RECEIPTED_MESSAGE_ID].as_string(),
            state=tlvs[_MESSAGE_STATE].as_int(),
            source=event.source_addr,
            destination=event.destination_addr,
            text=text,
        )
    else:
        say(event="text", source=event.source_addr, text=text)


if __name__ == "__main__":
    asyncio.run(Customer(int(sys.argv[1])).obey())
