"""P7: a message is charged to the oldest lot with units left, and refunded to where it was charged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.sim import stored as db
from tests.sim.stored import Lot, Stored, Transfer


def drawn(stored: Stored) -> Iterator[str]:
    """What is written of the lots is what one finds who charges them link by link."""
    lots: defaultdict[str, list[Lot]] = defaultdict(list)
    for lot in stored.lots:
        lots[lot.account].append(lot)
    links: defaultdict[str, defaultdict[tuple[int, int], list[Transfer]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for transfer in sorted(stored.transfers):
        if transfer.kind in (db.KIND_SETTLE, db.KIND_REFUND):
            links[transfer.account][transfer.link, transfer.kind].append(transfer)
    for account in lots.keys() | links.keys():
        yield from _Lots(lots[account], stored).charge(account, links[account])


class _Lots:
    def __init__(self, lots: list[Lot], stored: Stored) -> None:
        self._lots = lots
        self._left = {lot.lot_id: lot.units for lot in lots}
        self._draws = stored.draws
        self._charged: dict[int, list[int]] = {}

    def charge(self, account: str, links: dict[tuple[int, int], list[Transfer]]) -> Iterator[str]:
        for (link, kind), transfers in sorted(links.items()):
            settles = kind == db.KIND_SETTLE
            due = self._settle(transfers) if settles else self._refund(transfers)
            found = self._draws.get((account, link), {})
            if found != due:
                yield f"P7 link {link} of {account} draws {found} of the lots, and {due} were due"
            if settles and len(due) > 1 and len(transfers) > 1:
                yield f"P7 link {link} of {account} draws several lots for {len(transfers)} messages"
        for lot in self._lots:
            if lot.left != self._left[lot.lot_id]:
                yield f"P7 {lot} should have {self._left[lot.lot_id]} units left"

    def _settle(self, transfers: list[Transfer]) -> dict[int, int]:
        """Unit by unit, from the oldest lot that has one."""
        due: Counter[int] = Counter()
        for transfer in transfers:
            units = self._charged.setdefault(transfer.source_id, [])
            for _ in range(transfer.units):
                lot_id = next((lot_id for lot_id, left in self._left.items() if left), 0)
                units.append(lot_id)
                due[lot_id] += 1
                self._left[lot_id] = self._left.get(lot_id, 0) - 1
        return dict(due)

    def _refund(self, transfers: list[Transfer]) -> dict[int, int]:
        """The units that were charged last come back first."""
        due: Counter[int] = Counter()
        for transfer in transfers:
            units = self._charged.get(transfer.source_id, [])
            for lot_id in units[len(units) - transfer.units :]:
                due[lot_id] += 1
                self._left[lot_id] += 1
        return dict(due)
