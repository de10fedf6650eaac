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
    from collections.abc import Iterable, Mapping

MANIFEST = Path(__file__).with_name("manifest.txt")
# Copied as they are, whatever the answers: tests/render/test_chassis.py compares them.
OF_CHASSIS = ("src/chassis/", "tests/chassis/")


def expected(answers: Mapping[str, Any]) -> list[str]:
    """Return the manifest for some answers: a line may end with "if a=x/y and b=z or c=w"."""

    def holds(condition: str) -> bool:
        option, _, wanted = condition.partition("=")
        return str(answers[option]).lower() in wanted.split("/")

    names = []
    for line in MANIFEST.read_text("utf-8").splitlines():
        name, _, condition = line.partition(" if ")
        if not condition or any(
            all(map(holds, part.split(" and "))) for part in condition.split(" or ")
        ):
            name = name.replace("PACKAGE", answers["package_name"])
            names.append(name.replace("SLUG", answers["project_slug"]))
    return sorted(names)


def listed(baked: Baked) -> list[str]:
    """Return the files of a bake without those of the chassis."""
    return sorted(name for name in baked.files() if not name.startswith(OF_CHASSIS))


def rendered(baked: Baked) -> dict[str, str]:
    """Return the text files of a bake without those of the chassis."""
    return {name: text for name, text in baked.texts().items() if not name.startswith(OF_CHASSIS)}


@pytest.mark.parametrize(
    "choices", EVERY_CHOICE, ids=lambda choices: "-".join(map(str, choices.values()))
)
def test_files_of_every_choice(bake: Baker, choices: dict[str, Any]) -> None:
    baked = bake(**choices)
    found = listed(baked)
    difference = difflib.unified_diff(expected(baked.answers), found, "manifest", "bake", n=0)
    assert not list(difference), "\n".join(difference)


@pytest.mark.parametrize("preset", PRESETS)
def test_files_of_every_preset(bake: Baker, preset: str) -> None:
    baked = bake(**PRESETS[preset])
    assert listed(baked) == expected(baked.answers)


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
        name = re.sub("/locale[.-][a-z]+/", "/locale/", name)  # one for each starter
        assert name.replace("{{cookiecutter.package_name}}", "my_internal_tool") in names


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"use_systemd": False}, "systemd|systemctl|journalctl|server.md"),
        (
            {"use_systemd": False, "use_docker": False},
            "systemd|systemctl|nginx|deploy/|server.md|docker|compose\\.",
        ),
        ({"starter": "blank"}, "equipment|demo_sales|dashboard|0001_|example to delete"),
        ({"languages": "en"}, "한국어|locale/ko"),
    ],
)
def test_an_option_that_is_off_is_not_mentioned(
    bake: Baker, answers: dict[str, Any], words: str
) -> None:
    for name, text in rendered(bake(**answers)).items():
        if not name.startswith((".cruft.json", "requirements")):
            mentioned = re.search(words, text, re.IGNORECASE)
            assert not mentioned, f"{name}: {mentioned}"


def manifest() -> set[str]:
    """Return all files of the manifest, with the names of the default answers."""
    names = (line.partition(" if ")[0] for line in MANIFEST.read_text("utf-8").splitlines())
    own = {"PACKAGE": "my_internal_tool", "SLUG": "my-internal-tool"}
    return {re.sub("PACKAGE|SLUG", lambda word: own[word[0]], name) for name in names}


def folders(names: Iterable[str]) -> set[str]:
    """Return the name of each folder in which files lie, with a slash behind it."""
    return {f"{folder.name}/" for name in names for folder in Path(name).parents if folder.name}


@pytest.mark.parametrize(
    "choices", EVERY_CHOICE, ids=lambda choices: "-".join(map(str, choices.values()))
)
def test_a_file_that_is_left_out_is_not_mentioned(bake: Baker, choices: dict[str, Any]) -> None:
    baked = bake(**choices)
    present = set(baked.files())
    absent = manifest() - present
    words = absent | {Path(name).name for name in absent if "." in Path(name).name[1:]}
    words |= folders(absent)
    words -= {Path(name).name for name in present} | folders(present)
    # Written later: by the program for servers, and by `make delete-example`.
    words -= {"serving.conf", "start.py", "test_start_page.py", "tests/test_start_page.py"}
    mentioned = []
    for name, text in rendered(baked).items():
        if not name.startswith((".cruft.json", "requirements")):
            # Each path as it stands, and again without the folders in front of its name.
            both = text + "\n" + re.sub(r"[\w-]+/(?=[\w.])", "", text)
            mentioned += [
                f"{name}: {word}"
                for word in words
                if word in both and re.search(rf"(?<![\w./-]){re.escape(word)}", both)
            ]
    assert not mentioned, sorted(mentioned)


def test_the_package_is_named_everywhere(bake: Baker) -> None:
    for name, text in rendered(bake(**PRESETS["korean"])).items():
        # An example of a setting, equal in every project.
        own = text.replace("OIDC_CLIENT_ID=my-internal-tool", "")
        assert "my_internal_tool" not in own + name
        assert "my-internal-tool" not in own + name


def test_baked_texts_speak_of_no_template_variable(default: Baked) -> None:
    for name, text in rendered(default).items():
        assert not re.search(r"(?<!\$){[{%#]", text), name  # ${{ }} is GitHub's own
        if name != ".cruft.json":
            assert not re.search(r"cookiecutter[._]", text), name
