"""The judge is judged: a run without a flaw has none, and every flaw is told under its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash import tokens
from tests.crash.notes import Answer, CarrierNotes, Copy, CustomerNotes
from tests.crash.store import SETTLE, VOID, Stored, StoreNotes
from tests.crash.verdict import Evidence, judge

DELIVERED, REPLIED, LOST_ANSWER, BROKEN, REFUSED, DOUBTFUL = 0, 6, 2, 7, 11, 9
DELAY_S = 0.1

Spoil = Callable[[Evidence], object]


def stored(token: int, state: str, resolution: int, resends: int = 0) -> Stored:
    units = tokens.units_of(token)
    return Stored(f"id{token}", token, tokens.account_of(token), state, units, resends, True, resolution)


def sent(carrier: CarrierNotes, token: int, status: int = 0, copy: int = 1) -> None:
    """A copy has come to the carrier, and what that owes is told and acknowledged."""
    message_id = f"c{token}.{copy}"
    carrier.copies.append(Copy(token, message_id, status, at=0.2))
    kinds = [] if status else ["receipt", *(["reply"] if tokens.is_replied_to(token) else [])]
    for kind in kinds:
        carrier.told[kind, message_id] = 0.3
        carrier.acknowledged[kind, message_id] = 0.5


def flawless() -> Evidence:
    """Six submits: delivered, replied to, unanswered, refused by us, refused by the carrier, in doubt."""
    customer = CustomerNotes(dict.fromkeys((0, 6, 2, 7, 11, 9), 0.0))
    for token in (DELIVERED, REPLIED, REFUSED, DOUBTFUL):
        customer.answers[token] = Answer(0, f"id{token}", 0.2)
    customer.answers[BROKEN] = Answer(0x403, "", 0.001)
    for token, stat in ((0, "DELIVRD"), (6, "DELIVRD"), (2, "DELIVRD"), (11, "REJECTD"), (9, "UNKNOWN")):
        customer.receipts[f"id{token}"] = [stat]
    customer.replies[REPLIED] = 1
    mobile, unicom = CarrierNotes(Path("mobile")), CarrierNotes(Path("unicom"))
    for token in (DELIVERED, REPLIED, LOST_ANSWER):
        sent(mobile, token)
    sent(mobile, DELIVERED, copy=2)
    sent(unicom, REFUSED, status=0x45)
    messages = [
        stored(DELIVERED, "DELIVERED", SETTLE, resends=1),
        stored(REPLIED, "DELIVERED", SETTLE),
        stored(LOST_ANSWER, "DELIVERED", SETTLE),
        stored(REFUSED, "REJECTED", VOID),
        stored(DOUBTFUL, "UNKNOWN", VOID),
    ]
    receipts = {("mobile", message_id) for kind, message_id in mobile.told if kind == "receipt"}
    store = StoreNotes(messages, receipts, Counter([REPLIED]), 0, [])
    carriers = {"mobile": mobile, "unicom": unicom}
    return Evidence(customer, carriers, store, in_doubt=4, windows=4, delay_s=DELAY_S)


def test_a_flawless_run_has_no_flaws_and_its_figures() -> None:
    verdict = judge(flawless())
    assert verdict.flaws == {}
    assert (verdict.tried, verdict.acked, verdict.refused, verdict.unanswered) == (6, 4, 1, 1)
    assert (verdict.lost, verdict.duplicated, verdict.unmarked, verdict.unknown) == (0, 1, 0, 1)


def change(which: int, /, **fields: object) -> Spoil:
    """The stored message with other fields."""

    def spoil(evidence: Evidence) -> None:
        messages = evidence.store.messages
        [place] = [n for n, message in enumerate(messages) if message.token == which]
        messages[place] = replace(messages[place], **fields)  # type: ignore[arg-type] # by the names given here

    return spoil


def forget(token: int) -> Spoil:
    """The stored message is gone."""

    def spoil(evidence: Evidence) -> None:
        messages = evidence.store.messages
        messages[:] = [message for message in messages if message.token != token]

    return spoil


def acknowledge(evidence: Evidence, kind: str, message_id: str, at: float) -> None:
    evidence.carriers["mobile"].acknowledged[kind, message_id] = at


FLAWS: list[tuple[str, Spoil]] = [
    ("answered 0 and not stored", forget(DELIVERED)),
    ("answered 0 and not stored", change(DELIVERED, account="news")),
    ("answered 0 and not stored", change(DELIVERED, token=REPLIED)),
    ("never at a carrier", lambda e: e.carriers["mobile"].copies.pop(2)),
    ("never at a carrier", change(DOUBTFUL, resolution=SETTLE)),
    ("without a receipt", lambda e: e.customer.receipts.pop("id0")),
    ("without a receipt", lambda e: e.customer.receipts.pop("id2")),
    ("sent twice without a resend", change(DELIVERED, resends=0)),
    ("refused and stored", lambda e: e.store.messages.append(stored(BROKEN, "DELIVERED", SETTLE))),
    ("refused and at a carrier", lambda e: sent(e.carriers["mobile"], BROKEN)),
    ("at a carrier and not stored", forget(LOST_ANSWER)),
    ("stored and never sent", lambda e: e.store.messages.append(stored(40, "REJECTED", VOID))),
    ("stored twice", lambda e: e.store.messages.append(stored(LOST_ANSWER, "DELIVERED", SETTLE))),
    ("an end that is not so", change(DELIVERED, ended=False)),
    ("an end that is not so", change(DELIVERED, state="UNDELIVERABLE")),
    ("an end that is not so", change(DELIVERED, resolution=VOID)),
    ("an end that is not so", change(REFUSED, resolution=SETTLE)),
    ("an end that is not so", change(DELIVERED, state="REJECTED", resolution=VOID)),
    ("an end that is not so", change(DOUBTFUL, state="EXPIRED")),
    ("told another end than the store has", lambda e: e.customer.receipts["id0"].append("UNKNOWN")),
    ("told another end than the store has", lambda e: e.customer.receipts.update(id999=["DELIVRD"])),
    ("a receipt acknowledged and not stored", lambda e: e.store.receipts.clear()),
    ("a reply acknowledged and not stored", lambda e: e.store.replies.clear()),
    ("a reply that never came", lambda e: e.customer.replies.clear()),
    ("a carrier that is still not heard", lambda e: e.carriers["mobile"].acknowledged.popitem()),
    ("answered before it was on disk", lambda e: e.customer.answers.update({0: Answer(0, "id0", 0.09)})),
    ("at a carrier before it was on disk", lambda e: e.customer.submitted_at.update({0: 0.11})),
    ("acknowledged before it was on disk", lambda e: acknowledge(e, "receipt", "c0.1", at=0.39)),
    ("unbalanced", lambda e: e.store.unbalanced.append("held news 3")),
    ("seen in the run", lambda e: e.customer.nonsense.append("80000000 with status 00000003")),
]


@pytest.mark.parametrize(("flaw", "spoil"), FLAWS)
def test_every_flaw_is_told(flaw: str, spoil: Spoil) -> None:
    evidence = flawless()
    spoil(evidence)
    assert flaw in judge(evidence).flaws


@pytest.mark.parametrize("spoil", [forget(DELIVERED), lambda e: e.customer.receipts.pop("id0")])
def test_what_was_accepted_and_did_not_arrive_is_lost(spoil: Spoil) -> None:
    evidence = flawless()
    spoil(evidence)
    assert judge(evidence).lost == 1


def test_what_nobody_accepted_cannot_be_lost() -> None:
    evidence = flawless()
    evidence.customer.receipts.pop(f"id{LOST_ANSWER}")
    assert judge(evidence).lost == 0


def test_what_the_run_itself_has_seen_is_told() -> None:
    evidence = flawless()
    unfinished = replace(evidence.store, unfinished=2)
    verdict = judge(replace(evidence, store=unfinished, in_doubt=5, others=("a traceback in the log",)))
    assert verdict.flaws == {
        "unfinished": "1 (2 messages and deliveries)",
        "more in doubt than the windows hold": "1 (5)",
        "seen in the run": "1 (a traceback in the log)",
    }


def test_of_many_the_first_three_are_named() -> None:
    evidence = flawless()
    evidence.store.unbalanced.extend("abcd")
    assert judge(evidence).flaws == {"unbalanced": "4 (a, b, c, ...)"}
