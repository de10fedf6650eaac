"""The commands of docs/server.md on an empty Debian 12 that really boots, and what the units do."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import measured
import pytest
from baking import ROOT
from blocks import blocks_of, commands
from lab import Machine, booted, folder, tools_path
from nginx import certificate
from serving import chromium, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baking import Baked

HOST = "tool.example.com"
EXPOSURE = 1.4
OBSERVATORY = 120

# Pebble on loopback, and certbot told to use it. It would refuse some requests for the fun of it.
ACME = """
mkdir -p /srv/acme; cd /srv/acme
openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=localhost \\
    -addext subjectAltName=DNS:localhost -keyout key.pem -out ca.pem 2>/dev/null
cat >config.json <<'END'
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
 "certificate": "ca.pem", "privateKey": "key.pem", "httpPort": 80, "tlsPort": 443}}
END
echo 127.0.0.1 localhost tool.example.com >>/etc/hosts
systemd-run --quiet --unit=pebble --working-directory=/srv/acme --setenv=PEBBLE_VA_NOSLEEP=1 \\
    --setenv=PEBBLE_WFE_NONCEREJECT=0 pebble -config config.json
cat >/etc/letsencrypt/cli.ini <<'END'
server = https://localhost:14000/dir
no-verify-ssl = true
email = root@example.com
agree-tos = true
non-interactive = true
END
sleep 1
"""

UNITS = ("my-internal-tool@8501", "my-internal-tool-backup@create", "my-internal-tool-check")
TIMERS = ("check", "backup-create", "backup-verify", "backup-prune")
OWN_PASSWORD = "seven purple elephants"
FIRST_SIGN_IN = (
    "env",
    f"PYTHONPATH={ROOT}/tests/support",
    sys.executable,
    ROOT / "tests/programs/first_sign_in.py",
)


@dataclass(frozen=True)
class Installed:
    """A machine on which the commands of the page have been run, and what each printed."""

    machine: Machine
    printed: dict[str, str]

    @property
    def password(self) -> str:
        """Return the first password of the first user."""
        found = re.search(r"first sign-in: (\S+)", "".join(self.printed.values()))
        assert found, self.printed
        return found[1]


@pytest.fixture(scope="module")
def installed(default: Baked) -> Iterator[Installed]:
    """Return a machine on which the commands of the page have been run, and nothing else."""
    folder()
    for server in booted("drill"):
        server.put(default.path, "/srv/my-internal-tool")  # what `git archive` would have brought
        server.output("mv /srv/my-internal-tool ~/")
        server.offer_packages(default.path / "requirements.txt")
        printed = {}
        for block in commands(default.path, "server.md", "Install"):
            done = server.sh(block, online="apt-get" in block)
            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
            printed[block] = done.stdout
        assert len(printed) == 4
        assert re.fullmatch("(ok: .*\n){4}", done.stdout), done.stdout
        yield Installed(server, printed)


@pytest.fixture(scope="module")
def machine(installed: Installed) -> Machine:
    """Return the machine alone."""
    return installed.machine


def pid(machine: Machine, port: int) -> str:
    """Return the process of an instance."""
    return machine.output(f"systemctl show -p MainPID --value my-internal-tool@{port}")


def active(machine: Machine, port: int) -> bool:
    """Tell whether systemd counts an instance as started."""
    return machine.sh(f"systemctl is-active -q my-internal-tool@{port}").returncode == 0


def ready(machine: Machine, port: int) -> bool:
    """Tell whether an instance says that it is ready."""
    return machine.sh(f"curl -fso /dev/null http://127.0.0.1:{port}/readyz").returncode == 0


def test_a_browser_signs_in_over_tls(installed: Installed) -> None:
    """With the password that the last command printed, which is to be changed."""
    arguments = (chromium(), f"https://{HOST}/", "admin", installed.password, OWN_PASSWORD)
    done = installed.machine.lab("in", *FIRST_SIGN_IN, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["8501", "8502"]


def test_every_command_can_be_run_again(installed: Installed, default: Baked) -> None:
    state = "cd /etc/my-internal-tool; cat credentials/*; cat *.env; ls -l /opt/my-internal-tool"
    before = installed.machine.output(state)
    pids = [pid(installed.machine, port) for port in (8501, 8502)]
    for block in commands(default.path, "server.md", "Install"):
        if "apt-get" not in block and "users add" not in block:
            installed.machine.output(block)
    assert installed.machine.output(state) == before
    assert [pid(installed.machine, port) for port in (8501, 8502)] == pids


def test_a_certificate_of_an_authority_and_its_renewal(machine: Machine, default: Baked) -> None:
    """The commands of the page, answered by Pebble, the test server of Let's Encrypt."""
    install, *rest = commands(default.path, "server.md", "A certificate that browsers trust")
    lines = install.splitlines()
    assert lines[0].startswith("apt-get install")
    done = machine.sh(f"{lines[0]} pebble", online=True)
    assert done.returncode == 0, done.stderr
    machine.output(ACME)
    machine.output("\n".join(lines[1:]))
    shown = f"openssl s_client -connect 127.0.0.1:443 -servername {HOST} </dev/null 2>/dev/null"
    serial = f"sleep 1; {shown} | openssl x509 -noout -issuer -serial"
    first = machine.output(serial)
    assert "Pebble" in first
    machine.output("certbot renew --quiet --force-renewal --no-random-sleep-on-renew")
    second = machine.output(serial)
    assert "Pebble" in second
    assert first != second  # the hook has told nginx
    assert machine.output("systemctl is-enabled certbot.timer") == "enabled"
    assert rest == []


