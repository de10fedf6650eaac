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


def nginx_shape(text: str) -> list[tuple[int, str]]:
    """Return the directives of a configuration of nginx, and how deep each stands."""
    shape, depth = [], 0
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "''", re.sub(r"^\s*#.*|\s#.*", "", text, flags=re.M))
    for piece in re.split(r"(?<=[;{}])", bare):
        if words := piece.split():
            assert piece[-1] in ";{}", piece
            depth -= piece[-1] == "}"
            shape.append((depth, words[0] if depth else piece[-1]))
            depth += piece[-1] == "{"
    assert depth == 0
    return shape


def unit_shape(text: str) -> list[str]:
    """Return the sections and the keys of a unit of systemd; a key may come again."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"\[\w+\]$|\w+=", line) for line in lines)
    return [line.partition("=")[0] for line in lines]


def check_syntax(path: Path) -> str:
    """Let make or a shell read a file without running anything; return the text."""
    make = ["make", "--dry-run", "-f", str(path), "help"]
    shell = "bash" if "bash" in path.read_text("utf-8").partition("\n")[0] else "sh"
    command = make if path.name == "Makefile" else [shell, "-n", str(path)]
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
    ".env": env_shape,
    ".env.example": env_shape,
    ".html": line_count,
    ".js": line_count,
    ".conf": nginx_shape,
    ".service": unit_shape,
    ".target": unit_shape,
    ".timer": unit_shape,
    "backoff.conf": unit_shape,
    ".dockerignore": line_count,
    ".gitignore": line_count,
    "Dockerfile": line_count,
    ".mako": line_count,
    ".md": line_count,
    ".txt": line_count,
    "LICENSE": line_count,
    "MANIFEST": line_count,
}


def parsed_shape(baked: Baked, name: str) -> Any:
    """Parse one file; return its shape, which no text answer may change."""
    path = baked.path / name
    if path.suffix == ".mo":
        return len(mofile.read_mo(io.BytesIO(path.read_bytes())))
    parser = PARSERS.get(path.name) or PARSERS.get(path.suffix)
    if path.name == "Makefile" or (parser is None and path.read_bytes().startswith(b"#!")):
        return check_syntax(path)
    assert parser, f"no parser is known for {name}"
    return parser(path.read_text("utf-8"))
