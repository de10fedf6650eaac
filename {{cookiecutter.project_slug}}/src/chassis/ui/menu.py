"""The menu: the pages of the project, those of the chassis, and what each user sees of them."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from .. import project
from ..auth.access import AccessDenied
from ..auth.identity import Identity
from ..auth.roles import Role
from ..i18n import _
from ..project import Page
from ..settings import get_settings


def draw_menu(section: str, user: Identity) -> st.Page:
    """Draw the menu of what the user may open; return the page that was asked for.

    It knows all pages, so that the address of one that is not for the user leads to a text that
    says so: raises AccessDenied.
    """
    drawn: dict[str, list[st.Page]] = {}
    allowed: dict[st.Page, bool] = {}
    for heading, pages in sections().items():
        for page in pages:
            may_open = user.has(page.role, page.group)
            shown = _streamlit_page(page, visible=may_open)
            drawn.setdefault(heading or section, []).append(shown)
            allowed[shown] = may_open
    chosen = st.navigation(drawn)
    if not allowed[chosen]:
        st.title(chosen.title)
        raise AccessDenied
    return chosen


def stand_in(name: str, title: str) -> st.Page:
    """Return one page of the chassis that is shown, without a menu, at all addresses."""
    draw = _drawing(name)
    pages = [
        st.Page(draw, title=title, url_path=page.address, default=page.default)
        for page in all_pages()
    ]
    return st.navigation(pages, position="hidden")


def all_pages() -> list[Page]:
    """Return the pages in the order of the menu, those of the project first."""
    return [page for pages in sections().values() for page in pages]


def sections() -> dict[str, Sequence[Page]]:
    """Return the pages by the headings above them; those of the chassis are in the last section.

    Pages without a heading are under "": `draw_menu` puts the name of the app above them.
    """
    found = project.current().sections()
    if set(found) == {""}:  # a short menu needs no second heading
        return {"": [*found[""], *chassis_pages()]}
    system = _("System")
    return {**found, system: [*found.get(system, ()), *chassis_pages()]}


def chassis_pages() -> list[Page]:
    """Return the pages that come with the chassis; their addresses are project.RESERVED."""
    backend = get_settings().auth_backend
    pages = [
        _own("health", _("Health"), ":material/monitor_heart:"),
        _own("about", _("About"), ":material/info:"),
    ]
    if backend != "none":
        pages.append(_own("account", _("Account"), ":material/account_circle:"))
        if backend != "proxy":  # its users are kept elsewhere
            pages.append(_own("users", _("Users"), ":material/group:", Role.ADMIN))
        pages.append(_own("audit", _("Audit log"), ":material/history:", Role.ADMIN))
    return pages


def switch_page(page: str, query_params: Mapping[str, str] | None = None) -> None:
    """Go to a page of the project, as "pages/orders.py"; `st.switch_page` would look elsewhere."""
    st.switch_page(_path(page), query_params=query_params)


def page_link(page: str, **options: Any) -> None:
    """Draw a link to a page of the project, with the options of `st.page_link`."""
    st.page_link(_path(page), **options)


def _own(name: str, title: str, icon: str, role: Role = Role.VIEWER) -> Page:
    return Page(_drawing(name), title, icon, role, url_path=name)


def _drawing(name: str) -> Callable[[], None]:
    """Return the function that draws a page of the chassis, imported when it is opened."""

    def draw() -> None:
        importlib.import_module(f"..pages.{name}", __package__).draw()

    return draw


def _streamlit_page(page: Page, *, visible: bool) -> st.Page:
    return st.Page(
        _path(page.script) if isinstance(page.script, str) else page.script,
        title=page.title,
        icon=page.icon,
        url_path=page.address,
        default=page.default,
        visibility="visible" if visible else "hidden",
    )


def _path(script: str) -> str:
    """Return where a page of the project is: Streamlit looks beside its script, in the chassis."""
    return str(project.current().folder / script)
