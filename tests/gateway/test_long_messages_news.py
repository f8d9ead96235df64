"""What a customer hears of a long message on its way, through a whole gateway."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.carriers.peer import receipt
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.samples import submit
from tests.gateway.test_long_messages import (
    LONG,
    an_account,
    assert_sound,
    ids_of,
    limits,
    pdu_of,
    segment,
    started,
    stats,
)
from tests.gateway.whole import Whole, crashed, settings_of


def test_carriers_are_asked_for_news_of_every_part_if_one_segment_asks(path: Path) -> None:
    whole = started(path)
    customer = whole.customer()
    customer.send(segment(1), segment(2, registered_delivery=0x10), segment(3))
    assert [pdu_of(raw).registered_delivery for raw in whole.submits()] == [0x11, 0x11, 0x11]
    whole.stop()


def test_each_segment_that_asked_hears_of_a_state_once(path: Path) -> None:
    whole = started(path)
    customer = whole.customer()
    customer.send(*(segment(n, registered_delivery=wanted) for n, wanted in ((1, 0x11), (2, 1), (3, 0x10))))
    ids = ids_of(customer.read())
    whole.accept(*whole.submits())
    whole.say(receipt(1, "c2", "ACCEPTD"))
    assert stats(customer) == {ids[1]: "ACCEPTD", ids[3]: "ACCEPTD"}
    whole.say(receipt(2, "c1", "ACCEPTD"), receipt(3, "c3", "ACCEPTD"))
    assert stats(customer) == {}
    whole.say(receipt(4, "c1"), receipt(5, "c3"), receipt(6, "c2", "ENROUTE"))
    assert stats(customer) == {ids[1]: "DELIVRD"}
    whole.say(receipt(7, "c2"))
    assert stats(customer) == {ids[2]: "DELIVRD"}
    whole.stop()
    assert_sound(whole, path)


def test_what_was_told_is_known_after_a_crash(path: Path, tmp_path: Path) -> None:
    before = started(path)
    customer = before.customer()
    octets = LONG.encode("utf-16-be")
    customer.send(submit(1, short_message=None, message_payload=octets, registered_delivery=0x11))
    ids = ids_of(customer.read())
    before.accept(*before.submits())
    before.say(receipt(1, "c1", "ENROUTE"))
    (news,) = customer.delivered()
    customer.acknowledge(news)
    carrier = a_carrier(window_max=10)
    file = crashed(path, tmp_path / "after")
    after = Whole(settings_of(file, [an_account()], [carrier], limits=limits())).start()
    customer = after.customer()
    after.say(receipt(1, "c2", "ENROUTE"), receipt(2, "c3", "ACCEPTD"))
    assert stats(customer) == {ids[1]: "ACCEPTD"}
    after.stop()
    assert_sound(after, file)
