"""What breaks the order of a connection and P9, and what the checker must say of it."""

from __future__ import annotations

from dataclasses import replace

from tests.sim.case import Plant, added, both, gauge
from tests.sim.case_journal import (
    BANK,
    NORTH,
    at,
    delivery,
    report,
    submit,
    submit_answer,
)
from tests.sim.journal import (
    DeliverAnswered,
    Gauged,
    Logged,
    Lost,
    Relayed,
)
from tests.sim.stored import EXPIRED

LINKS: dict[str, tuple[Plant, str]] = {
    "a_submit_is_answered_twice": (
        added(submit_answer(1.3, 1)),
        "connection 1 of bank: sequence_number 2 was answered 2 times",
    ),
    "a_submit_is_answered_that_nobody_sent": (
        added(submit_answer(1.3, 77, 8)),
        "connection 1 of bank: sequence_number 78 was answered and never sent",
    ),
    "a_receipt_is_answered_twice": (
        added(DeliverAnswered(at(2.4), NORTH, 1, 0)),
        "connection 3 of north: sequence_number 1 was answered 2 times",
    ),
    "a_receipt_is_answered_that_nobody_sent": (
        added(DeliverAnswered(at(2.4), NORTH, 99, 0)),
        "connection 3 of north: sequence_number 99 was answered and never sent",
    ),
    "two_requests_have_one_number": (
        lambda case: case.change(Relayed, lambda e: e.token == 3, sequence_number=2),
        "connection 3 of north: the gateway sent 2 requests with sequence_number 2",
    ),
    "a_submit_is_forgotten": (
        added(submit(3.25, 0)),
        "connection 1 of bank: token 0, sent at 1772596803.250, was never answered, and later ones were",
    ),
    "a_connection_is_stuck": (
        added(submit(12.0, 9), Lost(at(19.0), BANK), Gauged(at(19.0), "binds", "bank", 1)),
        "no submit was answered from 1772596812.000 to 1772596819.000, where the connection ended",
    ),
    "a_customer_is_sent_more_than_it_takes": (
        added(*(replace(delivery(19.1, n, 5, EXPIRED), command_status=None) for n in (20, 21))),
        "3 deliver_sm are outstanding at 1772596819.100 on connection 1 of bank, whose delivery window is 2",
    ),
}

LIMITS: dict[str, tuple[Plant, str]] = {
    "the_intake_is_too_long": (gauge("intake", "", 6), "P9 intake is 6 at 1772596804.000, beyond 0 to 5"),
    "too_much_of_a_carrier_is_in_hand": (
        gauge("inbound", "", 3),
        "P9 inbound is 3 at 1772596804.000, beyond 0 to 2",
    ),
    "more_than_inbound_max_of_a_carrier_is_in_hand": (
        both(
            added(*(report(4.0, n, 4, EXPIRED)[0] for n in (20, 21, 22))),
            gauge("inbound", "", 5),
        ),
        "P9 inbound is 5 at 1772596804.000, beyond 0 to 4",
    ),
    "too_many_deliveries_are_in_hand": (
        gauge("deliveries", "", 33),
        "P9 deliveries is 33 at 1772596804.000, beyond 0 to 32",
    ),
    "a_queue_is_too_long": (
        gauge("queued_messages", "bank", 10),
        "P9 queued_messages{bank} is 10 at 1772596804.000, beyond 0 to 9",
    ),
    "a_bind_takes_more_slots_than_it_has": (
        gauge("slots_taken", "north/0", 3),
        "P9 slots_taken{north/0} is 3 at 1772596804.000, beyond 0 to 2",
    ),
    "a_gauge_is_negative": (gauge("binds", "bank", -1), "P9 binds{bank} is -1 at 1772596804.000"),
    "a_queue_counts_what_has_ended": (
        both(gauge("binds", "bank", 1, seconds=27.0), gauge("queued_messages", "bank", 1, seconds=34.5)),
        "P9 queued_messages{bank} is 1 at 1772596834.500, when every message has ended",
    ),
    "a_slot_is_never_given_back": (
        both(gauge("binds", "bank", 1, seconds=27.0), gauge("slots_taken", "north/0", 1, seconds=33.0)),
        "P9 slots_taken{north/0} is 1 at 1772596833.000, when every message has ended",
    ),
    "a_task_fails": (
        added(Logged(at(4), "task.failed", "doing=x")),
        "task.failed at 1772596804.000",
    ),
    "a_link_fails": (
        added(Logged(at(4), "link.failed", "")),
        "link.failed at 1772596804.000",
    ),
}
