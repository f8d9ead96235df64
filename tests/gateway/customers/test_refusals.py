from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.customers.refusals import BindRefusals
from gateway.settings import BindErrors, StatusStyle
from gateway.statuses import GatewayError
from smpp.status import CommandStatus
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.customers.customer_side import LISTEN, CustomerSide
from tests.gateway.customers.samples import bank_bind

WRONG, UNKNOWN = {"password": b"guess"}, {"system_id": b"nobody"}
RBINDFAIL = CommandStatus.ESME_RBINDFAIL


def delays(errors: BindErrors, took_s: float = 0.0) -> list[float]:
    refusals = BindRefusals(errors)
    said = [refusals.next(GatewayError.PASSWORD_WRONG, StatusStyle.STANDARD, took_s) for _ in range(3)]
    return [delay_s for _, delay_s in said]


def test_each_further_refusal_comes_later() -> None:
    assert delays(BindErrors.EXACT) == [0.0, 1.0, 2.0]


def test_refusals_that_must_look_alike_come_after_the_same_time_however_long_they_took() -> None:
    assert delays(BindErrors.UNIFORM) == [1.0, 2.0, 3.0]
    assert delays(BindErrors.UNIFORM, 0.25) == [0.75, 1.75, 2.75]
    assert delays(BindErrors.UNIFORM, 5.0) == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("fields", [WRONG, UNKNOWN])
def test_a_stranger_does_not_learn_which_of_its_credentials_is_wrong(fields: dict[str, Any]) -> None:
    side = CustomerSide(FakeStore(), listen=replace(LISTEN, bind_errors=BindErrors.UNIFORM))
    customer = side.connect()
    assert customer.ask(bank_bind(**fields)) == []
    side.pass_time(0.75)
    assert customer.read() == []
    side.pass_time(0.25)
    assert [pdu.command_status for pdu in customer.read()] == [RBINDFAIL]


def test_a_customer_with_the_right_password_learns_what_else_is_wrong() -> None:
    refusals = BindRefusals(BindErrors.UNIFORM)
    status, _ = refusals.next(GatewayError.BINDS_EXCEEDED, StatusStyle.STANDARD, 0.0)
    assert status == CommandStatus.ESME_RALYBND


def test_a_connection_that_is_lost_before_its_refusal_leaves_nothing_behind() -> None:
    side = CustomerSide(FakeStore())
    customer = side.connect()
    for _ in range(2):
        customer.send(bank_bind(**WRONG))
    assert len(customer.read()) == 1
    customer.lose()
    assert side.reactor.getDelayedCalls() == []


def test_a_connection_that_is_closed_before_its_refusal_says_nothing_more() -> None:
    side = CustomerSide(FakeStore(), listen=replace(LISTEN, bind_errors=BindErrors.UNIFORM))
    customer = side.connect()
    customer.connection.stuck = True
    customer.send(bank_bind(**WRONG))
    side.listener.part()
    side.pass_time(2.0)
    assert customer.read() == []


def test_a_connection_that_waits_for_its_refusal_makes_room_for_others() -> None:
    listen = replace(LISTEN, bind_errors=BindErrors.UNIFORM)
    side = CustomerSide(FakeStore(), listen=listen, connections_max=1)
    waiting = side.connect()
    waiting.send(bank_bind(**WRONG))
    side.connect()
    side.reactor.advance(0)
    assert waiting.connection.over


def test_the_time_until_a_bind_is_that_of_the_settings() -> None:
    side = CustomerSide(FakeStore(), listen=replace(LISTEN, session_init_s=3.0))
    customer = side.connect()
    side.pass_time(2.75)
    assert not customer.connection.over
    side.pass_time(0.25)
    assert customer.connection.over
