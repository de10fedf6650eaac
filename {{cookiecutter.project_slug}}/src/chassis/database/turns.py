"""A semaphore that lets its waiters through in the order in which they came.

The locks of Python and the pool of SQLAlchemy do not: a thread that has just finished and comes
again is quicker than one that has to be woken, which waits for as long as busy ones keep coming.
"""

import threading
from collections import deque


class Turns:
    """At most `places` threads at once between `acquire` and `release`."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._mutex = threading.Lock()

    def acquire(self, timeout: float) -> bool:
        """Take a place; False if there was none for `timeout` seconds."""
        with self._mutex:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(timeout):
            return True
        with self._mutex:
            if turn.is_set():  # in the last moment
                return True
            self._waiting.remove(turn)
        return False

    def release(self) -> None:
        """Hand the place to who has waited longest."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
