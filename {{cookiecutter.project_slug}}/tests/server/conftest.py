"""What the tests of the server share: a server with tight limits, and a way to read metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ..conftest import PRODUCTION, Server, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

# RFC 5737 addresses: nobody has them.
OFFICE = "203.0.113.9"
STRANGER = "198.51.100.7"


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server behind a proxy on https, open for one network, with tight limits."""
    variables = PRODUCTION | {
        "APP_BASE_URL": "https://tool.example.com/team",
        "ALLOWED_IPS": "203.0.113.0/24",
        "TRUSTED_PROXIES": "127.0.0.1",
        "RATE_LIMIT_HTTP": "5/minute",
        "RATE_LIMIT_CONNECT": "3/minute",
        "RATE_LIMIT_RERUN": "2/second",
    }
    with running_server(tmp_path_factory.mktemp("guarded"), variables) as running:
        yield running


def metric(server: Server, name: str, **labels: str) -> float:
    """Return the sum of the samples called `name` that have these labels; 0.0 if there is none."""
    families = text_string_to_metric_families(httpx.get(server.metrics_url).text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
