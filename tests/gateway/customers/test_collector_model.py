"""The collector of segments against plain dicts: what it knows, what it counts, and what it lets in."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.customers.collector import Collector, Gathered, Gathering, Key, Step
from gateway.settings import Limits
from smpp.address import Address
from smpp.pdu import SubmitSm
from smpp.text import Alphabet
from tests.gateway.store.samples import message

ACCOUNTS = ("bank", "shop")
TOTAL = 3
OCTETS_MAX, SETS_MAX = 40, 2
HERE, THERE = Address(5, 0, "BANK"), Address(1, 1, "13800138000")


def key(account: str, ref: int) -> Key:
    return Key(account, HERE, THERE, "udh8", ref, TOTAL, Alphabet.UCS2)


def submit_sm(octets: bytes) -> SubmitSm:
    return SubmitSm("", HERE, THERE, 0x40, 0, 0, "", "", 1, 0, 8, 0, octets, ())


class CollectorLife(RuleBasedStateMachine):
    """`open` and `closed` are the sets that must be known, the older ones first."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.limits = replace(
            Limits(), reassembly_s=10.0, reassemblies_max=SETS_MAX, reassembly_octets_max=OCTETS_MAX
        )
        self.collector = Collector(self.limits, count(1).__next__)
        self.open: dict[Gathering, dict[int, bytes]] = {}
        self.closed: dict[Gathering, dict[int, bytes]] = {}
        self.latest: dict[Key, Gathering] = {}

    @rule(
        account=st.sampled_from(ACCOUNTS),
        ref=st.integers(1, 3),
        seq=st.integers(1, TOTAL),
        octets=st.sampled_from([b"a", b"bb", b"c" * 9, b"d" * 30]),
    )
    def place(self, account: str, ref: int, seq: int, octets: bytes) -> None:
        which = key(account, ref)
        self.forget_old()
        known = self.latest.get(which)
        segments = None if known is None else {**self.open, **self.closed}[known]
        step, found = self.collector.place(which, seq, submit_sm(octets), self.now, object())
        if segments is not None and segments.get(seq) == octets:
            assert (step, found) == (Step.REPEAT, known)
            return
        begins = segments is None or seq in segments or known in self.closed
        mine = [one for one in self.open if one.key.account == account]
        size = sum(map(len, (o for one in mine for o in self.open[one].values())))
        if size + len(octets) > OCTETS_MAX or (begins and len(mine) >= SETS_MAX):
            assert (step, found) == (Step.REFUSE, None)
            return
        assert found is not None
        assert (found is not known) == begins
        if begins:
            if known in self.closed:
                del self.closed[known]
            self.open[found] = {}
            self.latest[which] = found
        self.open[found][seq] = octets
        assert step is (Step.COMPLETE if len(self.open[found]) == TOTAL else Step.COLLECT)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        gathering = data.draw(st.sampled_from(list(self.open)))
        seq = data.draw(st.sampled_from(sorted(self.open[gathering])))
        self.collector.remove(gathering, seq)
        del self.open[gathering][seq]
        if not self.open[gathering]:
            self.gone(gathering)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        gathering = data.draw(st.sampled_from(list(self.open)))
        self.collector.close(gathering)
        self.collector.close(gathering)
        self.closed[gathering] = self.open.pop(gathering)
        mine = [one for one in self.closed if one.key.account == gathering.key.account]
        while (
            len(mine) > SETS_MAX
            or sum(len(o) for one in mine for o in self.closed[one].values()) > OCTETS_MAX
        ):
            self.gone(mine.pop(0))

    @precondition(lambda self: self.open or self.closed)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        gathering = data.draw(st.sampled_from([*self.open, *self.closed]))
        self.collector.drop(gathering)
        self.collector.drop(gathering)
        self.gone(gathering)

    @rule(account=st.sampled_from(ACCOUNTS), ref=st.integers(4, 5))
    def restore(self, account: str, ref: int) -> None:
        which = key(account, ref)
        if which in self.latest:
            return
        self.collector.restore(which, 1, 99, self.now + 10.0, Gathered(submit_sm(b"r"), message(7)))
        step, found = self.collector.place(which, 1, submit_sm(b"r"), self.now, object())
        assert step is Step.REPEAT
        assert found is not None
        self.open[found], self.latest[which] = {1: b"r"}, found

    @rule(seconds=st.sampled_from([0.5, 4.0, 11.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.collector.forget_old(self.now)
        self.forget_old()

    @invariant()
    def counts_what_waits(self) -> None:
        assert len(self.collector) == len(self.open)
        assert self.collector.octets == sum(len(o) for one in self.open.values() for o in one.values())

    @invariant()
    def is_open_where_a_set_waits(self) -> None:
        for account in ACCOUNTS:
            for ref in range(1, 6):
                found = self.latest.get(key(account, ref))
                assert self.collector.expects(key(account, ref), 9, self.now) == (found in self.open)

    def forget_old(self) -> None:
        for gathering in [*self.open, *self.closed]:
            if gathering.deadline <= self.now:
                self.gone(gathering)

    def gone(self, gathering: Gathering) -> None:
        self.open.pop(gathering, None)
        self.closed.pop(gathering, None)
        if self.latest.get(gathering.key) is gathering:
            del self.latest[gathering.key]


TestCollectorLife = CollectorLife.TestCase
TestCollectorLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
