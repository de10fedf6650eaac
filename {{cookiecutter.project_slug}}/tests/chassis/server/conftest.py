"""What the tests of the server share: running applications, and a way to read metrics."""

from collections.abc import Iterator

import httpx
import psutil
import pytest
from chassis.testing.servers import PRODUCTION, Server, running_server, small_project
from chassis.testing.sites import Site, start_site, with_database
from prometheus_client.parser import text_string_to_metric_families

# RFC 5737 addresses: nobody has them.
OFFICE = "203.0.113.9"
STRANGER = "198.51.100.7"

# Files, a widget for uploads and a secret of one session; and who the server thinks is there.
PAGE = """
from functools import partial
import streamlit as st
from chassis.auth.current import current_user

user = current_user()
name = user.username if user else "nobody"
st.text(f"user={name}")
st.session_state.setdefault("secret", f"secret of {name}")
st.text(st.session_state["secret"])
st.file_uploader("file")
st.download_button("report", f"report for {name}", "report.txt")
st.download_button("later", partial("made later for {}".format, name), "later.txt")
st.text(f"headers={st.context.headers.to_dict()} cookies={st.context.cookies.to_dict()}")
"""


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server behind a proxy on https, open for one network, with tight limits."""
    variables = PRODUCTION | {
        "APP_BASE_URL": "https://tool.example.com/team",
        "ALLOWED_IPS": "203.0.113.0/24,2001:db8::/32",
        "TRUSTED_PROXIES": "127.0.0.1",
        "RATE_LIMIT_HTTP": "5/minute",
        "RATE_LIMIT_CONNECT": "3/minute",
        "RATE_LIMIT_RERUN": "2/second",
    }
    with running_server(tmp_path_factory.mktemp("guarded"), variables) as running:
        yield running


@pytest.fixture(scope="module")
def shared_small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = small_project(tmp_path_factory.mktemp("small"), PAGE)
    yield from start_site("sqlite", tmp_path_factory.mktemp("log"), project)


@pytest.fixture
def small(shared_small: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return an application that consists of PAGE, for the tests of one file."""
    return with_database(shared_small, monkeypatch)


def metric(server: Server, name: str, **labels: str) -> float:
    """Return the sum of the samples called `name` that have these labels; 0.0 if there is none."""
    families = text_string_to_metric_families(httpx.get(server.metrics_url).text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def memory_mb(site: Site) -> float:
    """Return the memory of the server process in MB."""
    rss: int = psutil.Process(site.server.process.pid).memory_info().rss
    return rss / 1e6
