from __future__ import annotations

from structlog.testing import capture_logs
from twisted.internet.defer import execute

from gateway.customers.password_checks import InThread
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.customers.checks import HeldChecks
from tests.gateway.customers.customer_side import CustomerSide
from tests.gateway.customers.samples import bank_bind, submit
from tests.gateway.raw_pdus import RESP, UNBIND, raw


def a_side(
    connections_max: int = 10,
    store: FakeStore | None = None,
    connections_per_address_max: int = 10,
    check_in: InThread = execute,
) -> CustomerSide:
    return CustomerSide(
        store or FakeStore(),
        check_in=check_in,
        connections_max=connections_max,
        connections_per_address_max=connections_per_address_max,
    )


class TestConnections:
    def test_are_counted(self) -> None:
        side = a_side()
        customers = [side.connect(), side.connect()]
        assert len(side.listener) == 2
        customers[0].lose()
        assert len(side.listener) == 1

    def test_beyond_the_limit_are_refused(self) -> None:
        side = a_side(connections_max=2)
        side.connect().bound()
        side.connect().bound()
        with capture_logs() as lines:
            assert side.is_refused()
        assert [line["event"] for line in lines] == ["connection.refused"]
        assert len(side.listener) == 2

    def test_have_room_again_after_one_has_ended(self) -> None:
        side = a_side(connections_max=1)
        side.connect().lose()
        side.connect().bound()
        assert side.is_refused()

    def test_that_are_not_bound_make_room_the_oldest_first(self) -> None:
        side = a_side(connections_max=3)
        bound, oldest, older = side.connect().bound(), side.connect(), side.connect()
        with capture_logs() as lines:
            newest = side.connect().bound()
        assert [line["event"] for line in lines] == ["connection.dropped", "bind.accepted"]
        side.reactor.advance(0)
        assert oldest.connection.over
        assert [one.connection.over for one in (bound, older, newest)] == [False, False, False]
        assert len(side.listener) == 3

    def test_that_wait_for_the_check_of_a_password_make_no_room(self) -> None:
        checks = HeldChecks()
        side = a_side(connections_max=2, check_in=checks)
        binding, idle = side.connect(), side.connect()
        binding.send(bank_bind())
        side.connect()
        side.reactor.advance(0)
        assert [one.connection.over for one in (binding, idle)] == [False, True]
        checks.release()
        assert [pdu.command_status for pdu in binding.read()] == [0]

    def test_make_room_one_for_each_that_comes(self) -> None:
        side = a_side(connections_max=2)
        strangers = [side.connect() for _ in range(4)]
        side.reactor.advance(0)
        assert [one.connection.over for one in strangers] == [True, True, False, False]
        assert len(side.listener) == 2


class TestConnectionsOfOneAddress:
    def test_beyond_their_limit_are_refused_and_others_are_not(self) -> None:
        side = a_side(connections_per_address_max=2)
        for port in (1, 2):
            side.connect("192.0.2.1", port)
        assert side.is_refused("192.0.2.1")
        side.connect("192.0.2.2").bound()

    def test_are_not_made_room_for_among_the_others(self) -> None:
        side = a_side(connections_max=2, connections_per_address_max=1)
        stranger = side.connect("192.0.2.1")
        side.connect("192.0.2.2")
        assert side.is_refused("192.0.2.2")
        assert not stranger.connection.over

    def test_have_room_again_after_one_has_ended(self) -> None:
        side = a_side(connections_per_address_max=1)
        side.connect("192.0.2.1").lose()
        side.connect("192.0.2.1")
        assert side.is_refused("192.0.2.1")

    def test_are_those_of_one_subscriber_of_ipv6(self) -> None:
        side = a_side(connections_per_address_max=1)
        side.connect("2001:db8::1")
        assert side.is_refused("2001:db8::2")
        side.connect("2001:db8:0:1::1")

    def test_send_small_pdus_at_once(self) -> None:
        assert a_side().connect().connection.no_delay


class TestParting:
    def test_is_over_at_once_if_nobody_is_there(self) -> None:
        assert fired(a_side().listener.part())

    def test_waits_until_the_last_has_gone(self) -> None:
        side = a_side()
        bound, stranger = side.connect().bound(), side.connect()
        parted = side.listener.part()
        side.reactor.advance(0)
        assert stranger.connection.over
        assert not fired(parted)
        bound.answer_unbind()
        assert fired(parted)
        assert len(side.listener) == 0

    def test_lets_nobody_in(self) -> None:
        side = a_side()
        side.connect().bound()
        side.listener.part()
        assert side.is_refused()

    def test_does_not_wait_for_ever_for_an_answer(self) -> None:
        side = a_side()
        silent = side.connect().bound()
        parted = side.listener.part()
        side.pass_time(4.75)
        assert not fired(parted)
        side.pass_time(0.5)
        assert silent.connection.half_closed
        assert fired(parted)

    def test_does_not_wait_for_ever_for_the_end_of_a_connection(self) -> None:
        side = a_side()
        stuck = side.connect().bound()
        stuck.connection.stuck = True
        parted = side.listener.part()
        side.pass_time(10.5)
        assert stuck.connection.aborted
        assert fired(parted)

    def test_does_not_wait_for_ever_for_a_customer_that_has_asked_to_leave(self) -> None:
        store = FakeStore()
        side = a_side(store=store)
        leaving = side.connect().bound()
        leaving.send(submit(2))
        leaving.unbind()
        parted = side.listener.part()
        side.reactor.advance(0)
        assert fired(parted)
        store.answer("admit", [None])
        side.pass_time(5.0)
        assert leaving.connection.over

    def test_reaches_a_customer_whose_window_is_full(self) -> None:
        side = a_side()
        customer = side.connect().bound()
        customer.send(*(submit(n) for n in range(2, 20)))
        assert not customer.connection.reading
        parted = side.listener.part()
        side.reactor.advance(0)
        (unbind,) = [pdu for pdu in customer.read() if pdu.command_id == UNBIND]
        customer.send(raw(UNBIND | RESP, sequence_number=unbind.sequence_number))
        assert fired(parted)


class TestAborting:
    def test_cuts_every_connection(self) -> None:
        side = a_side()
        customers = [side.connect().bound(), side.connect()]
        parted = side.listener.part()
        side.listener.abort()
        side.reactor.advance(0)
        assert all(customer.connection.over for customer in customers)
        assert fired(parted)
        assert side.binds.counts()["bank"] == 0
