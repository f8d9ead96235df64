"""What a seed stands for: how big everything is and how often what goes wrong, drawn afresh by each seed.

Swarm testing: a run that has every fault at a middling rate never gets deep into any of them. So each seed
leaves most faults out, makes some frequent, and makes much of it small: windows of 1, batches of 1, caps
of 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

PLAIN, PAYLOAD, UDH8, UDH16, SAR = "plain", "payload", "udh8", "udh16", "sar"
LONG_FORMS = (PAYLOAD, UDH8, UDH16, SAR)

# The longest wait before a message is tried again.
RETRY_MAX_S = 8.0


@dataclass(frozen=True, slots=True)
class Weather:
    """The network: delays in seconds, and what share of writes or connections meets which fate."""

    latency_s: float
    pieces: float  # writes that arrive in pieces, now and then octet by octet
    stalls: float  # writes that are held up for `stall_s`
    stall_s: float
    resets: float  # writes upon which the connection is reset
    half_opens: float  # connections that go silent without an end
    refusals: float  # connections to a carrier that are refused


@dataclass(frozen=True, slots=True)
class Disk:
    """The store: how long a commit takes, and what share of them fails in which way."""

    commit_s: float
    fails: float  # nothing is stored, and an error says so
    loses_answer: float  # everything is stored, and an error says it may not be
    statements_fail: float  # a statement fails: disk full, input/output error


@dataclass(frozen=True, slots=True)
class CarrierManners:
    """What share of submits a carrier answers how, and what it makes of receipts."""

    binds: int
    window_max: int
    rate_per_s: float | None
    burst: int
    answer_s: float
    throttles: float
    refuses: float
    ignores: float
    answers_late: float
    answers_garbage: float
    receipt_s: float
    receipts_early: float  # before the response
    receipts_twice: float
    receipts_never: float
    fails: float  # receipts that say UNDELIV or EXPIRED
    news: float  # intermediate receipts before the end
    replies_td: float  # recipients who answer TD
    disconnects: float  # after a submit
    ids: str  # "decimal", "hex" (answer in hex, receipt in decimal), "again" (few ids, used again)
    long_form: str  # how it wants long messages: "udh8", "udh16", "sar", "payload"


@dataclass(frozen=True, slots=True)
class CustomerManners:
    """One account: its contract's sizes, and how it behaves."""

    name: str
    quota: int
    binds: int
    window_max: int
    delivery_window_max: int
    queue_max: int
    throttle_per_s: float | None
    burst: int
    resend: bool  # in_doubt = "resend", else "park"
    all_hours: bool
    refunds: bool  # charge = "delivered": what never arrives is given back
    holds: bool  # outside of the hours: keeps messages until they open, or refuses them
    messages: int
    every_s: float
    overruns: float  # submits beyond its window
    invalid: float  # texts that break the contract
    numbers: int  # how many recipients it has: few, so that opt-outs matter
    wants_receipt: float
    ignores_deliveries: float
    refuses_deliveries: float
    leaves: float  # deliveries upon which it drops its connection
    away_s: float
    forms: tuple[str, ...]  # of its texts, in turn: "plain", or long as "payload", "udh8", "udh16", "sar"
    parts_max: int  # how many parts a long text has at most
    shuffles: float  # long texts whose segments come in any order
    gaps: float  # those of which a segment is never sent
    repeats: float  # segments that are sent once more, at once or late
    insists: float  # segments without an answer, or with a negative one, that are sent again


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `crash_every_s` is None for a gateway that lives until it is stopped."""

    seed: int
    begins_at: str  # local time of day, near the ends of the sending hours for some
    faults_s: float  # how long phase one lasts
    crash_every_s: float | None
    batch_max: int
    intake_max: int
    inbound_max: int
    deliveries_max: int
    message_ttl_s: float
    in_doubt_s: float
    receipt_ttl_s: float
    response_s: float
    weather: Weather
    disk: Disk
    carriers: tuple[CarrierManners, ...]
    customers: tuple[CustomerManners, ...]
    segments_max: int
    reassembly_s: float
    reassemblies_max: int
    reassembly_octets_max: int


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    chance = Random(seed)
    carriers = tuple(_carrier(chance) for _ in range(chance.choice((1, 1, 2))))
    return Plan(
        seed=seed,
        begins_at=chance.choice((*["12:00"] * 5, "16:59", "07:59", "23:30")),
        faults_s=chance.choice((20.0, 60.0, 240.0)),
        crash_every_s=chance.choice((None, 5.0, 20.0, 60.0)),
        batch_max=chance.choice((1, 2, 3, 100)),
        intake_max=chance.choice((2, 5, 100)),
        inbound_max=chance.choice((2, 5, 100)),
        deliveries_max=chance.choice((2, 5, 100)),
        message_ttl_s=chance.choice((60.0, 600.0, 86_400.0)),
        in_doubt_s=chance.choice((5.0, 30.0)),
        receipt_ttl_s=chance.choice((120.0, 604_800.0)),
        response_s=chance.choice((2.0, 5.0)),
        weather=_weather(chance),
        disk=_disk(chance),
        carriers=carriers,
        customers=tuple(_customer(chance, name) for name in ("bank", "shop")[: chance.choice((1, 2))]),
        segments_max=chance.choice((3, 20, 20)),
        reassembly_s=chance.choice((2.0, 10.0, 60.0)),
        reassemblies_max=chance.choice((1, 2, 100)),
        reassembly_octets_max=chance.choice((400, 100_000, 100_000)),
    )


def _maybe(chance: Random, *shares: float) -> float:
    """Mostly none of a fault; else one of these shares."""
    return chance.choice(shares) if chance.random() < 0.35 else 0.0


def _weather(chance: Random) -> Weather:
    return Weather(
        latency_s=chance.choice((0.001, 0.02, 0.3)),
        pieces=_maybe(chance, 0.1, 0.9),
        stalls=_maybe(chance, 0.02, 0.1),
        stall_s=chance.choice((0.5, 8.0)),
        resets=_maybe(chance, 0.002, 0.02),
        half_opens=_maybe(chance, 0.05, 0.3),
        refusals=_maybe(chance, 0.2, 0.6),
    )


def _disk(chance: Random) -> Disk:
    return Disk(
        commit_s=chance.choice((0.001, 0.02, 0.5)),
        fails=_maybe(chance, 0.01, 0.1),
        loses_answer=_maybe(chance, 0.01, 0.1),
        statements_fail=_maybe(chance, 0.001, 0.005),
    )


def _carrier(chance: Random) -> CarrierManners:
    return CarrierManners(
        binds=chance.choice((1, 1, 2)),
        window_max=chance.choice((1, 2, 10)),
        rate_per_s=chance.choice((None, None, 2.0, 20.0)),
        burst=chance.choice((1, 5)),
        answer_s=chance.choice((0.001, 0.1, 1.5)),
        throttles=_maybe(chance, 0.1, 0.5),
        refuses=_maybe(chance, 0.05, 0.3),
        ignores=_maybe(chance, 0.02, 0.3),
        answers_late=_maybe(chance, 0.02, 0.2),
        answers_garbage=_maybe(chance, 0.01, 0.05),
        receipt_s=chance.choice((0.01, 2.0, 30.0)),
        receipts_early=_maybe(chance, 0.2, 0.9),
        receipts_twice=_maybe(chance, 0.2, 0.5),
        receipts_never=_maybe(chance, 0.05, 0.5),
        fails=_maybe(chance, 0.2, 0.5),
        news=_maybe(chance, 0.3),
        replies_td=_maybe(chance, 0.05, 0.2),
        disconnects=_maybe(chance, 0.02, 0.1),
        ids=chance.choice(("decimal", "decimal", "hex", "again")),
        long_form=chance.choice(LONG_FORMS),
    )


def _customer(chance: Random, name: str) -> CustomerManners:
    return CustomerManners(
        name=name,
        quota=chance.choice((5, 40, 1000, 1000, 1000)),
        binds=chance.choice((1, 2)),
        window_max=chance.choice((1, 2, 10)),
        delivery_window_max=chance.choice((1, 2, 10)),
        queue_max=chance.choice((2, 10, 1000)),
        throttle_per_s=chance.choice((None, None, 1.0, 10.0)),
        burst=chance.choice((1, 5)),
        resend=chance.random() < 0.4,
        all_hours=chance.random() < 0.5,
        refunds=chance.random() < 0.4,
        holds=chance.random() < 0.7,
        messages=chance.choice((5, 30, 80)),
        every_s=chance.choice((0.0, 0.05, 1.0)),
        overruns=_maybe(chance, 0.1, 0.5),
        invalid=_maybe(chance, 0.1, 0.4),
        numbers=chance.choice((2, 20, 500)),
        wants_receipt=chance.choice((0.0, 0.5, 1.0, 1.0)),
        ignores_deliveries=_maybe(chance, 0.05, 0.3),
        refuses_deliveries=_maybe(chance, 0.05, 0.3),
        leaves=_maybe(chance, 0.02, 0.1),
        away_s=chance.choice((0.5, 20.0)),
        forms=_forms(chance),
        parts_max=chance.choice((2, 3, 6)),
        shuffles=_maybe(chance, 0.2, 1.0),
        gaps=_maybe(chance, 0.1, 0.5),
        repeats=_maybe(chance, 0.1, 0.5),
        insists=chance.choice((0.0, 0.5, 0.9)),
    )


def _forms(chance: Random) -> tuple[str, ...]:
    """Some send no long texts, and nobody only those."""
    if chance.random() < 0.4:
        return (PLAIN,)
    long = [chance.choice(LONG_FORMS) for _ in range(chance.choice((1, 2)))]
    return (PLAIN, *long, *[PLAIN] * chance.choice((0, 2, 4)))
