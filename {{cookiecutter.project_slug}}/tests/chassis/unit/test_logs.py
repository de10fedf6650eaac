"""The log: one valid, redacted JSON line for whatever happens, with the run that it belongs to."""

import gc
import io
import json
import logging
import logging.config
import re
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import streamlit.error_util
import streamlit.logger
import uvicorn.config
from chassis import logs
from chassis.logs import output
from chassis.logs.redaction import MAX_TEXT, hide_values, session_hash
from chassis.settings import Settings, SettingsError
from streamlit import config

from .scratch_app import ScratchApp, scratch_app

log = logs.get_logger("tests")


class Terminal(io.StringIO):
    """Standard output in memory."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal

    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged; each line must be one JSON object."""
        return [json.loads(line) for line in self.getvalue().split("\n")[:-1]]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Terminal]]:
    """Return a function that sets up the log and returns its output; take all back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    for owner, name in (
        (sys, "excepthook"),
        (sys, "unraisablehook"),
        (threading, "excepthook"),
        (streamlit.logger, "setup_formatter"),
        (streamlit.error_util, "_print_rich_exception"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    for key in ("handlers", "loggers"):
        monkeypatch.setitem(uvicorn.config.LOGGING_CONFIG, key, uvicorn.config.LOGGING_CONFIG[key])
    terminal = Terminal()

    def with_settings(**settings: Any) -> Terminal:
        if getattr(sys.stdout, "original", sys.stdout) is not terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            monkeypatch.setattr(sys, "stderr", Terminal())
        logs.configure(Settings(**{"log_format": "json", **settings}))
        return terminal

    yield with_settings
    logging.captureWarnings(capture=False)
    for handler in root.handlers[:]:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    hide_values([])


# --- What a line says -----------------------------------------------------------------------------


def test_a_line_has_the_standard_fields_first(configure: Callable[..., Terminal]) -> None:
    output = configure()
    log.info("order saved", order=7, region="북부")
    (line,) = output.lines()
    assert list(line) == ["timestamp", "level", "logger", "event", "order", "region"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "info",
        "logger": "tests",
        "event": "order saved",
        "order": 7,
        "region": "북부",
    }
    assert "북부" in output.getvalue()  # readable without a JSON parser


def test_the_standard_library_writes_the_same_lines(configure: Callable[..., Terminal]) -> None:
    output = configure()
    logger = logging.getLogger("library")
    logger.warning("%s of %d", "one", 2, extra={"order": 7, "password": "hunter2"})
    logger.info("%(a)s", {"a": "mapping"})
    log.info("%s of %s", 3, 4)
    log.info("%(a)s", {"a": "mapping"})
    events = [(line["level"], line["logger"], line["event"]) for line in output.lines()]
    assert events == [
        ("warning", "library", "one of 2"),
        ("info", "library", "mapping"),
        ("info", "tests", "3 of 4"),
        ("info", "tests", "mapping"),
    ]
    assert output.lines()[0]["order"] == 7
    assert output.lines()[0]["password"] == "[redacted]"


def test_log_level_applies_to_everything(configure: Callable[..., Terminal]) -> None:
    output = configure(log_level="WARNING")
    for logger in (log, logging.getLogger("library"), streamlit.logger.get_logger("streamlit.x")):
        logger.info("too unimportant")
        logger.warning("shown")
    assert [line["event"] for line in output.lines()] == ["shown"] * 3


def test_fields_cannot_replace_the_standard_ones(configure: Callable[..., Terminal]) -> None:
    output = configure()
    log.info("order saved", timestamp="never", level=3, logger="other", page="mine")
    (line,) = output.lines()
    assert (line["level"], line["level_"]) == ("info", 3)
    assert (line["logger"], line["logger_"]) == ("tests", "other")
    assert line["timestamp"] != line["timestamp_"] == "never"
    assert line["page"] == "mine"


def test_an_error_has_its_traceback_and_an_id(configure: Callable[..., Terminal]) -> None:
    output = configure()
    try:
        raise ValueError("cannot reach redis://:hunter2@cache/0")
    except ValueError as error:
        log.exception("import failed")
        logging.getLogger("library").error("the same", exc_info=error)
        expected = logs.error_id(error)
    log.warning("only a warning", exc_info=KeyError("x"))
    first, second, third = output.lines()
    assert re.fullmatch("[0-9a-f]{8}", expected)
    assert first["error_id"] == second["error_id"] == expected
    assert "error_id" not in third
    assert first["exception"].startswith("Traceback (most recent call last):\n")
    assert first["exception"].endswith("ValueError: cannot reach redis://[redacted]@cache/0")
    assert "KeyError" in third["exception"]
    assert "hunter2" not in output.getvalue()


def test_the_stack_can_be_logged(configure: Callable[..., Terminal]) -> None:
    output = configure()
    log.info("here", stack_info=True)
    logging.getLogger("library").info("there", stack_info=True)
    first, second = output.lines()
    assert "test_the_stack_can_be_logged" in first["stack"]
    assert "test_the_stack_can_be_logged" in second["stack_info"]


def test_every_error_has_another_id() -> None:
    assert logs.error_id(ValueError()) != logs.error_id(ValueError())


# --- Whatever happens -----------------------------------------------------------------------------


class Unprintable(Exception):  # noqa: N818 - it is not raised
    """An error that fails at being shown."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no")

    __repr__ = __str__


