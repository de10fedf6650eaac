"""The theme that a project begins with can be read by everybody, and comes from nowhere else."""

import json
import re
import tomllib
from typing import Any

import pytest
from baking import Baked


@pytest.fixture
def theme(default: Baked) -> dict[str, Any]:
    """Return the table of the theme, in which light and dark have tables of their own."""
    found: dict[str, Any] = tomllib.loads(default.read("src/my_internal_tool/theme.toml"))["theme"]
    return found


def test_the_theme_loads_nothing_from_elsewhere(theme: dict[str, Any]) -> None:
    assert not re.search(r"https?://|//[a-z]", json.dumps(theme))


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
def test_texts_are_readable(theme: dict[str, Any], mode: str) -> None:
    colors = theme[mode]
    page, widgets = colors["backgroundColor"], colors["secondaryBackgroundColor"]
    assert contrast(colors["textColor"], page) >= 7
    assert contrast(colors["textColor"], widgets) >= 7
    assert contrast(colors["linkColor"], page) >= 4.5
    assert contrast(colors["linkColor"], widgets) >= 4.5
    assert contrast(colors["textColor"], page, opacity=0.6) >= 4.5  # st.caption
    assert contrast("#ffffff", colors["primaryColor"]) >= 4.5  # the text of a primary button


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_charts_and_controls_stand_out(theme: dict[str, Any], mode: str) -> None:
    colors = theme[mode]
    for color in (colors["primaryColor"], *colors["chartCategoricalColors"]):
        assert contrast(color, colors["backgroundColor"]) >= 3
