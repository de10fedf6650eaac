"""What happens before the first visitor and after the last."""

import asyncio
import contextlib
import gc
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from types import FrameType
from typing import Final

import streamlit as st
import uvicorn

from .. import health, project, streamlit_private
from ..auth import audit, sessions
from ..database import engine
from ..database.engine import DatabaseUnavailable
from ..limits import get_limiter
from ..logs import get_logger
from ..settings import Settings, SettingsError, get_settings
from ..ui.libraries import import_libraries
from . import (
    downloads,
    hot_reload,
    metrics_server,
    open_tabs,
    service_manager,
    uploads,
    welcome,
)

log = get_logger(__name__)

# How long a request in flight may go on after SIGTERM; without a limit uvicorn waits for its end.
# With the rest of the stop it has to stay below 5 s on a busy machine too.
SHUTDOWN_SECONDS: Final = 2
DRAIN_POLL_SECONDS: Final = 0.5
# Closed sessions are kept for server.disconnectedSessionTTL, but Streamlit looks for expired ones
# only when the next session comes: an idle server would keep their memory (issue 12506).
EXPIRY_SECONDS: Final = 10
PRUNE_SECONDS: Final = 3600
# The imports of the pages would hold up the first answer of /readyz.
WARM_UP_DELAY_SECONDS: Final = 1


@contextlib.asynccontextmanager
async def lifespan(_app: st.App) -> AsyncGenerator[None]:
    """Start what runs beside Streamlit, and stop it again."""
    settings = get_settings()
    _warn_about_start(settings)
    # What Streamlit would refuse anyway, but in memory: up to server.maxMessageSize of each tab.
    streamlit_private.limit_all_messages(st.get_option("server.maxWidgetStateSize") * 1_000_000)
    downloads.keep(streamlit_private.media_files())
    stop_metrics = _serve_metrics(settings)
    tasks = [
        _start(_expire_sessions()),
        _start(_prune(settings)),
        _start(open_tabs.watch(settings)),
        _start(service_manager.report(settings)),
    ]
    if threading.current_thread() is threading.main_thread():
        _handle_signals(settings.app_drain_seconds, tasks)
    if settings.is_development:
        hot_reload.begin()
        if st.get_option("server.fileWatcherType") != "none":
            tasks.append(_start(welcome.say(settings)))
    else:
        # Streamlit collects garbage after each run, in half of its time: spare it the modules.
        gc.freeze()
        tasks.append(_start(_warm_up()))
    gc.enable()  # `serve` has switched it off
    try:
        async with _of_the_project():
            version = project.current().version
            log.info("started", version=version, environment=str(settings.app_env))
            yield
    finally:
        for task in tasks:
            task.cancel()
        await get_limiter().aclose()
        engine.dispose()
        if stop_metrics is not None:
            stop_metrics()
        log.info("stopped")


def _of_the_project() -> contextlib.AbstractAsyncContextManager[None]:
    """Return what app.py wants to run beside the server."""
    ours = project.current()
    if ours.lifespan is None:
        return contextlib.nullcontext()
    beside: contextlib.AbstractAsyncContextManager[None] = ours.load(ours.lifespan)()
    return beside


def _start(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """Start what runs beside Streamlit; nobody awaits it, so the log says what it fails of."""

    def report(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("a task of the server has failed", exc_info=error)

    task = asyncio.create_task(work)
    task.add_done_callback(report)
    return task


def _warn_about_start(settings: Settings) -> None:
    """Say so when the process was not started by `serve`, and something is missing without it."""
    if streamlit_private.is_under_an_asgi_server():
        log.warning(
            "started by an ASGI server: STREAMLIT_* variables are ignored and several workers "
            "break uploads; use the serve command"
        )
    elif settings.is_development and st.get_option("server.fileWatcherType") == "none":
        log.warning(
            "started by `streamlit run`: `make dev` prints the address, shows a saved file at once "
            "and errors with their tracebacks"
        )


def _serve_metrics(settings: Settings) -> Callable[[], None] | None:
    """Return the function that stops it; `serve` has made sure that the port is free."""
    if not settings.metrics_enabled:
        return None
    try:
        return metrics_server.start(settings)
    except SettingsError as error:  # raised, it would fill the log with Starlette's traceback
        log.error("the app runs without /metrics", reason=str(error))
        return None


def _handle_signals(drain_seconds: int, tasks: list[asyncio.Task[None]]) -> None:
    """SIGTERM and SIGINT stop with exit code 0; SIGUSR1 drains, SIGUSR2 ends that.

    SIGTERM first waits for open sessions; a second signal, and SIGINT, end that.
    """
    server = streamlit_private.uvicorn_server()
    if server is not None:
        server.config.timeout_graceful_shutdown = SHUTDOWN_SECONDS

        loop = asyncio.get_running_loop()
        asked: list[int] = []

        def wait_for_sessions() -> None:
            tasks.append(_start(_exit_without_sessions(server, drain_seconds)))

        def stop(number: int, _frame: FrameType | None) -> None:
            service_manager.stopping()
            asked.append(number)
            if drain_seconds and asked == [signal.SIGTERM]:
                health.set_draining(True)
                loop.call_soon_threadsafe(wait_for_sessions)
            else:
                # Its own handler would raise the signal again at the end: exit code 143.
                server.should_exit = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGUSR1, lambda *_: health.set_draining(True))
    signal.signal(signal.SIGUSR2, lambda *_: health.set_draining(False))


async def _exit_without_sessions(server: uvicorn.Server, limit: int) -> None:
    """Let the server end when the last session has, or when the time is over."""
    deadline = time.monotonic() + limit
    # Nothing tells when the last session ends.
    while (open_tabs := health.sessions_open()) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(DRAIN_POLL_SECONDS)
    log.info("drained", sessions_cut=open_tabs)
    server.should_exit = True


async def _warm_up() -> None:
    """Do what takes long at the first time, so that the first visitor does not wait for it."""
    await asyncio.sleep(WARM_UP_DELAY_SECONDS)
    await asyncio.to_thread(import_libraries)
    ok, detail = await streamlit_private.first_run()
    if not ok:
        log.error("the first run failed", detail=detail)
    if health.sessions_open() == 0:  # what is frozen may never be freed: no visitor's data
        gc.collect()
        gc.freeze()


async def _prune(settings: Settings) -> None:
    """Delete what has expired: sessions, and the audit log beyond AUDIT_KEEP_DAYS."""
    while True:
        try:
            await asyncio.to_thread(sessions.prune)
            await asyncio.to_thread(audit.prune, settings.audit_keep_days)
        except DatabaseUnavailable:
            log.warning("old sessions and audit events stay until the database is back")
        await asyncio.sleep(PRUNE_SECONDS)


async def _expire_sessions() -> None:
    """Let go of closed sessions in time, also when nobody comes."""
    while True:
        await asyncio.sleep(EXPIRY_SECONDS)
        if streamlit_private.expire_sessions():
            # A session is part of reference cycles; its files are deleted when it is collected.
            gc.collect()
        uploads.forget_ended()
