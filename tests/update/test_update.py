"""A project that was made from an older template and edited since takes over what is new."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from baking import (
    PROJECT_FOLDER,
    ROOT,
    Baker,
    commit_all,
    edit,
    git,
    path_with_uv,
    run,
)

TEAM = "src/my_internal_tool"
TEAM_OF_THE_TEMPLATE = "src/{{cookiecutter.package_name}}"
CHASSIS = ("src/chassis", "tests/chassis")
TAGS_TO_TEST = 3


def clone_of(template: Path, folder: Path) -> Path:
    """Return a clone of the template to make changes in."""
    git("clone", "--quiet", str(template), str(folder / "template"), cwd=folder)
    return folder / "template"


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """Return a clone of the template to make changes in."""
    return clone_of(template, tmp_path)


@pytest.fixture
def project(bake: Baker, clone: Path, tmp_path: Path) -> Path:
    """Return a project, committed, that was made from the clone."""
    return made(bake, clone, tmp_path)


def made(bake: Baker, template: str | Path, folder: Path, *answers: str) -> Path:
    """Make a project from a template, and commit it."""
    done = bake.command(*answers, cwd=folder, template=template)
    assert done.returncode == 0, done.stdout + done.stderr
    commit_all(folder / "my-internal-tool", "As baked")
    return folder / "my-internal-tool"


def cruft(*arguments: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run cruft in a project, in a home without any settings."""
    return run(sys.executable, "-m", "cruft", *arguments, cwd=project, HOME=str(project.parent))


