"""Fixtures of all lanes, and the one rule about skipped tests."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measured
import pytest
from baking import (
    BUILD,
    REQUIRE_ALL,
    ROOT,
    Baked,
    Baker,
    commit_all,
    locked_environment,
    one_at_a_time,
    run,
    set_up,
    template_files,
)
from playwright.sync_api import Browser, expect, sync_playwright
from serving import chromium
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# A busy machine draws slowly; Playwright's own limit for what is expected is 5 seconds.
expect.set_options(timeout=30_000)

# The files that take minutes, the longest first.
LONG = (
    "test_compose.py",
    "test_release.py",
    "test_running.py",
    "test_systemd.py",
    "test_hostile_answers.py",
    "test_nginx.py",
)


def group(nodeid: str) -> str:
    """Return what a test shares with others: the fixtures of its file, or the engine of Docker."""
    file = nodeid.partition("::")[0]
    if file.endswith(("test_compose.py", "test_compose_dev.py", "test_image.py")):
        return "Docker"
    return f"{file} gitlab" if "gitlab" in nodeid else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of a group to one worker.

    The mark xdist_group of pytest-xdist 3.8 has no effect with pytest 9.2: it changes an attribute
    that is read no more.
    """
    scheduling = LoadScopeScheduling(config, log)
    scheduling._split_scope = group
    return scheduling


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes minutes, or others wait for it at the end.

    The tests that run alone for minutes are the end, when no other worker waits for them.
    """

    def place(item: pytest.Item) -> int:
        if item.path.name == "test_everything.py":
            return len(LONG) + 1
        return LONG.index(item.path.name) if item.path.name in LONG else len(LONG)

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Let a test that is marked `alone` run while the other workers run none."""
    if not hasattr(item.config, "workerinput"):  # there is no other
        return (yield)
    run = Path(item.config.option.basetemp).parent  # the folder that all of them share
    with (run / "room").open("w") as room, (run / "door").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # who waits for an empty room lets nobody in before them
        fcntl.flock(room, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        return (yield)


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


@pytest.hookimpl(trylast=True)  # after the terminal's own
def pytest_configure(config: pytest.Config) -> None:
    """Have failures printed at once."""
    if terminal := config.pluginmanager.get_plugin("terminalreporter"):
        config.pluginmanager.register(FailuresAtOnce(terminal))


class FailuresAtOnce:
    """Prints why a test failed when it does: who ends the run before its end reads it, too."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print what failed, and the end of its reason."""
        if report.failed:
            self._terminal.ensure_newline()
            self._terminal.line(f"{report.nodeid} failed in {report.when}:", red=True)
            self._terminal.line(report.longreprtext[-3000:])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the numbers of a worker to the process that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["measured"] = measured.taken()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the numbers of a worker."""
    if output := getattr(node, "workeroutput", None):  # one that has crashed has none
        measured.add(**output["measured"])


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
def mypy_cache(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variable by which mypy analyses Streamlit and pandas once for many bakes.

    Each worker has a copy of what the first one found; that stays in build/ for the next run.
    """
    kept, own = BUILD / "mypy-cache", tmp_path_factory.mktemp("mypy") / "cache"
    with one_at_a_time(kept.name):
        if not kept.exists():
            made = kept.with_name("mypy-cache-in-the-making")
            run("make", "types", cwd=project, MYPY_CACHE_DIR=str(made))
            made.rename(kept)
        shutil.copytree(kept, own)
    return {"MYPY_CACHE_DIR": str(own)}


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
