"""Each check of `doctor`, made to fail for real."""

import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import pytest
from chassis.checks import Result, installation, machine, network, system, tagged
from chassis.commands import doctor
from chassis.database import engine
from chassis.database.engine import transaction
from chassis.settings import get_settings
from chassis.testing.databases import new_sqlite
from chassis.testing.ports import free_port
from sqlalchemy import text

from .conftest import stand_in


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    return empty_project


def configure(monkeypatch: pytest.MonkeyPatch, **variables: object) -> None:
    """Set variables of the environment, and let the settings be read again."""
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    get_settings.cache_clear()


def test_project(project: Path) -> None:
    assert installation.project_folder().status == "fail"
    (project / "streamlit_app.py").touch()
    assert installation.project_folder() == Result("pass", str(project))


def test_python() -> None:
    assert installation.python_version().status == "pass"
    assert installation.python_version((3, 10, 14)).detail == "3.10.14 is too old"


LOCK = """\
# a comment
click=={click} \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000 \\
    --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
    # via something
no-such-package==1.0 ; python_version < "3"
"""


def test_packages_as_locked(project: Path) -> None:
    (project / "requirements.txt").write_text(LOCK.format(click=version("click")))
    assert installation.packages() == Result("pass", "1 as in requirements.txt")


def test_packages_that_drifted(project: Path) -> None:
    (project / "requirements.txt").write_text(LOCK.format(click="0.0.1") + "absent-package==1\n")
    result = installation.packages()
    assert result.status == "fail"
    assert f"click is {version('click')}, not ==0.0.1" in result.detail
    assert "absent-package is missing" in result.detail
    assert result.remedy == "make setup"


@pytest.mark.parametrize("content", [None, "<<<<<<< HEAD\n"])
def test_packages_without_a_lock(project: Path, content: str | None) -> None:
    if content is not None:
        (project / "requirements.txt").write_text(content)
    assert installation.packages().detail.startswith("cannot read requirements.txt")


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, APP_PORT="eight")
    *_before, (name, result) = doctor.examine()
    assert (name, result.status) == ("settings", "fail")
    assert result.detail.startswith("1 wrong; first: APP_PORT")
    assert result.remedy == "scratch-tool check"


@pytest.mark.parametrize("prefix", ["APP", "METRICS"])
def test_ports(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check = network.app_port if prefix == "APP" else network.metrics_port
    ports = {"APP_PORT": free_port(), "METRICS_PORT": free_port()}
    configure(monkeypatch, **ports)
    assert check() == Result("pass", f"{ports[f'{prefix}_PORT']} on 127.0.0.1 is free")
    with socket.create_server(("127.0.0.1", ports[f"{prefix}_PORT"])):
        result = check()
    assert result is not None
    assert result.status == "fail"
    assert f"{prefix}_PORT: port" in result.detail
    assert f"kill {os.getpid()}" in result.remedy


def test_no_port_is_needed_without_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, METRICS_ENABLED="false")
    assert network.metrics_port() is None
    assert "metrics" not in dict(doctor.examine())


def test_a_port_of_our_own_server_is_no_fault(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stand_in(project) as (pid, port):
        configure(monkeypatch, APP_PORT=port)
        result = network.app_port()
    assert result == Result("pass", f"{port} is in use by this app, process {pid}")


def test_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, HEALTH_DISK_MIN_FREE_PERCENT=1)
    assert machine.disk().status == "pass"
    configure(monkeypatch, HEALTH_DISK_MIN_FREE_PERCENT=99)
    result = machine.disk()
    assert result.status == "warn"
    assert result.remedy.startswith("du ")


def test_writing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, LOG_FILE=project / "not-yet" / "logs" / "app.log")
    assert system.writing().detail.endswith(str(project))
    (project / "file").touch()
    configure(monkeypatch, LOG_FILE=project / "file" / "app.log")
    result = system.writing()
    assert result.status == "fail"
    assert result.detail == f"cannot write to {project / 'file'} (Not a directory)"
    assert result.remedy.startswith("sudo install -d")


def test_clock() -> None:
    assert system.clock().status in {"pass", "warn"}
    assert "from the future" in system.clock(now=0).detail
    assert "differ by" in system.clock(now=time.time() + 3600).detail


