"""One file with everything: the database, the uploaded files and a manifest, as .tar.gz.

It is written and read as a stream. The manifest comes first and tells how much room the rest takes.
The checksums come last, as only then all are known; without them the archive is invalid.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final

from pydantic import TypeAdapter, ValidationError
from typing_extensions import Buffer

from . import BackupError, DamageError
from .encryption import Decrypted, Encrypted, is_encrypted
from .manifest import CHECKSUMS, DATABASE, MANIFEST, UPLOADS, Manifest, room_for, room_for_all

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024
COMPRESSION: Final = 6  # 9 takes three times as long for a hundredth of the size
COPY_BYTES: Final = 1024 * 1024
MORE_THAN_SAID: Final = "the backup is damaged: it unpacks to more than its manifest says"
ENCRYPTED: Final = ".enc"  # the end of the name of an encrypted archive
# Nonsense is read until a checksum is: names and times can be anything.
DAMAGE: Final = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    OverflowError,
    ValueError,
)


def write(path: Path, manifest: Manifest, database: Path, uploads: Path, keys: str | None) -> int:
    """Write an archive, encrypted if there are keys; return how many uploaded files it has."""
    members = {DATABASE: database}
    for upload in _regular_files(uploads):
        name = f"{UPLOADS}/{upload.relative_to(uploads).as_posix()}"
        if not name.isprintable():
            raise BackupError(f"this name of a file cannot be kept, rename it: {str(upload)!r}")
        members[name] = upload
    manifest = manifest.model_copy(update={"size": room_for_all(members)})
    checksums, used = {}, 0
    with path.open("xb") as file, _written(file, keys) as tar:
        _add_text(tar, MANIFEST, manifest.model_dump_json(exclude={"sha256"}, indent=1))
        for name, source in members.items():
            try:
                size, checksums[name] = _add(tar, source, name)
            except FileNotFoundError:  # deleted in the meantime
                if name == DATABASE:
                    raise
                continue
            used += room_for(name, size)
            if used > manifest.at_most:
                raise BackupError(f"{uploads} grew while it was read: try again")
        _add_text(tar, CHECKSUMS, json.dumps(checksums, indent=1))
    return len(checksums) - 1


def unpack(path: Path, folder: Path, keys: str | None, *, allow_plain: bool = False) -> Manifest:
    """Write the files of an archive into an empty folder, and return its manifest.

    Raises DamageError if a single byte is not what was written.
    """
    try:
        with path.open("rb") as file:
            manifest, checksums, found = _unpack(_plain(path, file, keys, allow_plain), folder)
    except DAMAGE as error:
        raise DamageError(f"{path.name} is damaged, or no backup: {error}") from None
    if found != checksums:
        name = min(name for name, _ in found.items() ^ checksums.items())
        raise DamageError(f"{path.name} is damaged: {name!r} is not what its checksum says")
    return manifest.model_copy(update={"sha256": checksums})


def _unpack(file: BinaryIO, folder: Path) -> tuple[Manifest, dict[str, str], dict[str, str]]:
    """Return the manifest, the checksums in the archive, and those of what was unpacked."""
    manifest, checksums, found, used = None, None, {}, 0
    with gzip.GzipFile(fileobj=file) as packed:
        stream = _Bounded(packed, 2 * MAX_MANIFEST_BYTES)
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    raise DamageError(f"{member.name!r} in the backup is not a file")
                if manifest is None:
                    manifest = _read_manifest(member, content)
                    _refuse_without_room_for(manifest, folder)
                    stream.left = manifest.at_most
                elif member.name == CHECKSUMS and checksums is None:
                    checksums = _read_checksums(content)
                else:
                    used += room_for(member.name, member.size)
                    if used > manifest.at_most:
                        raise DamageError(MORE_THAN_SAID)
                    found[member.name] = _extract(member, content, folder)
        # The end of the tar is not the end of the file: checks of length and content come behind.
        while stream.read(COPY_BYTES):
            pass
    if manifest is None or checksums is None:
        raise DamageError(
            "the backup is damaged, or none: its manifest or its checksums are missing"
        )
    return manifest, checksums, found


def _read_manifest(member: tarfile.TarInfo, content: IO[bytes]) -> Manifest:
    if member.name != MANIFEST:
        raise DamageError(f"it is no backup: {MANIFEST} comes first in one, not {member.name!r}")
    try:
        return Manifest.model_validate_json(content.read(MAX_MANIFEST_BYTES))
    except ValidationError:
        raise BackupError("it is no backup of an app like this: its manifest is another") from None


def _read_checksums(content: IO[bytes]) -> dict[str, str]:
    return TypeAdapter(dict[str, str]).validate_json(content.read())


def _refuse_without_room_for(manifest: Manifest, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if manifest.size > free:
        needed, there = (f"{size / 1e6:.0f} MB" for size in (manifest.size, free))
        raise BackupError(f"the backup takes {needed} unpacked, and {folder.parent} has {there}")


def _extract(member: tarfile.TarInfo, content: IO[bytes], folder: Path) -> str:
    """Write a file that stays inside the folder; return its checksum.

    Not tarfile's own filters: the Python of Debian 12 has none.
    """
    parts = PurePosixPath(member.name).parts
    is_upload = parts[:1] == (UPLOADS,) and len(parts) > 1 and ".." not in parts
    path = folder.joinpath(*parts)
    if not (is_upload or parts == (DATABASE,)) or path.exists():
        raise DamageError(f"{member.name!r} does not belong into a backup: nothing was restored")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target:
        hashing = _Hashing(target)
        shutil.copyfileobj(content, hashing, COPY_BYTES)
    os.utime(path, (member.mtime, member.mtime))
    return hashing.checksum()


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _add(tar: tarfile.TarFile, path: Path, name: str) -> tuple[int, str]:
    """Add a file; return size and checksum of what was added."""
    # Not followed: anyone who may write to the folder could otherwise have any file backed up.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        info = tar.gettarinfo(arcname=name, fileobj=file)
        hashing = _Hashing(file)
        try:
            tar.addfile(info, hashing)
        except OSError as error:
            if error.errno is None:  # not of the system: tarfile got less than was announced
                raise BackupError(f"{path} was changed while it was read: try again") from None
            raise
    return info.size, hashing.checksum()


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


def _plain(path: Path, file: BinaryIO, keys: str | None, allow_plain: bool) -> BinaryIO:
    if not is_encrypted(file):
        if path.suffix == ENCRYPTED:
            raise DamageError(
                f"{path.name} is damaged: its beginning is not that of an encrypted one"
            )
        if keys and not allow_plain:
            raise BackupError(
                f"{path.name} is not encrypted, but BACKUP_ENCRYPTION_KEY is set: anybody who can"
                " write to its folder may have made it. --allow-plain takes it all the same"
            )
        return file
    if keys is None:
        raise BackupError("the backup is encrypted: set BACKUP_ENCRYPTION_KEY")
    return io.BufferedReader(Decrypted(file, keys), COPY_BYTES)


class _Bounded(io.RawIOBase):
    """A file that is read up to a limit: a small archive can unpack to any size."""

    def __init__(self, file: io.BufferedIOBase, limit: int) -> None:
        super().__init__()
        self._file = file
        self.left = limit

    def readable(self) -> bool:
        """Say what this file is for."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Give out what the file has."""
        count = self._file.readinto(buffer)
        self.left -= count
        if self.left < 0:
            raise DamageError(MORE_THAN_SAID)
        return count


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
