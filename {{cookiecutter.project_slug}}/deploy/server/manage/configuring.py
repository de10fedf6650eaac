"""Bring systemd and nginx to what a release says."""

import re
import subprocess
from pathlib import Path

from names import NAME

from .colours import ports, serving_release
from .commands import ask, last_line, run
from .files import changed, link, put, remove
from .places import LOCAL_SITE, NGINX, ROOT, SERVING, SETTINGS, SITE, SITE_LINK, UNITS, WEB
from .steps import StepError, do


def configure(release: Path) -> None:
    """Put units and nginx's files in place; a site that nginx refuses is put back."""
    system = release / "deploy/systemd"
    files = {UNITS / path.name: path.read_bytes() for path in system.glob(f"{NAME}*.[st]*")}
    version = re.search(r"systemd (\d+)", ask("systemctl", "--version"))
    if version and int(version[1]) >= 254:
        files[UNITS / f"{NAME}@.service.d/backoff.conf"] = (system / "backoff.conf").read_bytes()
    if changed(files):
        do("update the units", put, files)
        do("reload systemd", run, "systemctl", "daemon-reload")
    for colour in ("blue", "green"):
        for port in ports(colour, release / "deploy/nginx/snippets"):
            if not (ROOT / f"ports/{port}").is_symlink():
                do(f"give port {port} to {colour}", link, ROOT / f"ports/{port}", f"../{colour}")
    if not SERVING.is_symlink():
        do("prepare the site", link, SERVING, "blue.conf")
    configure_site(release)


def configure_site(release: Path) -> None:
    """Put nginx's files in place, unless it refuses them."""
    files = site_files(release)
    # The folder is the project's: what the release no longer has goes.
    gone = [path for path in LOCAL_SITE.glob("*.conf") if path not in files]
    do("copy the static files", run, release / "deploy/nginx/copy-static", release)
    if not gone and not changed(files) and SITE_LINK.is_symlink():
        do("check the site: nginx -t", check_site)
        return
    old = {path: path.read_bytes() for path in (*files, *gone) if path.exists()}
    do("update the site", put, files)
    for path in gone:
        do(f"delete {path}", remove, path)
    do("enable the site", link, SITE_LINK, f"../sites-available/{SITE.name}")
    try:
        do("check the site: nginx -t", check_site)
    except StepError:
        put(old)
        for path in files.keys() - old.keys():
            remove(path)
        raise
    do("reload nginx", run, "systemctl", "reload-or-restart", "nginx")


def site_files(release: Path) -> dict[Path, bytes]:
    """Return what nginx's files have to be."""
    source = release / "deploy/nginx"
    found = re.search(r"^MAX_UPLOAD_MB=(\d+)", settings_text(), re.MULTILINE)
    size = f"client_max_body_size {int(found[1]) + 1 if found else 51}m".encode()
    files = {
        NGINX / path.name: path.read_bytes().replace(b"client_max_body_size 51m", size)
        for path in (source / "snippets").iterdir()
    }
    files |= {LOCAL_SITE / path.name: path.read_bytes() for path in source.glob("local/*.conf")}
    files |= {WEB / "pages" / path.name: path.read_bytes() for path in (source / "pages").iterdir()}
    # The site is the operator's if it differs from the one that came with the release before.
    before = serving_release()
    shipped = before and before / "deploy/nginx" / SITE.name
    if not SITE.exists() or (shipped and SITE.read_bytes() == shipped.read_bytes()):
        files[SITE] = (source / SITE.name).read_bytes()
    return files


def check_site() -> None:
    """Let nginx read its files; it gives the reason before it says that it refuses them."""
    done = subprocess.run(("nginx", "-t", "-q"), capture_output=True, text=True)
    if done.returncode != 0:
        reasons = re.findall(r"\[emerg\] \d+#\d+: (.*)", done.stderr)
        raise StepError(f"nginx refuses the site: {(reasons or [last_line(done.stderr)])[-1]}")


def settings_text() -> str:
    """Return the settings of this server."""
    path = SETTINGS / f"{NAME}.env"
    return path.read_text("utf-8") if path.exists() else ""
