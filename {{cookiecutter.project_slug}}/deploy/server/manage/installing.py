"""Set up all that a server needs; what is there stays."""

import base64
import io
import secrets
import shutil
import sys
import zipfile
from pathlib import Path

from names import DOMAIN, NAME

from . import steps
from .building import prepare
from .colours import serving_release
from .commands import ask, run
from .configuring import configure
from .files import make_folder, write
from .places import (
    NGINX,
    PROGRAM,
    RELEASES,
    ROOT,
    SECRETS,
    SETTINGS,
    STATE,
    TIMERS,
    USER,
    WEB,
)
from .steps import StepError, do
from .switching import Wishes, finish, switch_to

HERE = Path(__file__).resolve().parents[1]  # deploy/server of a project, or the installed file


def install(keep: int) -> None:
    """Set up all that a server needs, and release the project that this file belongs to."""
    project = HERE.parents[1]
    if not (project / "requirements.txt").is_file():
        raise StepError("run it in the folder of the project: python3 deploy/server install")
    set_up(project)
    release = prepare(str(project))
    present = serving_release()
    if present:
        configure(present)
    else:
        wishes = Wishes(keep=keep)
        finish(switch_to(release, wishes), wishes)
    do("start with the machine", run, "systemctl", "enable", "-q", f"{NAME}.target", "nginx")
    do("start the timers", run, "systemctl", "enable", "-q", "--now", *TIMERS)
    if steps.dry_run:
        print("nothing was changed")
    elif present and present != release:
        print(f"`{PROGRAM.name} release {release.name}` lets this version serve")
    else:
        print(f"installed: https://{DOMAIN}")


def set_up(project: Path) -> None:
    """Make what is not there yet: this program, user, folders, secrets, settings, certificate."""
    missing = [name for name in ("nginx", "openssl", "systemd-run") if not shutil.which(name)]
    if missing:
        raise StepError(f"{', '.join(missing)} missing: apt-get install nginx openssl python3-venv")
    program = as_one_file(HERE)
    if not PROGRAM.exists() or PROGRAM.read_bytes() != program:
        do(f"write {PROGRAM}", write, PROGRAM, program, 0o755)
    if not ask("id", USER):
        command = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", STATE)
        do(f"add the user {USER}", run, *command, "--shell", "/usr/sbin/nologin", USER)
    for folder in (RELEASES, ROOT / "ports", SETTINGS, NGINX, WEB / "acme"):
        if not folder.is_dir():
            do(f"make {folder}", make_folder, folder, 0o755)
    for folder in (SECRETS, NGINX / "tls"):
        if not folder.is_dir():
            do(f"make {folder}", make_folder, folder, 0o700)
    make_secrets()
    settings = SETTINGS / f"{NAME}.env"
    if not settings.exists():
        text = (project / "deploy/systemd" / settings.name).read_bytes()
        do(f"write {settings}", write, settings, text, 0o600)
    make_certificate()


def as_one_file(folder: Path) -> bytes:
    """Return a program as one file that this Python runs: a zip behind a line for the system.

    The module zipapp would put the times of the files into it; so it is equal if they are.
    """
    file = io.BytesIO()
    file.write(f"#!{sys.executable}\n".encode())
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*.py")):
            archive.writestr(zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes())
    return file.getvalue()


def make_secrets() -> None:
    """Make the secrets that nobody needs to choose; those that are there stay."""
    for name in ("APP_SECRET_KEY", "DATA_ENCRYPTION_KEYS"):
        path = SECRETS / name
        if not path.exists():
            secret = base64.urlsafe_b64encode(secrets.token_bytes(32))  # what Fernet takes
            do(f"make the secret {path}", write, path, secret + b"\n", 0o600)


def make_certificate() -> None:
    """Make a certificate that signs itself, until there is a better one."""
    folder = NGINX / "tls"
    if (folder / "fullchain.pem").exists():
        return

    def make() -> None:
        new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90")
        names = ("-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}")
        part = folder / ".fullchain.pem"
        run(*new, *names, "-keyout", folder / "privkey.pem", "-out", part)
        part.replace(folder / "fullchain.pem")

    do(f"make a certificate for {DOMAIN} that signs itself", make)
