"""The stage of `signet demo`: a configuration like any other, payments, recipients, a clock that is stated.

| account | what it is there for |
|---|---|
| bank | the contract's own terms: commercial messages by day |
| shop | has paid for one unit |
| club | writes to its members only, who have agreed to it, once a day |
| courier | sends notices by templates, signed for it, and held where the hours are closed |
| new | has paid, and is not opened yet |
| idle | is suspended once it has bound |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo

from gateway.config.loading import load
from gateway.settings import Settings
from gateway.store.recipient_lists import Kind, Values

HOST = "127.0.0.1"
PASSWORD = "demo"
CARRIER_SYSTEM_ID = "signet"

TOP_UPS = {"bank": 100, "shop": 1, "club": 10, "courier": 10, "new": 10, "idle": 10}
"""The units that each account has paid for."""
NOT_OPENED = "new"
SUSPENDED = "idle"

MEMBER = "13800138010"
"""A member of the club, who has agreed to its messages."""
UNASKED_MEMBER = "13800138011"
"""Another one, who has not."""
BLOCKED = "13800138012"

ZONE = ZoneInfo("Asia/Shanghai")

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
constitution.terms = ["违反宪法基本原则"]
state_security.terms = ["泄露国家秘密"]
national_honour.terms = ["损害国家荣誉"]
ethnic_hatred.terms = ["民族歧视"]
cult.terms = ["宣扬邪教"]
rumour.terms = ["造谣中伤"]
obscene_violent.terms = ["赌博", "casino"]
defamation.terms = ["侮辱谩骂"]
unlawful.terms = ["代开发票"]

$accounts
[[carriers]]
name = "simulated"
host = "$host"
port = $carrier_port
system_id = "$carrier_system_id"
password = "$password"

[[routes]]
carriers = ["simulated"]
""")

_ACCOUNT = Template("""\
[[accounts]]
name = "$name"
system_id = "$name"
password = "$password"
contract.number = "WM39-SMS-000$number"
contract.customer = "$customer"
contract.operator = "长春完美科技有限公司"
contract.signed_on = 2025-01-06
signatures = ["$customer"]
source_addrs = ["10690000000$number"]
$own
""")
_CUSTOMERS = {"shop": "完美科技", "club": "完美健身", "courier": "完美快递"}
_OWN_KEYS = {
    "club": """\
consent = "listed"
members_only = true
frequency = [{ max = 1, per = "day" }]
""",
    "courier": """\
message_class = "notice"
templates = [{ name = "parcel", text = "您的包裹已到{name:2-12}，取件码{number:4-6}【完美快递】" }]
templates_only = true
append = true
hours.outside = "hold"
""",
}


def settings(folder: Path, carrier_port: int) -> Settings:
    """The stage's settings, as read from a file that is written to `folder`; the database goes there too."""
    path = folder / "config.toml"
    text = _CONFIG.substitute(
        zone=ZONE.key,
        host=HOST,
        password=PASSWORD,
        carrier_port=carrier_port,
        carrier_system_id=CARRIER_SYSTEM_ID,
        accounts="\n".join(_account(number, name) for number, name in enumerate(TOP_UPS, 1)),
    )
    path.write_text(text, "utf-8")
    return load(path)


def _account(number: int, name: str) -> str:
    customer = _CUSTOMERS.get(name, "中国银行")
    own = _OWN_KEYS.get(name, "")
    return _ACCOUNT.substitute(name=name, number=number, customer=customer, own=own, password=PASSWORD)


def recipients(now: int) -> Mapping[Kind, Iterable[Values]]:
    """What is recorded of recipients before the first text, at `now` (unix milliseconds), by list."""
    proof = "0" * 64
    return {
        Kind.MEMBERS: [(number, "club", now) for number in (MEMBER, UNASKED_MEMBER)],
        Kind.CONSENTS: [
            (MEMBER, "club", "commercial", "form", proof, now, None, None, None, None, now),
        ],
        Kind.BLOCKS: [(BLOCKED, now, "complaint")],
    }


def instant(at: datetime) -> float:
    """A time on the stage in unix seconds."""
    return at.replace(tzinfo=ZONE).timestamp()
