"""What breaks P6 and P7, and what the checker must say of it."""

from __future__ import annotations

from dataclasses import replace

from tests.sim.case import Plant, added, both, message, planned, sql
from tests.sim.case_journal import (
    BANK,
    at,
    delivery,
    message_id,
    report,
)
from tests.sim.journal import (
    Delivered,
    Forwarded,
    Logged,
)
from tests.sim.stored import EXPIRED, QUEUED, UNKNOWN

RECEIPTS: dict[str, tuple[Plant, str]] = {
    "a_customer_is_told_another_state": (
        lambda case: case.change(Delivered, lambda e: e.message_id == "9001", message_state=5),
        "P6 bank is told state 5 of 9001 at 1772596802.200, and stored is 2",
    ),
    "a_customer_is_told_before_it_is_stored": (
        lambda case: case.change(Delivered, lambda e: e.message_id == "9001", at=at(2.04)),
        "P6 bank is told state 2 of 9001 at 1772596802.040, before its end at 1772596802.050",
    ),
    "a_customer_is_told_what_it_did_not_ask_for": (
        added(delivery(2.5, 9, 3, 8)),
        "P6 bank is told state 8 of 9003 at 1772596802.500, which it did not ask for (registered_delivery 0)",
    ),
    "a_customer_that_wants_failures_is_told_a_success": (
        message(1, "registered_delivery = 2"),
        "not ask for",
    ),
    "a_customer_is_told_of_a_message_of_another": (
        added(replace(delivery(2.5, 9, 4, 3), account="bank")),
        "P6 bank is told state 3 of 9004 at 1772596802.500, which is no message of its own",
    ),
    "a_customer_is_told_of_a_message_that_there_is_not": (
        added(delivery(2.5, 9, 77, 2)),
        "P6 bank is told state 2 of 9077 at 1772596802.500, which is no message of its own",
    ),
    "a_customer_is_told_news_it_did_not_ask_for": (
        message(6, "registered_delivery = 1"),
        "told state 1 of 9006",
    ),
    "an_end_is_owed_twice": (
        sql("INSERT INTO delivery SELECT 99, account, message_id, body, 0, 0, 0, 1, 0 FROM delivery LIMIT 1"),
        "P6 the end of message 9001 is owed 2 times, not 1",
    ),
    "an_end_is_not_owed": (
        sql("DELETE FROM delivery WHERE message_id = ?", message_id(1)),
        "P6 the end of message 9001 is owed 0 times, not 1",
    ),
    "an_end_is_owed_that_nobody_asked_for": (message(1, "registered_delivery = 0"), "is owed 1 times, not 0"),
    "a_delivery_goes_to_another_account": (
        sql("UPDATE delivery SET account = 'shop' WHERE delivery_id = 71"),
        "P6 delivery 71 to shop is of no message of its own",
    ),
    "a_reply_is_not_owed": (
        sql("DELETE FROM delivery WHERE delivery_id = 77"),
        "P6 the reply 77 from 13800000001 is not owed to bank",
    ),
    "a_delivery_is_of_no_reply": (sql("DELETE FROM inbound"), "P6 delivery 77 to bank is of no reply"),
    "a_receipt_is_answered_and_not_stored": (
        sql("DELETE FROM receipt WHERE carrier_message_id = '1004'"),
        "P6 state 3 of 1004 (token 4), answered 0 to north at 1772596806.100, is not stored",
    ),
    "a_receipt_of_an_id_in_hex_is_answered_and_not_stored": (
        lambda case: case.set_plan(carriers=(replace(case.plan.carriers[0], ids="hex"),)),
        "P6 state 3 of 4100 (token 4), answered 0 to north",
    ),
    "a_reply_is_answered_and_not_stored": (
        sql("DELETE FROM inbound"),
        "P6 of 1 replies ('north', 'bank', '13800000001'), 1 of them answered 0, 0 are stored",
    ),
    "a_reply_is_stored_that_nobody_sent": (
        sql("INSERT INTO inbound SELECT 78, carrier, account, '138', '', '', 0, 0 FROM inbound"),
        "P6 of 0 replies ('north', 'bank', '138'), 0 of them answered 0, 1 are stored",
    ),
    "an_opt_out_is_answered_and_ended_by_nobody": (
        sql("UPDATE opt_out SET ended_at = since + 1"),
        "P6 13800000001 opted out of bank, answered at 1772596809.100, which is not stored",
    ),
    "an_opt_out_is_answered_and_not_stored": (
        sql("DELETE FROM opt_out"),
        "P6 13800000001 opted out of bank, answered at 1772596809.100, which is not stored",
    ),
    "a_delivery_is_given_up_too_soon": (
        planned(receipt_ttl_s=190.0),
        "P6 delivery 73 of 9005 to bank is given up at 1772596999.000, before receipt_ttl_s is over",
    ),
    "a_delivery_is_given_up_without_a_word": (
        lambda case: case.drop(Logged, lambda e: e.words.endswith("9005")),
        "P6 delivery 73 of 9005 to bank is given up at 1772596999.000 without a word in the log",
    ),
    "a_delivery_is_acknowledged_that_nobody_got": (
        lambda case: case.change(Delivered, lambda e: e.message_id == "9001", command_status=None),
        "P6 delivery 71 of 9001 to bank is finished with outcome 1, which no answer brought about",
    ),
    "a_delivery_is_refused_that_was_acknowledged": (
        sql("UPDATE delivery SET outcome = 2 WHERE delivery_id = 71"),
        "P6 delivery 71 of 9001 to bank is finished with outcome 2, which no answer brought about",
    ),
    "a_customer_gets_a_reply_that_nobody_sent": (
        added(Forwarded(at(9.3), BANK, "bank", 98, "138", 0)),
        "P6 bank gets a reply from 138 at 1772596809.300, and there is none",
    ),
    "a_reply_is_acknowledged_that_nobody_got": (
        lambda case: case.drop(Forwarded, lambda e: True),
        "P6 1 replies from 13800000001 to bank are acknowledged, and fewer were answered 0",
    ),
    "a_delivery_is_still_owed": (
        sql("UPDATE delivery SET finished_at = NULL, outcome = 0 WHERE delivery_id = 77"),
        "P6 delivery 77 of None to bank is still owed",
    ),
    "a_customer_never_hears_of_an_end": (
        lambda case: case.drop(Delivered, lambda e: e.message_id == "9001"),
        "P6 bank never acknowledged state 2 of message 9001",
    ),
    "a_receipt_that_was_answered_is_lost": (
        message(1, f"state = {UNKNOWN}, final_at = {round(at(18.5) * 1000)}"),
        "P6 message 9001 (token 1) ended in state 7 at 1772596818.5, but its carrier was answered 0 at",
    ),
    "the_second_receipt_wins": (
        both(added(*report(2.3, 9, 1, EXPIRED)), message(1, f"state = {EXPIRED}")),
        "P6 message 9001 (token 1) ended in state 3 at 1772596802.05, but its carrier was answered 0",
    ),
}

