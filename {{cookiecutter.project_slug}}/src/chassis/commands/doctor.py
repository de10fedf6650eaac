"""The `doctor` command: examine machine and installation, and say how to mend each fault."""

import ipaddress
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import click
import psutil
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from sqlalchemy import URL

from .. import project
from ..database import engine, revisions
from ..database.chains import RevisionError
from ..database.engine import DatabaseUnavailable
from ..server import launch
from ..settings import Settings, SettingsError, get_settings
from .drain import find_server, listens_on

Status = Literal["ok", "warn", "FAIL"]

MINIMUM_PYTHON: Final = (3, 11)
MINIMUM_FILES: Final = 4096  # about a thousand sessions


class Result(NamedTuple):
    """What a check found; `mend` is the command that mends it."""

    status: Status
    message: str
    mend: str = ""


def run() -> int:
    """Run all checks, print the results, return the exit code."""
    failed = False
    for name, check in checks():
        result = check()
        failed |= result.status == "FAIL"
        click.echo(f"{result.status:<4}  {name:<11}  {result.message}")
        if result.status != "ok":
            click.echo(f"{'':<19}mend: {result.mend}")
    return 1 if failed else 0


def checks() -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the checks with their names; those that need settings only if these are valid."""
    yield "project", check_project
    yield "python", check_python
    yield "packages", check_packages
    yield "settings", check_settings
    try:
        settings = get_settings()
    except SettingsError:
        return
    yield "app port", lambda: check_port(settings, "APP")
    if settings.metrics_enabled:
        yield "metrics", lambda: check_port(settings, "METRICS")
    yield "disk", lambda: check_disk(settings)
    yield "writing", lambda: check_writing(settings)
    yield "database", check_database
    yield "clock", check_clock
    yield "dns", lambda: check_dns(settings)
    yield "open files", check_open_files


def check_project() -> Result:
    """The current directory is the project, where .env and the script are."""
    if Path(launch.SCRIPT).is_file():
        return Result("ok", str(Path.cwd()))
    return Result("FAIL", f"no {launch.SCRIPT} in {Path.cwd()}", "cd <folder of the project>")


def check_python(running: tuple[int, ...] = sys.version_info[:3]) -> Result:
    """Python is new enough."""
    text = ".".join(str(part) for part in running)
    if running >= MINIMUM_PYTHON:
        return Result("ok", text)
    return Result("FAIL", f"{text} is too old", "uv python install 3.13 && make setup")


def check_packages(lock: Path = Path("requirements.txt")) -> Result:
    """The installed packages are those of the lock file."""
    try:
        requirements = locked_requirements(lock.read_text(encoding="utf-8"))
    except (OSError, InvalidRequirement) as error:
        return Result("FAIL", f"cannot read {lock} ({error})", "git checkout requirements.txt")
    drift = [line for line in map(_drift, requirements) if line]
    if not drift:
        return Result("ok", f"{len(requirements)} as in {lock}")
    more = f" and {len(drift) - 3} more" if len(drift) > 3 else ""
    return Result("FAIL", f"not as in {lock}: {', '.join(drift[:3])}{more}", "make setup")


def locked_requirements(text: str) -> list[Requirement]:
    """Parse a lock file with hashes; returns what applies to this machine."""
    lines = text.replace("\\\n", " ").splitlines()
    specifications = (line.partition(" --hash")[0].partition(" #")[0].strip() for line in lines)
    requirements = [Requirement(line) for line in specifications if line and line[0] not in "#-"]
    return [item for item in requirements if item.marker is None or item.marker.evaluate()]


def _drift(requirement: Requirement) -> str:
    name = canonicalize_name(requirement.name)
    try:
        installed = version(name)
    except PackageNotFoundError:
        return f"{name} is missing"
    if requirement.specifier.contains(installed, prereleases=True):
        return ""
    return f"{name} is {installed}, not {requirement.specifier}"


def check_settings() -> Result:
    """The settings are valid."""
    try:
        settings = get_settings()
    except SettingsError as error:
        lines = str(error).splitlines()
        return Result(
            "FAIL",
            f"{len(lines)} wrong; first: {lines[0]}",
            f"{project.current().command_line} check",
        )
    return Result("ok", f"valid for {settings.app_env}")


def check_port(settings: Settings, prefix: Literal["APP", "METRICS"]) -> Result:
    """A port is free, or our own server has it."""
    if prefix == "APP":
        host, port = settings.app_host, settings.app_port
    else:
        host, port = settings.metrics_host, settings.metrics_port
    try:
        launch.check_port(host, port, prefix)
    except launch.StartError as error:
        if server := find_server(port):
            return Result("ok", f"{port} is in use by this app, process {server.pid}")
        return Result("FAIL", str(error), _free_port_command(port))
    return Result("ok", f"{port} on {host} is free")


def _free_port_command(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if listens_on(connection, port) and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f"kill {connection.pid}  (it is {name})"
    except psutil.Error:  # macOS shows the connections of others to root only
        pass
    return f"lsof -i :{port}"


def check_disk(settings: Settings) -> Result:
    """The disk of the project has room."""
    usage = shutil.disk_usage(".")
    free = 100 * usage.free / usage.total
    message = f"{free:.0f} % free ({usage.free / 2**30:.1f} GiB)"
    if free >= settings.health_disk_min_free_percent:
        return Result("ok", message)
    return Result("FAIL", message, "du -xh --max-depth=2 . | sort -h | tail")


def check_writing(settings: Settings) -> Result:
    """We may write where we have to: temporary files, and the log file."""
    folders = [Path(tempfile.gettempdir())]
    if settings.log_file is not None:
        # The folder itself is made when the app starts.
        parents = settings.log_file.absolute().parents
        folders.append(next(folder for folder in parents if folder.exists()))
    for folder in folders:
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"x")
        except OSError as error:
            mend = f'sudo install -d -o "$(id -un)" {folder}'
            return Result("FAIL", f"cannot write to {folder} ({error.strerror})", mend)
    return Result("ok", ", ".join(str(folder) for folder in folders))


def check_database() -> Result:
    """The database answers and has the tables that the code needs."""
    url = engine.get_engine().url
    try:
        status = revisions.status()
    except DatabaseUnavailable as error:
        return Result("FAIL", str(error), _database_mend(url))
    except RevisionError as error:  # about the files of the migrations
        message, _, mend = str(error).rpartition(": ")
        return Result("FAIL", message, mend)
    if status in revisions.FITTING:
        return Result("ok", f"{url.get_backend_name()} at revision {revisions.current()}")
    message, _, mend = revisions.problem(status).partition(": ")
    return Result("FAIL", message, mend.removeprefix("run ").strip("`"))


def _database_mend(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        folder = Path(url.database or "").absolute().parent
        return f"ls -ld {folder} {url.database}; df -h {folder}  (needs to be writable)"
    return f"pg_isready -h {url.host or 'localhost'} -p {url.port or 5432}"


def check_clock(now: float | None = None) -> Result:
    """The clock is right, as far as can be told without asking the network."""
    mend = "sudo timedatectl set-ntp true"
    now = time.time() if now is None else now
    # Our own file cannot be from the future; a day allows for time zones.
    if now < Path(__file__).stat().st_mtime - 86_400:
        return Result("FAIL", "the clock is behind: the program is from the future", mend)
    with tempfile.NamedTemporaryFile() as file:
        written = Path(file.name).stat().st_mtime
    if abs(written - now) > 60:
        return Result("FAIL", f"clock and file system differ by {abs(written - now):.0f} s", mend)
    if _ntp_synchronised() is False:
        return Result("warn", "the clock is not synchronised", mend)
    return Result("ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _ntp_synchronised() -> bool | None:
    """Ask timedatectl; None where it does not know."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    command = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(  # noqa: S603 - found in PATH, with fixed arguments
            command, capture_output=True, text=True, timeout=3, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


