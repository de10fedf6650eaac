"""`make messages` and its part of `make ci`: python -m chassis.translations src/PACKAGE."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError

from ..i18n import without_catalogue
from ..terminal import escape_unknown_letters
from .catalogues import languages, path_of, project_of, update
from .problems import missing, mistakes

SHOWN: Final = 3
NOTHING: Final = "Nothing is translated yet. To add a language: make messages ADD=ja"


def collect(package: Path) -> None:
    """Bring all catalogues up to date."""
    for language in languages(package):
        update(package, language)
    if not languages(package):
        print(NOTHING)


def add(package: Path, language: str) -> None:
    """Make the catalogue of a language, and say what is to be done with it."""
    try:
        name = Locale.parse(language).get_display_name() or language
    except (UnknownLocaleError, ValueError):
        sys.exit(f"ADD={language} is no language. Examples: ja, pt_BR, zh_Hant")
    if language == "en":
        print("English is in the code, and needs no catalogue.")
    else:
        total = len(update(package, language))
        print(f"{path_of(package, language)} has {total} texts. Translate them; then make messages")
    named = {**project_of(package).languages}
    named.setdefault(language, name)
    shown = ", ".join(f'"{code}": "{own}"' for code, own in named.items())
    print(f"In {package / 'app.py'} write:\n    languages={{{shown}}},")


def check(package: Path) -> int:
    """Print what is missing, and what is wrong; return the exit code."""
    for line in warnings(package):
        print(f"Warning: {line}")
    wrong = list(mistakes(package))
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def warnings(package: Path) -> Iterator[str]:
    """Yield one line about each language that is not complete, or not there."""
    named = project_of(package).languages
    for language in languages(package):
        if texts := missing(package, language):
            count = "1 text has" if len(texts) == 1 else f"{len(texts)} texts have"
            first = ", ".join(map(repr, texts[:SHOWN]))
            first += f" and {len(texts) - SHOWN} more" if texts[SHOWN:] else ""
            them = "it" if len(texts) == 1 else "them"
            yield (
                f"{count} no translation in {language}: {first}. Run make messages, and "
                f"translate {them} in {path_of(package, language)}"
            )
    yield from without_catalogue()
    for language in languages(package):
        if language not in named:
            folder = path_of(package, language).parents[1]
            yield f"{folder} is not used: app.py does not name the language {language}"


def main() -> None:
    """Read the command line and do what it says."""
    escape_unknown_letters()
    parser = argparse.ArgumentParser(prog="make messages")
    parser.add_argument("package", type=Path)
    parser.add_argument("--add", metavar="LANGUAGE")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.package.parent))
    if arguments.check:
        sys.exit(check(arguments.package))
    if arguments.add:
        add(arguments.package, arguments.add)
    else:
        collect(arguments.package)


if __name__ == "__main__":
    main()
