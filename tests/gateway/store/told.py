"""A receipt owed to a customer, read from its octets by hand (SMPP 3.4, 4.6.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """A deliver_sm about `message_id`."""

    message_id: int
    source_addr: str
    destination_addr: str
    esm_class: int
    text: str

    @property
    def stat(self) -> str:
        """What it says behind `stat:`."""
        return self.text.partition("stat:")[2].partition(" ")[0]


def told(message_id: int, body: bytes) -> Told:
    """What a deliver_sm body says."""
    source_at = body.index(0) + 3
    source_end = body.index(0, source_at)
    destination_at = source_end + 3
    destination_end = body.index(0, destination_at)
    # esm_class, protocol_id and priority_flag stand before the two times.
    schedule_end = body.index(0, destination_end + 4)
    validity_end = body.index(0, schedule_end + 1)
    text_at = validity_end + 6
    return Told(
        message_id,
        body[source_at:source_end].decode("latin-1"),
        body[destination_at:destination_end].decode("latin-1"),
        body[destination_end + 1],
        body[text_at : text_at + body[text_at - 1]].decode("latin-1"),
    )
