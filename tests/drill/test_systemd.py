"""The commands of docs/server.md on an empty Debian 12 that really boots, and what the units do."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab import Machine, booted, folder, tools_path
from nginx import certificate
from serving import chromium, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baking import Baked

HOST = "tool.example.com"
EXPOSURE = 1.4
OBSERVATORY = 120

VISIT = """
import sys
from playwright.sync_api import expect, sync_playwright
with sync_playwright() as playwright:
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP tool.example.com 127.0.0.1"]
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=arguments)
    page = browser.new_page(ignore_https_errors=True)
    page.goto("https://tool.example.com/")
    title = page.get_by_test_id("stMain").get_by_role("heading", level=1)
    expect(title).to_be_visible(timeout=30_000)
    print(title.inner_text())
    browser.close()
"""


@pytest.fixture(scope="module")
def machine(default: Baked) -> Iterator[Machine]:
    """Return a machine on which the commands of the page have been run, and nothing else."""
    folder()
    for server in booted("drill"):
        server.output("mkdir -p /opt/my-internal-tool/releases/1")
        server.put(default.path, "/opt/my-internal-tool/releases/1")
        page = default.read("docs/server.md")
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
        assert len(blocks) == 6
        for block in blocks:
            fetches = "apt-get" in block or "pip install" in block
            done = server.sh(block, online=fetches)
            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        assert re.fullmatch("(ok: .*\n)+", done.stdout), done.stdout
        yield server


def pid(machine: Machine, port: int) -> str:
    """Return the process of an instance."""
    return machine.output(f"systemctl show -p MainPID --value my-internal-tool@{port}")


def active(machine: Machine, port: int) -> bool:
    """Tell whether systemd counts an instance as started."""
    return machine.sh(f"systemctl is-active -q my-internal-tool@{port}").returncode == 0


def ready(machine: Machine, port: int) -> bool:
    """Tell whether an instance says that it is ready."""
    return machine.sh(f"curl -fso /dev/null http://127.0.0.1:{port}/readyz").returncode == 0


def test_a_browser_opens_the_app_over_tls(machine: Machine) -> None:
    done = machine.lab("in", sys.executable, "-c", VISIT, chromium())
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_every_block_can_be_run_again(machine: Machine, default: Baked) -> None:
    page = default.read("docs/server.md")
    before = machine.output("cat /etc/my-internal-tool/secrets/APP_SECRET_KEY")
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL):
        if "apt-get" not in block and "pip install" not in block:
            machine.output(block)
    assert machine.output("cat /etc/my-internal-tool/secrets/APP_SECRET_KEY") == before


def test_exposure(machine: Machine) -> None:
    units = ("my-internal-tool@8501", "my-internal-tool-check")
    for unit in units:
        text = machine.output(f"systemd-analyze security --no-pager {unit}.service | tail -n 1")
        found = re.search(r"(\d+\.\d) OK", text)
        assert found, text
        print(f"exposure of {unit}: {found[1]}")  # noqa: T201
        assert float(found[1]) <= EXPOSURE


def test_units_are_understood_without_a_warning(machine: Machine) -> None:
    names = "my-internal-tool@8501.service my-internal-tool-check.service my-internal-tool.target"
    done = machine.sh(f"systemd-analyze verify {names} my-internal-tool-check.timer")
    assert (done.returncode, done.stderr) == (0, "")
    shown = machine.output("systemctl show my-internal-tool@8501 -p MemoryMax -p LimitNOFILE")
    assert "MemoryMax=2147483648" in shown
    assert "LimitNOFILE=65536" in shown


def test_the_secret_is_neither_in_the_environment_nor_readable(machine: Machine) -> None:
    secret = machine.output("cat /etc/my-internal-tool/secrets/APP_SECRET_KEY")
    environment = machine.output(f"tr '\\0' '\\n' </proc/{pid(machine, 8501)}/environ")
    assert "APP_BASE_URL=https://tool.example.com" in environment
    assert secret not in environment
    modes = machine.output("stat -c '%U %a' /etc/my-internal-tool/secrets/* /etc/my-internal-tool")
    assert set(modes.splitlines()) <= {"root 600", "root 755"}
    assert machine.sh("runuser -u nobody -- ls /etc/my-internal-tool/secrets").returncode != 0
    assert machine.sh("runuser -u nobody -- ls /run/credentials/*8501*").returncode != 0
    assert secret not in machine.output("journalctl --no-pager")


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ("/var/lib/my-internal-tool", True),
        ("/tmp", True),  # noqa: S108
        ("/opt/my-internal-tool/current", False),
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


def test_a_wrong_setting_is_no_start_and_is_named(machine: Machine) -> None:
    file = "/etc/my-internal-tool/my-internal-tool.env"
    machine.output("systemctl stop my-internal-tool@8502")
    machine.output(f"cp {file} /run/env; echo LOG_LEVEL=LOUD >>{file}")
    machine.output("systemctl start --no-block my-internal-tool@8502; sleep 3")
    assert not active(machine, 8502)
    log = machine.output("journalctl -o cat --no-pager -u my-internal-tool@8502 -n 20")
    assert "LOG_LEVEL" in log
    machine.output(f"cp /run/env {file}")
    until(lambda: active(machine, 8502), 60)  # nobody has to start it again


def test_a_full_disk_keeps_nobody_out(machine: Machine) -> None:
    state = "/var/lib/my-internal-tool"
    machine.output(
        "systemctl stop my-internal-tool@8502;"
        f"mount -t tmpfs -o size=64k,mode=0700,uid=my-internal-tool,gid=my-internal-tool x {state};"
        f"head -c 70000 /dev/zero >{state}/filled || true;"
        "systemctl start my-internal-tool@8502"
    )
    assert ready(machine, 8502)
    machine.output(f"systemctl stop my-internal-tool@8502; umount {state}")
    machine.output("systemctl start my-internal-tool@8502")


def test_the_check_sees_what_is_wrong_and_its_timer_fires(machine: Machine) -> None:
    machine.output("systemctl start my-internal-tool-check.service")
    machine.output("systemctl stop my-internal-tool@8502")
    assert machine.sh("systemctl start my-internal-tool-check.service").returncode != 0
    log = machine.output("journalctl -o cat --no-pager -u my-internal-tool-check.service")
    assert "failed: instance 8502 is not ready" in log
    machine.output("systemctl start my-internal-tool@8502")
    machine.output("systemctl reset-failed my-internal-tool-check.service")
    drop_in = "/run/systemd/system/my-internal-tool-check.timer.d"
    machine.output(
        f"mkdir -p {drop_in}; printf '[Timer]\\nOnActiveSec=1\\nAccuracySec=1\\n"
        f"RandomizedDelaySec=0\\n' >{drop_in}/quick.conf; systemctl daemon-reload;"
        "systemctl restart my-internal-tool-check.timer"
    )
    count = "journalctl -o cat --no-pager -u my-internal-tool-check.service | grep -c Finished"
    until(lambda: machine.output(count) == "2", 60, "the timer")


def test_all_stop_in_time_and_come_back_with_the_target_of_the_boot(machine: Machine) -> None:
    machine.output("systemctl stop my-internal-tool.target")
    for port in (8501, 8502):
        show = f"systemctl show my-internal-tool@{port} --value -p"
        until(lambda show=show: machine.output(f"{show} ActiveState") == "inactive", 45)  # type: ignore[misc]
        assert machine.output(f"{show} Result") == "success"
        assert machine.output(f"{show} ExecMainStatus") == "0"
    wanted = machine.output("systemctl list-dependencies --plain multi-user.target")
    assert {"my-internal-tool@8501.service", "my-internal-tool@8502.service"} <= set(wanted.split())
    machine.output("systemctl start my-internal-tool.target")
    until(lambda: all(active(machine, port) for port in (8501, 8502)), 60)
    machine.output("/opt/my-internal-tool/current/deploy/systemd/check")


def test_the_observatory_is_content(machine: Machine, tmp_path: Path) -> None:
    """Run where the machine has ports 80 and 443, and with a name that leads there."""
    path = tools_path("observatory")
    wrapper = shutil.which("mdn-http-observatory-scan", path=path)
    assert wrapper
    scan = Path(wrapper).resolve().parent.parent / "src/scan.js"  # the wrapper hides our authority
    root = Path(machine.lab("path").stdout.strip())
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
    print(f"MDN HTTP Observatory: {found[1]}")  # noqa: T201
    assert int(found[1]) >= OBSERVATORY, done.stdout
