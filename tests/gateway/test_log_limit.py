from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from twisted.internet.task import Clock

from gateway import logs
from gateway.log_limit import LogLimit

# Of 1.6 lines a second, which is exact in binary.
BURST, EVENT_BURST = 16, 160


class Log:
    """What was written under a limit of 1.6 lines a second; nobody but the test lets time pass."""

    def __init__(self, subjects_max: int = 100, level: str = "info") -> None:
        self.clock = Clock()
        self.limit = LogLimit(1.6, subjects_max, self.clock.seconds)
        self._stream = StringIO()
        logs.configure("json", level, self._stream, self.limit)

    def info(self, event: str = "bind.refused", count: int = 1, **keys: object) -> None:
        for _ in range(count):
            structlog.get_logger().info(event, **keys)

    def lines(self) -> list[dict[str, object]]:
        """What has come since the last time, without times."""
        lines = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        self._stream.seek(0)
        self._stream.truncate()
        return [{key: value for key, value in line.items() if key != "timestamp"} for line in lines]

    def told(self) -> list[tuple[object, object, object]]:
        """What is told to have been held back: of which event, about whom, how many."""
        self.limit.tell()
        lines = self.lines()
        assert {line["event"] for line in lines} <= {"log.held_back"}
        return [(line["of"], line.get("about"), line["count"]) for line in lines]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class TestAFloodOfOneEvent:
    def test_is_written_up_to_its_rate(self) -> None:
        log = Log()
        log.info(count=50, account="bank")
        assert len(log.lines()) == BURST
        log.clock.advance(5.0)
        log.info(count=50, account="bank")
        assert len(log.lines()) == 8

    def test_is_told_in_one_line(self) -> None:
        log = Log()
        log.info(count=50, account="bank")
        log.lines()
        log.limit.tell()
        (line,) = log.lines()
        assert line == {
            "event": "log.held_back",
            "level": "info",
            "of": "bind.refused",
            "about": "bank",
            "count": 50 - BURST,
        }
        assert log.limit.held_back == 50 - BURST

    def test_is_told_only_once(self) -> None:
        log = Log()
        log.info(count=50, account="bank")
        log.limit.tell()
        log.lines()
        assert log.told() == []

    @pytest.mark.parametrize(
        "keys",
        [
            {"account": "shop"},
            {"bind": "mobile/0"},
            {"carrier": "mobile"},
            {"account": "", "peer": "192.0.2.9:40000"},
            {},
        ],
    )
    def test_leaves_the_same_event_about_others_alone(self, keys: dict[str, str]) -> None:
        log = Log()
        log.info(count=50, account="bank")
        log.lines()
        log.info("bind.refused", 1, **keys)
        assert len(log.lines()) == 1

    def test_leaves_other_events_about_the_same_alone(self) -> None:
        log = Log()
        log.info("message.refused", count=500, account="bank")
        log.lines()
        log.info("bind.ended", account="bank")
        assert len(log.lines()) == 1

    def test_of_one_address_is_one_flood_whatever_the_ports(self) -> None:
        log = Log()
        for port in range(50):
            log.info(peer=f"192.0.2.9:{port}")
        assert len(log.lines()) == BURST
        assert log.told() == [("bind.refused", "192.0.2.9", 50 - BURST)]

    def test_of_many_addresses_has_a_limit_too(self) -> None:
        log = Log()
        for n in range(250):
            log.info(peer=f"192.0.2.{n}:1")
        assert len(log.lines()) == EVENT_BURST

    def test_of_many_addresses_is_told_in_few_lines(self) -> None:
        log = Log(subjects_max=20)
        for n in range(250):
            log.info(peer=f"192.0.2.{n}:1")
            assert len(log.limit) <= 20
        log.info(count=30, peer="192.0.2.77:1")
        log.lines()
        told = log.told()
        assert len(told) == 10
        assert sum(int(str(count)) for _, _, count in told) == 280 - EVENT_BURST

    def test_of_others_loggers_is_known_by_the_logger(self) -> None:
        log = Log()
        for n in range(50):
            log.info(f"free text {n}", logger="twisted.web")
        assert len(log.lines()) == BURST
        assert log.told() == [("twisted.web", None, 50 - BURST)]


class TestErrors:
    def test_may_be_more(self) -> None:
        log = Log()
        for _ in range(100):
            structlog.get_logger().error("claim.failed", carrier="mobile")
        assert len(log.lines()) == 4 * BURST
        log.limit.tell()
        assert [(line["level"], line["count"]) for line in log.lines()] == [("error", 100 - 4 * BURST)]


def test_debug_is_not_limited() -> None:
    log = Log(level="debug")
    for _ in range(100):
        structlog.get_logger().debug("message.accepted", account="bank")
    assert len(log.lines()) == 100


def test_what_is_told_is_not_held_back_itself() -> None:
    log = Log()
    for n in range(20):
        log.info(f"event.{n}", count=50)
    log.lines()
    assert len(log.told()) == 20
