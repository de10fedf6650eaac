"""Finish a bake: no caches, a link to the template for `cruft update`, a git repository, a hint."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

TESTS_OF_TOUR = (
    "demo_sales",
    "home_in_browser",
    "home_page",
    "records",
    "records_attacks",
    "records_away_in_browser",
    "records_fields",
    "records_import",
    "records_in_browser",
    "records_page",
)


def git(*arguments: str) -> str | None:
    """Return what git prints, or None where it fails or is not installed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.rstrip() if done.returncode == 0 else None


def remove_caches(project: Path) -> None:
    """Remove what linters and byte-compilation may have left in a template's folder."""
    for folder, names, _ in os.walk(project):
        for name in CACHES.intersection(names):
            shutil.rmtree(Path(folder, name))
        names[:] = [name for name in names if not name.startswith((".", "__pycache__"))]


def unchosen(answers: dict[str, Any]) -> list[str]:
    """Return the files and folders that belong to options which are off.

    They come in groups, and what has no Jinja is copied, which allows no conditional name.
    """
    server, containers = answers["use_systemd"], answers["use_docker"]
    github = answers["ci_provider"] in {"github", "both"}
    gitlab = answers["ci_provider"] in {"gitlab", "both"}
    snippets = ("blue", "green", "identity-proxy", "sign-in")
    of_server = [f"deploy/nginx/snippets/{name}.conf" for name in snippets]
    of_containers = [".dockerignore", "Dockerfile", "compose.dev.yaml", "compose.yaml"]
    delivery = ("deploy", "release")
    package = f"src/{answers['package_name']}"
    of_tour = [
        f"{package}/{name}" for name in ("demo_sales.py", "locale-tour", "migrations", "records")
    ]
    of_tour += [f"{package}/pages/{name}.py" for name in ("home", "records")]
    of_tour += [f"tests/test_{name}.py" for name in TESTS_OF_TOUR]
    of_blank = [f"{package}/locale-blank", f"{package}/pages/start.py"]
    of_blank += ["tests/test_start_page.py"]
    of_korean = [f"{package}/locale-{answers['starter']}", "tests/test_translations.py"]
    wanted = [
        (answers["starter"] == "tour", of_tour),
        (answers["starter"] == "blank", of_blank),
        ("ko" in answers["languages"], of_korean),
        (server or containers, ["deploy", "docs/delivery.md"]),
        (server, [*of_server, "deploy/systemd", "deploy/server"]),
        (server, ["docs/runbook.md", "docs/server.md"]),
        (containers, [*of_containers, "deploy/docker", "docs/container.md"]),
        (github, [".github"]),
        (github and containers, [".github/workflows/image.yml"]),
        (github and (server or containers), [f".github/workflows/{name}.yml" for name in delivery]),
        (github or gitlab, ["docs/delivery.md"]),
        (gitlab, [".gitlab-ci.yml"]),
    ]
    return [name for is_wanted, names in wanted if not is_wanted for name in names]


def remove(path: Path) -> None:
    """Remove a file or a folder; it may be gone with the folder around it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def place_translations(package: Path, starter: str) -> None:
    """Give the translations of what was chosen their name, which two folders cannot share."""
    chosen = package / f"locale-{starter}"
    if chosen.is_dir():
        shutil.copytree(chosen, package / "locale", dirs_exist_ok=True)
        shutil.rmtree(chosen)


def template_folder(answers: dict[str, Any]) -> Path | None:
    """Return the folder of the template.

    Cookiecutter may know it only relative to where it was called, and a hook runs inside the new
    project. So the caller's folder is a guess that must prove right.
    """
    for start in (os.environ.get("PWD", ""), answers["_output_dir"]):
        folder = Path(start, Path(answers["_repo_dir"]).expanduser())
        if folder.is_absolute() and (folder / "hooks/post_gen_project.py").is_file():
            return folder.resolve()
    return None


def cruft_state(answers: dict[str, Any], folder: Path | None) -> dict[str, object] | None:
    """Return what `cruft create` would record; None if no commit describes the template exactly."""
    if folder is None:
        return None
    place = ("-C", str(folder), "--no-optional-locks")
    prefix, _, commit = (git(*place, "rev-parse", "--show-prefix", "HEAD") or "?").partition("\n")
    if prefix or git(*place, "status", "--porcelain") != "":
        return None
    url: str | None = str(folder)
    cloned = answers["_repo_dir"] != answers["_template"]
    if cloned:
        # A clone knows the address behind an abbreviation such as gh:. Credentials stay out.
        url = git(*place, "remote", "get-url", "origin")
        url = url and re.sub(r"^(https?://)[^/@]*@", r"\1", url)
    if not url:
        return None
    context = {key: value for key, value in answers.items() if not key.startswith("_")}
    return {
        "template": url,
        "commit": commit,
        "checkout": answers["_checkout"] if cloned else None,
        "context": {"cookiecutter": {**context, "_template": url, "_commit": commit}},
        "directory": None,
    }


def unusual(answers: dict[str, Any], folder: Path) -> list[str]:
    """Return the answers that are not the default, as a command line has them."""
    questions = json.loads((folder / "cookiecutter.json").read_text("utf-8"))
    defaults = {k: v[0] if isinstance(v, list) else v for k, v in questions.items() if k[0] != "_"}
    slug = answers["project_slug"]
    defaults |= {"project_slug": slug, "package_name": slug.replace("-", "_")}
    changed = [name for name, default in defaults.items() if answers[name] != default]
    return [f"{name}={shlex.quote(str(answers[name]))}" for name in changed]


def made_of(answers: dict[str, Any], folder: Path | None) -> list[str]:
    """Return lines on what was made of which answers: a misspelt question is silently ignored."""
    created = f"Created {answers['project_slug']}"
    if folder is None:
        return [f"{created}."]
    if changed := unusual(answers, folder):
        return [f"{created} with the default answers, except:", *(f"  {text}" for text in changed)]
    return [f"{created} with the default answers."]


def main(answers: dict[str, Any]) -> None:
    """Do the steps; cruft renders into folders of its own and keeps its own record."""
    project = Path.cwd()
    remove_caches(project)
    for name in unchosen(answers):
        remove(project / name)
    place_translations(project / "src" / answers["package_name"], answers["starter"])
    if "_repo_dir" not in answers:
        return
    folder = template_folder(answers)
    state = cruft_state(answers, folder)
    if state:
        text = json.dumps(state, ensure_ascii=False, indent=2)
        Path(".cruft.json").write_text(text + "\n", encoding="utf-8")
    if git("rev-parse", "--is-inside-work-tree") is None:
        git("-c", "init.defaultBranch=main", "init", "--quiet")
    here = os.environ.get("PWD") == answers["_output_dir"]
    lines = made_of(answers, folder)
    lines += ["Keep it, start it, and open the address that it prints:"]
    lines += [f"  cd {shlex.quote(project.name if here else str(project))}"]
    if git("--version"):
        lines += ["  git add . && git commit --quiet --message 'From the template'"]
    lines += ["  make dev"]
    if state is None:
        lines += ["No .cruft.json, as the template is not from git or has changes: docs/updates.md"]
    encoding = sys.stdout.encoding  # which may know few letters
    print("\n".join(lines).encode(encoding, "replace").decode(encoding))


if __name__ == "__main__":
    main(json.loads(r"""{{ cookiecutter | tojson }}"""))
