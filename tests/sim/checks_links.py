"""What a connection owes its peer: one response to each request, none to anything else, within the window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import ceil

from tests.sim.allowance import commit_s, delay_s
from tests.sim.checks_relays import crowded
from tests.sim.plan import Plan
from tests.sim.seen import ROK, Line, Seen


def responses(seen: Seen) -> Iterator[str]:
    """No request gets a second response, and no response is one to nothing."""
    for line in seen.lines.values():
        requests = {*line.submitted, *line.told}
        answered = [answer.sequence_number for answer in line.submit_answers]
        answered += [answer.sequence_number for answer in line.told_answers]
        answers = Counter(answered)
        for number, count in answers.items():
            what = f"connection {line.connection} of {line.peer}: sequence_number {number}"
            if number not in requests:
                yield f"{what} was answered and never sent"
            if count > 1:
                yield f"{what} was answered {count} times"


def sequence_numbers(seen: Seen) -> Iterator[str]:
    """The gateway gives each of its requests on a connection a number of its own."""
    for line in seen.lines.values():
        sent = Counter(relay.sequence_number for relay in line.relayed)
        sent.update(delivery.sequence_number for delivery in line.delivered)
        for number, count in sent.items():
            if count > 1:
                yield (
                    f"connection {line.connection} of {line.peer}: the gateway sent {count} requests with "
                    f"sequence_number {number}"
                )


def unanswered(seen: Seen, plan: Plan) -> Iterator[str]:
    """A submit without an answer is one whose connection ended first.

    Submits are admitted in the order they come, but for segments, which wait for each other: who sees a later
    one accepted knows that this one was forgotten. A connection on which nothing is answered any more is
    stuck, unless it has gone silent.
    """
    for line in seen.lines.values():
        answered = {answer.sequence_number: answer for answer in line.submit_answers}
        missing = [submit for submit in line.submitted.values() if submit.sequence_number not in answered]
        if not missing:
            continue
        accepted = [
            submit
            for submit in line.submitted.values()
            if not submit.total
            and (answer := answered.get(submit.sequence_number)) is not None
            and answer.command_status == ROK
        ]
        last_accepted = max((submit.sequence_number for submit in accepted), default=0)
        for submit in missing:
            if not submit.total and submit.sequence_number < last_accepted:
                yield (
                    f"connection {line.connection} of {line.peer}: token {submit.token}, sent at "
                    f"{submit.at:.3f}, was never answered, and later ones were"
                )
        if not plan.weather.half_opens:
            yield from _stuck(line, missing[0].at, seen, plan)


def _stuck(line: Line, missing_since: float, seen: Seen, plan: Plan) -> Iterator[str]:
    since = max([missing_since, *(answer.at for answer in line.submit_answers)])
    ended_at = seen.end_of(line)
    if seen.steady(ended_at) - seen.steady(since) > _answer_s(plan):
        yield (
            f"connection {line.connection} of {line.peer}: no submit was answered from {since:.3f} to "
            f"{ended_at:.3f}, where the connection ended"
        )


def _answer_s(plan: Plan) -> float:
    """From a submit, or the answer to the one before it, to its answer at most: until its batch's turn."""
    at_once = min(plan.intake_max, sum(customer.binds * customer.window_max for customer in plan.customers))
    turns = ceil(at_once / plan.batch_max) + 1
    return plan.response_s + 2 * delay_s(plan) + turns * commit_s(plan)


def delivery_windows(seen: Seen, plan: Plan) -> Iterator[str]:
    """No more deliver_sm are outstanding on a connection than the account's window holds."""
    maxima = {customer.name: customer.delivery_window_max for customer in plan.customers}
    for line in seen.lines.values():
        if not line.delivered or line.peer not in maxima:
            continue
        sent = [(d.at, None if d.command_status is None else d.at) for d in line.delivered]
        for at, outstanding in crowded(sent, maxima[line.peer], plan.response_s - delay_s(plan)):
            yield (
                f"{outstanding} deliver_sm are outstanding at {at:.3f} on connection {line.connection} of "
                f"{line.peer}, whose delivery window is {maxima[line.peer]}"
            )
