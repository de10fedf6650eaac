"""Write the project's settings into its README.md and .env.example: what `make reference` does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "reference"
PROJECT = ROOT / "{{cookiecutter.project_slug}}"

# Answers that can be found again in what the project prints.
ANSWERS = {
    "project_name": "PROJECT NAME",
    "project_slug": "reference-project",
    "domain": "domain-of-the-project.example.com",
}
# Settings whose default is an answer with choices.
CHOICES = {
    "APP_LANGUAGE": ("interface_language", "en"),
    "AUTH_BACKEND": ("auth_backend", "password"),
}


def printed(project: Path, document: str) -> str:
    """Return one document as the project prints it, with the answers turned back into questions."""
    command = [".venv/bin/python", "-m", "reference_project.ops.reference", document]
    text = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout
    for name, answer in ANSWERS.items():
        text = text.replace(answer, f"{{{{ cookiecutter.{name} }}}}")
    for variable, (name, default) in CHOICES.items():
        question = f"{{{{ cookiecutter.{name} }}}}"
        text = text.replace(f"{variable}={default}", f"{variable}={question}")
        text = text.replace(f"| `{variable}` | `{default}` |", f"| `{variable}` | `{question}` |")
    return text


def main() -> None:
    """Bake, install, let the project print its settings, and put them into the template."""
    answers = [f"{name}={answer}" for name, answer in ANSWERS.items()]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-f"]
    command += ["-o", str(OUTPUT), ".", *answers]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    project = OUTPUT / ANSWERS["project_slug"]
    subprocess.run(["make", "--no-print-directory", "setup"], cwd=project, check=True)

    (PROJECT / ".env.example").write_text(printed(project, "env"), "utf-8")
    readme = PROJECT / "README.md"
    block = f"<!-- settings -->\n{printed(project, 'markdown')}<!-- /settings -->"
    pattern = "<!-- settings -->.*<!-- /settings -->"
    text = re.sub(pattern, lambda _: block, readme.read_text("utf-8"), flags=re.DOTALL)
    readme.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
