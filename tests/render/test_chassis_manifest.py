"""The chassis says of each of its files what the template has in it."""

import sys

from baking import Baked, run


def test_the_manifest_is_that_of_the_chassis(default: Baked) -> None:
    """`make manifest` writes it, after each change of src/chassis and tests/chassis."""
    program = (
        "from chassis.template.manifest import edited_files; print(*edited_files(), sep='\\n')"
    )
    done = run(sys.executable, "-B", "-c", program, cwd=default.path, PYTHONPATH="src")
    assert (done.stdout, done.stderr) == ("\n", "")


def test_every_file_of_the_chassis_is_in_the_manifest(default: Baked) -> None:
    lines = default.read("src/chassis/MANIFEST").splitlines()
    names = [line.partition("  ")[2] for line in lines]
    folders = ("src/chassis/", "tests/chassis/")
    wanted = {name for name in default.files() if name.startswith(folders)}
    assert {*names, "src/chassis/MANIFEST"} == wanted
    assert names == sorted(names)
