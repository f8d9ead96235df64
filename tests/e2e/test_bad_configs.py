"""A gallery of bad configurations: each folder's config.toml is told exactly the problems in expected.txt.

`{folder}` in an expected text is the folder itself.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main

GALLERY = sorted(path for path in (Path(__file__).parent / "bad_configs").iterdir() if path.is_dir())
SIGNET = Path(sys.executable).with_name("signet")


@pytest.mark.parametrize("folder", GALLERY, ids=lambda folder: folder.name)
def test_a_bad_configuration_is_told_every_problem(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, ["check", "-c", "config.toml"])
    assert (result.stdout, result.exit_code) == ("", 2)
    assert result.stderr.replace(str(folder), "{folder}") == (folder / "expected.txt").read_text("utf-8")


def test_the_real_command_tells_the_same(tmp_path: Path) -> None:
    folder = next(folder for folder in GALLERY if folder.name.endswith("everything-at-once"))
    result = subprocess.run(
        [SIGNET, "check"],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (result.stdout, result.returncode) == ("", 2)
    assert result.stderr.replace(str(folder), "{folder}") == (folder / "expected.txt").read_text("utf-8")


def test_the_gallery_is_not_empty() -> None:
    assert len(GALLERY) >= 15
