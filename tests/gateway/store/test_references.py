"""References of long messages: what is looked at to find a free one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.store import references
from gateway.store.admit import insert
from gateway.store.references import refer
from smpp.parts import REFERENCES, reference
from tests.gateway.store import samples
from tests.gateway.store.rig import Rig


def test_of_many_parts_on_their_way_to_a_number_only_the_newest_are_looked_at(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[bytes] = []

    def look(body: bytes) -> int | None:
        looked_at.append(body)
        return reference(body)

    monkeypatch.setattr(references, "reference", look)
    part = replace(samples.message(1), body=samples.part_body(), whole_id=1, part=2)
    newest = 20 * REFERENCES
    with rig.engine.connect() as connection:
        insert(connection, [replace(part, message_id=rig.ids.next()) for _ in range(newest + 100)])
        (referred,) = refer(connection, [replace(part, message_id=rig.ids.next(), whole_id=2)], "86")
        connection.rollback()
    assert len(looked_at) == newest
    assert reference(referred.body) != reference(part.body)
