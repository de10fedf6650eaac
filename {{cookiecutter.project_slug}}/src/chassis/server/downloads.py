"""Downloads that are made at the click: `st.download_button` with a function as its data.

Streamlit gives such a file to no session, and deletes it when two runs have ended, those of all
visitors, whether or not the browser has fetched it.
"""

import asyncio
from typing import Final

from .. import streamlit_private
from ..streamlit_private import MediaFileManager

# How long a file waits for the browser, which asks for it as soon as it is told the address.
KEEP_SECONDS: Final = 60


def keep(files: MediaFileManager) -> None:
    """Hold each file that is made from now on for a minute."""
    loop = asyncio.get_running_loop()

    def hold(file_id: str) -> None:
        let_go = streamlit_private.hold_file(files, file_id)
        loop.call_soon_threadsafe(loop.call_later, KEEP_SECONDS, let_go)

    streamlit_private.when_a_file_is_made(files, hold)
