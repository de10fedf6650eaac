"""Read every file of a bake with the parser of its own format."""

from __future__ import annotations

import ast
import configparser
import io
import json
import re
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import yaml
from babel.messages import mofile, pofile
from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from baking import Baked


class WithoutText(ast.NodeTransformer):
    """Empties every string constant: what is left is what the code does."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """Return the constant, or an empty one for a string."""
        return ast.Constant("") if isinstance(node.value, str) else node


def data_shape(value: Any) -> Any:
    """Return nested data with every text emptied: its keys, order and types."""
    if isinstance(value, dict):
        return {key: data_shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [data_shape(item) for item in value]
    return "" if isinstance(value, str) else value


def ini_shape(text: str) -> dict[str, dict[str, str]]:
    """Return the sections of an INI file."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string("[root]\n" + text)
    return {name: dict(section) for name, section in parser.items()}


def env_shape(text: str) -> list[str]:
    """Return the variables of an example of settings, also of those in comments."""
    uncommented = re.sub(r"^# ?(?=[A-Z0-9_]+=)", "", text, flags=re.MULTILINE)
    assigned = [line for line in uncommented.splitlines() if re.match(r"[A-Z0-9_]+=", line)]
    values = dotenv_values(stream=io.StringIO(uncommented), interpolate=False)
    assert [f"{name}=" for name in values] == [f"{line.partition('=')[0]}=" for line in assigned]
    return list(values)


def line_count(text: str) -> int:
    """Return the lines of a text without syntax: no answer may add one."""
    return len(text.splitlines())


def check_syntax(path: Path) -> str:
    """Let make or a shell read a file without running anything; return the text."""
    make = ["make", "--dry-run", "-f", str(path), "help"]
    command = make if path.name == "Makefile" else ["sh", "-n", str(path)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path.read_text("utf-8")


PARSERS: dict[str, Callable[[str], Any]] = {
    ".py": lambda text: ast.dump(WithoutText().visit(ast.parse(text))),
    ".toml": lambda text: data_shape(tomllib.loads(text)),
    ".json": lambda text: data_shape(json.loads(text)),
    ".yaml": lambda text: data_shape(yaml.safe_load(text)),
    ".yml": lambda text: data_shape(yaml.safe_load(text)),
    ".po": lambda text: [
        entry.id for entry in pofile.read_po(io.StringIO(text), abort_invalid=True)
    ],
    ".svg": lambda text: [element.tag for element in ElementTree.fromstring(text).iter()],
    ".cfg": ini_shape,
    ".ini": ini_shape,
    ".editorconfig": ini_shape,
    ".env.example": env_shape,
    ".gitignore": line_count,
    ".mako": line_count,
    ".md": line_count,
    ".txt": line_count,
    "LICENSE": line_count,
}


def parsed_shape(baked: Baked, name: str) -> Any:
    """Parse one file; return its shape, which no text answer may change."""
    path = baked.path / name
    if path.suffix == ".mo":
        return len(mofile.read_mo(io.BytesIO(path.read_bytes())))
    if path.name == "Makefile" or path.read_bytes().startswith(b"#!"):
        return check_syntax(path)
    parser = PARSERS.get(path.name) or PARSERS.get(path.suffix)
    assert parser, f"no parser is known for {name}"
    return parser(path.read_text("utf-8"))
