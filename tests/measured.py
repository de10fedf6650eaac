"""The numbers of a run, which its summary prints."""

from __future__ import annotations

LINES: list[str] = []


def note(what: str, value: object, target: object = "") -> None:
    """Note a number, and what it must be."""
    LINES.append(f"{what}: {value}" + (f" ({target})" if target else ""))
