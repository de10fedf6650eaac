"""The chassis is the same in every project, and what a team owns beside it is small."""

from __future__ import annotations

import stat
from typing import Any

import pytest
from baking import PROJECT_FOLDER, ROOT, Baked, Baker, template_files
from options import PRESETS

OF_CHASSIS = ("src/chassis/", "tests/chassis/")
# They differ in every answer.
UNLIKE: list[dict[str, Any]] = [
    PRESETS["korean"],
    {
        "project_name": "Zulu Zebras",
        "project_slug": "zz-zebras",
        "package_name": "zebras",
        "author_name": "Zebra Keepers",
        "author_email": "zebra.keepers@example.org",
        "domain": "zebras.example.org",
        "starter": "blank",
        "languages": "en,ko",
        "auth_backend": "oidc",
        "python_version": "3.11",
        "use_systemd": False,
        "use_docker": False,
        "ci_provider": "none",
    },
]


def chassis(baked: Baked) -> dict[str, tuple[bytes, int]]:
    """Return content and permissions of each file of the chassis and of its tests."""
    return {
        name: (content, stat.S_IMODE((baked.path / name).stat().st_mode))
        for name, content in baked.files().items()
        if name.startswith(OF_CHASSIS)
    }


@pytest.mark.parametrize("answers", UNLIKE, ids=["korean", "zebras"])
def test_the_chassis_is_that_of_the_template_to_the_byte(
    bake: Baker, answers: dict[str, Any]
) -> None:
    names = [name.removeprefix(f"{PROJECT_FOLDER}/") for name in template_files()]
    folder = ROOT / PROJECT_FOLDER
    expected = {
        name: ((folder / name).read_bytes(), stat.S_IMODE((folder / name).stat().st_mode))
        for name in names
        if name.startswith(OF_CHASSIS)
    }
    assert len(expected) > 100
    found = chassis(bake(**answers))
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


@pytest.mark.parametrize("answers", [{}, *UNLIKE], ids=["default", "korean", "zebras"])
def test_the_chassis_names_no_project(bake: Baker, answers: dict[str, Any]) -> None:
    baked = bake(**answers)
    words = ["cookiecutter"]
    words += [baked.answers[name] for name in ("project_name", "package_name", "project_slug")]
    for name, text in baked.texts().items():
        if name.startswith(OF_CHASSIS):
            # What an operator calls this app at the provider: any name is as good an example.
            own = text.replace('examples=["my-internal-tool"]', "")
            assert [word for word in words if word in own] == [], name


def lines(baked: Baked, *places: str) -> int:
    """Return how many lines of Python the team owns in some places."""
    return sum(
        text.count("\n")
        for name, text in baked.texts().items()
        if name.endswith(".py") and name.startswith(places) and not name.startswith(OF_CHASSIS)
    )


def test_a_blank_project_is_read_in_minutes(bake: Baker) -> None:
    baked = bake(starter="blank")
    assert 20 < lines(baked, "src/", "tests/", "streamlit_app.py") <= 150


def test_the_tour_is_read_in_a_quarter_of_an_hour(default: Baked) -> None:
    assert 200 < lines(default, "src/") <= 2000
