"""Take over what is new in the template: what `make template-update` does first.

cruft merges what lies outside of the chassis, and leaves alone what pyproject.toml says. It would
merge the chassis as well, and never bring back a deleted file; so that is replaced as a whole.
"""

import argparse
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from ..terminal import escape_unknown_letters
from .manifest import FOLDERS, differences
from .source import SCRATCH, TemplateError, clone, git, project_folder, read_record


def update(*, version: str | None, replace: bool) -> str:
    """Update the project in the current folder; return what was done."""
    before = read_record()
    refuse_uncommitted()
    if not replace:
        refuse_edited()
    template = clone(before, version)
    project = project_folder(template, before)
    merge(template)
    replace_chassis(project)
    shutil.rmtree(SCRATCH)
    refuse_conflicts()
    old, new = before["commit"][:8], read_record()["commit"][:8]
    return (
        f"Updated from {old} to {new}." if old != new else f"Already at the newest commit, {new}."
    )


def refuse_uncommitted() -> None:
    """Only what is committed can be got back, should the update go wrong."""
    if git("status", "--porcelain"):
        raise TemplateError(
            "There are uncommitted changes, perhaps of an interrupted update: "
            "commit them, or put them aside with `git stash -u`"
        )


def refuse_edited() -> None:
    """Replacing the chassis would lose these; a deleted file just comes back."""
    edited = [name for name, what in differences().items() if what != "missing"]
    if edited:
        raise TemplateError(
            "An update replaces the chassis, and these files of it are edited. "
            "`make template-diff` shows how, REPLACE=1 overwrites them:" + listed(edited)
        )


def merge(template: Path) -> None:
    """Let cruft merge; it succeeds where there are conflicts, too."""
    command = [sys.executable, "-I", "-m", "cruft", "update", "--skip-apply-ask"]
    done = subprocess.run(
        [*command, "--template-path", str(template)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TemplateError(f"{done.stdout.strip()}\ncruft has failed: nothing has changed")


def replace_chassis(project: Path) -> None:
    """Replace both folders by those of the template."""
    old, new = SCRATCH / "old", SCRATCH / "new"
    for folder in map(Path, FOLDERS):
        shutil.copytree(project / folder, new)
        # Two renames: a chassis that is half there could not repeat the update.
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def refuse_conflicts() -> None:
    """Name the files that cruft could not merge."""
    unmerged = git("diff", "--name-only", "--relative", "--diff-filter=U").splitlines()
    rejected = git("ls-files", "--others", "*.rej", ":!build", ":!.venv").splitlines()
    if conflicts := sorted({*unmerged, *rejected}):
        raise TemplateError(
            "You and the template changed the same lines. Settle that, delete the .rej files, "
            "commit, and repeat `make template-update`:" + listed(conflicts)
        )


def listed(names: list[str]) -> str:
    """Return names as lines below a sentence."""
    return "".join(f"\n  {name}" for name in names)


def main() -> None:
    """Read the command line, update, and print what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C shows no traceback
    escape_unknown_letters()
    parser = argparse.ArgumentParser(prog="make template-update")
    parser.add_argument("--version", help="a tag or branch of the template")
    parser.add_argument("--replace", action="store_true", help="overwrite an edited chassis")
    arguments = parser.parse_args()
    try:
        print(update(version=arguments.version, replace=arguments.replace))
    except TemplateError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
