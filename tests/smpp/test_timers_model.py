"""The timers of a session against their rules, told once more as a list of what has happened."""

from __future__ import annotations

from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smpp.timers import Due, Timers, TimerSettings

SETTINGS = st.builds(
    TimerSettings,
    session_init_s=st.integers(1, 9),
    enquire_link_s=st.integers(0, 9),
    response_s=st.integers(1, 9),
    inactivity_s=st.integers(0, 20),
    unbind_s=st.integers(1, 9),
)


class TimersMachine(RuleBasedStateMachine):
    @initialize(settings=SETTINGS, now=st.integers(0, 5), bound=st.sampled_from([True, True, True, False]))
    def connect(self, settings: TimerSettings, now: int, bound: bool) -> None:
        self.settings = settings
        self.now = float(now)
        self.timers = Timers(settings, self.now)
        self.single: tuple[float, Due] | None = (self.now + settings.session_init_s, Due.SESSION_INIT)
        self.heard = self.transacted = self.now
        self.unanswered: list[float] = []
        self.over = False
        if bound:
            self.bind()

    def expected(self) -> tuple[float, Due | None]:
        if self.single is not None:
            return self.single
        running: list[tuple[float, Due | None]] = [(inf, None)]
        if self.settings.inactivity_s:
            running.append((self.transacted + self.settings.inactivity_s, Due.INACTIVITY))
        if self.settings.enquire_link_s and not self.unanswered:
            running.append((self.heard + self.settings.enquire_link_s, Due.ENQUIRE_LINK))
        elif self.settings.enquire_link_s:
            due = Due.ENQUIRE_LINK if len(self.unanswered) == 1 else Due.PEER_SILENT
            running.append((self.unanswered[-1] + self.settings.response_s, due))
        # Of two that end at once, inactivity goes before an enquiry.
        return min(running, key=lambda timer: (timer[0], timer[1] is not Due.INACTIVITY))

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: not self.over)
    @rule(transaction=st.booleans())
    def hear(self, transaction: bool) -> None:
        self.timers.last_received = self.heard = self.now
        self.unanswered.clear()
        if transaction:
            self.send()

    @precondition(lambda self: not self.over)
    @rule()
    def send(self) -> None:
        self.timers.last_transaction = self.transacted = self.now

    @precondition(lambda self: self.single is not None and self.single[1] is Due.SESSION_INIT)
    @rule()
    def bind(self) -> None:
        self.timers.bound(self.now)
        self.single = None
        self.heard = self.transacted = self.now

    @precondition(lambda self: self.single is None)
    @rule(by_us=st.booleans(), sure=st.integers(0, 3))
    def unbind(self, by_us: bool, sure: int = 3) -> None:
        if sure < 3:
            return
        if by_us:
            self.timers.unbinding(self.now)
            self.single = (self.now + self.settings.unbind_s, Due.UNBIND)
        else:
            self.timers.stop()
            self.single = (inf, Due.UNBIND)

    @precondition(lambda self: not self.over)
    @rule(settings=SETTINGS)
    def adopt(self, settings: TimerSettings) -> None:
        self.timers.adopt(settings)
        self.settings = settings

    @precondition(lambda self: not self.over)
    @rule(late=st.sampled_from([0, 0, 0, 3]))
    def wait_for_what_is_due(self, late: int) -> None:
        self.now = max(self.now, self.timers.deadline() or 0.0) + late
        self.do_what_is_due()

    def do_what_is_due(self) -> None:
        match self.timers.due(self.now):
            case Due.ENQUIRE_LINK:
                self.unanswered.append(self.now)
                assert self.timers.enquired(self.now) == len(self.unanswered)
            case Due.INACTIVITY:
                self.unbind(by_us=True)
            case None:
                pass
            case _:
                self.timers.stop()
                self.single = (inf, Due.UNBIND)
                self.over = True

    @invariant()
    def what_is_due_is_what_should_be(self) -> None:
        instant, due = self.expected()
        assert self.timers.deadline() == (None if instant == inf else instant)
        assert self.timers.due(self.now) is (due if instant <= self.now else None)
        assert instant == inf or self.timers.due(instant) is due

    def teardown(self) -> None:
        """A peer that says nothing any more is left within an enquiry and the time for two answers."""
        if self.over or self.single is not None or not self.settings.enquire_link_s:
            return
        last_word = max(self.now, self.heard) + self.settings.enquire_link_s + 2 * self.settings.response_s
        for _ in range(5):
            if not self.over:
                self.wait_for_what_is_due(0)
                self.what_is_due_is_what_should_be()
        assert self.timers.deadline() is None
        assert self.now <= last_word + self.settings.unbind_s


TestTimers = TimersMachine.TestCase
TestTimers.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
