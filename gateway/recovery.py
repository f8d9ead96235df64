"""Opening the store: the lock, the schema, a new epoch, and a decision on whatever was under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from gateway.ids import MessageIds
from gateway.ports import Recovered
from gateway.settings import InDoubtPolicy, Settings
from gateway.store import recover
from gateway.store.ends import Means
from gateway.store.engine import StoreError, connect, open_engine
from gateway.store.lock import StoreLock
from gateway.store.sqlstore import SqlStore
from gateway.store.writer import Writer
from gateway.world import World

log = structlog.get_logger()


@dataclass(slots=True)
class Opened:
    """A store in use: what to write with, where ids come from, and what was found."""

    store: SqlStore
    ids: MessageIds
    writer: Writer
    recovered: Recovered
    _engine: Engine
    _lock: StoreLock

    async def close(self) -> None:
        """Finish what waits to be written and let go of the database."""
        await self.writer.close()
        self._engine.dispose()
        self._lock.release()


async def open_store(settings: Settings, world: World, took: Callable[[float], object]) -> Opened:
    """Open the store that the settings name. Raises StoreError. `took` is told how long transactions take."""
    path = settings.store_path
    # Before a look at the schema: another version may be running on it.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot use the database {path}: {error.strerror}") from error
    lock = StoreLock(path)
    try:
        first = open_engine(path)
    except StoreError:
        lock.release()
        raise
    with first.connect() as connection:
        last_id = recover.last_id(connection)
    first.dispose()
    # The writer never waits for another process while it holds up the reactor; it comes back instead.
    engine = connect(path, busy_timeout_s=0.0)
    ids = MessageIds(settings.node, lambda: int(world.clock.now() * 1000), last_id)
    writer = Writer(world.reactor, engine, world.commit_in, took)
    means = Means(ids.next, settings.zone, settings.country_code)
    store = SqlStore(writer, world.clock, settings.node, means)
    resending = {a.name for a in settings.accounts.values() if a.in_doubt is InDoubtPolicy.RESEND}
    deadline_at = int((world.clock.now() + settings.limits.in_doubt_s) * 1000)
    recovered = await store.recover(resending, deadline_at)
    log.info(
        "store.recovered",
        epoch=recovered.epoch,
        parked=recovered.parked,
        resent=recovered.resent,
        queued=sum(count for _, _, count in recovered.queued),
        owed_accounts=len(recovered.owed),
    )
    return Opened(store, ids, writer, recovered, engine, lock)
