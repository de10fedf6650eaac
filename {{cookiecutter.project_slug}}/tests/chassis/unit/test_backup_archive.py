"""The archives: what is damaged, foreign, hostile or encrypted with another key is refused."""

import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from chassis.backup import BackupError, archive, encryption
from chassis.backup.folder import Folder, new_name
from chassis.backup.manifest import Manifest
from chassis.backup.retention import expired
from cryptography.fernet import Fernet

from ..conftest import PROJECT
from .backups import rewrite

KEY, OTHER_KEY = (Fernet.generate_key().decode() for _ in range(2))
MANIFEST = Manifest(
    app="my_app",
    app_version="1.2.3",
    database="sqlite",
    revision="0001+0001",
    oldest_code="0001+0001",
    created_at=datetime.now(UTC),
    rows={"users": 3},
)
CLEAR = b"only for us to read" * 10
CONTENT = {"database": CLEAR, "uploads/deep/한글 name.txt": CLEAR, "uploads/empty": b""}


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def keys(request: pytest.FixtureRequest) -> str | None:
    """Run the test with and without encryption."""
    found: str | None = request.param
    return found


def make(folder: Path, keys: str | None) -> Path:
    """Write an archive of some files."""
    uploads = folder / "uploads"
    (uploads / "deep").mkdir(parents=True)
    (uploads / "deep" / "한글 name.txt").write_bytes(CLEAR)
    (uploads / "empty").touch()
    (folder / "database.copy").write_bytes(CLEAR)
    path = folder / f"made.tar.gz{'.enc' if keys else ''}"
    assert archive.write(path, MANIFEST, folder / "database.copy", uploads, keys) == 2
    return path


def content(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def refused(path: Path, keys: str | None) -> str:
    """Return why an archive is refused."""
    target = path.parent / "refused"
    target.mkdir(exist_ok=True)
    with pytest.raises(BackupError) as error:
        archive.unpack(path, target, keys)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_what_goes_in_comes_out(tmp_path: Path, keys: str | None) -> None:
    path = make(tmp_path, keys)
    (tmp_path / "target").mkdir()
    manifest = archive.unpack(path, tmp_path / "target", keys)
    assert content(tmp_path / "target") == CONTENT
    assert manifest.model_copy(update={"sha256": {}, "size": 0}) == MANIFEST
    assert manifest.sha256.keys() == CONTENT.keys()
    packed = path.read_bytes()
    assert CLEAR[:19] not in packed
    assert packed.startswith(b"backup-aes-gcm-1" if keys else b"\x1f\x8b")


def test_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (tmp_path / "uploads" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "uploads" / "folder").symlink_to(tmp_path)
    (tmp_path / "db").touch()
    path = tmp_path / "made.tar.gz"
    assert archive.write(path, MANIFEST, tmp_path / "db", tmp_path / "uploads", None) == 0
    # Nor are those that a file has just been replaced by.
    monkeypatch.setattr(archive, "_regular_files", lambda folder: [folder / "link"])
    with pytest.raises(OSError, match="link"):
        archive.write(tmp_path / "2", MANIFEST, tmp_path / "db", tmp_path / "uploads", None)


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"two\nlines.txt"])
def test_a_name_that_does_not_come_back_is_refused(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "db").touch()
    (tmp_path / "uploads" / os.fsdecode(name)).touch()
    with pytest.raises(BackupError, match=r"rename it: '.*/uploads/.*\.txt'"):
        archive.write(tmp_path / "a", MANIFEST, tmp_path / "db", tmp_path / "uploads", None)


