"""No answer runs as code or breaks a file: it comes back unchanged, or it is refused."""

from __future__ import annotations

import ast
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from baking import REQUIRE_ALL, ROOT, Baked, Baker
from cookiecutter.exceptions import FailedHookException
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from options import DEFAULTS, PRESETS, refusals
from parsing import parsed_shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


JINJA = "{{ cycler.__init__.__globals__.os.popen('touch CANARY').read() }}"
FRAGMENTS = [
    *("'", '"', "'''", '"""', "\\", "\\\\", "\\n", "\\N{DIGIT ONE}", "\\u0022", "`touch CANARY`"),
    *("$(touch CANARY)", "${HOME}", "$$", "%s", "%(x)s", "%", "#", " # ", ";", "|", "&&", "&amp;"),
    *("{{", "}}", "{%", "%}", "{#", "#}", "{x}", JINJA, "{% raw %}", "\n", "\r\n", "\t", "\0"),
    *("<script>", "</script>", "<!--", "-->", "<!-- settings -->", "]]>", "[x](y)", "=", ":", ": "),
    *(
        "---",
        "- ",
        "* ",
        "!x",
        "@x",
        "한국어",
        "\u1112\u1161\u11ab",
        "👩‍💻",
        "é",
        "e\u0301",
        "’",
        "ß",
    ),
    *("שלום", "مرحبا", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\x85", "\xa0", "\ud800"),
    *("import os", "__import__('os').system('touch CANARY')", "x" * 200, "A", " ", "."),
]
HOSTILE = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=6).map("".join)


def accepted(name: str) -> st.SearchStrategy[str]:
    """Return texts that the hook accepts as one answer."""
    return HOSTILE.filter(lambda text: not refusals({**DEFAULTS, name: text}))


def refused(name: str) -> st.SearchStrategy[str]:
    """Return texts that the hook refuses as one answer."""
    return HOSTILE.filter(lambda text: bool(refusals({**DEFAULTS, name: text})))


def answers(**strategies: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    """Return answers that change some of the defaults."""
    return st.fixed_dictionaries({k: st.just(v) for k, v in DEFAULTS.items()} | strategies)


# The same examples in every run: a red test is red for everybody.
SETTINGS = settings(
    # A bake takes a second: to look for a smaller example would take minutes.
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile each text once: the template is the same in every example, only answers differ."""
    compiled: dict[tuple[Any, ...], Any] = {}
    compile_ = Environment.compile

    def compile_once(environment: Environment, *arguments: Any) -> Any:
        if arguments not in compiled:
            compiled[arguments] = compile_(environment, *arguments)
        return compiled[arguments]

    monkeypatch.setattr(Environment, "compile", compile_once)


@pytest.fixture(scope="module")
def usual(default: Baked) -> dict[str, tuple[bytes, Any]]:
    """Return the content and the shape of each file of the default bake."""
    return {name: (text, parsed_shape(default, name)) for name, text in default.files().items()}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return an empty folder for each example."""

    def numbered() -> Iterator[Path]:
        while True:
            yield tmp_path_factory.mktemp("hostile")

    return numbered()


def test_a_text_that_is_accepted_comes_back_unchanged(
    bake: Baker, usual: dict[str, tuple[bytes, Any]], outputs: Iterator[Path]
) -> None:
    @settings(SETTINGS, max_examples=100 if REQUIRE_ALL else 12)
    @given(
        answers(
            project_name=accepted("project_name"),
            description=accepted("description"),
            author_name=accepted("author_name"),
        )
    )
    @example({**DEFAULTS, **PRESETS["hostile"]})
    @example({**DEFAULTS, "description": "\\", "author_name": '\\"', "project_name": "#"})
    def check(given_answers: dict[str, str]) -> None:
        output = next(outputs)
        baked = bake.fresh(output, **given_answers)
        project = tomllib.loads(baked.read("pyproject.toml"))["project"]
        assert project["description"] == given_answers["description"]
        assert project["authors"][0]["name"] == given_answers["author_name"]
        assert project["authors"][0]["email"] == given_answers["author_email"]
        recorded = json.loads(baked.read(".cruft.json"))["context"]["cookiecutter"]
        assert {name: recorded[name] for name in given_answers} == given_answers
        files = baked.files()
        assert files.keys() == usual.keys()
        for name, text in files.items():
            usual_text, shape = usual[name]
            assert text == usual_text or parsed_shape(baked, name) == shape, name
        assert not list(output.rglob("*anary*"))
        assert not list(ROOT.glob("*anary*"))

    check()


LABEL = "[a-z][a-z0-9-]{0,20}"
NAMES = {
    "project_slug": st.from_regex("[a-z][a-z0-9-]{1,39}", fullmatch=True),
    "package_name": st.from_regex("[a-z][a-z0-9_]{0,39}", fullmatch=True),
    "author_email": st.from_regex(rf"[A-Za-z0-9+'._-]{{1,20}}@{LABEL}\.{LABEL}", fullmatch=True),
    "domain": st.from_regex(rf"({LABEL}\.){{1,2}}{LABEL}", fullmatch=True),
}


def test_a_name_that_is_accepted_bakes(bake: Baker, outputs: Iterator[Path]) -> None:
    @settings(SETTINGS, max_examples=40 if REQUIRE_ALL else 6)
    @given(answers(**NAMES).filter(lambda given_answers: not refusals(given_answers)))
    def check(given_answers: dict[str, str]) -> None:
        baked = bake.fresh(next(outputs), **given_answers)
        for name, content in baked.files().items():
            if name.endswith(".py"):
                ast.parse(content)  # its shape, which takes three times as long, is not compared
            else:
                parsed_shape(baked, name)
        slug, package = given_answers["project_slug"], given_answers["package_name"]
        project = tomllib.loads(baked.read("pyproject.toml"))["project"]
        assert baked.path.name == project["name"] == slug
        assert project["scripts"] == {slug: f"{package}.app:main"}
        assert project["authors"][0]["email"] == given_answers["author_email"]
        assert (baked.path / "src" / package / "app.py").is_file()
        assert given_answers["domain"] in baked.read(f"deploy/nginx/{slug}.conf")

    check()


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_text_that_is_refused_leaves_nothing(
    bake: Baker, outputs: Iterator[Path], name: str
) -> None:
    @settings(SETTINGS, max_examples=4)
    @given(refused(name).filter(lambda text: name != "project_slug" or is_file_name(text)))
    @example(JINJA if name != "project_slug" else "{{ 7 * 7 }}")
    def check(text: str) -> None:
        output = next(outputs)
        with pytest.raises(FailedHookException):
            bake.fresh(output, **{name: text})
        assert list(output.iterdir()) == []

    check()


def is_file_name(text: str) -> bool:
    """Tell whether cookiecutter can make a folder of that name before it asks the hook."""
    return text.strip(" .") != "" and text.isprintable() and "/" not in text and len(text) < 80


@settings(SETTINGS, max_examples=300)
@given(answers(**dict.fromkeys(DEFAULTS, HOSTILE)))
def test_a_refusal_is_one_printable_line_with_an_example(given_answers: dict[str, str]) -> None:
    for line in refusals(given_answers).values():
        assert line.isprintable()
        assert " Example: " in line


@pytest.mark.parametrize("name", DEFAULTS)
def test_each_text_question_has_texts_of_both_kinds(name: str) -> None:
    """The property tests above would prove nothing if their filters let nothing through."""
    assert refusals(DEFAULTS) == {}
    assert list(refusals({**DEFAULTS, name: "{{ 7 * 7 }}"})) == [name]
