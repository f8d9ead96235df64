"""The script of `signet demo` performed: a true gateway, a simulated carrier and customers, over TCP.

Everything runs in one process on ports that happen to be free, on a clock that says the script's time of day.
What came of it is told by those outside: the customers, and the ledger's rows when all is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, case, select
from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol

from gateway.app import Gateway
from gateway.broadcasts.hand_in import hand_in
from gateway.clock import StatedClock
from gateway.settings import Settings
from gateway.simulator import stage
from gateway.simulator.carrier import CarrierSettings, SimulatedCarrier
from gateway.simulator.customer import BindRefusedError, LinkLostError, NotAnsweredError, SimulatedCustomer
from gateway.simulator.fate import Fate, refusal, told_later
from gateway.simulator.script import Broadcast, Line
from gateway.store import recipient_lists, schema
from gateway.store.engine import open_engine
from gateway.world import World, real_world
from ledger import sql
from ledger.accounts import Balance
from ledger.audit import audit
from ledger.lots import Lot
from ledger.schema import ledger_transfer
from ledger.standing import move, open_account
from ledger.states import AccountState
from ledger.transfer import Kind, Stage

T = TypeVar("T")

_RECEIPT_DELAY_S = 0.05
_PATIENCE_S = 5.0
_FEN_A_UNIT = 5


@dataclass(frozen=True, slots=True)
class Played:
    """A line of the script and what became of it."""

    line: Line
    fate: Fate


@dataclass(frozen=True, slots=True)
class Performance:
    """What was seen: every line in order, then the balances by account; `breaches` is the ledger's audit."""

    played: Sequence[Played]
    balances: Mapping[str, Balance]
    breaches: Sequence[str]

    def problems(self) -> list[str]:
        """Everything that came out otherwise than expected, in words."""
        return [
            *(
                f"text {number} ({played.line.shows}): {difference}"
                for number, played in enumerate(self.played, 1)
                for difference in played.fate.differences(played.line.expected)
            ),
            *self._misplaced(),
            *(f"the ledger: {breach}" for breach in self.breaches),
        ]

    def _misplaced(self) -> Iterator[str]:
        script = [played.line for played in self.played]
        for account, topped_up in stage.TOP_UPS.items():
            expected = asdict(_expected_balance(account, topped_up, script))
            seen = asdict(self.balances.get(account, Balance()))
            for place, units in seen.items():
                if units != expected[place]:
                    words = place.replace("_", " ")
                    yield f"the ledger: {account} has {units} {words}, expected {expected[place]}"


async def perform(reactor: Any, folder: Path, script: Sequence[Line]) -> Performance:
    """Play the whole script; `folder` is for the configuration and the database.

    Raises ConfigError, StoreError, CannotListenError, and what a customer's connect and bind fail with.
    """
    clock = StatedClock(stage.instant(script[0].at))
    world = real_world(reactor, clock)
    async with AsyncExitStack() as stack:
        stack.callback(world.close)
        settings = stage.settings(folder, _open_carrier(world, stack))
        _prepare(settings, int(clock.now() * 1000))
        gateway = Gateway(settings, world)
        stack.push_async_callback(gateway.stop)
        await gateway.start()
        company = _Company(reactor, clock, settings, stack)
        await company.bind(gateway.port)
        _suspend(settings, int(clock.now() * 1000))
        seen = await company.play(script)
    return _audited(settings, seen)


def _open_carrier(world: World, stack: AsyncExitStack) -> int:
    """Play the carrier, on the port returned, until the stack unwinds."""
    settings = CarrierSettings(
        stage.CARRIER_SYSTEM_ID, stage.PASSWORD, receipt_delay_s=_RECEIPT_DELAY_S, zone=stage.ZONE
    )
    carrier = SimulatedCarrier(world.reactor, world.clock, settings)
    port = world.listen(0, carrier, stage.HOST)
    stack.push_async_callback(carrier.unbind)
    stack.push_async_callback(maybeDeferred, port.stopListening)
    return int(port.getHost().port)


def _prepare(settings: Settings, now_ms: int) -> None:
    """Record payments and recipients, and open the accounts."""
    engine = open_engine(settings.store_path)
    with engine.begin() as connection:
        for number, (account, units) in enumerate(stage.TOP_UPS.items()):
            lot = Lot((now_ms << 20) + number, account, units, units * _FEN_A_UNIT, "demo", now_ms)
            sql.topup(connection, lot)
            if account != stage.NOT_OPENED:
                open_account(connection, account, now_ms)
        for kind, rows in stage.recipients(now_ms).items():
            recipient_lists.add(connection, kind, list(rows))
    engine.dispose()


def _suspend(settings: Settings, now_ms: int) -> None:
    engine = open_engine(settings.store_path)
    with engine.begin() as connection:
        move(connection, stage.SUSPENDED, AccountState.SUSPENDED, now_ms)
    engine.dispose()