def test_exposure(machine: Machine) -> None:
    for unit in UNITS:
        text = machine.output(f"systemd-analyze security --no-pager {unit}.service | tail -n 1")
        found = re.search(r"(\d+\.\d) OK", text)
        assert found, text
        measured.note(f"exposure of {unit}", found[1], f"at most {EXPOSURE}")
        assert float(found[1]) <= EXPOSURE


def test_units_are_understood_without_a_warning(machine: Machine) -> None:
    names = [f"{unit}.service" for unit in UNITS]
    names += [f"my-internal-tool-{timer}.timer" for timer in TIMERS]
    done = machine.sh(f"systemd-analyze verify {' '.join(names)} my-internal-tool.target")
    assert (done.returncode, done.stderr) == (0, "")
    shown = machine.output("systemctl show my-internal-tool@8501 -p MemoryMax -p LimitNOFILE")
    assert "MemoryMax=2147483648" in shown
    assert "LimitNOFILE=65536" in shown


def test_the_secret_is_neither_in_the_environment_nor_readable(machine: Machine) -> None:
    secret = machine.output("cat /etc/my-internal-tool/credentials/APP_SECRET_KEY")
    environment = machine.output(f"tr '\\0' '\\n' </proc/{pid(machine, 8501)}/environ")
    assert "APP_BASE_URL=https://tool.example.com" in environment
    assert secret not in environment
    modes = machine.output("find /etc/my-internal-tool/credentials -printf '%u %m\\n'")
    assert set(modes.splitlines()) == {"root 700", "root 600"}
    assert machine.sh("runuser -u nobody -- ls /etc/my-internal-tool/credentials").returncode != 0
    assert machine.sh("runuser -u nobody -- ls /run/credentials/*8501*").returncode != 0
    assert secret not in machine.output("journalctl --no-pager")


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ("/var/lib/my-internal-tool", True),
        ("/tmp", True),  # noqa: S108 - that of the unit
        ("/opt/my-internal-tool/serving", False),
        ("/etc", False),
        ("/usr", False),
        ("/var/www/my-internal-tool", False),
        ("/etc/my-internal-tool", False),
        ("/home", False),
    ],
)
def test_places(machine: Machine, place: str, allowed: bool) -> None:
    """Asked as root inside of the mounts that the app sees, so that file modes do not help."""
    inside = f"nsenter --mount --target {pid(machine, 8501)}"
    done = machine.sh(f"{inside} sh -c 'touch {place}/x && rm {place}/x'")
    assert (done.returncode == 0) is allowed, done.stderr


def test_the_journal_has_one_json_object_a_line(machine: Machine) -> None:
    text = machine.output("journalctl -o cat --no-pager -t my-internal-tool-8501")
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert {"started", "ready"} <= set(events)


def test_a_killed_process_comes_back_and_visitors_never_notice(machine: Machine) -> None:
    before = pid(machine, 8501)
    machine.output(f"kill -KILL {before}")
    for _ in range(10):
        machine.output(f"curl -kfso /dev/null --resolve {HOST}:443:127.0.0.1 https://{HOST}/")
    until(lambda: pid(machine, 8501) not in ("0", before) and active(machine, 8501), 60)
    assert ready(machine, 8501)  # active means ready


