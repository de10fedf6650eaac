"""The container image: built, looked into, and run as hardened as it can be."""

from __future__ import annotations

import json
import os
import re
import sys
import tarfile
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import measured
import pytest
from baking import Baked, Baker, commit_all, run
from blocks import blocks_of
from containers import ADD_USER, Engine, checker, find_engine, sign_in, timed
from options import PRESETS
from playwright.sync_api import expect, sync_playwright
from serving import chromium, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_MB = 450
KEY = "APP_SECRET_KEY=Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OWFiY2RlZg"
ANY_UID = str(200_000 + os.getpid())
HARDENED = (
    *("--user", ANY_UID, "--read-only", "--tmpfs", "/tmp"),  # noqa: S108 - in the container
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)
CANARY = "CANARY-5f1c9a77"
PLANTED = (
    ".env",
    ".env.production",
    ".git/canary",
    ".streamlit/credentials.toml",
    ".streamlit/secrets.toml",
    "data/app.db",
    "data/backups/1.sqlite.gz",
    "deploy/server.key",
    "id_ed25519",
    "notes.txt",
    "src/chassis/server/tls.pem",
    "src/chassis/testing/notes.py",
    "src/my_internal_tool/.env",
    "src/my_internal_tool/__pycache__/pages.cpython-313.pyc",
    "src/my_internal_tool/data.sqlite3",
    "src/my_internal_tool/secrets.toml",
    "tests/unit/test_secret.py",
)
UNWANTED = re.compile(
    r"(^|/)\.git(/|$)|(^|/)app/(tests|docs|Makefile|pyproject\.toml|requirements-dev\.txt)"
    r"|bin/(pip[\d.]*|2to3.*|gcc.*|g\+\+.*|cc|c\+\+|ld|as|make|strip|curl|wget|git|apt.*|perl.*)$"
    r"|-packages/(pip|setuptools|wheel|pytest|mypy|ruff|playwright)(/|$)"
    r"|/python3[.\d]*/(ensurepip|idlelib|test)/."
    r"|/tests/.|/chassis/testing/|\.(h|hpp|pxd|pyx|a|map)$"
)
LEFT_OVER = re.compile(
    r"Dockerfile|dockerignore|deploy/docker|compose\.|docker compose|container\.md|make image"
)
LOAD_ALL = """
import ctypes, io, pathlib, sys
for path in pathlib.Path("/app/.venv").rglob("*.so*"):
    ctypes.CDLL(str(path))
import altair, numpy.testing, pandas, pyarrow.dataset, pyarrow.parquet, pydeck, PIL.Image
from streamlit.testing.v1 import AppTest
buffer = io.BytesIO()
pandas.DataFrame({"a": [1]}).to_parquet(buffer)
assert list(pandas.read_parquet(buffer)["a"]) == [1]
"""