def update(project: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run what `make template-update` runs first, in an environment that has cruft."""
    program = (sys.executable, "-m", "chassis.template.update", *arguments)
    return run(*program, cwd=project, HOME=str(project.parent), PYTHONPATH="src", **env)


def verb(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a verb of a project."""
    return run("make", "--no-print-directory", *arguments, cwd=project, PATH=path_with_uv())


def succeed(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a program has printed that must have succeeded."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(path: Path, text: str) -> None:
    """Write a new file, and the folders around it."""
    assert not path.exists(), path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def append(path: Path, text: str) -> None:
    """Add lines to the end of a file."""
    assert path.is_file(), path
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def contents(folder: Path, *names: str) -> dict[str, bytes]:
    """Return the files below some names by path, also new ones; without what git ignores."""
    options = ("-z", "--cached", "--others", "--exclude-standard")
    listed = git("ls-files", *options, "--", *names, cwd=folder).split("\0")
    return {name: (folder / name).read_bytes() for name in listed if (folder / name).is_file()}


def has_the_chassis_of(clone: Path, project: Path) -> bool:
    """Tell whether the chassis is that of the template, to the byte."""
    wanted = contents(clone / PROJECT_FOLDER, *CHASSIS)
    return bool(wanted) and contents(project, *CHASSIS) == wanted


def of_the_team(project: Path) -> dict[str, bytes]:
    """Return the files that are the team's."""
    folders = (TEAM, "tests", ":!tests/chassis")
    documents = ("README.md", "CHANGELOG.md", "AGENTS.md")
    return contents(project, *folders, *documents, *PLACES)


# What a team and its operators write instead of an edit, as docs/updates.md lists it.
PLACES = {
    "local.mk": "own-verb: ## Ours\n\t@echo ours\n",
    ".github/workflows/nightly.yml": "on: {schedule: [{cron: '1 1 * * *'}]}\n",
    ".gitlab-ci.local.yml": "nightly: {script: [make ci-all]}\n",
    "compose.override.yaml": "services: {redis: {labels: {team: sales}}}\n",
    "deploy/nginx/local/hello.conf": 'location = /hello { return 200 "ours"; }\n',
    "deploy/docker/packages.txt": "graphviz\n",
    "docs/runbook.local.md": "Call Ann.\n",
}
ORDERS = '''\
"""Orders."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from chassis import Base


class Order(Base):
    """What a customer wants."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(String(200))
'''
PAGE = '''\
"""Orders: the page."""

import streamlit as st

from chassis import _

st.title(_("Orders of our customers"))
'''
MIGRATION = '''\
"""One more table."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables forward."""
    op.create_table(
        "{table}",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_{table}")),
    )


def downgrade() -> None:
    """Bring the tables back."""
    op.drop_table("{table}")
'''
APP = '''\
"""This tool on one page: what it consists of."""

import chassis
from chassis import Chassis, Page, _
from pydantic import Field


class Settings(chassis.Settings):
    """What can be configured beside what the chassis knows."""

    erp_url: str = Field(default="", description="Where the ERP is.", examples=["https://erp"])


def menu() -> list[Page]:
    """Return the pages in the order of the menu."""
    return [Page("pages/orders.py", _("Orders"), default=True)]


project = Chassis(
    __name__,
    name="My Internal Tool",
    command="my-internal-tool",
    menu=menu,
    languages={"en": "English", "ko": "한국어"},
    settings=Settings,
)

main = project.main
'''


def move_like_a_team(project: Path) -> None:
    """Do what teams do: delete the example, and add one of each kind. Nothing is committed."""
    package = project / TEAM
    shutil.rmtree(package / "records")
    shutil.rmtree(package / "migrations")
    shutil.rmtree(package / "pages")
    for example in [package / "demo_sales.py", *(project / "tests").glob("test_*.py")]:
        example.unlink()
    write(package / "pages/orders.py", PAGE)
    write(package / "orders.py", ORDERS)
    migration = MIGRATION.format(revision="0001", before=None, table="orders")
    write(package / "migrations/0001_orders.py", migration)
    (package / "app.py").write_text(APP, "utf-8")
    write(project / "tests/test_orders.py", "def test_orders() -> None:\n    pass\n")
    for document in ("README.md", "CHANGELOG.md"):
        (project / document).write_text("# Orders\n\nAll ours.\n", "utf-8")
    append(project / "AGENTS.md", "\nOrders are never deleted.\n")
    for name, text in PLACES.items():
        (project / name).unlink(missing_ok=True)  # a list that is baked empty
        write(project / name, text)
    last = "    # Yours, one a line, stand between here and the end of the list:\n"
    edit(project / "pyproject.toml", last, f'{last}    "humanize>=4",\n')


def translate(project: Path) -> None:
    """Translate the text of the team's page, with the verb for that."""
    succeed(verb(project, "messages"))
    catalogue = project / TEAM / "locale/ko/LC_MESSAGES/messages.po"
    edit(
        catalogue,
        'msgid "Orders of our customers"\nmsgstr ""\n',
        'msgid "Orders of our customers"\nmsgstr "고객 주문"\n',
    )
    succeed(verb(project, "messages"))


def move_like_the_template(clone: Path) -> None:
    """Commit what a new version of the template may bring."""
    project = clone / PROJECT_FOLDER
    chassis = project / "src/chassis"
    edit(chassis / "health.py", "CACHE_SECONDS: Final = 5.0", "CACHE_SECONDS: Final = 6.0")
    write(chassis / "news.py", '"""New."""\n')
    write(project / "tests/chassis/unit/test_news.py", "def test_news() -> None:\n    pass\n")
    setting = '    app_colour: str = Field(default="blue", description="The colour of the app.")\n'
    debug = "    app_debug: bool = Field(\n"
    edit(chassis / "settings/model.py", debug, setting + debug)
    migration = MIGRATION.format(revision="0002", before='"0001"', table="chassis_news")
    write(chassis / "database/migrations/versions/0002_news.py", migration)
    succeed(run(sys.executable, "tools/manifest.py", cwd=clone))
    # What both sides write, what is generated, and what is the template's alone.
    edit(
        project / "pyproject.toml",
        '    "websockets",\n',
        '    "websockets",\n    "tomlkit>=0.13",\n',
    )
    append(project / ".env.example", "\n# From the template, and not from what both sides have.\n")
    append(project / "requirements.txt", "# From the template.\n")
    append(project / "Makefile", "# New in the template.\n")
    write(project / "deploy/docker/news", "new\n")
    (project / ".editorconfig").rename(project / ".editorconfig.sample")
    # What is the team's: nothing of it must come.
    for document in ("README.md", "CHANGELOG.md", "AGENTS.md"):
        append(project / document, "New in the template.\n")
    append(project / TEAM_OF_THE_TEMPLATE / "app.py", "# New in the template.\n")
    write(project / TEAM_OF_THE_TEMPLATE / "pages/news.py", '"""New."""\n')
    write(project / "tests/test_news.py", "def test_news() -> None:\n    pass\n")
    commit_all(clone, "A new version")


@pytest.fixture(scope="module")
def folder(bake: Baker, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the new template, and the project of a team beside it."""
    folder = tmp_path_factory.mktemp("both")
    clone = clone_of(template, folder)
    project = made(bake, clone, folder, "languages=en,ko")
    move_like_a_team(project)
    succeed(verb(project, "lock"))
    translate(project)
    commit_all(project, "Ours")
    move_like_the_template(clone)
    return folder


@pytest.fixture(scope="module")
def team(folder: Path) -> dict[str, bytes]:
    """Return the team's files before the update."""
    files = of_the_team(folder / "my-internal-tool")
    assert len(files) > 10
    return files


@pytest.fixture(scope="module")
def updated(folder: Path, team: dict[str, bytes]) -> Path:
    """Return the project after the update."""
    assert team
    project = folder / "my-internal-tool"
    printed = succeed(verb(project, "template-update"))
    assert "Updated from " in printed
    return project


def test_nothing_is_left_to_settle(updated: Path) -> None:
    assert git("ls-files", "--others", "*.rej", "*.orig", ":!.venv", cwd=updated) == ""
    assert git("diff", "--name-only", "--diff-filter=U", cwd=updated) == ""


def test_nothing_of_the_teams_is_touched(updated: Path, team: dict[str, bytes]) -> None:
    assert of_the_team(updated) == team


def test_a_verb_of_the_teams_still_works(updated: Path) -> None:
    assert succeed(verb(updated, "own-verb")) == "ours\n"


def test_the_chassis_is_that_of_the_template(folder: Path, updated: Path) -> None:
    assert has_the_chassis_of(folder / "template", updated)
    assert succeed(verb(updated, "template-diff")) == "The chassis is as the template has it.\n"


def test_what_is_the_templates_comes(folder: Path, updated: Path) -> None:
    assert (updated / "deploy/docker/news").read_text() == "new\n"
    assert (updated / "Makefile").read_text().endswith("# New in the template.\n")
    assert (updated / ".editorconfig.sample").is_file()
    assert not (updated / ".editorconfig").exists()
    record = json.loads((updated / ".cruft.json").read_text())
    assert record["commit"] == git("rev-parse", "HEAD", cwd=folder / "template")
    assert record["template"] == str(folder / "template")


def test_both_sides_have_their_dependency(updated: Path) -> None:
    wanted = (updated / "pyproject.toml").read_text()
    assert '"tomlkit>=0.13"' in wanted
    assert '"humanize>=4"' in wanted


def test_what_is_generated_is_written_again(updated: Path) -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        locked = (updated / name).read_text()
        assert "\ntomlkit==" in locked
        assert "\nhumanize==" in locked
        assert "From the template" not in locked
    example = (updated / ".env.example").read_text()
    assert "# APP_COLOUR=blue\n" in example
    assert "# ERP_URL=https://erp\n" in example
    assert "From the template" not in example
    succeed(verb(updated, "lock-check"))


def test_the_database_gets_what_both_sides_add(updated: Path) -> None:
    command = (updated / ".venv/bin/my-internal-tool", "db")
    succeed(run(*command, "upgrade", cwd=updated))
    succeed(run(*command, "current", cwd=updated))
    with closing(sqlite3.connect(updated / "data/app.db")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    assert {"orders", "chassis_news"} <= tables


def test_a_second_update_has_nothing_to_do(updated: Path) -> None:
    commit_all(updated, "Updated")
    succeed(verb(updated, "template-update"))
    assert git("status", "--porcelain", cwd=updated) == ""


def test_an_edited_chassis_is_refused_by_name(project: Path, clone: Path) -> None:
    append(project / "src/chassis/health.py", "# Ours.\n")
    write(project / "tests/chassis/unit/test_ours.py", "")
    (project / "src/chassis/machine.py").unlink()
    commit = commit_all(project, "Ours, in the wrong place")
    move_like_the_template(clone)
    done = update(project)
    assert done.returncode == 1
    assert done.stdout == ""
    [sentence, *names] = done.stderr.splitlines()
    assert "REPLACE=1" in sentence
    assert "make template-diff" in sentence
    # What was deleted is not lost by an update.
    assert names == ["  src/chassis/health.py", "  tests/chassis/unit/test_ours.py"]
    assert git("status", "--porcelain", cwd=project) == ""
    assert git("rev-parse", "HEAD", cwd=project) == commit

    assert "--replace" not in verb(project, "-n", "template-update").stdout
    assert "--replace" in verb(project, "-n", "template-update", "REPLACE=1").stdout
    succeed(update(project, "--replace"))
    assert has_the_chassis_of(clone, project)


def test_the_diff_shows_what_was_edited(project: Path, clone: Path) -> None:
    append(project / "src/chassis/health.py", "# Ours.\n")
    (project / "src/chassis/machine.py").unlink()
    program = (sys.executable, "-m", "chassis.template.diff")
    done = run(*program, cwd=project, PYTHONPATH="src")
    names = ["src/chassis/health.py (edited)", "src/chassis/machine.py (missing)"]
    assert done.stdout.splitlines()[:2] == names
    assert "\n+# Ours.\n" in done.stdout
    assert "\n-import psutil\n" in done.stdout
    assert (done.stderr, done.returncode) == ("", 0)

    clone.rename(clone.with_name("away"))
    done = run(*program, cwd=project, PYTHONPATH="src")
    assert (done.stdout.splitlines(), done.returncode) == (names, 0)
    assert done.stderr.startswith(f"Cannot get the template {clone}: ")
    assert done.stderr.count("\n") == 1


def test_a_deleted_file_of_the_chassis_comes_back(project: Path, clone: Path) -> None:
    (project / "src/chassis/machine.py").unlink()
    shutil.rmtree(project / "tests/chassis")
    commit_all(project)
    succeed(update(project))
    assert has_the_chassis_of(clone, project)


def test_a_deleted_file_of_the_template_stays_deleted(project: Path, clone: Path) -> None:
    (project / "docs/platforms.md").unlink()
    commit_all(project)
    append(clone / PROJECT_FOLDER / "docs/platforms.md", "New.\n")
    append(clone / PROJECT_FOLDER / "docs/data.md", "New.\n")
    commit_all(clone)
    succeed(update(project))
    assert not (project / "docs/platforms.md").exists()
    assert (project / "docs/data.md").read_text().endswith("New.\n")


@pytest.mark.parametrize("name", ["Makefile", "Makefile.rej"])
def test_lines_that_both_changed_are_named(project: Path, clone: Path, name: str) -> None:
    """Git merges where it knows the file as it was baked, and rejects lines where it does not."""
    line = "DOCKER := docker\n"
    edit(project / "Makefile", line, "DOCKER := podman\n")
    if name.endswith(".rej"):
        shutil.rmtree(project / ".git")
    commit_all(project)
    edit(clone / PROJECT_FOLDER / "Makefile", line, "DOCKER := nerdctl\n")
    move_like_the_template(clone)
    done = update(project)
    assert (done.stdout, done.returncode) == ("", 1)
    [sentence, *names] = done.stderr.splitlines()
    assert "changed the same lines" in sentence
    assert names == [f"  {name}"]

    git("checkout", "HEAD", "Makefile", cwd=project)
    (project / "Makefile.rej").unlink(missing_ok=True)
    commit_all(project, "Settled")
    succeed(update(project))
    assert has_the_chassis_of(clone, project)
    assert (project / "deploy/docker/news").exists()


def test_a_file_that_both_added_is_named(project: Path, clone: Path) -> None:
    write(project / "docs/faq.md", "ours\n")
    commit_all(project)
    write(clone / PROJECT_FOLDER / "docs/faq.md", "the template's\n")
    move_like_the_template(clone)
    done = update(project)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.splitlines()[1:] == ["  docs/faq.md"]
    assert "\nours\n" in (project / "docs/faq.md").read_text()
    assert (project / "deploy/docker/news").exists()


@pytest.mark.parametrize(
    ("step", "way_out"), [("apply -3", "stash"), ("diff --name-only", "commit")]
)
def test_a_killed_update_can_be_repeated(
    project: Path, clone: Path, tmp_path: Path, step: str, way_out: str
) -> None:
    """It is killed when git has applied the changes, and when it has looked for conflicts."""
    move_like_the_template(clone)
    deadly = tmp_path / "bin/git"
    git_itself = shutil.which("git")
    write(deadly, f'''#!/bin/sh\n{git_itself} "$@"\n[ "$1 $2" != "{step}" ] || kill -9 0\n''')
    deadly.chmod(0o755)
    killed = subprocess.Popen(
        [sys.executable, "-m", "chassis.template.update"],
        cwd=project,
        env={**os.environ, "PATH": f"{deadly.parent}:{os.environ['PATH']}", "PYTHONPATH": "src"},
        start_new_session=True,
    )
    assert killed.wait() == -signal.SIGKILL
    done = update(project)
    assert done.returncode == 1
    assert "an interrupted update" in done.stderr
    assert "git stash -u" in done.stderr
    assert done.stderr.count("\n") == 1

    if way_out == "stash":
        git("stash", "--include-untracked", cwd=project)
    else:
        commit_all(project)
    succeed(update(project))
    assert has_the_chassis_of(clone, project)
    assert (project / "deploy/docker/news").exists()
    assert json.loads((project / ".cruft.json").read_text())["commit"] == git(
        "rev-parse", "HEAD", cwd=clone
    )


def test_what_stops_an_update_is_one_line(project: Path, clone: Path) -> None:
    def refusal(*arguments: str) -> str:
        done = update(project, *arguments)
        assert (done.stdout, done.returncode, done.stderr.count("\n")) == ("", 1, 1), done.stderr
        return done.stderr

    assert "v9" in refusal("--version", "v9")
    write(project / "new", "")
    assert "uncommitted changes" in refusal()
    (project / "new").unlink()
    record = project / ".cruft.json"
    edit(record, git("rev-parse", "HEAD", cwd=clone) + '",\n  "checkout"', '0" ,\n  "checkout"')
    commit_all(project)
    assert "The template has no commit 0" in refusal()
    clone.rename(clone.with_name("away"))
    assert "Cannot get the template" in refusal()
    append(record, ">>>>>>>")
    commit_all(project)
    assert ".cruft.json is not JSON" in refusal()
    record.unlink()
    assert "docs/updates.md" in refusal()


def test_a_template_that_refuses_an_answer_changes_nothing(project: Path, clone: Path) -> None:
    hook = clone / "hooks/pre_gen_project.py"
    hook.write_text('raise SystemExit("project_name: choose another one")\n')
    move_like_the_template(clone)
    done = update(project)
    assert (done.stdout, done.returncode) == ("", 1)
    assert "project_name: choose another one" in done.stderr
    assert done.stderr.splitlines()[-1] == "cruft has failed: nothing has changed"
    assert git("status", "--porcelain", cwd=project) == ""


def test_an_update_goes_up_to_a_version(project: Path, clone: Path) -> None:
    for version in ("v1", "v2"):
        write(clone / PROJECT_FOLDER / version, "")
        wanted = commit_all(clone, version)
        git("tag", version, cwd=clone)
    assert '--version "v1" \n' in verb(project, "-n", "template-update", "TO=v1").stdout
    succeed(update(project, "--version", "v1"))
    assert (project / "v1").exists()
    assert not (project / "v2").exists()
    commit_all(project)
    succeed(update(project))
    assert (project / "v2").exists()
    assert json.loads((project / ".cruft.json").read_text())["commit"] == wanted


@pytest.mark.parametrize("address", ["path", "file"])
def test_cruft_agrees(bake: Baker, clone: Path, tmp_path: Path, address: str) -> None:
    template = str(clone) if address == "path" else bare(clone)
    project = made(bake, template, tmp_path, "license=MIT")
    assert cruft("check", project=project).returncode == 0
    assert cruft("diff", "--exit-code", project=project).returncode == 0
    move_like_the_template(clone)
    if address == "file":
        git("push", "--quiet", template, "HEAD:main", cwd=clone)
    assert cruft("check", project=project).returncode == 1

    succeed(update(project))
    state = json.loads((project / ".cruft.json").read_text())
    assert state["commit"] == git("rev-parse", "HEAD", cwd=clone)
    assert state["context"]["cookiecutter"]["license"] == "MIT"
    # cruft would write the list of pyproject.toml into a list of its own, twice at each update.
    assert "skip" not in state
    assert "MIT License" in (project / "LICENSE").read_text()
    commit_all(project, "Updated")
    assert cruft("check", project=project).returncode == 0
    assert cruft("diff", "--exit-code", project=project).returncode == 0


def bare(clone: Path) -> str:
    """Return the file:// address of a bare repository made from a clone."""
    folder = clone.with_name("published.git")
    git("clone", "--quiet", "--bare", str(clone), str(folder), cwd=clone)
    return folder.as_uri()


def test_a_new_question_takes_its_default(project: Path, clone: Path) -> None:
    questions = json.loads((clone / "cookiecutter.json").read_text())
    (clone / "cookiecutter.json").write_text(json.dumps({"colour": "blue", **questions}))
    (clone / PROJECT_FOLDER / "COLOUR").write_text("{{ cookiecutter.colour }}\n")
    commit_all(clone)
    succeed(update(project))
    assert (project / "COLOUR").read_text() == "blue\n"


def test_an_update_never_runs_what_an_answer_says(bake: Baker, clone: Path, tmp_path: Path) -> None:
    """Cruft renders the recorded answers again, so none that is a template may get in."""
    canary = tmp_path / "CANARY"
    evil = "{{ cycler.__init__.__globals__.os.popen('touch " + str(canary) + "').read() }}"
    for name in ("project_name", "description", "author_name"):
        replay = {**bake.defaults(), name: evil}
        (tmp_path / "replay.json").write_text(json.dumps({"cookiecutter": replay}))
        command = (sys.executable, "-m", "cookiecutter", "--replay-file", tmp_path / "replay.json")
        done = run(*command, "--output-dir", tmp_path / "evil", clone, cwd=tmp_path)
        assert done.returncode == 1
        assert "Jinja" in done.stderr
    assert not canary.exists()


def test_the_last_tags_can_be_updated(bake: Baker, tmp_path: Path) -> None:
    """Each of the last releases, edited by nobody, becomes what is baked now."""
    tags = git("tag", "--list", "v*", "--sort=-creatordate", cwd=ROOT).splitlines()[:TAGS_TO_TEST]
    settings = tomllib.loads(bake().read("pyproject.toml"))
    left_alone = tuple(settings["tool"]["cruft"]["skip"])
    for tag in tags:
        repository = tmp_path / tag / "template"
        git("clone", "--quiet", str(ROOT), str(repository), cwd=tmp_path)
        git("checkout", "--quiet", "-B", "main", tag, cwd=repository)
        project = made(bake, repository, tmp_path / tag)
        for old in repository.iterdir():
            if old.name != ".git":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        shutil.copytree(bake.template, repository, dirs_exist_ok=True, ignore=lambda *_: [".git"])
        commit_all(repository)
        succeed(update(project))
        for name, content in bake().files().items():
            if name.startswith(CHASSIS) or not name.startswith((*left_alone, ".cruft.json")):
                assert (project / name).read_bytes() == content, name


def test_an_answer_can_be_changed(project: Path) -> None:
    answers = json.dumps({"license": "MIT", "languages": "ko"})
    succeed(cruft("update", "-y", "--variables-to-update", answers, project=project))
    assert (project / "LICENSE").read_text().startswith("MIT License\n")
    assert 'license = "MIT"' in (project / "pyproject.toml").read_text()
    assert cruft("check", project=project).returncode == 0


def test_a_project_without_a_record_can_be_linked(bake: Baker, clone: Path, tmp_path: Path) -> None:
    archive = tmp_path / "template.zip"
    git("archive", "--format=zip", "--prefix=t/", f"--output={archive}", "HEAD", cwd=clone)
    assert bake.command("license=MIT", cwd=tmp_path, template=archive).returncode == 0
    project = tmp_path / "my-internal-tool"
    commit_all(project)
    answers = json.dumps({"license": "MIT"})
    succeed(cruft("link", "-y", "--extra-context", answers, str(clone), project=project))
    commit_all(project)
    (clone / PROJECT_FOLDER / "NEW").write_text("new\n")
    commit_all(clone)
    succeed(update(project))
    assert (project / "NEW").read_text() == "new\n"
