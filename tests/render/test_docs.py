"""The documents of the template say what cookiecutter.json, the hooks and the files say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from baking import ROOT, run, template_files
from options import CHOICES, DEFAULTS, OPTIONS, QUESTIONS

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text("utf-8")
OPTIONS_PAGE = (ROOT / "docs/options.md").read_text("utf-8")
DOCUMENTS = [ROOT / name for name in template_files() if re.fullmatch(r"(docs/)?[^/{]+\.md", name)]
NUMBERS = {14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen"}


def as_json(answer: str | bool) -> str:
    """Return an answer as it is written: a boolean as true or false."""
    return answer if isinstance(answer, str) else str(answer).lower()


def table(text: str) -> dict[str, list[str]]:
    """Return the rows of the table that begins with the column Option."""
    block = re.search(r"^\| Option \|.*?\n(?!\|)", text, re.MULTILINE | re.DOTALL)
    assert block
    rows = [re.split(r" *\| *", line.strip("| ")) for line in block[0].strip().splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.mark.parametrize("text", [README, OPTIONS_PAGE], ids=["README", "options"])
def test_tables_list_every_option_in_order(text: str) -> None:
    assert list(table(text)) == list(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_readme_names_default_and_choices(name: str) -> None:
    default, meaning = table(README)[name]
    value = OPTIONS[name]
    if name in CHOICES:
        choices = [as_json(choice) for choice in CHOICES[name]]
        assert default == choices[0]
        assert re.findall(r"`([^`]+)`", meaning) == choices
        assert re.findall(r"`([^`]+)`", table(OPTIONS_PAGE)[name][0]) == choices
    elif "{{" in value:
        assert default.startswith("from ")
        assert default[5:].strip("`") in value
    else:
        assert default == value == DEFAULTS[name]


def test_every_question_has_a_label_and_every_choice_too() -> None:
    prompts: dict[str, Any] = QUESTIONS["__prompts__"]
    assert list(prompts) == list(OPTIONS)
    for name, choices in CHOICES.items():
        if isinstance(OPTIONS[name], bool):  # asked with y and n
            assert isinstance(prompts[name], str)
            continue
        assert list(prompts[name]) == ["__prompt__", *choices]


def test_there_are_at_most_fifteen_questions_and_the_readme_counts_them() -> None:
    derived = [value for value in OPTIONS.values() if "{{" in str(value)]
    assert len(OPTIONS) - len(derived) <= 15
    assert f"asks {NUMBERS[len(OPTIONS)]} questions" in README.replace("\n", " ")
    assert f"these {NUMBERS[len(OPTIONS)]} are all" in README.replace("\n", " ")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_files_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    for link in links:
        assert (document.parent / link).exists(), link
    for name in re.findall(r"`((?:tests|docs|hooks|tools|\.ci)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_verbs_exist(document: Path) -> None:
    verbs = set(
        re.findall(r"(?:`|^)(?:\w+=\S+ )?make ([a-z-]+)", document.read_text("utf-8"), re.M)
    )
    makefiles = [ROOT / "Makefile", ROOT / "{{cookiecutter.project_slug}}" / "Makefile"]
    text = "".join(path.read_text("utf-8") for path in makefiles)
    assert {verb for verb in verbs if not re.search(rf"^{verb}:", text, re.MULTILINE)} == set()


def test_help_of_the_template_lists_every_verb_and_nothing_else() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    rules = re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)
    listed = run("make", cwd=ROOT).stdout.splitlines()
    assert [line.split()[1] for line in listed] == rules


def test_the_limits_of_the_options_page_are_those_of_the_hook() -> None:
    hook = (ROOT / "hooks/pre_gen_project.py").read_text("utf-8")
    widest = re.search(r"WIDEST = {.*}", hook)
    assert widest
    limits = dict(re.findall(r'"(\w+)": (\d+)', widest[0]))
    for name, limit in limits.items():
        assert f"up to {limit} " in table(OPTIONS_PAGE)[name][0]
