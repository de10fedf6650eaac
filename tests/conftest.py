"""Fixtures of all lanes, and the one rule about skipped tests."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import measured
import pytest
from baking import (
    REQUIRE_ALL,
    ROOT,
    Baked,
    Baker,
    commit_all,
    locked_environment,
    set_up,
    template_files,
)
from playwright.sync_api import Browser, expect, sync_playwright
from serving import chromium

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

# A busy machine draws slowly; Playwright's own limit for what is expected is 5 seconds.
expect.set_options(timeout=30_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where everything must run: `REQUIRE_ALL=1 make test`."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail") and call.excinfo:
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 allows no skip: {call.excinfo.value}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the numbers."""
    if lines := measured.summary():
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clean git repository with the template as it is in the working tree now."""
    folder = tmp_path_factory.mktemp("template") / "template"
    for name in template_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    commit_all(folder, "The template")
    return folder


@pytest.fixture(scope="session")
def bake(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Baker:
    """Return the function that bakes: `bake(license="MIT")`, cached by answers."""
    return Baker(template, tmp_path_factory.mktemp("bakes"), {})


@pytest.fixture(scope="session")
def default(bake: Baker) -> Baked:
    """Return the project that every default gives; read only."""
    return bake()


@pytest.fixture(scope="session")
def oldest_cookiecutter() -> Path:
    """Return the Python of an environment with the oldest cookiecutter that is supported."""
    return locked_environment("oldest-cookiecutter", ROOT / "requirements-oldest.txt")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a real Chromium."""
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def project(bake: Baker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a default bake that `make setup` has set up; read only."""
    path = bake.fresh(tmp_path_factory.mktemp("project")).path
    set_up(path)
    return path
