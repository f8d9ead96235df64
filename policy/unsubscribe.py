"""The way out that every commercial text shows, and the replies that take it (contract clause 1(3))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from unicodedata import normalize

from policy.clauses import UNSUBSCRIBE_MISSING, refuse
from policy.signature import OPEN
from policy.verdict import Refuse

WORDING = "回TD退订"
"""What contract clause 1(3) prescribes."""
_WORDINGS = (WORDING, "回复TD退订")
_WORDING_MAX = max(map(len, _WORDINGS))
_OPT_OUT_REPLIES = frozenset({"TD", "T", "N", "R", "QX", "退订", "拒收", "STOP"})
_REPLY_MAX = max(map(len, _OPT_OUT_REPLIES))


def check(text: str) -> Refuse | None:
    """UNSUBSCRIBE_MISSING unless 回TD退订 stands immediately before the signature.

    Where there is no signature it must end the text. 回复TD退订 is the same instruction spelled out and is
    accepted; so are full-width and small letters, and blanks between the characters and after them, because
    the recipient reads the same. Nothing else may stand in between or after, and no other wording will do:
    the contract prescribes this one.
    """
    signature = text.rfind(OPEN)
    body = text if signature < 0 else text[:signature]
    if body.endswith(WORDING):
        return None
    shown = (character for character in _shown(reversed(body)) if not character.isspace())
    end = "".join(islice(shown, _WORDING_MAX))[::-1]
    return None if end.endswith(_WORDINGS) else refuse(UNSUBSCRIBE_MISSING)


def is_opt_out(text: str) -> bool:
    """Whether a recipient's reply, taken whole, asks for no more messages.

    TD, T, N, R, QX, 退订, 拒收 or STOP. Width, case, blanks and punctuation do not matter: no slip of the
    thumb may stand between recipients and their choice (Order 31 art. 20).
    """
    letters = filter(str.isalnum, _shown(text))
    return "".join(islice(letters, _REPLY_MAX + 1)) in _OPT_OUT_REPLIES


def _shown(characters: Iterable[str]) -> Iterator[str]:
    """Characters without regard to width and case.

    One by one: to normalize a long row of marks at once takes a time that grows with its square.
    """
    for character in characters:
        yield from normalize("NFKC", character).upper()