@dataclass(frozen=True)
class Image:
    """An image in an engine, and the project that it was built from."""

    engine: Engine
    name: str
    project: Path

    def inspect(self) -> dict[str, Any]:
        """Return what the engine knows about it."""
        return dict(json.loads(self.engine.docker("image", "inspect", self.name))[0])

    def run(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """Run a command in a container of its own, hardened, and return what it prints."""
        return self.engine.docker("run", "--rm", *HARDENED, *options, self.name, *command)


@dataclass(frozen=True)
class Container:
    """A running container of the app."""

    engine: Engine
    name: str

    def execute(self, *command: str) -> str:
        """Run a command inside."""
        return self.engine.docker("exec", self.name, *command)

    def state(self) -> dict[str, Any]:
        """Return what the engine says about it."""
        return dict(json.loads(self.engine.docker("inspect", self.name))[0]["State"])

    def port(self, inner: int = 8501) -> int:
        """Return the published port."""
        return int(self.engine.docker("port", self.name, str(inner)).rpartition(":")[2])


def build(engine: Engine, project: Path, name: str) -> None:
    """Build with the verb of the project; print the time."""
    started = time.monotonic()
    done = engine.run("make", "image", f"IMAGE={name}", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    timed("make image", started)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return a Docker engine."""
    return find_engine()


@pytest.fixture(scope="module")
def image(engine: Engine, bake: Baker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Build the image of a project in which secrets lie about, committed and not."""
    project = bake.fresh(tmp_path_factory.mktemp("image")).path
    commit_all(project)
    for name in PLANTED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(CANARY)
    for folder in (project / "src").rglob("*"):  # a careless umask must not lock the app out
        folder.chmod(0o700 if folder.is_dir() else 0o600)
    engine.prepare((project / "Dockerfile").read_text())
    name = f"test-{uuid.uuid4().hex[:12]}"
    build(engine, project, name)
    yield Image(engine, f"{name}:latest", project)
    engine.docker("rmi", "--force", f"{name}:latest", f"{name}:0.1.0")


@pytest.fixture(scope="module")
def files(image: Image, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tarfile.TarInfo]:
    """Return every file of every layer by path, also what a later layer deleted; seek canaries."""
    archive = tmp_path_factory.mktemp("save") / "image.tar"
    image.engine.docker("save", "--output", archive, image.name)
    found: dict[str, tarfile.TarInfo] = {}
    with tarfile.open(archive) as outer:
        for blob in filter(tarfile.TarInfo.isfile, outer.getmembers()):
            stream = outer.extractfile(blob)
            try:
                layer = tarfile.open(fileobj=stream)  # noqa: SIM115 - it is closed below
            except tarfile.ReadError:
                continue  # the configuration
            with layer:
                for member in layer:
                    found[member.name] = member
                    if member.isreg() and member.size < 1_000_000:
                        content = layer.extractfile(member)
                        assert content
                        assert CANARY.encode() not in content.read(), member.name
    archive.unlink()
    return found


@pytest.fixture(scope="module")
def container(image: Image) -> Iterator[Container]:
    """Run the app: read-only, without capabilities, as a user that nobody has heard of."""
    name = f"run-{uuid.uuid4().hex[:12]}"
    volume = ("--volume", f"{name}:/app/data", "--env", KEY)
    image.run("my-internal-tool", "db", "upgrade", options=volume)
    image.run("sh", "-c", ADD_USER, options=volume)
    options = ("--detach", "--name", name, "--publish", "127.0.0.1::8501", *volume)
    image.engine.docker("run", *HARDENED, *options, image.name)
    running = Container(image.engine, name)
    try:
        until(lambda: image.engine.get(running.port(), "/readyz")[0] == 200, 120, "readiness")
        yield running
    finally:
        sys.stdout.write(image.engine.run("docker", "logs", name).stdout)
        image.engine.run("docker", "rm", "--force", "--volumes", name)
        image.engine.run("docker", "volume", "rm", name)


def test_planted_secrets_data_git_and_tests_stay_out(files: dict[str, tarfile.TarInfo]) -> None:
    assert "app/streamlit_app.py" in files
    assert "app/src/my_internal_tool/app.py" in files
    assert "app/src/chassis/project.py" in files
    assert "app/.streamlit/config.toml" in files
    planted = {f"app/{name}" for name in PLANTED}
    assert planted & set(files) == set()


def test_nothing_that_builds_installs_or_tests_is_in_any_layer(
    files: dict[str, tarfile.TarInfo],
) -> None:
    assert [name for name, entry in files.items() if entry.isfile() and UNWANTED.search(name)] == []


def test_nobody_can_change_the_code_or_the_user(files: dict[str, tarfile.TarInfo]) -> None:
    for name, entry in files.items():
        assert not (entry.isfile() and entry.mode & 0o6000), f"{name} changes the user"
        if name.startswith("app/"):
            assert entry.issym() or not entry.mode & 0o002, f"{name} is writable for all"
            assert entry.uid == (10001 if name == "app/data" else 0), name
    for name, entry in files.items():
        if name.startswith(("app/src/", "app/.venv/lib")) and name.endswith(".py"):
            assert entry.mode & 0o444 == 0o444, name
    assert files["app/data"].mode & 0o777 == 0o770


def test_bytecode_is_there(files: dict[str, tarfile.TarInfo]) -> None:
    for name in (
        "app/src/my_internal_tool",
        "app/src/chassis/server",
        "site-packages/streamlit/web",
        "lib/python3.13/json",
    ):
        pattern = rf"{name}/__pycache__/\w+\.cpython-313\.pyc"
        assert any(re.search(pattern, file) for file in files), name


def test_every_library_loads_after_stripping(image: Image) -> None:
    image.run("python", "-W", "ignore", "-c", LOAD_ALL)


def test_size(image: Image) -> None:
    megabytes = image.inspect()["Size"] / 1e6
    measured.note("image", f"{megabytes:.0f} MB", f"at most {LARGEST_MB}")
    assert megabytes <= LARGEST_MB


def test_configuration_and_labels(image: Image) -> None:
    config = image.inspect()["Config"]
    assert config["User"] == "10001:0"
    assert config["Cmd"] == ["my-internal-tool", "serve"]
    assert not config.get("Entrypoint")
    assert config["Healthcheck"]["Test"][0] == "CMD"
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    assert labels["version"] == "0.1.0"
    assert labels["title"] == "My Internal Tool"
    head = run("git", "log", "-1", "--format=%H %cI", cwd=image.project).stdout.strip()
    assert f"{labels['revision']} {labels['created']}" == head


@pytest.fixture(scope="module")
def other(engine: Engine, bake: Baker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Build the image of hostile answers, with a package of Debian."""
    project = bake.fresh(tmp_path_factory.mktemp("other"), **PRESETS["hostile"]).path
    guide = (project / "docs/container.md").read_text()
    [package] = [block for block in blocks_of("container.md", guide) if block.language == "text"]
    package.write(project)
    engine.prepare((project / "Dockerfile").read_text())
    name = f"test-{uuid.uuid4().hex[:12]}"
    build(engine, project, name)
    yield Image(engine, f"{name}:latest", project)
    engine.docker("rmi", "--force", f"{name}:latest", f"{name}:0.1.0")


def test_answers_of_any_kind_become_labels(other: Image, bake: Baker) -> None:
    answers = bake(**PRESETS["hostile"]).answers
    labels = other.inspect()["Config"]["Labels"]
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == answers["project_name"]
    assert labels[f"{prefix}description"] == answers["description"]
    author = "{author_name} <{author_email}>".format(**answers)
    assert labels[f"{prefix}authors"] == author


def test_a_package_of_the_list_is_in_the_image(other: Image) -> None:
    assert "my-internal-tool" in other.run("tree", "--noreport", "/app/bin")


def test_a_package_that_does_not_exist_stops_the_build_and_is_named(other: Image) -> None:
    packages = other.project / "deploy/docker/packages.txt"
    packages.write_text("no-such-package\n")
    done = other.engine.run("make", "image", "IMAGE=never", cwd=other.project)
    assert done.returncode != 0
    assert "E: Unable to locate package no-such-package\n" in done.stdout + done.stderr


def test_it_runs_hardened_and_becomes_healthy(container: Container) -> None:
    until(lambda: container.state()["Health"]["Status"] == "healthy", 60, "health")
    assert container.execute("id", "-u") == ANY_UID
    assert "sessions with errors  0" in container.execute(
        "my-internal-tool", "loadtest", "--sessions", "2", "--reruns", "2", "--think", "0"
    )
    container.execute("my-internal-tool", "doctor")


def test_only_the_volume_and_tmp_can_be_written(container: Container) -> None:
    script = "import pathlib, sys; pathlib.Path(sys.argv[1], 'probe').write_text('x')"
    for folder in ("/app/data", "/tmp"):  # noqa: S108 - in the container
        container.execute("python", "-c", script, folder)
    for folder in ("/app", "/app/src", "/var/tmp", "/home"):  # noqa: S108 - in the container
        done = container.engine.run(
            "docker", "exec", container.name, "python", "-c", script, folder
        )
        assert "Read-only file system" in done.stderr, folder


def test_health_is_of_the_process_and_readiness_can_be_asked(container: Container) -> None:
    ask = ("python", "-IS", "/app/deploy/docker/healthcheck.py")
    assert '"alive"' in container.execute(*ask)
    container.execute(*ask, "/readyz")
    container.execute("my-internal-tool", "drain")
    try:
        assert container.engine.run("docker", "exec", container.name, *ask).returncode == 0
        done = container.engine.run("docker", "exec", container.name, *ask, "/readyz")
        assert done.returncode == 1
        assert done.stdout.startswith("503 ")
    finally:
        container.execute("my-internal-tool", "drain", "--off")


def test_metrics_answer_inside_and_are_not_on_the_port_of_the_app(container: Container) -> None:
    script = "import urllib.request as r; print(r.urlopen('http://localhost:9102/metrics').read())"
    assert "app_build_info" in container.execute("python", "-c", script)
    assert container.engine.get(container.port(), "/metrics")[0] in (200, 404)
    assert "app_build_info" not in container.engine.get(container.port(), "/metrics")[1]


def test_a_browser_signs_in(container: Container, tmp_path: Path) -> None:
    path = container.engine.program(chromium(), tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://localhost:{container.port()}/")
        sign_in(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        browser.close()


@pytest.mark.alone
def test_it_stops_at_once_with_a_session_open(image: Image, container: Container) -> None:
    """Last of this container: it is over then."""
    long = ("loadtest", "--sessions", "1", "--reruns", "100", "--think", "5")
    image.engine.docker("exec", "--detach", container.name, "my-internal-tool", *long)
    time.sleep(5)
    started = time.monotonic()
    image.engine.docker("stop", "--time", "5", container.name)
    timed("stop of a container with a session", started)
    assert container.state()["ExitCode"] == 0, "killed after 5 s"


def test_it_stops_at_once_before_it_listens(image: Image, container: Container) -> None:
    name = f"run-{uuid.uuid4().hex[:12]}"
    volume = ("--volume", f"{container.name}:/app/data", "--env", KEY)
    options = ("--detach", "--init", "--name", name, *HARDENED, *volume)
    image.engine.docker("run", *options, image.name)
    image.engine.docker("stop", "--time", "5", name)
    code = Container(image.engine, name).state()["ExitCode"]
    image.engine.docker("rm", "--force", name)
    assert code in (0, 143), "killed after 5 s"


def test_the_smoke_test_of_ci_is_green_and_red(image: Image) -> None:
    name = image.name.partition(":")[0]
    done = image.engine.run("make", "image-smoke", f"IMAGE={name}", cwd=image.project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"ready":true' in done.stdout
    dockerfile = image.project / "broken"
    dockerfile.write_text(f"FROM {image.name}\nENV APP_LANGUAGE=xx\n")
    image.engine.docker("build", "--tag", f"{name}:broken", "--file", dockerfile, image.project)
    done = image.engine.run("deploy/docker/smoke", f"{name}:broken", cwd=image.project)
    image.engine.docker("rmi", f"{name}:broken")
    assert done.returncode != 0
    assert "APP_LANGUAGE" in done.stderr


def test_the_command_of_the_document_runs_it(image: Image, tmp_path: Path) -> None:
    """First with the command that makes the tables, as the document says."""
    guide = (image.project / "docs/container.md").read_text()
    [text] = re.findall(r"^docker run --detach .*\n(?:  .*\n)+", guide, re.MULTILINE)
    name = f"run-{uuid.uuid4().hex[:12]}"
    key = tmp_path / "app_secret_key"
    key.write_text(KEY.partition("=")[2])
    for old, new in {
        "--name my-internal-tool ": f"--name {name} ",
        "127.0.0.1:8501:": "127.0.0.1::",
        "my-internal-tool-data:": f"{name}:",
        "/etc/my-internal-tool/app_secret_key": str(key),
        "my-internal-tool:latest": image.name,
    }.items():
        assert old in text
        text = text.replace(old, new)
    migrate = text.replace("--detach", "--rm").replace("--restart unless-stopped", "")
    migrate = f"{migrate.rstrip()} my-internal-tool db upgrade"
    running = Container(image.engine, name)
    try:
        for command in (migrate, text):
            done = image.engine.run("sh", "-c", command)
            assert done.returncode == 0, done.stderr
        until(lambda: image.engine.get(running.port(), "/readyz")[0] == 200, 120, "readiness")
    finally:
        image.engine.run("docker", "rm", "--force", name)
        image.engine.run("docker", "volume", "rm", name)


def test_a_missing_secret_stops_the_start_with_one_line(image: Image) -> None:
    done = image.engine.run("docker", "run", "--rm", *HARDENED, image.name)
    assert done.returncode == 1
    assert done.stderr.startswith("APP_SECRET_KEY: is required in production")
    assert "Traceback" not in done.stderr


def test_an_empty_database_stops_the_start_with_the_command_for_it(image: Image) -> None:
    run_ = ("run", "--rm", *HARDENED, "--volume", "/app/data", "--env", KEY, image.name)
    done = image.engine.run("docker", *run_)
    assert done.returncode == 1
    assert done.stderr.startswith("the database has no tables yet: run `")
    assert "db upgrade" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_change_of_the_code_rebuilds_only_its_layer(image: Image) -> None:
    before = image.inspect()["RootFS"]["Layers"]
    page = image.project / "src/my_internal_tool/pages/home.py"
    page.write_text(page.read_text() + "\n# changed\n")
    build(image.engine, image.project, image.name.partition(":")[0])
    after = image.inspect()["RootFS"]["Layers"]
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]


@pytest.mark.parametrize(
    "preset", [name for name, answers in PRESETS.items() if answers.get("use_docker", True)]
)
def test_hadolint_finds_nothing(bake: Baker, preset: str) -> None:
    baked = bake(**PRESETS[preset])
    done = run(checker("hadolint"), "--no-color", baked.path / "Dockerfile", cwd=baked.path)
    assert measured.findings("hadolint", done) == []


def test_it_needs_no_frontend_from_a_registry(default: Baked) -> None:
    assert not re.search(r"^#\s*syntax\s*=", default.read("Dockerfile"), re.MULTILINE)


@pytest.mark.parametrize("platform", ["aarch64-manylinux_2_36", "x86_64-manylinux_2_36"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_every_dependency_has_a_wheel(
    default: Baked, tmp_path: Path, platform: str, python: str
) -> None:
    """Nothing is compiled while the image is built, on either machine."""
    choice = ("--python-platform", platform, "--python-version", python)
    lock = default.path / "requirements.txt"
    command = (sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--require-hashes")
    target = ("--target", tmp_path / "target", "--only-binary", ":all:", "--requirement", lock)
    done = run(*command, *choice, *target, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stderr


def test_nothing_of_it_is_left_where_it_is_not_wanted(bake: Baker) -> None:
    baked = bake(use_docker=False)
    assert not (baked.path / "Dockerfile").exists()
    assert not (baked.path / "deploy/docker").exists()
    for name, text in baked.texts().items():
        if name != ".cruft.json":
            assert not LEFT_OVER.search(text), name
