"""Where the template is, and a copy of it as a commit has it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

# cruft's record of the template, its commit and the answers.
RECORD: Final = Path(".cruft.json")
# Everything that is made on the way; what an interrupted run has left is removed by the next.
SCRATCH: Final = Path("build/template")


class TemplateError(Exception):
    """What is wrong, and what to do about it."""


def read_record() -> dict[str, Any]:
    """Return what .cruft.json says."""
    try:
        record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TemplateError(f"No {RECORD} names the template: see docs/updates.md") from error
    except ValueError as error:
        raise TemplateError(f"{RECORD} is not JSON: {error}") from error
    return record


def git(*arguments: str, folder: Path = Path()) -> str:
    """Return what git prints, or raise the first line of its error."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TemplateError((done.stderr.splitlines() or [f"git {arguments[0]} failed"])[0])
    return done.stdout


def clone(record: dict[str, Any], version: str | None = None) -> Path:
    """Return a new clone of the template, at its newest commit or at a tag or branch.

    It has the recorded commit, which both a merge and a comparison start from.
    """
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    folder, address, commit = SCRATCH / "clone", record["template"], record["commit"]
    branch = ["--branch", version] if version else []
    try:
        git("clone", "--quiet", *branch, "--", address, str(folder))
    except TemplateError as error:
        raise TemplateError(f"Cannot get the template {address}: {error}") from error
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}", folder=folder)
    except TemplateError as error:
        raise TemplateError(
            f"The template has no commit {commit}, which {RECORD} names: see docs/updates.md"
        ) from error
    return folder


def project_folder(clone: Path, record: dict[str, Any]) -> Path:
    """Return the folder of a clone that projects are made from."""
    for manifest in (clone / (record.get("directory") or "")).glob("*/src/chassis/MANIFEST"):
        return manifest.parents[2]
    raise TemplateError(f"The template {record['template']} has no chassis in this version")
