"""The configurations of .vscode/launch.json stop at breakpoints; an editor starts them so."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from debugging import Debugger, debugging
from serving import end, free_port, get, until


def configuration(project: Path, name: str, file: Path) -> dict[str, Any]:
    """Return a configuration, with the variables filled in that an editor knows."""
    text = (project / ".vscode/launch.json").read_text("utf-8")
    values = {"workspaceFolder": str(project), "file": str(file)}
    filled = re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], text)
    [found] = [one for one in json.loads(filled)["configurations"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


def line_of(path: Path, text: str) -> int:
    """Return the number of the first line that begins with a text."""
    lines = path.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


def stopped_at(debugger: Debugger, path: Path, line: int) -> int:
    """Wait until the program stops, which must be in this line; return what goes on from there."""
    thread: int = debugger.event("stopped")["body"]["threadId"]
    top = debugger.answer("stackTrace", threadId=thread)["stackFrames"][0]
    assert (top["source"]["path"], top["line"]) == (str(path), line)
    return thread


def test_the_app_stops_in_a_page(project: Path, tmp_path: Path) -> None:
    page = project / "src/my_internal_tool/pages/home.py"
    line = line_of(page, "st.title(")
    port = free_port()
    env = {
        "APP_PORT": str(port),
        "APP_BASE_URL": f"http://localhost:{port}",
        "METRICS_PORT": str(free_port()),
        "DATABASE_URL": f"sqlite:///{tmp_path}/app.db",
        "AUTH_BACKEND": "none",
        "AUTH_ALLOW_ANONYMOUS": "true",
    }
    with debugging(configuration(project, "App", page), {page: [line]}, **env) as debugger:
        until(lambda: get(port, "/readyz")[0] == 200, 120, "readiness")
        visitor = subprocess.Popen(
            [project / ".venv/bin/my-internal-tool", "smoke"],
            cwd=project,
            env={**os.environ, **env, "APP_ENV": "development"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            thread = stopped_at(debugger, page, line)
            assert visitor.poll() is None, "waits for the page"
            debugger.answer("continue", threadId=thread)
            output, _ = visitor.communicate(timeout=60)
            assert visitor.returncode == 0, output.decode()
        finally:
            end(visitor)


def test_tests_stop_in_the_open_file(project: Path) -> None:
    path = project / "tests/test_demo_sales.py"
    line = line_of(path, "    assert ")
    found = configuration(project, "Tests of the open file", path)
    with debugging(found, {path: [line]}) as debugger:
        thread = stopped_at(debugger, path, line)
        debugger.stop_in(path)  # nowhere any more
        debugger.answer("continue", threadId=thread)
        assert debugger.event("exited")["body"]["exitCode"] == 0, debugger.output()
    assert " passed" in debugger.output()
