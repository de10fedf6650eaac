"""A running bake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from serving import PRODUCTION, App, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def app(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return the default bake, running as in production."""
    output = tmp_path_factory.mktemp("app") / "output"
    with serving(project, output, **PRODUCTION) as running:
        yield running
