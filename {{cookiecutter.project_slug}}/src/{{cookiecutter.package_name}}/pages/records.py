"""Example of data entry, a register of equipment; docs/data.md tells how to delete it."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pandas as pd
import streamlit as st
from chassis import (
    EXPECTED,
    DatabaseUnavailable,
    Role,
    _,
    count,
    current_user,
    draw_problem,
    plain,
    require,
    time_zone,
    today,
)
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from {{cookiecutter.package_name}}.records import csv_import, export, service
from {{cookiecutter.package_name}}.records.fields import (
    CATEGORIES,
    FIELDS,
    FIRST_DAY,
    LAST_DAY,
    MAX_LENGTHS,
    InvalidError,
    Issue,
    Problem,
    Values,
    differences,
    merge,
    parse,
)

T = TypeVar("T")
PAGE_SIZE = 25
PREVIEW_ROWS = 20

FIELD_NAMES = {
    "asset_no": _("Asset no."),
    "name": _("Name"),
    "category": _("Category"),
    "owner": _("Owner"),
    "price": _("Price"),
    "bought_on": _("Bought on"),
    "note": _("Note"),
}
SORT_NAMES = FIELD_NAMES | {"updated_at": _("Last change")}
CATEGORY_NAMES = {
    "computer": _("Computer"),
    "display": _("Display"),
    "furniture": _("Furniture"),
    "network": _("Network"),
    "tool": _("Tool"),
    "vehicle": _("Vehicle"),
    "other": _("Other"),
}
ACTION_NAMES = {
    service.CREATED: _("Added"),
    service.CHANGED: _("Changed"),
    service.DELETED: _("Deleted"),
    service.IMPORTED: _("Imported"),
}
EXISTING_NAMES: dict[csv_import.Existing, str] = {
    "refuse": _("Refuse the file"),
    "update": _("Change them"),
    "skip": _("Leave them as they are"),
}
ISSUES = {
    Issue.REQUIRED: _("must not be empty"),
    Issue.TOO_LONG: _("is longer than %(limit)s characters"),
    Issue.CONTROL_CHARACTER: _("contains an invisible control character"),
    Issue.UNKNOWN_CATEGORY: _("must be one of: %(known)s"),
    Issue.NOT_A_PRICE: _("must be an amount such as 1234.50"),
    Issue.NOT_A_DATE: _("must be a day such as 2026-01-31"),
    Issue.OUT_OF_RANGE: _("is too small or too large"),
    Issue.EXISTS: _("is in the register already"),
    Issue.TWICE_IN_FILE: _("stands in line %(line)s already"),
    Issue.CELL_COUNT: _("has %(found)s cells, but there are %(expected)s columns"),
    Issue.BROKEN_QUOTES: _("Line %(line)s: a quote mark is not closed, or text follows it."),
    Issue.EMPTY_FILE: _("The file has no rows."),
    Issue.FILE_TOO_LARGE: _("The file is larger than %(limit)s MB. Split it."),
    Issue.TOO_MANY_ROWS: _("The file has more than %(limit)s rows. Split it."),
    Issue.UNKNOWN_ENCODING: _(
        "The characters of this file cannot be read. Choose its encoding, or save it as CSV UTF-8."
    ),
    Issue.MISSING_COLUMNS: _("These columns are missing in the first line: %(columns)s"),
    Issue.REPEATED_COLUMN: _("The column %(column)s is there twice."),
}


# --- The list -------------------------------------------------------------------------------------


def choose_query() -> service.Query:
    """Draw the search; what is chosen stays while the user is on another page."""
    search, category, sort, order = st.columns([4, 2, 2, 2], vertical_alignment="bottom")
    text = search.text_input(
        _("Search"),
        type="search",
        max_chars=service.MAX_SEARCH,
        placeholder=_("Number, name, owner or note"),
        key="records_search",
        persist_state="session",
    )
    chosen = category.selectbox(
        _("Category"),
        CATEGORIES,
        index=None,
        format_func=CATEGORY_NAMES.__getitem__,
        placeholder=_("All categories"),
        key="records_category",
        persist_state="session",
    )
    column = sort.selectbox(
        _("Sort by"),
        list(service.SORTS),
        format_func=SORT_NAMES.__getitem__,
        key="records_sort",
        persist_state="session",
    )
    descending = order.toggle(_("Descending"), key="records_descending", persist_state="session")
    return service.Query(text or "", chosen, column, descending)


def draw_list(query: service.Query, actions: DeltaGenerator) -> None:
    """Draw one page of the list, and in `actions` what may be done with what is selected in it."""
    # Other things begin at the first page again: they have another widget.
    page_key = f"records_page_{hash(query)}"
    page = service.find(query, st.session_state.get(page_key, 1), PAGE_SIZE)
    if not page.total:
        draw_nothing_found(query)
        return
    rows = [row_of(item.values) | {"updated_at": item.updated_at} for item in page.items]
    # A table of other things has another key: so a selection never moves to another thing.
    shown = (query, *((item.id, item.version) for item in page.items))
    key = f"records_table_{hash(shown)}"
    state = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        key=key,
        on_select=partial(sort_by_column, key, query),
        # A click on a heading selects the column; otherwise Streamlit would sort this page only.
        selection_mode=("single-row", "single-column"),
        column_config=column_config(),
        alt=_("Equipment"),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        first = (page.number - 1) * PAGE_SIZE + 1
        figures = {"first": first, "last": first + len(rows) - 1, "total": f"{page.total:,}"}
        st.caption(_("%(first)s to %(last)s of %(total)s", **figures))
        if page.pages > 1:
            st.pagination(page.pages, key=page_key, persist_state="session")
    if selected := state["selection"].get("rows", []):
        draw_actions(actions, page.items[selected[0]])
    elif user.has(Role.EDITOR):
        actions.caption(_("Select a row to change it."))


def sort_by_column(key: str, query: service.Query) -> None:
    """Sort by the column whose heading was clicked, backwards at the second click."""
    columns = st.session_state[key]["selection"].get("columns", [])
    if columns and columns[0] in service.SORTS:
        again = columns[0] == query.sort
        st.session_state["records_sort"] = columns[0]
        st.session_state["records_descending"] = again and not query.descending


def draw_nothing_found(query: service.Query) -> None:
    """Say why the list is empty."""
    if query.search or query.category:
        text = _("Nothing matches. Search for something else, or in all categories.")
        st.info(text, icon=":material/search_off:")
    else:
        text = _("The register is empty. Add the first thing, or import a CSV file.")
        st.info(text, icon=":material/inventory_2:")


def row_of(values: Values) -> dict[str, object]:
    """Return the cells of a row."""
    category = CATEGORY_NAMES[values.category]
    return {
        "asset_no": values.asset_no,
        "name": values.name,
        "category": category,
        "owner": values.owner,
        "price": float(values.price),
        "bought_on": values.bought_on,
        "note": values.note,
    }


def column_config() -> dict[str, Any]:
    """Return how the cells are drawn: all texts as they are, never as Markdown."""
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(label) for name, label in FIELD_NAMES.items()
    }
    return config | {
        "price": st.column_config.NumberColumn(FIELD_NAMES["price"], format="%,.2f"),
        "bought_on": st.column_config.DateColumn(FIELD_NAMES["bought_on"], format="YYYY-MM-DD"),
        "updated_at": st.column_config.DatetimeColumn(
            SORT_NAMES["updated_at"], format="YYYY-MM-DD HH:mm", timezone=time_zone().key
        ),
    }


# --- Dialogs --------------------------------------------------------------------------------------


def open_dialog(name: str, item: service.Item | None = None) -> None:
    """Open a dialog in the next run; it stays open until it is done or dismissed."""
    st.session_state["records_dialog"] = (name, item)


def dialog_button(
    place: DeltaGenerator, label: str, icon: str, name: str, item: service.Item | None = None
) -> None:
    """Draw a button that opens a dialog, about what the user sees at the click."""
    place.button(
        label,
        type="primary" if name == "add" else "secondary",
        icon=f":material/{icon}:",
        key=f"records_{name}_item" if item else f"records_{name}",
        on_click=open_dialog,
        args=(name, item),
    )


def close_dialog() -> None:
    """Forget the dialog and what it kept."""
    for key in ("dialog", "conflict", "newer", "rows", "plan", "outdated"):
        st.session_state.pop(f"records_{key}", None)


def attempt(action: Callable[[], object], role: Role) -> bool:
    """Do something that needs a role; return whether it is done, else say what is the matter."""
    try:
        require(role)
        action()
    except DatabaseUnavailable:
        text = _(
            "The database does not answer, so this is not saved. What you entered is still here: "
            "please try again in a minute."
        )
        st.error(text, icon=":material/database_off:")
    except EXPECTED as problem:
        draw_problem(problem)
    except service.DuplicateError as error:
        number = plain(str(error))
        st.error(_("There is already something with the number %(number)s.", number=number))
    else:
        return True
    return False


def actor() -> str:
    """Return the name under which a change is noted."""
    return current_user().username


def finish(message: str, action: str, things: int = 1) -> None:
    """Close the dialog and say in the new list what was done."""
    count("records", things, action=action)
    close_dialog()
    st.session_state["records_message"] = message
    st.rerun()


def draw_message() -> None:
    """Say, once, what was done."""
    if message := st.session_state.pop("records_message", None):
        st.toast(message, icon=":material/check_circle:")


# --- Adding and changing --------------------------------------------------------------------------


@st.dialog(_("Add equipment"), icon=":material/add:", on_dismiss=close_dialog)
def add() -> None:
    """Let the user enter something new."""
    values = draw_form("new", None)
    if values and attempt(lambda: service.create(values, actor()), Role.EDITOR):
        finish(_("Added %(number)s.", number=plain(values.asset_no)), service.CREATED)


@st.dialog(_("Edit equipment"), icon=":material/edit:", width="medium", on_dismiss=close_dialog)
def edit(item: service.Item) -> None:
    """Let the user change what was read as `item`."""
    conflict = st.session_state.get("records_conflict")
    if conflict and conflict[0] == item:
        draw_conflict(*conflict)
        return
    values = draw_form(f"edit_{item.id}_{item.version}", item.values)
    if values:
        save(item, item, values)


def save(opened: service.Item, base: service.Item, values: Values) -> None:
    """Store the change, or show what somebody else has made of it since then."""
    st.session_state.pop("records_conflict", None)
    try:
        done = attempt(lambda: service.change(base, values, actor()), Role.EDITOR)
    except service.ConflictError as conflict:
        mine = values
        st.session_state["records_conflict"] = (opened, mine, conflict.current)
        st.rerun()
    if done:
        finish(_("Saved %(number)s.", number=plain(values.asset_no)), service.CHANGED)


def draw_conflict(opened: service.Item, mine: Values, theirs: service.Item | None) -> None:
    """Show both versions, and let the user decide; nothing has been overwritten."""
    if theirs is None:
        st.warning(_("Somebody deleted this while you were editing it. This is your version:"))
        rows = {FIELD_NAMES[name]: text for name, text in texts_of(mine).items()}
        st.dataframe(pd.DataFrame({"": rows.keys(), _("Yours"): rows.values()}), hide_index=True)
        if st.button(_("Add it again"), type="primary", key="records_again") and attempt(
            lambda: service.create(mine, actor()), Role.EDITOR
        ):
            finish(_("Added %(number)s.", number=plain(mine.asset_no)), service.CREATED)
        return
    text = _(
        "%(who)s has changed this while you were editing it. Nothing of yours is saved yet.",
        who=plain(theirs.updated_by),
    )
    st.warning(text, icon=":material/group:")
    both = merge(opened.values, mine, theirs.values)
    before, stored, own, after = map(texts_of, (opened.values, theirs.values, mine, both))
    names = [name for name in FIELDS if len({before[name], stored[name], own[name]}) > 1]
    table = {
        "": [FIELD_NAMES[name] for name in names],
        _("Before"): [before[name] for name in names],
        _("Stored now"): [stored[name] for name in names],
        _("Yours"): [own[name] for name in names],
        _("If you save"): [after[name] for name in names],
    }
    st.dataframe(pd.DataFrame(table), hide_index=True, height="content")
    with st.container(horizontal=True):
        if st.button(_("Save mine over it"), type="primary", key="records_mine"):
            save(opened, theirs, both)
        if st.button(_("Keep what is stored"), key="records_theirs"):
            close_dialog()
            st.rerun()


def draw_form(key: str, values: Values | None) -> Values | None:
    """Draw the form; return what is entered once it is sent and right."""
    texts = values.texts() if values else {}
    with st.form(key, border=False):
        number, category = st.columns(2)
        entered = {
            "asset_no": draw_text(number, key, "asset_no", texts),
            "category": category.selectbox(
                FIELD_NAMES["category"],
                CATEGORIES,
                index=CATEGORIES.index(values.category) if values else 0,
                format_func=CATEGORY_NAMES.__getitem__,
                key=f"{key}_category",
            ),
            "name": draw_text(st.container(), key, "name", texts),
            "owner": draw_text(st.container(), key, "owner", texts),
        }
        price, day = st.columns(2)
        entered["price"] = price.text_input(
            FIELD_NAMES["price"], texts.get("price", ""), key=f"{key}_price", placeholder="0.00"
        )
        entered["bought_on"] = str(
            day.date_input(
                FIELD_NAMES["bought_on"],
                values.bought_on if values else today(),
                min_value=FIRST_DAY,
                max_value=LAST_DAY,
                format="YYYY-MM-DD",
                key=f"{key}_bought_on",
            )
        )
        limit = MAX_LENGTHS["note"]
        text = texts.get("note", "")
        entered["note"] = st.text_area(
            FIELD_NAMES["note"], text, max_chars=limit, key=f"{key}_note"
        )
        sent = st.form_submit_button(
            _("Save"), type="primary", icon=":material/save:", key=f"{key}_save"
        )
    if not sent:
        return None
    try:
        return parse({name: text or "" for name, text in entered.items()})
    except InvalidError as error:
        named = [(FIELD_NAMES[problem.field or ""], problem) for problem in error.problems]
        lines = [f"- {plain(name)} {plain(issue_text(problem))}" for name, problem in named]
        st.error("\n".join(lines))
        return None


def draw_text(place: DeltaGenerator, key: str, name: str, texts: dict[str, str]) -> str:
    """Draw the input of a text."""
    limit = MAX_LENGTHS[name]
    value = texts.get(name, "")
    return place.text_input(FIELD_NAMES[name], value, max_chars=limit, key=f"{key}_{name}") or ""


def texts_of(values: Values) -> dict[str, str]:
    """Return the values as people read them."""
    return values.texts() | {"category": CATEGORY_NAMES[values.category]}


def issue_text(problem: Problem) -> str:
    """Say what is wrong."""
    details = dict(problem.details)
    if isinstance(columns := details.get("columns"), list):
        details["columns"] = ", ".join(FIELD_NAMES[name] for name in columns)
    if "column" in details:
        details["column"] = FIELD_NAMES[str(details["column"])]
    return ISSUES[problem.issue] % details


# --- Deleting -------------------------------------------------------------------------------------


@st.dialog(_("Delete equipment"), icon=":material/delete:", on_dismiss=close_dialog)
def delete(item: service.Item) -> None:
    """Delete after a question."""
    newer = st.session_state.get("records_newer")
    if newer and newer.id == item.id and newer.version > item.version:
        who = plain(newer.updated_by)
        st.warning(_("%(who)s has changed this in the meantime. Delete it all the same?", who=who))
        item = newer
    st.write(_("Delete this? Its history is kept."))
    rows = [(FIELD_NAMES[field], text) for field, text in texts_of(item.values).items() if text]
    st.dataframe(pd.DataFrame(rows, columns=["", " "]), hide_index=True, height="content")
    with st.container(horizontal=True):
        sure = st.button(_("Delete"), type="primary", icon=":material/delete:", key="records_sure")
        if st.button(_("Cancel"), key="records_cancel"):
            close_dialog()
            st.rerun()
    if not sure:
        return
    try:
        done = attempt(lambda: service.delete(item, actor()), Role.ADMIN)
    except service.ConflictError as conflict:
        st.session_state["records_newer"] = conflict.current
        st.rerun()
    if done:
        number = plain(item.values.asset_no)
        finish(_("Deleted %(number)s.", number=number), service.DELETED)


# --- History --------------------------------------------------------------------------------------


@st.dialog(_("History"), icon=":material/history:", width="large", on_dismiss=close_dialog)
def show_history(item: service.Item | None) -> None:
    """Show who did what."""
    try:
        changes = service.history(item.id if item else None)
    except EXPECTED as problem:
        draw_problem(problem)
        return
    if item:
        st.text(title_of(item))
    rows = [
        {
            "at": change.at,
            "who": change.actor,
            "action": ACTION_NAMES[change.action],
            "number": change.asset_no,
            "changes": change_text(change),
        }
        for change in changes
    ]
    time = st.column_config.DatetimeColumn(
        _("Time"), format="YYYY-MM-DD HH:mm:ss", timezone=time_zone().key
    )
    st.dataframe(
        pd.DataFrame(rows, columns=["at", "who", "action", "number", "changes"]),
        hide_index=True,
        column_config={
            "at": time,
            "who": st.column_config.TextColumn(_("Who")),
            "action": st.column_config.TextColumn(_("What")),
            "number": st.column_config.TextColumn(FIELD_NAMES["asset_no"]),
            "changes": st.column_config.TextColumn(_("Before and after"), width="large"),
        },
    )


def change_text(change: service.Change) -> str:
    """Return what changed in one line: "Price: 10.00 → 12.00"."""
    parts = []
    for name, pair in change.changes.items():
        known = CATEGORY_NAMES if name == "category" else {}
        before, after = (known.get(text or "", text) for text in pair)
        values = [text for text in (before, after) if text is not None]
        parts.append(f"{FIELD_NAMES.get(name, name)}: {' → '.join(values)}")
    return "; ".join(parts)


# --- Import ---------------------------------------------------------------------------------------


@st.dialog(_("Import CSV"), icon=":material/upload_file:", width="large", on_dismiss=close_dialog)
def import_file() -> None:
    """Read a file, show what it would do, and do it."""
    columns = ", ".join(FIELD_NAMES.values())
    st.caption(_("The first line names the columns: %(columns)s", columns=plain(columns)))
    megabytes = csv_import.MAX_BYTES // 1024 // 1024
    file = st.file_uploader(
        _("CSV file"), ["csv", "txt", "tsv"], key="records_file", max_upload_size=megabytes
    )
    left, right = st.columns(2)
    existing = left.selectbox(
        _("Numbers that are in the register already"),
        list(EXISTING_NAMES),
        format_func=EXISTING_NAMES.__getitem__,
        key="records_existing",
    )
    encoding = right.selectbox(
        _("Encoding"),
        csv_import.ENCODINGS,
        index=None,
        format_func=str.upper,
        placeholder=_("Detect automatically"),
        key="records_encoding",
    )
    if file is None:
        return
    try:
        require(Role.EDITOR)
        table = cached("records_rows", (file.file_id, encoding), lambda: read(file, encoding))
        made_for = (file.file_id, encoding, existing)
        plan = cached("records_plan", made_for, lambda: csv_import.plan(table, existing))
    except csv_import.RefusedError as error:
        st.error(plain(issue_text(error.problem)), icon=":material/error:")
        return
    except EXPECTED as problem:
        draw_problem(problem)
        return
    draw_plan(table, plan)


def read(file: UploadedFile, encoding: str | None) -> csv_import.Table:
    """Read the file with the names that this page shows."""
    headings = {label: name for name, label in FIELD_NAMES.items()}
    categories = {label: name for name, label in CATEGORY_NAMES.items()}
    return csv_import.read(file.getvalue(), headings, categories, encoding)


def cached(key: str, made_for: object, make: Callable[[], T]) -> T:
    """Make something once for a file, not at each click: the preview is what will be done."""
    known: tuple[object, T] | None = st.session_state.get(key)
    if known is None or known[0] != made_for:
        known = (made_for, make())
        st.session_state[key] = known
    return known[1]


def draw_plan(table: csv_import.Table, plan: csv_import.Plan) -> None:
    """Show what an import would do, and the button that does it."""
    separator = {"\t": _("Tab")}.get(table.delimiter, table.delimiter)
    figures = {"encoding": table.encoding.upper(), "separator": plain(separator)}
    st.caption(_("Read as %(encoding)s, separated by %(separator)s", **figures))
    if table.ignored_columns:
        names = plain(", ".join(table.ignored_columns))
        st.warning(_("These columns are not known and are left out: %(names)s", names=names))
    if st.session_state.pop("records_outdated", False):
        text = _(
            "Somebody has changed the register since the preview. Nothing was imported; this is "
            "the new preview."
        )
        st.warning(text, icon=":material/group:")
    with st.container(horizontal=True):
        st.container().metric(_("New"), len(plan.new), border=True)
        st.container().metric(_("Changed"), len(plan.changed), border=True)
        st.container().metric(_("Unchanged"), plan.unchanged + plan.skipped, border=True)
        st.container().metric(_("Errors"), plan.problem_count, border=True)
    if plan.problem_count:
        draw_problems(plan)
        return
    draw_preview(plan)
    total = len(plan.new) + len(plan.changed)
    if not total:
        st.info(_("Everything in this file is in the register already."))
    label = _("Import %(total)s rows", total=total)
    if st.button(label, type="primary", disabled=not total, key="records_carry_out"):
        carry_out(plan)


def draw_problems(plan: csv_import.Plan) -> None:
    """Show what is wrong in which line and column."""
    text = _("Nothing can be imported until these errors are fixed in the file.")
    st.error(text, icon=":material/error:")
    rows = [
        {
            _("Line"): line,
            _("Column"): FIELD_NAMES.get(problem.field or "", ""),
            _("Value"): problem.value[:100],
            _("Problem"): issue_text(problem),
        }
        for line, problem in plan.problems
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if plan.problem_count > len(rows):
        st.caption(_("The first %(shown)s errors are shown.", shown=len(rows)))


def draw_preview(plan: csv_import.Plan) -> None:
    """Show the first rows."""
    new = [(row, _("New"), "") for row in plan.new[:PREVIEW_ROWS]]
    changed = [
        (row, _("Changed"), change_text(service.Change("", "", "", item.updated_at, change)))
        for row, item in plan.changed[:PREVIEW_ROWS]
        for change in [differences(item.values, row.values)]
    ]
    rows = [
        {_("Line"): row.line, _("What"): what, **row_of(row.values), _("Before and after"): change}
        for row, what, change in sorted(new + changed, key=lambda entry: entry[0].line)
    ][:PREVIEW_ROWS]
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=column_config())
    if len(plan.new) + len(plan.changed) > len(rows):
        st.caption(_("The first %(shown)s rows are shown.", shown=len(rows)))


def carry_out(plan: csv_import.Plan) -> None:
    """Import with a progress bar: all of it or nothing."""
    bar = st.progress(0.0, _("Importing..."))
    try:
        done = attempt(
            lambda: csv_import.carry_out(
                plan, actor(), lambda share: bar.progress(share, _("Importing..."))
            ),
            Role.EDITOR,
        )
    except csv_import.OutdatedError:
        st.session_state.pop("records_plan", None)
        st.session_state["records_outdated"] = True
        st.rerun()
    finally:
        bar.empty()
    if done:
        total = len(plan.new) + len(plan.changed)
        finish(_("Imported %(total)s rows.", total=total), service.IMPORTED, total)


# --- The page -------------------------------------------------------------------------------------


def draw_downloads(place: DeltaGenerator, query: service.Query) -> None:
    """Offer what matches as a file; it is made when somebody clicks, not at each run."""
    for kind, label in (("csv", _("CSV")), ("xlsx", _("Excel"))):
        place.download_button(
            label,
            partial(export.export, kind, query, FIELD_NAMES, CATEGORY_NAMES),
            file_name=f"equipment.{kind}",
            mime=export.MIME[kind],
            icon=":material/download:",
            on_click="ignore",
            key=f"records_download_{kind}",
        )


def draw_tools(place: DeltaGenerator, query: service.Query) -> None:
    """Draw the buttons of the whole register."""
    if user.has(Role.EDITOR):
        dialog_button(place, _("Add"), "add", "add")
        dialog_button(place, _("Import CSV"), "upload_file", "import")
    draw_downloads(place, query)
    dialog_button(place, _("History"), "history", "history")


def draw_actions(place: DeltaGenerator, item: service.Item) -> None:
    """Offer what this user may do with the selected thing."""
    place.text(title_of(item))
    if user.has(Role.EDITOR):
        dialog_button(place, _("Edit"), "edit", "edit", item)
    if user.has(Role.ADMIN):
        dialog_button(place, _("Delete"), "delete", "delete", item)
    dialog_button(place, _("History of this"), "history", "history", item)


def title_of(item: service.Item) -> str:
    """Return what names a thing; for st.text, which knows no Markdown and makes no links."""
    return f"{item.values.asset_no}, {item.values.name}"


def draw_dialog() -> None:
    """Draw the dialog that is open."""
    name, item = st.session_state.get("records_dialog", (None, None))
    if name == "add":
        add()
    elif name == "import":
        import_file()
    elif name == "history":
        show_history(item)
    elif name == "edit":
        edit(item)
    elif name == "delete":
        delete(item)


user = current_user()
st.title(_("Equipment"))
st.caption(_("Example of data entry: what the company owns, and who has it."))
draw_message()
draw_dialog()
query = choose_query()
draw_tools(st.container(horizontal=True), query)
draw_list(query, actions=st.container(horizontal=True, vertical_alignment="center"))
