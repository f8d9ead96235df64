"""A short run in which much happens and nothing goes wrong but the one crash that is asked for."""

from __future__ import annotations

from dataclasses import replace

from tests.sim.plan import CarrierManners, CustomerManners, Disk, Plan, Weather

_PARKING = Plan(
    seed=1,
    begins_at="12:00",
    faults_s=15.0,
    crash_every_s=None,
    batch_max=2,
    intake_max=100,
    inbound_max=100,
    deliveries_max=100,
    message_ttl_s=600.0,
    in_doubt_s=5.0,
    receipt_ttl_s=604_800.0,
    response_s=2.0,
    weather=Weather(0.02, 0, 0, 0, 0, 0, 0),
    disk=Disk(0.02, 0, 0, 0),
    carriers=(
        CarrierManners(
            binds=1,
            window_max=2,
            rate_per_s=None,
            burst=1,
            answer_s=0.2,
            throttles=0.2,
            refuses=0.1,
            ignores=0.0,
            answers_late=0.0,
            answers_garbage=0.0,
            receipt_s=0.5,
            receipts_early=0.3,
            receipts_twice=0.2,
            receipts_never=0.0,
            fails=0.2,
            news=0.2,
            replies_td=0.1,
            disconnects=0.0,
            ids="decimal",
            long_form="udh8",
        ),
    ),
    customers=(
        CustomerManners(
            name="bank",
            quota=9,
            binds=1,
            window_max=2,
            delivery_window_max=2,
            queue_max=100,
            throttle_per_s=None,
            burst=1,
            resend=False,
            all_hours=True,
            refunds=False,
            holds=True,
            messages=7,
            every_s=0.05,
            overruns=0.0,
            invalid=0.1,
            numbers=20,
            wants_receipt=1.0,
            ignores_deliveries=0.0,
            refuses_deliveries=0.0,
            leaves=0.0,
            away_s=0.5,
            forms=("plain", "udh8", "plain", "payload", "plain", "plain"),
            parts_max=2,
            shuffles=0.0,
            gaps=0.0,
            repeats=0.0,
            insists=0.0,
        ),
    ),
    segments_max=20,
    reassembly_s=5.0,
    reassemblies_max=10,
    reassembly_octets_max=10_000,
)


def short_plan(resend: bool) -> Plan:
    """With an account that wants a submit without an answer sent again, or parked."""
    (customer,) = _PARKING.customers
    return replace(_PARKING, customers=(replace(customer, resend=resend),))
