"""What was edited in the chassis, and what an update refuses; without network and cruft."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.template import diff, manifest, source, update

PROJECT = Path(__file__).parents[3]
CACHES = shutil.ignore_patterns("__pycache__", ".*")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the chassis, as an image has it: without what only tests use."""
    here = Path(manifest.__file__).parents[1]
    copy = tmp_path / "src" / "chassis"
    shutil.copytree(here, copy, ignore=shutil.ignore_patterns("__pycache__", "testing"))
    return copy


def asked(copied: Path, command: str) -> str:
    """Return what a command of the copied chassis says."""
    path = os.pathsep.join([str(copied.parent), os.environ["PYTHONPATH"]])
    return subprocess.run(
        [sys.executable, "-m", "chassis", command],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_commands_find_nothing_in_an_image(copied: Path) -> None:
    assert "Warnings" not in asked(copied, "check")
    assert "ok    chassis      as the template has it\n" in asked(copied, "doctor")


def test_commands_name_what_was_edited(copied: Path) -> None:
    with (copied / "health.py").open("a") as file:
        file.write("# edited\n")
    (copied / "machine.py").write_text("")
    edited = "src/chassis/health.py (edited)"
    assert f"\nWarnings:\n  {edited}: an update overwrites that\n" in asked(copied, "check")
    found = f"warn  chassis      {edited}, src/chassis/machine.py (edited)\n"
    assert found in asked(copied, "doctor")


def git(*arguments: str, folder: Path) -> str:
    """Run git as somebody."""
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    return source.git(*who, "-c", "init.defaultBranch=main", *arguments, folder=folder)


def commit_all(folder: Path) -> str:
    """Commit what is in a folder; return the commit."""
    git("init", "--quiet", folder=folder)
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "Change", folder=folder)
    return git("rev-parse", "HEAD", folder=folder).strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a committed project with a small chassis, made from a template that is at hand."""
    template, project = tmp_path / "template", tmp_path / "project"
    chassis = {"src/chassis/health.py": "fine = True\n", "tests/chassis/test_health.py": "pass\n"}
    for name, text in chassis.items():
        file = template / "{project}" / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    lines = [
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in chassis.items()
    ]
    (template / "{project}/src/chassis/MANIFEST").write_text("".join(lines), encoding="utf-8")
    shutil.copytree(template / "{project}", project)
    record = {"template": str(template), "commit": commit_all(template), "directory": None}
    (project / ".cruft.json").write_text(json.dumps(record), encoding="utf-8")
    (project / ".gitignore").write_text("/build/\n*.rej\n", encoding="utf-8")
    commit_all(project)
    monkeypatch.chdir(project)
    monkeypatch.setattr(manifest, "FILE", project / "src/chassis/MANIFEST")
    monkeypatch.setattr(manifest, "FOLDERS", {name: project / name for name in manifest.FOLDERS})
    return project


def test_the_manifest_has_the_format_of_sha256sum(project: Path) -> None:
    lines = (project / "src/chassis/MANIFEST").read_text(encoding="utf-8").splitlines()
    assert lines == [f"{digest}  {name}" for name, digest in manifest.hashes().items()]


def test_it_runs_without_any_library(tmp_path: Path) -> None:
    """And where the chassis is only a package: in an image there is no folder src, nor a test."""
    shutil.copytree(PROJECT / "src/chassis", tmp_path / "chassis", ignore=CACHES)
    looks = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        from chassis.template import diff, manifest, update
        print(*manifest.edited_files(), sep="\\n")
    """
    command = [sys.executable, "-I", "-S", "-c", looks, str(tmp_path)]
    here = [line for line in manifest.edited_files() if line.startswith("src/")]
    assert subprocess.check_output(command, text=True).split("\n")[:-1] == (here or [""])


def test_each_difference_is_named(project: Path) -> None:
    assert manifest.edited_files() == []
    (project / "src/chassis/health.py").write_text("fine = False\n", encoding="utf-8")
    (project / "src/chassis/ours.py").touch()
    (project / "tests/chassis/test_health.py").unlink()
    assert manifest.edited_files() == [
        "src/chassis/health.py (edited)",
        "src/chassis/ours.py (added)",
        "tests/chassis/test_health.py (missing)",
    ]


def test_caches_are_no_difference(project: Path) -> None:
    for cache in ("src/chassis/__pycache__", "tests/chassis/.pytest_cache"):
        (project / cache).mkdir()
        (project / cache / "file").touch()
    (project / "src/chassis/.DS_Store").touch()
    assert manifest.edited_files() == []


def test_the_tests_may_be_absent_as_a_whole(project: Path) -> None:
    shutil.rmtree(project / "tests/chassis")
    assert manifest.edited_files() == []
    shutil.rmtree(project / "tests")
    assert manifest.edited_files() == []


