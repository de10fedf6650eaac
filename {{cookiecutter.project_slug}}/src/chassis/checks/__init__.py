"""Is it well? One list of all checks, with tags that say who asks; the answers lie beside it.

"health" is asked by /readyz, the metrics and the health page, "doctor" and "deploy" by the commands
`doctor` and `check --deploy`. A check is imported when it first runs, so that the server loads only
its own.
"""

import pkgutil
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Final, Literal

from .. import project

Status = Literal["pass", "warn", "fail"]
Tag = Literal["health", "doctor", "deploy"]


@dataclass(frozen=True)
class Result:
    """What a check found.

    Visitors may read the detail of a "health" check: it holds neither secrets nor paths. `remedy`
    is the command or the sentence that helps, and for operators only.
    """

    status: Status
    detail: str
    remedy: str = ""
    duration_ms: float = 0.0  # known to those who measure it


OK: Final = Result("pass", "")  # where a reader wants to hear of problems only


@dataclass(frozen=True)
class Check:
    """A question. `code` answers it: a function, or the text "module:name" that says where it is.

    The modules of a project lie beside its app.py; ".module" is one beside this file. The function
    returns None where there is nothing to ask, and may raise an error for "fail", whose text
    only operators get to see.
    """

    name: str
    code: Callable[[], Result | None] | str
    tags: Set[Tag] = frozenset()
    required: bool = False  # whether its failure keeps visitors away
    limit_seconds: float = 2.0  # of a "health" check

    def run(self) -> Result | None:
        """Answer the question."""
        return (_load(self.code) if isinstance(self.code, str) else self.code)()


def _load(code: str) -> Callable[[], Result | None]:
    ours = code.startswith(".")
    function: Callable[[], Result | None]
    function = pkgutil.resolve_name(__name__ + code) if ours else project.current().load(code)
    return function


CHECKS: Final = (
    Check("project", ".installation:project_folder", {"doctor"}),
    Check("python", ".installation:python_version", {"doctor"}),
    Check("packages", ".installation:packages", {"doctor"}),
    Check("chassis", ".installation:chassis", {"doctor"}),
    Check("settings", ".installation:settings", {"doctor"}),
    # From here on all of them read the settings.
    Check("app port", ".network:app_port", {"doctor"}),
    Check("metrics", ".network:metrics_port", {"doctor"}),
    Check("runtime", ".process:runtime", {"health"}, required=True),
    Check("drain", ".process:drain", {"health"}, required=True),
    Check("database", ".database:database", {"health", "doctor"}, required=True),
    Check("migrations", ".database:migrations", {"health", "doctor"}, required=True),
    Check("disk", ".machine:disk", {"health", "doctor"}),
    Check("memory", ".machine:memory", {"health"}),
    Check("cpu", ".machine:cpu", {"health"}),
    Check("redis", ".limits:redis", {"health"}),
    Check("writing", ".system:writing", {"doctor"}),
    Check("clock", ".system:clock", {"doctor"}),
    Check("dns", ".network:dns", {"doctor"}),
    Check("open files", ".system:open_files", {"doctor"}),
    # "fail" must change before production, "warn" is right in some places and not in others.
    Check("environment", ".environment:app_env", {"deploy"}),
    Check("secret key", ".secrets:secret_key", {"deploy"}),
    Check("debug", ".environment:debug", {"deploy"}),
    Check("public host", ".exposure:public_host", {"deploy"}),
    Check("https", ".exposure:https", {"deploy"}),
    Check("proxies", ".exposure:proxies", {"deploy"}),
    Check("rate limits", ".exposure:rate_limits", {"deploy"}),
    Check("encryption keys", ".secrets:encryption_keys", {"deploy"}),
    Check("secret files", ".secrets:readable_files", {"deploy"}),
    Check("networks", ".exposure:networks", {"deploy"}),
    Check("app address", ".exposure:app_address", {"deploy"}),
    Check("metrics address", ".exposure:metrics_address", {"deploy"}),
    Check("database kind", ".data:kind", {"deploy"}),
    Check("database path", ".data:path", {"deploy"}),
    Check("database tls", ".data:tls", {"deploy"}),
    Check("backups", ".data:backups", {"deploy"}),
    Check("last backup", ".data:last_backup", {"doctor", "deploy"}),
    Check("log level", ".environment:log_level", {"deploy"}),
    Check("log format", ".environment:log_format", {"deploy"}),
    Check("strict names", ".environment:strict_names", {"deploy"}),
)


def tagged(tag: Tag) -> Iterator[Check]:
    """Yield the checks with this tag; those of the project last, as it may be missing."""
    yield from (check for check in CHECKS if tag in check.tags)
    yield from (check for check in project.current().checks if tag in check.tags)
