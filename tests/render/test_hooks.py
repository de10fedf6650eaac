"""What a bake leaves beside the files of the template: a repository, a record, a hint."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from baking import GIT_IDENTITY, Baker, commit_all, git, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROJECT = "my-internal-tool"


def record(project: Path) -> Mapping[str, Any]:
    """Return what the bake recorded for cruft."""
    state: Mapping[str, Any] = json.loads((project / ".cruft.json").read_text("utf-8"))
    return state


def bare_clone(template: Path, folder: Path) -> str:
    """Return the file:// address of a repository with a tag v1 and one commit after it."""
    git("clone", "--quiet", "--bare", str(template), str(folder), cwd=template)
    work = folder.with_suffix(".work")
    git("clone", "--quiet", str(folder), str(work), cwd=template)
    git("tag", "v1", cwd=work)
    (work / "CHANGES-AFTER-V1").touch()
    commit_all(work)
    git("push", "--quiet", "--tags", "origin", "HEAD", cwd=work)
    return folder.as_uri()


def test_the_end_says_what_to_run(bake: Baker, tmp_path: Path) -> None:
    done = bake.command(cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines == [
        "Created my-internal-tool with the default answers.",
        "Keep it, start it, and open the address that it prints:",
        "  cd my-internal-tool",
        "  git add . && git commit --quiet --message 'From the template'",
        "  make dev",
    ]


def test_what_the_end_says_keeps_all_files(bake: Baker, tmp_path: Path) -> None:
    """In a repository of its own; in a larger one nothing of others."""
    (tmp_path / "README").touch()
    commit_all(tmp_path, "A larger one")
    for folder in (tmp_path, tmp_path.parent / f"{tmp_path.name}-alone"):
        folder.mkdir(exist_ok=True)
        (folder / "of-others").touch()
        *_, enter, keep, _start = bake.command(cwd=folder).stdout.splitlines()
        done = run("sh", "-ec", f"{enter}\n{keep}", cwd=folder, **GIT_IDENTITY)
        assert done.returncode == 0, done.stderr
        assert git("status", "--porcelain", ".", cwd=folder / PROJECT) == ""
        assert "Makefile" in git("ls-files", cwd=folder / PROJECT).splitlines()
    assert git("status", "--porcelain", cwd=tmp_path) == "?? of-others"


def test_without_git_nobody_is_told_to_commit(bake: Baker, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    done = bake.command(cwd=tmp_path, PATH=str(tools))
    assert done.returncode == 0, done.stderr
    assert "git" not in done.stdout.partition("Keep it")[2].partition("make dev")[0]


def test_the_end_names_the_answers_that_are_not_the_default(bake: Baker, tmp_path: Path) -> None:
    """Cookiecutter ignores the misspelt name of a question without a word."""
    answers = ("project_name=Sales & Co", "licence=MIT", "use_docker=no", "starter=blank")
    done = bake.command(*answers, "package_name=sales", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:6] == [
        "Created sales-co with the default answers, except:",
        "  project_name='Sales & Co'",
        "  package_name=sales",
        "  starter=blank",
        "  use_docker=False",
        "Keep it, start it, and open the address that it prints:",
    ]


def test_a_terminal_without_these_letters_is_no_failure(bake: Baker, tmp_path: Path) -> None:
    done = bake.command("project_name=매출", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  project_name='??'\n" in done.stdout


def test_the_printed_folder_is_right_from_where_the_user_stands(
    bake: Baker, tmp_path: Path
) -> None:
    done = bake.command("--output-dir", tmp_path / "other place", cwd=tmp_path)
    line = done.stdout.splitlines()[2].strip()
    found = run("sh", "-c", f"{line} && ls Makefile", cwd=tmp_path)
    assert found.stdout == "Makefile\n", line


@pytest.mark.parametrize("output", [".", "elsewhere"])
@pytest.mark.parametrize("relative", [False, True])
def test_a_local_template_is_recorded(
    bake: Baker, template: Path, tmp_path: Path, relative: bool, output: str
) -> None:
    where = "../" * (len(tmp_path.parts) - 1) + str(template).lstrip("/") if relative else template
    done = bake.command("--output-dir", output, cwd=tmp_path, template=where)
    assert done.returncode == 0, done.stderr
    state = record(tmp_path / output / PROJECT)
    commit = git("rev-parse", "HEAD", cwd=template)
    assert state["template"] == str(template)
    assert state["commit"] == commit
    assert state["checkout"] is None
    answers = state["context"]["cookiecutter"]
    assert answers["project_slug"] == PROJECT
    assert {key for key in answers if key.startswith("_")} == {"_commit", "_template"}


def test_a_git_address_with_a_tag_is_recorded(bake: Baker, template: Path, tmp_path: Path) -> None:
    url = bare_clone(template, tmp_path / "template.git")
    done = bake.command("--checkout", "v1", cwd=tmp_path, template=url)
    assert done.returncode == 0, done.stdout + done.stderr
    state = record(tmp_path / PROJECT)
    assert state["template"] == url
    assert state["checkout"] == "v1"
    assert state["commit"] == git("rev-parse", "HEAD", cwd=template)


def test_an_abbreviation_is_recorded_as_the_address_it_stands_for(
    bake: Baker, template: Path, tmp_path: Path
) -> None:
    url = bare_clone(template, tmp_path / "template.git")
    config = tmp_path / "config.yaml"
    own = bake.user_config().read_text("utf-8")
    config.write_text(f"{own}abbreviations:\n  team: {tmp_path.as_uri()}/{{0}}.git\n", "utf-8")
    done = bake.command("--config-file", config, cwd=tmp_path, template="team:template")
    assert done.returncode == 0, done.stdout + done.stderr
    assert record(tmp_path / PROJECT)["template"] == url


def test_credentials_of_an_address_are_not_recorded(
    bake: Baker, template: Path, tmp_path: Path
) -> None:
    clones = bake.folder / "clones"
    clones.mkdir(exist_ok=True)
    git("clone", "--quiet", str(template), str(clones / "known-template"), cwd=tmp_path)
    address = "https://user:token@example.com/known-template.git"
    git("remote", "set-url", "origin", address, cwd=clones / "known-template")
    assert bake.command(cwd=tmp_path, template="known-template").returncode == 0
    text = (tmp_path / PROJECT / ".cruft.json").read_text("utf-8")
    assert "token" not in text
    assert record(tmp_path / PROJECT)["template"] == "https://example.com/known-template.git"


@pytest.mark.parametrize("change", ["edited", "added"])
def test_a_template_with_changes_is_not_recorded(
    bake: Baker, template: Path, tmp_path: Path, change: str
) -> None:
    changed = tmp_path / "changed"
    git("clone", "--quiet", str(template), str(changed), cwd=tmp_path)
    with (changed / ("README.md" if change == "edited" else "NEW")).open("a") as file:
        file.write("more\n")
    done = bake.command(cwd=tmp_path, template=changed)
    assert not (tmp_path / PROJECT / ".cruft.json").exists()
    assert len(done.stdout.splitlines()) <= 6
    assert ".cruft.json" in done.stdout.splitlines()[-1]


def test_a_zip_bakes_without_a_record(bake: Baker, template: Path, tmp_path: Path) -> None:
    archive = tmp_path / "template.zip"
    command = ("archive", "--format=zip", "--prefix=template-main/", f"--output={archive}", "HEAD")
    git(*command, cwd=template)
    done = bake.command(cwd=tmp_path, template=archive)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / PROJECT / "pyproject.toml").is_file()
    assert not (tmp_path / PROJECT / ".cruft.json").exists()


def test_a_copy_inside_another_repository_is_not_recorded(
    bake: Baker, template: Path, tmp_path: Path
) -> None:
    """That repository's commit would say nothing about the template."""
    shutil.copytree(template, tmp_path / "vendor", ignore=shutil.ignore_patterns(".git"))
    (tmp_path / ".gitignore").write_text("projects/\n")
    commit_all(tmp_path)
    (tmp_path / "projects").mkdir()
    done = bake.command(cwd=tmp_path / "projects", template=tmp_path / "vendor")
    assert done.returncode == 0
    assert not (tmp_path / "projects" / PROJECT / ".cruft.json").exists()


def test_a_git_repository_without_a_commit_is_made(bake: Baker, tmp_path: Path) -> None:
    bake.command(cwd=tmp_path)
    project = tmp_path / PROJECT
    assert git("symbolic-ref", "--short", "HEAD", cwd=project) == "main"
    assert git("rev-parse", "--show-toplevel", cwd=project) == str(project.resolve())
    assert run("git", "rev-parse", "HEAD", cwd=project).returncode != 0


def test_no_repository_is_made_inside_another(bake: Baker, tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    # The variables of a git hook speak of another repository.
    done = bake.command(cwd=tmp_path, GIT_DIR=str(tmp_path / "none"))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / PROJECT / ".git").exists()
    assert (tmp_path / PROJECT / ".cruft.json").exists()


def test_a_bake_needs_no_git(bake: Baker, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = bake.command(cwd=tmp_path, PATH=str(tmp_path / "empty"))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / PROJECT / ".git").exists()
    assert not (tmp_path / PROJECT / ".cruft.json").exists()
    assert (tmp_path / PROJECT / "pyproject.toml").is_file()


def test_baking_twice_over_each_other_changes_nothing(bake: Baker, tmp_path: Path) -> None:
    first = bake.fresh(tmp_path).files()
    done = bake.command("--overwrite-if-exists", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert bake().files() == first
    assert {
        path.relative_to(tmp_path / PROJECT).as_posix(): path.read_bytes()
        for path in (tmp_path / PROJECT).rglob("*")
        if path.is_file() and ".git" not in path.parts
    } == first


def test_cruft_itself_gets_only_the_files(template: Path, tmp_path: Path, bake: Baker) -> None:
    cruft = (sys.executable, "-m", "cruft", "create", template, "--no-input", "--default-config")
    done = run(*cruft, cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    project = tmp_path / PROJECT
    assert not (project / ".git").exists()
    names = {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}
    assert names == bake().files().keys()
