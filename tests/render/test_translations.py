"""What a project begins with is translated; it can add languages and remove them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from baking import Baked, Baker, edit, run

PACKAGE = "src/my_internal_tool"
LOCALE = f"{PACKAGE}/locale"
CATALOGUE = "LC_MESSAGES/messages"
SHARED = ("src/chassis", "tests/chassis/project/src/scratch_tool")
BIN = Path(sys.executable).parent


def messages(
    project: Path, *variables: str, verb: str = "messages", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the verb, with the Babel of these tests."""
    return run("make", verb, f"BIN={BIN}", "READY=", *variables, cwd=project, **env)


def make_messages(project: Path, *variables: str, **env: str) -> str:
    """Run the verb, which must succeed; return what it prints."""
    done = messages(project, *variables, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(project: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make ci` says about translations."""
    listed = run("make", "--dry-run", "ci", f"BIN={BIN}", "READY=", cwd=project).stdout
    [line] = [line for line in listed.splitlines() if "chassis.translations" in line]
    return run("sh", "-c", line, cwd=project)


def read(project: Path, language: str, package: str = PACKAGE) -> Catalog:
    """Return a catalogue."""
    with (project / package / f"locale/{language}/{CATALOGUE}.po").open("rb") as file:
        return read_po(file)


def texts(catalogue: Catalog) -> set[str]:
    """Return the texts of a catalogue."""
    return {str(one.id) for one in catalogue if one.id}


def translate(project: Path, language: str, text: str, translation: str) -> None:
    """Write a translation, in the place of none."""
    path = project / f"{LOCALE}/{language}/{CATALOGUE}.po"
    edit(path, f'msgid "{text}"\nmsgstr ""', f'msgid "{text}"\nmsgstr "{translation}"')


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a bake, less what its verbs put into build/ and what Python compiles."""
    found = Baked(folder, {}).files()
    return {
        name: content
        for name, content in found.items()
        if not name.startswith("build/") and "__pycache__" not in name
    }


@pytest.fixture
def english(bake: Baker, tmp_path: Path) -> Path:
    """Return a project in English only."""
    shutil.copytree(bake(starter="blank").path, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def bilingual(bake: Baker, tmp_path: Path) -> Path:
    """Return a project in English and Korean."""
    shutil.copytree(bake(starter="blank", languages="en,ko").path, tmp_path, dirs_exist_ok=True)
    return tmp_path


# --- A fresh project ------------------------------------------------------------------------------


@pytest.mark.parametrize("starter", ["tour", "blank"])
@pytest.mark.parametrize("languages", ["ko", "en,ko", "ko,en"])
def test_every_text_of_a_fresh_project_is_translated(
    bake: Baker, languages: str, starter: str
) -> None:
    baked = bake(starter=starter, languages=languages)
    for package in (PACKAGE, *SHARED):
        catalogue = read(baked.path, "ko", package)
        assert [one.id for one in catalogue if one.id and not one.string] == []
        tour = starter == "tour" and package == PACKAGE
        assert ("Equipment" in texts(catalogue)) == tour


@pytest.mark.parametrize("starter", ["tour", "blank"])
def test_there_is_nothing_to_collect_or_compile_in_a_fresh_project(
    bake: Baker, tmp_path: Path, starter: str
) -> None:
    baked = bake(starter=starter, languages="en,ko")
    shutil.copytree(baked.path, tmp_path, dirs_exist_ok=True)
    for package in (PACKAGE, *SHARED):
        assert make_messages(tmp_path, f"PACKAGE={package}") == ""
    assert files(tmp_path) == files(baked.path)
    done = check(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("starter", ["tour", "blank"])
def test_a_project_in_english_has_no_translations_and_is_told_how_to_begin(
    bake: Baker, tmp_path: Path, starter: str
) -> None:
    baked = bake(starter=starter, languages="en")
    assert [name for name in baked.files() if name.startswith(LOCALE)] == []
    assert "tests/test_translations.py" not in baked.files()
    shutil.copytree(baked.path, tmp_path, dirs_exist_ok=True)
    assert make_messages(tmp_path) == (
        "Nothing is translated yet. To add a language: make messages ADD=ja\n"
    )
    assert files(tmp_path) == files(baked.path)
    done = check(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- Texts that come and go -----------------------------------------------------------------------


def test_a_new_text_is_collected_and_compiled(bilingual: Path) -> None:
    before = files(bilingual)
    edit(bilingual / f"{PACKAGE}/pages/start.py", '_("Start")', '_("Orders")')
    make_messages(bilingual)
    assert {"Orders"} < texts(read(bilingual, "ko"))
    translate(bilingual, "ko", "Orders", "주문")
    make_messages(bilingual)
    assert "주문".encode() in (bilingual / f"{LOCALE}/ko/{CATALOGUE}.mo").read_bytes()
    assert files(bilingual).keys() == before.keys()


def test_baking_over_a_project_keeps_its_own_translations_beside_those_of_the_template(
    bake: Baker, tmp_path: Path
) -> None:
    project = bake.fresh(tmp_path, languages="en,ko").path
    german = project / f"{LOCALE}/de"
    german.mkdir()
    answers = ("--overwrite-if-exists", "languages=en,ko")
    done = bake.command(*answers, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert german.is_dir()
    assert (project / f"{LOCALE}/ko/{CATALOGUE}.po").is_file()
    assert not list(project.glob(f"{PACKAGE}/locale-*"))


# --- Another language -----------------------------------------------------------------------------


def test_a_language_that_the_chassis_lacks_is_added_with_the_texts_of_both(
    english: Path,
) -> None:
    printed = make_messages(english, "ADD=ja")
    assert '    languages={"en": "English", "ja": "日本語"},\n' in printed
    found = texts(read(english, "ja"))
    assert found >= texts(read(english, "ko", "src/chassis"))
    assert "Welcome, %(name)s. Edit `pages/start.py` to begin." in found
    assert str(len(found)) in printed


def test_a_language_of_the_chassis_is_added_with_your_texts_only(english: Path) -> None:
    printed = make_messages(english, "ADD=ko")
    assert '    languages={"en": "English", "ko": "한국어"},\n' in printed
    assert len(texts(read(english, "ko"))) == 2


def test_what_is_added_can_come_from_the_environment_too(english: Path) -> None:
    make_messages(english, ADD="ja")
    assert (english / f"{LOCALE}/ja").is_dir()


@pytest.mark.parametrize(
    ("language", "forms"), [("ja", "nplurals=1;"), ("pl", "nplurals=3;"), ("pt_BR", "nplurals=2;")]
)
def test_a_language_has_its_plural_forms(english: Path, language: str, forms: str) -> None:
    with (english / f"{PACKAGE}/pages/start.py").open("a") as file:
        file.write('st.write(ngettext("%(count)s order", "%(count)s orders", 5))\n')
    make_messages(english, f"ADD={language}")
    catalogue = read(english, language)
    assert str(catalogue.plural_forms).startswith(forms)
    [message] = [one for one in catalogue if "order" in str(one.id)]
    assert message.id == ("%(count)s order", "%(count)s orders")
    assert isinstance(message.string, tuple)
    assert len(message.string) == catalogue.num_plurals


def test_later_both_sides_are_kept_up_to_date(english: Path) -> None:
    make_messages(english, "ADD=ja")
    translate(english, "ja", "Sign in", "サインイン")
    translate(english, "ja", "Start", "開始")
    about = english / "src/chassis/pages/about.py"
    edit(about, '_("Source")', '_("Where from")')
    edit(english / f"{PACKAGE}/pages/start.py", '_("Start")', '_("Orders")')
    edit(english / f"{PACKAGE}/app.py", '_("Start")', '_("Orders")')
    make_messages(english)
    catalogue = read(english, "ja")
    assert {"Where from", "Orders"} < texts(catalogue)
    assert not {"Source", "Start"} & texts(catalogue)
    assert "開始" not in (english / f"{LOCALE}/ja/{CATALOGUE}.po").read_text("utf-8")
    found = catalogue.get("Sign in")
    assert found
    assert found.string == "サインイン"


def test_other_words_for_a_text_of_the_chassis_stay(bilingual: Path) -> None:
    path = bilingual / f"{LOCALE}/ko/{CATALOGUE}.po"
    with path.open("a", encoding="utf-8") as file:
        file.write('msgid "Sign in"\nmsgstr "입장"\n\nmsgid "No such text"\nmsgstr "?"\n')
    make_messages(bilingual)
    text = path.read_text("utf-8")
    assert '"입장"' in text
    assert "No such text" not in text
    assert check(bilingual).stdout == ""


@pytest.mark.parametrize("language", ["xx_YY", "japanese", "../ja", "pt-BR"])
def test_what_is_no_language_is_refused(english: Path, language: str) -> None:
    before = files(english)
    done = messages(english, f"ADD={language}")
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == (
        f"ADD={language} is no language. Examples: ja, pt_BR, zh_Hant"
    )
    assert files(english) == before


def test_english_needs_no_catalogue(bake: Baker, tmp_path: Path) -> None:
    shutil.copytree(bake(starter="blank", languages="ko").path, tmp_path, dirs_exist_ok=True)
    printed = make_messages(tmp_path, "ADD=en")
    assert '    languages={"ko": "한국어", "en": "English"},\n' in printed
    assert not (tmp_path / f"{LOCALE}/en").exists()


def test_the_locale_of_the_shell_adds_no_language(english: Path) -> None:
    before = files(english)
    make_messages(english, LANG="ja")
    assert files(english) == before
    done = messages(english, "LANG=ja")
    assert done.returncode != 0
    assert "make messages ADD=ja" in done.stderr
    assert files(english) == before


# --- What `make ci` says --------------------------------------------------------------------------


ONE_IS_MISSING = (
    "Warning: 1 text has no translation in ko: '{}'. Run make messages, and translate it in "
    f"{LOCALE}/ko/{CATALOGUE}.po"
)


def warnings(project: Path) -> list[str]:
    """Return the warnings of a check that passes."""
    done = check(project)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_removed_language_leaves_nothing_to_complain_about(bilingual: Path) -> None:
    shutil.rmtree(bilingual / f"{LOCALE}/ko")
    edit(bilingual / f"{PACKAGE}/app.py", ', "ko": "한국어"', "")
    assert warnings(bilingual) == []
    assert "Nothing is translated" in make_messages(bilingual)


def test_a_text_without_translation_is_a_warning(english: Path) -> None:
    make_messages(english, "ADD=ja")
    edit(english / f"{PACKAGE}/app.py", '"English"', '"English", "ja": "日本語"')
    total = len(texts(read(english, "ja")))
    [line] = warnings(english)
    assert line.startswith(f"Warning: {total} texts have no translation in ja: '")
    assert f"{LOCALE}/ja/{CATALOGUE}.po" in line
    assert line.count("'") <= 8
    translate(english, "ja", "Start", "開始")
    make_messages(english)
    assert f" {total - 1} texts have " in warnings(english)[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [('msgstr "시작"', 'msgstr ""'), ('msgid "Start"', '#, fuzzy\nmsgid "Start"')],
    ids=["empty", "fuzzy"],
)
def test_an_unfinished_translation_is_a_warning(bilingual: Path, old: str, new: str) -> None:
    edit(bilingual / f"{LOCALE}/ko/{CATALOGUE}.po", old, new)
    make_messages(bilingual)
    assert warnings(bilingual) == [ONE_IS_MISSING.format("Start")]


def test_a_text_that_was_not_collected_is_a_warning(bilingual: Path) -> None:
    edit(bilingual / f"{PACKAGE}/app.py", '_("Start")', '_("Orders")')
    assert warnings(bilingual) == [ONE_IS_MISSING.format("Orders")]


@pytest.mark.parametrize(
    ("translation", "problem"),
    [
        ("환영합니다.", "does not use %(name)s"),
        ("%(nam)s님", "uses %(nam)s, which the text does not have"),
        ("%(name)s님 100%", "cannot be filled in: a percent sign in it is written %%"),
        ("%(name)d님", "uses %(name)d, which the text does not have"),
    ],
)
def test_a_placeholder_that_differs_is_an_error(
    bilingual: Path, translation: str, problem: str
) -> None:
    path = bilingual / f"{LOCALE}/ko/{CATALOGUE}.po"
    path.write_text(
        re.sub(
            '(msgid "Welcome.*\n)msgstr .*', rf'\1msgstr "{translation}"', path.read_text("utf-8")
        ),
        "utf-8",
    )
    make_messages(bilingual)
    done = check(bilingual)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "ko: the translation of 'Welcome, %(name)s. Edit `pages/start.py` to begin.' " + problem
    ]


def test_a_translation_that_is_not_compiled_is_an_error(bilingual: Path) -> None:
    edit(bilingual / f"{LOCALE}/ko/{CATALOGUE}.po", 'msgstr "시작"', 'msgstr "처음"')
    done = check(bilingual)
    assert done.returncode == 1
    assert done.stderr == f"ko: {LOCALE}/ko/{CATALOGUE}.po is not compiled: make messages\n"


def test_app_and_catalogues_that_name_other_languages_are_warned_of(bilingual: Path) -> None:
    edit(bilingual / f"{PACKAGE}/app.py", '"ko": "한국어"', '"ja": "日本語"')
    assert warnings(bilingual) == [
        "Warning: app.py names the language ja, which has no translations: make messages ADD=ja",
        f"Warning: {LOCALE}/ko is not used: app.py does not name the language ko",
    ]