def test_without_a_manifest_nothing_is_known(project: Path) -> None:
    (project / "src/chassis/MANIFEST").unlink()
    assert manifest.edited_files() == ["src/chassis/MANIFEST (missing, so edits cannot be seen)"]
    with pytest.raises(source.TemplateError, match="src/chassis/MANIFEST"):
        update.refuse_edited()


def test_an_update_refuses_edits_and_brings_deleted_files_back(project: Path) -> None:
    (project / "src/chassis/health.py").unlink()
    update.refuse_edited()
    (project / "src/chassis/health.py").write_text("fine = False\n", encoding="utf-8")
    (project / "tests/chassis/test_ours.py").touch()
    with pytest.raises(source.TemplateError, match=r"REPLACE=1.*") as refusal:
        update.refuse_edited()
    names = ["  src/chassis/health.py", "  tests/chassis/test_ours.py"]
    assert str(refusal.value).splitlines()[1:] == names


def test_both_folders_are_replaced_as_a_whole(project: Path, tmp_path: Path) -> None:
    (project / "src/chassis/ours.py").touch()
    (project / "tests/chassis/test_health.py").write_text("fail\n", encoding="utf-8")
    left = source.SCRATCH / "clone/of an interrupted run"
    left.mkdir(parents=True)
    template = source.clone(source.read_record())
    update.replace_chassis(source.project_folder(template, source.read_record()))
    assert manifest.edited_files() == []
    assert git("status", "--porcelain", folder=project) == ""
    assert not left.exists()
    assert (tmp_path / "template/{project}").exists()


def test_uncommitted_changes_are_refused(project: Path) -> None:
    update.refuse_uncommitted()
    (project / "new").touch()
    with pytest.raises(source.TemplateError, match="git stash -u"):
        update.refuse_uncommitted()


def test_conflicts_are_refused_also_where_git_ignores_them(project: Path) -> None:
    update.refuse_conflicts()
    (project / "docs").mkdir()
    (project / "docs/data.md.rej").touch()
    with pytest.raises(source.TemplateError, match=r"\n  docs/data\.md\.rej$"):
        update.refuse_conflicts()


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `make template-diff` prints."""
    diff.main()
    return capsys.readouterr().out


def test_the_diff_shows_each_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == "The chassis is as the template has it.\n"
    (project / "src/chassis/health.py").write_text("fine = False", encoding="utf-8")
    (project / "src/chassis/ours.bin").write_bytes(b"\0")
    (project / "tests/chassis/test_health.py").unlink()
    assert printed(capsys) == (
        "src/chassis/health.py (edited)\n"
        "src/chassis/ours.bin (added)\n"
        "tests/chassis/test_health.py (missing)\n"
        "\n"
        "--- template/src/chassis/health.py\n"
        "+++ src/chassis/health.py\n"
        "@@ -1 +1 @@\n"
        "-fine = True\n"
        "+fine = False\n"
        "\\ No newline at end of file\n"
        "\n"
        "src/chassis/ours.bin is not text\n"
        "\n"
        "--- template/tests/chassis/test_health.py\n"
        "+++ tests/chassis/test_health.py\n"
        "@@ -1 +0,0 @@\n"
        "-pass\n"
    )
    assert not source.SCRATCH.exists()


def test_without_the_template_the_diff_lists_names(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "src/chassis/health.py").write_text("fine = False\n", encoding="utf-8")
    (tmp_path / "template").rename(tmp_path / "away")
    diff.main()
    shown = capsys.readouterr()
    assert shown.out == "src/chassis/health.py (edited)\n"
    assert shown.err.startswith(f"Cannot get the template {tmp_path}/template: ")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No .cruft.json names the template: see docs/updates.md"),
        (">>>>>>>", ".cruft.json is not JSON"),
        ('{"template": "TEMPLATE", "commit": "0"}', "The template has no commit 0"),
        ('{"template": "TEMPLATE/.git/info", "commit": "0"}', "Cannot get the template"),
    ],
)
def test_what_is_wrong_with_the_record_is_one_line(
    project: Path, tmp_path: Path, text: str | None, problem: str
) -> None:
    record = project / ".cruft.json"
    if text is None:
        record.unlink()
    else:
        record.write_text(text.replace("TEMPLATE", str(tmp_path / "template")), encoding="utf-8")
    with pytest.raises(source.TemplateError) as refusal:
        source.clone(source.read_record())
    assert str(refusal.value).startswith(problem)
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("project")
def test_a_template_of_before_is_refused(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "template/{project}/src")
    commit_all(tmp_path / "template")
    record = source.read_record()
    with pytest.raises(source.TemplateError, match="has no chassis in this version"):
        source.project_folder(source.clone(record), record)
