"""What Streamlit, and uvicorn below it, do not promise: the only place that touches it.

tests/chassis/test_contracts.py holds all other modules to what is documented. A new version of
Streamlit is read against this page; pyproject.toml holds it to one minor version until then. Each
function says what it needs, and what happens without it.
"""

import contextlib
import importlib
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from functools import partial
from logging import Logger
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NoReturn

import streamlit
import streamlit.error_util
import streamlit.logger
import uvicorn
import uvicorn.config
import uvicorn.protocols.http.h11_impl
from starlette.responses import Response
from starlette.types import Receive
from streamlit import config
from streamlit.components.v2.component_registry import BidiComponentDefinition
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitInvalidThemeError
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime, RuntimeState
from streamlit.runtime import stats as stats  # for others: the kinds of figures
from streamlit.runtime.media_file_manager import MediaFileManager as MediaFileManager  # for others
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.util import calc_hash
from streamlit.watcher.local_sources_watcher import LocalSourcesWatcher
from streamlit.web.server.starlette import starlette_auth_routes

from .errors import ExplainedError

if TYPE_CHECKING:  # a fifth of a second that only tests have a use for
    from streamlit.testing.v1 import AppTest

# The folder of the frontend, and the page that it runs in. Without them the server does not start.
STATIC: Final = Path(streamlit.__file__).parent / "static"
PAGE: Final = STATIC / "index.html"
# Occurs once in the page; without it that has no scripts of ours.
HEAD_END: Final = "</head>"

_claims: ContextVar[dict[str, Any]] = ContextVar("claims")


class ThemeError(ExplainedError):
    """A file that .streamlit/config.toml names as theme is missing or wrong."""


# --- The run of a script in this thread -----------------------------------------------------------


def session_id() -> str | None:
    """Return the id of the session whose script runs; None outside of a run.

    Needs the context of a run, as do the next three; without it nothing starts.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.session_id


def page_name() -> str:
    """Return the name of the running page in its address; empty for the start page.

    Needs the pages of the context; without them each line of the log fails inside of a run.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return ""
    pages = context.pages_manager
    info: Any = pages.get_pages().get(context.page_script_hash, {})
    # Before the first st.navigation of a session only the requested name is known.
    return str(info.get("url_pathname", pages.intended_page_name) or "")


