from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.carriers.pool import CarrierPool
from gateway.metrics import Metrics
from gateway.settings import BindType, Carrier, Throttle
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.kept_bind import Owner
from tests.gateway.carriers.network import Network
from tests.gateway.carriers.peer import Peer, deliver
from tests.gateway.carriers.samples import LIMITS, TIMERS, a_carrier
from tests.gateway.raw_pdus import BIND_RECEIVER, BIND_TRANSMITTER, RESP, UNBIND, raw


class Pooled:
    """A pool that was started, on a network and a clock of its own."""

    def __init__(self, *carriers: Carrier) -> None:
        self.clock = Clock()
        self.network = Network(self.clock)
        by_name = {carrier.name: carrier for carrier in carriers}
        self.pool = CarrierPool(by_name, LIMITS, self.clock, self.network.connect, lambda: 0.0, Metrics())
        self.owner = Owner()
        self.pool.start(self.owner, self.owner)

    def names(self, carrier: str, count: int) -> list[str]:
        """The binds that slots were taken of."""
        return [slot.name for slot in self.pool.take(carrier, count)]

    def peer(self, carrier: str, number: int = 0) -> Peer:
        return self.network.peers(carrier)[number]


NORTH = a_carrier(name="north", binds=2, window_max=3)
SOUTH = a_carrier(name="south", window_max=5)


def test_every_carrier_gets_as_many_binds_as_its_settings_say() -> None:
    pooled = Pooled(NORTH, SOUTH)
    assert [bind.name for bind in pooled.pool.binds] == ["north/0", "north/1", "south/0"]
    assert [bind.name for bind in pooled.pool.of("south")] == ["south/0"]
    assert len(pooled.network.peers("north")) == 2


def test_a_pair_is_a_transmitter_and_a_receiver_under_the_name_of_the_carrier() -> None:
    pooled = Pooled(a_carrier(name="north", bind_type=BindType.PAIR, binds=2, window_max=3))
    assert [bind.name for bind in pooled.pool.of("north")] == [f"north/{n}" for n in range(4)]
    binds = [pooled.peer("north", n).read()[0].command_id for n in range(4)]
    assert binds == [BIND_TRANSMITTER, BIND_RECEIVER] * 2


def test_a_pair_submits_on_its_transmitter_and_takes_receipts_on_its_receiver() -> None:
    pooled = Pooled(a_carrier(name="north", bind_type=BindType.PAIR, window_max=3))
    pooled.peer("north", 1).accept_bind()
    assert pooled.pool.preferred("north") is None
    pooled.peer("north", 0).accept_bind()
    assert pooled.pool.preferred("north") == "north"
    assert pooled.names("north", 99) == ["north/0"] * 3
    pooled.peer("north", 1).send(deliver(7, b"hello"))
    assert [(carrier.name, number) for carrier, _, number in pooled.owner.offers] == [("north", 7)]


def test_a_carrier_that_the_settings_no_longer_have_has_no_binds() -> None:
    pooled = Pooled(NORTH)
    assert pooled.pool.of("west") == []
    assert pooled.pool.preferred("west") is None
    assert pooled.names("west", 1) == []


def test_the_first_bound_carrier_of_a_route_is_preferred() -> None:
    pooled = Pooled(NORTH, SOUTH)
    assert pooled.pool.preferred("north,south") is None
    pooled.peer("south").accept_bind()
    assert pooled.pool.preferred("north,south") == "south"
    pooled.peer("north", 1).accept_bind()
    assert pooled.pool.preferred("north,south") == "north"
    assert pooled.pool.preferred("south,north") == "south"
    pooled.peer("north", 1).lose()
    assert pooled.pool.preferred("north,south") == "south"


def test_a_full_carrier_is_still_preferred() -> None:
    pooled = Pooled(NORTH, SOUTH)
    pooled.peer("north").accept_bind()
    pooled.peer("south").accept_bind()
    assert len(pooled.names("north", 99)) == 3
    assert pooled.pool.preferred("north,south") == "north"


def test_a_carrier_that_only_receives_is_never_preferred() -> None:
    pooled = Pooled(a_carrier(name="north", bind_type=BindType.RECEIVER), SOUTH)
    pooled.peer("north").accept_bind()
    pooled.peer("south").accept_bind()
    assert pooled.pool.preferred("north,south") == "south"


