"""Reports of refusals: what becomes of them in development, and nothing elsewhere."""

from collections.abc import Iterator

import httpx
import pytest
from chassis.server.document import with_scripts
from chassis.server.refusals import MAX_BYTES, REPORT, SCRIPT, advice
from chassis.testing.servers import PRODUCTION, Server, running_server

OURS = {"Sec-Fetch-Site": "same-origin"}
PICTURE = {"directive": "img-src", "blocked": "https://pictures.example.com/a.png", "page": "/x"}
PICTURE_LINE = (
    "The browser refused https://pictures.example.com for img-src on /x: allow it in app.py: "
    'external_sources=["https://pictures.example.com"]'
)


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables = PRODUCTION | {"APP_ENV": "development"}
    with running_server(tmp_path_factory.mktemp("development"), variables) as running:
        yield running


def post(server: Server, report: object, **headers: str) -> httpx.Response:
    return httpx.post(server.url + REPORT, json=report, headers=OURS | headers)


def test_a_report_is_answered_and_logged_once(development: Server) -> None:
    for _ in range(2):
        assert post(development, PICTURE).text == PICTURE_LINE
    assert development.log().count(PICTURE_LINE) == 1


@pytest.mark.parametrize(
    ("directive", "blocked", "said"),
    [
        ("style-src-elem", "https://a.example.com/x.css", "style-src on /x: allow it in app.py: "),
        ("connect-src", "wss://a.example.com", 'external_sources=["wss://a.example.com"]'),
        ("camera", "", 'allow it in app.py: browser_features=["camera"]'),
        ("script-src-elem", "inline", "draw it with html_frame of chassis"),
        ("script-src-attr", "inline", "draw it with html_frame of chassis"),
        ("script-src-elem", "https://a.example.com/x.js", "scripts come from the app alone; draw"),
    ],
)
def test_each_refusal_is_said_with_what_helps(directive: str, blocked: str, said: str) -> None:
    assert said in advice(directive, blocked, "/x")


@pytest.mark.parametrize(
    ("directive", "blocked"),
    [
        ("img-src", "https://a.example.com\nforged line"),
        ("img-src\nforged line", "https://a.example.com"),
        ("img-src", "javascript:alert(1)"),
        ("img-src", "chrome-extension://abcdef/x.png"),
        ("payment", ""),
        ("", ""),
    ],
)
def test_what_no_line_allows_is_not_said(directive: str, blocked: str) -> None:
    assert "forged" not in advice(directive, blocked, "/x")
    assert not advice(directive, blocked.replace("\n", " "), "/x")


def test_scripts_may_be_allowed_in_a_frame_of_ours() -> None:
    said = advice("script-src-elem", "https://a.example.com", "/x", in_frame=True)
    assert said.endswith('allow it in app.py: external_sources=["https://a.example.com"]')


def test_a_page_cannot_forge_a_line() -> None:
    assert advice("camera", "", "/x\nforged") == advice("camera", "", "")


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b'{"directive": {}}'])
def test_other_reports_say_nothing(development: Server, body: bytes) -> None:
    answer = httpx.post(development.url + REPORT, content=body, headers=OURS)
    assert (answer.status_code, answer.text) == (200, "")


def test_reports_come_from_pages_of_the_app(development: Server) -> None:
    for site in ("cross-site", "same-site", "none"):
        assert post(development, PICTURE, **{"Sec-Fetch-Site": site}).status_code == 403
    assert httpx.post(development.url + REPORT, json=PICTURE).status_code == 403


def test_a_long_report_is_refused(development: Server) -> None:
    assert post(development, "x" * MAX_BYTES).status_code == 413


def test_reports_are_limited(development: Server) -> None:
    assert 429 in {post(development, PICTURE).status_code for _ in range(100)}


def test_the_page_has_the_script_in_development(development: Server) -> None:
    page = httpx.get(development.url)
    assert page.text.count(f'<script src="{SCRIPT}"></script>') == 1
    assert page.headers["content-length"] == str(len(page.content))
    again = httpx.get(development.url, headers={"If-None-Match": page.headers.get("etag", "*")})
    assert again.status_code == 200
    script = httpx.get(development.url + SCRIPT)
    assert "javascript" in script.headers["content-type"]


def test_nothing_of_it_is_there_elsewhere(server: Server) -> None:
    assert SCRIPT not in httpx.get(server.url).text
    assert httpx.get(server.url + SCRIPT).status_code == 404
    assert post(server, PICTURE).status_code == 404
    assert httpx.get(server.url + REPORT).status_code == 404


def test_a_page_of_streamlit_that_has_changed_is_served_as_it_is() -> None:
    assert with_scripts("<html></html>", [SCRIPT]) == "<html></html>"
