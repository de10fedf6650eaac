"""How long a download that is made at the click is kept."""

import asyncio

import pytest
from chassis.server import downloads
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage


def test_a_file_stays_for_its_time_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemoryMediaFileStorage("/media")
    files = MediaFileManager(storage)
    released = asyncio.Event()

    def runs_of_others_end() -> None:
        for _run in range(3):
            files.remove_orphaned_files()

    async def click() -> str:
        clear = files.clear_session_refs

        def release(reference: str) -> None:
            clear(reference)
            released.set()

        monkeypatch.setattr(downloads, "KEEP_SECONDS", 0.5)
        monkeypatch.setattr(files, "clear_session_refs", release)
        downloads.keep(files)
        button = files.add_deferred(lambda: b"made", "text/plain", "button")
        url = await asyncio.to_thread(files.execute_deferred, button)
        name = url.removeprefix("/media/")
        runs_of_others_end()
        assert storage.get_file(name).content == b"made"
        await released.wait()
        runs_of_others_end()
        return name

    name = asyncio.run(click())
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)