def check_dns(settings: Settings, timeout: float = 5.0) -> Result:
    """The host of APP_BASE_URL has an address; nothing to ask for localhost and addresses."""
    host = urlsplit(settings.app_base_url).hostname or ""
    if host == "localhost" or _is_address(host):
        return Result("ok", f"{host} needs none")
    found: list[Result] = []
    # getaddrinfo has no time limit of its own; a daemon thread does not hold up the exit.
    thread = threading.Thread(target=lambda: found.append(_resolve(host)), daemon=True)
    thread.start()
    thread.join(timeout)
    mend = f"getent hosts {host}  (after adding an A or AAAA record for it)"
    result = found[0] if found else Result("FAIL", f"no answer for {host} in {timeout:g} s")
    return result if result.status == "ok" else result._replace(mend=mend)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _resolve(host: str) -> Result:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return Result("FAIL", f"{host} has no address ({error.strerror})")
    addresses = sorted({str(answer[4][0]) for answer in answers})
    return Result("ok", f"{host} is {', '.join(addresses)}")


def check_open_files() -> Result:
    """Enough files can be open: a session takes about four."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= MINIMUM_FILES:
        return Result("ok", "no limit" if hard == resource.RLIM_INFINITY else f"up to {hard}")
    user = os.environ.get("USER", "$USER")
    mend = f"echo '{user} hard nofile 65536' | sudo tee -a /etc/security/limits.conf"
    return Result("FAIL", f"{hard} at most, enough for about {hard // 4} sessions", mend)
