"""P1, P2 and P5: what was accepted is stored, what was refused is not; each ends once, and for a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.sim import stored as db
from tests.sim.allowance import ROUNDING_S
from tests.sim.checks_relays import carriers
from tests.sim.journal import Replied, Reported
from tests.sim.plan import Plan
from tests.sim.seen import ROK, Seen
from tests.sim.stored import Message, Move, Stored, last_digits

_NEXTS = {
    None: frozenset({db.QUEUED, db.SUBMITTING, db.COLLECTING, db.JOINED}),
    db.COLLECTING: db.ENDS | {db.JOINED},
    db.JOINED: db.ENDS,
    db.QUEUED: db.ENDS | {db.SUBMITTING, db.ENROUTE},
    db.SUBMITTING: db.ENDS | {db.ENROUTE, db.QUEUED, db.IN_DOUBT},
    db.IN_DOUBT: db.ENDS | {db.ENROUTE, db.QUEUED},
    db.ENROUTE: db.ENDS,
}
_NOWHERE: frozenset[int] = frozenset()
# The statuses of the contract's rules, but for that of segments which are missing.
_RULES = frozenset(range(0x400, 0x500)) - {0x461}


def accepted(seen: Seen, stored: Stored) -> Iterator[str]:
    """P1: each answer of status 0 names a message of its own, which is what was submitted."""
    times = Counter(answer.message_id for answer in seen.answers.values() if answer.command_status == ROK)
    for token, answer in seen.answers.items():
        if answer.command_status != ROK:
            continue
        message_id, submit = answer.message_id, seen.submits[token]
        what = f"P1 the answer 0 at {answer.at:.3f} to token {token} names {message_id!r}"
        if times[message_id] > 1:
            yield f"{what}, and so does another answer"
        row = stored.messages.get(int(message_id)) if message_id.isdecimal() else None
        if row is None:
            yield f"{what}, which is not stored"
            continue
        submitted = (submit.account, submit.destination, token, submit.registered_delivery)
        kept = (row.account, row.destination, row.token, row.registered_delivery)
        if kept != submitted:
            yield f"{what}: stored is {kept}, submitted was {submitted}"


def refused(seen: Seen, stored: Stored) -> Iterator[str]:
    """P2: no row is one of a submit that was refused, that breaks the contract, or that nobody sent.

    A segment does not break the contract by itself.
    """
    for row in stored.messages.values():
        if row.token is None or row.token not in seen.submits:
            yield f"P2 message {row.message_id} is stored (token {row.token}), and nobody submitted it"
            continue
        submit, answer = seen.submits[row.token], seen.answers.get(row.token)
        if answer is not None and answer.command_status != ROK:
            yield (
                f"P2 message {row.message_id} is stored, but token {row.token} was refused with "
                f"{answer.command_status:#x} at {answer.at:.3f}"
            )
        if not submit.valid and not (submit.total and row.key is None):
            yield f"P2 message {row.message_id} is stored, but token {row.token} breaks the contract"


def refusals(seen: Seen, stored: Stored) -> Iterator[str]:
    """P2: what a rule of the contract refused is written down, and nothing that was accepted is.

    A segment that comes too late for its fellows is refused without a row.
    """
    kept = {row.token for row in stored.refusals}
    for row in stored.refusals:
        submit = seen.submits.get(row.token or 0)
        if submit is None or submit.account != row.account:
            what = f"P2 refusal {row.refusal_id} (token {row.token})"
            yield f"{what} is of nothing that {row.account} submitted"
    for token, answer in seen.answers.items():
        if answer.command_status == ROK and token in kept:
            yield f"P2 token {token} was accepted at {answer.at:.3f}, and is written down as refused"
    given = [
        *seen.answers.items(),
        *((token, p.answer) for token, pieces in seen.pieces.items() for p in pieces if p.answer),
    ]
    for token, answer in given:
        if answer.command_status in _RULES and token not in kept:
            yield (
                f"P2 token {token} was refused with {answer.command_status:#x} at {answer.at:.3f}, "
                "which is not written down"
            )


def stored_once(stored: Stored) -> Iterator[str]:
    """P2: one submit makes one message at most."""
    for key, count in Counter(row.key for row in stored.messages.values()).items():
        if key is not None and count > 1:
            yield f"P2 {db.name(key)} is stored as {count} messages"


def moves(stored: Stored) -> Iterator[str]:
    """P5: a message begins once, makes only moves that there are, and nothing changes it after its end."""
    begun: Counter[int] = Counter()
    last: dict[int, int] = {}
    for move in stored.history:
        last[move.message_id] = move.new
        begun[move.message_id] += move.old is None
        yield from _move(move)
    for row in stored.messages.values():
        if begun[row.message_id] != 1 or last.get(row.message_id) != row.state:
            yield f"P5 message {row.message_id} is in state {row.state}, which its history does not tell"
        if (row.final_at is not None) != (row.state in db.ENDS):
            yield f"P5 message {row.message_id} is in state {row.state} with the end {row.final_at}"


def _move(move: Move) -> Iterator[str]:
    if move.was_final:
        yield f"P5 message {move.message_id} changed after its end, from {move.old} to {move.new}"
    elif move.new not in _NEXTS.get(move.old, _NOWHERE):
        yield f"P5 message {move.message_id} went from {move.old} to {move.new}"


def reasons(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """P5: an end is what a carrier said of the message, or a deadline, an opt-out, a refusal brought about.

    Where a carrier uses ids again, nobody can tell whose receipt it was.
    """
    told = _Told(seen, reusing_ids(plan))
    for row in stored.messages.values():
        if row.final_at is None or row.key is None:
            continue
        if row.state not in told.states(row) and not ended_without_receipt(row, seen, stored):
            yield (
                f"P5 message {row.message_id} (token {row.token}) ended in state {row.state} at "
                f"{row.final_at:.3f} for no reason that was seen"
            )


def ended_without_receipt(row: Message, seen: Seen, stored: Stored) -> bool:
    """Whether something else than a receipt can have brought about its end."""
    if row.final_at is None or row.key is None:
        return False
    if db.fell(row, stored):
        return True
    if row.state in (db.EXPIRED, db.UNKNOWN):
        return row.deadline_at <= row.final_at
    if row.state == db.REJECTED:
        return any(answer.command_status != ROK for answer in seen.relay_answers.get(row.key, ()))
    if row.state != db.DELETED:
        return False
    recipient = (row.account, last_digits(row.destination))
    return any(
        isinstance(reply.said, Replied)
        and reply.said.opts_out
        and (reply.said.account, last_digits(reply.said.number)) == recipient
        and reply.said.at <= row.final_at + ROUNDING_S
        for reply in seen.replies
    )


def reusing_ids(plan: Plan) -> set[str]:
    """The carriers that use their ids again."""
    return {name for name, manners in carriers(plan).items() if manners.ids == "again"}


class _Told:
    """The last words that carriers sent, with their instants."""

    def __init__(self, seen: Seen, again: set[str]) -> None:
        self._copies = seen.copies
        self._again = again
        self._of = {
            key: [report.said for report in reports if isinstance(report.said, Reported)]
            for key, reports in seen.reports.items()
        }
        self._of_anybody = [
            said for all_said in self._of.values() for said in all_said if said.carrier in again
        ]

    def states(self, row: Message) -> set[int]:
        """Those that may have ended a message, told before it did."""
        assert row.key is not None
        assert row.final_at is not None
        said = self._of.get(row.key, [])
        if any(copy.carrier in self._again for copy in self._copies.get(row.key, ())):
            said = [*said, *self._of_anybody]
        until = row.final_at + ROUNDING_S
        return {r.message_state for r in said if r.at <= until and r.message_state in db.LAST_WORDS}


def all_ended(stored: Stored) -> Iterator[str]:
    """P5, drained: every message has its end."""
    for row in stored.messages.values():
        if row.final_at is None:
            yield f"P5 message {row.message_id} (token {row.token}) has no end, it is in state {row.state}"
