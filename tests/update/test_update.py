"""A project that was made from an older template and edited since takes over what is new."""

from __future__ import annotations

import json
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from baking import PROJECT_FOLDER, ROOT, Baker, commit_all, git, run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PACKAGE = PROJECT_FOLDER + "/src/{{cookiecutter.package_name}}"
TAGS_TO_TEST = 3


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """Return a clone of the template to make changes in."""
    folder = tmp_path / "template"
    git("clone", "--quiet", str(template), str(folder), cwd=tmp_path)
    return folder


def cruft(*arguments: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run cruft in a project, in a home without any settings."""
    return run(sys.executable, "-m", "cruft", *arguments, cwd=project, HOME=str(project.parent))


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there once."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name}: {old!r} is there {text.count(old)} times"
    path.write_text(text.replace(old, new), "utf-8")


def edit_like_a_user(project: Path) -> None:
    """Change what the users of the template change first."""
    package = project / "src/my_internal_tool"
    (package / "views/orders.py").write_text("import streamlit as st\n\nst.title('Orders')\n")
    home_page = re.search(r"^ *entry\(.*home\.py.*$", (package / "main.py").read_text(), re.M)
    assert home_page
    own_page = home_page[0].replace("home", "orders").replace(", default=True", "")
    edit(package / "main.py", home_page[0], f"{home_page[0]}\n{own_page}")
    (package / "views/about.py").unlink()
    edit(project / "pyproject.toml", '    "click>=8.1",\n', '    "click>=8.1",\n    "openpyxl",\n')
    with (project / "README.md").open("a") as readme:
        readme.write("\n## Our own chapter\n")
    with next(project.rglob("messages.mo")).open("ab") as catalogue:
        catalogue.write(b"translated by us")


def change_like_the_template(clone: Path) -> None:
    """Commit what a new version of the template might bring."""
    project, package = clone / PROJECT_FOLDER, clone / PACKAGE
    edit(project / "pyproject.toml", '    "psutil>=', '    "orjson>=3",\n    "psutil>=')
    edit(project / "README.md", "## Add a page\n", "## New chapter\n\n## Add a page\n")
    (package / "new_module.py").write_text('"""New."""\n')
    with (package / "views/about.py").open("a") as page:
        page.write("# new in the page that the user has deleted\n")
    with next(package.rglob("messages.mo")).open("ab") as catalogue:
        catalogue.write(b"translated by the template")
    edit(package / "health.py", "CACHE_SECONDS: Final = 5.0", "CACHE_SECONDS: Final = 6.0")
    (project / ".editorconfig").rename(project / ".editorconfig.sample")
    commit_all(clone, "A new version")


def assert_updated(project: Path) -> None:
    """Check that both sides' changes are there and nothing is left to mend."""
    package = project / "src/my_internal_tool"
    assert not list(project.rglob("*.rej"))
    assert not list(project.rglob("*.orig"))
    assert not git("diff", "--name-only", "--diff-filter=U", cwd=project)
    requirements = (project / "pyproject.toml").read_text()
    readme = (project / "README.md").read_text()
    assert '"openpyxl"' in requirements
    assert "views/orders.py" in (package / "main.py").read_text()
    assert "## Our own chapter" in readme
    assert (package / "views/orders.py").exists()
    assert next(project.rglob("messages.mo")).read_bytes().endswith(b"translated by us")
    assert not (package / "views/about.py").exists()
    assert '"orjson>=3"' in requirements
    assert "## New chapter" in readme
    assert (package / "new_module.py").exists()
    assert "CACHE_SECONDS: Final = 6.0" in (package / "health.py").read_text()
    assert (project / ".editorconfig.sample").exists()
    assert not (project / ".editorconfig").exists()


@pytest.mark.parametrize("address", ["path", "file"])
def test_an_edited_project_is_updated(
    bake: Baker, clone: Path, tmp_path: Path, address: str
) -> None:
    template = str(clone) if address == "path" else bare(clone)
    done = bake.command("license=MIT", cwd=tmp_path, template=template)
    assert done.returncode == 0, done.stdout + done.stderr
    project = tmp_path / "my-internal-tool"
    commit_all(project, "As baked")
    assert cruft("check", project=project).returncode == 0
    assert cruft("diff", "--exit-code", project=project).returncode == 0

    edit_like_a_user(project)
    commit_all(project, "Our changes")
    change_like_the_template(clone)
    if address == "file":
        git("push", "--quiet", template, "HEAD:main", cwd=clone)
    assert cruft("check", project=project).returncode == 1

    done = cruft("update", "--skip-apply-ask", project=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_updated(project)
    state = json.loads((project / ".cruft.json").read_text())
    assert state["commit"] == git("rev-parse", "HEAD", cwd=clone)
    assert state["context"]["cookiecutter"]["license"] == "MIT"
    assert "MIT License" in (project / "LICENSE").read_text()
    commit_all(project, "Updated")
    assert cruft("check", project=project).returncode == 0


def bare(clone: Path) -> str:
    """Return the file:// address of a bare repository made from a clone."""
    folder = clone.with_name("published.git")
    git("clone", "--quiet", "--bare", str(clone), str(folder), cwd=clone)
    return folder.as_uri()


def test_a_new_question_takes_its_default(bake: Baker, clone: Path, tmp_path: Path) -> None:
    assert bake.command(cwd=tmp_path, template=clone).returncode == 0
    project = tmp_path / "my-internal-tool"
    commit_all(project)
    questions = json.loads((clone / "cookiecutter.json").read_text())
    (clone / "cookiecutter.json").write_text(json.dumps({"colour": "blue", **questions}))
    (clone / PROJECT_FOLDER / "COLOUR").write_text("{{ cookiecutter.colour }}\n")
    commit_all(clone)
    done = cruft("update", "--skip-apply-ask", project=project)
    assert done.returncode == 0, done.stdout + done.stderr
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
    for tag in tags:
        repository = tmp_path / tag / "template"
        git("clone", "--quiet", str(ROOT), str(repository), cwd=tmp_path)
        git("checkout", "--quiet", "-B", "main", tag, cwd=repository)
        assert bake.command(cwd=tmp_path / tag, template=repository).returncode == 0
        project = tmp_path / tag / "my-internal-tool"
        commit_all(project)
        for old in repository.iterdir():
            if old.name != ".git":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        shutil.copytree(bake.template, repository, dirs_exist_ok=True, ignore=lambda *_: [".git"])
        commit_all(repository)
        done = cruft("update", "--skip-apply-ask", project=project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not list(project.rglob("*.rej"))
        update_ignores = (".cruft.json", ".mo")
        for name, content in bake().files().items():
            if not name.endswith(update_ignores):
                assert (project / name).read_bytes() == content, name


def test_an_answer_can_be_changed(bake: Baker, clone: Path, tmp_path: Path) -> None:
    assert bake.command(cwd=tmp_path, template=clone).returncode == 0
    project = tmp_path / "my-internal-tool"
    commit_all(project)
    answers = json.dumps({"license": "MIT", "interface_language": "ko"})
    done = cruft("update", "-y", "--variables-to-update", answers, project=project)
    assert done.returncode == 0, done.stdout + done.stderr
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
    linked = cruft("link", "-y", "--extra-context", answers, str(clone), project=project)
    assert linked.returncode == 0, linked.stdout + linked.stderr
    commit_all(project)
    (clone / PROJECT_FOLDER / "NEW").write_text("new\n")
    commit_all(clone)
    done = cruft("update", "--skip-apply-ask", project=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "NEW").read_text() == "new\n"