class BadCause(Exception):  # noqa: N818 - it is not raised
    """An error that the traceback module cannot handle."""

    @property
    def __cause__(self) -> NoReturn:  # type: ignore[override] # on purpose
        raise RuntimeError("no")


def test_hostile_input_ends_as_one_valid_line_each(configure: Callable[..., Terminal]) -> None:
    output = configure()
    cyclic: dict[str, object] = {}
    cyclic["itself"] = cyclic
    library = logging.getLogger("library")
    calls: list[Callable[[], object]] = [
        lambda: log.info("two\nlines\r\n\0\x1b[31m"),
        lambda: log.info("separators \u2028\u2029\x85\x0b\x0c\x1c between"),
        lambda: log.info("half a character: \ud83d", value="\udc80", **{"\ud83d": 1}),
        lambda: log.info("x " * 5_000_000),
        lambda: log.info("value", value=cyclic),
        lambda: log.info("value", value=Unprintable()),
        lambda: log.info("value", value=[float("nan"), 10**5000, b"\xff", object()]),
        lambda: log.info(Unprintable()),  # type: ignore[arg-type] # on purpose
        lambda: log.error("failed", exc_info=Unprintable()),
        lambda: log.error("failed", exc_info=BadCause()),
        lambda: log.info("too many %s", 1, 2),
        lambda: log.info("%d", "no number"),
        lambda: library.info("too few %s %s", 1),
        lambda: library.info("%s", Unprintable()),
        lambda: library.info(Unprintable()),
        lambda: library.error("failed", exc_info=(Unprintable, Unprintable(), None)),
        lambda: library.log(35, "own level"),
    ]
    for number, call in enumerate(calls, start=1):
        call()
        assert len(output.lines()) == number, output.lines()[-1]
        assert len(output.getvalue().splitlines()) == number  # not even by Unicode's line ends
    assert len(output.getvalue()) < 6 * MAX_TEXT
    events = [line["event"] for line in output.lines()]
    assert "too many %s (1, 2)" in events
    assert "too few %s %s (1,)" in events


