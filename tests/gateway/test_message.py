"""The states of a message and the moves between them."""

from __future__ import annotations

import pytest

from gateway.message import ENDS, TRANSITIONS, State, sources
from smpp.message_state import MessageState

OPEN = set(State) - ENDS


def test_the_table_has_a_row_for_every_state() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("end", sorted(ENDS))
def test_no_end_has_a_way_out(end: State) -> None:
    assert not TRANSITIONS[end]


@pytest.mark.parametrize("state", sorted(OPEN))
def test_every_end_is_within_reach_of_every_open_state_in_one_move(state: State) -> None:
    """A receipt, a refusal or a deadline may strike anywhere."""
    assert TRANSITIONS[state] >= ENDS


def test_the_moves_between_open_states_are_these_and_no_others() -> None:
    queued, submitting, in_doubt, enroute = State.QUEUED, State.SUBMITTING, State.IN_DOUBT, State.ENROUTE
    moves = {(here, there) for here in OPEN for there in OPEN & TRANSITIONS[here]}
    assert moves == {
        (queued, submitting),
        (queued, enroute),  # the late answer to an attempt before
        (submitting, enroute),
        (submitting, queued),
        (submitting, in_doubt),
        (in_doubt, enroute),
        (in_doubt, queued),
        (State.COLLECTING, State.JOINED),
        (queued, State.JOINED),
    }


def test_a_state_and_its_sources_are_one_table() -> None:
    for following in State:
        assert set(sources(following)) == {state for state in State if following in TRANSITIONS[state]}


def test_the_ends_are_smpps_own_and_carry_its_numbers() -> None:
    """SMPP 3.4, 5.2.28."""
    numbers = {"DELIVERED": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIVERABLE": 5, "UNKNOWN": 7, "REJECTED": 8}
    assert {end.name: int(end) for end in ENDS} == numbers
    assert State.ENROUTE.value == MessageState.ENROUTE.value


def test_no_state_of_ours_has_a_number_that_means_something_else_to_a_customer() -> None:
    ours = {State.QUEUED, State.SUBMITTING, State.IN_DOUBT}
    assert not {int(state) for state in ours} & {int(state) for state in MessageState}


@pytest.mark.parametrize("state", [state for state in MessageState if state.is_final])
def test_whatever_a_carrier_calls_final_is_an_end(state: MessageState) -> None:
    assert State(state) in ENDS
