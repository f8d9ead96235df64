"""A gateway to try: the carriers played, the accounts filled, and how to go on said in a few lines."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.defer import maybeDeferred

from gateway.settings import Carrier, Settings
from gateway.simulator.carrier import CarrierSettings, SimulatedCarrier
from gateway.store.engine import open_engine
from gateway.world import Port, World
from ledger import sql
from ledger.lots import Lot
from ledger.standing import open_account

UNITS = 1000
_REFERENCE = "trial"


class Trial:
    """Plays every carrier whose host is a loopback address, and pays for accounts that nobody paid for."""

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._world = world
        self._playing: list[tuple[Port, SimulatedCarrier]] = []

    def play(self) -> None:
        """Open the carriers' ports. Raises CannotListenError."""
        for carrier in self._settings.carriers.values():
            # The simulated carrier speaks no TLS.
            if _is_loopback(carrier) and carrier.tls is None:
                self._play(carrier)

    async def stop(self) -> None:
        """Part from whoever is bound, and close the ports."""
        for port, carrier in self._playing:
            await maybeDeferred(port.stopListening)
            await carrier.unbind()

    def how_to(self, port: int, signet: str, config: str) -> str:
        """What a newcomer may type next; `signet` and `config` are program and file as they were typed."""
        accounts = ", ".join(
            f"{a.system_id} (signatures {'、'.join(s.name for s in a.ruleset.signatures.registrations)})"
            for a in self._settings.accounts.values()
        )
        host = self._settings.listen.host
        account = next(iter(self._settings.accounts.values()))
        return "\n".join(
            (
                "",
                f"  Signet listens on {host}:{port} for SMPP binds. Accounts: {accounts}.",
                "  In another terminal:",
                f"    {signet} send --port {port} --system-id {account.system_id}"
                " --password PASSWORD --to 13800138000 \\",
                '      "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"',
                f"    {signet} account balance {account.name} --config {config}",
                "  Ctrl-C stops it.",
                "",
            )
        )

    def _play(self, carrier: Carrier) -> None:
        settings = CarrierSettings(
            system_id=carrier.system_id, password=carrier.password, zone=carrier.receipt_zone
        )
        simulated = SimulatedCarrier(self._world.reactor, self._world.clock, settings)
        self._playing.append((self._world.listen(carrier.port, simulated, carrier.host), simulated))

    def fill(self) -> None:
        """Pay for accounts that nobody paid for, and open them, in the store of a gateway that runs.

        Raises StoreError.
        """
        engine = open_engine(self._settings.store_path)
        now = int(self._world.clock.now() * 1000)
        with engine.begin() as connection:
            balances = sql.balances(connection)
            for number, account in enumerate(self._settings.accounts.values()):
                if account.name not in balances:
                    lot = Lot((now << 20) + number, account.name, UNITS, 0, _REFERENCE, now)
                    sql.topup(connection, lot)
                    open_account(connection, account.name, now, _REFERENCE)
        engine.dispose()


def _is_loopback(carrier: Carrier) -> bool:
    try:
        return ip_address(carrier.host).is_loopback
    except ValueError:
        return carrier.host == "localhost"