def run_owner() -> object | None:
    """Return what all threads of a run share, those of parallel fragments too, and no other run.

    Needs the coordinator of parallel fragments; without it the log has no run_id.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return getattr(context, "parallel_coordinator", None)


def send_to_browser(message: ForwardMsg) -> None:
    """Send a message beside what the script draws; nothing outside of a run.

    Needs the queue of the context; without it a sign-in ends with an error.
    """
    context = get_script_run_ctx()
    if context is not None:
        context.enqueue(message)


# --- Sessions -------------------------------------------------------------------------------------


def why_not_running() -> str:
    """Return what keeps Streamlit from taking sessions; empty if nothing does.

    Needs the runtime and its state; without them nothing starts.
    """
    if not Runtime.exists():
        return "not started"
    state = Runtime.instance().state
    closed = state in {RuntimeState.INITIAL, RuntimeState.STOPPING, RuntimeState.STOPPED}
    return state.name.lower() if closed else ""


def sessions_open() -> int:
    """Return the number of connected browser tabs.

    Needs the statistics of that name; without them it is 0, and SIGTERM waits for nobody.
    """
    manager = stats_manager()
    if manager is None:
        return 0
    family = "active_sessions"
    found = manager.get_stats(family_names=[family]).get(family, ())
    return sum(int(getattr(stat, "value", 0)) for stat in found)


def user_of(session_id: str) -> dict[str, Any]:
    """Return st.user of a session; empty for one that is not there.

    Needs the manager of sessions and their users; without it nobody gets a file.
    """
    manager = getattr(Runtime.instance(), "_session_mgr", None)
    info = manager.get_session_info(session_id) if manager is not None else None
    return dict(getattr(info.session, "_user_info", {})) if info is not None else {}


def knows_session(session_id: str) -> bool:
    """Tell whether a session is there, with an open tab or kept for one that comes back.

    Needs the manager of sessions; without it places for uploads are kept until the end.
    """
    manager = getattr(Runtime.instance(), "_session_mgr", None)
    return manager is None or manager.get_session_info(session_id) is not None


def close_session(session_id: str) -> None:
    """End a session and drop its data.

    Needs the runtime; without it the tabs of a sign-in that has ended stay open.
    """
    Runtime.instance().close_session(session_id)


def expire_sessions() -> bool:
    """Drop the closed sessions whose time is over; return whether there were any.

    Needs the cache of closed sessions; without it they stay until the next visitor comes.
    """
    manager = getattr(Runtime.instance(), "_session_mgr", None)
    cache = getattr(getattr(manager, "_session_storage", None), "_cache", None)
    return cache is not None and bool(cache.expire())


async def first_run() -> tuple[bool, str]:
    """Run the script once without a visitor; return whether it ran, and what went wrong.

    Needs the script health check of the runtime; without it the log has an error at the start.
    """
    return await Runtime.instance().does_script_run_without_error()


# --- Files ----------------------------------------------------------------------------------------


def media_files() -> MediaFileManager:
    """Return the files that the sessions show.

    Needs the runtime; without it the server does not start.
    """
    return Runtime.instance().media_file_mgr


def sessions_with(file_id: str) -> list[str]:
    """Return the ids of the sessions that show a file.

    Needs the references of sessions to files; without them a file is only for the tabs it went to.
    """
    files = getattr(media_files(), "_files_by_session_and_coord", {})
    return [session_id for session_id, ids in [*files.items()] if file_id in ids.values()]


def when_a_file_is_made(files: MediaFileManager, call: Callable[[str], object]) -> None:
    """Call a function with the id of each file that is made at the click of a download button.

    Needs the method that makes it; without it the server does not start.
    """
    make = files.execute_deferred

    def make_and_call(file_id: str) -> str:
        url = make(file_id)
        call(PurePosixPath(url).stem)
        return url

    vars(files)["execute_deferred"] = make_and_call


def uploads_of(session_id: str) -> tuple[int, int]:
    """Return how many files a session has uploaded, and their bytes.

    Needs the files of a session in memory; without them only what is arriving is limited.
    """
    manager = getattr(Runtime.instance(), "_uploaded_file_mgr", None)
    files = [*getattr(manager, "file_storage", {}).get(session_id, {}).values()]
    return len(files), sum(len(file.data) for file in files)


def hold_file(files: MediaFileManager, file_id: str) -> Callable[[], None]:
    """Keep a file that belongs to no session; return the function that lets it go.

    Needs the references of sessions to files; without them a download made at the click fails.
    """
    reference = f"download {secrets.token_hex(8)}"  # like the id of a session
    with files._lock:
        files._files_by_session_and_coord[reference] = {"": file_id}
    return partial(files.clear_session_refs, reference)


def show_file(place: DeltaGenerator, data: bytes, mimetype: str) -> str:
    """Let the running session show a file at a place of its page; return the path of its address.

    It goes when the place shows another one, or the session ends. Needs the path of the place;
    without it `html_frame` fails.
    """
    return media_files().add(data, mimetype, place._get_delta_path_str())


def name_inline_modules(name_of: Callable[[str], str]) -> None:
    """Let components with inline JavaScript name a file, as those do that have their own.

    `name_of` returns the name for a text. Needs the definition of components and its properties;
    without them the browser refuses their code, as it does without this.
    """
    inline = getattr(BidiComponentDefinition, "js_content", None)
    file_based = getattr(BidiComponentDefinition, "js_url", None)
    if not isinstance(inline, property) or not isinstance(file_based, property):
        return

    def js_url(definition: BidiComponentDefinition) -> str | None:
        text = inline.__get__(definition)
        return name_of(text) if text else file_based.__get__(definition)

    ours = {"js_url": property(js_url), "js_content": property(lambda _definition: None)}
    for name, value in ours.items():
        setattr(BidiComponentDefinition, name, value)


# --- The server -----------------------------------------------------------------------------------


def run(script: str) -> NoReturn:
    """Do what `streamlit run` does.

    Needs the command line of Streamlit; without it `serve` does not start. Raises ThemeError.
    """
    # It reads the environment when it is called, and the web server not before.
    from streamlit.web.cli import main

    try:
        sys.exit(main(["run", script], prog_name="streamlit"))
    except (FileNotFoundError, StreamlitInvalidThemeError) as error:
        raise ThemeError(f"the theme cannot be read: {' '.join(str(error).split())}") from error


def is_under_an_asgi_server() -> bool:
    """Tell whether the process was started past `streamlit run`.

    Needs the mode that Streamlit notes; without it nobody is warned.
    """
    return getattr(config, "_server_mode", None) == "asgi-server"


def uvicorn_server() -> uvicorn.Server | None:
    """Return the server of this process, which hands itself to nobody.

    Needs its handler of SIGTERM to be a method; without that SIGTERM waits for no session.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


def limit_all_messages(size: int) -> None:
    """Let uvicorn take no larger message from any websocket that will be opened.

    Needs the server of this process; without it a message may have server.maxMessageSize.
    """
    if server := uvicorn_server():
        server.config.ws_max_size = size


