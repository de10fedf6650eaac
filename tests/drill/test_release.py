"""Install, release, roll back and uninstall on a machine that really boots, with people on it."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import measured
import pytest
from baking import ROOT, commit_all, run
from blocks import commands
from lab import Machine, booted, folder
from serving import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from baking import Baked

PEOPLE = 50
SERVER = "my-internal-tool-server"
SETTINGS = """
AUTH_BACKEND=none
AUTH_ALLOW_ANONYMOUS=true
RATE_LIMIT_HTTP=100000/minute
RATE_LIMIT_CONNECT=100000/minute
APP_DRAIN_SECONDS=5
"""
HOME = """
import streamlit as st

from my_internal_tool import __version__

st.session_state.setdefault("runs", 0)
st.session_state.runs += 1
st.write(f"run {st.session_state.runs} of version {__version__}")
"""
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
works_with = "{works_with}"


def upgrade():
    op.{migration}


def downgrade():
    op.{back}
"""
# Listens at a port until the unit that wants it has failed.
IN_THE_WAY = """
import socket, subprocess, sys, time
port = sys.argv[1]
with socket.create_server(("127.0.0.1", int(port))):
    show = ["systemctl", "show", "--property=Result", "--value", f"my-internal-tool@{port}"]
    while subprocess.check_output(show) == b"success\\n":
        time.sleep(0.1)
"""
# A systemctl that is slow to stop what drains: it has ended by itself when the order arrives.
LATE = """#!/bin/sh
[ "$*" != "stop my-internal-tool-drain.service" ] || /usr/bin/systemctl "$@"
exec /usr/bin/systemctl "$@"
"""
# Starts a command and kills it at the line that begins with a text; its children live on.
KILL_AT = """
import os, signal, subprocess, sys
process = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True)
for line in process.stdout:
    if line.startswith(sys.argv[1]):
        os.kill(process.pid, signal.SIGKILL)
        break
print(process.wait())
"""


@dataclass(frozen=True)
class Crowd:
    """People on the site."""

    process: subprocess.Popen[str]

    def say(self, command: str) -> dict[str, Any]:
        """Give a command, and return what happened since the last one."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        report: dict[str, Any] = json.loads(self.process.stdout.readline())
        return report


@contextlib.contextmanager
def crowd(machine: Machine, project: Path, people: int) -> Iterator[Crowd]:
    """Let people come; the last of them leave at the end."""
    command = ("bash", folder() / "systemd-lab", "in", machine.name)
    program = (project / ".venv/bin/python", ROOT / "tests/programs/crowd.py", str(people))
    pipe = subprocess.PIPE
    process = subprocess.Popen([*command, *program], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout
    try:
        assert process.stdout.readline() == "here\n"
        yield Crowd(process)
    finally:
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def versions(default: Baked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with releases of a project, good and bad ones."""
    root = tmp_path_factory.mktemp("versions")

    def make(name: str, **changes: str) -> Path:
        source = root / name
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__")
        shutil.copytree(default.path, source, ignore=ignored)
        package = source / "src/my_internal_tool"
        version = name.partition("-")[0]
        (package / "__init__.py").write_text(f'"""The app."""\n\n__version__ = "{version}"\n')
        (package / "pages/home.py").write_text(changes.get("home", HOME), "utf-8")
        limits = source / "deploy/nginx/snippets/http.conf"  # all people have one address here
        limits.write_text(limits.read_text("utf-8").replace("r/s;", "000r/s;"), "utf-8")
        if "migration" in changes:
            file = package / "migrations/0002_next.py"
            file.write_text(MIGRATION.format(**changes), "utf-8")
        return source

    make("1.0.0")
    make("1.1.0")
    make("2.0.0-page", home="1 / 0")
    entry_point = make("2.0.0-start") / "src/chassis/server/application.py"
    entry_point.write_text("raise SystemExit('this version cannot start')\n", "utf-8")
    site = make("2.0.0-site") / "deploy/nginx/snippets/http.conf"
    site.write_text("nonsense;\n", "utf-8")
    take = "drop_column('equipment', '{}')"
    give = "add_column('equipment', sa.Column('{}', sa.String(20)))"
    make(
        "2.0.0-breaks",
        migration=take.format("note"),
        back=give.format("note"),
        works_with="0002",
    )
    make(
        "2.1.0",
        migration=give.format("serial_no"),
        back=take.format("serial_no"),
        works_with="base",
    )
    return root


