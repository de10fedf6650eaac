"""Browsers in words."""

import pytest
from chassis.auth.browser_names import browser_name

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{WINDOWS}{WEBKIT}Chrome/140.0.0.0 Safari/537.36", "Chrome, Windows"),
        (f"{WINDOWS}{WEBKIT}Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge, Windows"),
        (f"{WINDOWS}{WEBKIT}Chrome/140.0 Whale/4.33 Safari/537.36", "Whale, Windows"),
        (f"{WINDOWS}Gecko/20100101 Firefox/143.0", "Firefox, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15) {WEBKIT}SamsungBrowser/28.0 Chrome/130.0 Safari/537",
            "Samsung Internet, Android",
        ),
        ("curl/8.15", ""),
        ("", ""),
    ],
)
def test_browser_and_system(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