def test_a_record_that_cannot_be_rendered_says_where_it_came_from(
    configure: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = configure()
    monkeypatch.setattr("chassis.logs.line.clean", lambda _fields: 1 / 0)
    log.info("lost")
    (line,) = output.lines()
    assert line["event"] == "log line could not be written"
    assert line["reason"] == "ZeroDivisionError"
    assert line["source"].startswith("tests, line ")


def test_secrets_of_the_settings_are_hidden(configure: Callable[..., Terminal]) -> None:
    key = "0123456789abcdef0123456789abcdef-test"
    output = configure(app_secret_key=key)
    log.info("the key is %s", key, value=[key])
    assert key not in output.getvalue()


def test_what_code_prints_becomes_log_lines(configure: Callable[..., Terminal]) -> None:
    output = configure()
    print("first\nsecond", 2)  # noqa: T201 - it is about print
    print("unfinished", end=" ")  # noqa: T201 - it is about print
    print("third")  # noqa: T201 - it is about print
    print("an error", file=sys.stderr)  # noqa: T201 - it is about print
    traceback.print_exception(ValueError("password=hunter2"))
    sys.stdout.write("x" * 2 * MAX_TEXT)  # somebody never ends a line
    sys.stdout.flush()
    lines = [(line["logger"], line["level"], line["event"]) for line in output.lines()]
    assert lines[:5] == [
        ("stdout", "info", "first"),
        ("stdout", "info", "second 2"),
        ("stdout", "info", "unfinished third"),
        ("stderr", "warning", "an error"),
        ("stderr", "warning", "ValueError: password=[redacted]"),
    ]
    assert len(lines) == 6


def test_what_replaces_standard_output_passes_for_a_file(tmp_path: Path) -> None:
    with (tmp_path / "output").open("w") as file:
        printed = output.Printed("stdout", logging.INFO, file)
        assert printed.fileno() == file.fileno()
        assert printed.writable()
        assert not printed.isatty()


def test_when_nobody_reads_the_output_the_app_goes_on(configure: Callable[..., Terminal]) -> None:
    configure().close()
    log.info("nobody hears this")


def test_configure_again_replaces_what_was_there(configure: Callable[..., Terminal]) -> None:
    configure()
    output = configure()
    log.info("once")
    print("printed once")  # noqa: T201 - it is about print
    assert [line["event"] for line in output.lines()] == ["once", "printed once"]
    configure(log_format="text")
    assert sys.stdout is output


# --- Other people's logs --------------------------------------------------------------------------


def test_streamlit_and_uvicorn_share_the_format(configure: Callable[..., Terminal]) -> None:
    known = streamlit.logger.get_logger("streamlit.known")
    output = configure()
    streamlit.logger.set_log_level("INFO")  # what Streamlit does at each parse of its configuration
    streamlit.logger.update_formatter()
    streamlit.logger.init_uvicorn_logs()
    new = streamlit.logger.get_logger("streamlit.new")
    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)  # what uvicorn does at its start
    for logger in (known, new, logging.getLogger("uvicorn.error")):
        logger.warning("once")
    assert [line["logger"] for line in output.lines()] == [
        "streamlit.known",
        "streamlit.new",
        "uvicorn.error",
    ]


def test_uvicorn_does_not_report_each_connection(configure: Callable[..., Terminal]) -> None:
    logging.getLogger("uvicorn.access").handlers.clear()  # pytest listens to such loggers too
    output = configure()
    logging.getLogger("uvicorn.error").info("connection open")
    logging.getLogger("uvicorn.access").info("GET /")
    assert output.lines() == []
    configure(log_level="DEBUG")
    logging.getLogger("uvicorn.error").info("connection open")
    assert [line["event"] for line in output.lines()] == ["connection open"]


def test_uvicorns_access_log_is_kept_when_it_is_on(configure: Callable[..., Terminal]) -> None:
    access = logging.getLogger("uvicorn.access")
    access.addHandler(logging.StreamHandler(io.StringIO()))
    output = configure()
    access.info('%s - "GET %s"', "127.0.0.1", "/x?token=hunter2", extra={"color_message": "x"})
    access.propagate = False
    (line,) = output.lines()
    assert line["event"] == '127.0.0.1 - "GET /x?token=[redacted]'
    assert "color_message" not in line