def test_no_changed_byte_gets_through(tmp_path: Path, keys: str | None) -> None:
    path = make(tmp_path, keys)
    good = path.read_bytes()
    for place in range(len(good)):
        damaged = bytearray(good)
        damaged[place] ^= 0x40
        path.write_bytes(damaged)
        target = tmp_path / str(place)
        target.mkdir()
        try:
            archive.unpack(path, target, keys)
        except (BackupError, OSError):
            continue
        # Some bits of gzip do not matter, such as the time in its header.
        assert not keys
        assert content(target) == CONTENT


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, keys: str | None) -> None:
    path = make(tmp_path, keys)
    good = path.read_bytes()
    for length in (0, 1, 10, 100, len(good) // 2, len(good) - 8, len(good) - 1):
        path.write_bytes(good[:length])
        target = tmp_path / str(length)
        target.mkdir()
        with pytest.raises(BackupError):
            archive.unpack(path, target, keys)


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.tar.gz"
    path.write_bytes(b"\x89PNG and so on")
    assert "photo.tar.gz is damaged, or no backup" in refused(path, None)
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("readme.txt"))
    assert "manifest.json comes first in one, not 'readme.txt'" in refused(path, None)
    with tarfile.open(path, "w:gz"):
        pass
    assert "its manifest or its checksums are missing" in refused(path, None)
    info = tarfile.TarInfo("manifest.json")
    info.size = 2
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(info, io.BytesIO(b"{}"))
    assert "its manifest is another" in refused(path, None)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../outside", "uploads/../../outside", "uploads", "database", "other/x", "."],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, None)

    def rename(info: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if info.name == "uploads/empty":
            info.name = name
        return info, content

    rewrite(path, rename)
    assert refused(path, None)
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
)
def test_only_files_are_unpacked(tmp_path: Path, kind: bytes) -> None:
    path = make(tmp_path, None)

    def change(info: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if info.name == "uploads/empty":
            info.type, info.linkname = kind, "../../outside"
        return info, content

    rewrite(path, change)
    assert "'uploads/empty' in the backup is not a file" in refused(path, None)


def test_another_content_than_its_checksum_says_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path, None)
    rewrite(path, lambda info, old: (info, b"changed" if info.name == "database" else old))
    assert "'database' is not what its checksum says" in refused(path, None)


# --- Size -----------------------------------------------------------------------------------------


