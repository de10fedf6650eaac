"""What the tests of migrations share: chains of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from chassis.database import chains
from chassis.database.chains import Chain

VERSION_TABLES = {"chassis_version", "alembic_version"}


@dataclass(frozen=True)
class Folders:
    """The folders of the migrations of both chains."""

    chassis: Path
    project: Path

    def chains(self) -> tuple[Chain, Chain]:
        """Return what `chains.both` is to return."""
        return (
            Chain("chassis", self.chassis, "chassis_version"),
            Chain("project", self.project, "alembic_version"),
        )


@contextmanager
def other_chains(root: Path) -> Iterator[Folders]:
    """Let the migrations be those of two folders below `root`."""
    folders = Folders(root / "chassis", root / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "both", folders.chains)
        chains.migrations_in.cache_clear()
        yield folders
    chains.migrations_in.cache_clear()


def write(
    folder: Path,
    revision: str,
    follows: str | None,
    upgrade: str = "pass",
    downgrade: str = "pass",
    works_with: str | None = None,
    name: str = "test",
) -> Path:
    """Write a migration."""
    lines = [
        "import sqlalchemy as sa",
        "from alembic import op",
        f"revision = {revision!r}",
        f"down_revision = {follows!r}",
        *([f"works_with = {works_with!r}"] if works_with else []),
        "def upgrade():",
        *(f"    {line}" for line in upgrade.splitlines()),
        "def downgrade():",
        *(f"    {line}" for line in downgrade.splitlines()),
    ]
    folder.mkdir(exist_ok=True)
    path = folder / f"{revision}_{name}.py"
    path.write_text("\n".join(lines), encoding="utf-8")
    chains.migrations_in.cache_clear()
    return path


def append(
    folder: Path, upgrade: str, downgrade: str = "pass", works_with: str | None = None
) -> str:
    """Write a migration that follows the newest one; return its revision."""
    [chain] = [chain for chain in chains.both() if chain.folder == folder]
    follows = None if chain.head == chains.BASE else chain.head
    new = chain.next_revision
    write(folder, new, follows, upgrade, downgrade, works_with)
    return new
