"""The files for editors say what the rest of the project says."""

import json
import re
from typing import Any

import pytest
from baking import Baked, Baker
from options import PRESETS


@pytest.fixture(params=PRESETS)
def baked(request: pytest.FixtureRequest, bake: Baker) -> Baked:
    """Return the bake of each preset."""
    return bake(**PRESETS[request.param])


def parsed(baked: Baked, name: str) -> Any:
    """Return the content of a file, which has no comments: not all readers allow them."""
    return json.loads(baked.read(name))


def test_the_container_is_set_up_by_the_verb_and_shows_the_port_of_the_app(baked: Baked) -> None:
    """Keys and their types are those of https://containers.dev/implementors/json_reference."""
    content = parsed(baked, ".devcontainer/devcontainer.json")
    assert content["name"] == baked.answers["project_name"]
    assert content["image"] == f"python:{baked.answers['python_version']}"
    assert content["postCreateCommand"] == "make setup"
    assert "setup:" in baked.read("Makefile")
    [port] = content["forwardPorts"]
    assert f"# APP_PORT={port}\n" in baked.read(".env.example")
    extensions = content["customizations"]["vscode"]["extensions"]
    assert all(re.fullmatch(r"[a-z-]+\.[a-z-]+", each) for each in extensions)


def test_the_debugger_starts_the_command_of_the_project(baked: Baked) -> None:
    app, tests = parsed(baked, ".vscode/launch.json")["configurations"]
    command = app["program"].rpartition("/")[2]
    assert re.search(rf"^{command} = ", baked.read("pyproject.toml"), re.MULTILINE)
    [line] = re.findall(r"^\t@exec env (APP_ENV=\w+) \S+ serve$", baked.read("Makefile"), re.M)
    assert app["env"] == dict([line.split("=")])
    assert app["args"] == ["serve"]
    assert tests["module"] == "pytest"
