"""What a project hands over to the chassis: the arguments of `Chassis(...)` in its app.py."""

import importlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from . import browser_access
from .auth.roles import Role
from .errors import ExplainedError

if TYPE_CHECKING:  # it takes a third of a second, and `--help` does without
    from .checks import Check
    from .settings import Settings

    Menu = Sequence["Page"] | Mapping[str, Sequence["Page"]]

AuthBackend = Literal["password", "oidc", "proxy", "none"]

# Names the module that made the project. Streamlit forgets all modules when a file changes: only
# what lies outside of them, here the environment of the process, outlives that.
VARIABLE: Final = "CHASSIS_PROJECT"

# The entry point: it lies in the folder of the project.
SCRIPT: Final = "streamlit_app.py"

# The addresses of the pages that come with the chassis, whatever the settings leave out of them.
RESERVED: Final = frozenset({"health", "about", "account", "users", "audit"})

# Of its name, in characters: a user may be in several.
MAX_GROUP: Final = 50


class ProjectError(ExplainedError):
    """app.py is missing or wrong; one line that says what to do."""


@dataclass(frozen=True)
class Page:
    """A page of the menu: a file, relative to app.py, or a function that draws it.

    `title` is what the menu and the browser tab show, `icon` a ":material/name:" or an emoji.
    `role` is the least that opens it; where `group` is given, its users need to be in that, too:
    one of `Chassis(..., groups=...)`. The address is the name of the file unless `url_path` says
    another one; the `default` page is the start page.
    """

    script: str | Callable[[], None]
    title: str
    icon: str | None = None
    role: Role = Role.VIEWER
    default: bool = False
    url_path: str = ""
    group: str | None = None

    @property
    def address(self) -> str:
        """The name of the page in its address."""
        name = self.script if isinstance(self.script, str) else self.script.__name__
        return self.url_path or Path(name).stem


@dataclass(frozen=True)
class Chassis:
    """A project: what the chassis has to know of it. docs/chassis.md has an example of each.

    `module` is the `__name__` of the module that holds the project as `project`. `menu` is called
    at each run, so that titles are in the language of the user; it returns pages, or sections of
    them by heading. `languages` maps each language of the interface to its own name; the first is
    the default. `settings` is a subclass of `chassis.Settings` with fields of your own, `groups`
    are those that users can be in, `secret_keys` parts of the names whose values logs hide.
    `external_sources` are the origins that pages may load from, `browser_features` the devices that
    they may ask for: camera, microphone, geolocation.

    Code of yours is named as "module:name", with the modules beside app.py, so that it is imported
    when it is needed: `checks` are part of /readyz, health page and `doctor`, `commands` maps names
    to click commands, `lifespan` is an asynchronous context manager around the life of the server.
    `icon` and `logo` are pictures beside app.py; without a logo the icon stands in its place.
    """

    module: str
    name: str
    command: str
    menu: "Callable[[], Menu]"
    languages: Mapping[str, str] = field(default_factory=lambda: {"en": "English"})
    auth_backend: AuthBackend = "password"
    settings: "type[Settings] | None" = None
    groups: Sequence[str] = ()
    checks: "Sequence[Check]" = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    lifespan: str | None = None
    secret_keys: Sequence[str] = ()
    external_sources: Sequence[str] = ()
    browser_features: Sequence[str] = ()
    icon: str = "icon.svg"
    logo: str | None = None

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

    def sections(self) -> dict[str, Sequence[Page]]:
        """Return the pages of the menu by heading, "" where it has none."""
        menu = self.menu()
        return dict(menu) if isinstance(menu, Mapping) else {"": menu}

    def pages(self) -> list[Page]:
        """Return the pages of the menu, one after the other."""
        return [page for pages in self.sections().values() for page in pages]

    def check(self) -> None:
        """Raise ProjectError where a part of the project cannot work."""
        self._refuse_texts("groups", "secret_keys")
        for name in self.groups:
            if not re.fullmatch(r"[^,\s](?:[^,\n]*[^,\s])?", name) or len(name) > MAX_GROUP:
                raise ProjectError(
                    f"{self.module}: {name!r} cannot be the name of a group: at most {MAX_GROUP} "
                    "characters, without commas"
                )
        if self.lifespan is not None:
            self.load(self.lifespan)
        self.allowed()
        self._check_names()
        seen: set[str] = set()
        for page in self.pages():
            self._check_page(page, seen)
            seen.add(page.address)
        for name in filter(None, (self.icon, self.logo)):
            self._find_file(name)

    def allowed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return external sources and browser features, as written here; raises ProjectError."""
        from .settings import get_settings

        unencrypted = get_settings().is_development
        self._refuse_texts("external_sources", "browser_features")
        try:
            return (
                tuple(
                    browser_access.origin(one, unencrypted=unencrypted)
                    for one in self.external_sources
                ),
                tuple(map(browser_access.feature, self.browser_features)),
            )
        except ValueError as error:
            raise ProjectError(f"{self.module}: {error}") from None

    def _refuse_texts(self, *names: str) -> None:
        """Refuse a text where a list belongs: its letters would be the items."""
        for name in names:
            if isinstance(getattr(self, name), str):
                raise ProjectError(f"{self.module}: {name} is a text; write a list: [...]")

    def _check_names(self) -> None:
        """Refuse checks and commands that are called as one of the chassis."""
        from .checks import CHECKS
        from .commands.main import COMMANDS

        checks = [check.name for check in (*CHECKS, *self.checks)]
        commands = [*COMMANDS, *self.commands]
        for kind, names in (("check", checks), ("command", commands)):
            for name in names:
                if names.count(name) > 1:
                    raise ProjectError(
                        f"{self.module}: there is a {kind} {name!r} already; choose another name"
                    )

    def _check_page(self, page: Page, seen: Set[str]) -> None:
        if isinstance(page.script, str):
            self._find_file(page.script)
        if page.group is not None and page.group not in self.groups:
            raise ProjectError(
                f"{self.module}: the page {page.title!r} is for the group {page.group!r}: name it "
                f"in Chassis(..., groups=[{page.group!r}])"
            )
        if page.address in seen | RESERVED:
            owner = "a page of the chassis" if page.address in RESERVED else "another page"
            raise ProjectError(
                f"{self.module}: the page {page.title!r} has the address /{page.address} of "
                f"{owner}: rename its file, or give it another `url_path`"
            )

    def _find_file(self, name: str) -> None:
        if not (self.folder / name).is_file():
            raise ProjectError(f"{self.module}: {self.folder / name} does not exist")

    def load(self, name: str) -> Any:
        """Import what "module:name" says, a module beside app.py; raises ProjectError."""
        module, _colon, attribute = name.partition(":")
        try:
            return getattr(importlib.import_module(f"{self.package}.{module}"), attribute)
        except (ImportError, AttributeError) as error:
            raise ProjectError(
                f"{self.module} names {name!r}, which cannot be imported: {error}"
            ) from error

    def main(self) -> None:
        """Run the command line."""
        from .commands.main import main

        main(prog_name=self.command)

    def server(self) -> dict[str, Any]:
        """Return the arguments of `st.App`; ends the process where settings or pages are wrong."""
        from .server.application import assemble

        return assemble()


def loaded() -> Chassis | None:
    """Return the project as it was last imported, without an import while files are replaced."""
    return getattr(sys.modules.get(os.environ.get(VARIABLE, "")), "project", None)


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
