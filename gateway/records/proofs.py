"""Proofs of consents: files that customers hand over, known by the hashes on record (clause 1(2))."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path

FILE_MAX = 20_000_000
"""Octets of the largest file that is looked at."""

_SUFFIX_MAX = 10


@dataclass(slots=True)
class Proofs:
    """What a folder has: octets by name in an archive, that name by hash, and why others were left out."""

    files: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def proofs_in(folder: Path, wanted: Collection[str]) -> Proofs:
    """The files directly in `folder` whose SHA-256, in lower case hexadecimal, is `wanted`.

    No other is read into memory. Raises OSError for a folder that cannot be read.
    """
    found = Proofs()
    for path in sorted(folder.iterdir()):
        try:
            _look_at(path, wanted, found)
        except OSError as error:
            found.left_out.append(f"{path}: {error.strerror}")
    return found


def _look_at(path: Path, wanted: Collection[str], found: Proofs) -> None:
    if not path.is_file():
        return
    if path.stat().st_size > FILE_MAX:
        found.left_out.append(f"{path}: larger than {FILE_MAX:,} octets")
        return
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        if digest not in wanted or digest in found.names:
            return
        file.seek(0)
        octets = file.read(FILE_MAX)
    if sha256(octets).hexdigest() != digest:
        found.left_out.append(f"{path}: changed while it was read")
        return
    found.names[digest] = name = f"proofs/{digest}{_suffix(path)}"
    found.files[name] = octets


def _suffix(path: Path) -> str:
    """That of the file, unless it is one that would mean something to whoever unpacks the archive."""
    suffix = path.suffix
    is_plain = suffix.isascii() and suffix[1:].isalnum() and len(suffix) <= _SUFFIX_MAX
    return suffix if is_plain else ""