def limit_messages(receive: Receive, size: int) -> None:
    """Let uvicorn end the connection of a websocket that gets a larger message, unread.

    Needs the connection behind `receive`; without it a message is in memory before it is refused.
    """
    connection = getattr(getattr(receive, "__self__", None), "conn", None)
    if connection is not None:
        connection.max_message_size = size


def keep_claims() -> None:
    """Let st.login hand the claims of a user to `claims()`, and write no cookies with them.

    Needs the function that writes them; without it nothing starts.
    """

    async def keep(response: Response, user_info: dict[str, Any], tokens: dict[str, Any]) -> None:
        del response, tokens  # nothing is for the browser
        _claims.get().update(user_info)

    starlette_auth_routes._set_auth_cookie = keep


@contextlib.contextmanager
def claims() -> Iterator[dict[str, Any]]:
    """Yield a dictionary that gets the claims if a user returns from the provider meanwhile."""
    found: dict[str, Any] = {}
    token = _claims.set(found)
    try:
        yield found
    finally:
        _claims.reset(token)


def stats_manager() -> stats.StatsManager | None:
    """Return what collects the statistics of Streamlit; None before it runs.

    Needs the runtime; without it nothing starts.
    """
    return Runtime.instance().stats_mgr if Runtime.exists() else None


# --- Hot reload -----------------------------------------------------------------------------------


def reload_together(
    packages: Sequence[str], first: Sequence[str], were_saved: Callable[[], bool]
) -> None:
    """Let a run forget all of these packages when a file was saved, and import the `first` modules.

    Streamlit forgets what has been imported by then, for each session on its own: in the midst of
    the imports of another one, or of those after the save before, halves of old and new code stay.
    While no session is open it notices nothing, so `were_saved` tells what it has missed.
    Needs the step of a run that forgets modules; without it saving twice at once can do that, and
    what was saved while no tab was open takes a restart.
    """
    forget = getattr(LocalSourcesWatcher, "flush_pending_evictions", None)
    if forget is None:
        return
    one_at_a_time = threading.Lock()

    def forget_and_import(watcher: LocalSourcesWatcher) -> None:
        with one_at_a_time:
            missed = were_saved()
            if not (watcher._pending_evictions or missed):
                return
            watcher._pending_evictions.update(packages)  # with a package all that is in it
            forget(watcher)
            with contextlib.suppress(Exception):  # the run ends with the same error, and shows it
                for name in first:
                    importlib.import_module(name)

    LocalSourcesWatcher.flush_pending_evictions = forget_and_import  # type: ignore[method-assign, assignment]


# --- Logs -----------------------------------------------------------------------------------------


def take_over_loggers(adopt: Callable[[Logger], None]) -> None:
    """Take their handlers from all loggers of Streamlit, now and later, and `adopt` each.

    Needs the function that gives them; without it some lines come twice and in another format.
    """

    def strip(logger: Logger) -> None:
        if handler := vars(logger).pop("streamlit_console_handler", None):
            logger.removeHandler(handler)
        adopt(logger)

    streamlit.logger.setup_formatter = strip
    for logger in [*streamlit.logger._loggers.values()]:
        strip(logger)


def log_tracebacks() -> None:
    """Let errors of pages go to the log where logger.enableRich would print them past it.

    Needs the function that prints them; without it they are printed.
    """

    def refuse(_error: BaseException) -> None:
        raise NotImplementedError  # then Streamlit logs the error

    vars(streamlit.error_util)["_print_rich_exception"] = refuse


def allow_slow_headers(size: int) -> None:
    """Let the headers of a request have this many bytes however many pieces they come in.

    Needs the constant that h11 has for servers that say nothing; without it 16 KiB is the limit of
    headers that come in pieces, and 400 the answer.
    """
    vars(uvicorn.protocols.http.h11_impl)["DEFAULT_MAX_INCOMPLETE_EVENT_SIZE"] = size


def empty_uvicorn_logging() -> None:
    """Take the handlers from the configuration that uvicorn applies at its start.

    Needs the dictionary that uvicorn documents; without it the start fails.
    """
    uvicorn.config.LOGGING_CONFIG.update(handlers={}, loggers={})


# --- Tests ----------------------------------------------------------------------------------------


def choose_page(app: "AppTest", address: str) -> None:
    """Let the next run of an AppTest open the page with this address, whether or not it is a file.

    Needs the hash by which Streamlit knows pages; without it the tests of pages fail.
    """
    app._page_hash = calc_hash(address)


def knows_page(app: "AppTest", address: str) -> bool:
    """Tell whether the last run of an AppTest had a page with this address."""
    return calc_hash(address) in app._registered_pages
