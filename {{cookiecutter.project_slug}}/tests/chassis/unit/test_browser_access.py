"""What pages may load and ask for: which declarations are taken, and what becomes of them."""

import asyncio
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from chassis import Chassis, Page, project
from chassis.browser_access import FEATURES, origin
from chassis.project import ProjectError
from chassis.server.security_headers import EXTERNAL, Policies, SecurityHeaders
from chassis.settings import SettingsError, get_settings
from starlette.types import Message, Receive, Scope, Send

TILES = "https://tiles.example.com"
NO_ORIGINS = [
    "tiles.example.com",
    "https://tiles.example.com/",
    "https://tiles.example.com/{z}/{x}/{y}.png",
    "https://tiles.example.com?key=1",
    "https://user@tiles.example.com",
    "https://*",
    "https://*.com",
    "https://tiles.*.com",
    "https://",
    "https:",
    "*",
    "data:",
    "blob:",
    "'self'",
    "'unsafe-inline'",
    "'unsafe-eval'",
    "https://a.example.com; script-src *",
    "https://a.example.com, https://b.example.com",
    "https://a.example.com https://b.example.com",
    "https://a.example.com\nSet-Cookie: a=b",
    "https://[::1]",
    "https://카드.example.com",
    "ftp://tiles.example.com",
    "javascript://tiles.example.com",
    "",
]


@pytest.fixture(autouse=True)
def settings_of_nobody(empty_project: Path) -> Path:
    """Read no settings but those of a test."""
    return empty_project


def declaring(**options: Any) -> Chassis:
    pages = [Page("pages/notes.py", "Notes")]
    return Chassis("scratch_tool.app", "Scratch", "scratch", lambda: pages, **options)


def in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("APP_SECRET_KEY", "kJ8-wq2nV0sX7bLr4TfYc1HmZ5dPgA9e")
    get_settings.cache_clear()


def directives(policy: str) -> dict[str, list[str]]:
    parts = (part.split() for part in policy.split("; "))
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize(
    "text",
    [
        TILES,
        "https://*.example.com",
        "https://tiles.example.com:8443",
        "wss://live.example.com",
        "http://localhost:8000",
        "ws://127.0.0.1:8000",
        "https://intranet",
    ],
)
def test_an_origin_is_taken(text: str) -> None:
    assert origin(text, unencrypted=True) == text


def test_an_origin_is_spelled_as_browsers_do() -> None:
    assert origin(" HTTPS://Tiles.Example.com ", unencrypted=False) == TILES


@pytest.mark.parametrize("text", NO_ORIGINS)
def test_what_is_no_origin_is_refused_in_app_py(text: str) -> None:
    with pytest.raises(ProjectError, match="is not an origin: write scheme and host") as raised:
        declaring(external_sources=[TILES, text]).check()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", [one for one in NO_ORIGINS if one and "," not in one])
def test_what_is_no_origin_is_refused_in_the_setting(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTERNAL_SOURCES", f"{TILES},{text}")
    with pytest.raises(SettingsError, match=r"^EXTERNAL_SOURCES .* not an origin") as raised:
        get_settings()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["http://tiles.example.com", "ws://tiles.example.com"])
def test_production_refuses_what_is_not_encrypted(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaring(external_sources=[text]).check()
    in_production(monkeypatch)
    with pytest.raises(ProjectError, match="not encrypted, which only development permits"):
        declaring(external_sources=[text]).check()
    monkeypatch.setenv("EXTERNAL_SOURCES", text)
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match="not encrypted, which only development permits"):
        get_settings()


def test_a_text_in_place_of_a_list_is_refused() -> None:
    with pytest.raises(ProjectError, match="external_sources is a text; write a list"):
        declaring(external_sources=TILES).check()


def test_other_features_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProjectError, match="'payment' is none of camera, geolocation, microphone"):
        declaring(browser_features=["payment"]).check()
    monkeypatch.setenv("BROWSER_FEATURES", "camera,payment")
    get_settings.cache_clear()
    with pytest.raises(SettingsError, match="'payment' is none of camera, geolocation, microphone"):
        get_settings()


def test_a_mistyped_name_of_a_setting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    in_production(monkeypatch)
    monkeypatch.setenv("EXTERNAL_SOURCE", TILES)
    with pytest.raises(SettingsError, match="did you mean EXTERNAL_SOURCES"):
        get_settings()


def test_nothing_is_allowed_by_default() -> None:
    policies = Policies.of(declaring(), get_settings())
    assert "http" not in policies.page + policies.component
    assert all(f"{name}=()" in policies.permissions for name in FEATURES)


def test_app_py_and_the_settings_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTERNAL_SOURCES", f"wss://live.example.com,{TILES}")
    monkeypatch.setenv("BROWSER_FEATURES", "Microphone")
    ours = declaring(external_sources=[TILES], browser_features=["camera"])
    policies = Policies.of(ours, get_settings())
    for policy in map(directives, (policies.page, policies.component)):
        for name, sources in policy.items():
            expected = [TILES, "wss://live.example.com"] if name in EXTERNAL else []
            assert [one for one in sources if "//" in one] == expected, name
    assert "camera=(self), geolocation=(), microphone=(self)" in policies.permissions


def test_scripts_come_from_nowhere_else() -> None:
    policy = directives(Policies.of(declaring(external_sources=[TILES]), get_settings()).page)
    assert "script-src" not in EXTERNAL
    assert {one.split("-")[0] for one in policy["script-src"]} == {"'self'", "'wasm", "'sha256"}


def test_a_saved_app_py_counts_at_once_while_developing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def policy() -> str:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        scope = {"type": "http", "path": "/", "headers": []}
        asyncio.run(guarded(scope, receive, send))
        return str(dict(sent[0]["headers"])[b"content-security-policy"])

    def save(**options: Any) -> None:
        module = ModuleType("scratch_tool.app")
        vars(module)["project"] = declaring(**options)
        monkeypatch.setitem(sys.modules, "scratch_tool.app", module)

    save()
    assert project.current().name == "Scratch"
    guarded = SecurityHeaders(answer, get_settings())
    assert TILES not in policy()
    save(external_sources=[TILES])
    assert TILES in policy()
    save(external_sources=["*"])  # in the middle of typing
    assert TILES in policy()
