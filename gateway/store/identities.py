"""What must hold between the store's tables, and between them and the ledger: one query for each.

What is asked of messages without an end goes along the index of those; the others read a table along its key
and look up another one. Nothing is fetched but the rows that break an identity.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, null, or_, select, tuple_

from gateway.delivery import wants_end, wants_news
from gateway.message import ENDS, State
from gateway.store import schema, schema_recipients
from gateway.store.dialect import constant
from gateway.stored import AttemptOutcome, DeliveryOutcome
from ledger.identity import Identity, Rows, count_of
from ledger.schema import ledger_account, ledger_transfer
from ledger.transfer import Kind, Stage
from policy.clauses import RECIPIENT_OPTED_OUT, RULES
from smpp.message_state import MessageState

_message = schema.message.c
_attempt = schema.attempt.c
_receipt = schema.receipt.c
_delivery = schema.delivery.c
_opt_out = schema_recipients.opt_out.c
_account = ledger_account.c
holds = ledger_transfer.alias("hold")
_hold = holds.c
_resolutions = ledger_transfer.alias("resolution")
_resolution = _resolutions.c

_UNRESOLVED = (State.COLLECTING, State.QUEUED, State.SUBMITTING, State.IN_DOUBT)
# Where a message can only be after a carrier took it.
_CARRIED = (State.ENROUTE, State.DELIVERED, State.UNDELIVERABLE)
_ESM_CLASS_RECEIPT, _ESM_CLASS_INTERMEDIATE = 0x04, 0x20


def _in(column: ColumnElement[int], *values: int) -> ColumnElement[bool]:
    return column.in_([constant(value) for value in values])


# Not the bare row that a purge leaves.
_is_kept = func.length(_message.body) > 0
_is_unfinished = _message.final_at.is_(None)
_is_unresolved = and_(_is_unfinished, _in(_message.state, *_UNRESOLVED))
_its_hold = and_(_hold.source_id == _message.message_id, _hold.stage == Stage.HOLD)
_its_resolution = and_(_resolution.source_id == _message.message_id, _resolution.stage == Stage.RESOLUTION)
_its_attempt = _attempt.message_id == _message.message_id
_was_taken = or_(_attempt.outcome == AttemptOutcome.ACCEPTED, _attempt.carrier_key.is_not(None))
# Not what parts carry on; nor, perhaps, a part that fell with another one, unsent.
_is_charged = or_(
    _message.whole_id.is_(None),
    and_(_message.part > 0, _message.state != constant(State.UNDELIVERABLE)),
)
_of_a_message = _delivery.message_id.is_not(None)
_esm_class = func.esm_class(_delivery.body)
_tells_an_end = and_(_of_a_message, _esm_class == _ESM_CLASS_RECEIPT)
_end_is_wanted = and_(
    _message.final_at.is_not(None),
    tuple_(_message.registered_delivery.bitwise_and(3), _message.state).in_(
        [(flags, int(end)) for flags in range(4) for end in ENDS if wants_end(flags, MessageState(end))]
    ),
)
_news_is_wanted = _message.registered_delivery.bitwise_and(0x1F).in_(
    [n for n in range(0x20) if wants_news(n)]
)

_MESSAGES = count_of(schema.message)
_UNFINISHED = _MESSAGES.where(_is_unfinished)
_ATTEMPTS = count_of(schema.attempt)
_RECEIPTS = count_of(schema.receipt).where(_receipt.message_id.is_not(None))
_DELIVERIES = count_of(schema.delivery).where(_of_a_message)


def _messages(*shown: ColumnElement[object]) -> Rows:
    return select(_message.account, _message.message_id, *shown)


MESSAGE_HAS_EQUAL_HOLD = Identity(
    "MESSAGE_HAS_EQUAL_HOLD",
    "P1",
    "Every message that costs units has its hold, on its account and of them.",
    _MESSAGES,
    _messages(_message.units, _hold.account.label("held_on"), _hold.units.label("held"))
    .outerjoin_from(schema.message, holds, _its_hold)
    .where(
        _message.units > 0,
        or_(_hold.source_id.is_(None), _hold.account != _message.account, _hold.units != _message.units),
    ),
)
HOLD_HAS_MESSAGE = Identity(
    "HOLD_HAS_MESSAGE",
    "P2",
    "Every hold has its message: what was refused left nothing behind.",
    count_of(holds).where(_hold.stage == Stage.HOLD),
    select(_hold.account, _hold.source_id, _hold.units)
    .outerjoin_from(holds, schema.message, _message.message_id == _hold.source_id)
    .where(_hold.stage == Stage.HOLD, _message.message_id.is_(None)),
)
SUBMITTING_HAS_INTENT = Identity(
    "SUBMITTING_HAS_INTENT",
    "P3",
    "What is being submitted says to which carrier, and as which attempt.",
    _UNFINISHED,
    _messages(_message.carrier, _message.attempts).where(
        _is_unfinished,
        _message.state == State.SUBMITTING,
        or_(_message.carrier.is_(None), _message.attempts < 1),
    ),
)
SUBMITTING_IN_THIS_EPOCH = Identity(
    "SUBMITTING_IN_THIS_EPOCH",
    "P3",
    "What an earlier life was submitting has been decided.",
    _UNFINISHED,
    _messages(_message.epoch).where(
        _is_unfinished,
        _message.state == State.SUBMITTING,
        _message.epoch.not_in(select(schema.node.c.epoch)),
    ),
)
ATTEMPT_HAS_MESSAGE = Identity(
    "ATTEMPT_HAS_MESSAGE",
    "P3",
    "Every attempt is numbered among those that its message counts.",
    _ATTEMPTS,
    select(_message.account, _attempt.message_id, _attempt.number, _message.attempts)
    .outerjoin_from(schema.attempt, schema.message, _its_attempt)
    .where(or_(_message.message_id.is_(None), _attempt.number < 1, _attempt.number > _message.attempts)),
)
ATTEMPT_OUTCOME_IS_KNOWN = Identity(
    "ATTEMPT_OUTCOME_IS_KNOWN",
    "P3",
    "Every attempt was accepted, refused, put off or is in doubt.",
    _ATTEMPTS,
    select(null(), _attempt.message_id, _attempt.number, _attempt.outcome).where(
        _attempt.outcome.not_in([each for each in AttemptOutcome if each is not AttemptOutcome.NOT_SENT])
    ),
)
IN_DOUBT_HAS_ATTEMPT = Identity(
    "IN_DOUBT_HAS_ATTEMPT",
    "P4",
    "What is in doubt was sent, and its last attempt not answered.",
    _UNFINISHED,
    _messages(_message.attempts).where(
        _is_unfinished,
        _message.state == State.IN_DOUBT,
        ~select(_attempt.number)
        .where(
            _its_attempt,
            _attempt.number == _message.attempts,
            _attempt.outcome == AttemptOutcome.IN_DOUBT,
        )
        .exists(),
    ),
)
RESEND_HAS_ATTEMPT = Identity(
    "RESEND_HAS_ATTEMPT",
    "P4",
    "Each time that a message was sent again there is an attempt that was in doubt.",
    _MESSAGES,
    _messages(_message.resends, _message.attempts).where(
        _message.resends
        > select(func.count()).select_from(schema.attempt).where(_its_attempt).scalar_subquery(),
        _message.resends > 0,
        _is_kept,
    ),
)
STATE_AND_END_AGREE = Identity(
    "STATE_AND_END_AGREE",
    "P5",
    "Every message is in a state that there is, and has an instant of its end if it has ended.",
    _MESSAGES,
    _messages(_message.state, _message.final_at).where(
        or_(
            and_(_is_unfinished, ~_in(_message.state, *schema.OPEN_STATES)),
            and_(_message.final_at.is_not(None), ~_in(_message.state, *ENDS)),
        )
    ),
)
PURGED_HAS_ENDED = Identity(
    "PURGED_HAS_ENDED",
    "P1",
    "Only what has ended has lost its text to a purge.",
    _UNFINISHED,
    _messages(_message.state).where(_is_unfinished, ~_is_kept),
)
ACCEPTED_IS_NOT_WAITING = Identity(
    "ACCEPTED_IS_NOT_WAITING",
    "P5",
    "What a carrier has accepted is on its way or has ended.",
    _UNFINISHED,
    _messages(_message.state, _message.carrier).where(
        _is_unresolved,
        select(_attempt.number).where(_its_attempt, _attempt.outcome == AttemptOutcome.ACCEPTED).exists(),
    ),
)
RECEIPT_HAS_MESSAGE = Identity(
    "RECEIPT_HAS_MESSAGE",
    "P6",
    "The message that a receipt was matched to exists.",
    _RECEIPTS,
    select(null(), _receipt.message_id, _receipt.carrier, _receipt.carrier_message_id, _receipt.state)
    .outerjoin_from(schema.receipt, schema.message, _message.message_id == _receipt.message_id)
    .where(_receipt.message_id.is_not(None), _message.message_id.is_(None)),
)
FINAL_RECEIPT_ENDS_MESSAGE = Identity(
    "FINAL_RECEIPT_ENDS_MESSAGE",
    "P5",
    "A message with a carrier's last word has ended.",
    _RECEIPTS,
    _messages(_receipt.carrier, _receipt.carrier_message_id, _receipt.state.label("reported"), _message.state)
    .join_from(schema.receipt, schema.message, _message.message_id == _receipt.message_id)
    .where(_is_unfinished, _in(_receipt.state, *(state for state in MessageState if state.is_final))),
)
DELIVERY_HAS_MESSAGE = Identity(
    "DELIVERY_HAS_MESSAGE",
    "P6",
    "Every receipt for a customer is about a message of that account.",
    _DELIVERIES,
    select(_delivery.account, _delivery.message_id, _delivery.delivery_id, _message.account.label("sender"))
    .outerjoin_from(schema.delivery, schema.message, _message.message_id == _delivery.message_id)
    .where(_of_a_message, or_(_message.message_id.is_(None), _message.account != _delivery.account)),
)
DELIVERY_AND_OUTCOME_AGREE = Identity(
    "DELIVERY_AND_OUTCOME_AGREE",
    "P6",
    "A delivery waits, or was acknowledged, refused or abandoned at an instant.",
    count_of(schema.delivery),
    select(
        _delivery.account,
        _delivery.message_id,
        _delivery.delivery_id,
        _delivery.outcome,
        _delivery.finished_at,
    ).where(
        or_(
            and_(_delivery.finished_at.is_(None), _delivery.outcome != DeliveryOutcome.RETRY),
            and_(
                _delivery.finished_at.is_not(None),
                _delivery.outcome.not_in(
                    [each for each in DeliveryOutcome if each is not DeliveryOutcome.RETRY]
                ),
            ),
        )
    ),
)
END_IS_TOLD = Identity(
    "END_IS_TOLD",
    "P6",
    "A sender that asked for it is told of the end.",
    _MESSAGES.where(_end_is_wanted, _is_kept),
    _messages(_message.state, _message.registered_delivery).where(
        _end_is_wanted,
        _is_kept,
        _message.message_id.not_in(select(_delivery.message_id).where(_tells_an_end)),
    ),
)
END_IS_TOLD_ONCE = Identity(
    "END_IS_TOLD_ONCE",
    "P6",
    "No sender is told of two ends.",
    _DELIVERIES,
    select(func.min(_delivery.account), _delivery.message_id, func.count().label("receipts"))
    .where(_tells_an_end)
    .group_by(_delivery.message_id)
    .having(func.count() > 1),
)
TOLD_IS_WANTED = Identity(
    "TOLD_IS_WANTED",
    "P6",
    "No sender is told what it did not ask for, or of an end that is none.",
    _DELIVERIES,
    _messages(_message.state, _message.registered_delivery, _delivery.delivery_id)
    .join_from(schema.delivery, schema.message, _message.message_id == _delivery.message_id)
    .where(
        or_(
            case(
                (_esm_class == _ESM_CLASS_RECEIPT, ~_end_is_wanted),
                (_esm_class == _ESM_CLASS_INTERMEDIATE, ~_news_is_wanted),
                else_=True,
            )
        )
    ),
)


def _held_is_unresolved() -> Rows:
    sums = (
        select(_message.account, func.sum(_message.units).label("units"))
        .where(_is_unresolved)
        .group_by(_message.account)
        .subquery("sums")
    )
    unresolved = func.coalesce(sums.c.units, 0)
    return (
        select(_account.account, null(), _account.held, unresolved.label("unresolved"))
        .outerjoin_from(ledger_account, sums, sums.c.account == _account.account)
        .where(_account.held != unresolved)
    )


HELD_IS_UNRESOLVED = Identity(
    "HELD_IS_UNRESOLVED",
    "P7",
    "What an account holds is what its messages weigh that wait, are being submitted or in doubt.",
    count_of(ledger_account),
    _held_is_unresolved(),
)
UNRESOLVED_HOLD_IS_OPEN = Identity(
    "UNRESOLVED_HOLD_IS_OPEN",
    "P7",
    "Nothing is charged or given back while a message waits, is being submitted or in doubt.",
    _UNFINISHED,
    _messages(_message.state).where(_is_unresolved, select(_resolution.kind).where(_its_resolution).exists()),
)
CARRIED_IS_SETTLED = Identity(
    "CARRIED_IS_SETTLED",
    "P7",
    "What is with a carrier, was delivered or could not be, is charged.",
    _MESSAGES.where(_in(_message.state, *_CARRIED)),
    _messages(_message.state, _resolution.kind)
    .outerjoin_from(schema.message, _resolutions, _its_resolution)
    .where(
        _in(_message.state, *_CARRIED),
        _is_charged,
        or_(_resolution.source_id.is_(None), _resolution.kind != Kind.SETTLE),
    ),
)
ENDED_HOLD_IS_RESOLVED = Identity(
    "ENDED_HOLD_IS_RESOLVED",
    "P7",
    "What has ended is charged or given back.",
    _MESSAGES.where(_message.final_at.is_not(None)),
    _messages(_message.state)
    .outerjoin_from(schema.message, _resolutions, _its_resolution)
    .where(_message.final_at.is_not(None), _message.units > 0, _resolution.source_id.is_(None)),
)
_parts = schema.message.alias("part")
JOINED_HAS_PARTS = Identity(
    "JOINED_HAS_PARTS",
    "P5",
    "What travels in parts has some that are on their way: it will end with them.",
    _UNFINISHED,
    _messages(_message.whole_id).where(
        _is_unfinished,
        _message.state == constant(State.JOINED),
        ~select(_parts.c.message_id)
        .where(_parts.c.whole_id == _message.whole_id, _parts.c.part > 0, _parts.c.final_at.is_(None))
        .exists(),
    ),
)
PART_HAS_WHOLE = Identity(
    "PART_HAS_WHOLE",
    "P5",
    "Every part that is on its way belongs to what a customer has sent.",
    _UNFINISHED,
    _messages(_message.whole_id, _message.part).where(
        _is_unfinished,
        _message.part > 0,
        ~select(_parts.c.message_id)
        .where(_parts.c.whole_id == _message.whole_id, _parts.c.part == 0)
        .exists(),
    ),
)
SETTLED_WAS_TAKEN = Identity(
    "SETTLED_WAS_TAKEN",
    "P7",
    "What is charged was accepted by a carrier, or has an id there.",
    count_of(_resolutions).where(_resolution.stage == Stage.RESOLUTION, _resolution.kind == Kind.SETTLE),
    _messages(_message.state, _message.attempts)
    .join_from(schema.message, _resolutions, _its_resolution)
    .where(
        _resolution.kind == Kind.SETTLE,
        _is_kept,
        ~select(_attempt.number).where(_its_attempt, _was_taken).exists(),
    ),
)
OPT_OUT_IS_OBEYED = Identity(
    "OPT_OUT_IS_OBEYED",
    f"clause {RULES[RECIPIENT_OPTED_OUT].clause}",
    "No message waits for a recipient whose TD is about it; one that came back from a carrier may.",
    _MESSAGES.where(_is_unfinished, _message.state == constant(State.QUEUED)),
    _messages(_opt_out.since)
    .join_from(
        schema.message,
        schema_recipients.opt_out,
        and_(
            _opt_out.number == func.plain(_message.destination_addr),
            or_(_opt_out.account == _message.account, _opt_out.account == ""),
            or_(_opt_out.signature == _message.signature, _opt_out.signature == ""),
        ),
    )
    .where(
        _is_unfinished,
        _message.state == constant(State.QUEUED),
        _message.attempts == 0,
        _opt_out.ended_at.is_(None),
        # One that an operator brought in ends what waits when that would be sent.
        _opt_out.inbound_id.is_not(None),
    ),
)

IDENTITIES = (
    MESSAGE_HAS_EQUAL_HOLD,
    HOLD_HAS_MESSAGE,
    SUBMITTING_HAS_INTENT,
    SUBMITTING_IN_THIS_EPOCH,
    ATTEMPT_HAS_MESSAGE,
    ATTEMPT_OUTCOME_IS_KNOWN,
    IN_DOUBT_HAS_ATTEMPT,
    RESEND_HAS_ATTEMPT,
    STATE_AND_END_AGREE,
    PURGED_HAS_ENDED,
    ACCEPTED_IS_NOT_WAITING,
    FINAL_RECEIPT_ENDS_MESSAGE,
    RECEIPT_HAS_MESSAGE,
    DELIVERY_HAS_MESSAGE,
    DELIVERY_AND_OUTCOME_AGREE,
    END_IS_TOLD,
    END_IS_TOLD_ONCE,
    TOLD_IS_WANTED,
    HELD_IS_UNRESOLVED,
    UNRESOLVED_HOLD_IS_OPEN,
    CARRIED_IS_SETTLED,
    ENDED_HOLD_IS_RESOLVED,
    JOINED_HAS_PARTS,
    PART_HAS_WHOLE,
    SETTLED_WAS_TAKEN,
    OPT_OUT_IS_OBEYED,
)
