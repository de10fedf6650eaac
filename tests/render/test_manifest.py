"""Exactly these files are in a bake, for every choice: nothing is missing, nothing is left over."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
from baking import PROJECT_FOLDER, Baked, Baker
from options import EVERY_CHOICE, PRESETS

MANIFEST = Path(__file__).with_name("manifest.txt")


def expected(package_name: str) -> list[str]:
    """Return the manifest for a package name."""
    names = MANIFEST.read_text("utf-8").replace("PACKAGE", package_name).splitlines()
    return sorted(names)


@pytest.mark.parametrize("choices", EVERY_CHOICE, ids=lambda choices: "-".join(choices.values()))
def test_files_of_every_choice(bake: Baker, choices: dict[str, str]) -> None:
    found = sorted(bake(**choices).files())
    difference = difflib.unified_diff(expected("my_internal_tool"), found, "manifest", "bake", n=0)
    assert not list(difference), "\n".join(difference)


@pytest.mark.parametrize("preset", PRESETS)
def test_files_of_every_preset(bake: Baker, preset: str) -> None:
    baked = bake(**PRESETS[preset])
    assert sorted(baked.files()) == expected(baked.answers["package_name"])


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
        assert name.replace("{{cookiecutter.package_name}}", "my_internal_tool") in names


def test_the_package_is_named_everywhere(bake: Baker) -> None:
    for name, text in bake(**PRESETS["korean"]).texts().items():
        assert "my_internal_tool" not in text + name
        assert "my-internal-tool" not in text + name


def test_baked_texts_speak_of_no_template_variable(default: Baked) -> None:
    for name, text in default.texts().items():
        assert not re.search(r"{[{%#]", text), name
        if name != ".cruft.json":
            assert not re.search(r"cookiecutter[._]", text), name
