"""Logging: one line an event, an event is `noun.past` with keys, and nobody's text or number is in it.

Modules say `log = structlog.get_logger()` and `log.info("bind.refused", account=…)`. What speaks for every
message keeps a logger made with `log.bind(account=…)`: an event below the level then costs a fifth. What the
loggers of the standard library (smpplib among them) and of Twisted say comes out as lines of the same form.

The text of a message is confidential (contract clause 六): keys that would carry it are dropped, and a
number keeps its first three and last two digits. The keys decide, so log a number under its own key and never
inside an event's name.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from functools import cache
from typing import Any, TextIO, cast

import structlog
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from twisted.python.failure import Failure

from gateway.log_limit import LogLimit

NUMBER_KEYS = frozenset(
    ("number", "source", "destination", "msisdn", "addr", "source_addr", "destination_addr")
)
SECRET_KEYS = frozenset(("text", "password", "short_message", "payload", "body", "pdu", "submission"))

_MASKED_KEYS = NUMBER_KEYS | SECRET_KEYS


def mask_number(number: object) -> str:
    """`13800138000` as `138******00`; what has five characters or fewer is hidden whole."""
    digits = str(number)
    hidden = len(digits) - 5
    return f"{digits[:3]}{'*' * hidden}{digits[-2:]}" if hidden > 0 else "*" * len(digits)


def mask(_logger: object, _method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop the keys that carry text or a secret, mask those that carry a number (a structlog processor)."""
    for key in event_dict.keys() & _MASKED_KEYS:
        if key in SECRET_KEYS:
            del event_dict[key]
        elif event_dict[key] is not None:
            event_dict[key] = mask_number(event_dict[key])
    return event_dict


def configure(format: str, level: str, stream: TextIO | None = None, limit: LogLimit | None = None) -> None:
    """Send the log to `stream` (stderr) as `json` or `console` lines, from the standard `level` up.

    `limit` holds back what is too much; it comes first, so that a line that is dropped costs little.
    Loggers that have spoken keep what they were configured with: call it once, before the first event.
    Raises ValueError for an unknown format or level.
    """
    threshold = logging.getLevelNamesMapping().get(level.upper())
    if threshold is None:
        raise ValueError(f"unknown log level {level!r}")
    out = stream or sys.stderr
    lines = _LineLogger(out)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            *([limit] if limit is not None else []),
            mask,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _renderer(format, out),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    _bridge_standard_library(threshold)
    _bridge_twisted()


def _renderer(format: str, out: TextIO) -> structlog.typing.Processor:
    if format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    if format == "console":
        return structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    raise ValueError(f"unknown log format {format!r}")


class _LineLogger:
    """Writes finished lines. A log that cannot be written (full disk, closed pipe) must not stop messages."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._cut = ""

    def msg(self, line: str) -> None:
        try:
            self._out.write(f"{self._cut}{line}\n")
            self._out.flush()
            self._cut = ""
        except (OSError, ValueError):  # ValueError: a closed stream, a character the stream cannot encode
            # A piece of the line may be there: the next one begins a line of its own.
            self._cut = "\n"

    debug = info = warning = error = critical = msg


_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def _say(level: int, event: str, **details: object) -> None:
    """Log a foreign event; a level between the standard ones rounds down."""
    known = max((standard for standard in _LEVELS if standard <= level), default=logging.DEBUG)
    structlog.get_logger().log(known, event, **details)


class _StandardLibraryBridge(logging.Handler):
    """Says again through structlog what a logger of the standard library said."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _say(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
        except Exception:
            self.handleError(record)


def _bridge_standard_library(threshold: int) -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _StandardLibraryBridge):
            root.removeHandler(handler)
    root.addHandler(_StandardLibraryBridge())
    root.setLevel(threshold)
    # smpplib dumps whole PDUs at DEBUG, texts and passwords in hex, and warns once for every unknown TLV.
    logging.getLogger("smpplib").setLevel(logging.WARNING)
    logging.getLogger("smpplib.command").setLevel(logging.ERROR)
    # Alembic tells at every start which dialect it has found.
    logging.getLogger("alembic").setLevel(logging.WARNING)


_TWISTED_LEVELS = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.ERROR,
}


def _observe_twisted(event: LogEvent) -> None:
    level = _TWISTED_LEVELS.get(event.get("log_level", LogLevel.info), logging.INFO)
    if level == logging.INFO:
        # What Twisted finds worth telling, ports opened and loops ended, our own events tell better.
        level = logging.DEBUG
    details = {"logger": event.get("log_namespace", "twisted")}
    said = formatEvent(event)
    # "failure" is what the old twisted.python.log.err writes; its text holds the traceback too.
    failure: Failure | None = event.get("log_failure") or event.get("failure")
    if failure is not None:
        details["exception"] = failure.getTraceback().rstrip()
        said = event.get("why") or (said if "log_failure" in event else "") or failure.getErrorMessage()
    _say(level, said, **details)


@cache
def _bridge_twisted() -> None:
    # Twisted's log begins once in a process; the observer follows what structlog is configured with.
    observer = cast(
        ILogObserver, _observe_twisted
    )  # a plain function provides it; zope has no types for that
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
