"""One target fuzzed in a process of its own, and what came of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import targets

WORKER = (sys.executable, "-m", "tests.fuzz.worker")

_PROGRESS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/")
_CRASH = re.compile(r"Test unit written to (\S+)")
_WORD = re.compile(rb"[A-Za-z_]\w{2,}")
_INPUT_MAX = 4096
_INPUT_TIME_MAX_S = 20
_MEMORY_MAX_MB = 1024


@dataclass(frozen=True, slots=True)
class Progress:
    """How many inputs were run, how many edges of the code they reached, and how many are kept for that."""

    executions: int = 0
    edges: int = 0
    inputs: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """`crashes` are the files with the inputs that failed; `output` is what the fuzzer said last."""

    progress: Progress
    crashes: tuple[Path, ...]
    output: str


def run(name: str, seconds: int, folder: Path, tell: Callable[[Progress], None]) -> Result:
    """Fuzz a target for `seconds`, or until an input fails; what it finds is kept in `folder`."""
    found = folder / name
    found.mkdir(parents=True, exist_ok=True)
    arguments = [
        f"-max_total_time={seconds}",
        f"-max_len={_INPUT_MAX}",
        f"-timeout={_INPUT_TIME_MAX_S}",
        f"-rss_limit_mb={_MEMORY_MAX_MB}",
        f"-artifact_prefix={folder}/{name}-",
        f"-dict={_dictionary(name, folder)}",
        str(found),
        str(targets.corpus_folder(name)),
    ]
    progress = Progress()
    crashes: list[Path] = []
    last: list[str] = []
    with subprocess.Popen(
        [*WORKER, name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for octets in process.stdout:
            line = octets.decode("utf-8", "replace").rstrip()
            last = [*last[-99:], line]
            if seen := _PROGRESS.match(line):
                executions, edges, _, inputs = map(int, seen.groups())
                progress = Progress(executions, edges, inputs)
                tell(progress)
            elif crash := _CRASH.search(line):
                crashes.append(Path(crash[1]))
    if process.returncode and not crashes:
        crashes.append(folder / name)
    return Result(progress, tuple(crashes), "\n".join(last))


def _dictionary(name: str, folder: Path) -> Path:
    """The words of the corpus, which chance alone would not spell."""
    words = sorted({word for path in targets.corpus(name) for word in _WORD.findall(path.read_bytes())})
    path = folder / f"{name}.dict"
    path.write_text("".join(f'"{word.decode()}"\n' for word in words if word.isascii()))
    return path
