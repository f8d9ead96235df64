"""What the log of a run must never hold, at any level, in any spelling: a text, a password, a number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.carrier import Carrier
from tests.e2e.config import PASSWORD, Config, free_port
from tests.e2e.customer import GREETING, Customer, refusal_of
from tests.e2e.gateway import Gateway

WRONG_PASSWORD = "verkehrt"
CARRIER_PASSWORD = "traeger1"
REPLY = "我的密码是四二"
RECIPIENTS = ("13800138001", "13800138002", "13800138003", "13800138004")
OWN_NUMBER = "106900012345"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The log, at its most talkative, of a run in which nearly everything happens."""
    with ExitStack() as stack:
        carrier = stack.enter_context(Carrier(free_port(), lambda s: 0x0B if s.destination[-1] == "2" else 0))
        config = Config(log_level="debug")
        config.account("bank", "mobile", f'source_addrs = ["{OWN_NUMBER}"]\nsegments = "pass"')
        config.carrier("mobile", carrier.port, password=CARRIER_PASSWORD)
        config.carrier("absent", free_port(), password=CARRIER_PASSWORD)
        gateway = stack.enter_context(Gateway(tmp_path_factory.mktemp("gateway"), config))
        gateway.top_up("bank", 100)
        gateway.start()
        assert refusal_of(gateway.port, "bank", WRONG_PASSWORD) == 0x0E
        assert refusal_of(gateway.port, "nobody", PASSWORD) == 0x0F
        with Customer(gateway.port, "bank") as customer:
            _everything(customer, carrier)
            customer.client._socket.sendall(b"\0\0\0\x08" + PASSWORD.encode())
            assert customer.client.read_pdu().command == "generic_nack"
        assert gateway.stop() == 0
        yield gateway.log


def _everything(customer: Customer, carrier: Carrier) -> None:
    sender = {"source_addr": OWN_NUMBER}
    message_id = customer.accepted(GREETING, RECIPIENTS[0], **sender)
    carrier.report(carrier.wait_for_one(RECIPIENTS[0]))
    customer.receipt(message_id)
    rejected = customer.accepted(GREETING, RECIPIENTS[1], **sender)
    customer.receipt(rejected)
    assert customer.submit(GREETING.replace("生日", "赌博"), RECIPIENTS[2], **sender).status == 0x417
    assert customer.submit(GREETING, RECIPIENTS[2], source_addr="99999999999").status == 0x460
    assert customer.submit(GREETING, "nobody", **sender).status == 0x0B
    for text in (REPLY, "TD"):
        octets = text.encode("utf-16-be")
        answered = carrier.deliver(RECIPIENTS[3], OWN_NUMBER, octets, data_coding=8)
        assert carrier.wait_for_answers(answered) == [0]
    customer.delivery(lambda delivered: delivered.octets == "TD".encode("utf-16-be"))
    assert customer.submit(GREETING, RECIPIENTS[3], **sender).status == 0x431
    unreadable = carrier.deliver(RECIPIENTS[3], OWN_NUMBER, REPLY.encode("utf-16-be"), esm_class=4)
    assert carrier.wait_for_answers(unreadable) == [0]
    unknown = carrier.deliver(RECIPIENTS[3], OWN_NUMBER, b"id:77 stat:DELIVRD err:000 text:", esm_class=4)
    assert carrier.wait_for_answers(unknown) == [0]


def _spellings(words: str) -> list[str]:
    """A text as a log might show it: as it is, escaped, as hex."""
    utf_16 = words.encode("utf-16-be")
    return [
        words,
        words.encode("unicode_escape").decode(),
        utf_16.hex(),
        utf_16.hex().upper(),
        words.encode().hex(),
        repr(words.encode())[2:-1],
        repr(utf_16)[2:-1],
    ]


@pytest.mark.parametrize("words", ["尊敬的", "生日", "中国银行", "我的密码", "赌博", "TD退订"])
def test_no_piece_of_a_text_is_logged(words: str, log: str) -> None:
    assert not [spelling for spelling in _spellings(words) if spelling in log]


@pytest.mark.parametrize("password", [PASSWORD, WRONG_PASSWORD, CARRIER_PASSWORD])
def test_no_password_is_logged(password: str, log: str) -> None:
    assert not [spelling for spelling in _spellings(password) if spelling in log]


@pytest.mark.parametrize("number", [*RECIPIENTS, OWN_NUMBER, "99999999999"])
def test_no_whole_number_is_logged(number: str, log: str) -> None:
    assert not [spelling for spelling in _spellings(number) if spelling in log]


def test_a_number_is_logged_by_its_first_three_and_last_two_digits(log: str) -> None:
    assert '"source_addr": "138******04"' in log


def test_what_happened_is_logged(log: str) -> None:
    events = [
        "bind.refused",
        "bind.accepted",
        "message.accepted",
        "message.refused",
        "submit.refused",
        "reply.received",
        "receipt.unreadable",
        "receipt.parked",
        "carrier.unreachable",
        "bind.ended",
        "gateway.stopped",
    ]
    assert not [event for event in events if f'"event": "{event}"' not in log]
    assert "Traceback" not in log
