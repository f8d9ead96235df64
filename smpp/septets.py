"""Septets packed into octets, as they are on the air: eight in seven octets, the lowest bits first.

GSM 03.38, 6.1.2. Behind a user data header the text begins at a septet boundary, so up to six fill bits
come first. SMPP counts octets, so a reader must tell from them how many septets there are. Seven bits left
over could be one more: the writer puts a carriage return there, and the reader drops a carriage return that
ends with an octet. One that is meant, and would end so, is written twice: a reader shows both, which look
like one (6.1.2.3.1).
"""

from __future__ import annotations

_CR = 0x0D
_BITS = 7


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Unpacked septets as octets behind `fill_bits` (0 to 6) zero bits.

    Raises ValueError for an octet that is no septet.
    """
    if septets and max(septets) > 0x7F:
        raise ValueError("an octet beyond seven bits cannot be packed")
    if not septets:
        return b""
    spare_bits = -(fill_bits + _BITS * len(septets)) % 8
    if spare_bits == _BITS or ends_in_return(septets, fill_bits):
        septets += bytes((_CR,))
    length = (fill_bits + _BITS * len(septets) + 7) // 8
    blocks = bytearray()
    for at in range(0, len(septets), 8):
        block = 0
        for place, septet in enumerate(septets[at : at + 8]):
            block |= septet << _BITS * place
        blocks += block.to_bytes(_BITS, "little")
    return (int.from_bytes(blocks, "little") << fill_bits).to_bytes(len(blocks) + 1, "little")[:length]


def unpack(octets: bytes, count: int | None = None, fill_bits: int = 0) -> bytes:
    """The septets behind `fill_bits` (0 to 6) in `octets`: `count` of them, or as many as there are.

    Raises ValueError when there are fewer than `count`.
    """
    there = max(0, 8 * len(octets) - fill_bits) // _BITS
    if count is not None and count > there:
        raise ValueError(f"{count} septets, but room for {there}")
    aligned = (int.from_bytes(octets, "little") >> fill_bits).to_bytes(len(octets), "little")
    septets = bytearray()
    for at in range(0, len(aligned), _BITS):
        block = int.from_bytes(aligned[at : at + _BITS], "little")
        septets += bytes(block >> place & 0x7F for place in range(0, 8 * _BITS, _BITS))
    found = bytes(septets[: there if count is None else count])
    return found[:-1] if count is None and ends_in_return(found, fill_bits) else found


def ends_in_return(septets: bytes, fill_bits: int) -> bool:
    """Whether `septets` end in a carriage return that a reader drops, because it ends with an octet."""
    return septets.endswith(b"\r") and not (fill_bits + _BITS * len(septets)) % 8
