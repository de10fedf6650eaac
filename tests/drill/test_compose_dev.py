"""The stack of compose.dev.yaml, for those who work on the app without Python on their machine."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from baking import Baker, commit_all
from containers import Engine, find_engine, sign_in
from playwright.sync_api import expect, sync_playwright
from serving import chromium, until

if TYPE_CHECKING:
    from pathlib import Path


def test_a_saved_file_shows_at_once(bake: Baker, tmp_path: Path) -> None:
    found = find_engine()
    project = bake.fresh(tmp_path).path
    commit_all(project)
    found.prepare("\n".join((project / n).read_text() for n in ("Dockerfile", "compose.dev.yaml")))
    name = f"test-{uuid.uuid4().hex[:12]}"
    variables = {"COMPOSE_PROJECT_NAME": name, "COMPOSE_FILE": "compose.dev.yaml"}
    engine = Engine({**found.variables, **variables, "COMPOSE_PROGRESS": "quiet"}, found.inside)

    def compose(*arguments: str) -> str:
        done = engine.run("docker", "compose", *arguments, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        compose("up", "--detach", "--build", "--wait")
        until(lambda: engine.get(8501, "/readyz")[0] == 200, 60, "readiness")
        password = re.search(r"Password: +(\S+)", compose("logs", "app"))
        assert password
        with sync_playwright() as playwright:
            path = engine.program(chromium(), tmp_path)
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto("http://localhost:8501")
            sign_in(page, "admin", password[1])
            view = project / "src/my_internal_tool/pages/home.py"
            view.write_text(view.read_text() + '\nst.write("Saved a moment ago")\n')
            expect(page.get_by_text("Saved a moment ago")).to_be_visible(timeout=60_000)
            browser.close()
    finally:
        compose("down", "--volumes", "--timeout", "1", "--rmi", "local")
