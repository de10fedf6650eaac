"""What is missing in the catalogues of a package, and what is wrong in them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Message

from .catalogues import compiled, forms, languages, path_of, read, wanted

PLACEHOLDER: Final = re.compile(r"%\(\w+\)[#0 +.\d-]*[A-Za-z]")


def missing(package: Path, language: str) -> list[str]:
    """Return the texts that users of a language read in English."""
    catalogue = read(package, language)
    found = []
    for message in wanted(package, catalogue, language):
        known = catalogue.get(message.id)
        if message.id and (known is None or known.fuzzy or not all(forms(known.string))):
            found.append(forms(message.id)[0])
    return found


def mistakes(package: Path) -> Iterator[str]:
    """Yield one line about each translation that is wrong, or that no user gets to see."""
    for language in languages(package):
        catalogue, path = read(package, language), path_of(package, language)
        for message in catalogue:
            if message.id and (mistake := mistake_in(message)):
                yield f"{language}: the translation of {forms(message.id)[0]!r} {mistake}"
        binary = path.with_suffix(".mo")
        if not binary.is_file() or binary.read_bytes() != compiled(catalogue):
            yield f"{language}: {path} is not compiled: make messages"


def mistake_in(message: Message) -> str | None:
    """Return what would go wrong, or be lost, when values are filled into a translation."""
    translations = [text for text in forms(message.string) if text]
    asked = {name for text in forms(message.id) for name in PLACEHOLDER.findall(text)}
    found = {name for text in translations for name in PLACEHOLDER.findall(text)}
    if not translations:
        return None
    if foreign := found - asked:
        return f"uses {listed(foreign)}, which the text does not have"
    if lost := asked - found:
        return f"does not use {listed(lost)}"
    if asked and not all(map(can_be_filled_in, translations)):
        return "cannot be filled in: a percent sign in it is written %%"
    return None


def can_be_filled_in(text: str) -> bool:
    """Tell whether placeholders can be replaced; a number fits all of them."""
    number: Any = 1
    try:
        text % defaultdict(lambda: number)
    except (TypeError, ValueError):
        return False
    return True


def listed(names: set[str]) -> str:
    """Return names as a sentence has them."""
    return ", ".join(sorted(names))
