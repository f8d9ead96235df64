"""What breaks P1 to P5, and what the checker must say of it."""

from __future__ import annotations

from tests.sim.case import Plant, added, both, message, sql
from tests.sim.case_journal import (
    RTHROTTLED,
    at,
    message_id,
    relay,
)
from tests.sim.journal import (
    Gauged,
    RelayAnswered,
    Relayed,
    Reported,
    SubmitAnswered,
    Submitted,
)
from tests.sim.stored import DELETED, ENROUTE, QUEUED

ACCEPTED_AND_REFUSED: dict[str, tuple[Plant, str]] = {
    "an_accepted_message_is_not_stored": (
        sql("DELETE FROM message WHERE message_id = ?", message_id(3)),
        "P1 the answer 0 at 1772596801.600 to token 3 names '9003', which is not stored",
    ),
    "an_answer_names_no_id": (
        lambda case: case.change(SubmitAnswered, lambda e: e.message_id == "9003", message_id="none"),
        "to token 3 names 'none', which is not stored",
    ),
    "a_message_is_stored_for_another_account": (
        message(3, "account = 'shop'"),
        "to token 3 names '9003': stored",
    ),
    "a_message_is_stored_for_another_number": (
        message(3, "destination_addr = '1'"),
        "to token 3 names '9003': stored",
    ),
    "a_message_is_stored_with_another_text": (
        message(3, f"body = (SELECT body FROM message WHERE message_id = {message_id(1)})"),
        "to token 3 names '9003': stored",
    ),
    "two_answers_name_one_message": (
        lambda case: case.change(SubmitAnswered, lambda e: e.message_id == "9003", message_id="9001"),
        "to token 3 names '9001', and so does another answer",
    ),
    "a_refused_submit_is_stored": (
        lambda case: case.change(
            SubmitAnswered, lambda e: e.message_id == "9003", command_status=8, message_id=""
        ),
        "P2 message 9003 is stored, but token 3 was refused with 0x8",
    ),
    "a_message_is_stored_that_nobody_sent": (
        lambda case: case.drop(Submitted, lambda e: e.token == 5),
        "P2 message 9005 is stored (token 5), and nobody submitted it",
    ),
    "a_text_without_a_token_is_stored": (
        message(3, "body = x'00'"),
        "P2 message 9003 is stored (token None)",
    ),
    "a_submit_is_stored_twice": (
        message(3, f"body = (SELECT body FROM message WHERE message_id = {message_id(1)})"),
        "P2 token 1 is stored as 2 messages",
    ),
    "a_refusal_is_not_written_down": (
        sql("DELETE FROM refusal WHERE refusal_id = ?", 92),
        "P2 token 2 was refused with 0x401 at 1772596801.000, which is not written down",
    ),
    "an_accepted_message_is_written_down_as_refused": (
        sql(
            "UPDATE refusal SET body = (SELECT body FROM message WHERE message_id = ?) WHERE refusal_id = 92",
            message_id(3),
        ),
        "P2 token 3 was accepted at 1772596801.600, and is written down as refused",
    ),
    "a_refusal_is_written_down_that_nobody_met": (
        sql("UPDATE refusal SET account = 'shop' WHERE refusal_id = 92"),
        "P2 refusal 92 (token 2) is of nothing that shop submitted",
    ),
    "a_text_that_breaks_the_contract_is_stored": (
        lambda case: case.change(Submitted, lambda e: e.token == 3, valid=False),
        "P2 message 9003 is stored, but token 3 breaks the contract",
    ),
}

