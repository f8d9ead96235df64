"""An SMSC on PyPI's smpp34. Its receipts say everything in TLVs and nothing in the text.

Its ids are hexadecimal with leading zeros in the response, without them in the receipt.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

import smpp34

from tests.interop.orders import orders, say

# SMPP 3.4 sections 5.1.3, 5.3.2.12, 5.3.2.32 and 5.3.2.35.
_RINVDSTADR = 0x0B
_RTHROTTLED = 0x58
_RECEIPTED_MESSAGE_ID = 0x001E
_MESSAGE_PAYLOAD = 0x0424
_MESSAGE_STATE = 0x0427

_STATES = {"01": 5}  # UNDELIVERABLE; else 2, DELIVERED
_REFUSALS = {"08": _RINVDSTADR}
_THROTTLED_ONCE = "58"
_REPLYING = "77"


class Smsc:
    """Serves one gateway, or several, until it is killed."""

    def __init__(self, port: int) -> None:
        self._server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
        self._binds: dict[str, smpp34.Esme] = {}
        self._ids = count(0xABC)
        self._throttled: set[str] = set()

    async def serve(self) -> None:
        """Answer whatever comes, and do what the test wants."""
        await self._server.start()
        self._obedience = asyncio.create_task(self._obey())
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._binds[event.session_id] = event
                say(event="bound", system_id=event.system_id, receives=event.can_receive)
            elif isinstance(event, smpp34.SubmitSmEvent):
                await self._take(event)
            else:
                del self._binds[event.session_id]
                say(event="unbound")

    async def _obey(self) -> None:
        async for order in orders():
            assert order == {"do": "unbind"}
            for bind in list(self._binds.values()):
                await bind.unbind()

    async def _take(self, submit: smpp34.SubmitSmEvent) -> None:
        ending = submit.destination_addr[-2:]
        throttles = ending == _THROTTLED_ONCE and submit.destination_addr not in self._throttled
        payload = [tlv.value for tlv in submit.tlvs if tlv.tag == _MESSAGE_PAYLOAD]
        octets = payload[0] if payload else submit.short_message
        say(
            event="submit",
            source=submit.source_addr,
            destination=submit.destination_addr,
            data_coding=submit.data_coding,
            octets=octets.hex(),
            throttled=throttles,
        )
        if throttles:
            self._throttled.add(submit.destination_addr)
            submit.reject(_RTHROTTLED)
            return
        if ending in _REFUSALS:
            submit.reject(_REFUSALS[ending])
            return
        number = next(self._ids)
        submit.accept(f"{number:016X}")
        await self._report(submit, f"{number:x}", _STATES.get(ending, 2))
        if ending == _REPLYING:
            await self._deliver(submit, "TD".encode("utf-16-be"), data_coding=8)

    async def _report(self, submit: smpp34.SubmitSmEvent, message_id: str, state: int) -> None:
        tlvs = [
            smpp34.Tlv(_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
            smpp34.Tlv(_MESSAGE_STATE, bytes([state])),
        ]
        await self._deliver(submit, b"", esm_class=4, tlvs=tlvs)

    async def _deliver(
        self,
        submit: smpp34.SubmitSmEvent,
        octets: bytes,
        *,
        esm_class: int = 0,
        data_coding: int = 0,
        tlvs: list[smpp34.Tlv] | None = None,
    ) -> None:
        answer = await self._binds[submit.session_id].deliver_sm(
            submit.source_addr,
            octets,
            source_addr=submit.destination_addr,
            esm_class=esm_class,
            data_coding=data_coding,
            tlvs=tlvs or [],
        )
        say(event="answered", destination=submit.destination_addr, status=answer.command_status)


if __name__ == "__main__":
    asyncio.run(Smsc(int(sys.argv[1])).serve())