def test_a_process_that_hangs_is_started_again(machine: Machine) -> None:
    drop_in = "/run/systemd/system/my-internal-tool@.service.d"
    machine.output(
        f"mkdir -p {drop_in}; printf '[Service]\\nWatchdogSec=6\\n' >{drop_in}/quick.conf;"
        "systemctl daemon-reload; systemctl restart my-internal-tool@8502"
    )
    before = pid(machine, 8502)
    machine.output("sleep 8")
    assert pid(machine, 8502) == before  # one that lives is left alone
    machine.output(f"kill -STOP {before}")
    until(lambda: pid(machine, 8502) not in ("0", before) and active(machine, 8502), 60)
    log = machine.output("journalctl --no-pager -u my-internal-tool@8502")
    assert "Watchdog timeout" in log
    machine.output(f"rm -r {drop_in}; systemctl daemon-reload")


def test_the_drop_ins_of_the_page_are_understood_and_the_app_runs(
    machine: Machine, default: Baked
) -> None:
    page = default.read("docs/server.md")
    texts = [block.text for block in blocks_of("server.md", page) if block.language == "ini"]
    assert len(texts) == 2
    drop_in = "/etc/systemd/system/my-internal-tool@.service.d"
    machine.output(
        f"mkdir -p {drop_in}; printf '%s' {shlex.quote(''.join(texts))} >{drop_in}/ours.conf;"
        "systemctl daemon-reload; systemctl restart my-internal-tool@8502"
    )
    try:
        assert ready(machine, 8502)
        show = "systemctl show -p MemoryDenyWriteExecute -p IPAddressAllow my-internal-tool@8502"
        shown = machine.output(show)
        assert "MemoryDenyWriteExecute=no" in shown
        assert "10.0.0.5/32" in shown
        done = machine.sh("systemd-analyze verify my-internal-tool@8502.service")
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        machine.output(f"rm {drop_in}/ours.conf; systemctl daemon-reload")
    machine.output("systemctl restart my-internal-tool@8502")


def test_a_wrong_setting_is_no_start_and_is_named(machine: Machine) -> None:
    file = "/etc/my-internal-tool/my-internal-tool.env"
    machine.output("systemctl stop my-internal-tool@8502")
    machine.output(f"cp {file} /run/env; echo LOG_LEVEL=LOUD >>{file}")
    since = machine.output("date +%s")
    machine.output("systemctl start --no-block my-internal-tool@8502")
    log = f"journalctl -o cat --no-pager -u my-internal-tool@8502 --since @{since}"
    until(lambda: "LOG_LEVEL" in machine.output(log), 60, "a line about LOG_LEVEL")
    assert not active(machine, 8502)
    machine.output(f"cp /run/env {file}")
    until(lambda: active(machine, 8502), 120)  # nobody has to start it again


def test_a_full_disk_keeps_nobody_out(machine: Machine) -> None:
    state = "/var/lib/my-internal-tool"
    machine.output(
        "systemctl stop my-internal-tool@8502; cp -a /var/lib/my-internal-tool /run/state;"
        f"mount -t tmpfs -o size=1m,mode=0700,uid=my-internal-tool,gid=my-internal-tool x {state};"
        f"cp -a /run/state/. {state}/; head -c 2000000 /dev/zero >{state}/filled || true;"
        "systemctl start my-internal-tool@8502"
    )
    assert ready(machine, 8502)
    machine.output(f"systemctl stop my-internal-tool@8502; umount {state}; rm -r /run/state")
    machine.output("systemctl start my-internal-tool@8502")


def test_the_check_sees_what_is_wrong(machine: Machine) -> None:
    machine.output("systemctl start my-internal-tool-check.service")
    machine.output("systemctl stop my-internal-tool@8502")
    tls = "/etc/nginx/my-internal-tool/tls"
    machine.output(
        f"cp -a {tls} /run/tls; rm {tls}/*; openssl req -x509 -newkey rsa:2048 -nodes -days 20 "
        f"-subj /CN={HOST} -keyout {tls}/privkey.pem -out {tls}/fullchain.pem 2>/dev/null;"
        "systemctl reload nginx; sleep 1"
    )
    assert machine.sh("systemctl start my-internal-tool-check.service").returncode != 0
    log = machine.output("journalctl -o cat --no-pager -u my-internal-tool-check.service")
    assert "failed: instance 8502 is not ready" in log
    assert f"failed: the certificate of {HOST} ends within 21 days" in log
    machine.output(f"rm -r {tls}; mv /run/tls {tls}; systemctl reload nginx")
    machine.output("systemctl start my-internal-tool@8502")
    machine.output("systemctl reset-failed my-internal-tool-check.service")
    machine.output("systemctl start my-internal-tool-check.service")


