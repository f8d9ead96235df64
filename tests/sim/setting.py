"""The settings of the gateway that a plan asks for."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

from gateway.settings import (
    Account,
    Carrier,
    Charge,
    InDoubtPolicy,
    Limits,
    LongForm,
    Route,
    SegmentsMode,
    Settings,
    StatusStyle,
    Throttle,
    Timers,
)
from policy.content import ContentFilter
from policy.hours import Hours, HoursException
from policy.ruleset import compile_ruleset
from tests.gateway.carriers.samples import ZONE, a_carrier
from tests.gateway.customers.samples import a_customer
from tests.gateway.whole import settings_of
from tests.sim.customer import SENDER
from tests.sim.plan import RETRY_MAX_S, CarrierManners, CustomerManners, Plan

CARRIERS = ("north", "south")
_DAY = datetime(2026, 3, 4, tzinfo=ZONE)
_AT_ALL_HOURS = HoursException(datetime(2026, 1, 1, tzinfo=ZONE), None, "五(5)")


def begins_at(plan: Plan) -> float:
    """The instant at which the plan begins, unix seconds."""
    hour, minute = plan.begins_at.split(":")
    return _DAY.replace(hour=int(hour), minute=int(minute)).timestamp()


def settings(plan: Plan, store_path: Path) -> Settings:
    """What the administrator of that gateway has decided."""
    names = CARRIERS[: len(plan.carriers)]
    return settings_of(
        store_path,
        accounts=[_account(plan, manners) for manners in plan.customers],
        carriers=[_carrier(plan, name, manners) for name, manners in zip(names, plan.carriers, strict=True)],
        routes=[Route(account=None, prefix="", carriers=names)],
        limits=Limits(
            batch_max=plan.batch_max,
            intake_max=plan.intake_max,
            inbound_max=plan.inbound_max,
            deliveries_max=plan.deliveries_max,
            message_ttl_s=plan.message_ttl_s,
            in_doubt_s=plan.in_doubt_s,
            receipt_ttl_s=plan.receipt_ttl_s,
            retry_min_s=0.5,
            retry_max_s=RETRY_MAX_S,
            drain_s=10.0,
            segments_max=plan.segments_max,
            reassembly_s=plan.reassembly_s,
            reassemblies_max=plan.reassemblies_max,
            reassembly_octets_max=plan.reassembly_octets_max,
        ),
    )


def _account(plan: Plan, manners: CustomerManners) -> Account:
    throttle = manners.throttle_per_s
    hours = Hours(time(8), time(17), ZONE, (_AT_ALL_HOURS,) if manners.all_hours else ())
    return a_customer(
        name=manners.name,
        system_id=manners.name,
        ruleset=compile_ruleset(
            signatures=["中国银行"],
            content=ContentFilter({}),
            hours=hours,
            outside_hours="hold" if manners.holds else "refuse",
        ),
        source_addrs=(SENDER[manners.name],),
        segments=SegmentsMode.JOIN,
        statuses=StatusStyle.VENDOR,
        charge=Charge.DELIVERED if manners.refunds else Charge.ACCEPTED,
        in_doubt=InDoubtPolicy.RESEND if manners.resend else InDoubtPolicy.PARK,
        binds_max=manners.binds,
        window_max=manners.window_max,
        delivery_window_max=manners.delivery_window_max,
        queue_max=manners.queue_max,
        throttle=None if throttle is None else Throttle(throttle, manners.burst),
        timers=Timers(response_s=plan.response_s, enquire_link_s=10.0),
    )


def _carrier(plan: Plan, name: str, manners: CarrierManners) -> Carrier:
    rate = manners.rate_per_s
    return a_carrier(
        name=name,
        binds=manners.binds,
        window_max=manners.window_max,
        rate=None if rate is None else Throttle(rate, manners.burst),
        reconnect_min_s=0.5,
        reconnect_max_s=4.0,
        timers=Timers(response_s=plan.response_s, enquire_link_s=10.0),
        long_messages=LongForm(manners.long_form),
    )
