"""Downloads that are made at the click: `st.download_button` with a function as its data.

Streamlit gives such a file to no session, and deletes it when two runs have ended, those of all
visitors, whether or not the browser has fetched it.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamlit.runtime.media_file_manager import MediaFileManager

# How long a file waits for the browser, which asks for it as soon as it is told the address.
KEEP_SECONDS: Final = 60


def keep(files: MediaFileManager) -> None:
    """Let each file that is made from now on have a reference of its own for a minute."""
    loop = asyncio.get_running_loop()
    make = files.execute_deferred

    def make_and_keep(file_id: str) -> str:
        url = make(file_id)
        reference = f"download {secrets.token_hex(8)}"  # like the id of a session
        with files._lock:
            files._files_by_session_and_coord[reference] = {"": PurePosixPath(url).stem}
        loop.call_soon_threadsafe(
            loop.call_later, KEEP_SECONDS, files.clear_session_refs, reference
        )
        return url

    vars(files)["execute_deferred"] = make_and_keep  # Streamlit has no hook for this
