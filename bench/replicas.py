"""Measures what a second instance of the app adds behind the generated nginx."""

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "tests/support"))

from nginx import Site, free_ports, program, site
from serving import PRODUCTION, serving

QUICK = "--quick" in sys.argv
ROUNDS = 1 if QUICK else 3
TABS = 16
RERUNS = 1 if QUICK else 20
UNLIMITED = "1000000/second"


def missing() -> str:
    """Return what is missing on this machine, or an empty text."""
    try:
        program()
    except pytest.skip.Exception as reason:
        return str(reason)
    return ""


def gain(project: Path, folder: Path) -> float:
    """Return the reruns a second of two instances, against those of one in the same minute."""
    home = project / "src/my_internal_tool/pages/home.py"
    shutil.copy(Path(__file__).with_name("page.py"), home)
    with replicas(project, folder / "one", 1) as one, replicas(project, folder / "two", 2) as two:
        rounds = [[reruns_per_second(project, site) for site in (one, two)] for _ in range(ROUNDS)]
    return statistics.median(second / first for first, second in rounds)


@contextlib.contextmanager
def replicas(project: Path, folder: Path, count: int) -> Iterator[Site]:
    """Start some instances and an nginx before them."""
    folder.mkdir()
    ports = free_ports()
    variables = PRODUCTION | {
        "APP_BASE_URL": f"https://localhost:{ports[443]}",
        "RATE_LIMIT_RERUN": UNLIMITED,
    }
    with contextlib.ExitStack() as stack:
        for port in (8501, 8502)[:count]:
            app = serving(project, folder / f"{port}.log", **variables)
            ports[port] = stack.enter_context(app).port
        yield stack.enter_context(site(project, folder / "nginx", ports))


def reruns_per_second(project: Path, site: Site) -> float:
    """Let the project's own load test click without a pause."""
    command = [str(project / ".venv/bin/my-internal-tool"), "loadtest", "--url", site.url]
    options = ["--sessions", str(TABS), "--reruns", str(RERUNS), "--think", "0"]
    variables = os.environ | {"SSL_CERT_FILE": str(site.authority)}
    done = subprocess.run(
        [*command, *options], env=variables, check=True, stdout=subprocess.PIPE, text=True
    )
    found = re.search(r"^runs per second +([\d.]+)$", done.stdout, re.MULTILINE)
    if found is None:
        raise ValueError(f"no figure in what the load test prints:\n{done.stdout}")
    return float(found[1])
