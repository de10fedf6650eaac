"""Ask the app in this container for its health: exit code 0 if it answers 200.

Takes the path to ask, /livez where none is given. No curl, no proxy, no import of the app.
"""

import http.client
import os
import sys

TIMEOUT_SECONDS = 4  # less than the time limit of the HEALTHCHECK

host = os.environ.get("APP_HOST", "127.0.0.1")
# Kubernetes writes tcp://... into the variable of a service of that name; the app does not read it.
ports = [os.environ.get(name, "") for name in ("APP_PORT", "PORT")]
port = int(next((text for text in ports if text.isdigit()), "8501"))
path = sys.argv[1] if len(sys.argv) > 1 else "/livez"
address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)
try:
    connection.request("GET", path)
    answer = connection.getresponse()
    print(answer.status, answer.read().decode())  # noqa: T201 - `docker inspect` shows it
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"no answer: {error}")
sys.exit(answer.status != http.HTTPStatus.OK)
