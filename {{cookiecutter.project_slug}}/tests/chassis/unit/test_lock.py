"""The locks have what pyproject.toml asks for: `make lock` writes them."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..conftest import PROJECT


def locked(lock: str) -> dict[str, str]:
    """Return the locked version of each distribution."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", (PROJECT / lock).read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_has_what_the_project_asks_for(lock: str) -> None:
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    lines = [*pyproject["project"]["dependencies"]]
    for extra in pyproject["project"].get("optional-dependencies", {}).values():
        lines += extra
    if lock == "requirements-dev.txt":
        lines += pyproject["dependency-groups"]["dev"]
    versions = locked(lock)
    for wanted in map(Requirement, lines):
        version = versions.get(canonicalize_name(wanted.name))
        assert version, f"{wanted.name} is not in {lock}: make lock"
        assert wanted.specifier.contains(version), f"{wanted} has {version}: make lock"


def test_tests_run_with_the_versions_of_production() -> None:
    production = locked("requirements.txt")
    assert production.items() <= locked("requirements-dev.txt").items(), "make lock"