def test_slots_are_taken_evenly_from_the_binds() -> None:
    pooled = Pooled(NORTH)
    pooled.peer("north", 0).accept_bind()
    pooled.peer("north", 1).accept_bind()
    assert sorted(pooled.names("north", 4)) == ["north/0"] * 2 + ["north/1"] * 2


def test_a_bind_with_more_room_makes_up_for_one_with_less() -> None:
    pooled = Pooled(NORTH)
    pooled.peer("north", 0).accept_bind()
    pooled.peer("north", 1).accept_bind()
    pooled.pool.of("north")[0].take(2)
    assert sorted(pooled.names("north", 4)) == ["north/0"] + ["north/1"] * 3


def test_slots_are_given_as_far_as_there_is_room_on_any_bind() -> None:
    pooled = Pooled(NORTH)
    pooled.peer("north", 0).accept_bind()
    pooled.peer("north", 1).accept_bind()
    assert sorted(pooled.names("north", 99)) == ["north/0"] * 3 + ["north/1"] * 3
    assert pooled.names("north", 1) == []


def test_no_more_slots_are_taken_than_were_asked_for() -> None:
    pooled = Pooled(NORTH)
    pooled.peer("north", 0).accept_bind()
    pooled.peer("north", 1).accept_bind()
    for count in (1, 3):
        assert len(pooled.names("north", count)) == count
    assert sum(bind.taken for bind in pooled.pool.binds) == 4


def test_slots_together_are_of_the_bind_with_the_most_room() -> None:
    pooled = Pooled(NORTH)
    for n in (0, 1):
        pooled.peer("north", n).accept_bind()
    first, second = pooled.pool.of("north")
    first.take(2)
    assert pooled.pool.take_together("north", 2) is second
    assert pooled.pool.take_together("north", 2) is None
    assert (first.taken, second.taken) == (2, 2)
    assert pooled.pool.take_together("nowhere", 1) is None


def test_slots_together_that_the_rate_does_not_allow_are_not_taken() -> None:
    pooled = Pooled(a_carrier(name="north", rate=Throttle(rate_per_s=1, burst=2)))
    pooled.peer("north").accept_bind()
    (bind,) = pooled.pool.of("north")
    assert pooled.pool.take_together("north", 3) is None
    assert bind.taken == 0
    assert pooled.pool.take_together("north", 2) is bind


def test_an_unbound_bind_gives_no_slots() -> None:
    pooled = Pooled(NORTH)
    assert pooled.names("north", 1) == []
    pooled.peer("north", 1).accept_bind()
    assert pooled.names("north", 99) == ["north/1"] * 3


def test_each_bind_has_a_rate_of_its_own() -> None:
    pooled = Pooled(a_carrier(name="north", binds=2, rate=Throttle(rate_per_s=1, burst=2)))
    pooled.peer("north", 0).accept_bind()
    pooled.peer("north", 1).accept_bind()
    assert sorted(pooled.names("north", 99)) == ["north/0"] * 2 + ["north/1"] * 2


def test_stopping_unbinds_everywhere_and_waits_for_all() -> None:
    pooled = Pooled(NORTH, SOUTH)
    for peer in (pooled.peer("north"), pooled.peer("south")):
        peer.accept_bind()
    stopped = Deferred.fromCoroutine(pooled.pool.stop())
    for peer in (pooled.peer("north"), pooled.peer("south")):
        assert not fired(stopped)
        (unbind,) = peer.read()
        assert unbind.command_id == UNBIND
        peer.send(raw(RESP | UNBIND, b"", unbind.sequence_number))
        pooled.clock.advance(0)
    assert fired(stopped)
    assert pooled.clock.getDelayedCalls() == []


def test_stopping_is_over_though_one_carrier_is_silent() -> None:
    pooled = Pooled(NORTH, SOUTH)
    pooled.peer("south").accept_bind()
    stopped = Deferred.fromCoroutine(pooled.pool.stop())
    pooled.clock.advance(TIMERS.unbind_s)
    assert fired(stopped)


def test_a_pool_without_carriers_stops_at_once() -> None:
    assert fired(Deferred.fromCoroutine(Pooled().pool.stop()))
