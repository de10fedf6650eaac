"""Where everything is on the server."""

import re
from pathlib import Path

from names import NAME

USER = NAME[:31].rstrip("-")  # Linux takes no more

ROOT = Path("/opt", NAME)
RELEASES = ROOT / "releases"
SETTINGS = Path("/etc", NAME)
SECRETS = SETTINGS / "credentials"
STATE = Path("/var/lib", NAME)
WEB = Path("/var/www", NAME)
NGINX = Path("/etc/nginx", NAME)
LOCAL_SITE = NGINX / "local"  # what operators add: deploy/nginx/local of the project
SERVING = NGINX / "serving.conf"  # the link that decides: blue.conf or green.conf
SITE = Path("/etc/nginx/sites-available", f"{NAME}.conf")
SITE_LINK = Path("/etc/nginx/sites-enabled", f"{NAME}.conf")
PROGRAM = Path("/usr/local/sbin", f"{NAME}-server")
LOCK = Path("/run", f"{NAME}-server.lock")

UNITS = Path("/etc/systemd/system")
STAMPS = Path("/var/lib/systemd/timers")  # when a timer elapsed last
DRAIN = f"{NAME}-drain.service"
TIMERS = [
    f"{NAME}-{job}.timer" for job in ("check", "backup-create", "backup-verify", "backup-prune")
]
OWN_UNIT = rf"{re.escape(NAME)}(@|-check|-backup(@|-\w+)?)?\.(service|target|timer)(\.d)?"
