"""Collect the texts of the project and compile their translations: what `make messages` does.

A project begins with the catalogue of its starter, beside those of the chassis and of the project
that the chassis is tested with. The verb of a generated project writes all of them, so that it has
nothing to do in a fresh one.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "messages"
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
# The same in every project.
SHARED = ("src/chassis", "tests/chassis/project/src/scratch_tool")
PACKAGE = "src/{{cookiecutter.package_name}}"


def bake(starter: str) -> Path:
    """Write a project with the catalogues as they are, and return its folder."""
    slug = f"{starter}-messages"
    answers = [f"starter={starter}", "languages=en,ko", f"project_name={slug}"]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-f"]
    command += ["-o", str(OUTPUT), ".", *answers]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return OUTPUT / slug


def update(project: Path, package: str) -> Path:
    """Run the verb for a package of a project, and return the folder of its translations."""
    # Babel is in the environment of the tests; the project needs none of its own.
    command = ["make", "messages", f"PACKAGE={package}", f"BIN={Path(sys.executable).parent}"]
    subprocess.run([*command, "READY="], cwd=project, check=True)
    return project / package / "locale"


def main() -> None:
    """Update the catalogues of projects, and copy them into the template."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    for starter in ("tour", "blank"):
        project = bake(starter)
        own = update(project, f"src/{project.name.replace('-', '_')}")
        shutil.copytree(own, PROJECT / PACKAGE / f"locale-{starter}", dirs_exist_ok=True)
    for package in SHARED:
        shutil.copytree(update(project, package), PROJECT / package / "locale", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
