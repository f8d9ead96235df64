"""`signet check`: whether the configuration is good, before anything is started or reloaded with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from gateway.cli.configured import config_option, settings_or_exit, show_warnings
from gateway.cli.output import console
from gateway.settings import Account, Carrier, Listen, Route, Settings, Throttle


@click.command()
@config_option
def check(config_path: Path) -> None:
    """Tell every problem of the configuration (exit code 2), or sum it up, with what to think over."""
    settings = settings_or_exit(config_path)
    show_warnings(config_path, settings)
    output = console()
    output.print(f"{config_path}: no problems", style="bold green")
    for noun, words in _summary(settings):
        output.print(f"  {noun:<20} {words}")


def _summary(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "listen", _listen(settings.listen)
    yield "admin", f"{settings.admin.host}:{settings.admin.port}" if settings.admin else "off"
    yield "account page", _listen(settings.account_page) if settings.account_page else "off"
    yield "store", str(settings.store_path)
    for account in settings.accounts.values():
        yield f"account {account.name}", _account(account)
    for carrier in settings.carriers.values():
        yield f"carrier {carrier.name}", _carrier(carrier)
    for route in settings.routes:
        yield "route", _route(route)


def _listen(listen: Listen) -> str:
    ports = [f"{listen.host}:{listen.port}"] if listen.plain else []
    if listen.tls is not None:
        ports.append(f"{listen.host}:{listen.tls.port} with TLS")
    return ", ".join(ports)


def _account(account: Account) -> str:
    hours = account.ruleset.hours
    exceptions = f", agreed exceptions: {len(hours.exceptions)}" if hours.exceptions else ""
    closures = f", closures: {len(hours.closed)}" if hours.closed else ""
    supplements = account.ruleset.supplements
    agreed = f", supplements: {len(supplements)}" if supplements else ""
    apart = f"{exceptions}{closures}{agreed}"
    return (
        f"{account.contract.number} {account.contract.customer}; {account.ruleset.message_class}; "
        f"{hours.open:%H:%M} to {hours.close:%H:%M} {hours.zone}{apart}; {_rate(account.throttle)}"
    )


def _carrier(carrier: Carrier) -> str:
    binds = f"{carrier.binds} {carrier.bind_type}{'s' if carrier.binds > 1 else ''}"
    tls = " with TLS" if carrier.tls else ""
    return f"{carrier.host}:{carrier.port}{tls} as {carrier.system_id}; {binds}; {_rate(carrier.rate)}"


def _rate(throttle: Throttle | None) -> str:
    return f"{throttle.rate_per_s:g} segments/s" if throttle else "no throttle"


def _route(route: Route) -> str:
    destinations = f"{route.prefix}…" if route.prefix else "every destination"
    return f"{route.account or 'every account'}, {destinations} → {', '.join(route.carriers)}"
