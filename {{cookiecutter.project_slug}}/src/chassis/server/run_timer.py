"""How long the runs of one tab take, seen in the messages that its browser gets."""

import time
from typing import Final

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from .. import metrics, session_notes

# Messages that open, name and close a run are small; charts and tables need not be decoded.
MAX_DECODED_BYTES: Final = 32 * 1024

RESULTS: Final = {
    ForwardMsg.FINISHED_SUCCESSFULLY: "success",
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY: "success",
    ForwardMsg.FINISHED_EARLY_FOR_RERUN: "rerun",
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR: "error",
}


class RunTimer:
    """Follows the messages that one tab receives, and reports each finished script run."""

    def __init__(self) -> None:
        self.session_id = ""
        self._page = "unknown"
        self._started: float | None = None

    def see(self, data: bytes) -> None:
        """Look at one message from the server to the browser."""
        if len(data) > MAX_DECODED_BYTES:
            return
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session_id = message.new_session.initialize.session_id
            self._started = time.perf_counter()
        elif kind == "navigation":
            self._page = self._current_page(message)
        elif kind == "script_finished" and self._started is not None:
            failed = session_notes.failed.take(self.session_id)
            result = "error" if failed else RESULTS.get(message.script_finished, "unknown")
            metrics.script_run(self._page, result, time.perf_counter() - self._started)
            self._started = None

    @staticmethod
    def _current_page(message: ForwardMsg) -> str:
        """Return the URL name of the page that runs, "home" for the default page."""
        navigation = message.navigation
        for page in navigation.app_pages:
            if page.page_script_hash == navigation.page_script_hash:
                return page.url_pathname or "home"
        return "unknown"