def test_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    assert network.dns() == Result("pass", "localhost needs none")
    configure(monkeypatch, APP_BASE_URL="http://10.0.0.1")
    assert network.dns().status == "pass"
    configure(monkeypatch, APP_BASE_URL="https://nowhere.invalid")
    result = network.dns(timeout=30)
    assert result.status == "fail"
    assert "nowhere.invalid" in result.detail
    assert result.remedy.startswith("getent hosts nowhere.invalid")


def test_dns_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = threading.Event()

    def hang(*_arguments: object, **_options: object) -> NoReturn:
        enough.wait(5)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    configure(monkeypatch, APP_BASE_URL="https://nowhere.invalid")
    result = network.dns(timeout=0.01)
    assert result.detail == "no answer for nowhere.invalid in 0.01 s"
    enough.set()


def run_doctor(
    variables: dict[str, str], hard_limit: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in the current folder, with a limit of open files if given."""

    def limit() -> None:
        if hard_limit is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))

    return subprocess.run(
        [sys.executable, "-m", "chassis", "doctor"],
        env={**os.environ, "HEALTH_DISK_MIN_FREE_PERCENT": "1", **variables},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )


def found(name: str) -> Result:
    """Return what one check has found for the command."""
    return dict(doctor.examine())[name]


def test_the_database(project: Path) -> None:
    result = found("migrations")
    assert (result.status, result.detail) == ("fail", "empty")
    assert result.remedy == "the database has no tables yet: run `scratch-tool db upgrade`"
    assert found("database") == Result("pass", "no file yet")
    assert not (project / "app.db").exists()
    new_sqlite(project / "app.db")
    assert found("database") == Result("pass", "reachable")
    assert found("migrations") == Result("pass", "current")
    with transaction() as session:
        newer = "UPDATE alembic_version SET version_num = '9999', oldest_code = '9999'"
        session.execute(text(newer))
    result = found("migrations")
    assert (result.status, result.detail) == ("fail", "ahead")
    assert "9999" in result.remedy
    assert ": start the newer version" in result.remedy
    engine.forget()
    (project / "app.db").write_text("no database" * 100)
    for name in ("database", "migrations"):
        assert "file is not a database" in found(name).detail
        assert found(name).remedy.startswith(f"ls -ld {project} ")


def test_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, DATABASE_URL="postgresql://ann:hush-hush@127.0.0.1:1/app")
    result = found("database")
    assert (result.status, result.remedy) == ("fail", "pg_isready -h 127.0.0.1 -p 1")
    assert "the database is unavailable: " in result.detail
    assert "hush-hush" not in result.detail


@pytest.fixture
def healthy(project: Path) -> dict[str, str]:
    """Make the folder a project in which nothing is wrong; return the variables it needs."""
    (project / "streamlit_app.py").touch()
    (project / "requirements.txt").write_text(LOCK.format(click=version("click")))
    new_sqlite(project / "app.db")
    return {"APP_PORT": str(free_port()), "METRICS_PORT": str(free_port())}


LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
needs_files = pytest.mark.skipif(
    LIMIT != resource.RLIM_INFINITY and LIMIT < system.MINIMUM_FILES,
    reason="too few files can be open here: ulimit -Hn 4096",
)


@needs_files
def test_nothing_is_wrong(healthy: dict[str, str]) -> None:
    done = run_doctor(healthy)
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout


def test_too_few_files(healthy: dict[str, str]) -> None:
    done = run_doctor(healthy, hard_limit=100)
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert failed[0].endswith("100 at most, enough for about 25 sessions")
    assert "limits.conf" in done.stdout


@needs_files
def test_a_warning_is_no_failure(healthy: dict[str, str]) -> None:
    done = run_doctor({**healthy, "HEALTH_DISK_MIN_FREE_PERCENT": "99"})
    assert done.returncode == 0, done.stdout
    [line, after] = done.stdout[done.stdout.index("warn  disk") :].splitlines()[:2]
    assert re.fullmatch(r"warn  disk +\d+ % free", line)
    assert after.startswith("                   fix: du ")


def test_every_check_has_a_line(healthy: dict[str, str]) -> None:
    names = [line[6:19].strip() for line in run_doctor(healthy).stdout.splitlines()]
    assert [name for name in names if not name.startswith("fix")] == [
        check.name for check in tagged("doctor")
    ]
