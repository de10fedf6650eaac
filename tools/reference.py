"""Write the project's settings into its .env.example and docs/settings.md: `make reference`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "reference"
PROJECT = ROOT / "{{cookiecutter.project_slug}}"

# An answer that can be found again in what the project writes.
NAME = "PROJECT NAME"
# Settings whose default is an answer with choices.
CHOICES = {
    "APP_LANGUAGE=en": "APP_LANGUAGE={{ cookiecutter.languages.split(',')[0] }}",
    "AUTH_BACKEND=password": "AUTH_BACKEND={{ cookiecutter.auth_backend }}",
}


def main() -> None:
    """Bake, install, let the project write, and turn the answers back into questions."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-f"]
    command += ["-o", str(OUTPUT), ".", f"project_name={NAME}"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    project = OUTPUT / "project-name"
    subprocess.run(["make", "--no-print-directory", "reference"], cwd=project, check=True)
    for name in (".env.example", "docs/settings.md"):
        text = (project / name).read_text("utf-8").replace(NAME, "{{ cookiecutter.project_name }}")
        for answer, question in CHOICES.items():
            text = text.replace(answer, question)
        (PROJECT / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
