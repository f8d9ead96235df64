"""The gateway under attack: a `signet run` process, watched from outside, with customers good and bad.

The good customer has a cheap password hash; `fresh_1` and on have real ones, unknown until their first bind.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from gateway.passwords import hash_password
from tests.e2e.config import PASSWORD, Config
from tests.e2e.gateway import Gateway

GOOD = "good"
HOSTILE = "hostile"
ASLEEP = "asleep"
THROTTLED = "throttled"
GUARDED = "guarded"
FRESH = tuple(f"fresh_{number}" for number in range(1, 25))

CONNECTIONS_MAX = 300
CONNECTIONS_PER_ADDRESS_MAX = 100
HOSTILE_PER_S = 500
THROTTLED_PER_S = 50

_UNITS = 100_000_000

_LIMITS = """
drain_s = 1.0
"""

# A real account has only the hash of its password, and checking it costs what it costs everywhere.
_GUARDED = """
[[accounts]]
name = "{name}"
system_id = "{name}"
password_hash = "{password_hash}"
contract = {{ number = "WM39", customer = "中国银行", operator = "完美科技", signed_on = 2025-01-06 }}
signatures = ["中国银行"]
hours.exceptions = [{{ note = "五(5): at all hours" }}]

[[routes]]
account = "{name}"
carriers = ["mobile"]
"""


class _Config(Config):
    """With so few connections that their limit is reached."""

    def text(self) -> str:
        return super().text().replace("[listen]\n", f"[listen]\nconnections_max = {CONNECTIONS_MAX}\n", 1)


class House(Gateway):
    """A gateway in `folder` whose carrier listens on `carrier_port`."""

    def __init__(self, folder: Path, carrier_port: int) -> None:
        super().__init__(folder, _config(carrier_port))

    def open(self) -> None:
        """Fill the accounts and let customers in."""
        for account in (GOOD, HOSTILE, ASLEEP, THROTTLED):
            self.top_up(account, _UNITS)
        self.let_in(GUARDED, *FRESH)
        self.start()

    @property
    def rss_mib(self) -> float:
        """The memory it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        held = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert held is not None
        return int(held[1]) / 1024

    @property
    def cpu_s(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def log_octets(self) -> int:
        """How much it has logged."""
        return self._stderr.stat().st_size


def _config(carrier_port: int) -> Config:
    config = _Config(limits=_LIMITS)
    config.account(GOOD, "mobile", "binds_max = 20\nwindow_max = 500\ndelivery_window_max = 200")
    config.account(HOSTILE, "mobile", f"binds_max = 100\n{_throttle(HOSTILE_PER_S)}")
    config.account(ASLEEP, "mobile", "binds_max = 100\ntimers = { enquire_link_s = 1.0, response_s = 1.0 }")
    config.account(THROTTLED, "mobile", f"binds_max = 100\n{_throttle(THROTTLED_PER_S)}")
    for name in (GUARDED, *FRESH):
        config.tables.append(_GUARDED.format(name=name, password_hash=hash_password(PASSWORD)))
    config.carrier("mobile", carrier_port, "binds = 2\nwindow_max = 500")
    return config


def _throttle(rate_per_s: int) -> str:
    return f"throttle = {{ rate_per_s = {rate_per_s}, burst = {rate_per_s} }}"
