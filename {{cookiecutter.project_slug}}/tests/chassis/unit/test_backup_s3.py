"""Copies of the backups in a bucket: a real server, and what happens when it is not well."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chassis.backup import BackupError, jobs
from chassis.database import engine
from chassis.settings import SettingsError, get_settings
from cryptography.fernet import Fernet

from .backups import CLEAR_TEXT, add_notes, command, destroy, notes
from .s3_server import S3Server, running_s3

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """Run a server with an empty bucket, and back up to it."""
    monkeypatch.setenv("BACKUP_DIR", str(tmp_path / "backups"))
    monkeypatch.setenv("UPLOADS_DIR", str(tmp_path / "uploads"))
    with running_s3(tmp_path) as server:
        monkeypatch.setenv("BACKUP_S3_URL", server.url)
        get_settings.cache_clear()
        yield server


@pytest.mark.parametrize("megabytes", [0, 12])  # more than a part of an upload
def test_a_lost_machine_comes_back_from_the_bucket(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: S3Server, megabytes: int
) -> None:
    monkeypatch.setenv("BACKUP_ENCRYPTION_KEY", Fernet.generate_key().decode())
    get_settings.cache_clear()
    add_notes(5)
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    content = os.urandom(megabytes * 1_000_000)
    (uploads / "noise").write_bytes(content)
    made = jobs.create()
    [copy] = s3.files()
    assert copy.read_bytes() == made.path.read_bytes()
    assert copy.parent == s3.bucket / "some" / "folder"
    assert CLEAR_TEXT.encode() not in copy.read_bytes()

    shutil.rmtree(tmp_path / "backups")
    shutil.rmtree(uploads)
    destroy(database)
    name = made.path.name
    assert [entry.name for entry in jobs.entries("s3")] == [name]
    assert jobs.entries("here") == []
    jobs.restore(name)
    assert notes()[0] == CLEAR_TEXT
    assert len(notes()) == 5
    assert (uploads / "noise").read_bytes() == content
    engine.dispose()
    assert jobs.verify(name)[0] == name
    assert jobs.entries("s3")[0].verdict.good


@SQLITE
@pytest.mark.usefixtures("database")
def test_old_copies_are_pruned(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    add_notes(1)
    made = [jobs.create().path.name for _ in range(2)]
    monkeypatch.setenv("BACKUP_KEEP_COUNT", "1")
    get_settings.cache_clear()
    old = made[0]
    much_older = old.replace("-20", "-19")
    (s3.bucket / "some" / "folder" / old).rename(s3.bucket / "some" / "folder" / much_older)
    none_here = "no backup is old enough to delete (here)"
    assert command("prune", "--dry-run") == (0, f"{none_here}\nwould delete {much_older} (s3)", "")
    assert len(s3.files()) == 2
    assert command("prune") == (0, f"{none_here}\ndeleted {much_older} (s3)", "")
    assert [file.name for file in s3.files()] == [made[1]]


@SQLITE
@pytest.mark.usefixtures("database")
def test_a_copy_that_fails_is_no_success(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_notes(1)
    for address in (s3.address("wrong"), s3.address("secret-of-the-tests", "no-such-bucket")):
        monkeypatch.setenv("BACKUP_S3_URL", address)
        code, output, error = command("create")
        assert (code, output) == (1, "")
        assert "was made, but not copied: S3: " in error
        assert len(error.splitlines()) == 1
        assert "wrong" not in error
        assert "secret-of" not in error
    assert len(jobs.entries("here")) == 2  # they are here
    assert not (tmp_path / "backups" / "state.json").exists()


@SQLITE
@pytest.mark.usefixtures("database")
def test_what_is_here_needs_no_bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    add_notes(1)
    made = jobs.create()
    engine.dispose()
    monkeypatch.setenv("BACKUP_S3_URL", s3.address("wrong"))
    code, output, _ = command("list")
    assert code == 0
    assert f"{made.path.name} " in output
    assert output.splitlines()[-1].startswith("S3: ")
    assert command("verify")[0] == 0
    assert command("restore", made.path.name, "--yes")[0] == 0


@SQLITE
@pytest.mark.usefixtures("database")
def test_a_copy_that_was_changed_is_refused(s3: S3Server, tmp_path: Path) -> None:
    add_notes(3)
    made = jobs.create()
    shutil.rmtree(tmp_path / "backups")
    [copy] = s3.files()
    copy.write_bytes(copy.read_bytes()[:-100])
    add_notes(1)
    engine.dispose()
    with pytest.raises(BackupError, match="is damaged"):
        jobs.restore(made.path.name)
    assert len(notes()) == 4


@SQLITE
@pytest.mark.usefixtures("database", "s3")
def test_damage_of_one_copy_says_nothing_of_the_other() -> None:
    add_notes(3)
    made = jobs.create()
    engine.dispose()
    content = made.path.read_bytes()
    made.path.write_bytes(content[:-10])
    assert command("verify")[0] == 1
    there = jobs.entries("s3")[0]
    assert jobs.entries("here")[0].verdict.good is False
    assert there.verdict.good is None
    made.path.unlink()
    assert command("verify")[0] == 0
    assert jobs.entries("s3")[0].verdict.good


@SQLITE
@pytest.mark.usefixtures("database", "s3")
def test_what_is_here_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = jobs.create()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("BACKUP_S3_URL", f"http://key:secret@127.0.0.1:{port}/bucket")
        program = [sys.executable, "-m", "chassis", "backup", "list"]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as listing:
            assert listing.stdout is not None
            listing.stdout.readline()
            assert listing.stdout.readline().startswith(made.path.name)
            assert listing.poll() is None  # it asks the bucket now
            listing.kill()


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/folder",
        "https://s3.example.com",
        "https://key@s3.example.com/bucket",
        "https://key:sec/ret@s3.example.com/bucket",
        "ftp://key:secret@s3.example.com/bucket",
    ],
)
def test_a_wrong_address_is_one_line(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BACKUP_S3_URL", url)
    with pytest.raises(SettingsError) as error:
        get_settings()
    assert "must be https://KEY:SECRET@host/bucket (write / + @ as %2F %2B %40)" in str(error.value)
    assert "ret@s3" not in str(error.value)