AT_CARRIERS: dict[str, tuple[Plant, str]] = {
    "a_carrier_has_what_nobody_submitted": (
        added(relay(12.0, 20, 99)),
        "P3 token 99 is at north (at 1772596812.000), and nobody submitted it",
    ),
    "a_carrier_has_what_was_refused": (
        added(relay(12.0, 20, 2)),
        "P3 token 2 is at north (at 1772596812.000), and was refused with 0x401",
    ),
    "a_carrier_has_what_is_not_stored": (
        sql("DELETE FROM message WHERE message_id = ?", message_id(3)),
        "P3 token 3 is at north (at 1772596801.600), and is not stored",
    ),
    "a_carrier_has_it_for_somebody_else": (
        lambda case: case.change(Relayed, lambda e: e.token == 3, destination="1"),
        "P3 token 3 is at north (at 1772596801.600), but not for",
    ),
    "a_copy_is_no_attempt": (message(6, "attempts = 1"), "2 times, of which 1 are counted as attempts"),
    "a_resend_is_not_counted": (
        message(4, "resends = 0"),
        "2 copies in doubt, of which 0 are counted as resends",
    ),
    "a_message_that_parks_is_sent_again": (
        lambda case: case.drop(RelayAnswered, lambda e: e.command_status == RTHROTTLED),
        "P4 token 6 of bank, which parks, was resent: 2 copies in doubt",
    ),
    "a_message_that_parks_is_counted_as_resent": (message(7, "resends = 1"), "P4 token 7 of bank"),
    "more_is_outstanding_than_the_window_holds": (
        added(relay(3.15, 20, 4), relay(3.2, 21, 4)),
        "P3 3 submits are outstanding at 1772596803.200 on connection 3 to north, whose window is 2",
    ),
    "a_message_is_relayed_after_its_end": (
        added(relay(9.0, 20, 4)),
        "P5 token 4 is relayed at 1772596809.000, and ended at 1772596806.050",
    ),
    "a_message_is_relayed_after_hours": (
        added(Gauged(at(18_004), "binds", "bank", 1), relay(18_005, 20, 1)),
        "clause 五(5): token 1 of bank is relayed at 1772614805.000, 17:00 in Shanghai",
    ),
    "a_message_is_relayed_before_hours": (
        added(Gauged(at(71_990), "binds", "bank", 1), relay(71_999, 20, 1)),
        "clause 五(5): token 1 of bank is relayed at 1772668799.000, 07:59 in Shanghai",
    ),
    "a_message_is_relayed_after_an_opt_out": (
        added(relay(9.5, 20, 1)),
        "clause 一(3): 13800000001 opted out of bank at 1772596809.100, and token 1 was relayed",
    ),
    "a_message_is_accepted_after_an_opt_out": (
        lambda case: case.change(
            SubmitAnswered, lambda e: e.sequence_number == 9, command_status=0, message_id="9008"
        ),
        "and token 8, submitted at 1772596810.000, was accepted",
    ),
    "a_bind_sends_faster_than_its_rate": (
        added(*(relay(12.0, n, 7) for n in range(20, 25))),
        "the rate of north (2.0/s, burst 2) is exceeded on connection 3 at 1772596812.000 by token 7",
    ),
}

ENDS: dict[str, tuple[Plant, str]] = {
    "a_message_changes_after_its_end": (
        sql("INSERT INTO history VALUES (?, 2, 5, 1)", message_id(1)),
        "P5 message 9001 changed after its end, from 2 to 5",
    ),
    "a_message_makes_a_move_that_there_is_not": (
        sql("INSERT INTO history VALUES (?, ?, ?, 0)", message_id(1), ENROUTE, QUEUED),
        "P5 message 9001 went from 1 to 0",
    ),
    "a_message_begins_twice": (
        sql("INSERT INTO history VALUES (?, NULL, 0, 0)", message_id(1)),
        "P5 message 9001 is in state 2, which its history does not tell",
    ),
    "a_message_vanishes": (
        sql("DELETE FROM message WHERE message_id = ?", message_id(1)),
        "P5 message 9001 changed after its end, from 2 to -1",
    ),
    "a_state_is_not_in_the_history": (
        both(sql("DROP TRIGGER message_moves"), message(1, "state = 5")),
        "P5 message 9001 is in state 5, which its history does not tell",
    ),
    "an_end_has_no_instant": (
        message(1, "final_at = NULL"),
        "P5 message 9001 is in state 2 with the end None",
    ),
    "a_message_is_delivered_and_no_carrier_said_so": (
        lambda case: case.drop(Reported, lambda e: e.token == 1),
        "P5 message 9001 (token 1) ended in state 2 at 1772596802.050 for no reason that was seen",
    ),
    "a_message_is_delivered_before_its_carrier_said_so": (
        message(1, f"final_at = {round(at(1.9) * 1000)}"),
        "P5 message 9001 (token 1) ended in state 2 at 1772596801.900 for no reason",
    ),
    "a_message_expires_before_its_deadline": (
        message(5, f"deadline_at = {round(at(60) * 1000)}"),
        "P5 message 9005 (token 5) ended in state 3",
    ),
    "a_message_is_rejected_and_no_carrier_refused_it": (
        lambda case: case.drop(RelayAnswered, lambda e: e.token == 3),
        "P5 message 9003 (token 3) ended in state 8",
    ),
    "a_message_is_deleted_and_nobody_opted_out": (message(5, f"state = {DELETED}"), "ended in state 4"),
    "a_message_never_ends": (
        message(5, f"state = {QUEUED}, final_at = NULL"),
        "P5 message 9005 (token 5) has no end, it is in state 0",
    ),
}
