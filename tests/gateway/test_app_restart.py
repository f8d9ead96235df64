"""What one life of a gateway leaves behind, and what the next one makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.message import State
from gateway.settings import Account, InDoubtPolicy, Settings
from gateway.store import schema
from ledger.accounts import Balance
from policy.clauses import RECIPIENT_OPTED_OUT, RULES
from tests.gateway.carriers.peer import deliver, receipt
from tests.gateway.carriers.samples import NOON, a_carrier
from tests.gateway.customers.samples import a_customer, submit
from tests.gateway.raw_pdus import BIND_TRANSMITTER, Raw
from tests.gateway.store.commits import HeldCommits
from tests.gateway.store.told import told
from tests.gateway.whole import BOUGHT, LIMITS, Whole, crashed, settings_of

WINDOW = 2
PARKING = a_customer()
RESENDING = a_customer(in_doubt=InDoubtPolicy.RESEND)


class Lives:
    """Lives of one gateway, each on what the one before it left; all are stopped when the test is over."""

    def __init__(self, path: Path, account: Account = PARKING) -> None:
        self._account = account
        self._lives = [self._life(path).top_up()]

    @property
    def now(self) -> Whole:
        return self._lives[-1]

    def restart(self, clock: float = 0.0) -> Whole:
        """Stop in good order, then start again; the time of day is `clock` seconds further on."""
        self.now.stop()
        return self._next(self.now.settings.store_path, clock)

    def crash(self, clock: float = 0.0) -> Whole:
        """Nothing of the old life hears of its end; the new one has the database as it is at this moment."""
        path = self.now.settings.store_path
        return self._next(crashed(path, path.parent / f"life {len(self._lives)}"), clock)

    def end(self) -> None:
        assert self.now.problems() == []
        for life in self._lives:
            life.stop()

    def _next(self, path: Path, clock: float) -> Whole:
        self._lives.append(self._life(path, self.now.clock.now() + clock))
        return self.now.start()

    def _life(self, path: Path, now: float = NOON) -> Whole:
        return Whole(self._settings(path), now=now)

    def _settings(self, path: Path) -> Settings:
        return settings_of(path, [self._account], [a_carrier(window_max=WINDOW)])


NextLife = Callable[..., Whole]


def first_life(path: Path, account: Account = PARKING) -> Lives:
    lives = Lives(path, account)
    lives.now.start()
    return lives


def stats(deliveries: list[Raw]) -> list[str]:
    """What receipts say behind `stat:`."""
    return [told(0, pdu.body).stat for pdu in deliveries]


@pytest.mark.parametrize("next_life", [Lives.restart, Lives.crash])
class TestTheNextLife:
    def test_sends_what_waited(self, path: Path, next_life: NextLife) -> None:
        lives = first_life(path)
        customer = lives.now.customer()
        customer.send(*(submit(n) for n in (2, 3, 4, 5)))
        lives.now.accept(*lives.now.submits(), first_id=1)
        lives.now.carrier().lose()
        lives.now.turn()
        waiting = [row.message_id for row in lives.now.rows(schema.message) if row.state == State.QUEUED]
        life = next_life(lives)
        assert len(life.submits()) == len(waiting)
        assert State.QUEUED not in life.states()
        lives.end()

    def test_knows_the_messages_that_carriers_have(self, path: Path, next_life: NextLife) -> None:
        lives = first_life(path)
        lives.now.customer().send(submit(2))
        lives.now.accept(*lives.now.submits())
        life = next_life(lives)
        customer = life.customer()
        life.say(receipt(5, "c1"))
        assert stats(customer.delivered()) == ["DELIVRD"]
        assert life.states() == [State.DELIVERED]
        lives.end()

    def test_brings_what_was_not_acknowledged_and_nothing_else(self, path: Path, next_life: NextLife) -> None:
        lives = first_life(path)
        customer = lives.now.customer()
        customer.send(submit(2), submit(3))
        lives.now.accept(*lives.now.submits())
        lives.now.say(receipt(5, "c1"), receipt(6, "c2", stat="UNDELIV"))
        first, second = customer.delivered()
        customer.acknowledge(first)
        life = next_life(lives)
        again = life.customer()
        life.pass_time(2.0)
        assert [pdu.body for pdu in again.delivered()] == [second.body]
        lives.end()

    def test_takes_a_receipt_that_comes_again_for_what_it_is(self, path: Path, next_life: NextLife) -> None:
        lives = first_life(path)
        customer = lives.now.customer()
        customer.send(submit(2))
        lives.now.accept(*lives.now.submits())
        lives.now.say(receipt(5, "c1"))
        customer.acknowledge(*customer.delivered())
        life = next_life(lives)
        again = life.customer()
        life.say(receipt(5, "c1"))
        assert [pdu.command_status for pdu in life.carrier().read()][-1] == 0
        assert again.delivered() == []
        lives.end()

    def test_remembers_who_opted_out_and_who_has_paid(self, path: Path, next_life: NextLife) -> None:
        lives = first_life(path)
        lives.now.say(deliver(5, b"TD"))
        lives.now.customer().send(submit(2, destination="13900000001"))
        lives.now.accept(*lives.now.submits())
        life = next_life(lives)
        refused = RULES[RECIPIENT_OPTED_OUT].standard_status
        assert life.customer().submit_statuses(submit(2)) == {2: refused}
        assert life.balance() == Balance(BOUGHT, BOUGHT - 1, 0, 1, 0)
        lives.end()

    def test_gives_higher_ids_though_the_clock_was_set_back(self, path: Path, next_life: NextLife) -> None:
        lives = first_life(path)
        lives.now.customer().send(submit(2))
        life = next_life(lives, -3600.0)
        life.customer().send(submit(2))
        old, new = (row.message_id for row in life.rows(schema.message))
        assert old < new
        lives.end()


class TestAfterACrash:
    def test_a_message_whose_commit_never_was_has_left_no_trace(self, path: Path) -> None:
        commits = HeldCommits()
        life = Whole(settings_of(path), commits).top_up().start_with(commits)
        customer = life.customer(command_id=BIND_TRANSMITTER)
        customer.send(submit(2))
        assert len(commits) == 1
        after = Whole(settings_of(crashed(path, path.parent / "after"))).start()
        assert (after.states(), after.balance()) == ([], Balance(BOUGHT, BOUGHT, 0, 0, 0))
        after.stop()
        assert customer.read() == []
        life.stop_with(commits)

    def test_what_was_being_submitted_is_in_doubt_and_not_sent_again(self, path: Path) -> None:
        lives = first_life(path)
        lives.now.customer().send(submit(2))
        assert len(lives.now.submits()) == 1
        life = lives.crash()
        life.pass_time(LIMITS.in_doubt_s - 1.0)
        assert life.submits() == []
        assert life.states() == [State.IN_DOUBT]
        assert life.balance() == Balance(BOUGHT, BOUGHT - 1, 1, 0, 0)
        lives.end()

    def test_what_is_in_doubt_ends_when_nobody_ever_knew(self, path: Path) -> None:
        lives = first_life(path)
        lives.now.customer().send(submit(2))
        life = lives.crash()
        customer = life.customer()
        life.pass_time(LIMITS.in_doubt_s + 2.0)
        assert "UNKNOWN" in stats(customer.delivered())
        assert (life.states(), life.balance()) == ([State.UNKNOWN], Balance(BOUGHT, BOUGHT, 0, 0, 0))
        lives.end()

    def test_what_was_being_submitted_is_sent_again_if_its_account_wants_it_and_paid_once(
        self, path: Path
    ) -> None:
        lives = first_life(path, RESENDING)
        lives.now.customer().send(submit(2))
        (sent,) = lives.now.submits()
        life = lives.crash()
        life.pass_time(2.0)
        (again,) = life.submits()
        assert again.body == sent.body
        life.accept(again)
        life.say(receipt(5, "c1"))
        assert (life.states(), life.balance()) == ([State.DELIVERED], Balance(BOUGHT, BOUGHT - 1, 0, 1, 0))
        lives.end()

    def test_no_more_is_in_doubt_than_the_windows_held(self, path: Path) -> None:
        lives = first_life(path)
        lives.now.customer().send(*(submit(n) for n in range(2, 10)))
        life = lives.crash()
        assert life.states().count(State.IN_DOUBT) == WINDOW
        assert len(life.submits()) == WINDOW, "the next ones, for those slots are free"
        lives.end()

    def test_a_crash_after_a_crash_changes_nothing(self, path: Path) -> None:
        lives = first_life(path)
        lives.now.customer().send(*(submit(n) for n in range(2, 6)))
        lives.crash()
        life = lives.crash()
        assert life.states() == [State.IN_DOUBT] * 4
        assert life.balance() == Balance(BOUGHT, BOUGHT - 4, 4, 0, 0)
        epochs = [row.epoch for row in life.rows(schema.node)]
        assert epochs == [3]
        lives.end()
