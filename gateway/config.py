"""The configuration file: TOML in, `Settings` out, or every problem at once.

Only this module and its siblings (`config_*`) know what the file looks like. Loading has no effect but to
read the file and the term files it names.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from pydantic import ValidationError

from gateway.config_check import Document, check, names
from gateway.config_model import (
    AccountTable,
    CarrierTable,
    File,
    HoursTable,
    ListenTable,
    PolicyTable,
    ReceiptsTable,
    RouteTable,
    TermsTable,
    ThrottleTable,
)
from gateway.config_problem import ConfigError, Problem, problems_of
from gateway.settings import (
    Account,
    Admin,
    Carrier,
    CarrierTls,
    Contract,
    Limits,
    Listen,
    ListenTls,
    Log,
    ReceiptFormat,
    Route,
    Settings,
    Throttle,
    Timers,
)
from policy.content import ContentFilter
from policy.hours import Hours, HoursException
from policy.ruleset import compile_ruleset
from smpp.message_id import Notations
from smpp.receipt import ReceiptTlvs

_CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


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
    content = _content(file.policy)
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
        accounts={table.system_id: _account(table, content, zone) for table in file.accounts},
        carriers={table.name: _carrier(table, zone) for table in file.carriers},
        routes=tuple(map(_route, file.routes)),
    )


def _listen(table: ListenTable) -> Listen:
    tls = None if table.tls is None else ListenTls(**dict(table.tls))
    return Listen(**dict(table) | {"tls": tls, "proxy_networks": tuple(table.proxy_networks)})


def _content(policy: PolicyTable) -> ContentFilter:
    """The one filter that all accounts share."""
    terms = {f"CONTENT_{kind.upper()}": _terms(table) for kind, table in policy.terms}
    return ContentFilter(terms, _terms(policy.exceptions))


def _terms(table: TermsTable) -> list[str]:
    return [*table.terms, *(term for file in table.files for term in file)]


def _account(table: AccountTable, content: ContentFilter, zone: ZoneInfo) -> Account:
    contract = Contract(**dict(table.contract))
    ruleset = compile_ruleset(
        signatures=table.signatures,
        content=content,
        hours=_hours(table.hours, contract, zone),
        message_class=table.message_class,
        outside_hours=table.hours.outside,
        require_salutation=table.require_salutation,
        require_unsubscribe=table.require_unsubscribe,
    )
    return Account(
        name=table.name,
        system_id=table.system_id,
        password_hash=table.password_hash or _hash_in_memory(table),
        contract=contract,
        ruleset=ruleset,
        allowed_networks=tuple(table.allowed_networks),
        source_addrs=tuple(table.source_addrs),
        default_alphabet=table.default_alphabet,
        segments=table.segments,
        statuses=table.statuses,
        explain=table.explain,
        in_doubt=table.in_doubt,
        binds_max=table.binds_max,
        window_max=table.window_max,
        delivery_window_max=table.delivery_window_max,
        queue_max=table.queue_max,
        throttle=_throttle(table.throttle),
        timers=Timers(**dict(table.timers)),
        message_ids=table.message_ids,
        receipts=_receipts(table.receipts),
        tls=table.tls,
        client_certificate=table.client_certificate,
    )


def _receipts(table: ReceiptsTable) -> ReceiptFormat:
    tlvs = ReceiptTlvs(table.message_state, table.network_error_code) if table.tlvs else None
    return ReceiptFormat(table.message_id, table.date_digits, tlvs)


def _hash_in_memory(table: AccountTable) -> str:
    """The hash of a password that the file has in clear: cheap, for it protects nothing.

    Its salt is made from the system_id, so that the same file gives equal settings at every load.
    """
    salt = hashlib.sha256(table.system_id.encode()).digest()[:16]
    return _CHEAP_HASHER.hash(table.password or "", salt=salt)


def _hours(table: HoursTable, contract: Contract, zone: ZoneInfo) -> Hours:
    signed = datetime.combine(contract.signed_on, time(), zone)
    exceptions = (
        HoursException(
            start=_aware(exception.start, zone) or signed,
            end=_aware(exception.end, zone),
            note=exception.note,
            scope=exception.scope,
        )
        for exception in table.exceptions
    )
    return Hours(table.open, table.close, zone, tuple(exceptions))


def _aware(local: datetime | None, zone: ZoneInfo) -> datetime | None:
    return local.replace(tzinfo=zone) if local and local.tzinfo is None else local


def _throttle(table: ThrottleTable | None) -> Throttle | None:
    return Throttle(table.rate_per_s, table.burst) if table else None


def _carrier(table: CarrierTable, zone: ZoneInfo) -> Carrier:
    return Carrier(
        name=table.name,
        host=table.host,
        port=table.port,
        system_id=table.system_id,
        password=table.password,
        system_type=table.system_type,
        bind_type=table.bind_type,
        binds=table.binds,
        window_max=table.window_max,
        rate=_throttle(table.rate),
        source_addr=table.source_addr,
        temporary_statuses=frozenset(table.temporary_statuses),
        receipt_zone=table.receipt_zone or zone,
        reconnect_min_s=table.reconnect_min_s,
        reconnect_max_s=table.reconnect_max_s,
        timers=Timers(**dict(table.timers)),
        long_messages=table.long_messages,
        septets_packed=table.septets_packed,
        notations=Notations(table.resp_id, table.receipt_id),
        receipt_states=table.receipt_states,
        receipts_by_text=table.receipts_by_text,
        unknown_is_final=table.unknown_is_final,
        one_receipt_a_message=table.one_receipt_a_message,
        interface_version=table.interface_version,
        tls=None if table.tls is None else CarrierTls(**dict(table.tls)),
    )


def _route(table: RouteTable) -> Route:
    return Route(table.account, table.prefix, tuple(table.carriers), frozenset(table.tlvs))
