"""Who may import what: the arrows between the rooms, read from the syntax trees.

Each rule is a function that lists violations, and a test that plants one.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import chassis
import pytest

from .conftest import PROJECT

CHASSIS = Path(chassis.__file__).parent
# What reads or hands on the environment besides settings/, and why.
READS_THE_ENVIRONMENT = {
    "backup/postgresql.py": "hands it on to pg_dump",
    "project.py": "keeps the name of the project there",
    "server/launch.py": "hands it on to Streamlit",
    "server/service_manager.py": "reads what systemd says to its process",
    "testing/": "starts servers with an environment of their own",
}


def imports(tree: ast.Module) -> Iterator[tuple[int, str, list[str]]]:
    """Yield line, module and names of each import; the module of a relative one begins with "."."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield node.lineno, module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, []


def foreign(tree: ast.Module, known: Iterable[str]) -> list[str]:
    """Return the absolute imports of what is neither a dependency nor the standard library."""
    allowed = {*sys.stdlib_module_names, *known}
    return [
        f"line {line}: {module}"
        for line, module, _names in imports(tree)
        if not module.startswith(".") and module.partition(".")[0] not in allowed
    ]


def past_the_face(tree: ast.Module) -> list[str]:
    """Return the imports from the chassis that are not of its public face."""
    return [
        f"line {line}: {module} {' '.join(names)}".rstrip()
        for line, module, names in imports(tree)
        if module.partition(".")[0] == "chassis"
        and (module != "chassis" or not set(names) <= set(chassis.__all__))
    ]


def of_pages(tree: ast.Module) -> list[str]:
    """Return the imports of pages, as a module below server/ may have them."""
    return [
        f"line {line}: {module} {' '.join(names)}".rstrip()
        for line, module, names in imports(tree)
        if module.startswith("..pages") or (module == ".." and "pages" in names)
    ]


def of_the_environment(tree: ast.Module) -> list[str]:
    """Return where the environment of the process is read."""
    return [
        f"line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "environb", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]


def trees(folder: Path) -> dict[str, ast.Module]:
    """Return the syntax tree of each file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }


def dependencies() -> set[str]:
    """Return the modules that the project's dependencies, with all extras and tools, install."""
    from importlib.metadata import packages_distributions

    asked = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    own = re.sub("[-_.]+", "-", asked["project"]["name"]).lower()
    return {
        module
        for module, names in packages_distributions().items()
        if own not in {re.sub("[-_.]+", "-", name).lower() for name in names}
    }


def team_packages() -> list[Path]:
    """Return the packages beside the chassis."""
    return [path.parent for path in (PROJECT / "src").glob("*/app.py")]


def test_the_chassis_imports_nothing_of_a_project() -> None:
    known = dependencies()
    found = {name: foreign(tree, {*known, "chassis"}) for name, tree in trees(CHASSIS).items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_project_imports_only_the_public_face() -> None:
    assert team_packages()
    for package in team_packages():
        found = {name: past_the_face(tree) for name, tree in trees(package).items()}
        assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_scratch_project_imports_only_the_public_face() -> None:
    package = Path(__file__).parent / "project" / "src" / "scratch_tool"
    found = {name: past_the_face(tree) for name, tree in trees(package).items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_server_imports_no_pages() -> None:
    found = {name: of_pages(tree) for name, tree in trees(CHASSIS / "server").items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_only_settings_read_the_environment() -> None:
    found = {
        name: of_the_environment(tree)
        for name, tree in trees(CHASSIS).items()
        if not name.startswith("settings/")
    }
    assert {
        name: lines
        for name, lines in found.items()
        if lines and not name.startswith(tuple(READS_THE_ENVIRONMENT))
    } == {}


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        (lambda tree: foreign(tree, {"streamlit"}), "import scratch_tool.app"),
        (lambda tree: foreign(tree, {"streamlit"}), "def f():\n    from my_tool import app"),
        (past_the_face, "from chassis.auth import sessions"),
        (past_the_face, "import chassis.logs"),
        (past_the_face, "from chassis import logs"),
        (of_pages, "from ..pages import health"),
        (of_pages, "from .. import pages"),
        (of_the_environment, "import os\nDEBUG = os.environ['DEBUG']"),
        (of_the_environment, "import os\nDEBUG = os.getenv('DEBUG')"),
    ],
)
def test_a_planted_violation_is_found(rule: object, planted: str) -> None:
    assert callable(rule)
    assert rule(ast.parse(planted))


@pytest.mark.parametrize(
    "allowed",
    ["import streamlit as st", "from chassis import Page, Role", "from .models import Note"],
)
def test_what_is_allowed_is_not_found(allowed: str) -> None:
    tree = ast.parse(allowed)
    assert foreign(tree, {"streamlit", "chassis"}) == []
    assert past_the_face(tree) == []
