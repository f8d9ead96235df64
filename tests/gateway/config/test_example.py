"""The example configuration: it runs, it tells everything, and damaged in any way it breaks nothing."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.config.loading import load
from gateway.config.model import File
from gateway.config.policy import FormsTable, KindsTable, ListTable
from gateway.config.problem import ConfigError
from gateway.passwords import Passwords
from gateway.settings import Settings
from policy.chain import evaluate
from policy.facts import Submission
from policy.verdict import Accept, Refuse, Verdict

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def verdict_at(settings: Settings, system_id: str, text: str, at: datetime) -> Verdict:
    ruleset = settings.accounts[system_id].ruleset
    submission = Submission(text, at.timestamp(), ruleset.message_class, "1069", "8613800000000")
    return evaluate(ruleset, submission).verdict


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=[a-z_.]+ = )", "", text, flags=re.MULTILINE)


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        table = next(tables_in(field.annotation), None)
        yield from keys_of(table, f"{prefix}{name}.") if table else iter([prefix + name])


def tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from tables_in(argument)


def keys_in(document: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from keys_in(value, f"{prefix}{name}.")
    elif isinstance(document, list) and document and isinstance(document[0], dict):
        for row in document:
            yield from keys_in(row, prefix)
    else:
        yield prefix.removesuffix(".")


def test_the_example_runs_as_it_stands_beside_the_simulated_carrier() -> None:
    settings = load(EXAMPLE)
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 2775)
    assert [(carrier.host, carrier.port) for carrier in settings.carriers.values()] == [("127.0.0.1", 2776)]
    assert settings.store_path == EXAMPLE.parent / "var" / "signet.db"
    for name in ("demo", "daytime"):
        assert Passwords().verify(settings.accounts[name].password_hash, name)


def test_at_night_the_example_s_demo_may_send_and_its_daytime_may_not() -> None:
    settings = load(EXAMPLE)
    text = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
    night = datetime(2026, 3, 2, 23, tzinfo=SHANGHAI)
    assert verdict_at(settings, "demo", text, night) == Accept()
    refused = verdict_at(settings, "daytime", text, night)
    assert isinstance(refused, Refuse)
    assert (refused.rule, refused.clause) == ("OUTSIDE_HOURS", "五(5)")
    assert verdict_at(settings, "daytime", text, night.replace(hour=9)) == Accept()


def test_the_defaults_that_the_example_shows_are_the_defaults() -> None:
    text = EXAMPLE.read_text("utf-8")
    whole = uncommented(text)
    assert whole != text
    context = {"folder": EXAMPLE.parent}
    shown = File.model_validate(tomllib.loads(whole), context=context)
    left_out = File.model_validate(tomllib.loads(text), context=context)
    assert shown.model_copy(update={"carriers": []}) == left_out.model_copy(update={"carriers": []})
    # The one default that is another key's value.
    zones = {"receipt_zone": left_out.gateway.zone}
    assert shown.carriers == [carrier.model_copy(update=zones) for carrier in left_out.carriers]


def test_the_example_tells_of_every_key_there_is() -> None:
    told = set(keys_in(tomllib.loads(uncommented(EXAMPLE.read_text("utf-8")))))
    in_prose = {
        "accounts.password_hash",
        "accounts.hours.exceptions.start",
        "accounts.hours.exceptions.end",
        "accounts.hours.exceptions.scope",
        "accounts.hours.closed.start",
        "accounts.hours.closed.end",
        "accounts.hours.closed.scope",
        "accounts.hours.closed.note",
        "accounts.throttle_per_source.rate_per_s",
        "accounts.throttle_per_source.burst",
        "accounts.caps.units_per_day",
        "accounts.caps.units_per_month",
        "listen.tls.port",
        "listen.tls.certificate",
        "listen.tls.key",
        "listen.tls.client_ca",
        "listen.tls.client_certificate",
        "account_page.tls.port",
        "account_page.tls.certificate",
        "account_page.tls.key",
        "account_page.tls.client_ca",
        "account_page.tls.client_certificate",
        "accounts.client_certificate",
        "accounts.contract.expires_on",
        "accounts.contract.document",
        "accounts.contract.document_sha256",
        "accounts.service_types",
        "accounts.signatures.name",
        "accounts.signatures.status",
        "accounts.signatures.evidence",
        "accounts.signatures.valid_from",
        "accounts.signatures.valid_to",
        "accounts.rules.classes",
        "accounts.rules.shadow",
        "accounts.templates.name",
        "accounts.templates.text",
        "accounts.templates.message_class",
        "carriers.tls.ca",
        "carriers.tls.certificate",
        "carriers.tls.key",
        "carriers.tls.server_name",
        "carriers.rate.rate_per_s",
        "carriers.rate.burst",
        "carriers.source_addr",
        "carriers.receipt_states",
        "routes.account",
        "accounts.supplements.agreed_on",
        "accounts.supplements.reference",
        "accounts.supplements.terms",
        "accounts.supplements.note",
        "accounts.frequency.max",
        "accounts.frequency.per",
        "accounts.frequency.per_hours",
        "accounts.frequency.by",
    }
    forms = FormsTable.model_fields
    of_lists = {f"policy.terms.{kind}.{form}" for kind in KindsTable.model_fields for form in forms}
    of_trades = {f"policy.trades.{key}" for key in ListTable.model_fields}
    assert set(keys_of(File)) - told == in_prose | of_lists | of_trades
    assert {"policy.trades.finance.terms", "policy.trades.finance.files"} <= told
    prose = re.findall("^# .*", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    for key in in_prose:
        assert any(re.search(rf"\b{key.rpartition('.')[2]} = ", line) for line in prose), key


def toml(value: Any) -> str:
    """The value as TOML, tables inline."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{json.dumps(key)} = {toml(item)}' for key, item in value.items())}}}"
        case date() | time():
            return value.isoformat()
        case _:
            return repr(value)


def places_in(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield (*place, step)
        yield from places_in(item, (*place, step))


DOCUMENT = tomllib.loads(uncommented(EXAMPLE.read_text("utf-8")))
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=25)
VALUES = st.recursive(
    st.one_of(
        WORDS,
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.dates(),
        st.times(),
        st.datetimes(),
    ),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    max_leaves=4,
)


@settings(deadline=None)  # it loads a file, and the machine may be busy
@given(st.lists(st.tuples(st.sampled_from(list(places_in(DOCUMENT))), st.none() | VALUES), max_size=4))
def test_a_damaged_file_is_either_good_or_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[tuple[Any, ...], Any]]
) -> None:
    document = deepcopy(DOCUMENT)
    for place, value in damages:
        table = document
        try:
            for step in place[:-1]:
                table = table[step]
            if value is None:
                del table[place[-1]]
            else:
                table[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage took the place away
    text = "".join(f"{key} = {toml(value)}\n" for key, value in document.items())
    assert tomllib.loads(text).keys() == document.keys()
    path = tmp_path_factory.getbasetemp() / "config.toml"
    path.write_text(text, "utf-8")
    try:
        told = list(load(path).accounts)
    except ConfigError as error:
        told = [problem.path and problem.message for problem in error.problems]
    assert told
    assert all(told)
