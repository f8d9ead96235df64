"""What breaks a promise about long messages, and what the checker must say of it."""

from __future__ import annotations

from dataclasses import replace

from tests.sim.case import Plant, added, both, gauge, planned, sql
from tests.sim.case_journal import NOON, a_plan, at
from tests.sim.case_long import (
    FIRST,
    LAST,
    LONELY,
    PARTS_OF_20,
    PARTS_OF_21,
    WHOLE,
    relayed,
)
from tests.sim.journal import Gauged, Relayed, Reported, SubmitAnswered, Submitted
from tests.sim.stored import COLLECTING, DELIVERED, EXPIRED, JOINED, UNDELIVERABLE

NEWS_AGAIN = (
    f"INSERT INTO delivery SELECT delivery_id + column1, 'shop', {WHOLE}, body, 0, created_at, due_at, "
    "outcome, finished_at FROM delivery, (VALUES (900), (901)) WHERE delivery_id = 74"
)


def row(message_id: int, change: str) -> Plant:
    return sql(f"UPDATE message SET {change} WHERE message_id = {message_id}")


def gone(message_id: int) -> Plant:
    return sql("DELETE FROM message WHERE message_id = ?", message_id)


def part(token: int, number: int, **fields: object) -> Plant:
    """Change what a carrier has of a part."""
    return lambda case: case.change(Relayed, lambda e: (e.token, e.place) == (token, number), **fields)


def _copied(message_id: int) -> Plant:
    """The row of a segment once more, under another id."""
    return sql(
        "INSERT INTO message SELECT 9099, account, state, units, source_addr, destination_addr, "
        "registered_delivery, body, route, carrier, epoch, attempts, resends, submitted_at, due_at, "
        "deadline_at, ruleset, submitted_by, final_at, error, whole_id, part, segment, told_as, "
        "message_class, signature, submitted_body FROM message WHERE message_id = ?",
        message_id,
    )