@pytest.fixture(scope="module")
def machine(versions: Path, default: Baked) -> Iterator[Machine]:
    """Return a machine on which version 1.0.0 has been installed."""
    for server in booted("release"):
        server.put(versions, "/srv/versions")
        server.offer_packages(default.path / "requirements.txt")
        unchanged(server, "python3 /srv/versions/1.0.0/deploy/server install --dry-run")
        server.output(
            "install -d /etc/my-internal-tool; cd /srv/versions/1.0.0;"
            "cp deploy/systemd/my-internal-tool.env /etc/my-internal-tool/;"
            f"echo '{SETTINGS}' >>/etc/my-internal-tool/my-internal-tool.env;"
            "python3 deploy/server install"
        )
        yield server


def unchanged(machine: Machine, command: str) -> str:
    """Run a command that must not change the machine; return what it prints."""
    look = (
        "find /opt /etc /usr/local /var/www /var/lib/my-internal-tool -not -name '*.db-*'"
        " -printf '%p %l %s %T@\\n' | sort; systemctl list-units --plain --no-legend 'my-*' | sort"
    )
    before = machine.output(look)
    printed = machine.output(command)
    assert machine.output(look) == before
    return printed


def serving(machine: Machine) -> tuple[str, str]:
    """Return the version and the colour that get new visitors."""
    colour = machine.output("readlink /opt/my-internal-tool/serving")
    assert machine.output("readlink /etc/nginx/my-internal-tool/serving.conf") == f"{colour}.conf"
    release = machine.output("basename $(readlink -f /opt/my-internal-tool/serving)")
    return release.partition("-")[0], colour


def refusal(machine: Machine, command: str, env: str = "") -> str:
    """Run a command that must fail; return the one line that says why."""
    done = machine.sh(f"{env} {SERVER} {command}")
    assert done.returncode == 1, done.stdout
    [line] = done.stderr.splitlines()
    assert line.startswith("failed: ")
    return line


def active(machine: Machine, port: int) -> bool:
    """Tell whether an instance runs, or is about to end."""
    show = "systemctl show --property=ActiveState --value"
    return machine.output(f"{show} my-internal-tool@{port}") not in {"inactive", "failed"}


def killed_at(machine: Machine, step: str, command: str) -> bool:
    """Run a command and kill it when it prints a step; tell whether it got so far."""
    done = machine.lab("exec", "python3", "-c", KILL_AT, step, *command.split())
    return done.stdout.strip() == "-9"


def backups(machine: Machine) -> int:
    """Return how many backups there are."""
    return len(machine.output(f"{SERVER} run backup list").splitlines()) - 1


def test_install_can_be_run_again(machine: Machine) -> None:
    secrets = "cat /etc/my-internal-tool/credentials/*"
    before = machine.output(secrets)
    program = f"ls -l --full-time /usr/local/sbin/{SERVER}"
    installed = machine.output(program)
    machine.output("cp -r /srv/versions/1.0.0 /srv/copy; python3 /srv/copy/deploy/server install")
    assert machine.output(secrets) == before
    assert machine.output(program) == installed  # equal files, whatever their times
    assert serving(machine) == ("1.0.0", "blue")
    machine.output("/opt/my-internal-tool/serving/deploy/systemd/check")
    assert "0001+0001 (current)" in machine.output(f"{SERVER} run db current")
    modes = machine.output("stat -c '%U %a' /etc/my-internal-tool/credentials/*")
    assert set(modes.splitlines()) == {"root 600"}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("skel", "/etc/skel"),
        ("html", "/var/www/html"),
        ("daemon", "the user daemon"),
        ("user", "user@.service"),
        ("network", "network.target"),
    ],
)
def test_what_is_not_of_the_project_is_not_touched(machine: Machine, name: str, found: str) -> None:
    program = f"/srv/versions/1.0.0/deploy/{name}"
    rename = f's/^NAME = .*/NAME = "{name}"/'
    machine.output(f"cd /srv/versions/1.0.0/deploy; cp -r server {name}")
    machine.output(f"sed -i '{rename}' {program}/names.py")
    for verb in ("install", "uninstall --delete-data --yes"):
        done = machine.sh(f"python3 {program} {verb}")
        assert done.returncode == 1
        assert done.stderr.startswith(f"failed: {found}: not of this project; move it away")
        assert done.stdout == ""
    machine.output(f"rm -r {program}; ! test -e /usr/local/sbin/{name}-server")


