"""Long messages: what of a text is taken, judged, cut, carried, and how it ends.

A text that a customer sends whole is a row that its parts carry on; one in segments is a row for each
segment. Rows of one text share a whole_id. A segment that nobody knows to be stored may come again and be a
second row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.sim import stored as db
from tests.sim.allowance import ROUNDING_S, delay_s, settled_s
from tests.sim.checks_relays import carriers
from tests.sim.journal import Died, Relayed
from tests.sim.plan import PAYLOAD, PLAIN, SAR, UDH8, UDH16, CarrierManners, Plan
from tests.sim.seen import ROK, Piece, Seen
from tests.sim.stored import Message, Stored

# Octets of user data in a short message, and of text in a part by the form of the header.
_AIR_MAX = 140
_PART_MAX = {True: 132, False: 134}
_SAR_HEADER = 6

# From bad to good: a message ends as its worst part.
_WORST = (db.REJECTED, db.UNDELIVERABLE, db.EXPIRED, db.DELETED, db.UNKNOWN, db.DELIVERED)

_SWEEP_S, _START_S = 1.0, 2.0


def wrappers(rows: Sequence[Message]) -> list[Message]:
    """What a customer has sent of a text."""
    return [row for row in rows if not row.part]


def parts_of(rows: Sequence[Message]) -> list[Message]:
    """What is sent on of it, in order."""
    return sorted((row for row in rows if row.part), key=lambda row: row.part)


# -- of every committed state


def parts(stored: Stored, plan: Plan) -> Iterator[str]:
    """The rows of one text: all of its parts, for one recipient; and all segments, if it is sent on."""
    for whole_id, rows in stored.wholes.items():
        what = f"P1 long message {whole_id} (token {rows[0].token})"
        shared = {(row.account, row.token, row.destination) for row in rows}
        if len(shared) > 1:
            yield f"{what} has rows of different messages: {sorted(map(str, shared))}"
        sent = [row.part for row in parts_of(rows)]
        if sent != list(range(1, len(sent) + 1)):
            yield f"{what} has the parts {sent}"
        places = [row.segment for row in wrappers(rows)]
        if sent and {*places} != {*range(1, max(places, default=0) + 1)}:
            yield f"{what} is sent on, and its segments are {sorted(places)}"
        if any(row.state == db.JOINED for row in rows) and not sent:
            yield f"{what} is joined to no parts"
        if len(sent) > 1 and any(row.units != 1 for row in parts_of(rows)):
            yield f"{what} has parts of {[row.units for row in parts_of(rows)]} units"


def ends(stored: Stored) -> Iterator[str]:
    """P5: what a customer has sent ends as the parts do.

    One ends with one where both are as many, else all with the worst. One that is stored a second time may
    have waited for its fellows in vain, too.
    """
    for rows in stored.wholes.values():
        carried = parts_of(rows)
        if not carried:
            continue
        places = Counter(row.segment for row in wrappers(rows))
        states = [row.state if row.state in db.ENDS else None for row in carried]
        if len(places) == len(carried):
            by_place = dict(zip(sorted(places), states, strict=True))
        else:
            ended = [state for state in states if state is not None]
            worst = min(ended, key=_WORST.index) if len(ended) == len(states) else None
            by_place = dict.fromkeys(places, worst)
        for row in wrappers(rows):
            expected = by_place[row.segment]
            may_wait = {db.COLLECTING, db.REJECTED} if places[row.segment] > 1 else set()
            if row.state not in {db.JOINED if expected is None else expected, *may_wait}:
                yield (
                    f"P5 message {row.message_id} (token {row.token}, segment {row.segment}) is in state "
                    f"{row.state}, and its parts are in {[part.state for part in carried]}"
                )


# -- of what was seen


def pieces(seen: Seen, stored: Stored) -> Iterator[str]:
    """P1 and P2: each segment that was accepted has its row, one that was refused has none.

    The same segment sent again is answered with the same row, or has begun anew with another one.
    """
    rows: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for row in stored.messages.values():
        if not row.part and row.token is not None and row.token in seen.pieces:
            rows[row.token, row.segment].add(row.message_id)
    sent: defaultdict[tuple[int, int], list[Piece]] = defaultdict(list)
    for token, all_sent in seen.pieces.items():
        for piece in all_sent:
            sent[token, piece.sent.segment].append(piece)
            yield from _accepted(piece, stored)
    for (token, segment), found in rows.items():
        of_it = sent[token, segment]
        named = {
            p.answer.message_id for p in of_it if p.answer is not None and p.answer.command_status == ROK
        }
        unanswered = sum(piece.answer is None for piece in of_it)
        unnamed = {message_id for message_id in found if str(message_id) not in named}
        if len(unnamed) > unanswered:
            yield (
                f"P2 segment {segment} of token {token} is stored as {sorted(unnamed)} besides what was "
                f"accepted, and {unanswered} were never answered"
            )


def _accepted(piece: Piece, stored: Stored) -> Iterator[str]:
    sent, answer = piece.sent, piece.answer
    if answer is None or answer.command_status != ROK:
        return
    what = f"P1 the answer 0 at {answer.at:.3f} to segment {sent.segment} of token {sent.token}"
    row = stored.messages.get(int(answer.message_id)) if answer.message_id.isdecimal() else None
    if row is None:
        yield f"{what} names {answer.message_id!r}, which is not stored"
        return
    submitted = (sent.account, sent.destination, sent.token, sent.registered_delivery, sent.segment)
    kept = (row.account, row.destination, row.token, row.registered_delivery, row.segment)
    if kept != submitted or row.part:
        yield f"{what} names {answer.message_id}: stored is {kept}, submitted was {submitted}"


def incomplete(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """P5: segments whose fellows do not come end REJECTED when their time is over, not much later.

    Sooner only where all of them were sent, so that the last one can have been refused.
    """
    allowed_s = _SWEEP_S + delay_s(plan) + 2 * settled_s(plan)
    for row in stored.messages.values():
        if row.segment == 0 or row.part or row.token not in seen.pieces or row.final_at is None:
            continue
        if any(other.part for other in stored.wholes[row.whole_id or 0]):
            continue
        what = f"P5 message {row.message_id} (segment {row.segment} of token {row.token})"
        all_sent = seen.pieces[row.token]
        if row.state != db.REJECTED:
            yield f"{what} ended in state {row.state}, and was never part of a message"
        sent = {piece.sent.segment for piece in all_sent if piece.sent.at <= row.final_at + ROUNDING_S}
        if row.final_at < row.deadline_at and len(sent) < all_sent[0].sent.total:
            yield f"{what} ended at {row.final_at:.3f}, before its time was over, and not all of it was sent"
        down_s = sum(
            _START_S + settled_s(plan)
            for end in seen.life_ends
            if isinstance(end, Died) and row.submitted_at <= end.at <= row.final_at
        )
        waited_s = seen.steady(row.final_at) - seen.steady(row.submitted_at)
        if waited_s > plan.reassembly_s + allowed_s + down_s:
            yield f"{what} waited for {waited_s:.3f} s, and reassembly_s is {plan.reassembly_s:g}"


def texts(seen: Seen, stored: Stored) -> Iterator[str]:
    """Drained: what carriers have of a text is the text, in its order."""
    got: defaultdict[int, dict[int, Relayed]] = defaultdict(dict)
    for (token, place), relayed in seen.copies.items():
        if _is_long(token, seen):
            got[token][place] = relayed[-1]
            if len({(relay.text, relay.total) for relay in relayed}) > 1:
                yield f"P3 {db.name((token, place))} is not the same each time that it is sent"
    for token, found in got.items():
        total = max(relay.total for relay in found.values())
        text = _text(token, seen)
        if text is None:
            yield f"P2 token {token} is at a carrier, and was never sent whole"
        elif len(found) == max(total, 1):
            if "".join(found[place].text for place in sorted(found)) != text:
                yield f"P3 token {token} does not read at its carrier as it was submitted"
        elif not all(relay.text in text for relay in found.values()):
            yield f"P3 token {token} has parts at its carrier that are not of its text"


def _is_long(token: int, seen: Seen) -> bool:
    return token in seen.submits and seen.submits[token].form != PLAIN


def _text(token: int, seen: Seen) -> str | None:
    """What a customer submitted under a token."""
    if token not in seen.pieces:
        return seen.submits[token].text if token in seen.submits else None
    found = {piece.sent.segment: piece.sent for piece in seen.pieces[token]}
    total = seen.pieces[token][0].sent.total
    if len(found) < total:
        return None
    return "".join(found[place].text for place in range(1, total + 1))


def at_carriers(seen: Seen, plan: Plan) -> Iterator[str]:
    """A part is in its carrier's form, fits into a short message, and all parts are at one carrier."""
    by_name = carriers(plan)
    wide = UDH16 in {manners.long_form for manners in plan.carriers}
    at: defaultdict[int, set[str]] = defaultdict(set)
    parted = set()
    for key, relayed in seen.copies.items():
        for relay in relayed:
            if not _is_long(relay.token, seen):
                continue
            at[relay.token].add(relay.carrier)
            if relay.total:
                parted.add(relay.token)
            what = f"P3 {db.name(key)} is at {relay.carrier} (at {relay.at:.3f})"
            wanted = _wanted(by_name[relay.carrier], plan)
            if (PAYLOAD if relay.form == PLAIN else relay.form) != wanted:
                yield f"{what} in the form {relay.form}, which wants {wanted}"
            octets = relay.octets + (_SAR_HEADER if relay.form == SAR else 0)
            if relay.total and octets > _AIR_MAX:
                yield f"{what} with {octets} octets of user data, more than {_AIR_MAX}"
            fewest = _fewest(relay.token, wide, seen)
            if relay.total and relay.total != fewest:
                yield f"{what} as one of {relay.total} parts, where {fewest} are enough"
    for token, names in at.items():
        # What went whole, in message_payload, may be sent again to another one.
        if len(names) > 1 and token in parted:
            yield f"P3 token {token} has parts at {sorted(names)}"


