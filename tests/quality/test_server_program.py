"""The program for a server is the same as a folder of the project and as one installed file."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING

from baking import Baked, run

if TYPE_CHECKING:
    from pathlib import Path

PACK = """
import sys
from pathlib import Path
sys.path.insert(0, "deploy/server")
from manage.installing import as_one_file
Path(sys.argv[1]).write_bytes(as_one_file(Path("deploy/server")))
"""


def packed(project: Path, target: Path) -> Path:
    """Write the program of a project as `install` does."""
    done = run(sys.executable, "-c", PACK, target, cwd=project)
    assert done.returncode == 0, done.stderr
    target.chmod(0o755)
    return target


def test_both_know_the_same_verbs(default: Baked, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(default.path / "deploy", project / "deploy")
    program = packed(project, tmp_path / "program")
    helped = [
        run(*command, "--help", cwd=tmp_path)
        for command in ((program,), (sys.executable, project / "deploy/server"))
    ]
    assert [done.returncode for done in helped] == [0, 0], helped
    assert helped[0].stdout == helped[1].stdout
    for verb in ("install", "release", "rollback", "prepare", "status", "run", "uninstall"):
        assert re.search(rf"^    {verb}\b", helped[0].stdout, re.MULTILINE), verb


def test_equal_files_make_an_equal_program(default: Baked, tmp_path: Path) -> None:
    """Else a second `install` would say that it writes what is there."""
    programs = []
    for name in ("one", "two"):
        copied = shutil.copytree(default.path, tmp_path / name, copy_function=shutil.copyfile)
        programs.append(packed(copied, tmp_path / f"{name}-program").read_bytes())
    assert programs[0] == programs[1]
