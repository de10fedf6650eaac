"""Beside a test that is marked `alone` no other test runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from baking import ROOT, Baked, run

if TYPE_CHECKING:
    from pathlib import Path

NOTING = """
import time
import pytest

@pytest.mark.alone
def test_alone():
    with open("notes", "a") as notes:
        print("alone", file=notes, flush=True)
        time.sleep(1)
        print("done", file=notes)

@pytest.mark.parametrize("number", range(5))
def test_other(number):
    with open("notes", "a") as notes:
        print("other", file=notes, flush=True)
        time.sleep(0.3)
        print("end", file=notes)
"""


@pytest.mark.parametrize("of_a_bake", [False, True])
def test_nothing_runs_beside_it(
    of_a_bake: bool, default: Baked, project: Path, tmp_path: Path
) -> None:
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(NOTING)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    conftest = (default.path if of_a_bake else ROOT) / "tests/conftest.py"
    (tmp_path / "conftest.py").symlink_to(conftest)
    python = project / ".venv/bin/python" if of_a_bake else sys.executable
    command = (python, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile")
    done = run(*command, cwd=tmp_path, PYTHONPATH=str(ROOT / "tests/support"))
    assert "12 passed" in done.stdout.splitlines()[-1], done.stdout + done.stderr
    notes = (tmp_path / "notes").read_text().split()
    for place in (number for number, note in enumerate(notes) if note == "alone"):
        assert notes[place + 1] == "done", notes
        assert notes[:place].count("other") == notes[:place].count("end"), notes
