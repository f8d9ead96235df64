"""The configuration of a gateway under test: ports of its own, quick retries, and what the test adds."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

_TEMPLATE = """
[gateway]
store = "{store}"

[listen]
port = {port}
{listen}

[admin]
port = {admin_port}

[log]
format = "json"
level = "{log_level}"

[limits]
retry_min_s = 0.1
retry_max_s = 0.5
{limits}

[policy.terms]
constitution.terms = ["违反宪法基本原则"]
state_security.terms = ["泄露国家秘密"]
national_honour.terms = ["损害国家荣誉"]
ethnic_hatred.terms = ["煽动民族仇恨"]
cult.terms = ["宣扬邪教"]
rumour.terms = ["造谣中伤"]
obscene_violent.terms = ["赌博"]
defamation.terms = ["侮辱谩骂"]
unlawful.terms = ["代开发票"]
"""

_ACCOUNT = """
[[accounts]]
name = "{name}"
system_id = "{name}"
password = "{password}"
contract = {{ number = "WM39", customer = "中国银行", operator = "完美科技", signed_on = 2025-01-06 }}
signatures = ["中国银行"]
{hours}
{more}
"""

_ALL_HOURS = 'hours.exceptions = [{ note = "五(5): at all hours" }]'

_CARRIER = """
[[carriers]]
name = "{name}"
host = "127.0.0.1"
port = {port}
system_id = "signet"
password = "{password}"
reconnect_min_s = 0.1
reconnect_max_s = 0.5
{more}
"""

_ROUTE = """
[[routes]]
account = "{account}"
carriers = ["{carrier}"]
"""

PASSWORD = "geheim12"


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass
class Config:
    """A configuration to be: add to it, then take `text()`."""

    port: int = field(default_factory=free_port)
    admin_port: int = field(default_factory=free_port)
    store: str = "signet.db"
    log_level: str = "info"
    limits: str = ""
    listen: str = ""
    tables: list[str] = field(default_factory=list)

    def account(self, name: str, carrier: str, more: str = "", hours: str = _ALL_HOURS) -> None:
        """Add an account whose messages go to `carrier`; its system_id is its name."""
        self.tables.append(_ACCOUNT.format(name=name, password=PASSWORD, hours=hours, more=more))
        self.tables.append(_ROUTE.format(account=name, carrier=carrier))

    def carrier(self, name: str, port: int, more: str = "", password: str = PASSWORD) -> None:
        """Add a carrier on this machine."""
        self.tables.append(_CARRIER.format(name=name, port=port, password=password, more=more))

    def text(self) -> str:
        """The file."""
        head = _TEMPLATE.format(
            store=self.store,
            port=self.port,
            admin_port=self.admin_port,
            log_level=self.log_level,
            limits=self.limits,
            listen=self.listen,
        )
        return head + "".join(self.tables)
