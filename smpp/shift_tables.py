"""The tables of septets: the GSM 03.38 default alphabet and extension, and those of the national languages.

A locking shift table stands for the whole alphabet of a text, a single shift table for the extension that
0x1B escapes to (3GPP TS 23.038, 6.2.1 and annex A). The user data header of a message names them, each by a
national language identifier: 1 Turkish, 2 Spanish, 3 Portuguese, 4 Bengali, 5 Gujarati, 6 Hindi, 7 Kannada,
8 Malayalam, 9 Oriya, 10 Punjabi, 11 Tamil, 12 Telugu, 13 Urdu. 0 is the default here and reserved on the
wire.

Bengali to Urdu have one form: digits, punctuation and Latin letters stand in the same places, the script
fills the slots between them. The letters of nine scripts do so in the order of Unicode's blocks, which are
laid out alike: a script that has no such letter leaves a gap, and only the last six slots are its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shifts:
    """The tables of a text: the identifiers of its locking and of its single shift table."""

    locking: int = 0
    single: int = 0

    @property
    def known(self) -> bool:
        """Whether we have both tables. Spanish has no locking shift table."""
        return self.locking in LOCKING and self.single in SINGLE


DEFAULT = Shifts()

GAP = "\x00"
"""Where a table has no character."""

_SLOT = "\x01"
_LATIN = "abcdefghijklmnopqrstuvwxyz"

_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "0A\f 14^ 28{ 29} 2F\\ 3C[ 3D~ 3E] 40| 65€"

_TURKISH = "04€ 07ı 0BĞ 0Cğ 1CŞ 1Dş 40İ 60ç"
_PORTUGUESE = (
    "04ê 06ú 07í 08ó 09ç 0BÔ 0Cô 0EÁ 0Fá 12ª 13Ç 14À 15∞ 16^ 17\\ 18€ 19Ó 1A| 1CÂ 1Dâ 1EÊ 24º 40Í"
    " 5BÃ 5CÕ 5DÚ 60~ 7Bã 7Cõ 7D`"
)
_TURKISH_SINGLE = "47Ğ 49İ 53Ş 63ç 67ğ 69ı 73ş"
_SPANISH_SINGLE = "09ç 41Á 49Í 4FÓ 55Ú 61á 69í 6Fó 75ú"
_PORTUGUESE_SINGLE = (
    "05ê 09ç 0BÔ 0Cô 0EÁ 0Fá 12Φ 13Γ 15Ω 16Π 17Ψ 18Σ 19Θ 1FÊ"
    " 41À 49Í 4FÓ 55Ú 5BÃ 5CÕ 61Â 69í 6Fó 75ú 7Bã 7Cõ 7Fâ"
)
_LOCKING_FORM = (
    f"{_SLOT * 10}\n{_SLOT * 2}\r{_SLOT * 13}\x1b{_SLOT * 4}"
    f" !{_SLOT * 6})({_SLOT * 2},{_SLOT}.{_SLOT}0123456789:;{_SLOT * 3}?"
    f"{_SLOT * 33}{_LATIN}{_SLOT * 5}"
)
_SINGLE_FORM = (
    f"@£$¥¿\"¤%&'\f*+{GAP}-/<=>¡^¡_#*{_SLOT * 2}\x1b{_SLOT * 4}"
    f"{_SLOT * 8}{{}}{_SLOT * 5}\\{_SLOT * 12}[~]{_SLOT}"
    f"|{_LATIN.upper()}{GAP * 10}€{GAP * 26}"
)

_URDU = (
    "0627 0622 0628 067B 0680 067E 06A6 062A 06C2 067F 0679 067D 067A 067C 062B 062C 0681 0684 0683 0685"
    " 0686 0687 062D-062F 068C 0688-068A 068F 068D 0630 0631 0691 0693 0699 0632 0696 0698 069A 0633-0639"
    " 0641 0642 06A9-06AB 06AF 06B3 06B1 0644-0646 06BA-06BC 0648 06C4 06D5 06C1 06BE 0621 06CC 06D0 06D2"
    " 064D 0650 064F 0657 0654 0655 0651 0653 0656 0670"
)


def _characters(codes: str) -> str:
    """Code points and ranges of them, in hexadecimal; "-" is a gap."""
    found = ""
    for code in codes.split():
        first, _, last = code.partition("-")
        found += "".join(map(chr, range(int(first, 16), int(last or first, 16) + 1))) if first else GAP
    return found


def _filled(form: str, characters: str) -> str:
    """`form` with its slots filled in order; what is left of them are gaps."""
    after = iter(characters)
    return "".join(next(after, GAP) if place == _SLOT else place for place in form)


def _changed(table: str, changes: str) -> str:
    """`table` with other characters at some places: each change is a code in hexadecimal, a character."""
    places = list(table)
    for change in changes.split(" "):
        places[int(change[:2], 16)] = change[2]
    return "".join(places)


def _script(block: int, gaps: str, last: str) -> str:
    """The locking shift table of a script: its Unicode block, the offsets it lacks, those that come last."""
    missing = bytes.fromhex(gaps)
    offsets = (*range(0x01, 0x04), *range(0x05, 0x3A), *range(0x3C, 0x4E), *bytes.fromhex(last))
    return _filled(
        _LOCKING_FORM, "".join(GAP if offset in missing else chr(block + offset) for offset in offsets)
    )


def _single(codes: str) -> str:
    return _filled(_SINGLE_FORM, _characters(codes))


LOCKING = {
    0: _DEFAULT,
    1: _changed(_DEFAULT, _TURKISH),
    3: _changed(_DEFAULT, _PORTUGUESE),
    4: _script(0x0980, "0D 0E 11 12 29 31 33 34 35 3A 3B 45 46 49 4A", "4E 57 5C 5D 70 71"),
    5: _script(0x0A80, "0E 12 29 31 34 46 4A", "50 60 61 62 63 71"),
    6: _script(0x0900, "", "50 72 7B 7C 7E 7F"),
    # The standard prints the code point of PA twice, at 0x24 too; what stands there, and on phones, is DDA.
    7: _script(0x0C80, "01 0D 11 29 34 45 49", "55 56 60 61 62 63"),
    8: _script(0x0D00, "01 0D 11 29 3C 45 49", "57 60 61 62 63 79"),
    9: _script(0x0B00, "0D 0E 11 12 29 31 34 45 46 49 4A", "56 57 60 61 62 63"),
    10: _script(0x0A00, "0B 0C 0D 0E 11 12 29 31 34 37 3D 43 44 45 46 49 4A", "51 70 71 72 73 74"),
    11: _script(
        0x0B80,
        "01 0B 0C 0D 11 16 17 18 1B 1D 20 21 22 25 26 27 2B 2C 2D 3C 3D 43 44 45 49",
        "50 57 70 71 72 79",
    ),
    12: _script(0x0C00, "0D 11 29 34 3C 45 49", "55 56 60 61 62 63"),
    13: _filled(_LOCKING_FORM, _characters(_URDU)),
}
"""By identifier: the characters of the 128 codes, with ESC at 0x1B."""

_PLAIN_SINGLE = _changed(GAP * 128, _EXTENSION)

SINGLE = {
    0: _PLAIN_SINGLE,
    1: _changed(_PLAIN_SINGLE, _TURKISH_SINGLE),
    2: _changed(_PLAIN_SINGLE, _SPANISH_SINGLE),
    3: _changed(_PLAIN_SINGLE, _PORTUGUESE_SINGLE),
    4: _single("09E6-09EF 09DF-09E3 09F2-09FA"),
    5: _single("0964 0965 0AE6-0AEF"),
    6: _single("0964 0965 0966-096F 0951-0954 0958-0963 0970 0971"),
    7: _single("0964 0965 0CE6-0CEF 0CDE 0CF1 0CF2"),
    8: _single("0964 0965 0D66-0D75 0D7A-0D7F"),
    9: _single("0964 0965 0B66-0B6F 0B5C 0B5D 0B5F 0B70 0B71"),
    10: _single("0964 0965 0A66-0A6F 0A59-0A5C 0A5E 0A75"),
    11: _single("0964 0965 0BE6-0BEF 0BF3-0BF8 0BFA"),
    # Alone of its kind without a euro sign.
    12: _changed(_single("- - 0C66-0C6F 0C58 0C59 0C78-0C7F"), f"65{GAP}"),
    13: _single("0600 0601 06F0-06F9 060C-0614 061B 061F 0640 0652 0658 066B 066C 0672 0673 06CD 06D4"),
}
"""By identifier: the characters behind 0x1B of the 128 codes."""
