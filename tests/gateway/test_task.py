from __future__ import annotations

from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway import task
from gateway.ports import StoreClosed


async def doing(wait: Deferred[None], ends: list[str]) -> None:
    await wait
    ends.append("done")


async def failing(error: Exception) -> None:
    raise error


def test_a_task_runs_on_its_own_to_its_end() -> None:
    wait: Deferred[None] = Deferred()
    ends: list[str] = []
    done = task.start(doing(wait, ends), "test")
    assert not done.called
    wait.callback(None)
    assert (ends, done.called) == (["done"], True)


def test_a_task_begins_at_once() -> None:
    wait: Deferred[None] = Deferred()
    wait.callback(None)
    ends: list[str] = []
    task.start(doing(wait, ends), "test")
    assert ends == ["done"]


def test_a_failure_becomes_an_error_in_the_log_and_goes_no_further() -> None:
    with capture_logs() as lines:
        ended: list[object] = []
        task.start(failing(ValueError("broken")), "counting").addBoth(ended.append)
    (line,) = lines
    assert ended == [None]
    assert (line["event"], line["log_level"]) == ("task.failed", "error")
    assert (line["doing"], line["error"]) == ("counting", "broken")
    assert "in failing" in line["traceback"]


def test_a_store_that_is_closed_is_the_end_of_a_task_and_no_error() -> None:
    with capture_logs() as lines:
        ended: list[object] = []
        task.start(failing(StoreClosed()), "counting").addBoth(ended.append)
    assert (ended, lines) == ([None], [])
