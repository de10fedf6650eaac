"""The names that the hook refuses are those that the lock really installs."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from baking import ROOT, run

# Reserved for other reasons: what the project is made of and run with, and devices of Windows.
OWN = {"activate", "conftest", "git", "make", "pip", "pip3", "python", "python3", "src"}
OWN |= {"streamlit_app", "tests", "uv", "chassis", "scratch_tool", "aux", "con", "nul", "prn"}
OWN |= {f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10)}

HOOK = runpy.run_path(str(ROOT / "hooks" / "pre_gen_project.py"))
# The users and groups that Debian and Ubuntu have from the beginning.
MASTERS = [Path("/usr/share/base-passwd", f"{kind}.master") for kind in ("passwd", "group")]

LIST_NAMES = """
import json
from importlib.metadata import distributions
names = set()
for distribution in distributions():
    names.add(distribution.name)
    for entry in distribution.entry_points:
        names.update([entry.name] if entry.group == "console_scripts" else [])
    for file in distribution.files or []:
        if file.parts[0] == "..":
            names.update([file.name] if "bin" in file.parts else [])
        elif not file.parts[0].endswith(".dist-info"):
            names.add(file.parts[0].split(".")[0])
print(json.dumps(sorted(names)))
"""


def test_reserved_names_are_those_of_the_dependencies(project: Path) -> None:
    listed = run(project / ".venv/bin/python", "-c", LIST_NAMES, cwd=project)
    names = set(json.loads(listed.stdout)) - {"my-internal-tool", "my_internal_tool"}
    lock = (project / "requirements-dev.txt").read_text("utf-8")
    names |= set(re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE))
    # A name with a dot cannot be chosen, and some contain the version of Python.
    wanted = {name.lower().replace("-", "_") for name in names if "." not in name}
    wanted = {name for name in wanted if re.fullmatch("[a-z][a-z0-9_]{0,39}", name)}
    wanted = (wanted - set(sys.stdlib_module_names)) | OWN
    reserved = HOOK["RESERVED"]
    assert sorted(wanted - reserved) == [], "add these to RESERVED in hooks/pre_gen_project.py"
    assert sorted(reserved - wanted) == [], "remove these from RESERVED"


# The hook lists what the supported servers have. Elsewhere there is nobody to ask: other systems
# have other users, and the bash of macOS lacks some of the words.
@pytest.mark.skipif(not MASTERS[0].exists(), reason="needs Debian or Ubuntu")
def test_a_command_is_no_word_of_the_shell_and_a_service_no_user_of_the_system() -> None:
    words = run("bash", "-c", "compgen -k; compgen -b", cwd=ROOT).stdout.split()
    users = [line.partition(":")[0] for path in MASTERS for line in path.read_text().splitlines()]
    accepted = [name for name in (*words, *users) if HOOK["project_slug"](name) is None]
    assert sorted(accepted) == [], "add these to SYSTEM in hooks/pre_gen_project.py"
    assert HOOK["SYSTEM"] - {*words, *users} == set(), "remove these from SYSTEM"
