"""Exactly these files are in a bake, for every choice: nothing is missing, nothing is left over."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from baking import PROJECT_FOLDER, Baked, Baker
from options import EVERY_CHOICE, PRESETS

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST = Path(__file__).with_name("manifest.txt")


def expected(answers: Mapping[str, Any]) -> list[str]:
    """Return the manifest for some answers: a line may end with "if a=x,y and b=z or c=w"."""

    def holds(condition: str) -> bool:
        option, _, wanted = condition.partition("=")
        return str(answers[option]).lower() in wanted.split(",")

    names = []
    for line in MANIFEST.read_text("utf-8").splitlines():
        name, _, condition = line.partition(" if ")
        if not condition or any(
            all(map(holds, part.split(" and "))) for part in condition.split(" or ")
        ):
            name = name.replace("PACKAGE", answers["package_name"])
            names.append(name.replace("SLUG", answers["project_slug"]))
    return sorted(names)


@pytest.mark.parametrize(
    "choices", EVERY_CHOICE, ids=lambda choices: "-".join(map(str, choices.values()))
)
def test_files_of_every_choice(bake: Baker, choices: dict[str, Any]) -> None:
    baked = bake(**choices)
    found = sorted(baked.files())
    difference = difflib.unified_diff(expected(baked.answers), found, "manifest", "bake", n=0)
    assert not list(difference), "\n".join(difference)


@pytest.mark.parametrize("preset", PRESETS)
def test_files_of_every_preset(bake: Baker, preset: str) -> None:
    baked = bake(**PRESETS[preset])
    assert sorted(baked.files()) == expected(baked.answers)


@pytest.mark.parametrize(
    ("choice", "first_line"),
    [
        ("Proprietary", "Copyright (c) Your Name. All rights reserved."),
        ("MIT", "MIT License"),
        ("Apache-2.0", "                                 Apache License"),
    ],
)
def test_license_text_and_metadata(bake: Baker, choice: str, first_line: str) -> None:
    baked = bake(license=choice)
    lines = baked.read("LICENSE").splitlines()
    assert next(line for line in lines if line) == first_line
    expression = "LicenseRef-Proprietary" if choice == "Proprietary" else choice
    assert f'license = "{expression}"' in baked.read("pyproject.toml").splitlines()


def test_every_file_of_the_template_is_in_some_bake(template: Path, bake: Baker) -> None:
    folder = template / PROJECT_FOLDER
    sources = [path for path in folder.rglob("*") if path.is_file()]
    names: set[str] = set()
    for choices in EVERY_CHOICE:
        names.update(bake(**choices).files())
    conditional = re.compile(r"{% if .*? %}(.*?){% endif %}")
    for source in sources:
        name = conditional.sub(r"\1", source.relative_to(folder).as_posix())
        name = name.replace("{{cookiecutter.project_slug}}", "my-internal-tool")
        assert name.replace("{{cookiecutter.package_name}}", "my_internal_tool") in names


@pytest.mark.parametrize(
    ("docker", "words"),
    [
        (True, "systemd|systemctl|journalctl|server.md"),
        (False, "systemd|systemctl|nginx|deploy/|server.md"),
    ],
)
def test_an_option_that_is_off_is_not_mentioned(bake: Baker, docker: bool, words: str) -> None:
    for name, text in bake(use_systemd=False, use_docker=docker).texts().items():
        if name not in {".cruft.json", "requirements.txt", "requirements-dev.txt"}:
            mentioned = re.search(words, text, re.IGNORECASE)
            assert not mentioned, f"{name}: {mentioned}"


def test_the_package_is_named_everywhere(bake: Baker) -> None:
    for name, text in bake(**PRESETS["korean"]).texts().items():
        assert "my_internal_tool" not in text + name
        assert "my-internal-tool" not in text + name


def test_baked_texts_speak_of_no_template_variable(default: Baked) -> None:
    for name, text in default.texts().items():
        assert not re.search(r"(?<!\$){[{%#]", text), name  # ${{ }} is GitHub's own
        if name != ".cruft.json":
            assert not re.search(r"cookiecutter[._]", text), name
