from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
import structlog
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python import log as old_twisted_log

from gateway import logs

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def lines() -> Lines:
    """What has been logged as JSON from INFO up."""
    logs.configure("json", "info", StringIO())  # takes what Twisted kept from before the first configuration
    stream = StringIO()
    logs.configure("json", "info", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_event_its_level_its_keys_and_the_time_in_utc(lines: Lines) -> None:
    structlog.get_logger().warning("bind.refused", account="完美", tries=3)
    [line] = lines()
    written = datetime.fromisoformat(str(line.pop("timestamp")))
    assert line == {"event": "bind.refused", "level": "warning", "account": "完美", "tries": 3}
    assert abs((datetime.now(UTC) - written).total_seconds()) < 60


@pytest.mark.parametrize(
    "key", ["number", "source", "destination", "msisdn", "addr", "source_addr", "destination_addr"]
)
def test_a_number_shows_its_first_three_and_last_two_digits_only(lines: Lines, key: str) -> None:
    structlog.get_logger().info("message.accepted", **{key: "13800138000"})
    assert lines()[0][key] == "138******00"


@pytest.mark.parametrize(("number", "masked"), [("10086", "*****"), ("95555X", "955*5X"), ("", "")])
def test_a_short_number_is_never_shown_whole(number: str, masked: str) -> None:
    assert logs.mask_number(number) == masked


def test_a_number_that_is_not_there_stays_so(lines: Lines) -> None:
    structlog.get_logger().info("message.accepted", source=None)
    assert lines()[0]["source"] is None


@pytest.mark.parametrize("key", ["text", "password", "short_message", "payload", "body", "pdu", "submission"])
def test_text_and_secrets_are_dropped(lines: Lines, key: str) -> None:
    structlog.get_logger().info("message.accepted", **{key: "今天是您生日"})
    assert key not in lines()[0]


def test_bound_keys_are_masked_too(lines: Lines) -> None:
    structlog.get_logger().bind(destination="13800138000", text="您好").info("message.accepted")
    [line] = lines()
    assert line["destination"] == "138******00"
    assert "text" not in line


def test_an_event_below_the_level_is_not_written(lines: Lines) -> None:
    structlog.get_logger().debug("pdu.received")
    assert lines() == []


def test_an_exception_is_one_line_with_its_traceback(lines: Lines) -> None:
    try:
        raise KeyError("lost")
    except KeyError:
        structlog.get_logger().exception("link.failed")
    [line] = lines()
    assert line["level"] == "error"
    assert "Traceback" in str(line["exception"])
    assert "KeyError: 'lost'" in str(line["exception"])


def test_a_standard_library_logger_is_heard(lines: Lines) -> None:
    logging.getLogger("alembic.runtime").warning("migrated %s", "0001")
    [line] = lines()
    assert (line["event"], line["level"], line["logger"]) == ("migrated 0001", "warning", "alembic.runtime")


def test_a_standard_library_level_of_its_own_rounds_down(lines: Lines) -> None:
    logging.getLogger("odd").log(35, "between warning and error")
    assert lines()[0]["level"] == "warning"


def test_smpplib_never_writes_its_dumps_of_pdus(lines: Lines) -> None:
    logs.configure("json", "debug", StringIO())
    assert not logging.getLogger("smpplib.client").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("smpplib.command").isEnabledFor(logging.WARNING)


def test_a_second_configuration_does_not_say_the_same_twice(lines: Lines) -> None:
    stream = StringIO()
    logs.configure("json", "info", stream)
    logging.getLogger("alembic").warning("once")
    assert stream.getvalue().count("once") == 1
    assert lines() == []


def test_a_twisted_failure_is_an_error_line_with_its_traceback(lines: Lines) -> None:
    try:
        raise KeyError("lost")
    except KeyError:
        Logger("twisted.internet").failure("while {doing}", doing="reading")
    [line] = lines()
    assert (line["event"], line["level"]) == ("while reading", "error")
    assert line["logger"] == "twisted.internet"
    assert "KeyError: 'lost'" in str(line["exception"])


def test_an_unhandled_error_in_a_deferred_is_an_error_line(lines: Lines) -> None:
    deferred: Deferred[None] = Deferred()
    deferred.errback(KeyError("lost"))
    del deferred
    assert any("KeyError: 'lost'" in str(line.get("exception")) for line in lines())
    assert {line["level"] for line in lines()} == {"error"}


def test_the_old_twisted_log_is_heard_with_its_reason(lines: Lines) -> None:
    old_twisted_log.err(KeyError("lost"), "while reading")  # type: ignore[no-untyped-call]  # Twisted's
    [line] = lines()
    assert (line["event"], line["level"]) == ("while reading", "error")
    assert "KeyError: 'lost'" in str(line["exception"])


def test_the_console_form_is_for_people_and_masks_as_well() -> None:
    stream = StringIO()
    logs.configure("console", "info", stream)
    structlog.get_logger().info("message.accepted", account="demo", destination="13800138000", text="您好")
    assert "message.accepted" in stream.getvalue()
    assert "138******00" in stream.getvalue()
    assert "您好" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


class FullDisk(StringIO):
    def write(self, line: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("broken", [FullDisk(), StringIO()], ids=["full disk", "closed"])
def test_a_log_that_cannot_be_written_stops_nothing(broken: StringIO) -> None:
    logs.configure("json", "info", broken)
    if not isinstance(broken, FullDisk):
        broken.close()
    structlog.get_logger().info("message.accepted")


class NearlyFullDisk(StringIO):
    """Takes a piece of the first line only."""

    room = 10

    def write(self, line: str) -> int:
        if self.room:
            super().write(line[: self.room])
            self.room = 0
            raise OSError(28, "No space left on device")
        return super().write(line)


def test_a_line_that_was_cut_spoils_no_other() -> None:
    stream = NearlyFullDisk()
    logs.configure("json", "info", stream)
    structlog.get_logger().info("message.cut")
    structlog.get_logger().info("message.whole")
    _, whole = stream.getvalue().splitlines()
    assert json.loads(whole)["event"] == "message.whole"


@pytest.mark.parametrize(("format", "level"), [("xml", "info"), ("json", "loud")])
def test_an_unknown_format_or_level_is_refused(format: str, level: str) -> None:
    with pytest.raises(ValueError, match="unknown log"):
        logs.configure(format, level, StringIO())
