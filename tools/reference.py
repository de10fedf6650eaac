"""Write the project's settings into its README.md and .env.example: what `make reference` does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "reference"
PROJECT = ROOT / "{{cookiecutter.project_slug}}"

# An answer that can be found again in what the project prints.
NAME = "PROJECT NAME"
# Settings whose default is an answer with choices.
CHOICES = {
    "APP_LANGUAGE": ("languages.split(',')[0]", "en"),
    "AUTH_BACKEND": ("auth_backend", "password"),
}


def printed(project: Path, document: str) -> str:
    """Return one document as the project prints it, with the answers turned back into questions."""
    command = [".venv/bin/python", "-m", "chassis.commands.reference", document]
    env = {**os.environ, "CHASSIS_PROJECT": "project_name.app"}
    done = subprocess.run(command, cwd=project, env=env, check=True, capture_output=True, text=True)
    text = done.stdout.replace(NAME, "{{ cookiecutter.project_name }}")
    for variable, (name, default) in CHOICES.items():
        question = f"{{{{ cookiecutter.{name} }}}}"
        text = text.replace(f"{variable}={default}", f"{variable}={question}")
        text = text.replace(f"| `{variable}` | `{default}` |", f"| `{variable}` | `{question}` |")
    return text


def main() -> None:
    """Bake, install, let the project print its settings, and put them into the template."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-f"]
    command += ["-o", str(OUTPUT), ".", f"project_name={NAME}"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    project = OUTPUT / "project-name"
    subprocess.run(["make", "--no-print-directory", "setup"], cwd=project, check=True)

    (PROJECT / ".env.example").write_text(printed(project, "env"), "utf-8")
    readme = PROJECT / "README.md"
    block = f"<!-- settings -->\n{printed(project, 'markdown')}<!-- /settings -->"
    pattern = "<!-- settings -->.*<!-- /settings -->"
    text = re.sub(pattern, lambda _: block, readme.read_text("utf-8"), flags=re.DOTALL)
    readme.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
