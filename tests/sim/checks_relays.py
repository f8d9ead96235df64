"""P3 and P4, and when nothing may be sent: copies at carriers, windows, hours, opt-outs, rates."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator

from tests.sim import stored as db
from tests.sim.allowance import ROUNDING_S, commit_s, delay_s
from tests.sim.journal import Relayed, Replied, SubmitAnswered, Submitted
from tests.sim.plan import CarrierManners, Plan
from tests.sim.seen import ROK, Line, Seen
from tests.sim.stored import Stored, last_digits, name

_DAY_S, _SHANGHAI_S = 86_400, 8 * 3_600
_OPENS_S, _CLOSES_S = 8 * 3_600, 17 * 3_600


def carriers(plan: Plan) -> dict[str, CarrierManners]:
    """By name, as they stand in the plan."""
    return dict(zip(("north", "south"), plan.carriers, strict=False))


def in_doubt(stored: Stored, plan: Plan) -> Iterator[str]:
    """P3, in a file that a crash left: at each carrier no more is being submitted than its windows hold."""
    submitting = Counter(row.carrier for row in stored.messages.values() if row.state == db.SUBMITTING)
    holds = {name: manners.binds * manners.window_max for name, manners in carriers(plan).items()}
    for carrier, count in submitting.items():
        most = holds.get(carrier or "", 0)
        if count > most:
            yield f"P3 {count} messages are being submitted to {carrier}, whose windows hold {most}"


def copies(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """P3 and P4: what a carrier has is an accepted message, and a second copy has a reason that is counted.

    A copy that was answered with an error is with nobody; any other may be with a recipient, and the next one
    is a resend.
    """
    resending = {customer.name for customer in plan.customers if customer.resend}
    for key, relayed in seen.copies.items():
        row, answer = stored.by_key.get(key), seen.answers.get(key[0])
        last = relayed[-1]
        what = f"P3 {name(key)} is at {last.carrier} (at {last.at:.3f})"
        if key[0] not in seen.submits:
            yield f"{what}, and nobody submitted it"
        if answer is not None and answer.command_status != ROK:
            yield f"{what}, and was refused with {answer.command_status:#x}"
        if row is None:
            yield f"{what}, and is not stored"
            continue
        if any(copy.destination != row.destination for copy in relayed):
            yield f"{what}, but not for {row.destination}"
        if len(relayed) > row.attempts:
            yield f"{what} {len(relayed)} times, of which {row.attempts} are counted as attempts"
        doubtful, allowed = seen.doubt_max[key], 1 + row.resends
        if row.account not in resending and (doubtful > 1 or row.resends):
            yield f"P4 {name(key)} of {row.account}, which parks, was resent: {doubtful} copies in doubt"
        elif doubtful > allowed:
            yield f"{what} with {doubtful} copies in doubt, of which {row.resends} are counted as resends"


def after_the_end(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """P5: nothing is sent any more when its end is stored."""
    allowed_s = delay_s(plan) + commit_s(plan)
    for key, relayed in seen.copies.items():
        row = stored.by_key.get(key)
        if row is None or row.final_at is None:
            continue
        last, ended_at = relayed[-1], row.final_at
        if seen.steady(last.at) > seen.steady(ended_at) + allowed_s:
            yield f"P5 {name(key)} is relayed at {last.at:.3f}, and ended at {ended_at:.3f}"


def windows(seen: Seen, plan: Plan) -> Iterator[str]:
    """P3: on no connection are more submits outstanding than its window holds.

    A submit that waits longer than response_s is not outstanding any more, for the gateway; here it is that
    already when it may have been sent so long ago.
    """
    by_name = carriers(plan)
    for line in _carrier_lines(seen, plan):
        sent = [(relay.at, _answered_at(line, relay)) for relay in line.relayed]
        window_max = by_name[line.peer].window_max
        for at, outstanding in crowded(sent, window_max, plan.response_s - delay_s(plan)):
            yield (
                f"P3 {outstanding} submits are outstanding at {at:.3f} on connection {line.connection} to "
                f"{line.peer}, whose window is {window_max}"
            )


def _answered_at(line: Line, relay: Relayed) -> float | None:
    answer = line.relay_answers.get(relay.sequence_number)
    return None if answer is None else answer.at


def crowded(
    sent: Iterable[tuple[float, float | None]], window_max: int, young_s: float
) -> Iterator[tuple[float, int]]:
    """When too many of these requests (sent at, answered at) wait, of those younger than `young_s`."""
    open_: deque[tuple[float, float | None]] = deque()
    for at, answered_at in sent:
        while open_ and at - open_[0][0] >= young_s:
            open_.popleft()
        outstanding = 1 + sum(until is None or until > at for _, until in open_)
        if outstanding > window_max:
            yield at, outstanding
        open_.append((at, answered_at))


def hours(seen: Seen, plan: Plan) -> Iterator[str]:
    """Clause 五(5): nothing is sent outside 08:00-17:00 for an account that is held to it."""
    held = {customer.name for customer in plan.customers if not customer.all_hours}
    # The hours are judged when a submit is read and when a message is claimed; then it is committed.
    allowed_s = delay_s(plan) + 2 * commit_s(plan)
    for key, relayed in seen.copies.items():
        submit = seen.submits.get(key[0])
        if submit is None or submit.account not in held:
            continue
        for relay in relayed:
            time_of_day = (relay.at + _SHANGHAI_S) % _DAY_S
            is_open = _OPENS_S - ROUNDING_S <= time_of_day <= _CLOSES_S + allowed_s
            if not is_open and not seen.leapt(relay.at, allowed_s):
                hour, minute = divmod(int(time_of_day) // 60, 60)
                yield (
                    f"clause 五(5): {name(key)} of {submit.account} is relayed at {relay.at:.3f}, "
                    f"{hour:02}:{minute:02} in Shanghai"
                )


def opt_outs(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """Clause 一(3): once a recipient's TD is answered, the customer's messages to the number end.

    What was claimed before is on its way; a submit that is sent after it is refused.
    """
    silent_since: dict[tuple[str, str], float] = {}
    for reply in seen.replies:
        said = reply.said
        if isinstance(said, Replied) and said.opts_out and reply.kept_at is not None:
            recipient = (said.account, last_digits(said.number))
            silent_since[recipient] = min(reply.kept_at, silent_since.get(recipient, reply.kept_at))
    if not silent_since:
        return
    for answer, submit in _accepted(seen):
        since = silent_since.get((submit.account, last_digits(submit.destination)))
        if since is not None and submit.at > since and _stored_at(answer, stored) > since:
            yield (
                f"{_opted_out(submit, since)}, and token {submit.token}, submitted at {submit.at:.3f}, "
                "was accepted"
            )
    allowed_s = delay_s(plan) + commit_s(plan)
    for key, relayed in seen.copies.items():
        sent = seen.submits.get(key[0])
        if sent is None:
            continue
        since = silent_since.get((sent.account, last_digits(sent.destination)))
        for relay in relayed if since is not None else ():
            if since is not None and seen.steady(relay.at) > seen.steady(since) + allowed_s:
                yield f"{_opted_out(sent, since)}, and {name(key)} was relayed at {relay.at:.3f}"


def _opted_out(submit: Submitted, since: float) -> str:
    return f"clause 一(3): {submit.destination} opted out of {submit.account} at {since:.3f}"


def _accepted(seen: Seen) -> Iterator[tuple[SubmitAnswered, Submitted]]:
    """Every answer of status 0, and what it answers."""
    for line in seen.lines.values():
        for answer in line.submit_answers:
            submit = line.submitted.get(answer.sequence_number)
            if submit is not None and answer.command_status == ROK:
                yield answer, submit


def _stored_at(answer: SubmitAnswered, stored: Stored) -> float:
    """When what was accepted was: a segment that is sent again is answered as the first time."""
    row = stored.messages.get(int(answer.message_id)) if answer.message_id.isdecimal() else None
    return answer.at if row is None else row.submitted_at


def rates(seen: Seen, plan: Plan) -> Iterator[str]:
    """A bind sends no more than `burst` at once and `rate_per_s` after it, in any interval."""
    by_name = carriers(plan)
    for line in _carrier_lines(seen, plan):
        manners = by_name[line.peer]
        if manners.rate_per_s is None:
            continue
        # A token is taken before the intent is committed, and what was held up on the way arrives at once.
        spare = manners.burst + manners.rate_per_s * (delay_s(plan) + commit_s(plan)) + 1
        fewest = float("inf")
        for index, relay in enumerate(line.relayed):
            surplus = index - manners.rate_per_s * relay.at
            fewest = min(fewest, surplus)
            if surplus - fewest + 1 > spare:
                yield (
                    f"the rate of {line.peer} ({manners.rate_per_s}/s, burst {manners.burst}) is exceeded on "
                    f"connection {line.connection} at {relay.at:.3f} by token {relay.token}"
                )
                break


def _carrier_lines(seen: Seen, plan: Plan) -> list[Line]:
    """The connections on which something was relayed to a carrier of the plan."""
    names = carriers(plan)
    return [line for line in seen.lines.values() if line.relayed and line.peer in names]