LONG: dict[str, tuple[Plant, str]] = {
    "a_state_on_the_way_is_told_for_each_part": (
        sql(NEWS_AGAIN),
        f"P6 that message {WHOLE} is on its way is owed 2 times",
    ),
    "an_accepted_segment_is_not_stored": (
        gone(LONELY),
        "to segment 1 of token 22 names '9023', which is not stored",
    ),
    "a_segment_is_stored_as_another": (
        row(LONELY, "segment = 2"),
        "to segment 1 of token 22 names 9023: stored is",
    ),
    "an_answer_names_a_part": (
        lambda case: case.change(SubmitAnswered, lambda e: e.message_id == str(FIRST), message_id="9030"),
        "to segment 1 of token 20 names 9030: stored is",
    ),
    "a_segment_that_was_refused_is_stored": (
        lambda case: case.change(
            SubmitAnswered, lambda e: e.message_id == str(LAST), command_status=8, message_id=""
        ),
        "P2 segment 2 of token 20 is stored as [9021] besides what was accepted, and 0 were never answered",
    ),
    "a_segment_is_stored_twice": (
        _copied(FIRST),
        "P2 segment 1 of token 20 is stored as [9099] besides what was accepted",
    ),
    "a_text_that_was_refused_is_sent_on": (
        lambda case: case.change(Submitted, lambda e: e.token == 20, valid=False),
        "P2 message 9030 is stored, but token 20 breaks the contract",
    ),
    "a_text_that_was_never_sent_whole_is_sent_on": (
        lambda case: case.drop(Submitted, lambda e: (e.token, e.segment) == (20, 2)),
        "P2 token 20 is at a carrier, and was never sent whole",
    ),
    "segments_that_are_not_all_there_are_sent_on": (
        row(FIRST, "segment = 3"),
        "P1 long message 8020 (token 20) is sent on, and its segments are [2, 3]",
    ),
    "parts_are_of_another_message": (
        row(PARTS_OF_20[0], "destination_addr = '1'"),
        "P1 long message 8020 (token 20) has rows of different messages",
    ),
    "a_part_is_missing": (
        gone(PARTS_OF_20[0]),
        "P1 long message 8020 (token 20) has the parts [2]",
    ),
    "a_part_costs_too_much": (
        row(PARTS_OF_20[0], "units = 2"),
        "P1 long message 8020 (token 20) has parts of [2, 1] units",
    ),
    "a_message_is_joined_to_nothing": (
        row(LONELY, f"state = {JOINED}, final_at = NULL"),
        "P1 long message 8022 (token 22) is joined to no parts",
    ),
    "a_segment_does_not_end_as_its_part": (
        row(FIRST, f"state = {EXPIRED}"),
        "P5 message 9020 (token 20, segment 1) is in state 3, and its parts are in [2, 2]",
    ),
    "a_message_does_not_end_as_its_worst_part": (
        row(WHOLE, f"state = {DELIVERED}"),
        "P5 message 9022 (token 21, segment 1) is in state 2, and its parts are in [2, 5]",
    ),
    "a_message_ends_before_its_parts": (
        row(PARTS_OF_21[0], "state = 1, final_at = NULL"),
        "P5 message 9022 (token 21, segment 1) is in state 5, and its parts are in [1, 5]",
    ),
    "a_message_does_not_end_when_its_parts_have": (
        row(WHOLE, f"state = {JOINED}, final_at = NULL"),
        "P5 message 9022 (token 21, segment 1) is in state 11, and its parts are in [2, 5]",
    ),
    "segments_that_wait_in_vain_end_otherwise": (
        row(LONELY, f"state = {EXPIRED}"),
        "P5 message 9023 (segment 1 of token 22) ended in state 3, and was never part of a message",
    ),
    "segments_that_wait_in_vain_end_too_early": (
        row(LONELY, f"final_at = {round(at(15.0) * 1000)}"),
        "P5 message 9023 (segment 1 of token 22) ended at 1772596815.000, before its time was over",
    ),
    "segments_that_wait_in_vain_end_too_late": (
        planned(reassembly_s=2.0),
        "P5 message 9023 (segment 1 of token 22) waited for 6.090 s, and reassembly_s is 2",
    ),
    "a_segment_waits_for_ever": (
        row(LONELY, f"state = {COLLECTING}, final_at = NULL"),
        "P5 message 9023 (token 22) has no end, it is in state 10",
    ),
    "a_text_does_not_read_as_it_was_submitted": (
        part(20, 2, text="#20#"),
        "P3 token 20 does not read at its carrier as it was submitted",
    ),
    "parts_change_places": (
        both(part(20, 1, place=3), part(20, 2, place=1), part(20, 3, place=2)),
        "P3 token 20 does not read at its carrier as it was submitted",
    ),
    "a_part_is_not_of_the_text": (
        both(
            lambda case: case.drop(Relayed, lambda e: (e.token, e.place) == (20, 1)),
            part(20, 2, text="#20# "),
        ),
        "P3 token 20 has parts at its carrier that are not of its text",
    ),
    "a_part_is_another_when_it_is_sent_again": (
        added(replace(relayed(NOON + 9.5, 20, 1), text="#20#")),
        "P3 token 20 part 1 is not the same each time that it is sent",
    ),
    "a_part_is_in_no_form_of_its_carrier": (
        part(20, 1, form="sar"),
        "P3 token 20 part 1 is at north (at 1772596809.320) in the form sar, which wants udh8",
    ),
    "a_part_is_too_long_for_the_air": (
        part(20, 1, octets=141),
        "P3 token 20 part 1 is at north (at 1772596809.320) with 141 octets of user data, more than 140",
    ),
    "a_text_is_cut_into_more_parts_than_it_needs": (
        both(part(20, 1, total=3), part(20, 2, total=3)),
        "P3 token 20 part 1 is at north (at 1772596809.320) as one of 3 parts, where 2 are enough",
    ),
    "parts_go_to_two_carriers": (
        both(planned(carriers=a_plan().carriers * 2), part(20, 2, carrier="south")),
        "P3 token 20 has parts at ['north', 'south']",
    ),
    "parts_of_one_message_have_two_references": (
        part(20, 2, reference=8),
        "P3 token 20 has parts with the references [7, 8]",
    ),
    "two_messages_to_a_number_have_one_reference": (
        both(
            part(21, 1, destination="13800000020"),
            part(21, 2, destination="13800000020"),
            row(PARTS_OF_20[1], f"final_at = {round(at(10.5) * 1000)}"),
        ),
        "P3 tokens 20 and 21 to 13800000020 have the reference 7 at 1772596810.300",
    ),
    "a_part_that_is_sent_twice_is_no_resend": (
        added(relayed(NOON + 9.5, 20, 1)),
        "P3 token 20 part 1 is at north (at 1772596809.500) 2 times, of which 1 are counted as attempts",
    ),
    "a_part_is_paid_for_that_no_carrier_ever_had": (
        lambda case: case.drop(Relayed, lambda e: (e.token, e.place) == (20, 1)),
        "P7 message 9030 (token 20) is paid for, and no carrier ever had it",
    ),
    "what_others_carry_costs_something": (
        sql("INSERT INTO ledger_transfer VALUES (?, 1, 2, 'shop', 1, 0, 1)", WHOLE),
        "P7 message 9022 (token 21, state 5), which others carry, costs nothing, and has",
    ),
    "a_segment_is_paid_for": (
        sql("UPDATE ledger_transfer SET kind = 3 WHERE source_id = ? AND stage = 2", FIRST),
        "P7 message 9020 (token 20, state 2), which others carry, has the hold",
    ),
    "a_segment_has_no_hold": (
        sql("DELETE FROM ledger_transfer WHERE source_id = ? AND stage = 1", FIRST),
        "P7 message 9020 (token 20, state 2), which others carry, of shop with 1 units has the hold None",
    ),
    "a_segment_that_waits_holds_nothing_any_more": (
        row(LONELY, f"state = {COLLECTING}, final_at = NULL"),
        "P7 message 9023 (token 22, state 10), which others carry, is resolved already",
    ),
    "a_part_falls_and_no_other_has_failed": (
        both(
            row(PARTS_OF_20[0], f"state = {UNDELIVERABLE}"),
            sql("UPDATE ledger_transfer SET kind = 4 WHERE source_id = ? AND stage = 2", PARTS_OF_20[0]),
        ),
        "P5 message 9030 (token 20) ended in state 5",
    ),
    "a_part_ends_for_no_reason": (
        lambda case: case.drop(Reported, lambda e: (e.token, e.place) == (20, 1)),
        "P5 message 9030 (token 20) ended in state 2 at 1772596809.700 for no reason that was seen",
    ),
    "too_many_sets_wait": (
        gauge("reassemblies", "", 5),
        "P9 reassemblies is 5 at 1772596804.000, beyond 0 to 4",
    ),
    "too_many_octets_wait": (
        gauge("reassembly_octets", "", 801),
        "P9 reassembly_octets is 801 at 1772596804.000, beyond 0 to 800",
    ),
    "a_set_is_never_forgotten": (
        both(gauge("binds", "bank", 1, seconds=27.0), added(Gauged(at(28.0), "reassemblies", "", 1))),
        "P9 reassemblies is 1 at 1772596828.000, when every message has ended",
    ),
}
