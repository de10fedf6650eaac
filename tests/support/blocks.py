"""The fenced blocks of documents, each marked with where it runs.

The word after the language says it: `laptop`, `server`, `compose` or `elsewhere`. A block of a
laptop may say what it does to a file: `file=PATH` is its whole content; `in=PATH` with
`after="LINE"` goes below that line, with `replace="LINE"` in the place of it, where "|" separates
several lines.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

PLACES = ("laptop", "server", "compose", "elsewhere")
BLOCK = re.compile(r"^( *)```(\w+)([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of a document."""

    document: str
    section: str
    language: str
    place: str
    options: dict[str, str]
    text: str

    def write(self, project: Path) -> None:
        """Do to its file what the block says."""
        if "file" in self.options:
            path = project / self.options["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, encoding="utf-8")
            return
        path = project / self.options["in"]
        anchor = self.options.get("after") or self.options["replace"].replace("|", "\n")
        old = path.read_text(encoding="utf-8")
        assert old.count(f"{anchor}\n") == 1, f"{self.document}: {path.name} has no {anchor!r}"
        kept = f"{anchor}\n" if "after" in self.options else ""
        path.write_text(old.replace(f"{anchor}\n", kept + self.text), encoding="utf-8")


def commands(project: Path, document: str, section: str) -> list[str]:
    """Return what a section of a document tells to run on a server or with Compose."""
    text = (project / "docs" / document).read_text(encoding="utf-8")
    return [
        block.text
        for block in blocks_of(document, text)
        if block.section == section
        and block.language == "sh"
        and block.place in ("server", "compose")
    ]


def blocks_of(document: str, text: str) -> list[Block]:
    """Return the blocks that have a language, in their order."""
    found = []
    for match in BLOCK.finditer(text):
        place, *options = shlex.split(match[3]) or [""]
        headings = re.findall(r"^#+ (.*)$", text[: match.start()], re.MULTILINE)
        found.append(
            Block(
                document,
                headings[-1] if headings else "",
                match[2],
                place,
                dict(option.split("=", 1) for option in options),
                re.sub(f"^{match[1]}", "", match[4], flags=re.MULTILINE),
            )
        )
    return found
