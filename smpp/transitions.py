"""The transition table of a session (SMPP 3.4, section 2.2 and table 2-1): which PDU may come in which state.

One row a command, one column a state, one table a role. UNBOUND and CLOSED have no column: nothing is read
there any more. Responses are matched with an outstanding request by sequence_number, so their state follows
from that of the request, and one that matches nothing is ignored everywhere.
"""

from __future__ import annotations

from enum import Enum

from smpp.commands import RESPONSE_BIT, CommandId
from smpp.status import CommandStatus


class Role(Enum):
    """Which end of the session we are."""

    SMSC = "smsc"
    ESME = "esme"


class State(Enum):
    """Session states: those of SMPP 3.4, and what lies between bound and closed."""

    OPEN = "open"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBINDING = "unbinding"
    """We sent unbind and still take responses."""
    PEER_UNBINDING = "peer_unbinding"
    """The peer sent unbind and awaits unbind_resp, which follows the answers that we owe it."""
    UNBOUND = "unbound"
    """unbind_resp was sent or received."""
    CLOSED = "closed"

    @property
    def is_bound(self) -> bool:
        """Whether new requests may go out."""
        return self in _BOUND

    @property
    def is_over(self) -> bool:
        """Whether nothing is read any more."""
        return self in _OVER


_BOUND = (State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX)
_OVER = (State.UNBOUND, State.CLOSED)

BOUND_STATE: dict[int, State] = {
    CommandId.BIND_TRANSMITTER: State.BOUND_TX,
    CommandId.BIND_RECEIVER: State.BOUND_RX,
    CommandId.BIND_TRANSCEIVER: State.BOUND_TRX,
}
"""The state that each kind of bind leads to."""


class Action(Enum):
    """What the session does with a PDU."""

    BIND = "let the owner verify it"
    REQUEST = "decode it and hand it to the owner"
    ENQUIRE_LINK = "answer it"
    UNBIND = "stop taking requests"
    RESPONSE = "match it with a request of the owner's"
    BIND_RESPONSE = "match it with our bind"
    ENQUIRE_LINK_RESPONSE = "match it with our enquire_link"
    UNBIND_RESPONSE = "match it with our unbind"
    GENERIC_NACK = "match it with whatever it answers"
    ALERT = "decode it and tell the owner: it has no response"
    OUTBIND = "decode it and tell the owner, who may bind: it has no response"
    IGNORE = "ignore it"
    WRONG_STATE = "refuse: not legal in this state"
    ALREADY_BOUND = "refuse: the session is bound"
    LEAVING = "refuse: we are unbinding, try again elsewhere"
    NOT_OFFERED = "refuse: not a command that we offer"


REFUSALS: dict[Action, tuple[int, str]] = {
    Action.WRONG_STATE: (CommandStatus.ESME_RINVBNDSTS, "not legal in this state"),
    Action.ALREADY_BOUND: (CommandStatus.ESME_RALYBND, "the session is bound already"),
    Action.LEAVING: (CommandStatus.ESME_RSYSERR, "the session is unbinding"),
    Action.NOT_OFFERED: (CommandStatus.ESME_RINVCMDID, "not a command that is offered"),
}
"""command_status and reason of each refusal."""

# Short names, so that a row stays a row.
_BIND = Action.BIND
_REQUEST = Action.REQUEST
_UNBIND = Action.UNBIND
_STATE = Action.WRONG_STATE
_ALREADY = Action.ALREADY_BOUND
_LEAVING = Action.LEAVING
_LACK = Action.NOT_OFFERED
_IGNORE = Action.IGNORE

_COLUMNS = (
    State.OPEN,
    State.BOUND_TX,
    State.BOUND_RX,
    State.BOUND_TRX,
    State.UNBINDING,
    State.PEER_UNBINDING,
)

_Row = tuple[Action, Action, Action, Action, Action, Action]


def _always(action: Action) -> _Row:
    return (action,) * 6


_BIND_ROW: _Row = (_BIND, _ALREADY, _ALREADY, _ALREADY, _ALREADY, _STATE)
_SUBMIT_ROW: _Row = (_STATE, _REQUEST, _STATE, _REQUEST, _LEAVING, _STATE)
_DELIVER_ROW: _Row = (_STATE, _STATE, _REQUEST, _REQUEST, _LEAVING, _STATE)
_UNBIND_ROW: _Row = (_UNBIND, _UNBIND, _UNBIND, _UNBIND, _UNBIND, _STATE)
# Where a notification is not legal there is still nothing that could answer it.
_ALERT_ROW: _Row = (_IGNORE, _IGNORE, Action.ALERT, Action.ALERT, Action.ALERT, _IGNORE)
_OUTBIND_ROW: _Row = (Action.OUTBIND, _LACK, _LACK, _LACK, _LACK, _LACK)

