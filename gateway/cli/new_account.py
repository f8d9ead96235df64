"""`signet account new`: a block to paste into the configuration, for a customer who has signed.

The block goes to stdout and holds the hash of a fresh password; the password goes to stderr, once, so that
`>> config.toml` does not store it.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime

import click
from pydantic import TypeAdapter, ValidationError

from gateway.clock import SystemClock
from gateway.config.field import PASSWORD_MAX, Name, SystemId
from gateway.passwords import hash_password

# Without the characters that are mistaken for others when a password is read out.
_CHARACTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_BLOCK = """\
[[accounts]]
name = {name}
system_id = {system_id}
password_hash = {password_hash}
signatures = {signatures}
contract.number = {number}
contract.customer = {customer}
contract.operator = {operator}
contract.signed_on = {signed_on}
"""


@click.command()
@click.argument("name")
@click.option("--system-id", help="What the customer binds with, at most 15 characters.  [default: NAME]")
@click.option("--contract", default="", help="The contract's number, such as WM39-SMS-0001.")
@click.option("--customer", default="", help="The customer's name in the contract.")
@click.option("--operator", default="", help="The operator's name in the contract.")
@click.option("--signed-on", type=click.DateTime(["%Y-%m-%d"]), help="The contract's date.  [default: today]")
@click.option("--signature", "signatures", multiple=True, help="A registered signature; may be repeated.")
def new(
    name: str,
    system_id: str | None,
    contract: str,
    customer: str,
    operator: str,
    signed_on: datetime | None,
    signatures: tuple[str, ...],
) -> None:
    """Print the configuration of an account NAME with a fresh password, which is shown only now.

    Values that are not given stay empty, and `signet check` asks for them.
    """
    _check(TypeAdapter(Name), name, "NAME")
    _check(TypeAdapter(SystemId), system_id or name, "--system-id")
    password = "".join(secrets.choice(_CHARACTERS) for _ in range(PASSWORD_MAX))
    block = _BLOCK.format(
        name=_toml(name),
        system_id=_toml(system_id or name),
        password_hash=_toml(hash_password(password)),
        signatures=_toml(signatures),
        number=_toml(contract),
        customer=_toml(customer),
        operator=_toml(operator),
        signed_on=(signed_on or datetime.fromtimestamp(SystemClock().now())).date().isoformat(),
    )
    click.echo(block, nl=False)
    click.echo(f"password: {password}  (note it now: only its hash is kept)", err=True)


def _check(kind: TypeAdapter[str], value: str, hint: str) -> None:
    try:
        kind.validate_python(value)
    except ValidationError as error:
        raise click.BadParameter(error.errors()[0]["msg"], param_hint=hint) from None


def _toml(value: object) -> str:
    """Strings and lists of strings are written in TOML as in JSON."""
    return json.dumps(value, ensure_ascii=False)
