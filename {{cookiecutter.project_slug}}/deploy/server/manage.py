#!/usr/bin/env python3
"""Install, update and roll back this app on a server of its own; docs/runbook.md explains.

A release starts beside the one that serves: the colours are blue and green. New visitors go to
it when it has proved that it works; who is there stays on the old one until they leave or the
time is over. Every step can be interrupted: run the same command again. Needs root and nothing
but Python 3.10, because it must work when the app does not.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.package_name}}"
DOMAIN = "{{cookiecutter.domain}}"
USER = NAME[:31].rstrip("-")  # Linux takes no more

ROOT = Path("/opt", NAME)
RELEASES = ROOT / "releases"
SETTINGS = Path("/etc", NAME)
SECRETS = SETTINGS / "credentials"
STATE = Path("/var/lib", NAME)
WEB = Path("/var/www", NAME)
UNITS = Path("/etc/systemd/system")
STAMPS = Path("/var/lib/systemd/timers")  # when a timer elapsed last
NGINX = Path("/etc/nginx", NAME)
SERVING = NGINX / "serving.conf"  # the link that decides: blue.conf or green.conf
SITE = Path("/etc/nginx/sites-available", f"{NAME}.conf")
SITE_LINK = Path("/etc/nginx/sites-enabled", f"{NAME}.conf")
PROGRAM = Path("/usr/local/sbin", f"{NAME}-server")
LOCK = Path("/run", f"{NAME}-server.lock")
DRAIN = f"{NAME}-drain.service"
TIMERS = [
    f"{NAME}-{job}.timer" for job in ("check", "backup-create", "backup-verify", "backup-prune")
]
OWN_UNIT = rf"{re.escape(NAME)}(@|-check|-backup(@|-\w+)?)?\.(service|target|timer)(\.d)?"

COMPLETE = ".complete"  # the last thing that is written into a release
# Without a session; a reload of the page, or a short loss of the network, takes less.
QUIET_SECONDS = 30
START_SECONDS = 240
# What a developer's folder has besides the project.
LEFT_OUT = {".env", ".git", ".venv", "build", "data"}
# What a command of the app does not share with the unit that it borrows everything else from.
NOT_SHARED = {
    "Type",
    "ExecStart",
    "WorkingDirectory",
    "TimeoutStartSec",
    "Nice",
    "IOSchedulingClass",
    "StandardOutput",
    "StandardError",
    "SyslogIdentifier",
}

dry_run = False


class StepError(Exception):
    """It cannot go on; one line that says why and what to do."""


# --- Small steps ----------------------------------------------------------------------------------


@contextlib.contextmanager
def failing_as_a_step() -> Iterator[None]:
    """Raise StepError for what the system refuses, such as to write on a full disk."""
    try:
        yield
    except shutil.Error as error:  # it has an entry for each file
        _, _, reason = error.args[0][0]
        raise StepError(reason) from None
    except OSError as error:
        raise StepError(str(error)) from None


def do(text: str, action: Callable[..., object], *arguments: object) -> None:
    """Print a step, and take it unless this is a dry run."""
    print(f"would {text}" if dry_run else text, flush=True)
    if not dry_run:
        with failing_as_a_step():
            action(*arguments)


def ask(*command: str | Path) -> str:
    """Return what a command prints that changes nothing; "" where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def run(*command: str | Path) -> str:
    """Run a command and return what it prints; a failure is the last line of its errors."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise StepError(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise StepError(last_line(done.stderr) or last_line(done.stdout) or f"{command[0]} failed")
    return done.stdout.strip()


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def complaint(log: str) -> str:
    """Return the last line of a log of the app that is about something wrong."""
    for line in reversed(log.splitlines()):
        try:
            entry = json.loads(line)
        except ValueError:
            return line.strip()
        if isinstance(entry, dict) and entry.get("level") in ("error", "critical"):
            return str(entry.get("event"))
    return ""


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file as a whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(mode)
    part.replace(path)


def link(path: Path, target: str) -> None:
    """Let a link point somewhere else, without a moment in which there is none."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(path)


