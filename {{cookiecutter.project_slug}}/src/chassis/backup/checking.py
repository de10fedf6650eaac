"""Whether an archive is what its name says, is for this app, and gives back what it was made of."""

from pathlib import Path

from .. import project
from ..database import revisions
from . import BackupError, DamageError, archive, places
from .contents import Contents
from .folder import new_name
from .manifest import DATABASE, Manifest


def open_archive(path: Path, work: Path, *, allow_plain: bool) -> Manifest:
    """Unpack an archive that this app can use into an empty folder; return its manifest."""
    manifest = archive.unpack(path, work, places.keys(), allow_plain=allow_plain)
    _refuse_foreign(manifest)
    _refuse_renamed(path, manifest)
    return manifest


def compare(manifest: Manifest, work: Path) -> None:
    """Restore the database into one of its own and compare it with the manifest."""
    url, kind = places.database()
    with kind.scratch(url, work) as scratch:
        kind.load(scratch, work / DATABASE)
        found: Contents = kind.contents(scratch)
    if found.revision != manifest.revision:
        text = f"revision {found.revision} came back instead of {manifest.revision}"
        raise DamageError(f"the backup is not good: {text}")
    if found.rows != manifest.rows:
        table = min(name for name, _ in found.rows.items() ^ manifest.rows.items())
        before, after = manifest.rows.get(table, "no table"), found.rows.get(table, "no table")
        raise DamageError(f"the backup is not good: {table} had {before} rows, now {after}")


def _refuse_foreign(manifest: Manifest) -> None:
    url, _ = places.database()
    ours = project.current()
    if manifest.app != ours.package:
        raise BackupError(f"the backup is of the app {manifest.app}, this is {ours.package}")
    if manifest.database != url.get_backend_name():
        raise BackupError(
            f"the backup is of {manifest.database}, but DATABASE_URL is {url.get_backend_name()}"
        )
    if revisions.status_of(manifest.revision, manifest.oldest_code) == "ahead":
        raise BackupError(
            f"the backup is at revision {manifest.revision}, which this version of the app,"
            f" {ours.version}, does not know: it needs code of revision {manifest.oldest_code} or"
            f" newer, and has {revisions.head()}. Version {manifest.app_version} made the backup"
        )


def _refuse_renamed(path: Path, manifest: Manifest) -> None:
    """An old archive with the name of a newer one would pass for that."""
    name = new_name(manifest.created_at, encrypted=path.suffix == archive.ENCRYPTED)
    if path.name != name:
        raise BackupError(f"{path.name} was made as {name}: give it that name again")
