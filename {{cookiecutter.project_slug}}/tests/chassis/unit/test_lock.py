"""The locks fit pyproject.toml: whoever forgot `make lock` reads it here."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..conftest import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(lock: str) -> dict[str, str]:
    """Return the locked version of each distribution."""
    text = (PROJECT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def wanted(*, dev: bool) -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for: dependencies, all extras, and those of development."""
    lines = list(PYPROJECT["project"]["dependencies"])
    for extra in PYPROJECT["project"].get("optional-dependencies", {}).values():
        lines += extra
    if dev:
        lines += PYPROJECT["dependency-groups"]["dev"]
    yield from map(Requirement, lines)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_has_what_the_project_asks_for(lock: str) -> None:
    locked = pins(lock)
    for requirement in wanted(dev=lock == "requirements-dev.txt"):
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in {lock}: make lock"
        assert requirement.specifier.contains(version), f"{requirement} has {version}: make lock"


def test_tests_run_with_the_versions_of_production() -> None:
    development = pins("requirements-dev.txt")
    assert {name: development.get(name) for name in pins("requirements.txt")} == pins(
        "requirements.txt"
    ), "make lock"
