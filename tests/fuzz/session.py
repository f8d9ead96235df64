"""A session of either role between a peer that sends what the input says and an owner that does what it says.

The first octet is a digit: which role, and how the session is bound (`_PLACES`). Then a letter is a step of
the owner's (`_STEPS`), and anything else is the start of a PDU of the peer's, as long as its command_length
says; all the rest if there is no such PDU. `corpus/session` holds plays of that kind.

In any pieces the events and the octets are the same. Each request of the peer's that was read has one
response or is in somebody's hands; each request of the owner's ends once; windows, memory and events have
their limits.
"""

from __future__ import annotations

from collections.abc import Iterator

from smpp.session import Role, State
from tests.fuzz.chunks import WAYS
from tests.fuzz.session_play import Play

_PLACES = (
    (Role.SMSC, State.OPEN),
    (Role.SMSC, State.BOUND_TX),
    (Role.SMSC, State.BOUND_RX),
    (Role.SMSC, State.BOUND_TRX),
    (Role.ESME, State.OPEN),
    (Role.ESME, State.BOUND_TX),
    (Role.ESME, State.BOUND_RX),
    (Role.ESME, State.BOUND_TRX),
)
_STEPS = {
    ord("a"): Play.accept,
    ord("b"): Play.bind,
    ord("f"): Play.finish_unbind,
    ord("n"): Play.notify,
    ord("p"): Play.respond,
    ord("q"): Play.request,
    ord("r"): Play.refuse,
    ord("u"): Play.unbind,
    ord("w"): Play.wait,
    ord("x"): Play.reject,
}


def target(data: bytes) -> None:
    """One play, in every way to cut the octets."""
    if not data:
        return
    place = _PLACES[data[0] % len(_PLACES)]
    plays = []
    for way in WAYS:
        play = Play(*place, way)
        for step in _steps(data[1:]):
            if isinstance(step, bytes):
                play.hear(step)
            else:
                _STEPS[step](play)
        play.end()
        plays.append(play)
    first, *others = plays
    for other in others:
        assert other.events == first.events
        assert other.sent == first.sent


def _steps(script: bytes) -> Iterator[bytes | int]:
    at = 0
    while at < len(script):
        if script[at] in _STEPS:
            yield script[at]
            at += 1
            continue
        length = int.from_bytes(script[at : at + 4])
        end = at + length if 4 <= length <= len(script) - at else len(script)
        yield script[at:end]
        at = end
