"""What the server notes about a session, for the other side of its next run: taken once."""

import threading
from typing import Final

from . import kept

MAX_NOTES: Final = 10_000


class SessionNotes:
    """Ids of sessions, as many as MAX_NOTES: the oldest may have ended before anybody asked."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        self._lock = threading.Lock()

    def add(self, session_id: str) -> None:
        """Note a session."""
        with self._lock:
            self._ids[session_id] = None
            if len(self._ids) > MAX_NOTES:
                del self._ids[next(iter(self._ids))]

    def take(self, session_id: str) -> bool:
        """Tell, once, whether a session was noted."""
        with self._lock:
            return session_id in self._ids and self._ids.pop(session_id) is None


# Whose script failed, and whose reruns were delayed. The server and the script must mean the same
# notes, also after a hot reload.
failed = kept.in_process("failed sessions", SessionNotes)
throttled = kept.in_process("throttled sessions", SessionNotes)
