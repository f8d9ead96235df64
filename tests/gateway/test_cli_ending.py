"""`signet account terminate` and `settle-up`, in a real database."""

from __future__ import annotations

import hashlib
from datetime import UTC
from pathlib import Path

import pytest

from gateway.store import terminate
from gateway.store.admit import admit
from gateway.store.ends import Means
from gateway.store.engine import open_engine
from ledger import sql
from ledger.transfer import Hold
from smpp.message_state import MessageState
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import message, receipt
from tests.gateway.test_cli_account import Signet, signet, told, topup

__all__ = ["signet"]


def test_the_end_is_told_in_fen_and_in_capitals(signet: Signet, tmp_path: Path) -> None:
    topup(signet, 10_000, 50_000, "a")
    topup(signet, 3, 100, "b")
    paper = tmp_path / "end.pdf"
    paper.write_bytes(b"the end")
    ended = told(signet("terminate", "demo", "--reason", "agreed", "--document", str(paper), "--json"))
    assert (ended["returned"], ended["returned_fen"], ended["returned_yuan"]) == (10_003, 50_100, "501.00")
    assert ended["returned_capitals"] == "伍佰零壹元整"
    assert [(lot["reference"], lot["left"]) for lot in ended["lots"]] == [("a", 10_000), ("b", 3)]
    event = told(signet("show", "demo", "--json"))["history"][-1]
    assert (event["state"], event["reason"]) == ("TERMINATED", "agreed")
    assert event["document_sha256"] == hashlib.sha256(b"the end").hexdigest()


def test_the_end_for_people_names_the_lots_and_the_amount(signet: Signet) -> None:
    topup(signet, 10_000, 50_000, "bank transfer 1")
    result = signet("terminate", "demo", "--reason", "agreed")
    assert result.exit_code == 0, result.output
    for words in ("bank transfer 1", "10,000 units, 50,000 fen = 500.00 yuan", "人民币伍佰元整"):
        assert words in result.stdout


def test_to_terminate_or_settle_up_again_tells_the_same(signet: Signet) -> None:
    topup(signet, 10, 50, "a")
    first = told(signet("terminate", "demo", "--reason", "agreed", "--json"))
    assert told(signet("terminate", "demo", "--reason", "agreed", "--json")) == first
    assert told(signet("settle-up", "demo", "--json")) == first


def test_what_is_not_terminated_is_not_settled_up(signet: Signet) -> None:
    topup(signet, 10, 50, "a")
    result = signet("settle-up", "demo")
    assert (result.exit_code, result.stderr) == (1, "Error: demo is PAID, not TERMINATED\n")


def test_an_account_that_never_paid_cannot_be_terminated(signet: Signet) -> None:
    result = signet("terminate", "demo", "--reason", "agreed")
    assert result.exit_code == 1
    assert "is SIGNED, and cannot become TERMINATED" in result.stderr
    assert signet("terminate", "dmeo", "--reason", "agreed").exit_code == 2


def test_no_reference_of_another_request_keeps_the_rest_from_being_returned(signet: Signet) -> None:
    topup(signet, 10, 50, "a")
    signet("adjust", "demo", "5", "--reason", "a gift", "--reference", "termination 1")
    ended = told(signet("terminate", "demo", "--reason", "agreed", "--json"))
    assert (ended["returned"], ended["returned_fen"]) == (15, 50)


def test_broken_off_it_goes_on_when_it_is_called_again(
    signet: Signet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup(signet, 10, 50, "a")
    signet("open", "demo")
    _wait_for_a_carrier(tmp_path, 3)
    monkeypatch.setattr(terminate, "BATCH", 2)
    naps = iter([None, KeyboardInterrupt])
    monkeypatch.setattr("gateway.cli.account_ending.time.sleep", lambda _: _raise(next(naps)))
    broken = signet("terminate", "demo", "--reason", "agreed")
    assert (broken.exit_code, broken.stderr.split()[-1]) == (1, "Aborted!")
    assert "signet account settle-up demo" in broken.stderr
    assert told(signet("balance", "demo", "--json"))["held"] == 1
    monkeypatch.setattr("gateway.cli.account_ending.time.sleep", lambda _: None)
    ended = told(signet("settle-up", "demo", "--json"))
    assert (ended["deleted"], ended["held"], ended["returned"]) == (1, 0, 10)


@pytest.mark.parametrize(("charge", "unreported"), [("delivered", 4), ("accepted", 0)])
def test_what_receipts_may_still_give_back_is_told_and_returned_later(
    signet: Signet, tmp_path: Path, charge: str, unreported: int
) -> None:
    config = tmp_path / "config.toml"
    text = config.read_text("utf-8")
    config.write_text(text.replace('#charge = "accepted"', f'charge = "{charge}"', 1), "utf-8")
    topup(signet, 10, 50, "a")
    signet("open", "demo")
    engine = open_engine(tmp_path / "var" / "signet.db")
    rig = Rig(engine)
    rig.recover()
    sent = rig.enroute("A1", account="demo", units=4)
    rig.enroute("A2", account="bank")
    result = signet("terminate", "demo", "--reason", "agreed", "--json")
    ended = told(result)
    assert (ended["held"], ended["returned"], ended["unreported"]) == (0, 6, unreported)
    assert ("4 units are charged for messages" in result.stderr) is bool(unreported)
    with engine.begin() as connection:
        sql.refund(connection, [Hold(sent.message_id, "demo", 4)], rig.now())
    rig.hear(receipt("A1", MessageState.UNDELIVERABLE))
    rig.close()
    engine.dispose()
    result = signet("settle-up", "demo", "--json")
    ended = told(result)
    assert (ended["returned_fen"], ended["unreported"], result.stderr) == (50, 0, "")


def _raise(error: type[BaseException] | None) -> None:
    if error is not None:
        raise error


def _wait_for_a_carrier(folder: Path, count: int, account: str = "demo", first: int = 1000) -> None:
    """So many messages that are admitted and wait."""
    engine = open_engine(folder / "var" / "signet.db")
    means = Means(iter(()).__next__, UTC, country_code="86")
    with engine.begin() as connection:
        waiting = [message(first + n, account=account) for n in range(count)]
        assert admit(connection, waiting, means, 0) == [None] * count
    engine.dispose()


def test_accounts_that_end_at_one_instant_have_ids_of_their_own(
    signet: Signet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.clock.SystemClock.now", lambda _: 1_800_000_000.0)
    for first, name in ((1000, "demo"), (2000, "daytime")):
        topup(signet, 10, 50, "a", name)
        signet("open", name)
        _wait_for_a_carrier(tmp_path, 3, name, first)
    for name in ("demo", "daytime"):
        ended = told(signet("terminate", name, "--reason", "agreed", "--json"))
        assert (ended["deleted"], ended["returned"]) == (3, 10)


def test_a_long_message_that_waited_is_told_as_what_its_customer_submitted(
    signet: Signet, tmp_path: Path
) -> None:
    topup(signet, 10, 50, "a")
    signet("open", "demo")
    engine = open_engine(tmp_path / "var" / "signet.db")
    rig = Rig(engine, units=0)
    rig.long(parts=3, account="demo")
    rig.close()
    engine.dispose()
    assert told(signet("terminate", "demo", "--reason", "agreed", "--json"))["deleted"] == 1