_BOTH: dict[int, _Row] = {
    CommandId.ENQUIRE_LINK: _always(Action.ENQUIRE_LINK),
    CommandId.UNBIND: _UNBIND_ROW,
    CommandId.GENERIC_NACK: _always(Action.GENERIC_NACK),
    CommandId.ENQUIRE_LINK_RESP: _always(Action.ENQUIRE_LINK_RESPONSE),
    CommandId.UNBIND_RESP: _always(Action.UNBIND_RESPONSE),
    CommandId.SUBMIT_SM_RESP: _always(Action.RESPONSE),
    CommandId.SUBMIT_MULTI_RESP: _always(Action.RESPONSE),
    CommandId.DELIVER_SM_RESP: _always(Action.RESPONSE),
    CommandId.DATA_SM_RESP: _always(Action.RESPONSE),
    CommandId.QUERY_SM_RESP: _always(Action.RESPONSE),
    CommandId.CANCEL_SM_RESP: _always(Action.RESPONSE),
    CommandId.REPLACE_SM_RESP: _always(Action.RESPONSE),
}

_SMSC: dict[int, _Row] = {
    CommandId.BIND_TRANSMITTER: _BIND_ROW,
    CommandId.BIND_RECEIVER: _BIND_ROW,
    CommandId.BIND_TRANSCEIVER: _BIND_ROW,
    CommandId.SUBMIT_SM: _SUBMIT_ROW,
    CommandId.SUBMIT_MULTI: _SUBMIT_ROW,
    CommandId.QUERY_SM: _SUBMIT_ROW,
    CommandId.CANCEL_SM: _SUBMIT_ROW,
    # Table 2-1 has it for a transmitter only, section 2.7 for a transceiver too.
    CommandId.REPLACE_SM: _SUBMIT_ROW,
    CommandId.DATA_SM: _SUBMIT_ROW,
    CommandId.DELIVER_SM: _always(_STATE),
    CommandId.ALERT_NOTIFICATION: _always(_LACK),
    CommandId.OUTBIND: _always(_LACK),
    CommandId.BIND_TRANSMITTER_RESP: _always(_IGNORE),
    CommandId.BIND_RECEIVER_RESP: _always(_IGNORE),
    CommandId.BIND_TRANSCEIVER_RESP: _always(_IGNORE),
}

_ESME: dict[int, _Row] = {
    CommandId.BIND_TRANSMITTER: _always(_STATE),
    CommandId.BIND_RECEIVER: _always(_STATE),
    CommandId.BIND_TRANSCEIVER: _always(_STATE),
    CommandId.SUBMIT_SM: _always(_STATE),
    CommandId.SUBMIT_MULTI: _always(_STATE),
    CommandId.QUERY_SM: _always(_STATE),
    CommandId.CANCEL_SM: _always(_STATE),
    CommandId.REPLACE_SM: _always(_STATE),
    CommandId.DATA_SM: _DELIVER_ROW,
    CommandId.DELIVER_SM: _DELIVER_ROW,
    CommandId.ALERT_NOTIFICATION: _ALERT_ROW,
    CommandId.OUTBIND: _OUTBIND_ROW,
    CommandId.BIND_TRANSMITTER_RESP: _always(Action.BIND_RESPONSE),
    CommandId.BIND_RECEIVER_RESP: _always(Action.BIND_RESPONSE),
    CommandId.BIND_TRANSCEIVER_RESP: _always(Action.BIND_RESPONSE),
}

_Column = dict[int, Action]


def _column(rows: dict[int, _Row], state: State) -> _Column:
    place = _COLUMNS.index(state)
    return {int(command_id): row[place] for command_id, row in rows.items()}


_TABLE: dict[tuple[Role, State], _Column] = {
    (role, state): _column(_BOTH | rows, state)
    for role, rows in ((Role.SMSC, _SMSC), (Role.ESME, _ESME))
    for state in _COLUMNS
}

_SUBMISSIONS = frozenset(
    {
        CommandId.SUBMIT_SM,
        CommandId.SUBMIT_MULTI,
        CommandId.QUERY_SM,
        CommandId.CANCEL_SM,
        CommandId.REPLACE_SM,
        CommandId.DATA_SM,
    }
)
_DELIVERIES = frozenset({CommandId.DELIVER_SM, CommandId.DATA_SM})
_SENDABLE: dict[tuple[Role, State], frozenset[CommandId]] = {
    (Role.ESME, State.BOUND_TX): _SUBMISSIONS,
    (Role.ESME, State.BOUND_TRX): _SUBMISSIONS,
    (Role.SMSC, State.BOUND_RX): _DELIVERIES,
    (Role.SMSC, State.BOUND_TRX): _DELIVERIES,
}


def actions(role: Role, state: State) -> dict[int, Action]:
    """The column of the table for `state`: command_id to action; empty when the session is over."""
    return _TABLE.get((role, state), {})


def unknown(command_id: int) -> Action:
    """What to do with a command_id that the table lacks: answering a response could loop (SMPP 3.4, 3.3)."""
    return Action.IGNORE if command_id & RESPONSE_BIT else Action.NOT_OFFERED


def may_notify(role: Role, state: State) -> bool:
    """Whether the owner may send an alert_notification in `state`: to an ESME that receives."""
    return role is Role.SMSC and state in (State.BOUND_RX, State.BOUND_TRX)


def sendable(role: Role, state: State) -> frozenset[CommandId]:
    """The requests that the owner may send in `state`."""
    return _SENDABLE.get((role, state), frozenset())