def test_a_dry_run_changes_nothing(machine: Machine) -> None:
    printed = unchanged(machine, f"{SERVER} release /srv/versions/1.1.0 --dry-run")
    assert "would send new visitors to green" in printed
    assert printed.endswith("nothing was changed")


def test_a_release_that_breaks_the_running_one_and_the_way_back(machine: Machine) -> None:
    """As docs/runbook.md has it, below Roll back."""
    older = machine.output("basename $(readlink -f /opt/my-internal-tool/serving)")
    before = backups(machine)
    release = f"{SERVER} release /srv/versions/2.0.0-breaks --break-running"
    for step in ("back up the database", "upgrade the database"):
        assert killed_at(machine, step, release), step
        assert serving(machine) == ("1.0.0", "blue")
    machine.output(release)
    assert serving(machine) == ("2.0.0", "green")
    assert backups(machine) > before
    assert "0001+0002 (current)" in machine.output(f"{SERVER} run db current")
    back = re.search("run its `(db downgrade [^`]+)`", refusal(machine, "rollback"))
    assert back
    assert serving(machine) == ("2.0.0", "green")
    machine.output(f"{SERVER} run {back[1]} --yes")
    machine.output(f"{SERVER} release {older} --break-running")
    assert serving(machine) == ("1.0.0", "blue")
    assert "0001+0001 (current)" in machine.output(f"{SERVER} run db current")


def test_nobody_notices(machine: Machine, project: Path) -> None:
    """A release, a rollback, and releases that do not work, with 50 people who go on working."""
    with crowd(machine, project, PEOPLE) as people:
        assert people.say("round")["stayed"]["1.0.0"] >= PEOPLE

        def only(command: str, old: str, *new: str) -> None:
            """Nobody has failed or is lost; who is there sees `old`, who comes one of `new`."""
            report = people.say(command)
            assert (report["failed"], report["lost"]) == ([], [])
            assert set(report["stayed"]) == {old}
            assert set(report["came"]) <= set(new), report

        machine.output(f"{SERVER} release /srv/versions/1.1.0")
        assert serving(machine) == ("1.1.0", "green")
        only("report", "1.0.0", "1.0.0", "1.1.0")
        only("round", "1.0.0", "1.1.0")
        status = machine.output(f"{SERVER} status")
        assert "gets no new visitors" in status
        assert "rollback goes to 1.0.0-" in status
        line = refusal(machine, "release /srv/versions/2.1.0")  # a third one has no place
        assert "sessions are still open on blue" in line

        machine.output(f"{SERVER} rollback")
        assert serving(machine) == ("1.0.0", "blue")
        only("round", "1.0.0", "1.0.0", "1.1.0")

        for name, why in {
            "2.0.0-page": "the page failed; the log has the traceback; 1.0.0-",
            "2.0.0-start": "this version cannot start; 1.0.0-",
            "2.0.0-site": 'unknown directive "nonsense"',
            "2.0.0-breaks": "would break the running version, which knows 0001",
        }.items():
            assert why in refusal(machine, f"release /srv/versions/{name}"), name
            assert serving(machine) == ("1.0.0", "blue")
        only("report", "1.0.0", "1.0.0")
        measured.note(f"release, rollback, broken releases with {PEOPLE} sessions", "0 lost")
        machine.output("nginx -t -q; nginx -s reload")
        assert not active(machine, 8601)

        limit = 15
        machine.output(f"{SERVER} release /srv/versions/1.1.0 --drain-limit {limit}")
        switched = float(machine.output("stat -c %Y /etc/nginx/my-internal-tool/serving.conf"))
        time.sleep(max(0, switched + limit - 3 - time.time()))
        only("report", "1.0.0", "1.0.0", "1.1.0")
        until(lambda: not active(machine, 8501) and not active(machine, 8502), 90)
        report = people.say("round")  # they notice when they click
        assert report["failed"] == []
        assert len(report["lost"]) == PEOPLE
        assert min(report["lost"]) >= switched + limit
        assert set(report["came"]) <= {"1.1.0"}


