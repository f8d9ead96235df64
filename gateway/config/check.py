"""What several tables of the configuration must agree on: names that refer or repeat, ports that meet.

The checks read the document as TOML gave it, so that they run beside the checks of single keys, whatever
those find: a carrier with a wrong port is still a carrier that a route may name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TypeAlias, TypeGuard

from gateway.config.model import AccountPageTable, AdminTable, ListenTable
from gateway.config.problem import Problem, did_you_mean
from gateway.settings import BindType

Document: TypeAlias = Mapping[str, object]

_HERE = ("127.0.0.1", "::1", "localhost")
_EVERYWHERE = ("0.0.0.0", "::", "")


def check(document: Document) -> Iterator[Problem]:
    """Every disagreement between the tables of `document`; values of a wrong type are passed over."""
    for table, key in (("accounts", "name"), ("accounts", "system_id"), ("carriers", "name")):
        yield from _repeats(document, table, key)
    yield from _routes(document)
    yield from _hidden_routes(document)
    yield from _accounts_without_route(document)
    yield from _ports(document)
    yield from _accounts_without_tls(document)
    yield from _trades(document)
    yield from _supplements(document)


def _repeats(document: Document, table: str, key: str) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for place, row in _rows(document, table):
        value = row.get(key)
        if isinstance(value, str) and first.setdefault(value, place) != place:
            yield Problem(f"{place}.{key}", f"is that of {first[value]} already")


def _routes(document: Document) -> Iterator[Problem]:
    accounts = names(document, "accounts").values()
    carriers = {
        name: row for _, row in _rows(document, "carriers") if isinstance(name := row.get("name"), str)
    }
    for place, route in _rows(document, "routes"):
        account = route.get("account")
        if account is not None and account not in accounts:
            yield Problem(
                f"{place}.account", "is not the name of an account", did_you_mean(account, accounts)
            )
        for index, name in enumerate(_list(route, "carriers")):
            yield from _carrier(f"{place}.carriers[{index}]", name, carriers)


def _hidden_routes(document: Document) -> Iterator[Problem]:
    """Routes that no message reaches, since the first route that fits is taken."""
    earlier: list[tuple[str, object, str]] = []
    for place, route in _rows(document, "routes"):
        account, prefix = route.get("account"), str(route.get("prefix", ""))
        for above, served, start in earlier:
            if served in (None, account) and prefix.startswith(start):
                hint = "the first that fits is taken: the special ones belong above the general ones"
                yield Problem(place, f"is never reached, for {above} takes all its messages", hint)
                break
        earlier.append((place, account, prefix))


def _carrier(place: str, name: object, carriers: Mapping[str, Document]) -> Iterator[Problem]:
    if not isinstance(name, str):
        return
    if name not in carriers:
        hint = did_you_mean(name, carriers)
        yield Problem(place, "is not the name of a carrier", hint)
    elif carriers[name].get("bind_type") == BindType.RECEIVER:
        hint = 'its bind_type could be "transceiver"'
        yield Problem(place, "is bound as a receiver, which cannot send", hint)


def _accounts_without_route(document: Document) -> Iterator[Problem]:
    routes = [route for _, route in _rows(document, "routes")]
    served = [route.get("account") for route in routes]
    if not routes or None in served:
        return
    for place, account in _rows(document, "accounts"):
        if account.get("name") not in served:
            yield Problem(
                place, "has no route", "add [[routes]] with this account's name, or without account, for all"
            )


def _ports(document: Document) -> Iterator[Problem]:
    listen_host, listen_port = _address(document, "listen", ListenTable().host, ListenTable().port)
    _, admin_port = _address(document, "admin", AdminTable().host, AdminTable().port)
    doors: list[tuple[object, str]] = []
    yield from _doors(document, "listen", listen_port, doors)
    if "account_page" in document:
        _, page_port = _address(document, "account_page", "", AccountPageTable().port)
        yield from _doors(document, "account_page", page_port, doors)
    yield from _shared("admin.port", admin_port, doors)
    for place, carrier in _rows(document, "carriers"):
        host, port = carrier.get("host"), carrier.get("port", 2775)
        same_host = host == listen_host or (host in _HERE and listen_host in (*_HERE, *_EVERYWHERE))
        own = [name for number, name in doors if number == port != 0]
        if same_host and own:
            yield Problem(f"{place}.port", f"leads back to this gateway's own {own[0]}")


def _doors(document: Document, name: str, port: object, doors: list[tuple[object, str]]) -> Iterator[Problem]:
    """The plain port and that for TLS of a table, added to `doors`."""
    table = _table(document, name)
    ports = [] if table.get("plain") is False else [(port, f"{name}.port")]
    ports.append((_table(table, "tls").get("port", 0), f"{name}.tls.port"))
    for number, place in ports:
        yield from _shared(place, number, doors)
        doors.append((number, place))


def _shared(place: str, port: object, doors: list[tuple[object, str]]) -> Iterator[Problem]:
    """A port that another key has already; 0 is any that is free."""
    for number, name in doors:
        if number == port != 0:
            yield Problem(place, f"is that of {name} too")
            return


def _accounts_without_tls(document: Document) -> Iterator[Problem]:
    """Accounts that nobody can bind to, for they demand what the ports do not offer."""
    tls = _table(_table(document, "listen"), "tls")
    for place, account in _rows(document, "accounts"):
        if account.get("tls") is True and not tls:
            yield Problem(f"{place}.tls", "needs listen.tls, the port for TLS")
        if "client_certificate" in account and "client_ca" not in tls:
            yield Problem(f"{place}.client_certificate", "needs listen.tls.client_ca")


def _trades(document: Document) -> Iterator[Problem]:
    """Trades of accounts that have no list; one misspelt would leave its list in force."""
    known = _table(_table(document, "policy"), "trades")
    for place, account in _rows(document, "accounts"):
        for index, name in enumerate(_list(account, "trades")):
            if isinstance(name, str) and name not in known:
                hint = did_you_mean(name, known) or f"its list would be [policy.trades.{name}]"
                yield Problem(f"{place}.trades[{index}]", "is not a trade of [policy.trades]", hint)


def _supplements(document: Document) -> Iterator[Problem]:
    """Supplements older than their contract, or to terms that their account does not have."""
    for place, account in _rows(document, "accounts"):
        signed_on = _table(account, "contract").get("signed_on")
        known = set(_keys(account)) - {"supplements"}
        for number, row in _rows(account, "supplements"):
            agreed_on = row.get("agreed_on")
            if _is_day(signed_on) and _is_day(agreed_on) and agreed_on < signed_on:
                yield Problem(
                    f"{place}.{number}.agreed_on", f"is before the contract is signed, on {signed_on}"
                )
            for index, term in enumerate(_list(row, "terms")):
                if isinstance(term, str) and term and term not in known:
                    yield Problem(
                        f"{place}.{number}.terms[{index}]",
                        f'"{term}" is not a key that this account has',
                        did_you_mean(term, known),
                    )


def _is_day(value: object) -> TypeGuard[date]:
    return isinstance(value, date) and not isinstance(value, datetime)


def _keys(table: Document, prefix: str = "") -> Iterator[str]:
    """The keys that stand in a table, with dots those of the tables in it."""
    for key, value in table.items():
        yield prefix + key
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")


def _address(document: Document, table: str, host: str, port: int) -> tuple[object, object]:
    row = _table(document, table)
    return row.get("host", host), row.get("port", port)


def _table(document: Document, key: str) -> Document:
    """The table at `key`; an empty one where there is none."""
    row = document.get(key)
    return row if isinstance(row, Mapping) else {}


def names(document: Document, table: str) -> dict[str, str]:
    """The names in an array of tables by place: {"accounts[0]": "demo"}."""
    return {place: name for place, row in _rows(document, table) if isinstance(name := row.get("name"), str)}


def _rows(document: Document, table: str) -> Iterator[tuple[str, Document]]:
    """The tables of an array, each with its place, such as "accounts[0]"."""
    for index, row in enumerate(_list(document, table)):
        if isinstance(row, Mapping):
            yield f"{table}[{index}]", row


def _list(document: Document, key: str) -> list[object]:
    """The list at `key`; a single value stands for a list of it, whatever else is said about that."""
    value = document.get(key, [])
    return value if isinstance(value, list) else [value]
