"""What is wrong with a configuration, in the words of whoever has to mend it.

A problem names the place as it is written in the file (`accounts[0].password`), says what is wrong and,
where we know, what to write instead. The value itself is never repeated, for it may be a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

# How pydantic calls a wrong name in a table of names, behind that name.
_KEY = "[key]"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: `path` is the key as written, `hint` (or "") what to write instead.

    `owner` is the name of the account or carrier that the path leads through, "" for other paths.
    """

    path: str
    message: str
    hint: str = ""
    owner: str = ""


class ConfigError(Exception):
    """A configuration that cannot be used, with every problem found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.path}: {problem.message}" for problem in self.problems))


def wrong(message: str, hint: str = "") -> PydanticCustomError:
    """The error a field's validator raises; it becomes a `Problem` with that message and hint."""
    return PydanticCustomError("wrong", "{message}", {"message": message, "hint": hint})


def did_you_mean(written: object, known: Iterable[str]) -> str:
    """A hint with the known name nearest to the one written, or "" when none is near."""
    near = get_close_matches(str(written), list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""


def path_of(place: Iterable[int | str]) -> str:
    """`("accounts", 0, "password")` as it is written: `accounts[0].password`."""
    named = (step for step in place if step != _KEY)
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in named)
    return written.removeprefix(".")


def problems_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    """The problems behind a pydantic error raised by `model`."""
    for detail in error.errors(include_url=False):
        yield Problem(path_of(detail["loc"]), _message(detail), _hint(detail, model))


_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "string_type": "must be text, in quotes",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "date_type": "must be a date such as 2026-05-01, without quotes",
    "datetime_type": "must be a date and time such as 2026-05-01T18:00:00, without quotes",
    "dict_type": "must be a table of keys and values",
    "list_type": "must be a list, in square brackets",
    "model_type": "must be a table of keys and values",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "greater_than": "must be more than {gt:.15g}",
    "greater_than_equal": "must be at least {ge:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "wrong": "{message}",
}


def _message(detail: ErrorDetails) -> str:
    """Our own words for the error; pydantic's where a kind of error is new to us."""
    known = _MESSAGES.get(detail["type"])
    return known.format_map(_context(detail)) if known else detail["msg"]


def _hint(detail: ErrorDetails, model: type[BaseModel]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return did_you_mean(detail["loc"][-1], _keys_beside(detail["loc"], model))
        case "enum" | "literal_error":
            return did_you_mean(detail["input"], re.findall("'(.*?)'", str(_context(detail)["expected"])))
        case "list_type" if isinstance(detail["input"], dict):
            return f"write [[{detail['loc'][-1]}]], in double brackets"
        case _:
            return str(_context(detail).get("hint", ""))


def _context(detail: ErrorDetails) -> Mapping[str, object]:
    return detail.get("ctx", {})


def _keys_beside(place: tuple[int | str, ...], model: type[BaseModel]) -> Iterable[str]:
    """The keys that the table which holds `place` knows."""
    for step in place[:-1]:
        # A step that is no key is an index, or a name that the operator chose.
        if step in model.model_fields:
            model = _table_in(model.model_fields[str(step)].annotation) or model
    return model.model_fields


def _table_in(annotation: object) -> type[BaseModel] | None:
    """The model inside an annotation such as `list[Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _table_in(argument))), None)
