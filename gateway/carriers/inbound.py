"""What carriers send: receipts and recipients' replies, answered after the commit of what they said.

A deliver_sm is a receipt by its esm_class, then by its TLVs; one that only reads like a receipt is one if its
id is known, else a reply. The answer is 0 even for what nobody knows, because a carrier repeats what is
answered otherwise; only when the store could not take it is it asked to come again. What the store will not
take, though it takes the others, is kept as it came; if it cannot even be kept, it is refused for good.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import structlog
from twisted.internet.defer import Deferred

from gateway import task, tlvs
from gateway.batch import Batch
from gateway.carriers.link import CarrierLink
from gateway.clock import Clock
from gateway.insist import fault, in_parts
from gateway.metrics import Metrics
from gateway.number import plain
from gateway.ports import CommitUnknown, Store, StoreClosed, StoreUnable
from gateway.reactor import ReactorTime
from gateway.settings import Account, Carrier, Route
from gateway.stored import CarrierReceipt, Delivery, Ended, Inbound, Recorded, Unreadable
from policy.unsubscribe import is_opt_out
from smpp import codec, receipt, segments, text
from smpp.errors import PduError
from smpp.pdu import DeliverSm
from smpp.status import CommandStatus
from smpp.text import Alphabet, TextError
from smpp.value import value

log = structlog.get_logger()

# How far a carrier's clock, or its zone, may be ahead of ours.
_AHEAD_MAX_MS = 86_400_000


@value(frozen=True, slots=True)
class _Item:
    """A deliver_sm in our hands: the one link and number to answer it, and what it said."""

    link: CarrierLink
    sequence_number: int
    pdu: DeliverSm
    said: CarrierReceipt | Unreadable | Inbound


class CarrierInbound:
    """Takes every carrier's deliver_sm. `owe` and `ended` are told what a batch brought about."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        country_code: str,
        batch_max: int,
        reactor: ReactorTime,
        clock: Clock,
        store: Store,
        metrics: Metrics,
        owe: Callable[[Sequence[Delivery]], None],
        ended: Callable[[Sequence[Ended]], None],
        routes: Sequence[Route] = (),
    ) -> None:
        self._accounts = accounts
        self._country_code = country_code
        self._clock = clock
        self._store = store
        self._metrics = metrics
        self._owe = owe
        self._ended = ended
        self._routes = routes
        self._in_receipts = tlvs.in_receipts(routes)
        self._items: Batch[_Item] = Batch(reactor, batch_max, self._record)

    def __len__(self) -> int:
        """How many deliver_sm await their answer."""
        return len(self._items)

    def offer(self, carrier: Carrier, link: CarrierLink, sequence_number: int, pdu: DeliverSm) -> None:
        """Take one deliver_sm; it is answered when what it says is stored."""
        self._items.add(_Item(link, sequence_number, pdu, self._read(carrier, pdu)))

    async def stop(self) -> None:
        """Returns when everything so far is answered."""
        await self._items.idle()

    # -- reading

    def _read(self, carrier: Carrier, pdu: DeliverSm) -> CarrierReceipt | Unreadable | Inbound:
        now = int(self._clock.now() * 1000)
        said = receipt.parse(pdu, carrier.receipt_zone, carrier.receipt_states, carrier.receipts_by_text)
        if said is None:
            return self._reply(carrier.name, pdu, now)
        if said.word or not (said.understood and said.message_id):
            unreadable = self._odd(carrier.name, said)
            if unreadable:
                return Unreadable(carrier.name, unreadable, codec.encode_body(pdu), now)
        done_at = -1 if said.done is None else _unix_ms(said.done)
        if not 0 <= done_at <= now + _AHEAD_MAX_MS:
            done_at = now  # it names no instant, or one that cannot be, such as the year 1
        passing = self._in_receipts.get(carrier.name)
        passed = tlvs.only(pdu.tlvs, passing) if passing else ()
        return CarrierReceipt(carrier.name, said, pdu.source.addr, done_at, now, passed)

    def _odd(self, carrier: str, said: receipt.Receipt) -> str:
        """Why a receipt cannot be read, "" if it can although it is not as it should be."""
        if not said.message_id:
            return "a receipt without a message id"
        if said.understood:
            log.warning(
                "receipt.contradicts_itself",
                carrier=carrier,
                carrier_message_id=said.message_id,
                message_state=said.state.name,
                stat=said.word,
            )
            return ""
        # On its way it is whatever its word; and what is only presumed to be a receipt may be a reply.
        return "" if said.intermediate or said.presumed else f"a receipt with stat:{said.word} and no state"

    def _reply(self, carrier: str, pdu: DeliverSm, now: int) -> Inbound:
        owner = self._owner(pdu.destination.addr)
        if pdu.tlvs:
            pdu = tlvs.of_reply(self._routes, owner, carrier, pdu)
        return Inbound(
            carrier=carrier,
            account=owner,
            source_addr=plain(pdu.source.addr, self._country_code),
            destination_addr=pdu.destination.addr,
            body=codec.encode_body(pdu),
            opts_out=is_opt_out(_text(pdu)),
            received_at=now,
        )

    def _owner(self, addr: str) -> str | None:
        """The account whose sender `addr` is: replies to it are its own."""
        owners = [account.name for account in self._accounts.values() if addr in account.source_addrs]
        return owners[0] if len(owners) == 1 else None

    # -- recording

    async def _record(self, items: Sequence[_Item]) -> None:
        receipts = [item for item in items if not isinstance(item.said, Inbound)]
        replies = [item for item in items if isinstance(item.said, Inbound)]
        if receipts:
            async for part, recorded in in_parts(receipts, self._record_receipts):
                if isinstance(recorded, Recorded):
                    replies += self._receipts_recorded(part, recorded)
                else:
                    await self._not_recorded(part, recorded)
        if replies:
            async for part, recorded in in_parts(replies, self._record_replies):
                if isinstance(recorded, Recorded):
                    _respond(part, CommandStatus.ESME_ROK)
                    self._tell(recorded)
                    task.safely(self._count_replies, part)
                else:
                    await self._not_recorded(part, recorded)

    def _record_receipts(self, items: Sequence[_Item]) -> Deferred[Recorded]:
        return self._store.record_receipts(
            [item.said for item in items if not isinstance(item.said, Inbound)]
        )

    def _record_replies(self, items: Sequence[_Item]) -> Deferred[Recorded]:
        return self._store.record_inbound([item.said for item in items if isinstance(item.said, Inbound)])

    async def _not_recorded(self, items: Sequence[_Item], error: Exception) -> None:
        if isinstance(error, (StoreUnable, CommitUnknown, StoreClosed)):
            log.error("inbound.not_recorded", count=len(items), error=str(error))
            _respond(items, CommandStatus.ESME_RX_T_APPN)
            return
        for item in items:
            await self._put_aside(item, error)

    async def _put_aside(self, item: _Item, error: Exception) -> None:
        """The store will not take what this one says: keep it as it came."""
        carrier = item.said.carrier
        log.error(
            "inbound.put_aside",
            carrier=carrier,
            sequence_number=item.sequence_number,
            carrier_message_id=item.said.receipt.message_id
            if isinstance(item.said, CarrierReceipt)
            else None,
            error=fault(error),
        )
        self._metrics.put_aside["reply" if isinstance(item.said, Inbound) else "receipt"] += 1
        now = int(self._clock.now() * 1000)
        kept = Unreadable(carrier, f"not recorded: {type(error).__name__}", codec.encode_body(item.pdu), now)
        try:
            await self._store.record_receipts([kept])
            status = CommandStatus.ESME_ROK
        except (StoreUnable, CommitUnknown, StoreClosed):
            status = CommandStatus.ESME_RX_T_APPN
        except Exception:
            status = CommandStatus.ESME_RX_P_APPN
        _respond([item], status)

    def _receipts_recorded(self, items: Sequence[_Item], recorded: Recorded) -> list[_Item]:
        """Answer receipts; those that turn out to be replies are returned."""
        strangers = {id(one) for one in recorded.unknown if one.receipt.presumed}
        _respond([item for item in items if id(item.said) not in strangers], CommandStatus.ESME_ROK)
        self._tell(recorded)
        task.safely(self._count_receipts, items, recorded)
        now = int(self._clock.now() * 1000)
        return [
            _Item(item.link, item.sequence_number, item.pdu, self._reply(item.said.carrier, item.pdu, now))
            for item in items
            if id(item.said) in strangers
        ]

    def _count_replies(self, items: Sequence[_Item]) -> None:
        for one in (item.said for item in items if isinstance(item.said, Inbound)):
            self._metrics.inbound[one.carrier] += 1
            # Nobody's opt-out silences nobody: an operator has to see it.
            level = logging.WARNING if one.opts_out and one.account is None else logging.INFO
            log.log(
                level,
                "reply.received",
                carrier=one.carrier,
                account=one.account,
                source_addr=one.source_addr,
                opts_out=one.opts_out,
            )

    def _count_receipts(self, items: Sequence[_Item], recorded: Recorded) -> None:
        said = [item.said for item in items]
        states = Counter(
            [(one.carrier, one.receipt.state) for one in said if isinstance(one, CarrierReceipt)]
        )
        for (carrier, state), count in states.items():
            self._metrics.receipts[carrier, state.name] += count
        for one in said:
            if isinstance(one, Unreadable):
                self._metrics.receipts_unreadable[one.carrier] += 1
                log.warning("receipt.unreadable", carrier=one.carrier, reason=one.reason)
        for parked in recorded.unknown:
            if not parked.receipt.presumed:
                self._metrics.receipts_unmatched[parked.carrier] += 1
                log.info(
                    "receipt.parked", carrier=parked.carrier, carrier_message_id=parked.receipt.message_id
                )

    def _tell(self, recorded: Recorded) -> None:
        task.safely(self._ended, recorded.ended)
        task.safely(self._owe, recorded.deliveries)


@lru_cache(maxsize=1024)
def _unix_ms(instant: datetime) -> int:
    """The receipts of a minute share their dates."""
    return int(instant.timestamp() * 1000)


def _text(pdu: DeliverSm) -> str:
    """The text of a reply, "" if it has none that can be read."""
    try:
        coding = segments.coding(pdu, Alphabet.GSM7)
        return text.decode(coding.alphabet, segments.user_text(pdu), coding.shifts)
    except (PduError, TextError):
        return ""


def _respond(items: Sequence[_Item], command_status: int) -> None:
    by_link: dict[CarrierLink, list[int]] = {}
    for item in items:
        by_link.setdefault(item.link, []).append(item.sequence_number)
    for link, numbers in by_link.items():
        task.safely(link.respond, numbers, command_status)
