"""What pages load from other servers and ask the browser for: refused, and working once allowed."""

import io
import re
import threading
import wave
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from chassis import streamlit_private
from chassis.testing.browser import Tab
from chassis.testing.servers import PRODUCTION, Server, running_server, small_project
from playwright.sync_api import Route, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

PAGE = """
import pydeck
import streamlit as st
from chassis import html_frame

other = st.query_params.get("other", "")
part = st.query_params.get("part", "")
st.title("Doors")
if part == "image":
    st.image(f"{other}/picture.svg")
elif part == "audio":
    st.audio(f"{other}/sound.wav")
elif part == "video":
    st.video(f"{other}/sound.wav")
elif part == "frame":
    st.iframe(f"{other}/frame.html")
elif part == "font":
    st.html(f"<style>@import url('{other}/font.css');</style>")
elif part == "pydeck":
    st.pydeck_chart(pydeck.Deck(map_style=f"{other}/style.json"))
elif part == "map":
    st.map({"lat": [47.4], "lon": [8.5]})
elif part == "script":
    st.iframe("<script>document.body.textContent = 'ran'</script><p>HTML</p>", height=100)
elif part == "own":
    html_frame(OWN)
elif part == "report":
    html_frame(f"<!doctype html><p>HTML</p><script src='{other}/script.js'></script>")
elif part == "component":
    st.components.v2.component("doors.inline", css=CSS, js=INLINE)()
elif part == "camera":
    if photo := st.camera_input("Camera"):
        st.image(photo)
elif part == "microphone":
    if recorded := st.audio_input("Microphone"):
        st.audio(recorded)
"""
# What a script in a frame of ours finds out.
OWN = """<!doctype html><p id=ran></p><p id=parent></p><p id=cookie></p><script>
const tried = (attempt) => { try { return String(attempt()) } catch (error) { return error.name } }
ran.textContent = "ran"
document.getElementById("parent").textContent = tried(() => window.parent.document.title)
cookie.textContent = tried(() => document.cookie)
</script>"""
# In several lines: one with a slash Streamlit takes for the name of a file.
CSS = """b {
  color: rgb(1, 2, 3);
}"""
INLINE = """export default ({ parentElement }) => {
  parentElement.append(Object.assign(document.createElement("b"), { textContent: "drawn" }))
}"""
STYLE = b'{"version": 8, "sources": {}, "layers": []}'
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"><rect/></svg>'
# As Streamlit's own map asks for it.
CARTO = re.compile(r"https://\w+\.cartocdn\.com/.*")


def sound() -> bytes:
    """Return a tenth of a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes(bytes(1600))
    return file.getvalue()


class Other(BaseHTTPRequestHandler):
    """A server of somebody else."""

    files: ClassVar[dict[str, tuple[str, bytes]]] = {
        "/picture.svg": ("image/svg+xml", PICTURE),
        "/sound.wav": ("audio/wav", sound()),
        "/frame.html": ("text/html", b"<h2>Of another server</h2>"),
        "/script.js": ("text/javascript", b"document.body.textContent = 'ran'"),
        "/style.json": ("application/json", STYLE),
        "/font.css": (
            "text/css",
            b"@font-face {font-family: Foreign; src: url(font.woff2)}",
        ),
        "/font.woff2": (
            "font/woff2",
            next((streamlit_private.STATIC / "static" / "media").glob("*.woff2")).read_bytes(),
        ),
    }

    def do_GET(self) -> None:
        kind, content = self.files.get(self.path, ("text/plain", b""))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def page_of_doors(directory: Path) -> Path:
    """Return the folder of a project whose page shows what the address asks for."""
    page = f"OWN = {OWN!r}\nCSS = {CSS!r}\nINLINE = {INLINE!r}\n{PAGE}"
    return small_project(directory, page)


@pytest.fixture(scope="module")
def microphone_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return an app in production that allows the microphone, and nothing else."""
    variables = PRODUCTION | {"BROWSER_FEATURES": "microphone"}
    folder = page_of_doors(tmp_path_factory.mktemp("microphone"))
    with running_server(tmp_path_factory.mktemp("log"), variables, folder) as server:
        yield server