def test_the_old_release_stops_when_the_last_one_leaves(machine: Machine, project: Path) -> None:
    """And the database may grow meanwhile: the old release stays fit, also when it restarts."""
    assert serving(machine) == ("1.1.0", "green")
    with crowd(machine, project, 3) as people:
        before = backups(machine)
        printed = machine.output(f"{SERVER} release /srv/versions/2.1.0")
        assert serving(machine) == ("2.1.0", "blue")
        assert printed.index("back up the database") < printed.index("upgrade the database")
        assert backups(machine) == before + 1
        readyz = "curl -s http://127.0.0.1:8601/readyz"
        checks = json.loads(machine.output(readyz))["checks"]
        assert checks["migrations"] == {**checks["migrations"], "status": "pass", "detail": "newer"}
        assert people.say("leave")["lost"] == []
        until(lambda: not active(machine, 8601) and not active(machine, 8602), 90)
        assert people.say("report")["failed"] == []
    assert "0001+0002 (current)" in machine.output(f"{SERVER} run db current")
    enabled = machine.output("ls /etc/systemd/system/my-internal-tool.target.wants")
    assert enabled.split() == ["my-internal-tool@8501.service", "my-internal-tool@8502.service"]
    # Code that is older than the database comes back, too.
    machine.output(f"{SERVER} rollback")
    assert serving(machine) == ("1.1.0", "green")


def test_what_serves_is_started_anew(machine: Machine) -> None:
    """As after a change of a setting."""
    version, colour = serving(machine)
    new, port = ("green", 8601) if colour == "blue" else ("blue", 8501)
    started = f"systemctl show my-internal-tool@{port} --value -p ActiveEnterTimestampMonotonic"
    before = int(machine.output(started))
    machine.output(f"{SERVER} release")
    assert serving(machine) == (version, new)
    assert int(machine.output(started)) > before


def test_what_is_in_the_way_for_a_moment_stops_no_release(machine: Machine) -> None:
    _, colour = serving(machine)
    port = 8501 if colour == "green" else 8601
    machine.output(f"systemctl stop my-internal-tool@{port} my-internal-tool@{port + 1}")
    machine.output(f"python3 -c {shlex.quote(IN_THE_WAY)} {port} >/dev/null 2>&1 &")
    machine.output(f"{SERVER} release")
    assert serving(machine)[1] != colour
    machine.output(f"journalctl -q -t my-internal-tool-{port} | grep -q 'in use'")


def test_a_drain_that_ends_by_itself_stops_no_release(machine: Machine) -> None:
    machine.output(f"{SERVER} release")
    _, colour = serving(machine)
    machine.output(f"install -d /run/late; printf '%s' {shlex.quote(LATE)} >/run/late/systemctl")
    machine.output("chmod +x /run/late/systemctl; systemctl is-active my-internal-tool-drain")
    machine.output(f"PATH=/run/late:$PATH {SERVER} release")
    assert serving(machine)[1] != colour


def test_an_old_release_that_hangs_is_stopped(machine: Machine) -> None:
    _, colour = serving(machine)
    port = 8501 if colour == "blue" else 8601
    pid = machine.output(f"systemctl show --property=MainPID --value my-internal-tool@{port}")
    machine.output(f"kill -STOP {pid}; {SERVER} release --drain-limit 5")
    assert serving(machine)[1] != colour
    until(lambda: not active(machine, port) and not active(machine, port + 1), 120)


@pytest.mark.parametrize("option", ["--keep", "--drain-limit"])
def test_a_number_is_not_negative(machine: Machine, option: str) -> None:
    done = machine.sh(f"{SERVER} release {option} -1")
    assert done.returncode == 2
    assert done.stderr.endswith(f"argument {option}: invalid natural value: '-1'\n")


