from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from gateway.message import State
from gateway.parting import joined
from gateway.ports import CommitUnknown
from gateway.store import schema
from ledger.accounts import Balance
from ledger.schema import ledger_transfer
from ledger.standing import move
from ledger.states import AccountState
from tests.gateway.store.commits import HeldCommits
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import message, reply

OPTED_OUT, EXHAUSTED = "RECIPIENT_OPTED_OUT", "QUOTA_EXHAUSTED"
NOT_OPEN, SUSPENDED = "ACCOUNT_NOT_OPEN", "ACCOUNT_SUSPENDED"


def transfers(rig: Rig) -> int:
    return len(rig.rows(ledger_transfer))


class TestAMessageIsStoredWithItsHold:
    @pytest.mark.parametrize("state", [State.QUEUED, State.SUBMITTING])
    def test_every_field_as_it_was_given(self, rig: Rig, state: State) -> None:
        given = message(rig.ids.next(), state=state, units=3, registered_delivery=0x11)
        assert rig.admit(given) == [None]
        row = rig.row(given)
        assert {name: getattr(row, name) for name in given.__dataclass_fields__} == {
            name: getattr(given, name) for name in given.__dataclass_fields__
        }
        assert (row.final_at, row.error) == (None, None)
        assert rig.balance() == Balance(topped_up=1000, remaining=997, held=3)
        assert rig.resolution(given) is None

    def test_a_batch_of_any_size_is_one_transaction(self, rig: Rig) -> None:
        before = len(rig.transactions)
        batch = [message(rig.ids.next(), destination_addr=f"138{n:08d}") for n in range(1000)]
        assert rig.admit(*batch) == [None] * 1000
        assert len(rig.transactions) == before + 1
        assert rig.balance() == Balance(topped_up=1000, held=1000, remaining=0)

    def test_no_messages_are_no_trouble(self, rig: Rig) -> None:
        assert rig.admit() == []


class TestTheAnswerFollowsTheCommit:
    def test_while_the_commit_is_held_back_there_is_no_answer(self, engine: Engine) -> None:
        commits = HeldCommits()
        rig = Rig(engine, commit=commits)
        answers: list[list[str | None]] = []
        rig.store.admit([message(rig.ids.next())]).addCallback(answers.append)
        rig.advance(60.0)
        assert answers == []
        commits.release()
        assert answers == [[None]]
        rig.advance(0)
        rig.close()

    def test_a_refusal_does_too(self, engine: Engine) -> None:
        commits = HeldCommits()
        rig = Rig(engine, units=0, commit=commits)
        answers: list[list[str | None]] = []
        rig.store.admit([message(rig.ids.next())]).addCallback(answers.append)
        rig.advance(60.0)
        assert answers == []
        commits.release()
        assert answers == [[NOT_OPEN]]
        rig.advance(0)
        rig.close()

    def test_a_commit_that_may_have_failed_is_no_answer_at_all(self, engine: Engine) -> None:
        commits = HeldCommits()
        rig = Rig(engine, commit=commits)
        failures: list[object] = []
        rig.store.admit([message(rig.ids.next())]).addErrback(lambda f: failures.append(f.type))
        rig.advance(0)
        commits.lose()
        assert failures == [CommitUnknown]
        assert rig.rows(schema.message) == []
        assert rig.balance() == Balance(topped_up=1000, remaining=1000)
        rig.advance(0)
        rig.close()