@pytest.mark.parametrize("timer", TIMERS)
def test_timers_fire(machine: Machine, timer: str) -> None:
    """Each is enabled, has a next time, and starts a unit that succeeds."""
    name = f"my-internal-tool-{timer}.timer"
    assert machine.output(f"systemctl is-enabled {name}") == "enabled"
    unit = machine.output(f"systemctl show -p Unit --value {name}")
    drop_in = f"/run/systemd/system/{name}.d"
    started = f"systemctl show -p ExecMainStartTimestampMonotonic --value {unit}"
    before = machine.output(started)
    machine.output(
        f"mkdir -p {drop_in}; printf '[Timer]\\nOnActiveSec=1\\nAccuracySec=1\\n"
        f"RandomizedDelaySec=0\\n' >{drop_in}/quick.conf; systemctl daemon-reload;"
        f"systemctl restart {name}"
    )
    until(lambda: machine.output(started) not in ("0", before), 30, timer)
    show = f"systemctl show -p ActiveState --value {unit}"
    until(lambda: machine.output(show) in ("inactive", "failed"), 60, timer)
    machine.output(f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart {name}")
    assert machine.output(f"systemctl show -p Result --value {unit}") == "success"
    assert machine.output(f"systemctl list-timers --all --no-legend {name}").split()[0] != "-"


def stopped(machine: Machine, port: int) -> bool:
    """Tell whether an instance has ended."""
    show = f"systemctl show my-internal-tool@{port} --value -p ActiveState"
    return machine.output(show) == "inactive"


def test_all_stop_in_time_and_come_back_with_the_target_of_the_boot(machine: Machine) -> None:
    machine.output("systemctl stop my-internal-tool.target")
    for port in (8501, 8502):
        show = f"systemctl show my-internal-tool@{port} --value -p"
        until(partial(stopped, machine, port), 45)
        assert machine.output(f"{show} Result") == "success"
        assert machine.output(f"{show} ExecMainStatus") == "0"
    wanted = machine.output("systemctl list-dependencies --plain multi-user.target")
    assert {"my-internal-tool@8501.service", "my-internal-tool@8502.service"} <= set(wanted.split())
    machine.output("systemctl start my-internal-tool.target")
    until(lambda: all(active(machine, port) for port in (8501, 8502)), 60)
    machine.output("/opt/my-internal-tool/serving/deploy/systemd/check")


def test_the_observatory_is_content(machine: Machine, tmp_path: Path) -> None:
    """Run where the machine has ports 80 and 443, and with a name that leads there."""
    path = tools_path("observatory")
    wrapper = shutil.which("mdn-http-observatory-scan", path=path)
    assert wrapper
    scan = Path(wrapper).resolve().parent.parent / "src/scan.js"  # the wrapper hides our authority
    root = Path(machine.lab("path").stdout.strip())
    machine.output("rm /etc/nginx/my-internal-tool/tls/*")  # links to those of certbot
    certificate(tmp_path, root / "etc/nginx/my-internal-tool/tls", HOST)
    machine.output("systemctl reload nginx; sleep 1")
    (tmp_path / "hosts").write_text(f"127.0.0.1 localhost {HOST}\n")
    script = f"mount --bind {tmp_path}/hosts /etc/hosts; node {scan} {HOST}"
    command = ("unshare", "--mount", "sh", "-euc", script)
    os.environ["NODE_EXTRA_CA_CERTS"] = str(tmp_path / "ca.pem")
    try:
        done = machine.lab("in", *command)
    finally:
        del os.environ["NODE_EXTRA_CA_CERTS"]
    found = re.search(r'"score": (\d+)', done.stdout)
    assert found, done.stdout + done.stderr
    measured.note("MDN HTTP Observatory", found[1], f"at least {OBSERVATORY}")
    assert int(found[1]) >= OBSERVATORY, done.stdout
