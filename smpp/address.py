"""An SME address: type of number, numbering plan and the digits or letters (SMPP 3.4, 5.2.5 to 5.2.9)."""

from __future__ import annotations

from smpp.value import value


@value(frozen=True, slots=True)
class Address:
    """`ton` and `npi` are octets; `addr` is the latin-1 text without its NUL.

    At most 20 characters, in data_sm and alert_notification 64.
    """

    ton: int
    npi: int
    addr: str
