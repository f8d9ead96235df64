"""A long message as the rows that carry it: what the customer has sent, and the parts that are sent on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.message import Message, State
from gateway.ports import Slot
from gateway.settings import Limits, LongForm
from smpp import codec, parts
from smpp.text import Alphabet
from smpp.value import changed


def is_too_long(units: int, form: LongForm, limits: Limits) -> bool:
    """Whether a text of so many units makes more parts than a message may have."""
    return form is not LongForm.PAYLOAD and units > limits.segments_max


def leaving(message: Message, slot: Slot) -> Message:
    """A message of which parts leave at once: the intent to submit it, to one carrier whatever comes."""
    carrier = slot.carrier_name
    return changed(message, state=State.SUBMITTING, carrier=carrier, route=carrier, attempts=1)


def joined(message: Message, whole_id: int, segment: int = 1) -> Message:
    """The row of what a customer has sent, when others carry its text: it is not sent, and costs nothing."""
    return changed(message, state=State.JOINED, units=0, whole_id=whole_id, segment=segment)


def bodies_of(body: bytes, alphabet: Alphabet, form: LongForm) -> list[bytes]:
    """The bodies in which a message leaves, in order: its own if the carrier takes it whole.

    Raises ValueError for more than 255, and for a user data header that leaves no room for the text.
    """
    if form is LongForm.PAYLOAD:
        return [body]
    cut = parts.cut(codec.submit_sm(body), alphabet, 0, wide=form is LongForm.UDH16)
    return [codec.encode_body(part) for part in cut]


def parts_of(
    message: Message, whole_id: int, alphabet: Alphabet, form: LongForm, new_id: Callable[[], int]
) -> tuple[Message, ...]:
    """The parts of a message that waits, in order; one if the carrier takes it whole.

    Raises ValueError as `bodies_of` does.
    """
    bodies = bodies_of(message.body, alphabet, form)
    return parts_with(bodies, changed(message, state=State.QUEUED), whole_id, form, new_id)


def parts_with(
    bodies: Sequence[bytes], message: Message, whole_id: int, form: LongForm, new_id: Callable[[], int]
) -> tuple[Message, ...]:
    """The parts of a message that have these bodies, in its state."""
    units = message.units if form is LongForm.PAYLOAD else 1
    return tuple(
        changed(
            message,
            message_id=new_id(),
            units=units,
            registered_delivery=0,
            body=body,
            whole_id=whole_id,
            part=number,
            segment=0,
            told_as=None,
            submitted_body=message.submitted_body if number == 1 else None,
        )
        for number, body in enumerate(bodies, start=1)
    )
