"""The system: does it let the app write and open files, and does its clock go right?"""

import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from ..settings import get_settings
from . import Result

MINIMUM_FILES: Final = 4096  # about a thousand sessions


def writing() -> Result:
    """We may write where we have to: temporary files, and the log file."""
    folders = [Path(tempfile.gettempdir())]
    if (log_file := get_settings().log_file) is not None:
        # The folder itself is made when the app starts.
        folders.append(next(folder for folder in log_file.absolute().parents if folder.exists()))
    for folder in folders:
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"x")
        except OSError as error:
            remedy = f'sudo install -d -o "$(id -un)" {folder}'
            return Result("fail", f"cannot write to {folder} ({error.strerror})", remedy)
    return Result("pass", ", ".join(str(folder) for folder in folders))


def clock(now: float | None = None) -> Result:
    """The clock is right, as far as can be told without asking the network."""
    remedy = "sudo timedatectl set-ntp true"
    now = time.time() if now is None else now
    # Our own file cannot be from the future; a day allows for time zones.
    if now < Path(__file__).stat().st_mtime - 86_400:
        return Result("fail", "the clock is behind: the program is from the future", remedy)
    with tempfile.NamedTemporaryFile() as file:
        written = Path(file.name).stat().st_mtime
    if abs(written - now) > 60:
        detail = f"clock and file system differ by {abs(written - now):.0f} s"
        return Result("fail", detail, remedy)
    if _ntp_synchronised() is False:
        return Result("warn", "the clock is not synchronised", remedy)
    return Result("pass", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _ntp_synchronised() -> bool | None:
    """Ask timedatectl; None where it does not know."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    command = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(  # noqa: S603 - found in PATH, with fixed arguments
            command, capture_output=True, text=True, timeout=3, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


def open_files() -> Result:
    """Enough files can be open: a session takes about four."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= MINIMUM_FILES:
        return Result("pass", "no limit" if hard == resource.RLIM_INFINITY else f"up to {hard}")
    remedy = 'echo "$USER hard nofile 65536" | sudo tee -a /etc/security/limits.conf'
    return Result("fail", f"{hard} at most, enough for about {hard // 4} sessions", remedy)
