"""The promises of the README, asked of a run from outside: of its journal and of its database.

Nothing of the gateway's own code is used here, so a mistake there is not made here a second time. What is
broken is told in sentences that name the promise (P1 to P9), who is concerned, and when. The checks stand in
`checks_*`, one file for each thing that they look at.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from tests.sim import (
    checks_limits,
    checks_links,
    checks_long,
    checks_lots,
    checks_messages,
    checks_money,
    checks_receipts,
    checks_relays,
    seen,
    stored,
)
from tests.sim.journal import Journal
from tests.sim.plan import Plan


def check(journal: Journal, plan: Plan, database: Path) -> list[str]:
    """What must hold at any moment; `database` is that of the moment at which the journal ends."""
    saw, rows = seen.read(journal), stored.read(database)
    return [
        *_at_rest(rows, plan),
        *chain(
            checks_messages.accepted(saw, rows),
            checks_messages.refused(saw, rows),
            checks_messages.refusals(saw, rows),
            checks_messages.reasons(saw, rows, plan),
            checks_relays.copies(saw, rows, plan),
            checks_relays.after_the_end(saw, rows, plan),
            checks_relays.windows(saw, plan),
            checks_relays.hours(saw, plan),
            checks_relays.opt_outs(saw, rows, plan),
            checks_relays.rates(saw, plan),
            checks_long.pieces(saw, rows),
            checks_long.incomplete(saw, rows, plan),
            checks_long.at_carriers(saw, plan),
            checks_long.references(saw, rows),
            checks_receipts.told(saw, rows),
            checks_receipts.forwarded(saw, rows),
            checks_receipts.kept(saw, rows, plan),
            checks_receipts.finished(saw, rows, plan),
            checks_money.paid_for(saw, rows),
            checks_links.responses(saw),
            checks_links.sequence_numbers(saw),
            checks_links.unanswered(saw, plan),
            checks_links.delivery_windows(saw, plan),
            checks_limits.gauges(journal, saw, rows, plan),
            checks_limits.logs(saw),
        ),
    ]


def check_restart(plan: Plan, database: Path) -> list[str]:
    """What must hold of the file that a crash left."""
    return list(_at_rest(stored.read(database), plan))


def check_drained(journal: Journal, plan: Plan, database: Path) -> list[str]:
    """What must hold besides when the faults are over and everything has come to its end."""
    saw, rows = seen.read(journal), stored.read(database)
    return list(
        chain(
            checks_messages.all_ended(rows),
            checks_long.texts(saw, rows),
            checks_receipts.delivered(saw, rows),
            checks_receipts.reflected(saw, rows, plan),
            checks_money.nothing_held(rows),
            checks_limits.nothing_left(journal, saw, rows, plan),
        )
    )


def _at_rest(rows: stored.Stored, plan: Plan) -> chain[str]:
    """What holds of every committed state, whatever happened before."""
    return chain(
        checks_messages.stored_once(rows),
        checks_messages.moves(rows),
        checks_relays.in_doubt(rows, plan),
        checks_receipts.owed(rows),
        checks_money.balances(rows, plan),
        checks_money.holds(rows),
        checks_lots.drawn(rows),
        checks_long.parts(rows, plan),
        checks_long.ends(rows),
    )
