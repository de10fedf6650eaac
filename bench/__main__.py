"""`make bench`: bakes a project, measures it, and prints each figure beside its target.

`python -m bench --quick` measures each figure as briefly as it can be, and judges none.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import replicas

TEMPLATE = Path(__file__).parents[1]
PROJECT = "my-internal-tool"
PACKAGE = "my_internal_tool"
QUICK = "--quick" in sys.argv
BAKES = 1 if QUICK else 5


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    target: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Tell whether the target is reached."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def line(self) -> str:
        """Return the figure, its target, and whether it is met."""
        sign = ">=" if self.at_least else "<="
        value, target = f"{self.value:.2f} {self.unit}", f"{sign} {self.target:g} {self.unit}"
        return f"{self.name:<32} {value:>12} {target:>14}  {'ok' if self.met else 'MISSED'}"


def bake(template: Path, folder: Path) -> float:
    """Bake a template into `folder` and return the seconds it took."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-f", "-o", str(folder)]
    began = time.perf_counter()
    subprocess.run([*command, str(template)], check=True, capture_output=True)
    return time.perf_counter() - began


def generation(folder: Path) -> float:
    """Bake the default project into `folder`; return its time against that of a single file."""
    single = folder / "template"
    (single / "{{cookiecutter.project_slug}}").mkdir(parents=True)
    (single / "{{cookiecutter.project_slug}}" / "README.md").touch()
    (single / "cookiecutter.json").write_text('{"project_slug": "single"}')
    ours, theirs = (
        min(bake(template, folder) for _ in range(BAKES)) for template in (TEMPLATE, single)
    )
    return ours / theirs


def measure(project: Path) -> dict[str, Any]:
    """Run measure.py with the project's own Python."""
    command = [str(project / ".venv/bin/python"), str(Path(__file__).parent / "measure.py")]
    result = subprocess.run(
        [*command, str(project), PACKAGE, *sys.argv[1:]], check=True, stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def table(bakes: float, data: dict[str, Any], gain: float) -> list[Figure]:
    """Turn what was measured into figures with the targets of the design."""
    cpu, own, first = data["cpu_ms"], data["own_ms"], data["first"]
    # With a click a second: an answer of the database is believed for four.
    session = data["session_ms"]["asked"] / 4 + data["session_ms"]["cached"]
    start, memory = data["start"], data["memory"]
    return [
        Figure("generation / one file", bakes, 1.5, "x"),
        Figure("rerun / bare, CPU", cpu["generated"] / cpu["bare"], 0.5, "x"),
        Figure("own code per rerun, share", own / cpu["bare"] * 100, 3.0, "%"),
        Figure("own code per rerun, CPU", own, 5.0, "ms"),
        Figure("session check per rerun, CPU", session, 1.0, "ms"),
        Figure("first session / warm rerun", first["generated"], 2.5, "x"),
        Figure("start to ready / bare", start["generated"] / start["bare"], 1.5, "x"),
        Figure("memory after a visit / bare", memory["generated"] / memory["bare"], 1.25, "x"),
        Figure("memory after 200 sessions", memory["after_sessions"] / memory["before"], 1.05, "x"),
        Figure("reruns/s, two replicas / one", gain, 1.85, "x", at_least=True),
    ]


def main() -> None:
    """Print the table; exit code 1 if a target is missed."""
    if reason := replicas.missing():
        sys.exit(f"make bench {reason}")
    with tempfile.TemporaryDirectory() as folder:
        bakes = generation(Path(folder))
        project = Path(folder) / PROJECT
        subprocess.run(["make", "setup"], cwd=project, check=True, stdout=subprocess.DEVNULL)
        data = measure(project)
        gain = replicas.gain(project, Path(folder))
    figures = table(bakes, data, gain)
    for figure in figures:
        print(figure.line())
    print(
        f"bare Streamlit: {data['cpu_ms']['bare']:.0f} ms CPU a rerun, first session "
        f"{data['first']['bare']:.0f}x, start {data['start']['bare']:.1f} s, "
        f"{data['memory']['bare']:.0f} MB"
    )
    sys.exit(not QUICK and not all(figure.met for figure in figures))


if __name__ == "__main__":
    main()