def test_only_one_at_a_time(machine: Machine) -> None:
    first = f"{SERVER} release /srv/versions/1.0.0 >/run/first 2>&1"
    at_work = "until [ -s /run/first ]; do sleep 0.1; done"
    second = f"{SERVER} rollback && code=0 || code=$?"
    done = machine.sh(f"{first} & {at_work}; {second}; wait; exit $code")
    assert done.returncode == 1
    assert "another install, release or rollback is at work" in done.stderr
    assert serving(machine)[0] == "1.0.0", machine.output("cat /run/first")


def test_what_is_no_release_is_refused_in_one_line(machine: Machine) -> None:
    machine.output(
        "cd /srv; mkdir empty; printf nothing >none.tar; tar -czf whole.tar.gz versions/1.1.0;"
        "head -c 100000 whole.tar.gz >cut.tar.gz; tar -b 1 -cf whole.tar -C versions/1.1.0 .;"
        "head -c -1024 whole.tar >cut.tar"  # between two files, where tar does not notice
    )
    releases = machine.output("ls -A /opt/my-internal-tool/releases")
    for what, why in {
        "9.9.9": "9.9.9 is neither a folder, nor an archive, nor a release (",
        "/srv/empty": "/srv/empty is not a folder of my-internal-tool: it has no requirements.txt",
        "/srv/none.tar": "none.tar is no whole archive: tar: This does not look like a tar archive",
        "/srv/cut.tar.gz": "cut.tar.gz is no whole archive: ",
        "/srv/cut.tar": "cut.tar is no whole archive: its end is missing",
    }.items():
        assert why in refusal(machine, f"release {what}"), what
    assert machine.output("ls -A /opt/my-internal-tool/releases") == releases


def test_a_release_comes_as_an_archive(
    machine: Machine, default: Baked, versions: Path, tmp_path: Path
) -> None:
    """As docs/runbook.md and `make deploy` bring it, whatever a developer's folder has besides."""
    _, colour = serving(machine)
    machine.output(
        "cp -r /srv/versions/1.1.0 /srv/clone; cd /srv/clone; rm -rf data; umask 077;"
        "mkdir -p .git .venv build data src/__pycache__; echo SECRET=x >.env;"
        "for folder in .git .venv build data src/__pycache__; do echo x >$folder/file; done;"
        "chown -R games .; chmod -R go= ."
    )
    machine.output("cd /srv; tar -cf bare.tar -C clone .; tar -czf nested.tar.gz clone")
    names = {
        machine.output(f"{SERVER} prepare {what}").splitlines()[-1]
        for what in ("/srv/clone", "/srv/bare.tar", "/srv/nested.tar.gz")
    }
    [name] = names
    release = f"/opt/my-internal-tool/releases/{name}"
    assert machine.output(f"cd {release}; ls -d .env .git build data src/__pycache__ || true") == ""
    for wrong in ("-not -user root", "-not -perm -444", "-type d -not -perm 755", "-perm /022"):
        assert machine.output(f"find {release} -not -type l {wrong}") == "", wrong
    shutil.copytree(versions / "1.1.0", tmp_path / "commit")
    commit_all(tmp_path / "commit")
    send, release = commands(default.path, "runbook.md", "Update")
    [pack, copy] = send.splitlines()
    assert run("sh", "-c", pack, cwd=tmp_path / "commit").returncode == 0
    assert copy == "scp release.tar.gz root@tool.example.com:"
    machine.put(tmp_path / "commit/release.tar.gz", "/srv/")
    machine.output(f"cd /srv; {release}")
    assert serving(machine) == ("1.1.0", "green" if colour == "blue" else "blue")


def test_settings_reach_nginx_and_an_edited_site_stays(machine: Machine) -> None:
    site = "/etc/nginx/sites-available/my-internal-tool.conf"
    settings = "/etc/my-internal-tool/my-internal-tool.env"
    size = "grep -rho 'client_max_body_size .*;' /etc/nginx/my-internal-tool | uniq"
    assert machine.output(size) == "client_max_body_size 51m;"
    machine.output(f"echo MAX_UPLOAD_MB=7 >>{settings}; sed -i '$a # ours' {site}")
    machine.output(f"{SERVER} release")
    assert machine.output(size) == "client_max_body_size 8m;"
    assert machine.output(f"tail -1 {site}") == "# ours"
    machine.output(f"sed -i '$d' {settings} {site}")


