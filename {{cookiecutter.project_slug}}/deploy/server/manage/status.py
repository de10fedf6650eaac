"""Say which release serves, who is on which, and what there is to go back to."""

from .building import complete_releases
from .colours import release_of, running, serving
from .instances import readiness, sessions


def status() -> None:
    """Print all of it."""
    colour = serving()
    for one in ("blue", "green"):
        release = release_of(one)
        active = running(one)
        beside = "gets no new visitors" if active else "stopped"
        role = "serves new visitors" if one == colour else beside
        print(f"{one:6} {release.name if release else '-':24} {role}")
        for port in active:
            print(f"  {port} {state(port)}")
    previous = release_of("previous")
    print(f"rollback goes to {previous.name if previous else 'nothing yet'}")
    print("releases: " + (", ".join(path.name for path in complete_releases()) or "none"))


def state(port: int) -> str:
    """Return how an instance is."""
    report = readiness(port)
    if report is None:
        return "no answer"
    if report.get("draining"):
        people = sessions(port)
        return "draining" if people is None else f"draining, open sessions: {people}"
    return "ready" if report.get("ready") else "not ready"