def make_folder(path: Path, mode: int) -> None:
    """Make a folder and those around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode)


def remove(path: Path) -> None:
    """Delete a file or a folder that may be gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the lock; it ends with the process, however that ends."""
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StepError(
                "another install, release or rollback is at work; wait for it"
            ) from None
        yield


# --- What there is --------------------------------------------------------------------------------


def serving() -> str:
    """Return the colour that new visitors get; "" before the first release."""
    if not (ROOT / "serving").is_symlink() or not SERVING.is_symlink():
        return ""
    return SERVING.readlink().stem


def other(colour: str) -> str:
    """Return the other colour."""
    return "green" if colour == "blue" else "blue"


def release_of(place: str) -> Path | None:
    """Return the release of blue, green or previous."""
    path = ROOT / place
    return RELEASES / path.readlink().name if path.is_symlink() and path.is_dir() else None


def ports(colour: str, folder: Path = NGINX) -> list[int]:
    """Return the ports of a colour, which nginx's file for it lists."""
    file = folder / f"{colour}.conf"
    if not file.exists():
        return []
    _, _, text = file.read_text("utf-8").partition(f"upstream {PACKAGE}_any ")
    return [int(port) for port in re.findall(r"server 127\.0\.0\.1:(\d+)", text.partition("}")[0])]


def unit(port: int) -> str:
    """Return the unit of an instance."""
    return f"{NAME}@{port}.service"


def is_active(name: str) -> bool:
    """Tell whether a unit runs, or is about to."""
    state = ask("systemctl", "show", "--property=ActiveState", "--value", name)
    return state not in ("inactive", "failed", "")


def running(colour: str) -> list[int]:
    """Return the ports of a colour at which something runs."""
    return [port for port in ports(colour) if is_active(unit(port))]


def readiness(port: int) -> dict[str, Any] | None:
    """Return what /readyz of an instance says; None where it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except OSError:
        return None
    with contextlib.suppress(ValueError):
        found = json.loads(body)
        return found if isinstance(found, dict) else None
    return None


def sessions(port: int) -> int | None:
    """Return how many sessions are open at an instance that drains; None where it cannot say."""
    report = readiness(port)
    detail = str((report or {}).get("checks", {}).get("drain", {}).get("detail", ""))
    found = re.search(r"open sessions: (\d+)", detail)
    return int(found[1]) if found else None


def tell_to_drain(port: int, *, on: bool) -> None:
    """Let an instance say 503 on /readyz and count its sessions there, or end that."""
    report = readiness(port)  # before it answers it would die of the signal
    if report is not None and report.get("draining") is not on:
        pid = int(ask("systemctl", "show", "--property=MainPID", "--value", unit(port)) or 0)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1 if on else signal.SIGUSR2)


def count_sessions(port: int) -> int:
    """Return how many sessions are open at an instance, told to drain; 0 where it hangs."""
    deadline = time.monotonic() + 5
    while (people := sessions(port)) is None and time.monotonic() < deadline and not dry_run:
        tell_to_drain(port, on=True)  # right after a release nobody has done that yet
        time.sleep(0.1)
    return people or 0


def app(release: Path, *arguments: str, port: int = 0, interactive: bool = False) -> str:
    """Run a command of a release as the service does: its user, settings, secrets and limits."""
    properties = []
    section = ""
    for line in run("systemctl", "cat", f"{NAME}-backup@create.service").splitlines():
        section = line if line.startswith("[") else section
        key, equals, _ = line.partition("=")
        if section == "[Service]" and equals and key.isalpha() and key not in NOT_SHARED:
            properties += ["--property", line]
    if port:
        properties += ["--setenv", f"APP_PORT={port}", "--setenv", f"METRICS_PORT=1{port}"]
    command = [
        *("systemd-run", "--quiet", "--wait", "--collect", "--service-type=exec"),
        *("--pty" if interactive and sys.stdin.isatty() else "--pipe", *properties),
        *("--property", f"WorkingDirectory={release}"),
        *(str(release / ".venv/bin" / NAME), *arguments),
    ]
    if interactive:
        sys.exit(subprocess.run(command).returncode)
    return run(*command)


# --- A release on the disk ------------------------------------------------------------------------


def prepare(what: str) -> Path:
    """Return the folder of a release: one that is there, or one made of a folder or an archive."""
    release = RELEASES / what
    if "/" not in what and (release / COMPLETE).exists():
        return release
    source = Path(what).resolve()
    if source.is_file():
        with tempfile.TemporaryDirectory() as folder:
            unpack(source, folder)
            inside = list(Path(folder).iterdir())
            return build(inside[0] if len(inside) == 1 else Path(folder))
    if not source.is_dir():
        known = ", ".join(path.name for path in complete_releases()) or "none yet"
        raise StepError(f"{what} is neither a folder, nor an archive, nor a release ({known})")
    return build(source)


def unpack(archive: Path, folder: str) -> None:
    """Unpack an archive; one that was cut off on its way is refused."""
    command = ("tar", "--extract", "--no-same-owner", "--file", archive, "--directory", folder)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason, _, _ = done.stderr.partition("\n")  # what follows from it is told behind it
        raise StepError(f"{archive} is no whole archive: {reason}")
    # Between two files tar takes the end of the file for that of the archive, which is 1024 zeros.
    # Compressed ones have a checksum.
    with archive.open("rb") as file:
        is_plain = file.read(262).endswith(b"ustar")
        file.seek(max(0, archive.stat().st_size - 1024))
        if is_plain and any(file.read()):
            raise StepError(f"{archive} is no whole archive: its end is missing")


def complete_releases() -> list[Path]:
    """Return the releases that are there, the newest first."""
    found = [path.parent for path in RELEASES.glob(f"*/{COMPLETE}")]
    return sorted(found, key=lambda path: (path / COMPLETE).stat().st_mtime, reverse=True)


def build(source: Path) -> Path:
    """Make a release of a project's folder; equal files are the same release."""
    for needed in ("requirements.txt", "streamlit_app.py", f"src/{PACKAGE}/__init__.py"):
        if not (source / needed).is_file():
            raise StepError(f"{source} is not a folder of {NAME}: it has no {needed}")
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder, "project")
        shutil.copytree(source, clean, ignore=left_out(source), symlinks=True)
        release = RELEASES / release_name(clean)
        if (release / COMPLETE).exists():
            print(f"{release} is there", flush=True)
        else:
            do(f"build {release}", fill, release, clean)
    return release