def test_what_operators_add_comes_and_goes_with_a_release(machine: Machine, default: Baked) -> None:
    """Files for nginx are the project's; drop-ins of systemd are the server's, and stay."""
    before = serving(machine)
    local, installed = "/srv/ours/deploy/nginx/local", "/etc/nginx/my-internal-tool/local"
    hello = 'location = /hello { return 200 "ours"; }'
    drop_in = "/etc/systemd/system/my-internal-tool@.service.d"
    machine.output(
        f"cp -r /srv/versions/1.1.0 /srv/ours; mkdir {local} {drop_in};"
        f"printf '%s\\n' {shlex.quote(hello)} >{local}/hello.conf;"
        f"printf '[Service]\\nNice=3\\n' >{drop_in}/ours.conf"
    )
    machine.output(f"{SERVER} release /srv/ours")
    ask = "curl -sSk https://localhost/hello"
    assert machine.output(ask) == "ours"
    port = 8501 if serving(machine)[1] == "blue" else 8601
    assert machine.output(f"systemctl show --property=Nice --value my-internal-tool@{port}") == "3"

    machine.output(f"echo 'nonsense;' >{local}/broken.conf; rm {local}/hello.conf")
    reason = f'nginx refuses the site: unknown directive "nonsense" in {installed}/broken.conf:1'
    assert reason in refusal(machine, "release /srv/ours")
    assert machine.output(f"nginx -t -q; ls {installed}") == "hello.conf"
    assert machine.output(ask) == "ours"

    [rollback] = commands(default.path, "runbook.md", "Roll back")
    machine.output(rollback)
    assert serving(machine)[0] == before[0]
    assert machine.output(f"ls {installed}; ls {drop_in}") == "ours.conf"
    assert machine.output(ask) != "ours"
    machine.output(f"rm -r {drop_in}; systemctl daemon-reload")


def test_a_full_disk_changes_nothing(machine: Machine) -> None:
    """Where the release is unpacked, and where nginx has its files."""
    before = serving(machine)
    site, settings = "/etc/nginx/my-internal-tool", "/etc/my-internal-tool/my-internal-tool.env"
    machine.output(
        "mkdir /run/small; mount -t tmpfs -o size=300k small /run/small; cp -a /etc/nginx /run/;"
        f"mount -t tmpfs -o size=300k,mode=755 site {site}; cp -a /run/nginx/my-*/. {site};"
        f"cat /dev/zero >{site}/full || echo MAX_UPLOAD_MB=9 >>{settings}"
    )
    for env, why in {"TMPDIR=/run/small": "'/run/small/", "": f"{before[0]}-"}.items():
        line = refusal(machine, "release /srv/versions/2.1.0", env)
        assert "No space left on device" in line
        assert why in line
        assert len(line) < 300, line
        assert serving(machine) == before
        machine.output("nginx -t -q; curl -sSfk https://localhost/livez")
    machine.output(f"umount {site} /run/small; sed -i '$d' {settings}; nginx -t -q")


def test_a_site_that_nginx_refuses_changes_nothing(machine: Machine) -> None:
    """The operator's, this time: nginx goes on with what it has read, and so do the visitors."""
    before = serving(machine)
    enabled = "ls /etc/systemd/system/my-internal-tool.target.wants"
    wanted = machine.output(enabled)
    site = "/etc/nginx/sites-available/my-internal-tool.conf"
    machine.output(f"echo 'nonsense;' >>{site}")
    reason = 'nginx refuses the site: unknown directive "nonsense" in /etc/nginx/sites-enabled'
    for command in ("release /srv/versions/1.0.0", "release /srv/versions/1.1.0", "release"):
        assert reason in refusal(machine, command), command
        assert serving(machine) == before
        assert machine.output(enabled) == wanted
    machine.output("curl -sSfk https://localhost/livez")
    machine.output(f"sed -i '$d' {site}; nginx -t -q")


