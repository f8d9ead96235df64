"""The stage of `signet demo`: a configuration like any other, payments, and a day by a stated clock."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo

from gateway.config.loading import load
from gateway.settings import Settings

HOST = "127.0.0.1"
PASSWORD = "demo"
CARRIER_SYSTEM_ID = "signet"

TOP_UPS = {"bank": 100, "shop": 1}
"""The units that each account has paid for."""

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2025, 1, 8)

# Port 0 is any that is free. The carrier's is taken before the file is written.
_CONFIG = Template("""\
[gateway]
zone = "$zone"
store = "signet.db"

[listen]
host = "$host"
port = 0

[admin]
port = 0

[limits]
retry_min_s = 0.1
retry_max_s = 0.1

[policy.terms]
obscene_violent.terms = ["赌博", "casino"]
unlawful.terms = ["代开发票"]

[[accounts]]
name = "bank"
system_id = "bank"
password = "$password"
contract.number = "WM39-SMS-0001"
contract.customer = "中国银行"
contract.operator = "长春完美科技有限公司"
contract.signed_on = 2025-01-06
signatures = ["中国银行"]
source_addrs = ["106900000001"]

[[accounts]]
name = "shop"
system_id = "shop"
password = "$password"
contract.number = "WM39-SMS-0002"
contract.customer = "完美科技"
contract.operator = "长春完美科技有限公司"
contract.signed_on = 2025-01-06
signatures = ["完美科技"]
source_addrs = ["106900000002"]

[[carriers]]
name = "simulated"
host = "$host"
port = $carrier_port
system_id = "$carrier_system_id"
password = "$password"

[[routes]]
carriers = ["simulated"]
""")


def settings(folder: Path, carrier_port: int) -> Settings:
    """The stage's settings, as read from a file that is written to `folder`; the database goes there too."""
    path = folder / "config.toml"
    text = _CONFIG.substitute(
        zone=ZONE.key,
        host=HOST,
        password=PASSWORD,
        carrier_port=carrier_port,
        carrier_system_id=CARRIER_SYSTEM_ID,
    )
    path.write_text(text, "utf-8")
    return load(path)


def instant(at: time) -> float:
    """A time of the stage's day in unix seconds."""
    return datetime.combine(DAY, at, ZONE).timestamp()