class _Company:
    """The customers, one bind for each account; `stack` unbinds them."""

    def __init__(self, reactor: Any, clock: StatedClock, settings: Settings, stack: AsyncExitStack) -> None:
        self._reactor = reactor
        self._clock = clock
        self._settings = settings
        self._stack = stack
        self._customers: dict[str, SimulatedCustomer] = {}
        self._refused: dict[str, int] = {}

    async def bind(self, port: int) -> None:
        """Bind all that are let in."""
        for account in stage.TOP_UPS:
            customer = SimulatedCustomer(self._reactor, account, stage.PASSWORD, zone=stage.ZONE)
            endpoint = HostnameEndpoint(self._reactor, stage.HOST, port)
            await connectProtocol(endpoint, customer)  # type: ignore[no-untyped-call]  # Twisted's
            self._stack.push_async_callback(customer.unbind)
            self._customers[account] = customer
            try:
                await customer.bind()
            except BindRefusedError as error:
                self._refused[account] = error.command_status

    async def play(self, script: Sequence[Line]) -> list[tuple[Line, str, Fate]]:
        """Every line with its message id ("" if refused) and its fate, but for the units."""
        at = script[0].at
        seen = []
        for line in script:
            if line.at != at:
                at = line.at
                self._clock.put(stage.instant(at))
            message_id, fate = await self._begin(line)
            if not line.ends_later:
                fate = await self._end(line, message_id, fate)
            seen.append((line, message_id, fate))
        return [
            (line, message_id, await self._end(line, message_id, fate) if line.ends_later else fate)
            for line, message_id, fate in seen
        ]

    async def _begin(self, line: Line) -> tuple[str, Fate]:
        """Submit it: its message id, and whether it is refused."""
        if line.broadcast is not None:
            return "", self._handed_in(line, line.broadcast)
        if line.account in self._refused:
            return "", Fate(refusal(self._refused[line.account]))
        try:
            command_status, message_id = await self._customers[line.account].submit_pdu(line.pdu())
        except (NotAnsweredError, LinkLostError) as error:
            return "", Fate(refusal=str(error))
        return message_id, Fate(refusal(command_status))

    def _handed_in(self, line: Line, broadcast: Broadcast) -> Fate:
        """What `signet broadcast submit` says."""
        found = hand_in(
            self._settings,
            self._settings.accounts[line.account],
            line.text,
            line.source,
            [line.destination] * broadcast.recipients,
            self._clock.now(),
            stage.instant(broadcast.starts),
        )
        return Fate(found.rule or "")

    async def _end(self, line: Line, message_id: str, fate: Fate) -> Fate:
        """What its receipt says, and the recipient; nothing of one that is refused already."""
        if not message_id:
            return fate
        customer = self._customers[line.account]
        receipt = await self._in_time(customer.receipt(message_id))
        if receipt is not None:
            fate = replace(fate, refusal=told_later(receipt), end=receipt.state)
            if line.expected.end_at and receipt.done:
                fate = replace(fate, end_at=f"{receipt.done:%H:%M}")
        if line.expected.reply:
            reply = await self._in_time(customer.inbound())
            fate = replace(fate, reply=reply.text if reply else "")
        return fate

    async def _in_time(self, wait: Deferred[T]) -> T | None:
        try:
            return await wait.addTimeout(_PATIENCE_S, self._reactor)
        except (TimeoutError, LinkLostError):
            return None


def _audited(settings: Settings, seen: Sequence[tuple[Line, str, Fate]]) -> Performance:
    """What was seen, with the units that the ledger has written down for it."""
    engine = open_engine(settings.store_path)
    with engine.connect() as connection:
        held, charges = _transfers(connection)
        balances = sql.balances(connection)
        breaches = [
            f"{violation.identity} does not hold: {violation.detail}" for violation in audit(connection)
        ]
    engine.dispose()
    played = [
        Played(line, replace(fate, units=held.get(message_id, 0), charge=charges.get(message_id)))
        for line, message_id, fate in seen
    ]
    return Performance(played, balances, breaches)


def _transfers(connection: Connection) -> tuple[dict[str, int], dict[str, Kind]]:
    """By message id: the units of its hold, and what became of the hold; of a long one, of all its parts."""
    held: Counter[str] = Counter()
    charges: dict[str, Kind] = {}
    columns, message = ledger_transfer.c, schema.message.c
    told = case((message.part > 0, message.whole_id), else_=columns.source_id)
    rows = select(told, columns.stage, columns.kind, columns.units).join_from(
        ledger_transfer, schema.message, message.message_id == columns.source_id, isouter=True
    )
    for message_id, stage_, kind, units in connection.execute(rows):
        if stage_ == Stage.HOLD:
            held[str(message_id)] += units
        elif stage_ == Stage.RESOLUTION:
            charges[str(message_id)] = Kind(kind)
    return held, charges


def _expected_balance(account: str, topped_up: int, script: Sequence[Line]) -> Balance:
    """Where the units must be after the script: settled, or still there."""
    own = [line.expected for line in script if line.account == account]
    settled = sum(fate.units for fate in own if fate.charge is Kind.SETTLE)
    return Balance(topped_up, topped_up - settled, 0, settled, 0)
