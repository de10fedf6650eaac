"""A failing page: what the user sees, what the log says, what is counted."""

import re
from collections.abc import Iterator

import pytest
from chassis.logs.redaction import session_hash
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from .scratch_app import ScratchApp, alerts, scratch_app

APP = """
import streamlit as st

from prometheus_client import REGISTRY
from streamlit.runtime.scriptrunner import get_script_run_ctx

from chassis import logs, session_notes
from chassis.server import script_errors
from chassis.settings import get_settings

logs.configure(get_settings())


def handle(error):
    handled = script_errors.on_script_error(error)
    session = get_script_run_ctx().session_id
    name = type(error).__name__
    count = REGISTRY.get_sample_value("app_script_errors_total", {"type": name})
    marked = [session_notes.failed.take(session) for _ in range(2)]
    logs.get_logger("scratch").info("handled", count=count, marked=marked, error_type=name)
    return handled


app = st.App("script.py", on_script_error=handle)
"""

SCRIPT = """
import streamlit as st


def fail(place):
    raise {"page": ValueError, "callback": KeyError, "fragment": TypeError}.get(place, OSError)(
        f"failed in the {place} with redis://:hunter2@cache/0"
    )


@st.fragment
def fragment():
    st.write("fragment")
    if "fail" in st.session_state:
        fail("fragment")
    st.session_state.fail = True


@st.fragment(parallel=True)
def parallel_fragment():
    fail("parallel fragment")


st.button("press", on_click=fail, args=("callback",))
where = st.query_params.get("where")
if where == "parallel":
    parallel_fragment()
elif where == "stop":
    st.stop()
elif where == "page":
    fail("page")
fragment()
"""

FRIENDLY = re.compile(r"Something went wrong\. .* report this error id: ([0-9a-f]{8})")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchApp]:
    """Return a server whose page can fail in many places."""
    with scratch_app(tmp_path_factory.mktemp("errors"), APP, SCRIPT) as running:
        yield running


def reported_id(messages: list[ForwardMsg]) -> str:
    """Return the error id that the user is shown, in the only box on the page."""
    kinds = [message.delta.new_element.WhichOneof("type") for message in messages]
    assert "exception" not in kinds  # the box of Streamlit
    (text,) = alerts(messages)
    match = FRIENDLY.fullmatch(text)
    assert match, text
    return match[1]


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("page", "ValueError"),
        ("callback", "KeyError"),
        ("fragment", "TypeError"),
        ("parallel fragment", "OSError"),
    ],
)
def test_the_user_gets_an_id_that_finds_the_traceback(
    app: ScratchApp, place: str, error: str
) -> None:
    with app.tab() as tab:
        if place in ("callback", "fragment"):
            tab.run()
        messages = {
            "page": lambda: tab.run(query="where=page"),
            "callback": lambda: tab.run(click="press"),
            "fragment": lambda: tab.run(fragment="fragment"),
            "parallel fragment": lambda: tab.run(query="where=parallel"),
        }[place]()
    shown = reported_id(messages)
    assert not any(b"hunter2" in message.SerializeToString() for message in messages)
    assert not any(b"Traceback" in message.SerializeToString() for message in messages)

    lines = app.lines()
    (line,) = [line for line in lines if line.get("error_id") == shown]
    assert (line["level"], line["logger"]) == ("error", "streamlit.error_util")
    assert (line["session_id"], line["page"]) == (session_hash(tab.session_id), "home")
    assert f"{error}: " in line["exception"].splitlines()[-1]
    assert f"failed in the {place} with redis://[redacted]@cache" in line["exception"]
    assert "in fail" in line["exception"]
    mine = [line for line in lines if line.get("session_id") == session_hash(tab.session_id)]
    assert [line["event"] for line in mine if "exception" in line] == ["Uncaught app execution"]
    assert "hunter2" not in app.text()

    (handled,) = [line for line in mine if line["event"] == "handled"]
    assert handled["error_type"] == error
    assert handled["count"] == 1
    assert handled["marked"] == [True, False]
    assert handled["run_id"] == line["run_id"]


def test_a_page_that_stops_itself_is_no_error(app: ScratchApp) -> None:
    before = len([line for line in app.lines() if line["event"] == "handled"])
    with app.tab() as tab:
        assert alerts(tab.run(query="where=stop")) == []
    assert len([line for line in app.lines() if line["event"] == "handled"]) == before


def test_a_page_that_cannot_be_compiled_has_an_id_in_the_log(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with scratch_app(tmp_path_factory.mktemp("syntax"), APP, "if True\n") as app, app.tab() as tab:
        tab.run()
        (line,) = [line for line in app.lines() if "exception" in line]
    assert line["event"] == "Script compilation error"
    assert re.fullmatch("[0-9a-f]{8}", line["error_id"])
    assert line["exception"].endswith("SyntaxError: expected ':'")
    assert line["session_id"] == session_hash(tab.session_id)


def test_developers_see_the_traceback_in_the_browser(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("development")
    variables = {
        "APP_ENV": "development",
        "LOG_FORMAT": "json",
        "STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full",
        "STREAMLIT_LOGGER_ENABLE_RICH": "true",
    }
    with scratch_app(directory, APP, SCRIPT, **variables) as app, app.tab() as tab:
        messages = tab.run(query="where=page")
        lines = app.lines()
    shown = [
        message.delta.new_element.exception
        for message in messages
        if message.delta.new_element.WhichOneof("type") == "exception"
    ]
    assert [error.type for error in shown] == ["ValueError"]
    assert "failed in the page" in shown[0].message
    assert alerts(messages) == []
    (handled,) = [line for line in lines if line["event"] == "handled"]
    assert (handled["count"], handled["marked"]) == (1, [True, False])
    assert len([line for line in lines if "exception" in line]) == 1
