"""What the store asks of recipients' records before it takes a message, and again before it lets it go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from gateway.message import Message, State
from gateway.settings import Consent, OptOutScope, Recipients
from gateway.store import schema_recipients as tables
from gateway.store.engine import connect
from gateway.store.schema_records import refusal
from gateway.stored import Whole, refusal_of
from ledger.accounts import Balance
from ledger.transfer import Kind
from policy.facts import MessageClass
from policy.frequency import Cap, Period
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import HOUR, NUMBER, START, message, refused, reply, temporary

BLOCKED, OPTED_OUT, NOT_MEMBER, NO_CONSENT, CAP, EXHAUSTED = (
    *("RECIPIENT_BLOCKED", "RECIPIENT_OPTED_OUT", "RECIPIENT_NOT_MEMBER"),
    *("CONSENT_MISSING", "FREQUENCY_CAP", "QUOTA_EXHAUSTED"),
)
OTHER = "13800138001"
DAY = 24 * HOUR

MakeRig = Callable[..., Rig]
OpensAt = Callable[[Message, int], int]


@pytest.fixture
def rig_with(engine: Engine) -> Iterator[MakeRig]:
    """A store whose account "bank" has rules about recipients; the invariants hold afterwards."""
    rigs: list[Rig] = []

    def make(units: int = 1000, opens_at: OpensAt = lambda _, at: at, **rules: object) -> Rig:
        own = Recipients(**rules)  # type: ignore[arg-type]
        rig = Rig(engine, units, recipients={"bank": own}, opens_at=opens_at)
        rigs.append(rig)
        return rig

    yield make
    check(engine)
    for rig in rigs:
        rig.close()


def block(rig: Rig, number: str = NUMBER) -> None:
    with rig.engine.begin() as connection:
        connection.execute(insert(tables.block).values(number=number, since=START, note="complaint 7"))


def opt_out(rig: Rig, account: str = "bank", signature: str = "", ended_at: int | None = None) -> None:
    row = {"number": NUMBER, "account": account, "since": START, "signature": signature}
    with rig.engine.begin() as connection:
        connection.execute(insert(tables.opt_out).values(**row, ended_at=ended_at))


def make_member(rig: Rig, number: str = NUMBER, account: str = "bank") -> None:
    with rig.engine.begin() as connection:
        connection.execute(insert(tables.member).values(number=number, account=account, since=START))


def agree(rig: Rig, **fields: object) -> None:
    row = {
        "number": NUMBER,
        "account": "bank",
        "kind": "commercial",
        "source": "web form",
        "proof_sha256": "0" * 64,
        "granted_at": START - DAY,
        "recorded_at": START,
    }
    with rig.engine.begin() as connection:
        connection.execute(insert(tables.consent).values(row | fields))


def sent(rig: Rig, **fields: object) -> Message:
    return message(rig.ids.next(), **fields)  # type: ignore[arg-type]


class TestBlocksAndOptOuts:
    @pytest.mark.parametrize("destination_addr", [NUMBER, f"86{NUMBER}", f"+86{NUMBER}", f"0086{NUMBER}"])
    def test_a_blocked_number_is_refused_to_every_account(self, rig: Rig, destination_addr: str) -> None:
        rig.top_up("shop", 1)
        block(rig)
        batch = [sent(rig, account=name, destination_addr=destination_addr) for name in ("bank", "shop")]
        assert rig.admit(*batch, sent(rig, destination_addr=OTHER)) == [BLOCKED, BLOCKED, None]

    def test_a_block_comes_before_an_opt_out(self, rig: Rig) -> None:
        block(rig)
        opt_out(rig)
        assert rig.admit(sent(rig)) == [BLOCKED]

    def test_an_opt_out_from_the_operator_is_against_every_account(self, rig: Rig) -> None:
        rig.top_up("shop", 1)
        opt_out(rig, account="")
        assert rig.admit(sent(rig, account="shop"), sent(rig)) == [OPTED_OUT, OPTED_OUT]

    def test_one_of_a_signature_is_against_that_signature(self, rig: Rig) -> None:
        opt_out(rig, signature="中国银行")
        batch = [sent(rig, signature=name) for name in ("中国银行", "完美科技", "")]
        assert rig.admit(*batch) == [OPTED_OUT, None, None]

    def test_one_that_has_ended_is_against_nobody(self, rig: Rig) -> None:
        opt_out(rig, ended_at=START)
        assert rig.admit(sent(rig)) == [None]

    def test_a_commit_of_another_process_binds_at_once(self, engine: Engine, rig: Rig) -> None:
        assert rig.admit(sent(rig)) == [None]
        other = connect(Path(engine.url.database or ""), busy_timeout_s=1.0)
        with other.begin() as connection:
            connection.execute(insert(tables.block).values(number=NUMBER, since=START, note=""))
        other.dispose()
        assert rig.admit(sent(rig)) == [BLOCKED]


class TestMembers:
    def test_only_members_are_written_to_where_the_account_says_so(self, rig_with: MakeRig) -> None:
        rig = rig_with(members_only=True)
        rig.top_up("shop", 10)
        make_member(rig)
        make_member(rig, OTHER, "shop")
        batch = [sent(rig), sent(rig, destination_addr=OTHER), sent(rig, account="shop")]
        assert rig.admit(*batch) == [None, NOT_MEMBER, None]

    def test_a_member_may_still_opt_out(self, rig_with: MakeRig) -> None:
        rig = rig_with(members_only=True)
        make_member(rig)
        opt_out(rig)
        assert rig.admit(sent(rig)) == [OPTED_OUT]


class TestConsents:
    def test_a_commercial_message_needs_a_record_of_consent(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig)
        batch = [
            sent(rig),
            sent(rig, destination_addr=OTHER),
            sent(rig, destination_addr=OTHER, message_class="notice"),
        ]
        assert rig.admit(*batch) == [None, NO_CONSENT, None]

    def test_each_class_of_the_account_s_needs_a_consent_of_its_own_kind(self, rig_with: MakeRig) -> None:
        rig = rig_with(
            consent=Consent.LISTED, consent_for=frozenset({MessageClass.COMMERCIAL, MessageClass.NOTICE})
        )
        agree(rig, kind="notice")
        classes = ("commercial", "notice", "code")
        assert rig.admit(*(sent(rig, message_class=name) for name in classes)) == [NO_CONSENT, None, None]

    @pytest.mark.parametrize(
        "field",
        [
            {"expires_at": START},
            {"revoked_at": START - HOUR},
            {"granted_at": START + 1},
            {"account": "shop"},
            {"number": OTHER},
        ],
    )
    def test_one_that_is_over_or_somebody_else_s_is_none(
        self, rig_with: MakeRig, field: dict[str, object]
    ) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig, **field)
        assert rig.admit(sent(rig)) == [NO_CONSENT]

    def test_one_lasts_until_the_instant_that_it_expires(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig, expires_at=START + 1)
        assert rig.admit(sent(rig)) == [None]

    def test_one_that_is_over_does_not_take_another_away(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig)
        agree(rig, granted_at=START - HOUR, revoked_at=START)
        assert rig.admit(sent(rig)) == [None]

    def test_membership_is_asked_first(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED, members_only=True)
        assert rig.admit(sent(rig)) == [NOT_MEMBER]

    def test_the_frequency_that_was_agreed_to_is_kept(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig, frequency_max=2, frequency_days=7)
        assert rig.admit(*(sent(rig) for _ in range(3))) == [None, None, CAP]
        rig.advance(7 * 24 * 3600)
        assert rig.admit(sent(rig)) == [None]

    def test_the_frequency_of_the_newest_consent_counts(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig, frequency_max=1, frequency_days=7)
        agree(rig, granted_at=START - HOUR)
        assert rig.admit(sent(rig), sent(rig)) == [None, None]
        assert rig.rows(tables.contact) == []


ONE_A_DAY = (Cap(1, Period.DAY),)


class TestFrequency:
    def test_a_number_gets_as_many_as_agreed_in_each_period(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=(Cap(2, Period.DAY),))
        assert rig.admit(sent(rig)) == [None]
        batch = [sent(rig), sent(rig), sent(rig, destination_addr=OTHER)]
        assert rig.admit(*batch) == [None, CAP, None]
        rig.advance(15 * 3600)
        assert rig.admit(sent(rig)) == [None]

    def test_it_is_one_number_however_it_is_written(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        assert rig.admit(sent(rig), sent(rig, destination_addr=f"+86{NUMBER}")) == [None, CAP]

    def test_every_cap_must_allow_it(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=(Cap(3, Period.DAY), Cap(1, Period.MINUTE)))
        assert rig.admit(sent(rig), sent(rig)) == [None, CAP]
        rig.advance(60)
        assert rig.admit(sent(rig)) == [None]

    def test_signatures_are_counted_apart_where_the_cap_says_so(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=(Cap(1, per_hours=24, by_signature=True),))
        batch = [sent(rig, signature=name) for name in ("中国银行", "完美科技", "中国银行")]
        assert rig.admit(*batch) == [None, None, CAP]

    def test_accounts_are_counted_apart(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        rig.top_up("shop", 2)
        batch = [sent(rig, account=name) for name in ("shop", "bank", "shop", "bank")]
        assert rig.admit(*batch) == [None, None, None, CAP]

    def test_what_counts_is_when_a_message_is_due(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        tomorrow = sent(rig, due_at=START + DAY, deadline_at=START + 2 * DAY)
        again = replace(tomorrow, message_id=rig.ids.next())
        assert rig.admit(tomorrow, sent(rig), again, sent(rig)) == [None, None, CAP, CAP]

    def test_two_that_are_due_at_the_same_instant_are_two(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=(Cap(2, Period.DAY),))
        due_at = START + HOUR
        for _ in range(2):
            assert rig.admit(sent(rig, due_at=due_at, deadline_at=START + DAY)) == [None]
        assert rig.admit(sent(rig)) == [CAP]

    def test_what_was_refused_does_not_count(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY, units=1)
        assert rig.admit(sent(rig, units=2)) == [EXHAUSTED]
        assert rig.admit(sent(rig)) == [None]
        assert rig.admit(sent(rig)) == [CAP]
        assert len(rig.rows(tables.contact)) == 1

    def test_what_reached_nobody_does_not_count(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        unwanted = rig.submitting()
        rig.record(refused(unwanted))
        assert rig.state(unwanted) is State.REJECTED
        assert rig.admit(sent(rig)) == [None]

    def test_a_long_message_is_one_message(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=(Cap(2, Period.DAY),))
        rig.long(parts=3)
        rig.long(parts=3)
        [whole, *_] = [sent(rig, state=State.JOINED, units=0), 0]
        joined = replace(whole, whole_id=whole.message_id, segment=1)
        parts = [replace(sent(rig), whole_id=whole.message_id, part=number) for number in (1, 2)]
        assert rig.admit(joined, *parts) == [CAP, CAP, CAP]
        assert len(rig.rows(tables.contact)) == 2

    def test_one_that_comes_in_segments_counts_when_all_of_it_has_come(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        rules: list[str | None] = []
        for _ in range(2):
            whole_id = rig.ids.next()
            first = sent(rig, state=State.COLLECTING)
            first = replace(first, whole_id=whole_id, segment=1)
            assert rig.admit(first) == [None]
            last = replace(sent(rig, state=State.JOINED, units=0), whole_id=whole_id, segment=2)
            part = replace(sent(rig, registered_delivery=0), whole_id=whole_id, part=1)
            rules += rig.result(rig.store.join([Whole((first.message_id,), last, (part,))])).rules
        assert rules == [None, CAP]
        assert len(rig.rows(tables.contact)) == 1

    def test_nothing_is_remembered_for_accounts_that_do_not_ask_for_it(self, rig_with: MakeRig) -> None:
        rig = rig_with(members_only=True)
        make_member(rig)
        assert rig.admit(sent(rig)) == [None]
        assert rig.rows(tables.contact) == []


def kept(rig: Rig) -> list[tuple[str, int | None]]:
    """The refusals that were written down, with the time at which each would pass."""
    return [(row.rule, row.next_pass_at) for row in rig.rows(refusal)]


class TestWhenItWouldPass:
    def test_a_cap_tells_when_the_oldest_message_counts_no_more(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=(Cap(2, per_hours=24),))
        assert rig.admit(sent(rig)) == [None]
        rig.advance(60)
        assert rig.admit(sent(rig), sent(rig), sent(rig)) == [None, CAP, CAP]
        assert kept(rig) == [(CAP, START + DAY)] * 2
        rig.advance(24 * 3600 - 60)
        assert rig.admit(sent(rig)) == [None]

    def test_every_cap_and_the_caps_of_a_consent_are_waited_for(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED, frequency=(Cap(1, Period.HOUR), Cap(1, per_hours=30)))
        agree(rig, frequency_max=1, frequency_days=7)
        assert rig.admit(sent(rig), sent(rig)) == [None, CAP]
        assert kept(rig) == [(CAP, START + 7 * DAY)]

    def test_the_hours_are_waited_for_too(self, rig_with: MakeRig) -> None:
        opening = START + DAY + 8 * HOUR
        rig = rig_with(frequency=(Cap(1, Period.DAY),), opens_at=lambda _, at: max(at, opening))
        assert rig.admit(sent(rig), sent(rig)) == [None, CAP]
        assert kept(rig) == [(CAP, opening)]

    def test_a_cap_that_is_full_when_the_hours_open_is_waited_for_again(self, rig_with: MakeRig) -> None:
        opening = START + 2 * DAY
        rig = rig_with(
            frequency=(Cap(1, per_hours=24),),
            opens_at=lambda _, at: opening if START + DAY <= at < opening else at,
        )
        later = opening + HOUR
        assert rig.admit(sent(rig, due_at=later, deadline_at=later + DAY)) == [None]
        assert rig.admit(sent(rig), sent(rig)) == [None, CAP]
        assert kept(rig) == [(CAP, later + DAY)]

    def test_what_is_to_be_sent_later_passes_later(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        later = START + 2 * DAY
        batch = [sent(rig, due_at=later, deadline_at=later + DAY) for _ in range(2)]
        assert rig.admit(*batch) == [None, CAP]
        assert kept(rig) == [(CAP, later + 15 * HOUR)]

    def test_a_consent_that_is_yet_to_begin_tells_when(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED, opens_at=lambda _, at: at + 5)
        agree(rig, granted_at=START + 2 * HOUR)
        agree(rig, granted_at=START + HOUR)
        agree(rig, granted_at=START + 60_000, revoked_at=START)
        agree(rig, granted_at=START + 120_000, expires_at=START + 120_000)
        agree(rig, granted_at=START + 180_000, kind="notice")
        assert rig.admit(sent(rig), sent(rig, destination_addr=OTHER)) == [NO_CONSENT, NO_CONSENT]
        assert kept(rig) == [(NO_CONSENT, START + HOUR + 5), (NO_CONSENT, None)]
        rig.advance(3600)
        assert rig.admit(sent(rig)) == [None]

    def test_what_is_to_be_sent_when_a_consent_has_begun_passes_then(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig, granted_at=START + HOUR)
        later = START + DAY
        assert rig.admit(sent(rig, due_at=later, deadline_at=later + DAY)) == [NO_CONSENT]
        assert kept(rig) == [(NO_CONSENT, later)]

    def test_what_no_time_will_mend_has_none(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY, units=1)
        block(rig, OTHER)
        batch = [sent(rig), sent(rig, destination_addr=OTHER), sent(rig, destination_addr="13800138002")]
        assert rig.admit(*batch) == [None, BLOCKED, EXHAUSTED]
        assert kept(rig) == [(BLOCKED, None), (EXHAUSTED, None)]

    def test_a_long_message_has_it_too_in_parts_or_in_segments(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        assert rig.admit(sent(rig)) == [None]
        joined = sent(rig, state=State.JOINED, units=0)
        joined = replace(joined, whole_id=joined.message_id, segment=1)
        part = replace(sent(rig), whole_id=joined.message_id, part=1)
        assert rig.admit(joined, part) == [CAP, CAP]
        first = replace(sent(rig, state=State.COLLECTING), segment=1)
        first = replace(first, whole_id=first.message_id)
        assert rig.admit(first) == [None]
        last = replace(sent(rig, state=State.JOINED, units=0), whole_id=first.message_id, segment=2)
        carried = replace(sent(rig, registered_delivery=0), whole_id=first.message_id, part=1)
        whole = Whole((first.message_id,), last, (carried,), evidence=refusal_of(last, ""))
        assert rig.result(rig.store.join([whole])).rules == [CAP]
        assert kept(rig) == [(CAP, START + 15 * HOUR)] * 2


class TestWhatIsForgotten:
    def forget(self, rig: Rig, count: int = 100) -> int:
        return rig.result(rig.store.forget_contacts(count))

    def test_contacts_go_when_no_cap_looks_back_so_far(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=(Cap(9, per_hours=48), Cap(9, Period.DAY)))
        rig.admit(*(sent(rig) for _ in range(3)))
        rig.advance(48 * 3600)
        assert self.forget(rig) == 0
        rig.advance(1)
        assert [self.forget(rig, count=2), self.forget(rig, count=2), self.forget(rig)] == [2, 1, 0]

    def test_the_frequency_of_a_consent_looks_back_too(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig, frequency_max=2, frequency_days=7)
        rig.admit(sent(rig))
        rig.advance(7 * 24 * 3600)
        assert self.forget(rig) == 0
        rig.advance(1)
        assert self.forget(rig) == 1

    def test_so_does_a_td_that_may_come(self, rig_with: MakeRig) -> None:
        rig = rig_with(opt_out_scope=OptOutScope.SIGNATURE)
        rig.admit(sent(rig))
        rig.advance(90 * 24 * 3600)
        assert self.forget(rig) == 0
        rig.advance(1)
        assert self.forget(rig) == 1

    def test_what_no_setting_asks_for_any_more_goes_at_once(self, engine: Engine, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        rig.admit(sent(rig))
        rig.advance(1)
        later = Rig(engine, units=0)
        later.advance(1)
        assert self.forget(later) == 1
        later.close()


class TestARelease:
    """What was admitted waits in the queue, or comes back to it from a carrier, and is asked for again."""

    @pytest.mark.parametrize("withdraw", [block, opt_out], ids=["block", "opt-out"])
    def test_one_who_may_not_be_written_to_any_more_is_not(
        self, rig: Rig, withdraw: Callable[[Rig], None]
    ) -> None:
        waiting, to_another = rig.queued(units=3), rig.queued(destination_addr=OTHER)
        withdraw(rig)
        claimed = rig.claim()
        assert [one.message_id for one in claimed.messages] == [to_another.message_id]
        assert [(end.message_id, end.was_queued) for end in claimed.recorded.ended] == [
            (waiting.message_id, True)
        ]
        assert rig.state(waiting) is State.DELETED
        assert rig.resolution(waiting) is Kind.VOID
        assert rig.stats_told(waiting) == ["DELETED"]

    def test_nor_one_whose_consent_was_revoked(self, rig_with: MakeRig) -> None:
        rig = rig_with(consent=Consent.LISTED)
        agree(rig)
        waiting = rig.queued()
        with rig.engine.begin() as connection:
            connection.execute(tables.consent.update().values(revoked_at=START))
        assert rig.claim().messages == []
        assert rig.state(waiting) is State.DELETED
        assert rig.balance() == Balance(topped_up=1000, remaining=1000)

    def test_nor_one_who_is_no_member_any_more(self, rig_with: MakeRig) -> None:
        rig = rig_with(members_only=True)
        make_member(rig)
        waiting = rig.queued()
        with rig.engine.begin() as connection:
            connection.execute(tables.member.delete())
        assert rig.claim().messages == []
        assert rig.state(waiting) is State.DELETED

    def test_frequency_was_asked_when_it_was_admitted(self, rig_with: MakeRig) -> None:
        rig = rig_with(frequency=ONE_A_DAY)
        back = rig.submitting()
        rig.record(temporary(back, START))
        assert [one.message_id for one in rig.claim().messages] == [back.message_id]

    def test_a_long_message_ends_whole(self, rig: Rig) -> None:
        whole, *parts = rig.long(parts=3)
        block(rig)
        assert rig.claim().messages == []
        assert {rig.state(one) for one in (whole, *parts)} == {State.DELETED}
        assert rig.balance() == Balance(topped_up=1000, remaining=1000)


class TestTheScopeOfATd:
    def test_of_the_operator_it_silences_every_account(self, rig_with: MakeRig) -> None:
        rig = rig_with(opt_out_scope=OptOutScope.OPERATOR)
        rig.top_up("shop", 2)
        waiting = [rig.queued(account=name) for name in ("bank", "shop")]
        rig.read(reply())
        assert [rig.state(one) for one in waiting] == [State.DELETED, State.DELETED]
        assert rig.admit(sent(rig, account="shop")) == [OPTED_OUT]
        [row] = rig.rows(tables.opt_out)
        assert (row.account, row.signature) == ("", "")

    def test_of_an_account_it_leaves_the_others(self, rig_with: MakeRig) -> None:
        """The shop's own scope counts, not the bank's."""
        rig = rig_with(opt_out_scope=OptOutScope.OPERATOR)
        rig.top_up("shop", 2)
        rig.read(reply(account="shop"))
        assert rig.admit(sent(rig), sent(rig, account="shop")) == [None, OPTED_OUT]

    def test_of_a_signature_it_is_that_of_the_last_message_to_the_number(self, rig_with: MakeRig) -> None:
        rig = rig_with(opt_out_scope=OptOutScope.SIGNATURE)
        first = rig.queued(signature="中国银行")
        rig.advance(1)
        last = rig.queued(signature="完美科技")
        to_another = rig.queued(signature="第三", destination_addr=OTHER)
        rig.advance(1)
        rig.read(reply(at=rig.now()))
        assert [rig.state(one) for one in (first, last, to_another)] == [
            *(State.QUEUED, State.DELETED),
            State.QUEUED,
        ]
        batch = [sent(rig, signature=name) for name in ("中国银行", "完美科技")]
        assert rig.admit(*batch) == [None, OPTED_OUT]

    def test_one_that_is_not_due_yet_is_not_what_it_answers(self, rig_with: MakeRig) -> None:
        rig = rig_with(opt_out_scope=OptOutScope.SIGNATURE)
        rig.queued(signature="中国银行")
        rig.queued(signature="完美科技", due_at=START + HOUR, deadline_at=START + DAY)
        rig.read(reply(at=START + 1))
        [row] = rig.rows(tables.opt_out)
        assert row.signature == "中国银行"

    def test_of_a_signature_that_nobody_knows_it_is_the_customer(self, rig_with: MakeRig) -> None:
        rig = rig_with(opt_out_scope=OptOutScope.SIGNATURE)
        rig.read(reply())
        [row] = rig.rows(tables.opt_out)
        assert (row.account, row.signature) == ("bank", "")

    def test_said_again_while_it_lasts_it_is_recorded_once(self, rig: Rig) -> None:
        for _ in range(2):
            rig.advance(60)
            rig.read(reply(at=rig.now()))
        assert len(rig.rows(tables.opt_out)) == 1

    def test_said_again_after_it_ended_it_holds_again(self, rig: Rig) -> None:
        opt_out(rig, ended_at=START + 1)
        rig.advance(60)
        rig.read(reply(at=rig.now()))
        assert len(rig.rows(tables.opt_out)) == 2
        assert rig.admit(sent(rig)) == [OPTED_OUT]
