"""P7: each balance is the sum of its transfers, and each message is paid for once or not at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.sim import stored as db
from tests.sim.plan import Plan
from tests.sim.seen import Seen
from tests.sim.stored import Balance, Message, Stored, Transfer

_KINDS = {
    db.STAGE_TOPUP: (db.KIND_TOPUP,),
    db.STAGE_HOLD: (db.KIND_HOLD,),
    db.STAGE_RESOLUTION: (db.KIND_SETTLE, db.KIND_VOID),
    db.STAGE_REFUND: (db.KIND_REFUND,),
}
# No carrier has taken it for good: its hold is open.
_OPEN = (db.QUEUED, db.SUBMITTING, db.IN_DOUBT)
# Only a carrier that has taken it can say so: it is paid.
_PAID = (db.ENROUTE, db.DELIVERED, db.UNDELIVERABLE)


def balances(stored: Stored, plan: Plan) -> Iterator[str]:
    """topped up = remaining + held + settled + returned, none negative, each as the transfers say."""
    moved: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for transfer in stored.transfers:
        moved[transfer.account][transfer.kind] += transfer.units
    bought: Counter[str] = Counter()
    for lot in stored.lots:
        bought[lot.account] += lot.units
    quotas = {customer.name: customer.quota for customer in plan.customers}
    for account in moved.keys() | stored.balances.keys() | quotas.keys():
        balance = stored.balances.get(account)
        if balance is None:
            yield f"P7 {account} has transfers or a quota, and no balance"
            continue
        if balance.topped_up != sum(balance[2:]) or min(balance[1:]) < 0:
            yield f"P7 the balance of {account} does not add up: {balance}"
        said = _said(account, moved[account], balance.returned)
        if balance != said:
            yield f"P7 the balance of {account} is {balance}, and its transfers say {said}"
        if not balance.topped_up == bought[account] == quotas.get(account):
            yield f"P7 {account} bought {bought[account]} of {quotas.get(account)}: {balance}"


def _said(account: str, moved: Counter[int], returned: int) -> Balance:
    topped_up, held = moved[db.KIND_TOPUP], moved[db.KIND_HOLD]
    settled, void, refunded = moved[db.KIND_SETTLE], moved[db.KIND_VOID], moved[db.KIND_REFUND]
    remaining = topped_up - held + void + refunded - returned
    return Balance(account, topped_up, remaining, held - settled - void, settled - refunded, returned)


def holds(stored: Stored) -> Iterator[str]:
    """Each message has its one hold, resolved when and only when a carrier took it or it ended."""
    by_source: defaultdict[int, dict[int, Transfer]] = defaultdict(dict)
    for transfer in stored.transfers:
        if transfer.kind not in _KINDS.get(transfer.stage, ()):
            yield f"P7 {transfer} is of no kind that belongs to its stage"
        if transfer.stage in by_source[transfer.source_id]:
            yield f"P7 {transfer} is the second of its stage"
        by_source[transfer.source_id][transfer.stage] = transfer
    for source_id, transfers in by_source.items():
        if db.STAGE_TOPUP not in transfers and source_id not in stored.messages:
            yield f"P7 {list(transfers.values())} are of no message"
    for row in stored.messages.values():
        if row.place is None:
            yield from _hold_of_wrapper(row, by_source[row.message_id])
        else:
            yield from _hold(row, by_source[row.message_id], db.fell(row, stored))


def _hold_of_wrapper(row: Message, transfers: dict[int, Transfer]) -> Iterator[str]:
    """What parts carry on costs nothing; a segment holds its units until the parts hold theirs."""
    what = f"P7 message {row.message_id} (token {row.token}, state {row.state}), which others carry,"
    hold, resolution = transfers.get(db.STAGE_HOLD), transfers.get(db.STAGE_RESOLUTION)
    if not row.units:
        if transfers:
            yield f"{what} costs nothing, and has {list(transfers.values())}"
        return
    if hold is None or (hold.account, hold.units) != (row.account, row.units):
        yield f"{what} of {row.account} with {row.units} units has the hold {hold}"
    elif row.state == db.COLLECTING and resolution is not None:
        yield f"{what} is resolved already, by {resolution}"
    elif row.state != db.COLLECTING and (
        resolution is None or (resolution.kind, resolution.units) != (db.KIND_VOID, row.units)
    ):
        yield f"{what} has the hold {hold} and the resolution {resolution}"


def _hold(row: Message, transfers: dict[int, Transfer], fell: bool) -> Iterator[str]:
    """`fell`: it ended as another part of its message had, and not because a carrier said so."""
    what = f"P7 message {row.message_id} (token {row.token}, state {row.state})"
    hold, resolution = transfers.get(db.STAGE_HOLD), transfers.get(db.STAGE_RESOLUTION)
    if hold is None or (hold.account, hold.units) != (row.account, row.units):
        yield f"{what} of {row.account} with {row.units} units has the hold {hold}"
    if resolution is None:
        if row.state not in _OPEN:
            yield f"{what} still holds its units"
        return
    if hold is not None and (resolution.account, resolution.units) != (hold.account, hold.units):
        yield f"{what} is resolved by {resolution}, and its hold is {hold}"
    if row.state in _OPEN:
        yield f"{what} is resolved already, by {resolution}"
    if row.state in _PAID and resolution.kind != db.KIND_SETTLE and not fell:
        yield f"{what} is not paid for, {resolution}"
    refund = transfers.get(db.STAGE_REFUND)
    if refund is not None and (resolution.kind != db.KIND_SETTLE or refund.units > resolution.units):
        yield f"{what} is refunded by {refund} after {resolution}"


def paid_for(seen: Seen, stored: Stored) -> Iterator[str]:
    """Nobody pays for what no carrier ever had."""
    for transfer in stored.transfers:
        row = stored.messages.get(transfer.source_id)
        if transfer.kind == db.KIND_SETTLE and row is not None and not (row.key and seen.copies.get(row.key)):
            yield f"P7 message {row.message_id} (token {row.token}) is paid for, and no carrier ever had it"


def nothing_held(stored: Stored) -> Iterator[str]:
    """Drained: no units are held any more."""
    for balance in stored.balances.values():
        if balance.held:
            yield f"P7 {balance.held} units of {balance.account} are still held"
