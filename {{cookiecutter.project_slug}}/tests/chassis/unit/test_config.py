"""The options in .streamlit/config.toml."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from chassis.auth.identity import HEADERS
from streamlit import config

from ..conftest import PROJECT

TEXT = (PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
OPTIONS = tomllib.loads(TEXT)


def flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and name != "trustedUserHeaders":  # an option with names inside
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@pytest.mark.parametrize(("name", "value"), [*flat(OPTIONS)])
def test_streamlit_knows_the_option(name: str, value: object) -> None:
    # Streamlit only warns of unknown options, and accepts values of a wrong type.
    known = config._config_options_template
    assert name in known
    if isinstance(known[name].default_val, bool):
        assert isinstance(value, bool)


def test_options_with_a_choice_have_a_value_that_streamlit_knows() -> None:
    # A wrong toolbarMode is accepted silently and shows the developer menu.
    assert OPTIONS["client"]["toolbarMode"] in {"auto", "developer", "viewer", "minimal"}
    assert OPTIONS["client"]["showErrorDetails"] in {"full", "stacktrace", "type", "none"}
    assert OPTIONS["server"]["fileWatcherType"] in {"auto", "watchdog", "poll", "none"}


def test_streamlit_run_alone_trusts_the_same_headers_as_serve() -> None:
    assert OPTIONS["server"]["trustedUserHeaders"] == HEADERS
