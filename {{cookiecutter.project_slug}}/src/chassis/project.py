"""What a project hands over to the chassis: the arguments of `Chassis(...)` in its app.py."""

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from .auth.roles import Role
from .errors import ExplainedError

if TYPE_CHECKING:  # it takes a third of a second, and `--help` does without
    from .settings import Settings

AuthBackend = Literal["password", "oidc", "proxy", "none"]

# Names the module that made the project. Streamlit forgets all modules when a file changes: only
# what lies outside of them, here the environment of the process, outlives that.
VARIABLE: Final = "CHASSIS_PROJECT"

# The entry point: it lies in the folder of the project.
SCRIPT: Final = "streamlit_app.py"

# The addresses of the pages that come with the chassis, whatever the settings leave out of them.
RESERVED: Final = frozenset({"health", "about", "account", "users", "audit"})


class ProjectError(ExplainedError):
    """app.py is missing or wrong; one line that says what to do."""


@dataclass(frozen=True)
class Page:
    """A page of the menu: a file, relative to app.py, or a function that draws it.

    `title` is what the menu and the browser tab show, `icon` a ":material/name:" or an emoji.
    `role` is the least that opens it. The address is the name of the file unless `url_path` says
    another one; the `default` page is the start page.
    """

    script: str | Callable[[], None]
    title: str
    icon: str | None = None
    role: Role = Role.VIEWER
    default: bool = False
    url_path: str = ""

    @property
    def address(self) -> str:
        """The name of the page in its address."""
        name = self.script if isinstance(self.script, str) else self.script.__name__
        return self.url_path or Path(name).stem


@dataclass(frozen=True)
class Chassis:
    """A project: what the chassis has to know of it. docs/chassis.md has an example of each.

    `module` is the `__name__` of the module that holds the project as `project`. `menu` is called
    at each run, so that titles are in the language of the user. `languages` maps each language of
    the interface to its own name; the first is the default. `settings` is a subclass of
    `chassis.Settings` with fields of your own.
    """

    module: str
    name: str
    command: str
    menu: Callable[[], Sequence[Page]]
    languages: Mapping[str, str] = field(default_factory=lambda: {"en": "English"})
    auth_backend: AuthBackend = "password"
    settings: "type[Settings] | None" = None

    def __post_init__(self) -> None:
        """Register the project as that of this process."""
        os.environ[VARIABLE] = self.module

    @property
    def package(self) -> str:
        """The name of the project's package."""
        return self.module.partition(".")[0]

    @property
    def folder(self) -> Path:
        """The folder of the project's package."""
        return Path(str(importlib.import_module(self.module).__file__)).parent

    @property
    def root(self) -> Path:
        """The folder of the project, from which relative paths of settings count.

        A package that was installed from a wheel lies in none: then it is the working directory.
        """
        around = self.folder.parents
        return next((folder for folder in around if (folder / SCRIPT).is_file()), Path.cwd())

    @property
    def version(self) -> str:
        """The version of the project: `__version__` of its package."""
        return str(importlib.import_module(self.package).__version__)

    @property
    def command_line(self) -> str:
        """The command as it is typed here, for messages that name it."""
        installed = Path(sys.executable).with_name(self.command)
        found = shutil.which(self.command)
        if not installed.is_file() or (found and installed.samefile(found)):
            return self.command
        here = Path.cwd()
        return str(installed.relative_to(here) if installed.is_relative_to(here) else installed)

    @property
    def icon(self) -> Path:
        """The picture in the browser tab and in the corner of each page."""
        return self.folder / "icon.svg"

    def pages(self) -> list[Page]:
        """Return the pages of the menu; raises ProjectError where one of them cannot be opened."""
        pages = list(self.menu())
        folder = self.folder
        seen: set[str] = set()
        for page in pages:
            if isinstance(page.script, str) and not (folder / page.script).is_file():
                raise ProjectError(f"{self.module}: {folder / page.script} does not exist")
            if page.address in seen | RESERVED:
                owner = "a page of the chassis" if page.address in RESERVED else "another page"
                raise ProjectError(
                    f"{self.module}: the page {page.title!r} has the address /{page.address} of "
                    f"{owner}: rename its file, or give it another `url_path`"
                )
            seen.add(page.address)
        return pages

    def main(self) -> None:
        """Run the command line."""
        from .commands.main import main

        main(prog_name=self.command)

    def server(self) -> dict[str, Any]:
        """Return the arguments of `st.App`; ends the process where settings or pages are wrong."""
        from .server.application import assemble

        return assemble()


def current() -> Chassis:
    """Return the project of this process; raises ProjectError where there is none."""
    name = os.environ.get(VARIABLE)
    if not name:
        raise ProjectError("there is no project: import its app.py before the chassis is used")
    # By name and at each call: after a change of a file it is a new module with a new project.
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # it is there, what it imports is not
            raise
        raise ProjectError(
            f"{VARIABLE} names {name}, but there is no module {error.name}"
        ) from None
    project: Chassis | None = getattr(module, "project", None)
    # Not isinstance: after such a change the server goes on with the class of before.
    if project is None or type(project).__name__ != Chassis.__name__:
        raise ProjectError(f"{name} has no project: write `project = Chassis(__name__, ...)`")
    return project
