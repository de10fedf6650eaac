"""Start the app: translate the settings into Streamlit's and do what `streamlit run` does."""

import ctypes
import errno
import hmac
import itertools
import json
import os
import platform
import resource
import socket
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

import click

from .. import project
from ..auth.identity import HEADERS
from ..database import engine, revisions
from ..database.chains import RevisionError
from ..database.engine import DatabaseUnavailable
from ..errors import ExplainedError
from ..project import SCRIPT
from ..settings import Settings

M_MMAP_THRESHOLD: Final = -3  # from malloc.h
MAPPED_BYTES: Final = 128 * 1024  # the value at start, which glibc would raise

# All that differs while developing; .streamlit/config.toml holds what production needs.
DEVELOPMENT: Final = {
    "STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full",
    "STREAMLIT_CLIENT_TOOLBAR_MODE": "auto",
    "STREAMLIT_SERVER_ALLOW_RUN_ON_SAVE": "true",
    "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "auto",
    "STREAMLIT_SERVER_RUN_ON_SAVE": "true",
}


class StartError(ExplainedError):
    """The app cannot start; the text is one line that says why."""


def streamlit_environment(settings: Settings) -> dict[str, str]:
    """Return the variables of Streamlit and the servers below it that our settings ask for."""
    url = urlsplit(settings.app_base_url)
    variables = {
        # server/gate.py limits both, and answers; these limits would leave a browser waiting.
        "WEBSOCKETS_MAX_LINE_LENGTH": "1048576",
        "WEBSOCKETS_MAX_NUM_HEADERS": "65536",
        # server/peer.py does what uvicorn would do.
        "FORWARDED_ALLOW_IPS": "",
        "STREAMLIT_BROWSER_SERVER_ADDRESS": url.hostname or "",
        "STREAMLIT_BROWSER_SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "STREAMLIT_LOGGER_LEVEL": settings.log_level.lower(),
        # The bind address must be explicit: on the default dual-stack socket the proxy looks like
        # ::ffff:127.0.0.1, and FORWARDED_ALLOW_IPS never matches.
        "STREAMLIT_SERVER_ADDRESS": settings.app_host,
        "STREAMLIT_SERVER_ALLOWED_HOSTS": " ".join(settings.allowed_hosts),
        "STREAMLIT_SERVER_BASE_URL_PATH": settings.base_path.strip("/"),
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": str(settings.max_upload_mb),
        "STREAMLIT_SERVER_PORT": str(settings.app_port),
        "STREAMLIT_SERVER_TRUSTED_USER_HEADERS": json.dumps(HEADERS),
    }
    if settings.app_secret_key is not None:
        # A key of its own: `streamlit config show` prints it.
        key = settings.app_secret_key.get_secret_value().encode()
        cookie_secret = hmac.new(key, b"streamlit cookie secret", "sha256").hexdigest()
        variables["STREAMLIT_SERVER_COOKIE_SECRET"] = cookie_secret
    return variables


def process_environment(settings: Settings) -> dict[str, str]:
    """Return the whole environment: ours wins where it comes from settings, else the caller's."""
    if not settings.is_development:
        return {**os.environ, **streamlit_environment(settings)}
    reloaded = {"PYTHONPATH": _code_first(os.environ.get("PYTHONPATH", ""))}
    return {**DEVELOPMENT, **os.environ, **streamlit_environment(settings), **reloaded}


def _code_first(path: str) -> str:
    """Return PYTHONPATH with the folders of the project and of the chassis in front.

    Streamlit watches the modules in there, and imports all of them again when one is saved. Not
    one package without the other: tables of the project would be added twice to the same metadata.
    """
    code = [project.current().folder.parent, Path(__file__).parents[2]]
    return os.pathsep.join(dict.fromkeys([*map(str, code), *filter(None, path.split(os.pathsep))]))