MONEY: dict[str, tuple[Plant, str]] = {
    "a_balance_does_not_add_up": (
        sql("UPDATE ledger_account SET remaining = remaining + 1 WHERE account = 'bank'"),
        "P7 the balance of bank does not add up",
    ),
    "a_balance_is_negative": (
        sql("UPDATE ledger_account SET held = -1, remaining = remaining + 1 WHERE account = 'bank'"),
        "P7 the balance of bank does not add up",
    ),
    "a_balance_is_not_the_sum_of_its_transfers": (
        sql("UPDATE ledger_account SET settled = 3, remaining = remaining - 1 WHERE account = 'bank'"),
        "say Balance(account='bank', topped_up=40, remaining=38, held=0, settled=2, returned=0)",
    ),
    "an_account_has_no_balance": (
        sql("DELETE FROM ledger_account WHERE account = 'shop'"),
        "P7 shop has transfers or a quota, and no balance",
    ),
    "an_account_has_more_than_it_bought": (
        sql("UPDATE ledger_lot SET units = 41 WHERE account = 'shop'"),
        "P7 shop bought 41 of 40",
    ),
    "a_message_is_charged_to_no_lot": (
        sql("DELETE FROM ledger_draw WHERE account = 'bank'"),
        "P7 link 1 of bank draws {} of the lots",
    ),
    "a_message_is_charged_to_a_later_lot": (
        both(
            sql("INSERT INTO ledger_lot VALUES (3, 'bank', 1, 0, 'before', -1)"),
            sql("INSERT INTO ledger_rest VALUES ('bank', 3, -1, 1)"),
        ),
        "P7 link 1 of bank draws {1: 2} of the lots, and {3: 1, 1: 1} were due",
    ),
    "a_lot_has_more_left_than_was_not_charged": (
        sql("UPDATE ledger_rest SET units = units + 1 WHERE account = 'bank'"),
        "lot_id=1, units=40, left=39) should have 38 units left",
    ),
    "what_is_refunded_stays_drawn": (
        sql("INSERT INTO ledger_transfer VALUES (?, 3, 5, 'bank', 1, 0, 2)", message_id(1)),
        "P7 link 2 of bank draws {} of the lots, and {1: 1} were due",
    ),
    "a_message_has_no_hold": (
        sql("DELETE FROM ledger_transfer WHERE source_id = ? AND stage = 1", message_id(3)),
        "P7 message 9003 (token 3, state 8) of bank with 1 units has the hold None",
    ),
    "a_message_has_a_hold_of_other_units": (
        message(3, "units = 2"),
        "of bank with 2 units has the hold Transfer(source_id=9003",
    ),
    "a_hold_has_no_message": (
        sql("INSERT INTO ledger_transfer VALUES (9099, 1, 2, 'bank', 1, 0, 1)"),
        "units=1)] are of no message",
    ),
    "a_message_ends_and_holds_its_units": (
        sql("DELETE FROM ledger_transfer WHERE source_id = ? AND stage = 2", message_id(3)),
        "P7 message 9003 (token 3, state 8) still holds its units",
    ),
    "a_message_that_waits_is_paid_for": (
        message(1, f"state = {QUEUED}, final_at = NULL"),
        "P7 message 9001 (token 1, state 0) is resolved already",
    ),
    "a_message_that_is_delivered_is_not_paid_for": (
        sql("UPDATE ledger_transfer SET kind = 4 WHERE source_id = ? AND stage = 2", message_id(1)),
        "P7 message 9001 (token 1, state 2) is not paid for",
    ),
    "a_message_is_resolved_for_other_units": (
        sql("UPDATE ledger_transfer SET units = 2 WHERE source_id = ? AND stage = 2", message_id(1)),
        "stage=2, kind=3, account='bank', link=1, units=2), and its hold is Transfer(source_id=9001, stage=1",
    ),
    "a_message_is_resolved_twice": (
        both(
            sql("ALTER TABLE ledger_transfer RENAME TO keyed"),
            sql("CREATE TABLE ledger_transfer AS SELECT * FROM keyed"),
            sql("INSERT INTO ledger_transfer VALUES (?, 2, 4, 'bank', 1, 0, 1)", message_id(1)),
        ),
        "P7 Transfer(source_id=9001, stage=2, kind=4, account='bank', link=1, units=1) is the second of",
    ),
    "a_transfer_is_of_a_kind_that_is_not_its_stages": (
        sql("UPDATE ledger_transfer SET kind = 5 WHERE source_id = ? AND stage = 2", message_id(3)),
        "is of no kind that belongs to its stage",
    ),
    "more_is_refunded_than_was_paid": (
        sql("INSERT INTO ledger_transfer VALUES (?, 3, 5, 'bank', 2, 0, 1)", message_id(1)),
        "P7 message 9001 (token 1, state 2) is refunded by",
    ),
    "a_message_is_paid_for_that_no_carrier_had": (
        sql("UPDATE ledger_transfer SET kind = 3 WHERE source_id = ? AND stage = 2", message_id(5)),
        "P7 message 9005 (token 5) is paid for, and no carrier ever had it",
    ),
    "units_are_held_for_ever": (
        sql("UPDATE ledger_account SET held = 1, remaining = remaining - 1 WHERE account = 'bank'"),
        "P7 1 units of bank are still held",
    ),
}
