"""The account of the tests, what it binds and submits with, and deliveries owed to it."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_network
from typing import Any, cast

from argon2 import PasswordHasher
from smpplib.smpp import make_pdu

from gateway.settings import Account, Route
from gateway.stored import Delivery
from tests.gateway.carriers.samples import an_account
from tests.gateway.raw_pdus import bind

PASSWORD = "secret"
ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
ROUTES = (Route(account=None, prefix="", carriers=("north",)),)
TEXT = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
NUMBER = "13800138000"


@lru_cache
def quick_hash(password: str) -> str:
    """A hash as `passwords` makes them, but one that takes no time to check."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


# Any: the fields of the class, by name.
def a_customer(**changes: Any) -> Account:
    """The account "bank" with the password PASSWORD, which may bind from anywhere."""
    usual = {"password_hash": quick_hash(PASSWORD), "allowed_networks": ANYWHERE, "binds_max": 4}
    return an_account(**usual | changes)


def bank_bind(**fields: Any) -> bytes:
    """What the account binds with."""
    return bind(**{"system_id": b"bank", "password": PASSWORD.encode()} | fields)


def submit(sequence_number: int = 2, text: str = TEXT, destination: str = NUMBER, **fields: Any) -> bytes:
    """A submit_sm of `text` in UCS2, by smpplib."""
    usual = {
        "source_addr": "10690001",
        "source_addr_npi": 1,
        "destination_addr": destination,
        "data_coding": 8,
        "registered_delivery": 1,
        "short_message": text.encode("utf-16-be"),
    }
    pdu = make_pdu("submit_sm", client=None, sequence=0, **usual | fields)
    pdu.sequence = sequence_number
    return cast(bytes, pdu.generate())


def deliver_body(text: str = "hello", **fields: Any) -> bytes:
    """The body of a deliver_sm, by smpplib."""
    pdu = make_pdu(
        "deliver_sm",
        client=None,
        sequence=0,
        source_addr=NUMBER,
        destination_addr="10690001",
        short_message=text.encode("latin-1"),
        **fields,
    )
    return cast(bytes, pdu.generate())[16:]


def a_delivery(delivery_id: int, account: str = "bank", body: bytes = b"", attempts: int = 0) -> Delivery:
    return Delivery(delivery_id, account, None, body or deliver_body(), attempts, 0)
