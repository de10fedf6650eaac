"""What an archive says of itself."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

# The names in an archive; those of uploaded files begin with UPLOADS and a slash.
MANIFEST: Final = "manifest.json"
CHECKSUMS: Final = "checksums.json"
DATABASE: Final = "database"
UPLOADS: Final = "uploads"
BLOCK_BYTES: Final = 4096  # what the smallest file, and each folder, takes on a disk


class Manifest(BaseModel):
    """What is in an archive, and where it is from."""

    model_config = ConfigDict(frozen=True)

    app: str
    app_version: str
    database: str  # sqlite or postgresql
    revision: str
    oldest_code: str  # the oldest revision whose code works with these tables
    created_at: AwareDatetime
    rows: dict[str, int]  # of each table
    size: Annotated[int, Field(ge=0)] = 0  # bytes on the disk when it is unpacked
    sha256: dict[str, str] = {}  # of each file in the archive; written behind them

    @property
    def at_most(self) -> int:
        """The bytes that may be unpacked: files can grow while others are being written."""
        return self.size + self.size // 10 + 64 * 1024 * 1024


def room_for_all(members: Mapping[str, Path]) -> int:
    """Return what files take on a disk, by the names that they have in an archive."""
    room = 0
    for name, path in members.items():
        with contextlib.suppress(FileNotFoundError):  # deleted in the meantime
            room += room_for(name, path.lstat().st_size)
    return room


def room_for(name: str, size: int) -> int:
    """Return what a file and its folders take on a disk; it is no less than in the archive."""
    return (size // BLOCK_BYTES + 1 + name.count("/")) * BLOCK_BYTES
