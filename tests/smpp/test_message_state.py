from __future__ import annotations

from smpp.message_state import MessageState


def test_a_carriers_unknown_is_not_its_last_word() -> None:
    final = {state for state in MessageState if state.is_final}
    assert final == {
        MessageState.DELIVERED,
        MessageState.EXPIRED,
        MessageState.DELETED,
        MessageState.UNDELIVERABLE,
        MessageState.REJECTED,
    }
