"""What can be done with backups: make, list, verify, restore and prune them."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Final

from sqlalchemy import URL, make_url

from .. import project
from ..database import revisions
from ..settings import get_settings
from . import BackupError, archive, postgresql, sqlite, uploads
from .archive import Manifest
from .contents import Contents
from .folder import Folder, created_at, new_name
from .retention import expired
from .s3 import Bucket

KINDS: Final = {"sqlite": sqlite, "postgresql": postgresql}


@dataclass(frozen=True)
class Made:
    """A new backup."""

    path: Path
    rows: int
    uploads: int
    size: int


@dataclass(frozen=True)
class Entry:
    """A backup as `list` shows it."""

    name: str
    created_at: datetime
    size: int
    places: tuple[str, ...]
    verified: bool | None


@dataclass(frozen=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    safety: Path | None  # the backup of what was there before
    aside: tuple[Path, ...]  # what was there before and could not be backed up
    needs_upgrade: bool


def create() -> Made:
    """Make a backup, here and in the bucket."""
    with _errors(), _locked() as folder:
        made = _create(folder)
        if bucket := _bucket():
            try:
                bucket.upload(made.path, made.path.name)
            except BackupError as error:
                raise BackupError(f"{made.path} was made, but not copied: {error}") from None
        state = folder.state()
        now = datetime.now(UTC).timestamp()
        folder.save(state.model_copy(update={"last_success": now}))
    return made


def entries() -> tuple[list[Entry], str]:
    """Return all backups, the newest first, and why those in the bucket are missing if they are."""
    with _errors():
        folder = _folder()
        verified = folder.state().verified
        here = {name: (folder.path / name).stat().st_size for name in folder.names()}
    there, problem = {}, ""
    if bucket := _bucket():
        try:
            there = bucket.sizes()
        except BackupError as error:  # a reason more to know what is here
            problem = str(error)
    found = [
        Entry(
            name,
            created_at(name),
            here.get(name, there.get(name, 0)),
            tuple(place for place, names in (("here", here), ("s3", there)) if name in names),
            verified.get(name),
        )
        for name in sorted({*here, *there}, reverse=True)
    ]
    return found, problem


def verify(wanted: str | None) -> tuple[str, Manifest]:
    """Restore a backup, the newest one if none is named, beside the app, and compare."""
    with _errors(), _locked() as folder, folder.workplace() as work:
        path = _find(folder, wanted, work)
        try:
            manifest = archive.unpack(path, work, _keys())
            _refuse_foreign(manifest)
            _compare(manifest, work)
        except BackupError:
            _remember(folder, path.name, good=False)
            raise
        _remember(folder, path.name, good=True)
    return path.name, manifest


def restore(wanted: str) -> Restored:
    """Replace database and uploaded files by those of a backup: all of them or nothing."""
    with _errors(), _locked() as folder, folder.workplace() as work:
        path = _find(folder, wanted, work)
        manifest = archive.unpack(path, work, _keys())
        _refuse_foreign(manifest)
        url, kind = _database()
        if processes := kind.users(url):
            raise BackupError(f"stop the app first: {', '.join(processes)} uses the database")
        safety, aside = None, []
        if kind.is_lost(url):
            aside = kind.set_aside(url, f"lost-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        else:
            safety = _create(folder).path
        # What can fail for want of space comes first, what cannot comes last.
        with uploads.prepared(_uploads(), work / archive.UPLOADS) as new_uploads:
            kind.load(url, work / archive.DATABASE)
            uploads.replace(_uploads(), new_uploads)
    return Restored(manifest, safety, tuple(aside), manifest.revision != revisions.head())


def prune(*, dry_run: bool) -> list[tuple[str, str]]:
    """Delete old backups; return the place and the name of each."""
    settings = get_settings()
    keep = timedelta(days=settings.backup_keep_days)
    with _errors(), _locked() as folder:
        verified, now = folder.state().verified, datetime.now(UTC)

        def old(names: list[str]) -> list[str]:
            count = settings.backup_keep_count
            return expired(names, verified, now, keep=keep, keep_count=count)

        deleted = [("here", name) for name in old(folder.names())]
        bucket = _bucket()
        if bucket:
            deleted += [("s3", name) for name in old(list(bucket.sizes()))]
        for place, name in () if dry_run else deleted:
            if place == "here":
                (folder.path / name).unlink()
            elif bucket:
                bucket.delete(name)
    return deleted


def _create(folder: Folder) -> Made:
    """Make a backup in the folder."""
    url, kind = _database()
    keys, now = _keys(), datetime.now(UTC)
    with folder.workplace() as work:
        # The database first: a file that one of its rows names is then still there.
        contents: Contents = kind.dump(url, work / archive.DATABASE)
        manifest = Manifest(
            app=project.current().package,
            app_version=project.current().version,
            database=url.get_backend_name(),
            revision=contents.revision,
            created_at=now,
            rows=contents.rows,
        )
        complete = work / "archive"
        count = archive.write(complete, manifest, work / archive.DATABASE, _uploads(), keys)
        name = new_name(now, encrypted=keys is not None)
        folder.take(complete, name)
    path = folder.path / name
    return Made(path, sum(contents.rows.values()), count, path.stat().st_size)


def _find(folder: Folder, wanted: str | None, work: Path) -> Path:
    """Return the path of an archive, which is fetched from the bucket if it is only there."""
    if wanted is not None and "/" in wanted:
        if not Path(wanted).is_file():
            raise BackupError(f"there is no file {wanted}")
        return Path(wanted)
    here, bucket, command = folder.names(), _bucket(), project.current().command_line
    if wanted in here or (wanted is None and here):
        return folder.path / (wanted or here[0])
    there = list(bucket.sizes()) if bucket else []
    if wanted is None and not there:
        raise BackupError(f"there are no backups yet: make one with `{command} backup create`")
    name = wanted or there[0]
    if bucket is None or name not in there:
        raise BackupError(f"there is no backup {name}: see `{command} backup list`")
    bucket.download(name, work / name)
    return work / name


def _refuse_foreign(manifest: Manifest) -> None:
    url, _ = _database()
    app = project.current().package
    if manifest.app != app:
        raise BackupError(f"the backup is of the app {manifest.app}, this is {app}")
    if manifest.database != url.get_backend_name():
        raise BackupError(
            f"the backup is of {manifest.database}, but DATABASE_URL is {url.get_backend_name()}"
        )
    if not revisions.is_known(manifest.revision):
        raise BackupError(
            f"the backup is at revision {manifest.revision}, which this version of the app does not"
            f" know: use version {manifest.app_version} or newer"
        )


def _compare(manifest: Manifest, work: Path) -> None:
    """Restore the database into one of its own and compare it with the manifest."""
    url, kind = _database()
    with kind.scratch(url, work) as scratch:
        kind.load(scratch, work / archive.DATABASE)
        found: Contents = kind.contents(scratch)
    if found.revision != manifest.revision:
        text = f"revision {found.revision} came back instead of {manifest.revision}"
        raise BackupError(f"the backup is not good: {text}")
    if found.rows != manifest.rows:
        table = min(name for name, _ in found.rows.items() ^ manifest.rows.items())
        before, after = manifest.rows.get(table, "no table"), found.rows.get(table, "no table")
        raise BackupError(f"the backup is not good: {table} had {before} rows, now {after}")


def _remember(folder: Folder, name: str, *, good: bool) -> None:
    """Note the result of a check, and forget those of archives that are gone."""
    state, known = folder.state(), {name, *folder.names()}
    if bucket := _bucket():
        with contextlib.suppress(BackupError):
            known |= bucket.sizes().keys()
    verified = {key: value for key, value in state.verified.items() if key in known}
    update: dict[str, object] = {"verified": {**verified, name: good}}
    if good:
        update["last_verified"] = datetime.now(UTC).timestamp()
    folder.save(state.model_copy(update=update))


@contextmanager
def _locked() -> Iterator[Folder]:
    folder = _folder()
    with folder.locked():
        uploads.recover(_uploads())
        yield folder


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise BackupError(f"{error.strerror or error}{where}") from None


def _database() -> tuple[URL, ModuleType]:
    url = make_url(get_settings().database_url.get_secret_value())
    return url, KINDS[url.get_backend_name()]


def _folder() -> Folder:
    return Folder(get_settings().backup_dir)


def _uploads() -> Path:
    return get_settings().uploads_dir


def _bucket() -> Bucket | None:
    url = get_settings().backup_s3_url
    return Bucket(url.get_secret_value()) if url else None


def _keys() -> str | None:
    keys = get_settings().backup_encryption_key
    return keys.get_secret_value() if keys else None
