"""Every fenced block of a project's documents says where it runs."""

import re

import pytest
from baking import Baked, Baker
from blocks import PLACES, blocks_of

# Pictures made of letters: the map of the README, the way of a request.
PICTURES = {"README.md": 1, "docs/architecture.md": 1}
OPTIONS: list[dict[str, object]] = [
    {},
    {"languages": "en,ko", "ci_provider": "both"},
    {"starter": "blank", "use_docker": False, "use_systemd": False, "ci_provider": "none"},
]


@pytest.fixture(params=OPTIONS, ids=["default", "everything", "nothing"])
def baked(request: pytest.FixtureRequest, bake: Baker) -> Baked:
    """Return bakes with different documents."""
    return bake(**request.param)


def test_every_block_is_marked(baked: Baked) -> None:
    unmarked = [
        (name, block.text)
        for name, text in baked.documents().items()
        for block in blocks_of(name, text)
        if block.place not in PLACES
    ]
    assert unmarked == []


def test_a_block_without_a_language_is_a_picture(baked: Baked) -> None:
    for name, text in baked.documents().items():
        fences = re.findall(r"^ *```(.*)$", text, re.MULTILINE)
        assert len(fences) % 2 == 0, name
        assert fences[::2].count("") == PICTURES.get(name, 0), name


def test_the_readme_is_short(baked: Baked) -> None:
    assert len(baked.read("README.md").splitlines()) <= 80


def test_commands_of_a_laptop_are_spelled_as_they_work_there(baked: Baked) -> None:
    command = baked.path.name
    wrong = [
        (name, line)
        for name, text in baked.documents().items()
        for block in blocks_of(name, text)
        if block.place == "laptop" and block.language == "sh"
        for line in block.text.splitlines()
        if re.match(rf"(python|pip|{command})\b", line)
    ]
    assert wrong == []
