"""P6: receipts and replies are stored before the carrier is answered, and whoever is owed them is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.sim import stored as db
from tests.sim.allowance import ROUNDING_S, commit_s, settled_s
from tests.sim.checks_messages import ended_without_receipt, reusing_ids
from tests.sim.checks_relays import carriers
from tests.sim.journal import Delivered, Died, Replied, Reported
from tests.sim.plan import Plan
from tests.sim.seen import ROK, Seen, Told
from tests.sim.stored import Delivery, Message, Stored, last_digits

_ON_THE_WAY = (db.ENROUTE, 6)
_REFUSALS = (0x65, 0x66)  # ESME_RX_P_APPN, ESME_RX_R_APPN

# A carrier, the account that a reply is for (None: nobody's), and the recipient's number.
_Reply = tuple[str, str | None, str]


def told(seen: Seen, stored: Stored) -> Iterator[str]:
    """What a customer is told is true, its own, and asked for."""
    for message_id, delivered in seen.delivered.items():
        row = stored.messages.get(int(message_id)) if message_id.isdecimal() else None
        for receipt in delivered:
            said = f"state {receipt.message_state} of {message_id} at {receipt.at:.3f}"
            what = f"P6 {receipt.account} is told {said}"
            if row is None or row.account != receipt.account:
                yield f"{what}, which is no message of its own"
            elif receipt.final:
                yield from _told_end(what, receipt, row)
            elif receipt.message_state not in _ON_THE_WAY or not row.asks_for_news:
                yield f"{what}, which it did not ask for (registered_delivery {row.registered_delivery})"


def forwarded(seen: Seen, stored: Stored) -> Iterator[str]:
    """What a customer gets from a recipient is a reply to one of its own numbers."""
    replies = {(reply.account, reply.number) for reply in stored.inbound}
    for reply in seen.forwarded:
        if (reply.account, last_digits(reply.number)) not in replies:
            yield f"P6 {reply.account} gets a reply from {reply.number} at {reply.at:.3f}, and there is none"


def _told_end(what: str, receipt: Delivered, row: Message) -> Iterator[str]:
    if row.final_at is None or row.state != receipt.message_state:
        yield f"{what}, and stored is {row.state}"
    elif row.final_at > receipt.at + ROUNDING_S:
        yield f"{what}, before its end at {row.final_at:.3f}"
    if not row.asks_for_end(receipt.message_state):
        yield f"{what}, which it did not ask for (registered_delivery {row.registered_delivery})"


def owed(stored: Stored) -> Iterator[str]:
    """An end that was asked for is owed once, from the moment on at which it is stored; no other is."""
    ends = Counter(delivery.message_id for delivery in stored.deliveries if delivery.is_end)
    for row in stored.messages.values():
        wanted = int(row.final_at is not None and row.asks_for_end(row.state))
        if ends[row.message_id] != wanted:
            yield f"P6 the end of message {row.message_id} is owed {ends[row.message_id]} times, not {wanted}"
    for delivery in stored.deliveries:
        if delivery.message_id is None:
            continue
        owner = stored.messages.get(delivery.message_id)
        if owner is None or owner.account != delivery.account:
            yield f"P6 delivery {delivery.delivery_id} to {delivery.account} is of no message of its own"
    yield from _owed_replies(stored)
    yield from _owed_news(stored)


def _owed_news(stored: Stored) -> Iterator[str]:
    """Carriers know one state on the way here, and of a text in parts it is told once."""
    news = Counter(d.message_id for d in stored.deliveries if d.message_id is not None and not d.is_end)
    for row in stored.messages.values():
        if row.place is None and news[row.message_id] > 1:
            yield f"P6 that message {row.message_id} is on its way is owed {news[row.message_id]} times"


def _owed_replies(stored: Stored) -> Iterator[str]:
    replies = {d.delivery_id: d.account for d in stored.deliveries if d.message_id is None}
    for reply in stored.inbound:
        if replies.pop(reply.inbound_id, None) != reply.account:
            yield f"P6 the reply {reply.inbound_id} from {reply.number} is not owed to {reply.account}"
    for delivery_id, account in replies.items():
        yield f"P6 delivery {delivery_id} to {account} is of no reply"


def kept(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """What a carrier was answered 0 for is stored."""
    in_hex = {name for name, manners in carriers(plan).items() if manners.ids == "hex"}
    for reports in seen.reports.values():
        for report in reports:
            said = report.said
            if report.kept_at is None or not isinstance(said, Reported):
                continue
            raw = said.carrier_message_id
            # It is told in decimal what was answered in hex.
            message_id = str(int(raw, 16)) if said.carrier in in_hex else raw
            states = {said.message_state}
            if said.message_state not in db.LAST_WORDS:
                states.add(db.ENROUTE)  # what is news is stored as that
            if not any((said.carrier, message_id, state) in stored.receipts for state in states):
                what = f"state {said.message_state} of {message_id} (token {said.token})"
                yield f"P6 {what}, answered 0 to {said.carrier} at {report.kept_at:.3f}, is not stored"
    yield from _kept_replies(seen, stored)


def _kept_replies(seen: Seen, stored: Stored) -> Iterator[str]:
    rows: Counter[_Reply] = Counter((reply.carrier, reply.account, reply.number) for reply in stored.inbound)
    answered: Counter[_Reply] = Counter()
    sent: Counter[_Reply] = Counter()
    for reply in seen.replies:
        said = reply.said
        if not isinstance(said, Replied):
            continue
        key: _Reply = (said.carrier, said.account, last_digits(said.number))
        sent[key] += 1
        if reply.kept_at is None:
            continue
        answered[key] += 1
        if said.opts_out and not stored.has_opted_out(key[2], said.account):
            what = f"{key[2]} opted out of {said.account}, answered at {reply.kept_at:.3f}"
            yield f"P6 {what}, which is not stored"
    for key in rows.keys() | answered.keys():
        if not answered[key] <= rows[key] <= sent[key]:
            yield (
                f"P6 of {sent[key]} replies {key}, {answered[key]} of them answered 0, {rows[key]} are stored"
            )


def finished(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """A delivery is finished by the customer's answer, or given up when its time is over, which is logged."""
    abandoned = Counter(
        word
        for entry in seen.logged
        if entry.event == "delivery.abandoned"
        for word in entry.words.split()
        if word.startswith("message_id=")
    )
    for delivery in stored.deliveries:
        if delivery.finished_at is None:
            continue
        what = f"P6 {_name(delivery)}"
        if delivery.outcome == db.DELIVERY_ABANDONED:
            if delivery.finished_at - delivery.created_at < plan.receipt_ttl_s:
                yield f"{what} is given up at {delivery.finished_at:.3f}, before receipt_ttl_s is over"
            if not abandoned[f"message_id={delivery.message_id}"] and not _died(seen, delivery, plan):
                yield f"{what} is given up at {delivery.finished_at:.3f} without a word in the log"
        elif delivery.message_id is not None and not _answered(seen, delivery):
            yield f"{what} is finished with outcome {delivery.outcome}, which no answer brought about"
    yield from _finished_replies(seen, stored)


