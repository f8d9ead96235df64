"""A gateway's life with its store, and what its customers and carriers make of it, as chance has it.

The carriers answer late, twice, out of order and with each other's ids; receipts come before the response;
commits succeed whose answers are lost, so that the same is said again; and the gateway may die at any moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

from sqlalchemy import Engine

from gateway.message import ENDS, Message, State
from gateway.store import schema
from gateway.stored import CarrierReceipt, Outcome, Recorded
from smpp.message_state import MessageState
from tests.gateway.store import samples
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig

QUOTA = {"bank": 60, "shop": 6}
WAIT_S = 30.0
A_YEAR_S = 365 * 86_400.0

# Few of each, so that collisions are the rule. "10" is the hexadecimal of "16".
NUMBERS = [f"1380013800{digit}" for digit in range(6)]
CARRIER_IDS = ["10", "16", "a1", "A1", "007", "7", None]
ANSWERS = ("accepted", "accepted", "refused", "temporary")
KINDS = (*ANSWERS, "parked", "resent", "not sent")


class Life:
    """On an empty database. The dispatcher's part is played here, down to its count of what waits."""

    def __init__(self, engine: Engine, chance: Random) -> None:
        self.engine = engine
        self.chance = chance
        self.rig = Rig(engine, units=0)
        for account, units in QUOTA.items():
            self.rig.top_up(account, units)
        self.submitting: list[Message] = []
        self.unanswered: list[Message] = []
        self.given: list[tuple[str | None, str]] = []
        self.waiting: Counter[str] = Counter()
        self.ended: list[int] = []
        self.owed: list[int] = []
        self.rig.recover()

    def step(self) -> None:
        """Something happens."""
        rarely = self.chance.random()
        if rarely < 0.02:
            self.crash()
        elif rarely < 0.06:
            self.opt_out()
        elif rarely < 0.12:
            self.hear_again()
        else:
            self.chance.choice(
                [self.admit, self.claim, self.record, self.record, self.hear, self.hear, self.pass_time]
            )()
        queued = [row.account for row in self.rig.rows(schema.message) if row.state == State.QUEUED]
        assert +self.waiting == Counter(queued)

    def end(self) -> None:
        """Nothing more happens, and time goes by."""
        check(self.engine)
        self.rig.advance(A_YEAR_S)
        while self.note(self.rig.end_overdue(count=3, receipt_wait_s=WAIT_S)).ended:
            pass
        check(self.engine)
        messages = self.rig.rows(schema.message)
        assert all(row.state in ENDS for row in messages)
        assert sorted(self.ended) == [row.message_id for row in messages], "each end is told of once"
        assert sorted(self.owed) == [row.delivery_id for row in self.rig.rows(schema.delivery)]
        assert all(self.rig.balance(account).held == 0 for account in QUOTA)
        assert not +self.waiting
        self.rig.close()

    def note(self, recorded: Recorded) -> Recorded:
        """What the gateway is told of."""
        self.ended += [end.message_id for end in recorded.ended]
        self.owed += [delivery.delivery_id for delivery in recorded.deliveries]
        self.waiting.subtract(end.account for end in recorded.ended if end.was_queued)
        self.waiting.update(message.account for message in recorded.queued)
        self.waiting.subtract(message.account for message in recorded.unqueued)
        return recorded

    # -- the customers

    def admit(self) -> None:
        now, chance = self.rig.now(), self.chance
        batch = [
            samples.message(
                self.rig.ids.next(),
                account=chance.choice(sorted(QUOTA)),
                state=chance.choice([State.QUEUED, State.SUBMITTING]),
                units=chance.randint(1, 3),
                destination_addr=chance.choice(NUMBERS),
                registered_delivery=chance.choice([0, 1, 2, 0x11]),
                submitted_at=now,
                due_at=now,
                deadline_at=now + chance.randint(1, 40) * samples.SECOND,
            )
            for _ in range(chance.randint(1, 4))
        ]
        verdicts = self.rig.admit(*batch)
        taken = [message for message, verdict in zip(batch, verdicts, strict=True) if verdict is None]
        self.submitting += [message for message in taken if message.state is State.SUBMITTING]
        self.waiting.update(message.account for message in taken if message.state is State.QUEUED)

    # -- the carriers

    def claim(self) -> None:
        count = self.chance.randint(1, 4)
        claimed = self.rig.claim(count=count)
        self.note(claimed.recorded)
        assert len(claimed.messages) <= count
        under_way = {(message.message_id, message.attempts) for message in self.submitting + self.unanswered}
        assert not under_way & {(message.message_id, message.attempts) for message in claimed.messages}
        self.submitting += claimed.messages
        self.waiting.subtract(message.account for message in claimed.messages)

    def record(self) -> None:
        """Answers to what is being submitted, and late ones to what was given up."""
        outcomes = []
        for attempts, kinds in ((self.submitting, KINDS), (self.unanswered, ANSWERS)):
            late = attempts is self.unanswered
            for message in self.chance.sample(attempts, min(len(attempts), self.chance.randint(0, 3))):
                attempts.remove(message)
                kind, carrier_id = self.chance.choice(kinds), self.chance.choice(CARRIER_IDS)
                outcomes.append(replace(self.outcome(message, kind, carrier_id), late=late))
                if kind in ("parked", "resent"):
                    self.unanswered.append(message)
                self.given.append((carrier_id, message.destination_addr))
        self.say(lambda: self.rig.record(*outcomes))

    def outcome(self, message: Message, kind: str, carrier_id: str | None) -> Outcome:
        now = self.rig.now()
        match kind:
            case "accepted":
                return samples.accepted(message, carrier_id)
            case "refused":
                return samples.refused(message)
            case "temporary":
                return samples.temporary(message, now, carrier_id)
            case "parked":
                return samples.parked(message, now + 10 * samples.SECOND)
            case "resent":
                return samples.resent(message, now)
            case _:
                return samples.not_sent(message, now)

    def hear(self) -> None:
        """Receipts of messages that the carrier took, and of some that it has not or never will."""
        # One of an id and a state at a time: of two, the newer would hide that the older one is a repeat.
        said: dict[tuple[str, MessageState], CarrierReceipt] = {}
        for _ in range(self.chance.randint(1, 3)):
            strange = self.chance.choice(CARRIER_IDS), self.chance.choice(NUMBERS)
            carrier_id, number = self.chance.choice([*self.given, strange])
            form = self.chance.choice(["", "", "", "intermediate", "presumed"])
            state = self.chance.choice(list(MessageState))
            one = samples.receipt(
                carrier_id or "7",
                state,
                number,
                intermediate=form == "intermediate",
                presumed=form == "presumed",
                at=self.rig.now(),
                done_at=self.rig.now(),
            )
            is_failed_try = form == "intermediate" and state is not MessageState.ACCEPTED
            said[one.receipt.message_id, MessageState.ENROUTE if is_failed_try else state] = one
        self.say(lambda: self.rig.hear(*said.values()))

    def hear_again(self) -> None:
        """The newest words of an id and a state, whatever the id means by now."""
        heard = self.rig.rows(schema.receipt)
        if heard:
            row = self.chance.choice(heard)
            said = samples.receipt(
                row.carrier_message_id,
                MessageState(row.state),
                row.destination_addr,
                error=row.error,
                done_at=row.done_at,
                at=self.rig.now(),
            )
            assert self.rig.hear(said) == Recorded()

    def opt_out(self) -> None:
        account, number = self.chance.choice(sorted(QUOTA)), self.chance.choice(NUMBERS)
        self.note(self.rig.read(samples.reply(account=account, number=number)))

    # -- time, and the end of it

    def pass_time(self) -> None:
        self.rig.advance(self.chance.randint(1, 15))
        self.note(self.rig.end_overdue(self.chance.randint(1, 3), WAIT_S))

    def say(self, call: Callable[[], Recorded]) -> None:
        """Now and then twice, because the answer of the commit was lost."""
        self.note(call())
        if self.chance.random() < 0.2:
            assert replace(call(), unknown=()) == Recorded()

    def crash(self) -> None:
        """Every object is dropped; the answers that were under way never arrive."""
        now = self.rig.now()
        self.rig.close()
        after = Rig(self.engine, units=0)
        after.advance((now - after.now()) / 1000)
        self.rig, self.submitting, self.unanswered = after, [], []
        found = after.recover(self.chance.choice([(), QUOTA]), now + 10 * samples.SECOND)
        self.waiting = Counter()
        for account, _, count in found.queued:
            self.waiting[account] += count