class TestTheQuota:
    def test_an_equal_balance_is_enough_and_one_unit_less_is_not(self, engine: Engine) -> None:
        rig = Rig(engine, units=5)
        assert rig.admit(message(rig.ids.next(), units=6)) == [EXHAUSTED]
        assert rig.admit(message(rig.ids.next(), units=5)) == [None]
        assert rig.admit(message(rig.ids.next(), units=1)) == [EXHAUSTED]
        assert rig.balance() == Balance(topped_up=5, held=5, remaining=0)
        rig.close()

    def test_what_is_refused_leaves_no_trace(self, engine: Engine) -> None:
        rig = Rig(engine, units=1)
        before = transfers(rig)
        assert rig.admit(message(rig.ids.next(), units=2)) == [EXHAUSTED]
        assert rig.rows(schema.message) == []
        assert transfers(rig) == before
        rig.close()

    def test_each_message_of_a_batch_is_decided_in_turn(self, engine: Engine) -> None:
        rig = Rig(engine, units=5)
        batch = [message(rig.ids.next(), units=units) for units in (3, 3, 2, 1)]
        assert rig.admit(*batch) == [None, EXHAUSTED, None, EXHAUSTED]
        assert [row.message_id for row in rig.rows(schema.message)] == [
            batch[0].message_id,
            batch[2].message_id,
        ]
        rig.close()

    def test_an_account_that_never_paid_sends_nothing(self, rig: Rig) -> None:
        assert rig.admit(message(rig.ids.next(), account="stranger")) == [NOT_OPEN]

    @pytest.mark.parametrize(
        ("state", "rule"),
        [(AccountState.SUSPENDED, SUSPENDED), (AccountState.TERMINATED, NOT_OPEN)],
    )
    def test_an_account_that_is_not_open_sends_nothing_whole_or_in_parts(
        self, rig: Rig, state: AccountState, rule: str
    ) -> None:
        with rig.engine.begin() as connection:
            move(connection, "bank", state, rig.now())
        whole = joined(message(rig.ids.next()), whole_id=rig.ids.next())
        part = replace(whole, message_id=rig.ids.next(), state=State.QUEUED, units=1, part=1, segment=0)
        assert rig.admit(message(rig.ids.next()), whole, part) == [rule] * 3
        assert rig.rows(schema.message) == []

    def test_each_account_of_a_batch_hears_its_own_rule(self, rig: Rig) -> None:
        rig.top_up("shop", 1)
        with rig.engine.begin() as connection:
            move(connection, "bank", AccountState.SUSPENDED, rig.now())
        batch = [message(rig.ids.next(), account=name, units=2) for name in ("bank", "shop", "stranger")]
        assert rig.admit(*batch) == [SUSPENDED, EXHAUSTED, NOT_OPEN]

    def test_one_account_does_not_spend_anothers_units(self, rig: Rig) -> None:
        rig.top_up("shop", 1)
        batch = [message(rig.ids.next(), account=account) for account in ("shop", "bank", "shop")]
        assert rig.admit(*batch) == [None, None, EXHAUSTED]
        assert rig.balance("shop").held == 1
        assert rig.balance("bank").held == 1


class TestRecipientsWhoOptedOut:
    @pytest.mark.parametrize(
        "destination_addr", ["13800138000", "8613800138000", "+8613800138000", "008613800138000"]
    )
    def test_the_number_is_refused_however_it_is_written(self, rig: Rig, destination_addr: str) -> None:
        rig.read(reply())
        before = transfers(rig)
        refused = message(rig.ids.next(), destination_addr=destination_addr)
        assert rig.admit(refused) == [OPTED_OUT]
        assert rig.rows(schema.message) == []
        assert transfers(rig) == before

    def test_the_choice_is_against_one_customer_only(self, rig: Rig) -> None:
        rig.top_up("shop", 1)
        rig.read(reply(account="shop"))
        assert rig.admit(message(rig.ids.next(), account="bank")) == [None]
        assert rig.admit(message(rig.ids.next(), account="shop")) == [OPTED_OUT]

    def test_other_numbers_are_served(self, rig: Rig) -> None:
        rig.read(reply())
        assert rig.admit(message(rig.ids.next(), destination_addr="13800138001")) == [None]

    def test_a_reply_that_asks_for_nothing_silences_nobody(self, rig: Rig) -> None:
        rig.read(reply(opts_out=False))
        assert rig.admit(message(rig.ids.next())) == [None]

    def test_they_do_not_use_up_the_quota_of_the_others_in_the_batch(self, engine: Engine) -> None:
        rig = Rig(engine, units=1)
        rig.read(reply())
        batch = [
            message(rig.ids.next(), destination_addr=number)
            for number in ("13800138000", "13800138001", "13800138000", "13800138002")
        ]
        assert rig.admit(*batch) == [OPTED_OUT, None, OPTED_OUT, EXHAUSTED]
        rig.close()
