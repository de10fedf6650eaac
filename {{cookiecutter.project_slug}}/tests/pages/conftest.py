"""What the tests of the pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from {{cookiecutter.package_name}}.rate_limit import get_limiter

from ..conftest import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = PROJECT / "src" / "{{cookiecutter.package_name}}" / "main.py"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests read the texts as they are in the code, whatever the project's default."""
    monkeypatch.setenv("APP_LANGUAGE", "en")


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Forget what earlier tests did: every AppTest has the same session id."""
    yield
    get_limiter.cache_clear()


@pytest.fixture
def app() -> AppTest:
    """Return the app as a new session sees it, not yet run."""
    return AppTest.from_file(SCRIPT, default_timeout=30)
