"""Bake the template the way its users do: by cookiecutter, with both hooks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cookiecutter.main import cookiecutter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
PROJECT_FOLDER = "{{cookiecutter.project_slug}}"
BUILD = ROOT / "build"
REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"
# Python, git and make, but no uv: what a fresh machine has.
PLAIN_PATH = "/usr/bin:/bin"

# `make test` would tell each make below it to print the folders that it enters. Without bytecode,
# as many containers want it, each of hundreds of processes would compile all its libraries again.
for name in ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHONDONTWRITEBYTECODE"):
    os.environ.pop(name, None)

# What git needs to commit on a machine where nobody has told it who they are.
GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.com",
    "GIT_COMMITTER_NAME": "Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.com",
}


def run(*command: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end without input; its output is captured as text."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PWD": str(cwd), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there once."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name}: {old!r} is there {text.count(old)} times"
    path.write_text(text.replace(old, new), "utf-8")


def git(*arguments: str, cwd: Path) -> str:
    """Run git, which must succeed, and return what it prints."""
    done = run("git", *arguments, cwd=cwd, **GIT_IDENTITY)
    assert done.returncode == 0, f"git {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def commit_all(folder: Path, message: str = "Change") -> str:
    """Commit everything in a folder, made a repository where it is none; return the commit."""
    if not (folder / ".git").is_dir():
        git("-c", "init.defaultBranch=main", "init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--no-verify", "--message", message, cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)


def template_files() -> list[str]:
    """Return the paths of the template's own files: tracked, or new and not ignored."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})


@contextlib.contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Keep the other workers of pytest out of what follows."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def locked_environment(name: str, lock: Path) -> Path:
    """Return the Python of an environment that holds exactly a lock file.

    It lives in build/ and is made again only when the lock or the Python changes.
    """
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = BUILD / "environments" / f"{name}-{key}"
    python = folder / "bin" / "python"
    with one_at_a_time(folder.name):
        if not (folder / "complete").exists():
            uv("venv", "--clear", "--quiet", "--python", sys.executable, folder)
            uv("pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock)
            (folder / "complete").touch()
    return python


def uv(*arguments: str | Path) -> None:
    """Run the uv of the tests' own environment, which must succeed."""
    done = run(sys.executable, "-m", "uv", *arguments, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def uv_cache() -> str:
    """Return the folder of downloads that the uv of the tests shares with others."""
    return run(sys.executable, "-m", "uv", "cache", "dir", cwd=ROOT).stdout.strip()


def path_with_uv() -> str:
    """Return a PATH on which the uv of the tests' own environment is found first."""
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def new_home(parent: Path) -> dict[str, str]:
    """Make a home without anything; return its variables, with the downloads of this machine."""
    folder = parent / "home"
    folder.mkdir()
    pip_cache = os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache/pip"))
    caches = {"UV_CACHE_DIR": uv_cache(), "PIP_CACHE_DIR": pip_cache}
    return {"HOME": str(folder), "PATH": path_with_uv(), **caches}


def set_up(project: Path) -> None:
    """Install a bake into its .venv."""
    done = run("make", "setup", cwd=project, PATH=path_with_uv())
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Baked:
    """A project that cookiecutter wrote."""

    path: Path
    answers: Mapping[str, Any]

    def files(self) -> dict[str, bytes]:
        """Return the content of every file by its path; what git keeps for itself is left out."""
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(self.path).parts
        }

    def texts(self) -> dict[str, str]:
        """Return the text files by path."""
        return {
            name: content.decode("utf-8")
            for name, content in self.files().items()
            if b"\0" not in content
        }

    def documents(self) -> dict[str, str]:
        """Return the Markdown files by path."""
        return {name: text for name, text in self.texts().items() if name.endswith(".md")}

    def read(self, name: str) -> str:
        """Return the text of one file."""
        return (self.path / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Baker:
    """Bakes one copy of the template; equal answers are baked once."""

    template: Path
    folder: Path
    cache: dict[tuple[tuple[str, Any], ...], Baked]

    def __call__(self, **answers: Any) -> Baked:
        """Return the project for these answers; do not change it: other tests read it too."""
        key = tuple(sorted(answers.items()))
        if key not in self.cache:
            self.cache[key] = self.fresh(self.folder / f"bake-{len(self.cache)}", **answers)
        return self.cache[key]

    def fresh(self, output: Path, **answers: Any) -> Baked:
        """Bake into a folder of the caller's own.

        The answers reach cookiecutter as a replay file: unlike those of a command line, and like
        typed ones, they are not rendered before the hooks see them.
        """
        output.mkdir(parents=True, exist_ok=True)
        replay = output / "replay.json"
        replay.write_text(json.dumps({"cookiecutter": {**self.defaults(), **answers}}), "utf-8")
        try:
            path = cookiecutter(
                str(self.template),
                replay=str(replay),
                output_dir=str(output),
                config_file=str(self.user_config()),
            )
        finally:
            replay.unlink()
        return Baked(Path(path), {**self.defaults(), **answers})

    def command(
        self,
        *arguments: str | Path,
        cwd: Path,
        python: str | Path = sys.executable,
        template: str | Path | None = None,
        **env: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run the cookiecutter command of a Python, `--no-input`, in a folder."""
        config = ("--config-file", self.user_config())
        called = (python, "-m", "cookiecutter", "--no-input", *config, template or self.template)
        return run(*called, *arguments, cwd=cwd, **env)

    def defaults(self) -> dict[str, Any]:
        """Return the answer to every question that is the default."""
        questions = json.loads((self.template / "cookiecutter.json").read_text("utf-8"))
        public = {name: value for name, value in questions.items() if not name.startswith("_")}
        chosen = {n: value[0] if isinstance(value, list) else value for n, value in public.items()}
        return {**chosen, "project_slug": "my-internal-tool", "package_name": "my_internal_tool"}

    def user_config(self) -> Path:
        """Write the settings that keep cookiecutter out of the home folder."""
        path = self.folder / "cookiecutter.yaml"
        if not path.exists():
            folders = {name: str(self.folder / name) for name in ("clones", "replays")}
            text = "cookiecutters_dir: {clones}\nreplay_dir: {replays}\n".format(**folders)
            path.write_text(text, "utf-8")
        return path
