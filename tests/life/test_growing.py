"""One project that grows by what its documents tell a team to do, in their order."""

import os
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from baking import Baked, Baker, commit_all, new_home, run
from blocks import Block, blocks_of
from serving import end, free_port, get, until

pytestmark = pytest.mark.timeout(3600)

# The order in which a team meets them; the documents that are missing here run elsewhere.
DOCUMENTS: tuple[tuple[str, list[str]], ...] = (
    ("docs/data.md", ["Delete the example"]),
    ("README.md", []),
    ("docs/recipes.md", []),
    ("docs/data.md", []),
    ("docs/languages.md", []),
    ("docs/identity.md", []),
    ("docs/backups.md", []),
    ("docs/streamlit.md", []),
)


class Growing:
    """A project and the home of who works on it."""

    def __init__(self, path: Path, env: dict[str, str]) -> None:
        self.path = path
        self.env = env

    def do(self, block: Block) -> None:
        """Do what a block says."""
        if {"file", "in"} & block.options.keys():
            block.write(self.path)
        elif block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                if line.startswith("make dev"):
                    self.visit(line)
                else:
                    self.run("bash", "-ec", line)
        else:
            assert block.language == "python"
            code = f"import my_internal_tool.app\n{block.text}"
            self.run(".venv/bin/python", "-c", code)

    def run(self, *command: str) -> None:
        """Run a command that has to end well."""
        done = run(*command, cwd=self.path, **self.env)
        if done.returncode != 0:
            pytest.fail(f"{command}\n{done.stdout[-5000:]}{done.stderr[-5000:]}")

    def visit(self, line: str) -> None:
        """Start the app as a block says, until it answers."""
        port = free_port()
        free = {"APP_PORT": str(port), "METRICS_PORT": str(free_port())}
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.path,
            env={**os.environ, **self.env, **free},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(lambda: get(port, "/livez")[0] == 200, 300, "an answer of `make dev`")
        finally:
            end(process)


@pytest.mark.alone
def test_a_project_grows_by_its_documents(bake: Baker, tmp_path: Path) -> None:
    baked = bake.fresh(tmp_path, languages="en,ko")
    env = new_home(tmp_path)
    commit_all(baked.path)
    growing = Growing(baked.path, env)
    recipes = list(recipes_of(baked))
    assert len(recipes) > 10
    for blocks in recipes:
        for block in blocks:
            growing.do(block)
        growing.run("make", "ci")
    commit_all(baked.path)
    done = run("make", "ci-all", cwd=baked.path, **env)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def recipes_of(baked: Baked) -> Iterator[list[Block]]:
    """Yield the blocks of a laptop, those of one section together."""
    done = [section for _document, sections in DOCUMENTS for section in sections]
    for document, sections in DOCUMENTS:
        blocks = [
            block
            for block in blocks_of(document, baked.read(document))
            if block.place == "laptop"
            and (block.section in sections if sections else block.section not in done)
        ]
        for _section, found in groupby(blocks, key=lambda block: block.section):
            yield list(found)
