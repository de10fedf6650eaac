"""What can be wrong with a backup or around it, and what each command makes of that."""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Final

import pytest
from chassis.backup import jobs, s3
from chassis.backup.folder import new_name
from chassis.database import chains, engine, migrate
from chassis.settings import get_settings
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from .backups import add_notes, answers, destroy, notes, on_small_disk
from .migrations import append, other_chains
from .s3_server import cut_uploads, running_s3

# `old` is a backup of 60 days ago and `new` one of 40, with 3 notes; both were proven good. The app
# has 5 notes by now, and one of the two backups may go. Then the cause strikes. A command answers
# with its exit code and these words; "state" is what `list` says of `new` after `verify`, and
# behind the exit code of `prune` is what it leaves. `old` stays good in every row.
TABLE: Final = """
cause              on        verify         state    prune      restore        notes  create
nothing            both      0 is good      good     0 new      0 restored     3      0 rows
wrong key          both      1 lacks key    good     0 new      1 lacks key    5      0 rows
no key             both      1 is encrypt   good     0 new      1 is encrypt   5      0 rows
plain, key is set  both      1 not encrypt  good     0 new      1 not encrypt  5      0 rows
database away      sqlite    0 is good      good     0 new      0 restored     3      1 no database
database away      postgres  1 unavailable  good     0 new      1 unavailable  5      1 unavailable
older code, fits   both      0 is good      good     0 new      0 restored     3      0 rows
older code         both      1 not know     good     0 new      1 not know     5      0 rows
newer code         both      0 is good      good     0 new      0 db upgrade   3      0 rows
truncated          both      1 is damaged   BAD      0 old      1 is damaged   5      0 rows
flipped byte       both      1 is damaged   BAD      0 old      1 is damaged   5      0 rows
flipped, with key  both      1 is damaged   BAD      0 old      1 is damaged   5      0 rows
renamed            both      1 was made as  unknown  0 new old  1 was made as  5      0 rows
clock ahead        both      0 is good      ignored  0 new old  0 restored     3      0 rows
full disk          both      1 MB unpacked  good     0 new      1 MB unpacked  5      1 full|space
S3 refuses         both      0 is good      good     1 new      0 restored     3      1 not copied
S3 hangs           both      0 is good      good     1 new      0 restored     3      1 not copied
S3 dies in upload  both      0 is good      good     0 new      0 restored     3      1 not copied
"""
KEY, OTHER_KEY = (Fernet.generate_key().decode() for _ in range(2))


def rows() -> list[object]:
    """Return the parameters of the test."""
    kinds = {"sqlite": ("sqlite",), "postgres": ("postgresql",), "both": ("sqlite", "postgresql")}
    titles, *lines = (re.split("  +", line) for line in TABLE.strip().splitlines())
    return [
        pytest.param(cause, kind, dict(zip(titles[2:], cells, strict=True)), id=f"{cause}-{kind}")
        for cause, on, *cells in lines
        for kind in kinds[on]
    ]


def is_said(expected: str, text: str) -> bool:
    """Whether a text begins with the first word, and has the others behind it."""
    first, _, others = expected.partition(" ")
    found, _, rest = text.partition(" ")
    return found == first and re.search(others.replace(" ", ".* "), rest) is not None


@dataclass
class Scene:
    """Where a cause strikes, and the backups that are there."""

    folder: Path
    database: str
    patch: pytest.MonkeyPatch
    stack: ExitStack
    new: str = ""
    old: str = ""

    def set(self, name: str, value: str) -> None:
        """Change a setting."""
        self.patch.setenv(name, value)
        get_settings.cache_clear()

    def make(self, days_ago: float) -> str:
        """Make a backup with a clock that says so, and verify it."""
        with self.patch.context() as patch:
            patch.setattr(jobs, "utc_now", lambda: datetime.now(UTC) - timedelta(days=days_ago))
            name = jobs.create().path.name
        jobs.verify(name)
        engine.dispose()
        return name

    def migrate(self, works_with: str | None) -> Path:
        """Bring the tables to a migration of the project; return its file."""
        root = self.folder / "chains"
        root.mkdir()
        for chain in chains.both():
            copytree(chain.folder, root / chain.owner)
        folders = self.stack.enter_context(other_chains(root))
        table = "op.create_table('extra', sa.Column('id', sa.Integer()))"
        revision = append(folders.project, table, works_with=works_with)
        [path] = folders.project.glob(f"{revision}_*.py")
        return path


