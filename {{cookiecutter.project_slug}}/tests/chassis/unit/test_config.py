"""The options and the theme in .streamlit/config.toml."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from chassis.auth.identity import HEADERS
from streamlit import config

from ..conftest import PROJECT

TEXT = (PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
OPTIONS = tomllib.loads(TEXT)
THEME = OPTIONS["theme"]


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


def test_theme_loads_nothing_from_elsewhere() -> None:
    assert not re.search(r"https?://|//[a-z]", "\n".join(map(str, dict(flat(THEME)).values())))


def luminance(color: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(text: str) -> tuple[float, ...]:
    return tuple(int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))


def contrast(color: str, background: str, opacity: float = 1.0) -> float:
    """Return the contrast ratio as WCAG defines it: 1 to 21."""
    pairs = zip(rgb(color), rgb(background), strict=True)
    mixed = tuple(opacity * front + (1 - opacity) * back for front, back in pairs)
    bright, dark = sorted((luminance(mixed), luminance(rgb(background))), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_in_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_texts_are_readable(mode: str) -> None:
    theme = THEME[mode]
    page, widgets = theme["backgroundColor"], theme["secondaryBackgroundColor"]
    assert contrast(theme["textColor"], page) >= 7
    assert contrast(theme["textColor"], widgets) >= 7
    assert contrast(theme["linkColor"], page) >= 4.5
    assert contrast(theme["linkColor"], widgets) >= 4.5
    assert contrast(theme["textColor"], page, opacity=0.6) >= 4.5  # st.caption
    assert contrast("#ffffff", theme["primaryColor"]) >= 4.5  # the text of a primary button


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_charts_and_controls_stand_out(mode: str) -> None:
    theme = THEME[mode]
    for color in (theme["primaryColor"], *theme["chartCategoricalColors"]):
        assert contrast(color, theme["backgroundColor"]) >= 3
