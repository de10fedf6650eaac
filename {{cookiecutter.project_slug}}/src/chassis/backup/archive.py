"""One file with everything: the database, the uploaded files and a manifest, as .tar.gz.

It is written and read as a stream. The manifest comes last, as only then all checksums are known;
an archive without it is none.
"""

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from . import BackupError
from .encryption import Decrypted, Encrypted, is_encrypted

MANIFEST: Final = "manifest.json"
DATABASE: Final = "database"
UPLOADS: Final = "uploads"
COMPRESSION: Final = 6  # 9 takes three times as long for a hundredth of the size
MAX_MANIFEST_BYTES: Final = 256 * 1024 * 1024
COPY_BYTES: Final = 1024 * 1024
# Nonsense is read until a checksum is: names and times can be anything.
DAMAGE: Final = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    OverflowError,
    ValueError,
)


class Manifest(BaseModel):
    """What is in an archive, and where it is from."""

    model_config = ConfigDict(frozen=True)

    app: str
    app_version: str
    database: str  # sqlite or postgresql
    revision: str
    created_at: AwareDatetime
    rows: dict[str, int]  # of each table
    sha256: dict[str, str] = {}  # of each file in the archive


def write(path: Path, manifest: Manifest, database: Path, uploads: Path, keys: str | None) -> int:
    """Write an archive, encrypted if there are keys; return how many uploaded files it has."""
    checksums = {}
    with path.open("xb") as file, _written(file, keys) as tar:
        checksums[DATABASE] = _add(tar, database, DATABASE)
        for upload in _regular_files(uploads):
            name = f"{UPLOADS}/{upload.relative_to(uploads).as_posix()}"
            if not name.isprintable():
                raise BackupError(f"this name of a file cannot be kept, rename it: {str(upload)!r}")
            # A file that was deleted in the meantime is none.
            with contextlib.suppress(FileNotFoundError):
                checksums[name] = _add(tar, upload, name)
        text = manifest.model_copy(update={"sha256": checksums}).model_dump_json(indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return len(checksums) - 1


def unpack(path: Path, folder: Path, keys: str | None) -> Manifest:
    """Write the files of an archive into an empty folder, and return its manifest.

    Raises BackupError if a single byte is not what was written.
    """
    try:
        with path.open("rb") as file:
            manifest, found = _unpack(file, folder, keys)
    except DAMAGE as error:
        raise BackupError(f"{path.name} is damaged, or no backup: {error}") from None
    if manifest is None:
        raise BackupError(f"{path.name} is damaged, or no backup: it has no manifest")
    if found != manifest.sha256:
        name = min(name for name, _ in found.items() ^ manifest.sha256.items())
        raise BackupError(f"{path.name} is damaged: {name!r} is not what the manifest says")
    return manifest


def _unpack(
    file: BinaryIO, folder: Path, keys: str | None
) -> tuple[Manifest | None, dict[str, str]]:
    manifest, found = None, {}
    with gzip.GzipFile(fileobj=_plain(file, keys)) as plain:
        with tarfile.open(fileobj=plain, mode="r|", encoding="utf-8") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    raise BackupError(f"{member.name!r} in the backup is not a file")
                if member.name == MANIFEST and manifest is None:
                    manifest = _read_manifest(content.read(MAX_MANIFEST_BYTES))
                else:
                    found[member.name] = _extract(member, content, folder)
        # The end of the tar is not the end of the file: checks of length and content come behind.
        while plain.read(COPY_BYTES):
            pass
    return manifest, found


def _read_manifest(text: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(text)
    except ValidationError:
        raise BackupError("it is no backup of an app like this: its manifest is another") from None


def _extract(member: tarfile.TarInfo, content: IO[bytes], folder: Path) -> str:
    """Write a file that stays inside the folder; return its checksum.

    Not tarfile's own filters: the Python of Debian 12 has none.
    """
    parts = PurePosixPath(member.name).parts
    is_upload = parts[:1] == (UPLOADS,) and len(parts) > 1 and ".." not in parts
    path = folder.joinpath(*parts)
    if not (is_upload or parts == (DATABASE,)) or path.exists():
        raise BackupError(f"{member.name!r} does not belong into a backup: nothing was restored")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target:
        hashing = _Hashing(target)
        shutil.copyfileobj(content, hashing, COPY_BYTES)
    os.utime(path, (member.mtime, member.mtime))
    return hashing.checksum()


def _add(tar: tarfile.TarFile, path: Path, name: str) -> str:
    """Add a file; return the checksum of what was added."""
    # Not followed: whoever may write to the folder could otherwise have any file backed up.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        info = tar.gettarinfo(arcname=name, fileobj=file)
        hashing = _Hashing(file)
        try:
            tar.addfile(info, hashing)
        except OSError as error:
            if error.errno is None:  # not of the system: tarfile got less than was announced
                raise BackupError(f"{path} was changed while it was read: try again") from None
            raise
    return hashing.checksum()


def _regular_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, sorted; no links, no devices."""
    for path in sorted(folder.rglob("*")):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:  # deleted in the meantime
            continue
        if stat.S_ISREG(mode):
            yield path


@contextlib.contextmanager
def _written(file: BinaryIO, keys: str | None) -> Iterator[tarfile.TarFile]:
    """Yield the way into a new archive; what was written is on the disk at the end."""
    encrypted = Encrypted(file, keys) if keys else None
    plain = encrypted or file
    # Without name and time: equal content makes equal archives.
    with (
        gzip.GzipFile("", "wb", COMPRESSION, fileobj=plain, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", encoding="utf-8") as tar,
    ):
        yield tar
    if encrypted:
        encrypted.finish()
    file.flush()
    os.fsync(file.fileno())


def _plain(file: BinaryIO, keys: str | None) -> BinaryIO:
    if not is_encrypted(file):
        return file
    if keys is None:
        raise BackupError("the backup is encrypted: set BACKUP_ENCRYPTION_KEY")
    return io.BufferedReader(Decrypted(file, keys), COPY_BYTES)


class _Hashing:
    """A file that keeps the checksum of what goes through it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def checksum(self) -> str:
        return self._hash.hexdigest()
