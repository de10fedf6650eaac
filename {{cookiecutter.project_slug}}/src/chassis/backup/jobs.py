"""What can be done with backups: make, list, verify, restore and prune them."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import NullPool

from .. import project
from ..database import in_use, revisions
from ..database.engine import clear_errors, new_engine
from ..database.tables import utc_now
from ..settings import get_settings
from . import BackupError, DamageError, archive, checking, places, uploads
from .contents import Contents
from .folder import Folder, created_at, is_from_the_future, new_name, past
from .manifest import DATABASE, UPLOADS, Manifest
from .retention import expired
from .state import Place, Verdict


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
    verdict: Verdict
    is_ignored: bool  # its name is from the future


@dataclass(frozen=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    safety: Path | None  # the backup of what was there before
    aside: tuple[Path, ...]  # what was there before and could not be backed up
    needs_upgrade: bool


@dataclass(frozen=True)
class Old:
    """What `prune` decided about an old backup."""

    name: str
    kept: str  # why; "" if it may go


def create() -> Made:
    """Make a backup, here and in the bucket."""
    with _errors(), _locked() as folder:
        made = _create(folder)
        if bucket := places.bucket():
            try:
                bucket.upload(made.path, made.path.name)
            except BackupError as error:
                raise BackupError(f"{made.path} was made, but not copied: {error}") from None
        state = folder.state()
        now = utc_now().timestamp()
        folder.save(state.model_copy(update={"last_success": now}))
    return made


def entries(place: Place) -> list[Entry]:
    """Return the backups in a place, the newest first."""
    with _errors():
        folder = places.folder()
        sizes, state = _sizes(folder, place), folder.state()
    return [
        Entry(
            name,
            created_at(name),
            size,
            state.verdict(place, name),
            is_from_the_future(name),
        )
        for name, size in sizes.items()
    ]


def verify(wanted: str | None, *, allow_plain: bool = False) -> tuple[str, Manifest]:
    """Restore a backup, the newest one if none is named, beside the app, and compare."""
    with _errors(), _locked() as folder, folder.workplace() as work:
        path, place = _find(folder, wanted, work)
        try:
            with _errors():
                manifest = checking.open_archive(path, work, allow_plain=allow_plain)
                checking.compare(manifest, work)
        except DamageError as error:
            _remember(folder, place, path.name, Verdict(good=False, reason=str(error)))
            raise
        except BackupError as error:
            _remember(folder, place, path.name, Verdict(reason=str(error)))
            raise
        _remember(folder, place, path.name, Verdict(good=True))
    return path.name, manifest


def restore(wanted: str, *, allow_plain: bool = False) -> Restored:
    """Replace database and uploaded files by those of a backup: all of them or nothing."""
    with _errors(), _locked() as folder, folder.workplace() as work:
        path, _ = _find(folder, wanted, work)
        manifest = checking.open_archive(path, work, allow_plain=allow_plain)
        url, kind = places.database()
        with clear_errors(), in_use.alone(new_engine(url, poolclass=NullPool)):
            safety, aside = None, []
            if kind.is_lost(url):
                aside = kind.set_aside(url, f"lost-{utc_now():%Y%m%dT%H%M%SZ}")
            else:
                safety = _create(folder).path
            # What can fail for want of space comes first, what cannot comes last.
            with uploads.prepared(places.uploads(), work / UPLOADS) as new_uploads:
                kind.load(url, work / DATABASE)
                uploads.replace(places.uploads(), new_uploads)
    status = revisions.status_of(manifest.revision, manifest.oldest_code)
    return Restored(manifest, safety, tuple(aside), status not in revisions.FITTING)


def prune(place: Place, *, dry_run: bool) -> list[Old]:
    """Delete old backups in a place; return all old ones, and why some of them are kept."""
    settings = get_settings()
    with _errors(), _locked() as folder:
        names = list(_sizes(folder, place))
        reasons = expired(
            past(names),
            folder.state().proven(place, names),
            utc_now(),
            keep=timedelta(days=settings.backup_keep_days),
            keep_count=settings.backup_keep_count,
        )
        going = [] if dry_run else [name for name, kept in reasons.items() if not kept]
        for name in going:
            if bucket := places.bucket() if place == "s3" else None:
                bucket.delete(name)
            else:
                (folder.path / name).unlink()
        folder.save(folder.state().only(place, set(names).difference(going)))
    ahead = [Old(name, "its name is from the future") for name in names if is_from_the_future(name)]
    return ahead + [Old(name, kept) for name, kept in reasons.items()]


def _sizes(folder: Folder, place: Place) -> dict[str, int]:
    """Return the archives in a place, the newest first, with their size in bytes."""
    if place == "here":
        return {name: (folder.path / name).stat().st_size for name in folder.names()}
    bucket = places.bucket()
    return bucket.sizes() if bucket else {}


def _create(folder: Folder) -> Made:
    """Make a backup in the folder."""
    url, kind = places.database()
    keys, now = places.keys(), utc_now()
    with folder.workplace() as work:
        # The database first: a file that one of its rows names is then still there.
        contents: Contents = kind.dump(url, work / DATABASE)
        manifest = Manifest(
            app=project.current().package,
            app_version=project.current().version,
            database=url.get_backend_name(),
            revision=contents.revision,
            oldest_code=contents.oldest_code,
            created_at=now,
            rows=contents.rows,
        )
        complete = work / "archive"
        count = archive.write(complete, manifest, work / DATABASE, places.uploads(), keys)
        name = new_name(now, encrypted=keys is not None)
        folder.take(complete, name)
    path = folder.path / name
    return Made(path, sum(contents.rows.values()), count, path.stat().st_size)


def _find(folder: Folder, wanted: str | None, work: Path) -> tuple[Path, Place | None]:
    """Return path and place of an archive, which is fetched from the bucket if it is only there."""
    if wanted is not None and "/" in wanted:
        path = Path(wanted).absolute()
        _refuse_unreadable(path, folder)
        return path, "here" if path.parent == folder.path.absolute() else None
    here, bucket, command = folder.names(), places.bucket(), project.current().command_line
    if wanted in here:
        return folder.path / wanted, "here"
    if wanted is None and past(here):
        return folder.path / past(here)[0], "here"
    there = list(bucket.sizes()) if bucket else []
    if wanted is None and not past(there):
        ahead = len({*here, *there})
        ignored = f" ({ahead} from the future are ignored: is the clock right?)" if ahead else ""
        raise BackupError(
            f"there are no backups yet{ignored}: make one with `{command} backup create`"
        )
    name = wanted or past(there)[0]
    if bucket is None or name not in there:
        raise BackupError(f"there is no backup {name}: see `{command} backup list`")
    bucket.download(name, work / name)
    return work / name, "s3"


def _refuse_unreadable(path: Path, folder: Folder) -> None:
    """Say where a file belongs: a service sees other folders than the operator does."""
    try:
        path.open("rb").close()
    except OSError as error:
        user = pwd.getpwuid(os.geteuid()).pw_name
        raise BackupError(
            f"{path}: {error.strerror}, as the user {user} sees it. Bring it to the other backups,"
            f" `install -o {user} -m 600 FILE {folder.path.absolute()}/`, and use its name alone"
        ) from None


def _remember(folder: Folder, place: Place | None, name: str, found: Verdict) -> None:
    """Note the result of a check of an archive that is in one of our places."""
    if place:
        folder.save(folder.state().after(place, name, found))


@contextmanager
def _locked() -> Iterator[Folder]:
    folder = places.folder()
    with folder.locked():
        uploads.recover(places.uploads())
        yield folder


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise BackupError(f"{error.strerror or error}{where}") from None