def _wanted(manners: CarrierManners, plan: Plan) -> str:
    """A carrier's form; whole texts only where every one wants them, since a text may go to another one."""
    if manners.long_form == PAYLOAD and any(other.long_form != PAYLOAD for other in plan.carriers):
        return UDH8
    return manners.long_form


def _fewest(token: int, wide: bool, seen: Seen) -> int:
    octets = 2 * len(_text(token, seen) or "")
    return -(-octets // _PART_MAX[wide])


def references(seen: Seen, stored: Stored) -> Iterator[str]:
    """All parts of a message have one reference, and no other that is on its way to the number has it."""
    used: defaultdict[tuple[str, int], list[tuple[float, float, int]]] = defaultdict(list)
    of: defaultdict[int, list[Relayed]] = defaultdict(list)
    for (token, place), relayed in seen.copies.items():
        of[token] += relayed if place else ()
    for token, relayed in of.items():
        if not relayed:
            continue
        refs = {relay.reference for relay in relayed}
        if len(refs) > 1:
            yield f"P3 token {token} has parts with the references {sorted(refs)}"
        rows = [row for row in stored.messages.values() if row.token == token and row.part]
        until = max((row.final_at or seen.ended_at for row in rows), default=0.0)
        first = min(relayed, key=lambda relay: relay.at)
        used[db.last_digits(first.destination), first.reference].append((first.at, until, token))
    for (number, reference), spans in used.items():
        spans.sort()
        for (_, until, one), (at, _, other) in pairwise(spans):
            if at < until - ROUNDING_S:
                yield f"P3 tokens {one} and {other} to {number} have the reference {reference} at {at:.3f}"
