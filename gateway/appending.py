"""What a message lacks, put into its submit_sm: in its own alphabet, or in UCS-2 where that cannot write it.

`policy.transform` says what is added; here it becomes octets, and may be counted otherwise than what came.
"""

from __future__ import annotations

from policy.facts import MessageClass
from policy.ruleset import Ruleset
from policy.transform import Appended, append
from smpp import parts, text
from smpp.pdu import SubmitSm
from smpp.segments import UDHI, Coding
from smpp.text import Alphabet

# SMPP 3.4, 5.2.19, and GSM 03.38, section 4.
_UCS2 = 0x08
_UCS2_WITH_CLASS = 0x18
# The octets that a message_payload has room for.
_TEXT_MAX = 0xFFFF


def complete(
    ruleset: Ruleset, pdu: SubmitSm, content: str, coding: Coding, message_class: MessageClass, at: float
) -> tuple[SubmitSm, Appended] | None:
    """The submit_sm with what its text `content` lacks at `at` (unix seconds); None if nothing is added.

    A text behind a user data header stays as it is: the header may be there for its alphabet. So does one
    that leaves no room for what it lacks. Raises TextError for what no alphabet can carry.
    """
    if pdu.esm_class & UDHI:
        return None
    added = append(ruleset, content, message_class, at)
    if added is None:
        return None
    data_coding, octets = _encoded(added.text, pdu.data_coding, coding.alphabet)
    if len(octets) > _TEXT_MAX:
        return None
    return parts.with_text(pdu, octets, data_coding), added


def _encoded(content: str, data_coding: int, alphabet: Alphabet) -> tuple[int, bytes]:
    if alphabet is Alphabet.UTF8:
        return data_coding, content.encode()
    written, octets = text.encode(content, alphabet)
    if text.alphabet(written, alphabet) is alphabet:
        return data_coding, octets
    return _in_ucs2(data_coding), octets


def _in_ucs2(data_coding: int) -> int:
    """The data_coding of the same class (flash and such), in UCS-2."""
    phone_class = text.message_class(data_coding)
    return _UCS2 if phone_class is None else _UCS2_WITH_CLASS + phone_class
