"""What Wireshark's dissector makes of a capture."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.wiretap import SMPP_PORT

TSHARK = shutil.which("tshark")

# Wireshark's severities: 0x400000 is a note, 0x600000 a warning, 0x800000 an error.
_WARNING = 0x600000


@dataclass(frozen=True)
class Dissected:
    """One packet: who sent it, the command_ids in it, what tshark has against it, the values of fields."""

    from_server: bool
    command_ids: tuple[int, ...]
    complaints: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]


def dissect(capture: Path, wanted: Sequence[str] = ()) -> list[Dissected]:
    """Read a capture; each packet of it, with the values of the fields of these names that it has."""
    assert TSHARK is not None
    fields = ("tcp.srcport", "smpp.command_id", "_ws.malformed", "_ws.expert.severity", "_ws.expert.message")
    command: list[str | Path] = [
        TSHARK,
        "-n",
        "-r",
        capture,
        "-d",
        f"tcp.port=={SMPP_PORT},smpp",
        "-T",
        "fields",
    ]
    command += ["-E", "separator=/t", "-E", "aggregator=|"]
    for field in (*fields, *wanted):
        command += ["-e", field]
    # What it says on stderr is about being root.
    said = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()
    return [_dissected(line.split("\t"), wanted) for line in said.splitlines()]


def _dissected(row: Sequence[str], wanted: Sequence[str]) -> Dissected:
    port, command_ids, malformed, severities, messages, *values = row
    complaints = [f"malformed {malformed}"] if malformed else []
    if any(int(severity, 0) >= _WARNING for severity in severities.split("|") if severity):
        complaints.append(messages)
    ids = [int(command_id, 0) for command_id in command_ids.split("|") if command_id]
    found = {name: tuple(value.split("|")) for name, value in zip(wanted, values, strict=True) if value}
    return Dissected(int(port) == SMPP_PORT, tuple(ids), tuple(complaints), found)
