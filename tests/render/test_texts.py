"""Every text of every bake is tidy, and its name is legal on every system."""

from __future__ import annotations

import re
import shutil
import stat
from typing import TYPE_CHECKING

import pytest
from baking import PROJECT_FOLDER, ROOT, Baked, Baker, template_files
from options import PRESETS

if TYPE_CHECKING:
    from pathlib import Path

WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
CACHES = ("__pycache__/a.pyc", ".ruff_cache/x", ".mypy_cache/3.11/y.json", ".pytest_cache/README")


@pytest.fixture(params=PRESETS)
def baked(request: pytest.FixtureRequest, bake: Baker) -> Baked:
    """Return the bake of each preset."""
    return bake(**PRESETS[request.param])


def test_lines_are_tidy(baked: Baked) -> None:
    for name, text in baked.texts().items():
        assert "\r" not in text, name
        assert text == "" or text.endswith("\n"), name
        if not name.endswith(".po"):  # Babel begins and ends a catalogue with an empty line
            assert not text.startswith("\n"), name
            assert not text.endswith("\n\n"), name
        loose = [line for line in text.splitlines() if line != line.rstrip()]
        assert not loose, f"{name}: trailing space in {loose[:3]}"
        with_code = name.endswith((".py", ".mako", ".md", "Makefile"))
        gap = "\n\n\n\n" if with_code else "\n\n\n"
        assert gap not in text, f"{name}: a gap of blank lines"


def legal_everywhere(name: str) -> bool:
    """Tell whether Windows, macOS and Linux can all hold a file of this name."""
    return not any(
        WINDOWS_DEVICES.fullmatch(part) or re.search(r'[<>:"|?*\\\x00-\x1f]|[. ]$', part)
        for part in name.split("/")
    )


def test_names_are_legal_on_windows(baked: Baked) -> None:
    names = [*baked.files(), *template_files()]
    assert [name for name in names if not legal_everywhere(name)] == []
    assert len({name.casefold() for name in baked.files()}) == len(baked.files())
    assert max(len(name) for name in names) < 160


def test_only_programs_are_executable(baked: Baked) -> None:
    for name, content in baked.files().items():
        executable = bool((baked.path / name).stat().st_mode & stat.S_IXUSR)
        assert executable == content.startswith(b"#!"), name


def test_caches_in_the_template_stay_out_of_the_bake(
    bake: Baker, default: Baked, template: Path, tmp_path: Path
) -> None:
    littered = tmp_path / "template"
    shutil.copytree(template, littered, symlinks=True)
    for name in CACHES:
        for folder in ("", "src/{{cookiecutter.package_name}}", "tests/unit"):
            junk = littered / PROJECT_FOLDER / folder / name
            junk.parent.mkdir(parents=True, exist_ok=True)
            junk.write_text("{{ this is no template {% \0" if "pyc" in name else "{{ nor this {%")
    for folder in ("hooks/__pycache__", "__pycache__"):
        (littered / folder).mkdir(exist_ok=True)
        (littered / folder / "post_gen_project.cpython-313.pyc").write_text("\0")
    done = bake.command(cwd=tmp_path, template=littered)
    assert done.returncode == 0, done.stdout + done.stderr
    littered_bake = Baked(tmp_path / "my-internal-tool", {})
    names = [path.relative_to(littered_bake.path) for path in littered_bake.path.rglob("*")]
    assert not [name for name in names if re.search("cache|\\.pyc", name.as_posix())]
    assert littered_bake.files().keys() == default.files().keys()


def test_an_existing_project_keeps_its_own_virtual_environment(bake: Baker, tmp_path: Path) -> None:
    project = bake.fresh(tmp_path).path
    compiled = project / ".venv/lib/__pycache__/a.pyc"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(b"\0")
    (project / "mine.txt").write_text("mine")
    done = bake.command("--overwrite-if-exists", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert compiled.exists()
    assert (project / "mine.txt").read_text() == "mine"


def test_the_template_names_no_index_and_no_path_of_a_machine() -> None:
    """What a file names, a user fetches or misses: indexes and paths are each machine's own."""
    # In pieces, so that this file does not name them either.
    hosts = ("py" + "pi.org", "pythonho" + "sted.org", "npmjs" + ".org", "deb" + ".debian.org")
    paths = ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/")
    for name in template_files():
        content = (ROOT / name).read_bytes().decode("utf-8", "replace")
        for word in (*hosts, *paths):
            assert word not in content, f"{name} names {word}"
