"""The texts of a package, and the catalogue of each of its languages."""

import functools
import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ..project import Chassis

CHASSIS: Final = Path(__file__).parents[1]


def languages(package: Path) -> list[str]:
    """Return the languages for which a package has a catalogue."""
    return sorted(path.parts[-3] for path in package.glob("locale/*/LC_MESSAGES/messages.po"))


def path_of(package: Path, language: str) -> Path:
    """Return where the catalogue of a language lies; what is compiled lies beside it, as .mo."""
    return package / "locale" / language / "LC_MESSAGES" / "messages.po"


def read(package: Path, language: str) -> Catalog:
    """Return the catalogue of a language, an empty one where there is none."""
    path = path_of(package, language)
    if not path.is_file():
        team = Locale.parse(language).english_name or language
        about = {"project": package.name, "version": "1", "last_translator": ""}
        return Catalog(language, language_team=team, charset="utf-8", fuzzy=False, **about)
    with path.open("rb") as file:
        return read_po(file, locale=language)


@functools.cache
def texts(folder: Path) -> Catalog:
    """Return the texts in the code of a folder."""
    found = Catalog(charset="utf-8")
    for _file, _line, message, _comments, context in extract_from_dir(folder):
        found.add(message, context=context)
    return found


def project_of(package: Path) -> Chassis:
    """Return the project that the app.py of a package makes."""
    project: Chassis = importlib.import_module(f"{package.name}.app").project
    return project


def named(package: Path) -> Iterator[str]:
    """Yield the names in app.py that users read on pages of the chassis: they need no `_()`."""
    if (package / "app.py").is_file():
        project = project_of(package)
        yield from project.groups
        yield from (check.name for check in project.checks if "health" in check.tags)


def wanted(package: Path, catalogue: Catalog, language: str) -> Catalog:
    """Return the texts that a catalogue has to have: those of its package, and of the chassis.

    Of the latter it needs those that are translated nowhere else, and keeps others for which it
    has words of its own.
    """
    found = Catalog(charset="utf-8")
    for message in texts(package):
        if message.id:  # the first one is the header
            found[message.id] = message.clone()
    for name in named(package):
        found.add(name)
    is_elsewhere, others = path_of(CHASSIS, language).is_file(), read(CHASSIS, language)
    for message in texts(CHASSIS):
        own, other = translated(catalogue, message), translated(others, message)
        if message.id not in found and (not is_elsewhere or (any(own) and own != other)):
            found[message.id] = message.clone()
    return found


def translated(catalogue: Catalog, message: Message) -> list[str]:
    """Return what a catalogue says for a text."""
    known = catalogue.get(message.id)
    return forms(known.string) if known else []


def update(package: Path, language: str) -> Catalog:
    """Bring a catalogue up to date with the code, and compile it."""
    catalogue = read(package, language)
    new = wanted(package, catalogue, language)
    catalogue.update(new, no_fuzzy_matching=True, update_creation_date=False)
    path = path_of(package, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, no_location=True, sort_output=True, ignore_obsolete=True)
    written = read(package, language)  # a plural without translation is another one then
    path.with_suffix(".mo").write_bytes(compiled(written))
    return written


def forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """Return the singular and the plurals of a text, or the one text."""
    return list(text) if isinstance(text, tuple | list) else [text or ""]


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as i18n.py reads it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()
