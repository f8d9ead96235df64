"""The salutation 尊敬XX with which a text begins (contract clause 1(3))."""

from __future__ import annotations

import re

from policy.clauses import SALUTATION_MISSING, refuse
from policy.verdict import Refuse

# The contract prints 尊敬XX without saying where XX ends; a salutation is set off by one of these.
_SEPARATORS = r":：,，、!！;；\s"
_SALUTATION = re.compile(rf"\s*尊敬的?+\s*+[^{_SEPARATORS}。？【】]{{1,20}}+[{_SEPARATORS}]")


def check(text: str) -> Refuse | None:
    """SALUTATION_MISSING unless the text begins with 尊敬, an addressee and a separator.

    The addressee has 1 to 20 characters; 的 after 尊敬 is not part of it, and blanks before 尊敬 and before
    the addressee do not matter. Separators are a colon, comma, 、, exclamation mark or semicolon of either
    width, and a blank or line break.
    """
    return None if _SALUTATION.match(text) else refuse(SALUTATION_MISSING)
