"""The jobs of both providers really run: green on a fresh bake, red when something is wrong."""

from __future__ import annotations

import json
import re
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from baking import PROJECT_FOLDER, Baked, Baker, commit_all, git, run, uv_cache

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.timeout(2400)

# What stands in for an action: checkout and Python are here already.
STUB = """
name: Stub
description: Does nothing
runs:
  using: composite
  steps: [{run: "true", shell: sh}]
"""
# act does not wait for what a step that fails printed last. Each shell of a step reads this first.
AT_THE_END = "unset BASH_ENV; trap '[ $? = 0 ] || sleep 1' EXIT\n"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# All tests of a project are run by tests/life; here it is the way to them that is tried, with few:
# of the team and of the chassis, without and with a browser.
FEW = ("test_demo_sales", "test_passwords", "test_home_in_browser", "test_database_away")
QUICK = {"PYTEST_ADDOPTS": f"-k '{' or '.join(FEW)}'"}


def act(
    project: Path, workflow: str, job: str, lab_path: str, *options: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a job of GitHub Actions on this machine, in a copy of the project."""
    stub = project.parent / "stub"
    stub.mkdir(exist_ok=True)
    (stub / "action.yml").write_text(STUB)
    (stub / "at-the-end").write_text(AT_THE_END)
    env["BASH_ENV"] = str(stub / "at-the-end")
    path = project / ".github/workflows" / workflow
    actions = sorted(set(re.findall(r"uses: (\S+)", path.read_text())))
    stubs = [f"--local-repository={action}={stub}" for action in actions]
    variables = [f"--env={name}={value}" for name, value in {**QUICK, **env}.items()]
    matrix = [f"--matrix=python:{PYTHON}"] if job == "all" else []
    event = "workflow_dispatch" if "\n  workflow_dispatch:" in path.read_text() else "push"
    if job == "staging":
        event = "push"
    command: list[str | Path] = ["act", event, "--workflows", path, "--job", job, *options]
    platform = ("--platform", "ubuntu-latest=-self-hosted", "--no-cache-server")
    home = {"XDG_CACHE_HOME": str(project.parent / "cache"), "PATH": lab_path}
    home["UV_CACHE_DIR"] = uv_cache()
    secret = ("--secret", "GITHUB_TOKEN=none")
    return run(*command, *matrix, *platform, *stubs, *variables, *secret, cwd=project, **home)


def gitlab(project: Path, job: str, lab_path: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a job of GitLab CI on this machine, as if every file were new."""
    tree = git("hash-object", "-w", "-t", "tree", "/dev/null", cwd=project)
    nothing = git("commit-tree", tree, "-m", "Nothing", cwd=project)
    git("update-ref", "refs/remotes/origin/main", nothing, cwd=project)
    variables = [f"--variable={key}={value}" for key, value in {**QUICK, **env}.items()]
    command = ("gitlab-ci-local", "--force-shell-executor", *variables, job)
    done = run(*command, cwd=project, PATH=lab_path)
    assert "Some jobs were not found" not in done.stderr
    return done


def ci(
    project: Path, provider: str, job: str, lab_path: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a job of what every commit gets."""
    if provider == "github":
        workflow = "ci-all.yml" if job == "all" else "ci.yml"
        return act(project, workflow, job, lab_path, **env)
    return gitlab(project, job, lab_path, **env)


def with_few_tests(baked: Baked) -> Baked:
    """Commit a bake in which few tests are enough."""
    path = baked.path / "pyproject.toml"
    path.write_text(re.sub("fail_under = .*", "fail_under = 0", path.read_text()))
    commit_all(baked.path)
    return baked


@pytest.fixture
def fresh(bake: Baker, tmp_path: Path) -> Baked:
    """Return a committed bake for both providers, in which few tests are enough."""
    return with_few_tests(bake.fresh(tmp_path / "bake", ci_provider="both"))


def test_a_job_of_ones_own_runs_beside_those_of_the_template(fresh: Baked, lab_path: str) -> None:
    (fresh.path / ".gitlab-ci.local.yml").write_text("own: {script: [echo ours]}\n")
    commit_all(fresh.path, "Ours")
    done = gitlab(fresh.path, "own", lab_path)
    assert done.returncode == 0, done.stderr
    assert "> ours\n" in done.stdout


@pytest.mark.parametrize("provider", ["github", "gitlab"])
@pytest.mark.parametrize("job", ["test", "all", "lock", "scan"])
def test_a_fresh_bake_is_green(
    fresh: Baked, lab_path: str, provider: str, job: str, mypy_cache: dict[str, str]
) -> None:
    done = ci(fresh.path, provider, job, lab_path, **mypy_cache)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    if job in {"test", "all"}:
        assert re.search(r"TOTAL.* \d+%", done.stdout)
        if provider == "gitlab":
            assert (fresh.path / "build/junit.xml").stat().st_size > 1000
            assert (fresh.path / "build/coverage.xml").stat().st_size > 1000


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_a_verb_that_fails_is_a_red_job(fresh: Baked, lab_path: str, provider: str) -> None:
    """What the verbs find is tried by test_mistakes.py, once for both providers."""
    (fresh.path / "src/my_internal_tool/planted.py").write_text("import os\n")
    commit_all(fresh.path, "A mistake")
    done = ci(fresh.path, provider, "test", lab_path)
    assert done.returncode != 0
    assert "F401" in done.stdout + done.stderr, (done.stdout + done.stderr)[-3000:]


@pytest.fixture
def updatable(bake: Baker, template: Path, tmp_path: Path, lab_path: str) -> tuple[Path, Path, str]:
    """Return a project of a template with news, its remote, and a PATH with a recording gh."""
    clone = tmp_path / "template"
    git("clone", "--quiet", str(template), str(clone), cwd=tmp_path)
    assert bake.command(cwd=tmp_path, template=clone).returncode == 0
    project = tmp_path / "my-internal-tool"
    commit_all(project)
    remote = tmp_path / "remote.git"
    git("clone", "--quiet", "--bare", str(project), str(remote), cwd=tmp_path)
    git("remote", "add", "origin", str(remote), cwd=project)
    document = clone / PROJECT_FOLDER / "docs/data.md"
    document.write_text(document.read_text().replace("## Add a table\n", "## Add your table\n"))
    commit_all(clone, "News")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/gh.log\n')
    (programs / "gh").chmod(0o755)
    return project, remote, f"{programs}:{lab_path}"


def test_news_of_the_template_become_a_pull_request(updatable: tuple[Path, Path, str]) -> None:
    project, remote, path = updatable
    done = act(project, "template-update.yml", "update", path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    assert "## Add your table" in git("show", "template-update:docs/data.md", cwd=remote)
    record = json.loads(git("show", "template-update:.cruft.json", cwd=remote))
    assert record["commit"] != json.loads((project / ".cruft.json").read_text())["commit"]
    assert (project.parent / "gh.log").read_text().splitlines() == [
        "auth setup-git",
        "pr list --head template-update --json number --jq .[].number",
        "pr create --head template-update --fill",
        "workflow run ci.yml --ref template-update",
    ]


def test_a_conflict_with_the_template_is_loud(updatable: tuple[Path, Path, str]) -> None:
    project, remote, path = updatable
    document = project / "docs/data.md"
    document.write_text(document.read_text().replace("## Add a table\n", "## Our own words\n"))
    commit_all(project, "Ours")
    done = act(project, "template-update.yml", "update", path)
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert re.search(r"changed the same lines(.*\n)+?.*docs/data.md", printed), printed[-3000:]
    assert "template-update" not in git("branch", "--list", cwd=remote)
    assert not (project.parent / "gh.log").exists()


# ssh to a server that is this machine; what the server is asked to do is only noted.
SSH = """#!/bin/sh
echo "$@" | head -1 >>"$NOTES/ssh"
while [ "$1" != -- ]; do
    [ "$1" != -i ] || cp "$2" "$NOTES/key"
    case $1 in UserKnownHostsFile=*) cp "${1#*=}" "$NOTES/hosts" ;; esac
    shift
done
if [ "$CUT" ]; then head -c "$CUT" | sh -c "$3"; else exec sh -c "$3"; fi
"""
SERVER = """#!/bin/sh
echo "$@" >>"$NOTES/server"
[ "$1" != release ] || tar -t -f "$2" >"$NOTES/files"
"""
DOCKER = """#!/bin/sh
echo "$@" >>"$NOTES/docker"
digest='  "containerimage.digest": "sha256:abc"'
case " $* " in
*" buildx "*) echo "$digest" >build/image.json ;;
*" --password-stdin "*) cat >"$NOTES/password" ;; # not read, the pipe of the password would break
esac
"""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab_path: str) -> tuple[Path, str]:
    """Return where the programs of a server note their calls, and a PATH with them."""
    folder, programs = tmp_path / "notes", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    for name, text in {"ssh": SSH, "my-internal-tool-server": SERVER, "docker": DOCKER}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("NOTES", str(folder))
    return folder, f"{programs}:{lab_path}"


def without_needs(project: Path) -> None:
    """Let the jobs that deploy not wait for the tests, which others tests run."""
    for name in ("deploy.yml", "release.yml"):
        path = project / ".github/workflows" / name
        path.write_text(re.sub(r"\n    needs: .*", "", path.read_text()))
    commit_all(project, "For the test")


@pytest.mark.parametrize(
    ("provider", "workflow", "job", "expected"),
    [
        ("github", "deploy.yml", "staging", "release /tmp/"),
        ("github", "release.yml", "production", "release /tmp/"),
        ("github", "deploy.yml", "rollback", "rollback"),
        ("gitlab", "", "staging", "release /tmp/"),
        ("gitlab", "", "production", "release /tmp/"),
        ("gitlab", "", "rollback", "rollback"),
    ],
)
def test_a_commit_gets_to_the_server_and_back(
    fresh: Baked, notes: tuple[Path, str], provider: str, workflow: str, job: str, expected: str
) -> None:
    folder, path = notes
    key = "-----BEGIN KEY-----\nabc\n-----END KEY-----"
    secrets = {"SSH_KEY": key, "SSH_KNOWN_HOSTS": "server ssh-ed25519 AAAA"}
    if provider == "github":
        without_needs(fresh.path)
        options = ["--var=DEPLOY=true", "--var=HOST=root@server", "--input=environment=production"]
        given = [f"--secret={name}={value}" for name, value in secrets.items()]
        done = act(fresh.path, workflow, job, path, *options, *given, NOTES=str(folder))
    else:
        ref = {"staging": {}, "production": {"CI_COMMIT_TAG": "v1"}, "rollback": {}}[job]
        if job == "rollback":
            ref = {"CI_PIPELINE_SOURCE": "web", "ROLLBACK": "production"}
        variables = {"DEPLOY": "true", "HOST": "root@server", "NOTES": str(folder), **ref}
        done = gitlab(fresh.path, job, path, **variables, **secrets)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (folder / "server").read_text().startswith(expected)
    assert "BatchMode=yes" in (folder / "ssh").read_text()
    assert "StrictHostKeyChecking=yes -- root@server" in (folder / "ssh").read_text()
    assert (folder / "key").read_text().strip() == key
    assert (folder / "hosts").read_text().strip() == secrets["SSH_KNOWN_HOSTS"]
    if "release" in expected:
        files = (folder / "files").read_text().splitlines()
        assert {"streamlit_app.py", "requirements.txt", "deploy/remote"} <= set(files)
    assert "BEGIN KEY" not in done.stdout


def test_without_the_variable_nothing_is_deployed(fresh: Baked, notes: tuple[Path, str]) -> None:
    folder, path = notes
    without_needs(fresh.path)
    done = act(fresh.path, "deploy.yml", "rollback", path, "--var=HOST=root@server")
    assert done.returncode == 0, done.stdout
    assert not (folder / "ssh").exists()


def test_a_deployment_with_compose_and_its_rollback(
    fresh: Baked, notes: tuple[Path, str], tmp_path: Path
) -> None:
    folder, path = notes
    server = tmp_path / "server"
    variables = {"PATH": path, "DEPLOY_WITH": "compose", "DEPLOY_FOLDER": str(server)}
    variables |= {"HOST": "root@server", "IMAGE": "registry.example.com/tool"}
    versions = []
    for verb, version in (("deploy", "1"), ("deploy", "2"), ("rollback", "2"), ("rollback", "2")):
        done = run("make", verb, cwd=fresh.path, **variables, VERSION=version)
        assert done.returncode == 0, done.stdout + done.stderr
        versions.append((server / ".env").read_text())
    one, two = (f"IMAGE=registry.example.com/tool\nVERSION={version}\n" for version in "12")
    assert versions == [one, two, one, two]
    assert (server / "secrets/database_url").exists()
    calls = (folder / "docker").read_text()
    assert calls.startswith("compose --env-file .env.next pull migrate\n")
    assert "compose up --detach --wait\n" in calls
    # The connection breaks between two files, where tar misses nothing.
    sent = tmp_path / "sent.tar"
    git("archive", f"--output={sent}", "HEAD", "compose.yaml", "deploy", cwd=fresh.path)
    with tarfile.open(sent) as archive:
        variables["CUT"] = str(archive.getmember("deploy").offset)
    done = run("make", "deploy", cwd=fresh.path, **variables, VERSION="3")
    assert done.returncode != 0
    assert (server / ".env").read_text() == two
    assert (folder / "docker").read_text() == calls


def test_what_operators_add_goes_to_the_server_and_goes_when_it_is_deleted(
    fresh: Baked, notes: tuple[Path, str], tmp_path: Path
) -> None:
    _, path = notes
    server = tmp_path / "server"
    variables = {"PATH": path, "DEPLOY_WITH": "compose", "DEPLOY_FOLDER": str(server)}
    variables |= {"HOST": "root@server", "VERSION": "1"}
    added = ("deploy/nginx/local/hello.conf", "compose.override.yaml")
    for name in added:
        (fresh.path / name).parent.mkdir(exist_ok=True)
        (fresh.path / name).write_text("# Ours.\n")
    (fresh.path / "local.mk").write_text("IMAGE = registry.example.com/ours\n")
    commit_all(fresh.path, "Ours")
    done = run("make", "deploy", cwd=fresh.path, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(server / name).exists() for name in added] == [True, True]
    assert "IMAGE=registry.example.com/ours\n" in (server / ".env").read_text()
    (fresh.path / added[0]).unlink()
    commit_all(fresh.path, "No more")
    assert run("make", "deploy", cwd=fresh.path, **variables).returncode == 0
    assert not (server / added[0]).exists()


def test_a_release_is_pushed_when_its_tag_is_its_version(
    fresh: Baked, notes: tuple[Path, str]
) -> None:
    folder, path = notes
    variables = {"PATH": path, "IMAGE": "registry.example.com/tool", "REGISTRY_PASSWORD": "x"}
    variables |= {"REGISTRY": "registry.example.com", "REGISTRY_USER": "ci"}
    done = run("make", "push", cwd=fresh.path, TAG="v9", **variables)
    assert done.returncode != 0
    assert "the tag is v9, but __version__ is 0.1.0" in done.stderr
    assert not (folder / "docker").exists()
    done = run("make", "push", cwd=fresh.path, TAG="v0.1.0", **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "digest=sha256:abc\n"
    login, build = (folder / "docker").read_text().splitlines()
    assert login == "login --username ci --password-stdin registry.example.com"
    assert (folder / "password").read_text() == "x"
    assert "--sbom=true --provenance=mode=max" in build
    assert "--tag registry.example.com/tool:0.1.0 " in build