@pytest.fixture(scope="module")
def doors(other_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return an app in development that allows one name of the other server, and the camera."""
    variables = PRODUCTION | {
        "APP_ENV": "development",
        "EXTERNAL_SOURCES": f"http://127.0.0.1:{other_port},https://*.cartocdn.com",
        "BROWSER_FEATURES": "camera",
    }
    folder = page_of_doors(tmp_path_factory.mktemp("doors"))
    with running_server(tmp_path_factory.mktemp("log"), variables, folder) as server:
        yield server


@pytest.fixture
def allowed(other_port: int) -> str:
    """Return the name by which the app may use the other server."""
    return f"http://127.0.0.1:{other_port}"


@pytest.fixture
def refused(other_port: int) -> str:
    """Return the name of the same server that nobody has allowed."""
    return f"http://localhost:{other_port}"


@pytest.fixture
def tab(new_tab: Callable[..., Tab], doors: Server) -> Tab:
    tab = new_tab(user=None, at=doors)
    tab.page.context.grant_permissions(["camera", "microphone"])
    return tab


def open_part(tab: Tab, part: str, other: str = "") -> None:
    tab.open(f"/?part={part}&other={other}")


def loads(tab: Tab, script: str) -> None:
    """Wait until an expression of JavaScript is true, and find nothing refused."""
    # As a function: what the page polls as a text would be eval, which its policy refuses.
    tab.page.wait_for_function(f"() => {script}")
    assert tab.page.evaluate("window.violations") == []
    assert tab.page.locator("#chassis-refusals").count() == 0


WORKS = {
    "image": "document.querySelector('[data-testid=stImage] img')?.naturalWidth === 7",
    "audio": "document.querySelector('audio')?.duration > 0",
    "video": "document.querySelector('video')?.duration > 0",
    "font": "document.fonts.load('16px Foreign').then((found) => found.length === 1)",
}


@pytest.mark.parametrize("part", WORKS)
def test_what_is_allowed_is_loaded(tab: Tab, part: str, allowed: str) -> None:
    open_part(tab, part, allowed)
    loads(tab, WORKS[part])


def test_a_frame_of_an_allowed_server_is_shown(tab: Tab, allowed: str) -> None:
    open_part(tab, "frame", allowed)
    expect(tab.page.frame_locator("iframe").locator("h2")).to_have_text("Of another server")


def test_a_map_gets_the_style_of_an_allowed_server(tab: Tab, allowed: str) -> None:
    with tab.page.expect_response(f"{allowed}/style.json") as answer:
        open_part(tab, "pydeck", allowed)
    assert answer.value.body() == STYLE
    assert tab.page.evaluate("window.violations") == []


def test_the_map_of_streamlit_gets_its_tiles_once_they_are_allowed(tab: Tab) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=STYLE, headers={"Access-Control-Allow-Origin": "*"})

    tab.page.route(CARTO, answer)
    with tab.page.expect_response(CARTO) as response:
        open_part(tab, "map")
    assert response.value.body() == STYLE
    assert tab.page.evaluate("window.violations") == []


def test_a_photo_of_a_camera_that_is_allowed_reaches_the_page(tab: Tab) -> None:
    open_part(tab, "camera")
    loads(tab, "document.querySelector('[data-testid=stCameraInput] video')?.videoWidth > 0")
    tab.page.get_by_role("button", name="Take Photo").click()
    loads(tab, "document.querySelector('[data-testid=stImage] img')?.naturalWidth > 0")


ASK = """(kind) => navigator.mediaDevices.getUserMedia({ [kind]: true }).then(
    (stream) => stream.getTracks()[0].kind, (error) => error.name)"""


def test_of_two_devices_only_the_allowed_one_can_be_used(
    tab: Tab, new_tab: Callable[..., Tab], microphone_only: Server
) -> None:
    open_part(tab, "camera")
    assert tab.page.evaluate(ASK, "video") == "video"
    assert tab.page.evaluate(ASK, "audio") == "NotAllowedError"
    other = new_tab(user=None, at=microphone_only)
    other.page.context.grant_permissions(["camera", "microphone"])
    open_part(other, "microphone")
    assert other.page.evaluate(ASK, "audio") == "audio"
    assert other.page.evaluate(ASK, "video") == "NotAllowedError"


def test_what_a_microphone_records_reaches_the_page(
    new_tab: Callable[..., Tab], microphone_only: Server
) -> None:
    tab = new_tab(user=None, at=microphone_only)
    tab.page.context.grant_permissions(["microphone"])
    open_part(tab, "microphone")
    tab.page.get_by_test_id("stAudioInputActionButton").click()
    expect(tab.page.get_by_test_id("stAudioInputWaveformTimeCode")).not_to_have_text("00:00")
    tab.page.get_by_role("button", name="Stop recording").click()
    loads(tab, "document.querySelector('audio')?.duration > 0")


def test_a_script_in_a_frame_of_ours_runs_and_reaches_nothing(tab: Tab) -> None:
    open_part(tab, "own")
    frame = tab.page.frame_locator("iframe")
    expect(frame.locator("#ran")).to_have_text("ran")
    expect(frame.locator("#parent")).to_have_text("SecurityError")
    expect(frame.locator("#cookie")).to_have_text("SecurityError")
    assert tab.page.evaluate("window.violations") == []


def test_a_frame_of_ours_loads_scripts_of_an_allowed_server(tab: Tab, allowed: str) -> None:
    open_part(tab, "report", allowed)
    expect(tab.page.frame_locator("iframe").locator("body")).to_have_text("ran")


def test_a_component_with_inline_javascript_and_css_is_drawn(tab: Tab) -> None:
    open_part(tab, "component")
    drawn = tab.page.get_by_text("drawn", exact=True)
    expect(drawn).to_be_visible()
    expect(drawn).to_have_css("color", "rgb(1, 2, 3)")
    assert tab.page.evaluate("window.violations") == []


LINES = {
    "image": "img-src",
    "audio": "media-src",
    "video": "media-src",
    "frame": "frame-src",
    "font": "style-src",
    "pydeck": "connect-src",
    "report": "script-src",
}


def said(tab: Tab, doors: Server, line: str) -> None:
    """Expect a line on the page and, once, in the log."""
    expect(tab.page.locator("#chassis-refusals p")).to_contain_text([line])
    assert doors.log().count(line) == 1
    tab.page.reload()
    tab.wait()
    expect(tab.page.locator("#chassis-refusals p")).to_contain_text([line])
    assert doors.log().count(line) == 1


@pytest.mark.parametrize("part", LINES)
def test_a_refusal_is_said_with_the_line_that_allows_it(
    tab: Tab, doors: Server, part: str, refused: str
) -> None:
    open_part(tab, part, refused)
    line = f"The browser refused {refused} for {LINES[part]} on /: allow it in app.py: "
    said(tab, doors, f'{line}external_sources=["{refused}"]')


def test_a_device_that_is_not_allowed_is_said(tab: Tab, doors: Server) -> None:
    open_part(tab, "microphone")
    tab.page.get_by_test_id("stAudioInputActionButton").click()
    line = "The browser refused the microphone on /: allow it in app.py: browser_features="
    expect(tab.page.locator("#chassis-refusals")).to_contain_text(f'{line}["microphone"]')
    assert line in doors.log()


def test_a_script_within_html_leads_to_the_helper(tab: Tab, doors: Server) -> None:
    open_part(tab, "script")
    line = "The browser refused a script within HTML"
    expect(tab.page.locator("#chassis-refusals")).to_contain_text(line)
    assert "draw it with html_frame of chassis" in doors.log()
