"""Write the hashes of the chassis, by which a project sees what it has edited: `make manifest`."""

import runpy
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"


def main() -> None:
    """Write the manifest in the format of sha256sum."""
    module = runpy.run_path(str(PROJECT / "src/chassis/template/manifest.py"))
    lines = [f"{digest}  {name}\n" for name, digest in module["hashes"]().items()]
    module["FILE"].write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
