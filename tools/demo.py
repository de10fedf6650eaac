"""Write the default project into build/demo and run it: what `make demo` does."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "build" / "demo"


def bake() -> Path:
    """Write the project again and return its folder; an environment that is there stays."""
    for old in DEMO.glob("*/*"):
        if old.name == ".venv":
            continue
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-f"]
    command += ["--output-dir", str(DEMO), "."]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return DEMO / "my-internal-tool"


def free_port(wanted: int) -> int:
    """Return a port of this machine: the wanted one, or any other if that is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen(1)
            except OSError:
                continue
            return int(probe.getsockname()[1])
    sys.exit("no port is free")


def main() -> None:
    """Bake, and become `make dev`, which installs, and says where the app is once it answers."""
    project = bake()
    os.environ.update(APP_PORT=str(free_port(8501)), METRICS_PORT=str(free_port(9102)))
    where = project.relative_to(ROOT)
    print(f"The project is in {where}, and so are the files named below.", flush=True)
    os.execvp("make", ["make", "--no-print-directory", "-C", str(project), "dev"])


if __name__ == "__main__":
    main()
