"""What the documents of a project say exists: verbs, files, links, tests."""

import re
from pathlib import Path
from typing import Any

import pytest
from baking import Baked, Baker, run

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")
# Texts of documents depend on one option each.
ANSWERS: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": {"ci_provider": "both", "languages": "en,ko"},
    "nothing": {
        "starter": "blank",
        "use_systemd": False,
        "use_docker": False,
        "ci_provider": "none",
    },
    "no-containers": {"use_docker": False, "ci_provider": "gitlab"},
    "no-server": {"use_systemd": False, "starter": "blank", "languages": "ko"},
}


@pytest.fixture(params=ANSWERS)
def baked(request: pytest.FixtureRequest, bake: Baker) -> Baked:
    """Return bakes with different documents."""
    return bake(**ANSWERS[request.param])


def test_every_verb_exists(baked: Baked) -> None:
    makefile = baked.read("Makefile")
    missing = {
        (name, verb)
        for name, text in baked.documents().items()
        for verb in re.findall(r"(?:`|^)make ([a-z-]+)(?![\w./-])", text, re.MULTILINE)
        if not re.search(rf"^{verb}\b.*:", makefile, re.MULTILINE)
    }
    assert missing == set()


def test_help_lists_every_verb_and_nothing_else(baked: Baked) -> None:
    makefile = baked.read("Makefile")
    rules = re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    assert phony
    listed = run("make", cwd=baked.path).stdout.splitlines()
    assert [line.split()[1] for line in listed] == phony[1].replace("\\\n", " ").split() == rules
    assert all(len(line.split(maxsplit=2)[2]) > 10 for line in listed)


def test_help_lists_the_verbs_of_the_team_too(bake: Baker, tmp_path: Path) -> None:
    baked = bake.fresh(tmp_path)
    (baked.path / "local.mk").write_text("orders: ## Fetch the orders\n\t@echo fetched\n")
    assert "  make orders           Fetch the orders" in run("make", cwd=baked.path).stdout
    assert run("make", "orders", cwd=baked.path).stdout == "fetched\n"


# The app's own program is in `.venv/bin`; on a server another one calls it, or a container has it.
PROGRAM = re.compile(
    r"(?:\.venv/bin/|docker (?:compose )?(?:exec|run) .*|my-internal-tool:latest )my-internal-tool$"
    r"|my-internal-tool-server run$"
)


def test_every_command_is_spelt_as_it_is_typed(baked: Baked) -> None:
    """By somebody who has just read it, on the machine that the document is about."""
    commands = {
        path.split("/")[-1].removesuffix(".py")
        for path in baked.files()
        if path.startswith("src/chassis/commands/")
    }
    assert commands >= {"backup", "check", "serve", "users"}
    called = re.compile(rf"my-internal-tool(?:-server run)? (?:{'|'.join(commands)}|db)\b")
    found = [
        (name, line)
        for name, text in baked.documents().items()
        for line in text.splitlines()
        for call in called.finditer(line)
        if not PROGRAM.search(line[: call.end()].rpartition(" ")[0])
    ]
    assert found == []


def test_every_link_leads_to_a_file(baked: Baked) -> None:
    missing = {
        (name, link)
        for name, text in baked.documents().items()
        for link in LINK.findall(text)
        if not (baked.path / name).parent.joinpath(link).exists()
    }
    assert missing == set()


def test_the_files_of_the_map_exist(baked: Baked) -> None:
    readme = baked.read("README.md")
    [block] = re.findall(r"^## Where things are\n+```\n(.*?)```", readme, re.MULTILINE | re.DOTALL)
    folder = baked.path
    for line in block.splitlines():
        if not line.startswith(" "):
            folder = baked.path
        named = re.match(r"\s*((?:[\w./]+ {1,2})+)", line + " ")
        assert named, line
        names = [name for name in named[1].split() if "." in name or name.endswith("/")]
        assert names, line
        for name in names:
            assert (folder / name).exists(), line
        if not line.startswith(" "):
            folder = baked.path / names[0]


def test_agents_are_told_of_paths_and_names_that_exist(baked: Baked) -> None:
    text = baked.read("AGENTS.md")
    quoted = set(re.findall(r"`([^`]+)`", text))
    paths = {
        each for each in quoted if re.fullmatch(r"[\w./-]+", each) and re.search(r"[./]", each)
    }
    paths -= {".env", "local.mk"}  # a team makes them
    assert {"tests/", "docs/chassis.md", "src/my_internal_tool/app.py"} <= paths
    assert {each for each in paths if not where_it_is(baked, each).exists()} == set()
    face = re.findall(r"^\| `.*?` \|", baked.read("docs/chassis.md"), re.MULTILINE)
    named = {each.partition("(")[0] for each in quoted if re.fullmatch(r"[a-z_]+(\(.*\))?", each)}
    assert {"_", "plain", "require", "rate_limited"} <= named
    assert {each for each in named if f"`{each}`" not in "".join(face)} == set()
    assert "Yours" in baked.read("pyproject.toml")


def where_it_is(baked: Baked, name: str) -> Path:
    """Return the path of a name, which may stand below the package."""
    package = baked.path / "src/my_internal_tool"
    return baked.path / name if (baked.path / name).exists() else package / name


def test_what_to_write_instead_of_an_edit_is_not_there_yet(baked: Baked) -> None:
    """So an update cannot touch it; what is there is the team's, or has no line yet."""
    _, _, rest = baked.read("docs/updates.md").partition("| instead of | write |\n|---|---|\n")
    rows = [row.split("|")[1:3] for row in rest.partition("\n\n")[0].splitlines()]
    instead, places = (
        {*re.findall(r"`([\w./-]+)`", "".join(cell))} for cell in zip(*rows, strict=True)
    )
    assert {name for name in instead if not (baked.path / name).exists()} == set()
    assert "local.mk" in places
    there = {name for name in places if (baked.path / name).exists()}
    assert there <= {"src/my_internal_tool/theme.toml", "deploy/docker/packages.txt"}
    if "deploy/docker/packages.txt" in places:
        assert not re.search(r"^[^#]", baked.read("deploy/docker/packages.txt"), re.MULTILINE)


def test_agents_are_told_in_few_lines(default: Baked) -> None:
    assert len(default.read("AGENTS.md").splitlines()) <= 50


def test_the_changelog_begins_with_what_is_not_released(baked: Baked) -> None:
    """As https://keepachangelog.com says: versions, the newest first, with groups of changes."""
    lines = baked.read("CHANGELOG.md").splitlines()
    assert lines[0] == "# Changelog"
    headings = [line for line in lines if line.startswith("#")]
    assert headings[1:] == ["## [Unreleased]", "### Added"]


def test_each_trap_of_the_architecture_page_names_a_test_that_exists(baked: Baked) -> None:
    named = re.findall(r"`(test_\w+)`", baked.read("docs/architecture.md"))
    assert named
    sources = "".join(
        text for name, text in baked.texts().items() if re.match(r"tests/.*\.py", name)
    )
    assert [name for name in named if f"def {name}(" not in sources] == []
