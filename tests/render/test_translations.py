"""What a project begins with is translated, in its languages and no others."""

import shlex
import shutil
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from baking import Baked, Baker, run

CATALOGUE = "ko/LC_MESSAGES/messages"
OWN = f"src/my_internal_tool/locale/{CATALOGUE}"
SHARED = ("src/chassis", "tests/chassis/project/src/scratch_tool")
BIN = Path(sys.executable).parent


def make_messages(project: Path, package: str = "src/my_internal_tool") -> str:
    """Run the verb, with the Babel of these tests; return what it prints."""
    done = run("make", "messages", f"BIN={BIN}", "READY=", f"PACKAGE={package}", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a bake, less what its verbs put into build/."""
    found = Baked(folder, {}).files()
    return {name: content for name, content in found.items() if not name.startswith("build/")}


@pytest.mark.parametrize("starter", ["tour", "blank"])
@pytest.mark.parametrize("languages", ["ko", "en,ko", "ko,en"])
def test_every_text_of_a_fresh_project_is_translated(
    bake: Baker, languages: str, starter: str
) -> None:
    baked = bake(starter=starter, languages=languages)
    for package in ("src/my_internal_tool", *SHARED):
        with (baked.path / package / f"locale/{CATALOGUE}.po").open("rb") as file:
            messages = {str(one.id): one.string for one in read_po(file) if one.id}
        assert [text for text, translation in messages.items() if not translation] == []
        assert ("Equipment" in messages) == (starter == "tour" and "internal" in package)


@pytest.mark.parametrize("starter", ["tour", "blank"])
def test_there_is_nothing_to_collect_or_compile_in_a_fresh_project(
    bake: Baker, tmp_path: Path, starter: str
) -> None:
    baked = bake(starter=starter, languages="en,ko")
    shutil.copytree(baked.path, tmp_path, dirs_exist_ok=True)
    for package in ("src/my_internal_tool", *SHARED):
        assert make_messages(tmp_path, package) == ""
    assert files(tmp_path) == files(baked.path)


@pytest.mark.parametrize("starter", ["tour", "blank"])
def test_a_project_in_english_has_no_translations_and_is_told_how_to_begin(
    bake: Baker, tmp_path: Path, starter: str
) -> None:
    baked = bake(starter=starter, languages="en")
    assert [name for name in baked.files() if "my_internal_tool/locale" in name] == []
    assert "tests/test_translations.py" not in baked.files()
    shutil.copytree(baked.path, tmp_path, dirs_exist_ok=True)
    [line] = make_messages(tmp_path).splitlines()
    assert files(tmp_path) == files(baked.path)
    done = run(*shlex.split(line.partition(": ")[2]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert make_messages(tmp_path) == ""
    assert (tmp_path / f"{OWN}.mo").is_file()


def test_a_new_text_is_collected_and_compiled(bake: Baker, tmp_path: Path) -> None:
    baked = bake(starter="blank", languages="ko")
    shutil.copytree(baked.path, tmp_path, dirs_exist_ok=True)
    page = tmp_path / "src/my_internal_tool/pages/start.py"
    page.write_text(page.read_text("utf-8").replace('_("Start")', '_("Orders")'), "utf-8")
    make_messages(tmp_path)
    catalogue = tmp_path / f"{OWN}.po"
    text = catalogue.read_text("utf-8")
    assert 'msgid "Orders"\nmsgstr ""\n' in text
    catalogue.write_text(text.replace('"Orders"\nmsgstr ""', '"Orders"\nmsgstr "주문"'), "utf-8")
    make_messages(tmp_path)
    assert "주문".encode() in (tmp_path / f"{OWN}.mo").read_bytes()
    assert files(tmp_path).keys() == baked.files().keys()


def test_baking_over_a_project_keeps_its_own_translations_beside_those_of_the_template(
    bake: Baker, tmp_path: Path
) -> None:
    project = bake.fresh(tmp_path, languages="en,ko").path
    german = project / "src/my_internal_tool/locale/de"
    german.mkdir()
    answers = ("--overwrite-if-exists", "languages=en,ko")
    done = bake.command(*answers, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert german.is_dir()
    assert (project / f"{OWN}.po").is_file()
    assert not list(project.glob("src/my_internal_tool/locale-*"))
