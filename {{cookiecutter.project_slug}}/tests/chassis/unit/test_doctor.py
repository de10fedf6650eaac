"""Each check of `doctor`, made to fail for real."""

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NoReturn

import pytest
from chassis.commands import doctor
from chassis.database import engine
from chassis.database.engine import transaction
from chassis.settings import Settings
from chassis.testing.databases import new_sqlite
from chassis.testing.ports import free_port
from sqlalchemy import text

from .conftest import stand_in


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    return empty_project


def test_project(project: Path) -> None:
    assert doctor.check_project().status == "FAIL"
    (project / "streamlit_app.py").touch()
    assert doctor.check_project() == ("ok", str(project), "")


def test_python() -> None:
    assert doctor.check_python().status == "ok"
    assert doctor.check_python((3, 10, 14)).message == "3.10.14 is too old"


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
    assert doctor.check_packages() == ("ok", "1 as in requirements.txt", "")


def test_packages_that_drifted(project: Path) -> None:
    (project / "requirements.txt").write_text(LOCK.format(click="0.0.1") + "absent-package==1\n")
    result = doctor.check_packages()
    assert result.status == "FAIL"
    assert f"click is {version('click')}, not ==0.0.1" in result.message
    assert "absent-package is missing" in result.message
    assert result.mend == "make setup"


@pytest.mark.parametrize("content", [None, "<<<<<<< HEAD\n"])
def test_packages_without_a_lock(project: Path, content: str | None) -> None:
    if content is not None:
        (project / "requirements.txt").write_text(content)
    assert doctor.check_packages().message.startswith("cannot read requirements.txt")


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "eight")
    result = doctor.check_settings()
    assert result.status == "FAIL"
    assert result.message.startswith("1 wrong; first: APP_PORT")
    assert result.mend.endswith("chassis check")
    assert [name for name, _ in doctor.checks()][-1] == "settings"


@pytest.mark.parametrize("prefix", ["APP", "METRICS"])
def test_ports(prefix: Literal["APP", "METRICS"]) -> None:
    settings = Settings(app_port=free_port(), metrics_port=free_port())
    assert doctor.check_port(settings, prefix).status == "ok"
    taken = settings.app_port if prefix == "APP" else settings.metrics_port
    with socket.create_server(("127.0.0.1", taken)):
        result = doctor.check_port(settings, prefix)
    assert result.status == "FAIL"
    assert f"{prefix}_PORT: port" in result.message
    assert f"kill {os.getpid()}" in result.mend


def test_a_port_of_our_own_server_is_no_fault(project: Path) -> None:
    with stand_in(project) as (pid, port):
        result = doctor.check_port(Settings(app_port=port), "APP")
    assert result == ("ok", f"{port} is in use by this app, process {pid}", "")


def test_disk() -> None:
    assert doctor.check_disk(Settings(health_disk_min_free_percent=1)).status == "ok"
    impossible = Settings().model_copy(update={"health_disk_min_free_percent": 101})
    assert doctor.check_disk(impossible).status == "FAIL"


def test_writing(project: Path) -> None:
    logs = project / "not-yet" / "logs"
    assert doctor.check_writing(Settings(log_file=logs / "app.log")).message.endswith(str(project))
    (project / "file").touch()
    result = doctor.check_writing(Settings(log_file=project / "file" / "app.log"))
    assert result.status == "FAIL"
    assert result.message == f"cannot write to {project / 'file'} (Not a directory)"
    assert result.mend.startswith("sudo install -d")


def test_clock() -> None:
    assert doctor.check_clock().status in {"ok", "warn"}
    assert "from the future" in doctor.check_clock(now=0).message
    assert "differ by" in doctor.check_clock(now=time.time() + 3600).message


def test_dns() -> None:
    assert doctor.check_dns(Settings()).message == "localhost needs none"
    assert doctor.check_dns(Settings(app_base_url="http://10.0.0.1")).status == "ok"
    nowhere = Settings(app_base_url="https://nowhere.invalid")
    result = doctor.check_dns(nowhere, timeout=30)
    assert result.status == "FAIL"
    assert "nowhere.invalid" in result.message
    assert result.mend.startswith("getent hosts nowhere.invalid")


def test_dns_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = threading.Event()

    def hang(*_arguments: object, **_options: object) -> NoReturn:
        enough.wait(5)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    nowhere = Settings(app_base_url="https://nowhere.invalid")
    result = doctor.check_dns(nowhere, timeout=0.01)
    assert result.message == "no answer for nowhere.invalid in 0.01 s"
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


def test_the_database(project: Path) -> None:
    result = doctor.check_database()
    assert (result.status, result.message) == ("FAIL", "the database has no tables yet")
    assert result.mend.endswith(" db upgrade")
    assert not (project / "app.db").exists()
    new_sqlite(project / "app.db")
    assert doctor.check_database().message.startswith("sqlite at revision 0")
    with transaction() as session:
        newer = "UPDATE alembic_version SET version_num = '9999', oldest_code = '9999'"
        session.execute(text(newer))
    result = doctor.check_database()
    assert "9999" in result.message
    assert result.mend.startswith("start the newer version")
    engine.forget()
    (project / "app.db").write_text("no database" * 100)
    assert "file is not a database" in doctor.check_database().message


def test_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hush-hush@127.0.0.1:1/app")
    result = doctor.check_database()
    assert (result.status, result.mend) == ("FAIL", "pg_isready -h 127.0.0.1 -p 1")
    assert "hush-hush" not in result.message


@pytest.fixture
def healthy(project: Path) -> dict[str, str]:
    """Make the folder a project in which nothing is wrong; return the variables it needs."""
    (project / "streamlit_app.py").touch()
    (project / "requirements.txt").write_text(LOCK.format(click=version("click")))
    new_sqlite(project / "app.db")
    return {"APP_PORT": str(free_port()), "METRICS_PORT": str(free_port())}


def test_nothing_is_wrong(healthy: dict[str, str]) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit != resource.RLIM_INFINITY and limit < doctor.MINIMUM_FILES:
        pytest.skip("too few files can be open here: ulimit -Hn 4096")
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
