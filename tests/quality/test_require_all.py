"""Where everything must run, a skipped test is a failed test."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from baking import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

SKIPPING = """
import pytest

@pytest.fixture
def redis():
    pytest.skip("needs redis")

def test_in_a_fixture(redis): ...
def test_in_the_body(): pytest.skip("needs chromium")
@pytest.mark.skip(reason="needs linux")
def test_by_mark(): ...
@pytest.mark.xfail(strict=True)
def test_expected(): assert False
def test_that_passes(): ...
"""


@pytest.mark.parametrize(
    ("value", "summary"),
    [("0", "1 passed, 3 skipped, 1 xfailed"), ("1", "1 failed, 1 passed, 1 xfailed, 2 errors")],
)
def test_a_skip_is_a_failure(tmp_path: Path, value: str, summary: str) -> None:
    (tmp_path / "conftest.py").symlink_to(ROOT / "tests" / "conftest.py")
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "test_skipping.py")
    done = run(*command, cwd=tmp_path, PYTHONPATH=str(ROOT / "tests/support"), REQUIRE_ALL=value)
    assert summary in done.stdout.splitlines()[-1], done.stdout
    assert ("REQUIRE_ALL=1 allows no skip: " in done.stdout) == (value == "1")
