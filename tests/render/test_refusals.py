"""A bad answer costs one line with a good example, and leaves nothing behind."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from baking import git, run
from options import DEFAULTS, refusals

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from baking import Baker

BAD = [
    ("project_name", "", "must not be empty"),
    ("project_name", "   ", "must not be empty"),
    ("project_name", " My Tool", "begin or end with a space"),
    ("project_name", "x" * 61, "at most 60 columns"),
    ("project_name", "가" * 31, "at most 60 columns"),
    ("project_name", 'My "best" tool', "double quote"),
    ("project_name", "My\\Tool", "backslash"),
    ("project_name", "My\nTool", "one line"),
    ("project_name", "My\tTool", "one line"),
    ("project_name", "My\u202eTool", "invisible"),
    ("project_name", "My\u2066Tool", "invisible"),
    ("project_name", "My\u2028Tool", "one line"),
    ("project_name", "\ufeffMy Tool", "invisible"),
    ("project_name", "My\ud800Tool", "invisible"),
    ("project_name", "{{ 7 * 7 }}", "Jinja"),
    ("project_name", "{% raw %}", "Jinja"),
    ("project_name", "{# no comment #}", "Jinja"),
    ("project_slug", "-", "a letter first"),
    ("project_slug", "My-Tool", "lower-case"),
    ("project_slug", "my_tool", "lower-case"),
    ("project_slug", "my--tool", "single hyphens"),
    ("project_slug", "3d-viewer", "a letter first"),
    ("project_slug", "매출", "lower-case"),
    ("project_slug", "x", "2 to 40"),
    ("project_slug", "x" * 41, "2 to 40"),
    ("project_slug", "../evil", "lower-case"),
    ("project_slug", "con", "a device"),
    ("project_slug", "lpt1", "a device"),
    ("project_slug", "prometheus-client", "a dependency"),
    ("project_slug", "python3", "a command"),
    ("project_slug", "chassis", "is the name of"),
    ("project_slug", "if", "a word of the shell"),
    ("project_slug", "test", "a word of the shell"),
    ("project_slug", "news", "a user of the system"),
    ("package_name", "", "must not be empty"),
    ("package_name", "my-tool", "lower-case"),
    ("package_name", "MyTool", "lower-case"),
    ("package_name", "_tool", "a letter first"),
    ("package_name", "class", "keyword"),
    ("package_name", "match", "keyword"),
    ("package_name", "json", "standard library"),
    ("package_name", "streamlit", "a dependency"),
    ("package_name", "tests", "is the name of"),
    ("package_name", "chassis", "is the name of"),
    ("package_name", "scratch_tool", "is the name of"),
    ("package_name", "x" * 41, "at most 40"),
    ("package_name", "naïve", "lower-case"),
    ("description", "", "must not be empty"),
    ("description", "x" * 201, "at most 200 columns"),
    ("description", "one\ntwo", "one line"),
    ("author_name", "{{ author }}", "Jinja"),
    ("author_name", "Bo\0", "control"),
    ("author_email", "nobody", "must be an e-mail address"),
    ("author_email", "a@b", "full host name"),
    ("author_email", "a b@example.com", "must be an e-mail address"),
    ("author_email", "김@example.com", "ASCII"),
    ("author_email", "a@example.com\n", "one line"),
    ("domain", "localhost", "full host name"),
    ("domain", "https://tool.example.com", "without https://"),
    ("domain", "tool.example.com:8443", "port"),
    ("domain", "tool.example.com/path", "path"),
    ("domain", "Tool.example.com", "lower case"),
    ("domain", "-tool.example.com", "full host name"),
    ("domain", "tool..example.com", "full host name"),
    ("domain", "10.0.0.1", "full host name"),
    ("domain", "도구.example.kr", "xn--"),
    ("domain", f"{'x' * 64}.com", "at most 60"),
]

GOOD = [
    ("project_name", "R&D 현황판 'beta' <1> 100%"),
    ("project_name", "לוח מכירות"),
    ("project_name", "Sales 👩‍💻"),
    ("project_name", "가" * 30),
    ("project_slug", "a1-b2"),
    ("project_slug", "x" * 40),
    ("package_name", "a_1"),
    ("package_name", "common"),
    ("description", r"""'a' "b" \c"""),
    ("author_name", "O'Neil, Bo"),
    ("author_email", "first.o'last+tag@mail.example.co.kr"),
    ("author_email", "a@EXAMPLE.com"),
    ("domain", "xn--hq1bm8jm9l.example.kr"),
    ("domain", "a.b-c.d1.example.com"),
]


def label(case: tuple[str, ...]) -> str:
    """Return a test id that a terminal can print."""
    return f"{case[0]}-{ascii(case[1])[1:-1][:25]}"


@pytest.mark.parametrize(("name", "value", "problem"), BAD, ids=map(label, BAD))
def test_a_bad_answer_is_refused_with_an_example(name: str, value: str, problem: str) -> None:
    lines = refusals({**DEFAULTS, name: value})
    assert list(lines) == [name]
    line = lines[name]
    assert line.startswith(f"{name} ")
    assert problem in line
    assert line.isprintable()
    example = line.rpartition("Example: ")[2]
    assert refusals({**DEFAULTS, name: example}) == {}, "the example is refused itself"


@pytest.mark.parametrize(("name", "value"), GOOD, ids=map(label, GOOD))
def test_a_good_answer_is_accepted(name: str, value: str) -> None:
    assert refusals({**DEFAULTS, name: value}) == {}


HINT = "Complete this command, it holds the other answers:"


def refused(done: subprocess.CompletedProcess[str]) -> tuple[list[str], str]:
    """Return the lines about bad answers, and the command that holds the good ones."""
    assert done.returncode == 1
    *lines, hint, command = done.stderr.splitlines()
    assert hint == HINT
    assert all(" Example: " in line for line in lines)
    return [line.split()[0] for line in lines], command


@pytest.mark.parametrize(
    ("name", "value"),
    [("project_name", 'a "b"'), ("project_slug", "A"), ("package_name", "json"), ("domain", "x")],
)
def test_the_command_prints_one_line_and_leaves_nothing(
    bake: Baker, tmp_path: Path, name: str, value: str
) -> None:
    names, command = refused(bake.command(f"{name}={value}", cwd=tmp_path))
    assert names == [name]
    assert command.endswith(f" {name}=")
    assert list(tmp_path.iterdir()) == []


def test_all_bad_answers_are_named_at_once_and_the_good_ones_need_no_second_typing(
    bake: Baker, tmp_path: Path
) -> None:
    good = {"project_name": "R&D's $HOME", "author_name": 'O"Neil', "use_docker": "no"}
    given = [f"{name}={value}" for name, value in {**good, "languages": "ko"}.items()]
    (tmp_path / "elsewhere").mkdir()
    elsewhere = ("--output-dir", "elsewhere")
    done = bake.command(*elsewhere, *given, "project_slug=My-Tool", "domain=x", cwd=tmp_path)
    names, command = refused(done)
    assert names == ["project_slug", "domain"]
    completed = command.replace(" project_slug=", " project_slug=sales") + "d.example.com"
    bake.folder.joinpath("bin").mkdir(exist_ok=True)
    program = bake.folder / "bin" / "cookiecutter"
    config = shlex.join(["--config-file", str(bake.user_config())])
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cookiecutter {config} "$@"\n')
    program.chmod(0o755)
    again = run("sh", "-c", completed, cwd=tmp_path, PATH=f"{program.parent}:{os.environ['PATH']}")
    assert again.returncode == 0, again.stdout + again.stderr
    record = json.loads((tmp_path / "elsewhere/sales/.cruft.json").read_text("utf-8"))
    answers = record["context"]["cookiecutter"]
    assert {name: answers[name] for name in good} == {**good, "use_docker": False}
    assert answers["languages"] == "ko"
    assert answers["package_name"] == "sales"
    assert answers["domain"] == "d.example.com"


def test_an_answer_that_follows_from_a_bad_one_is_not_named(bake: Baker, tmp_path: Path) -> None:
    names, command = refused(bake.command("project_name= ", cwd=tmp_path))
    assert names == ["project_name"]
    assert "project_slug" not in command
    assert "package_name" not in command
    names, _ = refused(bake.command("project_slug=A", "package_name=json", cwd=tmp_path))
    assert names == ["project_slug", "package_name"]
    names, command = refused(bake.command("project_slug=a-b-", "package_name=ab", cwd=tmp_path))
    assert names == ["project_slug"]
    assert " package_name=ab " in command


def test_the_command_names_the_version_of_the_template(
    bake: Baker, template: Path, tmp_path: Path
) -> None:
    git("clone", "--quiet", "--bare", str(template), "template.git", cwd=tmp_path)
    url = (tmp_path / "template.git").as_uri()
    done = bake.command("domain=x", "--checkout", "main", cwd=tmp_path, template=url)
    _, command = refused(done)
    assert command.startswith(f"cookiecutter --no-input {url} --checkout main ")
    assert "--output-dir" not in command


@pytest.mark.parametrize("name", ["🎉🎉", "!!!"])
def test_a_name_without_any_letter_asks_for_a_slug(bake: Baker, tmp_path: Path, name: str) -> None:
    done = bake.command(f"project_name={name}", cwd=tmp_path)
    names, command = refused(done)
    assert names == ["project_slug"]
    assert done.stderr.startswith("project_slug '-' must be")
    assert done.stderr.splitlines()[0].endswith("Example: my-internal-tool")
    assert command.endswith(" project_slug=")
    assert list(tmp_path.iterdir()) == []


def test_a_korean_name_gets_a_latin_slug(bake: Baker, tmp_path: Path) -> None:
    done = bake.command("project_name=매출 현황판", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["maecul-hyeonhwangpan"]


def test_the_longest_name_gets_a_slug_that_is_accepted(bake: Baker, tmp_path: Path) -> None:
    done = bake.command(f"project_name={'word ' * 12}".strip(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("answer", ["project_slug=theirs", "project_slug=theirs domain=x"])
@pytest.mark.parametrize("force", [False, True])
def test_an_existing_folder_is_left_alone(
    bake: Baker, tmp_path: Path, answer: str, force: bool
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "pyproject.toml").write_text("mine")
    flags = ["--overwrite-if-exists"] if force else []
    refused = not force or "domain" in answer
    done = bake.command(*flags, *answer.split(), cwd=tmp_path)
    assert done.returncode == int(refused)
    if refused:
        assert {path.name for path in theirs.iterdir()} == {"pyproject.toml"}
        assert (theirs / "pyproject.toml").read_text() == "mine"
    if not force:
        assert done.stdout + done.stderr == 'Error: "theirs" directory already exists\n'


def test_an_unknown_choice_ends_with_the_choices(bake: Baker, tmp_path: Path) -> None:
    """Cookiecutter's own traceback comes before any hook; its last line is what helps."""
    done = bake.command("license=GPL", cwd=tmp_path)
    assert done.returncode == 1
    last_line = done.stderr.strip().splitlines()[-1]
    assert "GPL" in last_line
    assert "license" in last_line
    assert "'MIT'" in last_line
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_cookiecutter_refuses_too(
    bake: Baker, oldest_cookiecutter: Path, tmp_path: Path
) -> None:
    done = bake.command("domain=x", cwd=tmp_path, python=oldest_cookiecutter)
    assert refused(done)[0] == ["domain"]
    assert done.stderr.startswith("domain 'x' must be")
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_is_too_old_is_told_so(template: Path, tmp_path: Path) -> None:
    hook = template / "hooks" / "pre_gen_project.py"
    ast.parse(hook.read_text("utf-8"), feature_version=(3, 8))
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9); runpy.run_path(sys.argv[1], {}, '__main__')"
    )
    done = run(sys.executable, "-c", pretend, hook, cwd=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"Cookiecutter must run on Python 3.11 or newer\. .*\n", done.stderr)
