"""Every attack, briefly: the others are served, and neither memory nor log grows with it."""

from __future__ import annotations

import gc
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.patience import until
from tests.hostile.attacks import ATTACKS, is_closed
from tests.hostile.house import CONNECTIONS_PER_ADDRESS_MAX
from tests.hostile.siege import Siege, siege

SECONDS = 1.2
RATE_PER_S = 200.0

# A machine that is busy with something else may slow everybody down once, but hardly each time.
TRIES = 3

GAUGES = [
    "connections",
    "connections_unread",
    "intake",
    "queued_messages",
    "slots_taken",
    "outcomes",
    "inbound",
    "deliveries",
    "late_deliveries",
    "store_jobs",
    "password_checks",
    "origins",
    "log_subjects",
]


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """A house with good customers in it, which has seen its first binds."""
    gc.disable()  # our own pauses would be taken for the gateway's
    try:
        with siege(tmp_path_factory.mktemp("house"), RATE_PER_S) as under_siege:
            assert under_siege.quiet(SECONDS).settled
            yield under_siege
            assert under_siege.house.stop() == 0
            assert under_siege.house.events("log.held_back")
            assert "Traceback" not in under_siege.house.log
    finally:
        gc.enable()


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_harms_nobody_else(attack: str, besieged: Siege) -> None:
    for _ in range(TRIES):
        outcome = besieged.attack(attack, SECONDS)
        if not outcome.harm:
            return
    pytest.fail(f"{outcome.harm} by {outcome}")


def test_who_is_silent_for_long_is_not_bound_any_more(besieged: Siege) -> None:
    counted = besieged.attack("silent", 4.5).counted
    assert counted["closed"] == counted["silent"]


def test_an_address_has_only_so_many_connections(besieged: Siege) -> None:
    door, address = ("127.0.0.1", besieged.house.port), ("127.0.0.99", 0)
    with ExitStack() as stack:
        peers = []
        for _ in range(CONNECTIONS_PER_ADDRESS_MAX + 20):
            peers.append(stack.enter_context(socket.create_connection(door, 10.0, source_address=address)))
            peers[-1].setblocking(False)
        until(lambda: sum(map(is_closed, peers)) == 20, "20 connections that are refused")


@pytest.mark.parametrize("gauge", GAUGES)
def test_what_is_limited_is_measured(gauge: str, besieged: Siege) -> None:
    url = f"http://127.0.0.1:{besieged.house.admin_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert f"# TYPE signet_{gauge} gauge" in answer.read().decode()
