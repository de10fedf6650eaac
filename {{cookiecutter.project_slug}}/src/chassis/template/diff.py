"""Show what was edited in the chassis: what `make template-diff` does."""

import difflib
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from ..terminal import escape_unknown_letters
from .manifest import differences, edited_files
from .source import SCRATCH, TemplateError, clone, git, project_folder, read_record


def unified(project: Path, name: str) -> Iterator[str]:
    """Yield the lines by which a file differs from that of the template."""
    old, new = content(project / name), content(Path(name))
    if b"\0" in old + new:
        yield f"{name} is not text\n"
        return
    for line in difflib.unified_diff(lines(old), lines(new), f"template/{name}", name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def content(path: Path) -> bytes:
    """Return what is in a file; nothing where it is missing."""
    return path.read_bytes() if path.is_file() else b""


def lines(text: bytes) -> list[str]:
    """Return the lines of a text with their ends."""
    return text.decode("utf-8", "replace").splitlines(keepends=True)


def main() -> None:
    """Print the names, which needs no network, and then the lines."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    escape_unknown_letters()
    if not (names := differences()):
        print("The chassis is as the template has it.")
        return
    print(*edited_files(), sep="\n", flush=True)
    try:
        record = read_record()
        template = clone(record)
        git("checkout", "--quiet", "--detach", record["commit"], folder=template)
        project = project_folder(template, record)
    except TemplateError as error:
        print(error, file=sys.stderr)
        return
    for name in names:
        sys.stdout.writelines(["\n", *unified(project, name)])
    shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    main()
