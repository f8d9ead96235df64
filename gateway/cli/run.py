"""`signet run`: the gateway, until it is told to stop."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from typing import Any, cast

import click
import structlog
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall

from gateway import logs, open_files, task
from gateway.app import Gateway
from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.times import today
from gateway.config.warnings import warnings
from gateway.log_limit import LogLimit
from gateway.settings import Settings
from gateway.store.engine import StoreError
from gateway.trial import Trial
from gateway.world import World, real_world

log = structlog.get_logger()

# How often it is told what the log's limit held back.
_TELL_S = 10.0


@click.command()
@config_option
@click.option(
    "--trial",
    is_flag=True,
    help="Also play the carriers that the file has on loopback addresses, and give accounts without any "
    "top-up 1,000 units: everything to try it with.",
)
@click.option(
    "--despite-audit",
    is_flag=True,
    help="Run though the database is not as it must be; `signet audit` tells what is wrong.",
)
def run(config_path: Path, trial: bool, despite_audit: bool) -> None:
    """Run the gateway until SIGTERM or SIGINT; what is under way is then finished first."""
    settings = settings_or_exit(config_path)
    limit = LogLimit(settings.log.lines_per_s, settings.log.subjects_max)
    logs.configure(settings.log.format, settings.log.level, limit=limit)
    _make_do(settings)
    # Importing the reactor installs it, so nothing but the command that runs it does.
    from twisted.internet import reactor

    _calm_the_collector()
    running = _Running(settings, real_world(reactor), reactor, trial, str(config_path), despite_audit)
    running.keep_log_within(limit)
    problem = running.until_stopped()
    if problem:
        raise click.ClickException(problem)


def _make_do(settings: Settings) -> None:
    """Allow ourselves the open files that the settings want, and tell what they cannot keep even so."""
    open_files.allow(open_files.wanted(settings))
    for warning in warnings(settings, open_files.at_most(), today(settings.zone)):
        log.warning("config.warning", key=warning.path, account=warning.owner, warning=warning.message)


def _calm_the_collector() -> None:
    """Let Python look for cyclic garbage less often.

    What start-up made lives as long as the process, and a message makes no cycles: with the usual thresholds
    a tenth of the time under load goes into finding nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


class _Running:
    """One run of the reactor; `problem` is why it could not start."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        reactor: Any,
        trial: bool,
        config: str,
        despite_audit: bool,
    ) -> None:
        self._config = config
        self._settings = settings
        self._world = world
        self._reactor = cast(Any, reactor)
        self._gateway = Gateway(settings, world)
        self._trial = Trial(settings, world) if trial else None
        self._despite_audit = despite_audit
        self._problem = ""

    def keep_log_within(self, limit: LogLimit) -> None:
        """Tell now and then, and at the end, how much of the log was held back."""
        gauge = self._gateway.metrics.gauge
        gauge("log_lines_held_back", "Lines that were not written, only counted", lambda: limit.held_back)
        gauge("log_subjects", "Events and whom they are about that are told apart", lambda: len(limit))
        self._reactor.callWhenRunning(LoopingCall(limit.tell).start, _TELL_S, False)
        self._reactor.addSystemEventTrigger("after", "shutdown", limit.tell)

    def until_stopped(self) -> str:
        """Run; "" after an orderly stop, else the line that says why it could not start."""
        self._reactor.callWhenRunning(task.start, self._start(), "start")
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.addSystemEventTrigger("after", "shutdown", self._world.close)
        self._reactor.run()
        return self._problem

    async def _start(self) -> None:
        try:
            if self._trial is not None:
                self._trial.play()
            await self._gateway.start(despite_audit=self._despite_audit)
            if self._trial is not None:
                self._trial.fill()
        except (StoreError, CannotListenError) as error:
            self._problem = str(error)
        except Exception as error:
            log.exception("gateway.failed")
            self._problem = f"cannot start: {error}"
        if self._problem:
            self._reactor.stop()
        elif self._trial is not None:
            click.echo(self._trial.how_to(self._gateway.port, sys.argv[0], self._config))

    def _stop(self) -> Deferred[None]:
        # Twisted fails on a second signal. A second Ctrl-C ends the process at once, as any crash may.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        return Deferred.fromCoroutine(self._finish())

    async def _finish(self) -> None:
        await self._gateway.stop()
        if self._trial is not None:
            await self._trial.stop()