def left_out(source: Path) -> Callable[[str, list[str]], set[str]]:
    """Return what copytree asks: which names of a folder are not part of a release."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        found = {name for name in names if name.endswith(("__pycache__", "_cache"))}
        return found | LEFT_OUT.intersection(names) if Path(folder) == source else found

    return ignored


def release_name(project: Path) -> str:
    """Return the version with a hash of all files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        executable = bool(path.stat().st_mode & 0o100)
        digest.update(f"{path.relative_to(project)}\0{executable}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    text = (project / "src" / PACKAGE / "__init__.py").read_text("utf-8")
    found = re.search(r"""__version__ = ["']([\w.+-]+)["']""", text)
    return f"{found[1] if found else '0'}-{digest.hexdigest()[:8]}"


def fill(release: Path, project: Path) -> None:
    """Write the files and the environment of a release; what an interrupted run left goes first."""
    remove(release)
    shutil.copytree(project, release, symlinks=True)
    for path in [release, *release.rglob("*")]:
        if not path.is_symlink():  # whatever the developer's umask was
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    make_environment(release)
    run(release / ".venv/bin/python", "-m", "compileall", "-q", release / "src")
    write(release / COMPLETE, environment_key(release).encode())


def environment_key(release: Path) -> str:
    """Return what an environment depends on: the lock and the Python."""
    lock = (release / "requirements.txt").read_bytes()
    return hashlib.sha256(lock + sys.version.encode()).hexdigest()


def make_environment(release: Path) -> None:
    """Install exactly what the lock says, or link what another release has of the same lock."""
    environment = release / ".venv"
    key = environment_key(release)
    libraries = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    for twin in complete_releases():
        if (twin / COMPLETE).read_text("utf-8") == key:
            run(sys.executable, "-m", "venv", "--without-pip", environment)
            remove(environment / libraries)
            # Nothing ever writes to these files, and they vanish with their last release.
            shutil.copytree(
                twin / ".venv" / libraries, environment / libraries, copy_function=os.link
            )
            break
    else:
        run(sys.executable, "-m", "venv", environment)
        pip = (environment / "bin/python", "-m", "pip", "--disable-pip-version-check")
        lock = release / "requirements.txt"
        run(*pip, "install", "--quiet", "--no-deps", "--require-hashes", "--requirement", lock)
    # Not installed but named: building a package would fetch tools that no lock holds.
    path_file = environment / libraries / f"{PACKAGE}.pth"
    path_file.unlink(missing_ok=True)  # may be a link to the file of another release
    path_file.write_text(f"{release}/src\n", "utf-8")
    command = f"#!{environment}/bin/python\nfrom {PACKAGE}.cli import main\n\nmain()\n"
    write(environment / "bin" / NAME, command.encode(), 0o755)


def prune(keep: int) -> None:
    """Delete releases beyond the newest `keep`, and never one that is in use."""
    used = {release_of(place) for place in ("blue", "green", "previous")}
    complete = complete_releases()
    for release in sorted(RELEASES.iterdir()):
        if release not in used and release not in complete[:keep]:
            do(f"delete {release}", remove, release)


# --- The configuration of a release ---------------------------------------------------------------


def configure(release: Path) -> None:
    """Bring units and nginx to what the release says; a site that nginx refuses is put back."""
    system = release / "deploy/systemd"
    files = {UNITS / path.name: path.read_bytes() for path in system.glob(f"{NAME}*.[st]*")}
    version = re.search(r"systemd (\d+)", ask("systemctl", "--version"))
    if version and int(version[1]) >= 254:
        files[UNITS / f"{NAME}@.service.d/backoff.conf"] = (system / "backoff.conf").read_bytes()
    if changed(files):
        do("update the units", put, files)
        do("reload systemd", run, "systemctl", "daemon-reload")
    for colour in ("blue", "green"):
        for port in ports(colour, release / "deploy/nginx/snippets"):
            if not (ROOT / f"ports/{port}").is_symlink():
                do(f"give port {port} to {colour}", link, ROOT / f"ports/{port}", f"../{colour}")
    if not SERVING.is_symlink():
        do("prepare the site", link, SERVING, "blue.conf")
    configure_site(release)


def configure_site(release: Path) -> None:
    """Bring nginx's files to what the release says."""
    source = release / "deploy/nginx"
    found = re.search(r"^MAX_UPLOAD_MB=(\d+)", settings_text(), re.MULTILINE)
    size = f"client_max_body_size {int(found[1]) + 1 if found else 51}m".encode()
    files = {
        NGINX / path.name: path.read_bytes().replace(b"client_max_body_size 51m", size)
        for path in (source / "snippets").iterdir()
    }
    files |= {WEB / "pages" / path.name: path.read_bytes() for path in (source / "pages").iterdir()}
    # The site is the operator's if it differs from the one that came with the release before.
    before = release_of(serving()) if serving() else None
    shipped = before and before / "deploy/nginx" / SITE.name
    if not SITE.exists() or (shipped and SITE.read_bytes() == shipped.read_bytes()):
        files[SITE] = (source / SITE.name).read_bytes()
    do("copy the static files", run, source / "copy-static", release)
    if not changed(files) and SITE_LINK.is_symlink():
        do("check the site: nginx -t", check_site)
        return
    old = {path: path.read_bytes() for path in files if path.exists()}
    do("update the site", put, files)
    do("enable the site", link, SITE_LINK, f"../sites-available/{SITE.name}")
    try:
        do("check the site: nginx -t", check_site)
    except StepError:
        put(old)
        for path in files.keys() - old.keys():
            remove(path)
        raise
    do("reload nginx", run, "systemctl", "reload-or-restart", "nginx")


def check_site() -> None:
    """Let nginx read its files; it gives the reason before it says that it refuses them."""
    done = subprocess.run(("nginx", "-t", "-q"), capture_output=True, text=True)
    if done.returncode != 0:
        reasons = re.findall(r"\[emerg\] \d+#\d+: (.*)", done.stderr)
        raise StepError(f"nginx refuses the site: {(reasons or [last_line(done.stderr)])[-1]}")


def settings_text() -> str:
    """Return the settings of this server."""
    path = SETTINGS / f"{NAME}.env"
    return path.read_text("utf-8") if path.exists() else ""


def changed(files: dict[Path, bytes]) -> bool:
    """Tell whether a file is not as it should be."""
    return any(not path.exists() or path.read_bytes() != text for path, text in files.items())


def put(files: dict[Path, bytes]) -> None:
    """Write files."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, content)


# --- Release --------------------------------------------------------------------------------------


def release_verb(
    what: str | None, limit: int, keep: int, *, cut: bool, breaking: bool, wait: bool
) -> None:
    """Let a release serve the new visitors; None is the one that serves, started anew."""
    colour = serving()
    present = release_of(colour) if colour else None
    if present is None:
        raise StepError("nothing serves yet: run install first")
    new = prepare(what) if what else present
    if new != present or not what or len(running(colour)) < len(ports(colour)):
        try:
            colour = switch_to(new, cut=cut, breaking=breaking)
        except StepError:
            let_go_on(other(colour), limit)
            raise
    else:
        print(f"{new.name} is serving already", flush=True)
    finish(colour, limit, keep)
    print(f"{new.name} serves new visitors on {colour}" if not dry_run else "nothing was changed")
    if wait and not dry_run:
        while is_active(DRAIN):
            time.sleep(1)


def switch_to(new: Path, *, cut: bool, breaking: bool) -> str:
    """Start a release beside the one that serves, prove it, and send new visitors to it."""
    colour = serving()
    old = release_of(colour) if colour else None
    colour = other(colour) if colour else "blue"
    if is_active(DRAIN):
        do(f"stop {DRAIN}", stop_drain)
    # A rollback soon after a release: what ran before still runs.
    reused = old != new and release_of(colour) == new and running(colour) == ports(colour)
    if not reused:
        clear(colour, cut=cut)
    try:
        if not dry_run or new.exists():
            configure(new)
        if not reused:
            do(f"let {colour} be {new.name}", link, ROOT / colour, f"releases/{new.name}")
        migrate(new, old, breaking=breaking)
        start(colour)
        prove(colour, new)
    except StepError as error:
        if not reused:
            stop(colour)
        if old:
            with contextlib.suppress(StepError):  # which is the one that is told already
                configure(old)
        keeps = f"{old.name} keeps serving" if old else "nothing serves yet"
        raise StepError(f"{new.name} does not work: {error}; {keeps}") from None
    do(f"enable {colour} at boot", enable, colour)
    do(f"send new visitors to {colour}", flip, colour)
    return colour


def clear(colour: str, *, cut: bool) -> None:
    """Stop the colour that does not serve, unless people are still there."""
    active = running(colour)
    people = sum(map(count_sessions, active))
    if people and not cut:
        release = release_of(colour)
        name = release.name if release else "?"
        raise StepError(
            f"{people} sessions are still open on {colour} ({name}): wait, roll back, or end them"
            f" with --cut; `{PROGRAM.name} status` shows them"
        )
    if active:
        stop(colour)


def stop(colour: str) -> None:
    """Stop a colour, also one that hangs; who is there has APP_DRAIN_SECONDS."""
    units = [unit(port) for port in ports(colour)]
    do(f"stop {colour}", run, "systemctl", "stop", *units)
    if not dry_run:
        ask("systemctl", "reset-failed", *units)


def stop_drain() -> None:
    """End the process that stops a colour in time, unless it has just ended by itself."""
    try:
        run("systemctl", "stop", DRAIN)
    except StepError:  # systemd does not know the unit any more
        if is_active(DRAIN):
            raise


def migrate(new: Path, old: Path | None, *, breaking: bool) -> None:
    """Bring the database forward where the new release needs it; the old one goes on using it."""
    if dry_run:
        do("upgrade the database", migrate)
        return
    if fits(new):
        return
    keep = []
    if old and not breaking:
        keep = ["--keep", app(old, "db", "head")]
    if old and "\n  backup " in app(old, "--help"):
        do("back up the database", app, old, "backup", "create")
    do("upgrade the database", show, new, "db", "upgrade", *keep)


def fits(release: Path) -> bool:
    """Tell whether a release works with the database as it is."""
    print("compare the database with the release", flush=True)
    try:
        show(release, "db", "current")
    except StepError as error:
        print(f"  {error}", flush=True)
        return False
    return True


def start(colour: str) -> None:
    """Start the instances of a colour, and wait until each is ready."""
    for port in ports(colour):
        if is_active(unit(port)):
            tell_to_drain(port, on=False)
    units = [unit(port) for port in ports(colour)]
    before = time.strftime("%Y-%m-%d %H:%M:%S")

    def start_all() -> None:
        with contextlib.suppress(StepError):
            run("systemctl", "start", *units)
            return
        time.sleep(5)  # what was only in the way for a moment is gone: systemd tries again, too
        try:
            run("systemctl", "start", *units)
        except StepError:
            lines = [
                ask("journalctl", "-q", "-o", "cat", "-t", f"{NAME}-{port}", "--since", before)
                for port in ports(colour)
            ]
            reason = next(filter(None, map(complaint, lines)), "it is never ready")
            raise StepError(reason[:500]) from None

    do(f"start {colour}: {' '.join(units)}", start_all)


def prove(colour: str, release: Path) -> None:
    """Ask for /readyz, and open a session as a browser would, at each instance."""
    for port in ports(colour):
        do(f"check that {port} is ready", wait_until_ready, port)
        do(f"visit {port} as a browser", visit, release, port)


def show(release: Path, *arguments: str) -> None:
    """Run a command of a release and print what it says."""
    print(f"  {app(release, *arguments)}", flush=True)


def visit(release: Path, port: int) -> None:
    """Open a session at one instance."""
    print(f"  {app(release, 'smoke', port=port)}", flush=True)


def wait_until_ready(port: int) -> None:
    """Wait for a 200 of /readyz; a drain that has just been ended takes a moment to show."""
    report = None
    for _ in range(40):
        report = readiness(port)
        if report and report.get("ready"):
            return
        time.sleep(0.25)
    checks = (report or {}).get("checks", {})
    failed = [
        f"{name} {one.get('detail')}" for name, one in checks.items() if one["status"] == "fail"
    ]
    raise StepError(f"port {port} is not ready: {', '.join(failed) or 'no answer'}")


def enable(colour: str, verb: str = "enable") -> None:
    """Choose whether a colour starts with the machine; what runs goes on running."""
    run("systemctl", verb, "--quiet", *(unit(port) for port in ports(colour)))


def flip(colour: str) -> None:
    """Let nginx send new visitors to a colour; open connections stay where they are."""
    before = SERVING.readlink()
    link(SERVING, f"{colour}.conf")
    try:
        check_site()
    except StepError:
        link(SERVING, str(before))
        raise
    link(ROOT / "serving", colour)


def finish(colour: str, limit: int, keep: int) -> None:
    """Do what follows the switch; all of it may have happened already."""
    rest = other(colour)
    before = release_of(rest)
    # Here, because a flip may have been interrupted before anybody was told. The check says what is
    # wrong with a site, systemd does not.
    do("check the site: nginx -t", check_site)
    do("reload nginx", run, "systemctl", "reload-or-restart", "nginx")
    if (ROOT / "serving").is_symlink() and (ROOT / "serving").readlink() != Path(colour):
        do(f"let the commands be those of {colour}", link, ROOT / "serving", colour)
    do(f"enable {colour} at boot, and not {rest}", enable_only, colour)
    if before and before != release_of(colour) and before != release_of("previous"):
        target = f"releases/{before.name}"
        do(f"remember {before.name} for a rollback", link, ROOT / "previous", target)
    let_go_on(rest, limit)
    if RELEASES.is_dir():
        prune(keep)


def let_go_on(rest: str, limit: int) -> None:
    """Leave the colour that does not serve to a process that stops it in time."""
    if running(rest) and not is_active(DRAIN):
        command = (sys.executable, PROGRAM, "drain", "--drain-limit", str(limit))
        text = f"let {rest} go on for who is there, {limit // 60} minutes at most"
        do(text, run, "systemd-run", "--quiet", "--collect", f"--unit={DRAIN}", *command)


def enable_only(colour: str) -> None:
    """Let one colour start with the machine."""
    enable(colour)
    enable(other(colour), "disable")


def drain(limit: int) -> None:
    """Stop the colour that does not serve when nobody is left there, or when the time is over.

    It needs no lock: a release that begins meanwhile ends it first.
    """
    rest = other(serving())
    quiet_since = time.monotonic()
    while active := running(rest):
        for port in active:
            tell_to_drain(port, on=True)
        counts = [sessions(port) for port in active]
        if any(count != 0 for count in counts):  # one that cannot say may have some
            quiet_since = time.monotonic()
        over = time.time() > SERVING.lstat().st_mtime + limit
        if over or time.monotonic() > quiet_since + QUIET_SECONDS:
            print(f"sessions that are cut: {sum(count or 0 for count in counts)}", flush=True)
            stop(rest)
            return
        time.sleep(1)


# --- Install and uninstall ------------------------------------------------------------------------


def install(keep: int) -> None:
    """Set up all that a server needs, and release the project that this file belongs to."""
    project = Path(__file__).resolve().parents[2]
    if not (project / "requirements.txt").is_file():
        raise StepError(
            "run it in the folder of the project: python3 deploy/server/manage.py install"
        )
    set_up(project)
    release = prepare(str(project))
    present = release_of(serving()) if serving() else None
    if present:
        configure(present)
    else:
        finish(switch_to(release, cut=False, breaking=False), 0, keep)
    do("start with the machine", run, "systemctl", "enable", "-q", f"{NAME}.target", "nginx")
    do("start the timers", run, "systemctl", "enable", "-q", "--now", *TIMERS)
    if dry_run:
        print("nothing was changed")
    elif present and present != release:
        print(f"`{PROGRAM.name} release {release.name}` lets this version serve")
    else:
        print(f"installed: https://{DOMAIN}")


def refuse_strangers() -> None:
    """Raise StepError where a part of the system has the name of the project, as /etc/ssh has.

    The project would use what is not its own, and delete it when it is uninstalled. What an earlier
    installation has left is its own, and so is an empty folder: a mounted disk is one.
    """
    if PROGRAM.exists() or (SETTINGS / f"{NAME}.env").exists():
        return
    units = [f"{NAME}@.service", f"{NAME}.target"]
    units = [name for name in units if ask("systemctl", "cat", name)]
    folders = [str(path) for path in (ROOT, SETTINGS, STATE, WEB, NGINX) if is_used(path)]
    home = ask("getent", "passwd", USER).split(":")[5:6]
    users = [f"the user {USER}"] if home and home != [str(STATE)] else []
    if found := ", ".join(units + folders + users):
        raise StepError(f"{found}: not of this project; move it away, or rename the project")


def is_used(path: Path) -> bool:
    """Tell whether there is a file, or a folder with something in it."""
    if not path.is_dir():
        return path.exists()
    return any(child.name != "lost+found" for child in path.iterdir())


def set_up(project: Path) -> None:
    """Make what is not there yet: this program, user, folders, secrets, settings, certificate."""
    missing = [name for name in ("nginx", "openssl", "systemd-run") if not shutil.which(name)]
    if missing:
        raise StepError(f"{', '.join(missing)} missing: apt-get install nginx openssl python3-venv")
    text = Path(__file__).read_bytes().replace(b"/usr/bin/env python3", sys.executable.encode(), 1)
    if not PROGRAM.exists() or PROGRAM.read_bytes() != text:
        do(f"write {PROGRAM}", write, PROGRAM, text, 0o755)
    if not ask("id", USER):
        command = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", STATE)
        do(f"add the user {USER}", run, *command, "--shell", "/usr/sbin/nologin", USER)
    for folder in (RELEASES, ROOT / "ports", SETTINGS, NGINX, WEB / "acme"):
        if not folder.is_dir():
            do(f"make {folder}", make_folder, folder, 0o755)
    for folder in (SECRETS, NGINX / "tls"):
        if not folder.is_dir():
            do(f"make {folder}", make_folder, folder, 0o700)
    make_secrets()
    settings = SETTINGS / f"{NAME}.env"
    if not settings.exists():
        text = (project / "deploy/systemd" / settings.name).read_bytes()
        do(f"write {settings}", write, settings, text, 0o600)
    make_certificate()


def make_secrets() -> None:
    """Make the secrets that nobody needs to choose; those that are there stay."""
    for name in ("APP_SECRET_KEY", "DATA_ENCRYPTION_KEYS"):
        path = SECRETS / name
        if not path.exists():
            secret = base64.urlsafe_b64encode(secrets.token_bytes(32))  # what Fernet takes
            do(f"make the secret {path}", write, path, secret + b"\n", 0o600)


def make_certificate() -> None:
    """Make a certificate that signs itself, until there is a better one."""
    folder = NGINX / "tls"
    if (folder / "fullchain.pem").exists():
        return

    def make() -> None:
        new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90")
        names = ("-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}")
        part = folder / ".fullchain.pem"
        run(*new, *names, "-keyout", folder / "privkey.pem", "-out", part)
        part.replace(folder / "fullchain.pem")

    do(f"make a certificate for {DOMAIN} that signs itself", make)


def uninstall(*, delete_data: bool) -> None:
    """Take everything away but the data, the settings and the secrets."""
    units = [DRAIN, f"{NAME}.target", *TIMERS, f"{NAME}-check.service"]
    units += [unit(port) for colour in ("blue", "green") for port in ports(colour)]
    for name in units:
        if ask("systemctl", "cat", name) or is_active(name):
            # A unit that is not enabled fails, and that is fine.
            do(f"stop {name}", ask, "systemctl", "disable", "--now", name)
    files = sorted(UNITS.glob(f"{NAME}*.[st]*"))
    files = [path for path in files if re.fullmatch(OWN_UNIT, path.name)]
    files += [path for path in (STAMPS / f"stamp-{name}" for name in TIMERS) if path.exists()]
    sites = [path for path in (SITE_LINK, SITE, NGINX) if path.exists() or path.is_symlink()]
    folders = [path for path in (WEB, ROOT) if path.exists()]
    if delete_data:
        folders += [path for path in (STATE, SETTINGS) if path.exists()]
    for path in (*files, *sites):
        do(f"delete {path}", remove, path)
    do("reload systemd", run, "systemctl", "daemon-reload")
    if sites:
        do("reload nginx", ask, "systemctl", "try-reload-or-restart", "nginx")
    for path in (*folders, *(path for path in (PROGRAM,) if path.exists())):
        do(f"delete {path}", remove, path)
    if delete_data and ask("id", USER):
        do(f"delete the user {USER}", run, "userdel", USER)
    if not delete_data:
        print(f"kept: {STATE} and {SETTINGS} (uninstall --delete-data deletes them)")


# --- Status, and the command line -----------------------------------------------------------------


def status() -> None:
    """Print which release serves, who is on which, and what there is to go back to."""
    colour = serving()
    for one in ("blue", "green"):
        release = release_of(one)
        beside = "gets no new visitors" if running(one) else "stopped"
        role = "serves new visitors" if one == colour else beside
        print(f"{one:6} {release.name if release else '-':24} {role}")
        for port in running(one):
            report = readiness(port)
            people = sessions(port)
            state = (
                "no answer" if report is None else "ready" if report.get("ready") else "not ready"
            )
            if report and report.get("draining"):
                state = "draining"
            print(
                f"  {port} {state}" + (f", open sessions: {people}" if people is not None else "")
            )
    previous = release_of("previous")
    print(f"rollback goes to {previous.name if previous else 'nothing yet'}")
    print("releases: " + (", ".join(path.name for path in complete_releases()) or "none"))


def natural(text: str) -> int:
    """Return a number of the command line that must not be negative."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument("--dry-run", action="store_true", help="print the steps, change nothing")
    kept = argparse.ArgumentParser(add_help=False)
    kept.add_argument("--keep", type=natural, default=5, metavar="N", help="releases to keep (5)")
    limit = argparse.ArgumentParser(add_help=False)
    limit.add_argument(
        "--drain-limit",
        type=natural,
        default=1800,
        metavar="SECONDS",
        help="how long people may stay on the old release (1800)",
    )
    switch = argparse.ArgumentParser(add_help=False, parents=[every, kept, limit])
    switch.add_argument(
        "--wait", action="store_true", help="return when the old release has stopped"
    )
    switch.add_argument(
        "--cut", action="store_true", help="end sessions of a release before the last"
    )
    switch.add_argument(
        "--break-running",
        action="store_true",
        help="migrate although the running release cannot work with the new tables",
    )
    top = argparse.ArgumentParser(
        prog=PROGRAM.name, description=(__doc__ or "").partition("\n\n")[0]
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("install", parents=[every, kept], help="set up this server; can be run again")
    one = verbs.add_parser("release", parents=[switch], help="let a version serve new visitors")
    one.add_argument(
        "what",
        nargs="?",
        metavar="VERSION_OR_PATH",
        help="a release, a folder or a tar archive; without it what serves is started anew",
    )
    verbs.add_parser("rollback", parents=[switch], help="release the version before again")
    one = verbs.add_parser("prepare", parents=[every], help="build a release, touch nothing else")
    one.add_argument("what", metavar="PATH", help="a folder or a tar archive")
    verbs.add_parser("status", help="show releases, instances and open sessions")
    verbs.add_parser("run", help="run a command of the app, such as: users list")
    one = verbs.add_parser("uninstall", parents=[every], help="take everything away but the data")
    one.add_argument("--delete-data", action="store_true", help="also data, settings and secrets")
    one.add_argument("--yes", action="store_true", help="do not ask")
    verbs.add_parser("drain", parents=[limit])  # what a release leaves running
    return top


def main() -> None:
    """Do what the command line says."""
    global dry_run
    words = sys.argv[1:]
    arguments = parser().parse_args(words[: 1 if words[:1] == ["run"] else None])
    dry_run = getattr(arguments, "dry_run", False)
    if os.geteuid() != 0:
        sys.exit("this needs root")
    os.umask(0o022)
    try:
        with failing_as_a_step():
            verb(arguments)
    except StepError as error:
        sys.exit(f"failed: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again")


def verb(arguments: argparse.Namespace) -> None:
    """Do one verb; only one that changes something at a time."""
    if arguments.verb == "status":
        status()
    elif arguments.verb == "drain":
        drain(arguments.drain_limit)
    elif arguments.verb == "run":
        release = release_of(serving()) if serving() else None
        if release is None:
            raise StepError("nothing serves yet: run install first")
        app(release, *sys.argv[2:], interactive=True)  # its options are not ours
    else:
        with alone():
            change(arguments)


def change(arguments: argparse.Namespace) -> None:
    """Do a verb that changes the server."""
    refuse_strangers()
    if arguments.verb == "install":
        install(arguments.keep)
    elif arguments.verb == "prepare":
        print(prepare(arguments.what).name)
    elif arguments.verb == "uninstall":
        sure = arguments.yes or arguments.dry_run or not arguments.delete_data
        if not sure and typed(f"This deletes {STATE} and its backups. Type {NAME}: ") != NAME:
            raise StepError("nothing was deleted; --yes does not ask")
        uninstall(delete_data=arguments.delete_data)
    else:
        what = arguments.what if arguments.verb == "release" else previous_release()
        release_verb(
            what,
            arguments.drain_limit,
            arguments.keep,
            cut=arguments.cut,
            breaking=arguments.break_running,
            wait=arguments.wait,
        )


def typed(question: str) -> str:
    """Return what somebody answers; "" where nobody is there."""
    with contextlib.suppress(EOFError):
        return input(question)
    return ""


def previous_release() -> str:
    """Return the release to roll back to."""
    found = release_of("previous")
    if found is None or (serving() and found == release_of(serving())):
        raise StepError("there is no release to go back to")
    return found.name


if __name__ == "__main__":
    main()
