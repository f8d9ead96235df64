"""What the benchmark's PDUs lack: a deliver_sm of any kind, and what a customer reads of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import strftime

from tests.bench.pdus import DELIVER_SM, pdu
from tests.crash.tokens import token_in

_UCS2 = 8
_ESM_CLASS_RECEIPT = 4
_RECEIPT = re.compile(rb"id:(\S+) sub:\d+ dlvrd:\d+ submit date:\d+ done date:\d+ stat:([A-Z]+) ")


@dataclass(frozen=True, slots=True)
class Receipted:
    """A receipt, by the words of its text."""

    message_id: str
    stat: str


def receipt(sequence_number: int, source: str, destination: str, message_id: str, stat: str) -> bytes:
    """A deliver_sm (SMPP 3.4 section 4.6.1) with a receipt in its text (appendix B) and no TLV."""
    minute = strftime("%y%m%d%H%M")
    text = (
        f"id:{message_id} sub:001 dlvrd:001 submit date:{minute} done date:{minute} stat:{stat} err:000 text:"
    )
    return _deliver_sm(sequence_number, source, destination, _ESM_CLASS_RECEIPT, 0, text.encode())


def reply(sequence_number: int, source: str, destination: str, text: str) -> bytes:
    """A deliver_sm with a recipient's text."""
    return _deliver_sm(sequence_number, source, destination, 0, _UCS2, text.encode("utf-16-be"))


def read_deliver_sm(body: bytes) -> Receipted | int:
    """The receipt in a deliver_sm, or the token that a reply names."""
    found = _RECEIPT.search(body)
    return Receipted(found[1].decode(), found[2].decode()) if found else token_in(body)


def _deliver_sm(
    sequence_number: int, source: str, destination: str, esm_class: int, data_coding: int, octets: bytes
) -> bytes:
    flags = bytes((esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0))
    addresses = b"\0\x01\x01%b\0\x01\x01%b\0" % (source.encode(), destination.encode())
    return pdu(DELIVER_SM, sequence_number, addresses + flags + bytes((len(octets),)) + octets)