def test_people_of_the_release_before_the_last_can_be_cut(machine: Machine, project: Path) -> None:
    with crowd(machine, project, 3) as people:
        machine.output(f"{SERVER} release")
        # As right after a release: the old colour has not been told yet to count its sessions.
        machine.output("systemctl stop my-internal-tool-drain")
        machine.output("systemctl kill --kill-who=main --signal=USR2 'my-internal-tool@*'")
        assert "3 sessions are still open on" in refusal(machine, "release")
        assert people.say("report")["lost"] == []
        machine.output(f"{SERVER} release /srv/versions/1.0.0 --cut --keep 1")
        report = people.say("round")  # they notice when they click
        assert len(report["lost"]) == 3
        assert report["failed"] == []
    used = (
        "cd /opt/my-internal-tool; for x in blue green previous; do readlink -f $x; done;"
        "dirname $(ls -t /opt/my-internal-tool/releases/*/.complete | head -1)"  # the newest
    )
    left = "ls -d /opt/my-internal-tool/releases/*"
    assert set(machine.output(left).split()) == set(machine.output(used).split())


def test_killed_at_any_step_and_run_again(machine: Machine, project: Path) -> None:
    # Another release, with another site.
    machine.output("sed -i '$a # New' /srv/versions/1.1.0/deploy/nginx/snippets/http.conf")
    before = serving(machine)
    steps = [
        "build",
        "update the site",
        "let ",
        "compare the database",
        "start ",
        "visit ",
        "enable ",
        "send new visitors",
        "remember",
        "let blue go on" if before[1] == "blue" else "let green go on",
    ]
    with crowd(machine, project, 5) as people:
        for step in steps:
            assert killed_at(machine, step, f"{SERVER} release /srv/versions/1.1.0"), step
            report = people.say("report")
            assert (report["failed"], report["lost"]) == ([], []), step
        machine.output(f"{SERVER} release /srv/versions/1.1.0 --drain-limit 60")
        report = people.say("round")
        assert (report["failed"], report["lost"]) == ([], [])
    assert serving(machine) == ("1.1.0", "green" if before[1] == "blue" else "blue")
    releases = machine.output("ls /opt/my-internal-tool/releases").split()
    assert len(releases) <= 7


def test_a_backup_is_restored(machine: Machine, default: Baked) -> None:
    machine.output(f"{SERVER} run backup create")
    name = machine.output(f"{SERVER} run backup list").splitlines()[1].split()[0]
    machine.output(f"{SERVER} run users add bob --role viewer --generate")
    [restore] = commands(default.path, "runbook.md", "Restore")
    machine.output(restore.replace("NAME", f"--yes {name}"))
    port = 8501 if serving(machine)[1] == "blue" else 8601
    until(lambda: machine.sh(f"curl -fso /dev/null http://127.0.0.1:{port}/readyz").returncode == 0)
    assert "bob" not in machine.output(f"{SERVER} run users list")


def test_uninstall_keeps_the_data_unless_told(machine: Machine) -> None:
    unchanged(machine, f"{SERVER} uninstall --dry-run")
    machine.output(f"cp /usr/local/sbin/{SERVER} /srv/again; {SERVER} uninstall")
    left = "find /opt /etc /usr/local /var -path '*my-internal-tool*' -not -path '/var/log/*'"
    found = machine.output(left).split()
    assert "/var/lib/my-internal-tool/app.db" in found
    assert "/etc/my-internal-tool/credentials/DATA_ENCRYPTION_KEYS" in found
    places = ("/var/lib/my-internal-tool", "/etc/my-internal-tool")
    assert [path for path in found if not path.startswith(places)] == []
    machine.output("nginx -t -q")
    done = machine.sh("/srv/again uninstall --delete-data </dev/null")
    assert done.stderr == "failed: nothing was deleted; --yes does not ask\n"
    assert done.returncode == 1
    machine.output("/srv/again uninstall --delete-data --yes")
    assert machine.output(left) == ""
    assert machine.sh("id my-internal-tool").returncode != 0
