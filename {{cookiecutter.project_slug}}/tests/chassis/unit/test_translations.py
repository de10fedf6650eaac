"""The catalogues: which texts they have, what is missing in them, and what is wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from chassis import i18n, project
from chassis.translations import __main__ as program
from chassis.translations.catalogues import path_of, texts, update
from chassis.translations.problems import missing, mistake_in, mistakes

CHASSIS = Path(i18n.__file__).parent
SCRATCH = project.current().folder
KOREAN = "locale/ko/LC_MESSAGES/messages.po"
NOTES = ("%(count)s note", "%(count)s notes")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the scratch project's package, to be edited."""
    return Path(shutil.copytree(SCRATCH, tmp_path / SCRATCH.name))


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("of", [CHASSIS, SCRATCH], ids=["chassis", "project"])
def test_the_translations_are_complete(of: Path) -> None:
    assert missing(of, "ko") == []
    assert [*mistakes(of)] == []


def test_texts_of_the_chassis_are_translated_once(package: Path) -> None:
    assert "Health" not in update(package, "ko")
    japanese = {message.id for message in update(package, "ja")}
    assert "Notes" in japanese
    assert {message.id for message in texts(CHASSIS)} <= japanese


def test_names_that_app_py_hands_over_are_texts_too(package: Path) -> None:
    """Users read them on the pages of the chassis; they stand in no `_()`."""
    names = {"desk", "finance", "staff & guests"}
    assert names <= {message.id for message in update(package, "ja")}
    for name in names:
        edit(package / KOREAN, f'msgid "{name}"', f'msgid "no {name}"')
    assert {*missing(package, "ko")} == names


def test_a_text_of_the_chassis_that_is_translated_as_there_is_not_kept(package: Path) -> None:
    """A page that used it may be gone."""
    with (package / KOREAN).open("a", encoding="utf-8") as file:
        file.write('\nmsgid "Health"\nmsgstr "시스템 상태"\n\nmsgid "Users"\nmsgstr "회원"\n')
    found = update(package, "ko")
    assert "Health" not in found
    assert "Users" in found


def test_what_was_collected_is_compiled(package: Path) -> None:
    """A plural without translation is written in another way than it was kept."""
    with (package / "pages/start.py").open("a", encoding="utf-8") as file:
        file.write('\nngettext("%(count)s bike", "%(count)s bikes", 3)\n')
    update(package, "ko")
    assert [*mistakes(package)] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("pages/start.py", "Greet", "Wave", ["Wave"]),
        (KOREAN, '"메모"', '""', ["Notes"]),
        (KOREAN, 'msgid "Notes"', '#, fuzzy\nmsgid "Notes"', ["Notes"]),
        (KOREAN, "메모", "노트", []),
    ],
    ids=["new", "empty", "fuzzy", "changed"],
)
def test_what_is_missing_is_found(
    package: Path, file: str, old: str, new: str, found: list[str]
) -> None:
    edit(package / file, old, new)
    assert missing(package, "ko") == found


def test_what_is_not_compiled_is_found(package: Path) -> None:
    edit(package / KOREAN, "메모", "노트")
    assert [*mistakes(package)] == [f"ko: {package / KOREAN} is not compiled: make messages"]


@pytest.mark.parametrize(
    ("text", "translation", "mistake"),
    [
        ("100 %", "100%", None),
        ("Hello %(name)s", "", None),
        ("Hello %(name)s", "%(name)s, hello %(name)s", None),
        ("Hello %(name)s", "Hello %(nam)s", "uses %(nam)s, which the text does not have"),
        ("%(share).1f", "%(share)d", "uses %(share)d, which the text does not have"),
        ("Hello %(name)s", "Hello", "does not use %(name)s"),
        ("%(n)s of 9", "%(n)s%", "cannot be filled in: a percent sign in it is written %%"),
        (NOTES, ("notatka", "%(count)s notatki", "%(count)s notatek"), None),
        (NOTES, ("", "", ""), None),
        (NOTES, ("%(n)s", "%(count)s", ""), "uses %(n)s, which the text does not have"),
        (NOTES, ("a", "b", "c"), "does not use %(count)s"),
    ],
)
def test_each_placeholder_is_looked_at(
    text: str | tuple[str, str], translation: str | tuple[str, ...], mistake: str | None
) -> None:
    assert mistake_in(Message(text, translation)) == mistake


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the program."""
    monkeypatch.setattr("sys.argv", ["translations", *arguments])
    program.main()


def test_a_language_is_added_and_reported(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(str(package), "--add", "ja", monkeypatch=monkeypatch)
    path = path_of(package, "ja")
    assert capsys.readouterr().out.splitlines() == [
        f"{path} has {len(update(package, 'ja'))} texts. Translate them; then make messages",
        f"In {package}/app.py write:",
        '    languages={"en": "English", "ko": "한국어", "ja": "日本語"},',
    ]
    with pytest.raises(SystemExit) as end:
        run(str(package), "--check", monkeypatch=monkeypatch)
    assert end.value.code == 0
    first, second = capsys.readouterr().out.splitlines()
    assert " texts have no translation in ja: " in first
    assert second.endswith("is not used: app.py does not name the language ja")


def test_a_mistake_fails(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(package / KOREAN, "%(name)s님", "님")
    run(str(package), monkeypatch=monkeypatch)
    with pytest.raises(SystemExit) as end:
        run(str(package), "--check", monkeypatch=monkeypatch)
    assert end.value.code == 1
    assert capsys.readouterr().err == (
        "ko: the translation of 'Welcome, %(name)s.' does not use %(name)s\n"
    )


def test_a_terminal_that_knows_few_letters_can_add_a_language(package: Path) -> None:
    command = [sys.executable, "-m", "chassis.translations", str(package), "--add", "ja"]
    variables = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, env=variables, capture_output=True, check=False)
    assert done.stderr == b""
    assert rb'"ja": "\u65e5\u672c\u8a9e"' in done.stdout