def test_rich_tracebacks_of_streamlit_are_off(
    configure: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = configure()
    monkeypatch.setattr(config, "get_option", lambda _name: True)  # as if logger.enableRich was set
    streamlit.error_util._log_uncaught_app_exception(ValueError("x"))
    assert [line["event"] for line in output.lines()] == ["Uncaught app execution"]


def test_errors_that_nobody_caught_are_logged(configure: Callable[..., Terminal]) -> None:
    output = configure()
    sys.excepthook(ValueError, ValueError("main"), None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    thread = threading.Thread(target=lambda: 1 / 0, name="worker")
    thread.start()
    thread.join()
    leaver = threading.Thread(target=sys.exit)
    leaver.start()
    leaver.join()

    class Careless:
        def __del__(self) -> None:
            raise ValueError("in a destructor")

    Careless()
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old\nfashioned", DeprecationWarning, stacklevel=1)
    first, second, third, fourth, fifth = output.lines()
    assert (first["level"], first["exception"]) == ("critical", "ValueError: main")
    assert (second["level"], second["event"]) == ("info", "interrupted")
    assert (third["thread"], third["level"]) == ("worker", "error")
    assert "ZeroDivisionError" in third["exception"]
    assert "in a destructor" in fourth["exception"]
    assert (fifth["logger"], fifth["level"]) == ("py.warnings", "warning")
    assert "DeprecationWarning: old\nfashioned" in fifth["event"]


# --- Text for people ------------------------------------------------------------------------------


def test_text_is_plain_when_it_is_no_terminal(configure: Callable[..., Terminal]) -> None:
    output = configure(log_format="text")
    log.info("order saved", order=7)
    assert re.search(r"Z \[info +\] order saved +\[tests\] order=7\n$", output.getvalue())
    output.terminal = True
    configure(log_format="text")
    log.info("in colour")
    assert "\x1b[" in output.getvalue()


def test_text_can_forge_no_line_and_no_colours(configure: Callable[..., Terminal]) -> None:
    output = configure(log_format="text")
    log.info("first\n2026-01-01T00:00:00.000Z [error] forged\x1b[31m", field="a\u2028b\ud83d")
    first, second = output.getvalue().splitlines()
    assert first.endswith("first")
    assert second.startswith("    2026-01-01")
    assert "forged\\u001b[31m" in second
    log.error("failed", exc_info=ValueError("a\nb"))
    assert output.getvalue().endswith("    b\n")


# --- The file -------------------------------------------------------------------------------------


def test_the_file_gets_the_same_lines_and_is_rotated(
    configure: Callable[..., Terminal], tmp_path: Path
) -> None:
    path = tmp_path / "new" / "app.log"
    output = configure(log_file=path, log_max_bytes=1024, log_backup_count=2)
    for number in range(60):
        log.info("line", number=number)
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "app.log",
        "app.log.1",
        "app.log.2",
    ]
    files = [path.with_name("app.log.2"), path.with_name("app.log.1"), path]
    text = "".join(file.read_text() for file in files)
    assert all(file.stat().st_size <= 1024 for file in files)
    assert output.getvalue().endswith(text)
    assert json.loads(text.splitlines()[-1])["number"] == 59


def test_a_file_that_cannot_be_opened_stops_the_start(
    configure: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^LOG_FILE: cannot write .*; for example LOG_FILE="):
        configure(log_file=tmp_path / "file" / "app.log")


def test_half_a_line_from_before_does_not_spoil_the_next_one(
    configure: Callable[..., Terminal], tmp_path: Path
) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"event": "cut of')
    configure(log_file=path)
    log.info("after the crash")
    assert json.loads(path.read_text().splitlines()[1])["event"] == "after the crash"


DISK_FULL = """
import resource
from pathlib import Path

from chassis import logs
from chassis.settings import Settings

path = Path("app.log").absolute()
logs.configure(Settings(log_format="json", log_file=path))
log = logs.get_logger("tests")
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
log.info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, hard))
log.info("lost 1")
log.info("lost 2")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
log.info("after 1")
log.info("after 2")
"""


def test_a_full_disk_is_said_once_and_the_app_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="needs file size limits, which Windows does not have")
    process = subprocess.run(
        [sys.executable, "-c", DISK_FULL],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    events = [json.loads(line)["event"] for line in process.stdout.splitlines()]
    assert events == [
        "before",
        "lost 1",
        "the log file cannot be written: [Errno 27] File too large",
        "lost 2",
        "after 1",
        "the log file can be written again",
        "after 2",
    ]
    assert process.stderr == ""
    before, _half_a_line, *after = (tmp_path / "app.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in (before, *after)] == [
        "before",
        "after 1",
        "after 2",
    ]


# --- A real server --------------------------------------------------------------------------------

APP = """
import asyncio
import contextlib

import streamlit as st

from chassis import logs
from chassis.settings import get_settings

logs.configure(get_settings())
log = logs.get_logger("scratch")


async def fail():
    raise RuntimeError("unhandled in the event loop")


@contextlib.asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    del task
    log.info("line outside of a run")
    yield


app = st.App("script.py", lifespan=lifespan)
"""

SCRIPT = """
import logging
import sys
import threading
import warnings

import streamlit as st

from chassis import logs

log = logs.get_logger("page")
if "tab" not in st.session_state:
    st.session_state.tab = st.query_params.get("tab", "")
tab = st.session_state.tab


@st.fragment
def fragment():
    st.write("fragment")
    log.info("in a fragment", tab=tab)


@st.fragment(parallel=True)
def parallel_fragment():
    st.write("parallel")
    log.info("in a parallel fragment", tab=tab)


def page():
    log.info("in a page", tab=tab)
    logging.getLogger("stdlib").warning("from %s", "the standard library")
    st.button("press", on_click=lambda: log.info("in a callback", tab=tab))
    fragment()
    parallel_fragment()
    thread = threading.Thread(target=lambda: log.info("in a plain thread", tab=tab))
    thread.start()
    thread.join()


def noise():
    print("printed by a page")
    print("printed to standard error", file=sys.stderr)
    warnings.warn("a warning\\nof two lines")
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    1 / 0


st.navigation(
    [st.Page(page, title="First", default=True), st.Page(noise, title="Noise", url_path="noise")]
).run()
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchApp]:
    """Return a real server that logs all sorts of things."""
    with scratch_app(tmp_path_factory.mktemp("app"), APP, SCRIPT) as running:
        yield running


def test_lines_say_which_session_page_and_run_they_belong_to(app: ScratchApp) -> None:
    places = ["page", "fragment", "parallel fragment", "callback"]
    with app.tab() as first, app.tab() as second:
        first.run(query="tab=a")
        second.run(query="tab=b")
        first.run(click="press")
        first.run(fragment="fragment")
    sessions = {"a": session_hash(first.session_id), "b": session_hash(second.session_id)}
    lines = [line for line in app.lines() if line["event"].startswith("in a ")]
    inside = [line for line in lines if line["event"] != "in a plain thread"]
    assert {line["event"].removeprefix("in a ") for line in inside} == set(places)
    assert all(line["session_id"] == sessions[line["tab"]] for line in inside)
    assert all(line["page"] == "home" for line in inside)

    runs: dict[tuple[str, str], list[str]] = {}
    for line in inside:
        runs.setdefault((line["tab"], line["run_id"]), []).append(line["event"][5:])
    whole = ["page", "fragment", "parallel fragment"]
    assert [(tab, sorted(events)) for (tab, _), events in runs.items()] == [
        ("a", sorted(whole)),
        ("b", sorted(whole)),
        ("a", sorted([*whole, "callback"])),
        ("a", ["fragment"]),
    ]
    library = next(line for line in app.lines() if line["logger"] == "stdlib")
    assert (library["event"], library["page"]) == ("from the standard library", "home")


def test_lines_outside_of_a_run_belong_to_none(app: ScratchApp) -> None:
    with app.tab() as tab:
        tab.run()
    lines = [
        app.wait_for(lambda line: line["event"] == "line outside of a run"),
        app.wait_for(lambda line: line["event"] == "in a plain thread"),
    ]
    for line in lines:
        assert not line.keys() & {"session_id", "page", "run_id"}
    assert "ScriptRunContext" not in app.text()  # Streamlit's warning about such threads


def test_a_server_prints_nothing_but_json_from_start_to_stop(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("noise")
    with scratch_app(directory, APP, SCRIPT, LOG_LEVEL="DEBUG") as app:
        with app.tab() as tab:
            tab.run(page="noise")
        app.stop()
    lines = app.lines()
    assert {line["level"] for line in lines} == {"debug", "info", "warning", "error"}
    assert tab.session_id not in app.text()
    by_event = {line["event"].split("\n")[0]: line for line in lines}
    for event, logger in {
        "printed by a page": "stdout",
        "printed to standard error": "stderr",
        "Task exception was never retrieved": "asyncio",
        "Uncaught app execution": "streamlit.error_util",
    }.items():
        assert by_event[event]["logger"] == logger
    assert "RuntimeError: unhandled" in by_event["Task exception was never retrieved"]["exception"]
    assert any("UserWarning: a warning\nof two lines" in line["event"] for line in lines)
    assert by_event["uncaught error in a thread"]["level"] == "error"
    assert by_event["printed by a page"]["page"] == "noise"