def serve(settings: Settings) -> NoReturn:
    """Turn this process into `streamlit run`; raises StartError if that could not work."""
    if not Path(SCRIPT).is_file():
        raise StartError(f"{SCRIPT} is not in {Path.cwd()}; change to the folder of the project")
    check_port(settings.app_host, settings.app_port, "APP")
    if settings.metrics_enabled:
        check_port(settings.metrics_host, settings.metrics_port, "METRICS")
    note = check_database(settings)
    if note and settings.is_development:
        click.echo(note, err=True)
    if settings.is_development and settings.auth_backend == "password":
        welcome_first_admin()
    raise_file_limit()
    return_memory()
    os.environ.update(process_environment(settings))
    # Not a new program by exec: that would import all of this a second time, half of the start.
    # Streamlit reads the environment when its command line runs, so its import has to wait.
    from .. import streamlit_private

    streamlit_private.run(SCRIPT)


def check_database(settings: Settings) -> str:
    """Raise StartError unless code and database fit; return what is worth a line in the log.

    Development upgrades itself. In production a server that does not answer is no reason to give
    up: it may start later than the app, and /readyz keeps visitors away until it is there.
    """
    try:
        status = revisions.status()
        if settings.is_development and status in {"behind", "empty"}:
            from ..database import migrate  # takes a tenth of the start, and production needs none

            migrate.upgrade()
            return f"the database was upgraded to revision {revisions.current()}"
    except RevisionError as error:
        raise StartError(str(error)) from None
    except DatabaseUnavailable as error:
        if settings.is_development or engine.is_sqlite():
            raise StartError(f"DATABASE_URL: {error}") from None
        return str(error)
    if status not in revisions.FITTING:
        raise StartError(revisions.problem(status))
    return ""


def welcome_first_admin() -> None:
    """Make an administrator where there is none, and print the password, this once.

    Later print who is one, and how to get another password.
    """
    # They import Streamlit, which has to wait for its variables.
    from ..auth import audit, passwords, users
    from ..auth.roles import Role

    if admins := users.admins():
        name = "admin" if "admin" in admins else admins[0]
        command = f"{project.current().command_line} users reset-code {name}"
        click.echo(f"\n  Sign in as {name}, who is an administrator.")
        click.echo(f"  Forgotten the password? `{command}` prints a code for a new one.")
        return
    names = itertools.chain(["admin"], (f"admin{number}" for number in itertools.count(2)))
    name = next(name for name in names if users.find(name) is None)
    password = passwords.generate()
    users.create(
        name,
        roles={Role.ADMIN},
        password=password,
        must_change_password=False,
        actor=audit.Actor(None, "first start"),
    )
    click.secho("\n  Sign in with this account; it is shown only once:\n", bold=True)
    click.echo(f"  User name: {name}\n  Password:  {password}\n")


def check_port(host: str, port: int, prefix: str) -> None:
    """Raise StartError unless the port can be bound; `prefix` is APP or METRICS."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # Like the server: a port whose last connections are still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise StartError(_port_problem(error, host, port, prefix)) from None


def _port_problem(error: OSError, host: str, port: int, prefix: str) -> str:
    name = f"{prefix}_PORT"
    if error.errno == errno.EADDRINUSE:
        return f"{name}: port {port} is in use; stop what listens there or set another {name}"
    if error.errno == errno.EACCES:
        return f"{name}: port {port} needs privileges; use one above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{prefix}_HOST: {host} is not an address of this machine"
    return f"{name}: cannot listen on {host}:{port} ({error.strerror})"


def raise_file_limit() -> None:
    """Allow as many open files as permitted: each session takes about four."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS calls its limit infinite, and refuses that
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 10_240), hard))


def return_memory() -> None:
    """Let glibc give large blocks back to the system as soon as they are freed.

    Otherwise each freed block raises the size from which a block is mapped on its own, up to 32 MB,
    and the data of closed sessions stays behind as gaps in the heap. Other C libraries have no
    such setting, or none with that number. https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