@pytest.fixture
def scene(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Prepare the folders of the data."""
    with ExitStack() as stack:
        found = Scene(tmp_path, database, monkeypatch, stack)
        found.set("BACKUP_DIR", str(tmp_path / "backups"))
        found.set("UPLOADS_DIR", str(tmp_path / "uploads"))
        found.set("BACKUP_KEEP_COUNT", "1")
        yield found


@pytest.mark.parametrize(("cause", "database", "expected"), rows(), indirect=["database"])
def test_what_each_command_answers(scene: Scene, cause: str, expected: dict[str, str]) -> None:
    strikes = globals()["_".join(re.findall("[a-z0-9]+", cause.lower()))](scene)
    add_notes(3)
    (scene.folder / "uploads").mkdir()
    (scene.folder / "uploads" / "noise").write_bytes(os.urandom(600_000))
    next(strikes)
    scene.old = scene.make(60)
    scene.new = scene.new or scene.make(40)
    add_notes(2)
    engine.dispose()
    found = next(strikes, None) or answers(scene.new, scene.old)
    scene.set("DATABASE_URL", scene.database)
    found["notes"] = str(len(notes()))

    assert found.pop("old") == "good"
    wrong = {title: text for title, text in found.items() if not is_said(expected[title], text)}
    assert not wrong, expected
    assert found.keys() == expected.keys()


# --- The causes: up to the first `yield` before the backups are made, then when they are there ----


def nothing(_scene: Scene) -> Iterator[None]:
    """Leave all as it should be."""
    yield


def wrong_key(scene: Scene) -> Iterator[None]:
    """Make the backups with a key that the command does not have."""
    scene.set("BACKUP_ENCRYPTION_KEY", KEY)
    yield
    scene.set("BACKUP_ENCRYPTION_KEY", OTHER_KEY)


def no_key(scene: Scene) -> Iterator[None]:
    """Make the backups with a key, and lose it."""
    scene.set("BACKUP_ENCRYPTION_KEY", KEY)
    yield
    scene.patch.delenv("BACKUP_ENCRYPTION_KEY")


def plain_key_is_set(scene: Scene) -> Iterator[None]:
    """Make the backups without a key: anybody may have written them."""
    yield
    scene.set("BACKUP_ENCRYPTION_KEY", KEY)


def database_away(scene: Scene) -> Iterator[None]:
    """Delete the file, or stop the server."""
    yield
    if make_url(scene.database).get_backend_name() == "sqlite":
        destroy(scene.database)
    else:
        scene.set("DATABASE_URL", "postgresql://app@127.0.0.1:1/app")


def older_code_fits(scene: Scene) -> Iterator[None]:
    """Roll the code back behind a migration that it gets along with."""
    path = scene.migrate(works_with="0001")
    migrate.upgrade()
    yield
    path.unlink()
    chains.migrations_in.cache_clear()


def older_code(scene: Scene) -> Iterator[None]:
    """Roll the code back behind a migration that breaks it."""
    path = scene.migrate(works_with=None)
    migrate.upgrade()
    yield
    path.unlink()
    chains.migrations_in.cache_clear()


def newer_code(scene: Scene) -> Iterator[None]:
    """Bring code with a migration that the database has not seen."""
    yield
    scene.migrate(works_with=None)


def truncated(scene: Scene) -> Iterator[None]:
    """Lose the end of the file."""
    yield
    path = scene.folder / "backups" / scene.new
    path.write_bytes(path.read_bytes()[:-100])


def flipped_byte(scene: Scene) -> Iterator[None]:
    """Change one byte."""
    yield
    path = scene.folder / "backups" / scene.new
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def flipped_with_key(scene: Scene) -> Iterator[None]:
    """Change one byte of an encrypted archive."""
    scene.set("BACKUP_ENCRYPTION_KEY", KEY)
    yield from flipped_byte(scene)


def renamed(scene: Scene) -> Iterator[None]:
    """Give an old backup the name of a newer one."""
    yield
    name = new_name(datetime.now(UTC) - timedelta(days=10), encrypted=False)
    (scene.folder / "backups" / scene.new).rename(scene.folder / "backups" / name)
    scene.new = name


def clock_ahead(scene: Scene) -> Iterator[None]:
    """Make a backup while the clock is two years ahead."""
    scene.new = scene.make(-730)
    yield


def full_disk(scene: Scene) -> Iterator[dict[str, str] | None]:
    """Move the backups to a disk without room."""
    yield None
    disk = scene.folder / "disk"
    scene.set("BACKUP_DIR", str(disk / "backups"))
    script = f"""
import json, shutil
from tests.chassis.unit.backups import answers
shutil.copytree({str(scene.folder / "backups")!r}, {str(disk / "backups")!r})
with open({str(disk / "filler")!r}, "wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)):
            pass
    except OSError:
        pass
print(json.dumps(answers({scene.new!r}, {scene.old!r})))
"""
    yield json.loads(on_small_disk(disk, 4, script))


def s3_refuses(scene: Scene) -> Iterator[None]:
    """Have a wrong secret."""
    yield
    server = scene.stack.enter_context(running_s3(scene.folder))
    scene.set("BACKUP_S3_URL", server.address("wrong"))


def s3_hangs(scene: Scene) -> Iterator[None]:
    """Ask a server that accepts and never answers."""
    yield
    silent = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = silent.getsockname()[1]
    scene.patch.setattr(s3, "ANSWER", timedelta(seconds=1))
    scene.set("BACKUP_S3_URL", f"http://key:secret@127.0.0.1:{port}/bucket")


def s3_dies_in_upload(scene: Scene) -> Iterator[None]:
    """Lose the connection in the middle of each upload."""
    yield
    server = scene.stack.enter_context(running_s3(scene.folder))
    scene.patch.setattr(s3, "RETRY", timedelta(seconds=1))
    scene.set("BACKUP_S3_URL", scene.stack.enter_context(cut_uploads(server)))
