"""The configuration file: TOML in, `Settings` out, or every problem at once.

Only this package knows what the file looks like. Loading has no effect but to
read the file and the term files it names.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from gateway.config.account import account_of
from gateway.config.calendar import working_days_of
from gateway.config.carrier import carrier_of
from gateway.config.check import Document, check, names
from gateway.config.model import (
    DoorTable,
    File,
    RouteTable,
)
from gateway.config.policy import content_of
from gateway.config.problem import ConfigError, Problem, problems_of
from gateway.settings import (
    Admin,
    Limits,
    Listen,
    ListenTls,
    Log,
    Retention,
    Route,
    Settings,
)


def load(path: Path) -> Settings:
    """The settings in the file at `path`. Raises ConfigError with everything that is wrong with it."""
    document = _read(path)
    problems = list(check(document))
    try:
        file = File.model_validate(document, context={"folder": path.absolute().parent})
    except ValidationError as error:
        problems.extend(problems_of(error, File))
    if problems:
        # Nobody counts tables up to accounts[17], so its problems are told with its name.
        owners = {**names(document, "accounts"), **names(document, "carriers")}
        owned = [replace(each, owner=owners.get(each.path.partition(".")[0], "")) for each in problems]
        raise ConfigError(sorted(owned, key=_in_the_file))
    return _settings(file)


def _read(path: Path) -> Document:
    # The byte order mark that some editors put first is forgiven, though TOML knows none.
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        hint = "config.example.toml is one to begin with"
        raise ConfigError([Problem(str(path), f"cannot be read: {error.strerror}", hint)]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(f"line {line}", "is not UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).removesuffix(")").rpartition(" (at ")
        hint = 'texts and times of day stand in quotes, such as name = "demo"'
        raise ConfigError([Problem(place, f"is not TOML: {message}", hint)]) from None
    except RecursionError:
        raise ConfigError([Problem(str(path), "is nested too deeply")]) from None
    except ValueError:
        # tomllib leaves the limit of Python's int to whoever calls it.
        raise ConfigError([Problem(str(path), "has a number of too many digits")]) from None


def _in_the_file(problem: Problem) -> list[str | int]:
    """A sort key that keeps the problems of one table together, and accounts[10] behind accounts[9]."""
    return [int(part) if part.isdigit() else part for part in re.split("([0-9]+)", problem.path)]


def _settings(file: File) -> Settings:
    content = content_of(file.policy)
    zone = file.gateway.zone
    return Settings(
        node=file.gateway.node,
        zone=zone,
        country_code=file.gateway.country_code,
        store_path=file.gateway.store,
        listen=_listen(file.listen),
        admin=Admin(**dict(file.admin)) if file.admin.port else None,
        log=Log(**dict(file.log)),
        limits=Limits(**dict(file.limits)),
        accounts={
            table.system_id: account_of(table, content, zone, file.limits.template_places_max)
            for table in file.accounts
        },
        carriers={table.name: carrier_of(table, zone) for table in file.carriers},
        routes=tuple(map(_route, file.routes)),
        retention=Retention(**dict(file.retention)),
        content=content,
        working_days=working_days_of(file.calendar),
        account_page=None if file.account_page is None else _listen(file.account_page),
    )


def _listen(table: DoorTable) -> Listen:
    tls = None if table.tls is None else ListenTls(**dict(table.tls))
    return Listen(**dict(table) | {"tls": tls, "proxy_networks": tuple(table.proxy_networks)})


def _route(table: RouteTable) -> Route:
    return Route(table.account, table.prefix, tuple(table.carriers), frozenset(table.tlvs))
