"""P9: what the gauges show never exceeds what the plan allows; and what the gateway must never log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.sim import stored as db
from tests.sim.allowance import ROUNDING_S, commit_s, settled_s
from tests.sim.checks_relays import carriers
from tests.sim.journal import (
    Connected,
    DeliverAnswered,
    Died,
    Gauged,
    Journal,
    Replied,
    Reported,
    Stopped,
)
from tests.sim.plan import RETRY_MAX_S, Plan
from tests.sim.seen import ROK, Seen
from tests.sim.stored import Message, Stored

_RECOUNT_S = 15.0
_SEGMENT_OCTETS = 140

_NEVER = ("task.failed", "link.failed")


def logs(seen: Seen) -> Iterator[str]:
    """A failure that nobody expected is a defect."""
    for entry in seen.logged:
        if entry.event in _NEVER:
            yield f"{entry.event} at {entry.at:.3f}: {entry.words}"


def gauges(journal: Journal, seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """P9: each gauge is within its limit, and none is negative."""
    maxima = _maxima(seen, stored, plan)
    # How much each connection of a carrier in this life has asked and not heard the answer of.
    asked: dict[int, int] = {}
    for entry in journal.entries:
        match entry:
            case Connected(side="carrier"):
                asked[entry.connection] = 0
            case Died() | Stopped():
                asked.clear()
            case Reported() | Replied() if entry.connection in asked:
                asked[entry.connection] += 1
            case DeliverAnswered() if entry.connection in asked:
                asked[entry.connection] -= 1
            case Gauged():
                most = maxima.get((entry.gauge, entry.of))
                if entry.gauge == "inbound":
                    most = _inbound_max(asked, plan)
                if entry.value < 0 or (most is not None and entry.value > most):
                    yield f"P9 {_name(entry)} is {entry.value:g} at {entry.at:.3f}, beyond 0 to {most}"


def _maxima(seen: Seen, stored: Stored, plan: Plan) -> dict[tuple[str, str], int]:
    """By gauge and label. `inbound` is bounded by connection: see `gauges`."""
    slots = {
        ("slots_taken", f"{name}/{bind}"): manners.window_max
        for name, manners in carriers(plan).items()
        for bind in range(manners.binds)
    }
    queues = {("queued_messages", account): most for account, most in _queued_max(seen, stored, plan).items()}
    # A segment that nobody knew to be stored, or to wait still, is found by the next life, in its own set.
    unknown = sum(row.place is None and _is_unknown(row, seen) for row in stored.messages.values())
    accounts = len(plan.customers)
    octets = accounts * plan.reassembly_octets_max + unknown * _SEGMENT_OCTETS
    return (
        slots
        | queues
        | {
            ("intake", ""): plan.intake_max,
            ("deliveries", ""): _deliveries_max(plan),
            ("reassemblies", ""): accounts * plan.reassemblies_max + unknown,
            ("reassembly_octets", ""): octets,
        }
    )


def _is_unknown(row: Message, seen: Seen) -> bool:
    """Whether no customer was ever told of this row, or not what became of another of its message."""
    message_id = str(row.message_id)
    pieces = seen.pieces.get(row.token or 0)
    return pieces is not None and (
        any(p.answer is None for p in pieces)
        or not any(p.answer is not None and p.answer.message_id == message_id for p in pieces)
    )


def _inbound_max(asked: dict[int, int], plan: Plan) -> int:
    """How many deliver_sm of carriers can be in hand: inbound_max of each connection that has asked so many.

    What is answered counts until the last of its batch is.
    """
    answered = min(plan.batch_max, plan.inbound_max * len(asked))
    return answered + sum(min(plan.inbound_max, count) for count in asked.values())


def _queued_max(seen: Seen, stored: Stored, plan: Plan) -> dict[str, int]:
    """How long an account's queue can be: queue_max is asked when a submit comes, and some come back later.

    Beyond it may go what is in the intake at that moment, what is with the carriers and may be queued again,
    what was in doubt and was answered late, and what was stored without anybody knowing, found by the next
    life.
    """
    windows = sum(manners.binds * manners.window_max for manners in plan.carriers)
    returned: Counter[str] = Counter()
    for move in stored.history:
        if (move.old, move.new) == (db.IN_DOUBT, db.QUEUED) and move.message_id in stored.messages:
            returned[stored.messages[move.message_id].account] += 1
    for row in stored.messages.values():
        returned[row.account] += row.key is not None and not _is_known(row, seen)
    # Each submit in the intake may turn into parts.
    parts = Counter({customer.name: 1 for customer in plan.customers})
    for row in stored.messages.values():
        parts[row.account] = max(parts[row.account], row.part)
    return {
        name: customer.queue_max - 1 + plan.intake_max * parts[name] + windows + returned[name]
        for customer in plan.customers
        for name in (customer.name,)
    }


def _is_known(row: Message, seen: Seen) -> bool:
    """Whether a customer was told that it was taken, in each of its segments."""
    pieces = seen.pieces.get(row.token or 0)
    if pieces is None:
        answer = seen.answers.get(row.token or 0)
        return answer is not None and answer.command_status == ROK
    told = {p.sent.segment for p in pieces if p.answer is not None and p.answer.command_status == ROK}
    return len(told) == pieces[0].sent.total


def _deliveries_max(plan: Plan) -> int:
    """How many deliveries can be in hand: for each account what waits, a page more, and its binds' windows.

    Twice, because what is answered is counted as in flight and as to be written down.
    """
    waiting = plan.deliveries_max + max(1, plan.deliveries_max // 2)
    return 2 * sum(waiting + customer.binds * customer.delivery_window_max for customer in plan.customers)


def nothing_left(journal: Journal, seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """Drained: when every message has ended, no queue counts one, and no slot is taken for one.

    A slot is also taken for a submit that is refused in the end, and to claim a message that was to be sent
    again and ended before it was due; a queue may be miscounted until it is counted again.
    """
    ends = [row.final_at for row in stored.messages.values() if row.final_at is not None]
    answers = [answer.at for line in seen.lines.values() for answer in line.submit_answers]
    last_at = max((*ends, *answers), default=0.0)
    quiet_at = seen.steady(last_at) + settled_s(plan)
    claimed_s = RETRY_MAX_S + commit_s(plan)
    since = {
        "queued_messages": quiet_at + _RECOUNT_S,
        "slots_taken": quiet_at + plan.response_s + claimed_s,
        "reassemblies": quiet_at + ROUNDING_S,
        "reassembly_octets": quiet_at + ROUNDING_S,
    }
    for entry in journal.of(Gauged):
        is_quiet = entry.at > last_at and seen.steady(entry.at) > since.get(entry.gauge, float("inf"))
        if entry.value and is_quiet:
            yield f"P9 {_name(entry)} is {entry.value:g} at {entry.at:.3f}, when every message has ended"


def _name(entry: Gauged) -> str:
    return f"{entry.gauge}{{{entry.of}}}" if entry.of else entry.gauge