def _finished_replies(seen: Seen, stored: Stored) -> Iterator[str]:
    numbers = {reply.inbound_id: reply.number for reply in stored.inbound}
    acknowledged = Counter(
        (delivery.account, numbers.get(delivery.delivery_id))
        for delivery in stored.deliveries
        if delivery.message_id is None and delivery.outcome == db.DELIVERY_ACKNOWLEDGED
    )
    got = Counter((f.account, last_digits(f.number)) for f in seen.forwarded if f.command_status == ROK)
    for (account, number), count in acknowledged.items():
        if got[account, number or ""] < count:
            yield f"P6 {count} replies from {number} to {account} are acknowledged, and fewer were answered 0"


def _answered(seen: Seen, delivery: Delivery) -> bool:
    wanted = (ROK,) if delivery.outcome == db.DELIVERY_ACKNOWLEDGED else _REFUSALS
    return any(
        receipt.command_status in wanted and receipt.final == delivery.is_end
        for receipt in seen.delivered.get(str(delivery.message_id), ())
    )


def _died(seen: Seen, delivery: Delivery, plan: Plan) -> bool:
    """Whether the gateway died between the commit and the log."""
    since = delivery.finished_at or 0.0
    return any(
        isinstance(end, Died) and since - ROUNDING_S <= end.at <= since + commit_s(plan)
        for end in seen.life_ends
    )


# -- drained


def delivered(seen: Seen, stored: Stored) -> Iterator[str]:
    """Drained: nothing is owed any more, and who asked for an end was told it or is known not to be."""
    excused = set()
    for delivery in stored.deliveries:
        if delivery.finished_at is None:
            yield f"P6 {_name(delivery)} is still owed"
        elif delivery.is_end and delivery.outcome in (db.DELIVERY_REFUSED, db.DELIVERY_ABANDONED):
            excused.add(delivery.message_id)
    for row in stored.messages.values():
        if row.final_at is None or not row.asks_for_end(row.state) or row.message_id in excused:
            continue
        receipts = seen.delivered.get(str(row.message_id), ())
        if not any(r.final and r.command_status == ROK and r.account == row.account for r in receipts):
            yield f"P6 {row.account} never acknowledged state {row.state} of message {row.message_id}"


def reflected(seen: Seen, stored: Stored, plan: Plan) -> Iterator[str]:
    """Drained: the first last word that a carrier was answered 0 for is the end of its message.

    That is asked only where the id of its submit is stored, and where carriers do not use ids again.
    """
    again = reusing_ids(plan)
    for key, reports in seen.reports.items():
        row = stored.by_key.get(key)
        last_words = [r for r in reports if _reported(r).message_state in db.LAST_WORDS]
        if row is not None and not any(_reported(report).carrier in again for report in last_words):
            yield from _reflected(seen, stored, row, last_words, plan)


def _reflected(seen: Seen, stored: Stored, row: Message, last_words: list[Told], plan: Plan) -> Iterator[str]:
    known_at = {
        (a.carrier, a.carrier_message_id): a.answered_at or 0.0
        for a in stored.attempts[row.message_id]
        if a.outcome == db.ATTEMPT_ACCEPTED
    }
    certain = [
        (report.kept_at, known_at[_id(report)])
        for report in last_words
        if report.kept_at is not None and _id(report) in known_at
    ]
    if not certain:
        return
    # A receipt is worth something once its id is known, too.
    told_at = min(max(both) for both in certain)
    first = {_reported(r).message_state for r in last_words if _reported(r).at <= told_at}
    if row.state in first:
        return
    in_time = row.final_at is not None and seen.steady(row.final_at) <= seen.steady(told_at) + settled_s(plan)
    if not in_time or not ended_without_receipt(row, seen, stored):
        yield (
            f"P6 message {row.message_id} (token {row.token}) ended in state {row.state} at {row.final_at}, "
            f"but its carrier was answered 0 at {told_at:.3f} for one of {sorted(first)}"
        )


def _name(delivery: Delivery) -> str:
    return f"delivery {delivery.delivery_id} of {delivery.message_id} to {delivery.account}"


def _reported(report: Told) -> Reported:
    assert isinstance(report.said, Reported)
    return report.said


def _id(report: Told) -> tuple[str, str | None]:
    said = _reported(report)
    return said.carrier, said.carrier_message_id
