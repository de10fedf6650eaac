"""The files of migrations: their order, which older code they break, and what is refused."""

import re
from pathlib import Path

import pytest
from chassis.database import chains, migrate
from chassis.database.chains import Chain, RevisionError

from .migrations import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for migrations."""
    return tmp_path / "migrations"


def chain_of(folder: Path) -> Chain:
    return Chain("project", folder, "alembic_version")


def test_alembic_and_we_agree_on_the_revisions(folder: Path) -> None:
    from alembic.script import ScriptDirectory

    write(folder, "0002", "0001")
    write(folder, "0001", None)
    write(folder, "0003", "0002")
    (folder / "__init__.py").touch()
    for chain in (*chains.both(), chain_of(folder)):
        scripts = list(
            ScriptDirectory(
                str(migrate.SCRIPTS), version_locations=[str(chain.folder)]
            ).walk_revisions()
        )
        assert scripts
        assert [script.revision for script in reversed(scripts)] == list(chain.revisions[1:])
        follows = [script.down_revision or "base" for script in reversed(scripts)]
        assert follows == [one.follows for one in chain.migrations]


@pytest.mark.parametrize("exists", [True, False])
def test_a_project_without_migrations(folder: Path, exists: bool) -> None:
    if exists:
        folder.mkdir()
    chain = chain_of(folder)
    assert (chain.head, chain.next_revision, chain.oldest_code("base")) == ("base", "0001", "base")


def test_the_lines_may_have_types(folder: Path) -> None:
    folder.mkdir()
    text = 'revision: str = "a1"\ndown_revision: str | None = None\n'
    (folder / "a1.py").write_text(text)
    assert chain_of(folder).revisions == ("base", "a1")
    assert chain_of(folder).next_revision == "0001"


@pytest.mark.parametrize(
    ("works_with", "oldest"),
    [
        ([None], "0001"),
        (["base"], "base"),
        ([None, "base"], "0001"),
        (["base", "base", "base"], "base"),
        (["base", None, "base"], "0002"),
        (["base", "base", "0001"], "0001"),
        (["base", "base", "0002"], "0002"),
        # What an older migration broke does not come back because a newer one says so.
        (["base", None, "0001"], "0002"),
        (["base", "0001", None], "0003"),
    ],
)
def test_the_oldest_code_that_works_with_the_tables(
    folder: Path, works_with: list[str | None], oldest: str
) -> None:
    for place, word in enumerate(works_with, start=1):
        follows = f"{place - 1:04}" if place > 1 else None
        write(folder, f"{place:04}", follows, works_with=word)
    chain = chain_of(folder)
    assert chain.oldest_code(chain.head) == oldest


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        # Two branches of the code that were merged, in each way that they can be.
        (
            ("0002", "0001", None),
            "0002_one.py and 0002_two.py in FOLDER have the same revision, 0002: give one of them"
            " the next number, in its name and as `revision`, and as `down_revision` the number of"
            " the one before",
        ),
        (
            ("0003", "0001", None),
            "0002_one.py and 0003_two.py in FOLDER both follow 0001: let one follow the other, by"
            " its `down_revision`",
        ),
        (
            ("0003", None, None),
            "0001_one.py and 0003_two.py in FOLDER both follow base: let one follow the other, by"
            " its `down_revision`",
        ),
        (
            ("0004", "0003", None),
            "FOLDER/0004_two.py follows 0003, to which no migration leads: correct its"
            " `down_revision`",
        ),
        (
            ("0003", "0003", None),
            "FOLDER/0003_two.py follows 0003, to which no migration leads: correct its"
            " `down_revision`",
        ),
        (
            ("0003", "0002", "0004"),
            "FOLDER/0003_two.py says `works_with = '0004'`: name a revision before it, or 'base'"
            " if it breaks no older code",
        ),
    ],
)
def test_what_is_no_chain_is_refused(
    folder: Path, second: tuple[str, str | None, str | None], problem: str
) -> None:
    write(folder, "0001", None, name="one")
    write(folder, "0002", "0001", name="one")
    revision, follows, works_with = second
    write(folder, revision, follows, works_with=works_with, name="two")
    with pytest.raises(RevisionError) as caught:
        _ = chain_of(folder).head
    assert str(caught.value) == problem.replace("FOLDER", str(folder))


@pytest.mark.parametrize(
    "text",
    ["", "revision = '0001'", "down_revision = None", "revision = 'c'\ndown_revision = ('a', 'b')"],
)
def test_what_is_no_migration_is_refused(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "notes.py").write_text(text)
    with pytest.raises(RevisionError, match=rf"^{re.escape(str(folder))}/notes.py is no migration"):
        _ = chain_of(folder).head