def used(folder: Path) -> int:
    """Return what has been unpacked."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def packed(path: Path, members: Iterable[tuple[str, int]]) -> None:
    """Write an archive that says that it is small, with members of zeros."""
    text = MANIFEST.model_dump_json(exclude={"sha256"}).encode()
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
        for name, size in members:
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(bytes(size)))


@pytest.mark.parametrize(
    "members",
    [
        [("database", 100_000_000)],
        [(f"uploads/{number}", 0) for number in range(20_000)],
        [(f"uploads{'/x' * 10}/{number}", 1) for number in range(2_000)],
    ],
    ids=["one large", "many empty", "many folders"],
)
def test_no_more_is_unpacked_than_was_said(tmp_path: Path, members: list[tuple[str, int]]) -> None:
    path = tmp_path / "small.tar.gz"
    packed(path, members)
    assert path.stat().st_size < 1_000_000
    assert "it unpacks to more than its manifest says" in refused(path, None)
    assert used(tmp_path / "refused") < 70_000_000


def test_what_follows_an_archive_is_not_read_without_end(tmp_path: Path) -> None:
    path = make(tmp_path, None)
    with path.open("ab") as file:
        file.write(gzip.compress(bytes(100_000_000)))
    assert "it unpacks to more than its manifest says" in refused(path, None)


def test_an_archive_that_has_no_room_is_refused_at_once(tmp_path: Path) -> None:
    path = make(tmp_path, None)

    def change(info: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if info.name == "manifest.json":
            content = json.dumps(json.loads(content) | {"size": 10**18}).encode()
        return info, content

    rewrite(path, change)
    assert "the backup takes 1000000000000 MB unpacked, and " in refused(path, None)
    assert used(tmp_path / "refused") == 0


# --- Encryption -----------------------------------------------------------------------------------


def test_without_the_right_key_nothing_is_read(tmp_path: Path) -> None:
    path = make(tmp_path, KEY)
    assert refused(path, None) == "the backup is encrypted: set BACKUP_ENCRYPTION_KEY"
    expected = "BACKUP_ENCRYPTION_KEY lacks the key that this backup was made with"
    assert refused(path, OTHER_KEY) == expected
    assert list((tmp_path / "refused").iterdir()) == []


def test_with_a_key_a_plain_archive_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path, None)
    assert "is not encrypted, but BACKUP_ENCRYPTION_KEY is set: anybody" in refused(path, KEY)
    assert list((tmp_path / "refused").iterdir()) == []
    (tmp_path / "target").mkdir()
    archive.unpack(path, tmp_path / "target", KEY, allow_plain=True)
    assert content(tmp_path / "target") == CONTENT


def test_an_older_key_still_opens_what_it_closed(tmp_path: Path) -> None:
    path = make(tmp_path, KEY)
    (tmp_path / "target").mkdir()
    archive.unpack(path, tmp_path / "target", f"{OTHER_KEY}, {KEY}")
    assert content(tmp_path / "target") == CONTENT


def test_the_documents_open_an_archive_without_the_app(tmp_path: Path) -> None:
    path = make(tmp_path, KEY)
    document = (PROJECT / "docs" / "backups.md").read_text(encoding="utf-8")
    program = re.search(r"^```python elsewhere\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    assert program
    assert len(program[1].splitlines()) <= 30
    for keys in (OTHER_KEY, KEY):
        (tmp_path / "made.tar.gz").unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-I", "-c", program[1], str(path)],
            input=keys,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (0 if keys == KEY else 1), done.stderr
    (tmp_path / "target").mkdir()
    unpack = ["tar", "-xzf", str(tmp_path / "made.tar.gz"), "-C", str(tmp_path / "target")]
    subprocess.run(unpack, check=True)
    found = content(tmp_path / "target")
    checksums = json.loads(found.pop("checksums.json"))
    assert json.loads(found.pop("manifest.json"))["app"] == MANIFEST.app
    assert found == CONTENT
    assert {name: sha256(data).hexdigest() for name, data in found.items()} == checksums


def encrypt(content: bytes) -> bytes:
    """Return content encrypted."""
    target = io.BytesIO()
    writer = encryption.Encrypted(target, KEY)
    writer.write(content)
    writer.finish()
    return target.getvalue()


def decrypt(data: bytes) -> bytes:
    """Return encrypted content."""
    return io.BufferedReader(encryption.Decrypted(io.BytesIO(data), KEY)).read()


@pytest.mark.parametrize(
    "size", [0, 1, encryption.CHUNK_BYTES - 1, encryption.CHUNK_BYTES, encryption.CHUNK_BYTES + 1]
)
def test_content_of_any_size(size: int) -> None:
    content = bytes(size)
    assert decrypt(encrypt(content)) == content
    assert encrypt(content) != encrypt(content)


def test_chunks_cannot_be_moved_or_left_out() -> None:
    data = encrypt(bytes(3 * encryption.CHUNK_BYTES))
    start = len(encrypt(b"")) - encryption.TAG_BYTES
    step = encryption.CHUNK_BYTES + encryption.TAG_BYTES
    header, *chunks = (
        data[:start],
        *(data[start + step * i : start + step * (i + 1)] for i in range(3)),
    )
    assert decrypt(header + b"".join(chunks)) == bytes(3 * encryption.CHUNK_BYTES)
    for order in ((1, 0, 2), (0, 2), (0, 1), (0, 1, 2, 2), (0, 0, 2), (2,), ()):
        with pytest.raises(BackupError, match="it was changed or cut off"):
            assert not decrypt(header + b"".join(chunks[number] for number in order))


# --- Retention ------------------------------------------------------------------------------------


NOW = datetime(2026, 6, 30, tzinfo=UTC)
AGES = (1, 10, 40, 50, 60, 70)
NAMES = [new_name(NOW - timedelta(days=age), encrypted=False) for age in AGES]


def old(proven: dict[int, bool], keep_count: int = 1, keep_days: int = 30) -> list[int]:
    """Return the ages of what would be deleted."""
    ages = dict(zip(AGES, NAMES, strict=True))
    found = expired(
        NAMES,
        {ages[age]: good for age, good in proven.items()},
        NOW,
        keep=timedelta(days=keep_days),
        keep_count=keep_count,
    )
    return [age for age, name in ages.items() if found.get(name) == ""]


def test_old_backups_are_deleted() -> None:
    assert old({}) == [40, 50, 60, 70]
    assert old({}, keep_count=4) == [60, 70]
    assert old({}, keep_days=55) == [60, 70]
    assert old({}, keep_days=1, keep_count=1) == [10, 40, 50, 60, 70]


def test_the_newest_good_ones_stay_whatever_their_age() -> None:
    assert old({60: True}) == [40, 50, 70]
    assert old({60: True, 40: True}) == [50, 60, 70]
    assert old({60: True, 40: True}, keep_count=2) == [50, 70]
    assert old({1: False, 10: False, 40: False}) == [40, 60, 70]  # 50 may be good


def test_damaged_backups_are_better_than_none() -> None:
    assert old(dict.fromkeys(AGES, False), keep_days=1) == [10, 40, 50, 60, 70]
    assert old(dict.fromkeys(AGES, False), keep_days=1, keep_count=9) == []


def test_only_archives_of_this_app_count(tmp_path: Path) -> None:
    name = new_name(NOW, encrypted=True)
    assert name == "scratch_tool-20260630T000000.000Z.tar.gz.enc"
    for other in (
        name,
        "state.json",
        f"{name}.part",
        f"x{name}",
        "other-20260630T000000.000Z.tar.gz",
    ):
        (tmp_path / other).touch()
    assert Folder(tmp_path).names() == [name]


def test_a_broken_state_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{", encoding="utf-8")
    assert Folder(tmp_path).state().last_success == 0
