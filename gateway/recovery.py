"""Opening the store: the lock, the schema, a new epoch, a decision on what was under way, and the audit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.delivery import COMMON
from gateway.ids import MessageIds
from gateway.message import Message
from gateway.ports import CommitUnknown, StoreUnable
from gateway.settings import Charge, InDoubtPolicy, Recipients, Settings
from gateway.store import recover
from gateway.store.audit import audit_at_start
from gateway.store.ends import Means
from gateway.store.engine import StoreError, connect, open_engine
from gateway.store.lock import StoreLock
from gateway.store.sqlstore import SqlStore
from gateway.store.writer import Writer
from gateway.stored import Recovered
from gateway.world import World
from policy.facts import MessageClass
from policy.scope import Mode
from smpp.message_id import GUESSED

log = structlog.get_logger()

_VIOLATIONS_TOLD = 10


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


async def open_store(
    settings: Settings,
    world: World,
    took: Callable[[float], object],
    shadowed: Callable[[str, str], None] = lambda account, rule: None,
) -> Opened:
    """Open the store that the settings name. Raises StoreError.

    `took` is told how long transactions take, `shadowed` of what accounts' rules would have refused.
    """
    path = settings.store_path
    # Before a look at the schema: another version may be running on it.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot use the database {path}: {error.strerror}") from error
    lock = StoreLock(path)
    try:
        with _failures_of(path):
            return await _recover(settings, world, took, shadowed, lock)
    except StoreError:
        lock.release()
        raise


async def _recover(
    settings: Settings,
    world: World,
    took: Callable[[float], object],
    shadowed: Callable[[str, str], None],
    lock: StoreLock,
) -> Opened:
    first = open_engine(settings.store_path)
    with first.connect() as connection:
        last_id = recover.last_id(connection)
    first.dispose()
    # The writer never waits for another process while it holds up the reactor; it comes back instead.
    engine = connect(settings.store_path, busy_timeout_s=0.0)
    ids = MessageIds(settings.node, lambda: int(world.clock.now() * 1000), last_id)
    writer = Writer(world.reactor, engine, world.commit_in, took)
    means = means_of(settings, ids, shadowed)
    store = SqlStore(writer, world.clock, settings.node, means)
    resending = {a.name for a in settings.accounts.values() if a.in_doubt is InDoubtPolicy.RESEND}
    deadline_at = int((world.clock.now() + settings.limits.in_doubt_s) * 1000)
    recovered = await store.recover(resending, deadline_at)
    await store.record_rulesets(_rulesets(settings))
    log.info(
        "store.recovered",
        epoch=recovered.epoch,
        parked=recovered.parked,
        resent=recovered.resent,
        queued=sum(count for _, _, count in recovered.queued),
        owed_accounts=len(recovered.owed),
    )
    return Opened(store, ids, writer, recovered, engine, lock)


def _rulesets(settings: Settings) -> dict[str, str]:
    """The rules of every account as JSON, by version."""
    rulesets = {account.ruleset.version: account.ruleset for account in settings.accounts.values()}
    return {version: json.dumps(one.describe(), ensure_ascii=False) for version, one in rulesets.items()}


def means_of(
    settings: Settings,
    ids: MessageIds,
    shadowed: Callable[[str, str], None] = lambda account, rule: None,
) -> Means:
    """What the store must know of the settings to judge and end messages."""
    by_name = {account.name: account.ruleset for account in settings.accounts.values()}

    def mode(account: str, message_class: str, rule: str) -> Mode:
        ruleset = by_name.get(account)
        return Mode.ON if ruleset is None else ruleset.modes[MessageClass(message_class)][rule]

    def opens_at(message: Message, at: int) -> int:
        ruleset = by_name.get(message.account)
        if ruleset is None:
            return at
        return int(ruleset.opens_at(at / 1000, MessageClass(message.message_class)) * 1000)

    accounts, carriers = settings.accounts.values(), settings.carriers.values()
    return Means(
        ids.next,
        settings.zone,
        settings.country_code,
        charged_if_delivered=frozenset(a.name for a in accounts if a.charge is Charge.DELIVERED),
        telling_once=frozenset(carrier.name for carrier in carriers if carrier.one_receipt_a_message),
        receipts={account.name: account.receipts for account in accounts if account.receipts != COMMON},
        notations={carrier.name: carrier.notations for carrier in carriers if carrier.notations != GUESSED},
        last_unknown=frozenset(carrier.name for carrier in carriers if carrier.unknown_is_final),
        routes=settings.routes,
        caps={account.name: account.caps for account in accounts if account.caps is not None},
        recipients={a.name: a.recipients for a in accounts if a.recipients != Recipients()},
        modes=mode,
        shadowed=shadowed,
        opens_at=opens_at,
    )


async def check_store(opened: Opened, path: Path, *, despite: bool) -> None:
    """Ask the store at `path` for what must hold; each violation is logged.

    Raises StoreError if there are any, unless the gateway is to run `despite` them.
    """
    with _failures_of(path):
        found = await opened.writer.run(lambda connection: audit_at_start(connection, _VIOLATIONS_TOLD))
    for violation in found:
        log.error(
            "audit.violated",
            identity=violation.identity,
            account=violation.account,
            source_id=violation.source_id,
            detail=violation.detail,
        )
    if found and not despite:
        broken = ", ".join(dict.fromkeys(violation.identity for violation in found))
        raise StoreError(
            f"the database {path} is not as it must be: {broken}; see all of it with `signet audit`, "
            "or go on with `signet run --despite-audit`"
        )
    if found:
        log.warning("audit.passed_over", violations=len(found))


@contextmanager
def _failures_of(path: Path) -> Iterator[None]:
    """What the database fails with, as a StoreError."""
    try:
        yield
    except (SQLAlchemyError, StoreUnable, CommitUnknown) as error:
        reason, *_ = str(getattr(error, "orig", None) or error).splitlines()
        raise StoreError(f"cannot use the database {path}: {reason}") from error
