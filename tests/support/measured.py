"""The numbers of a run, which its summary prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

_lines: list[str] = []
_findings: dict[str, list[int]] = {}


def note(what: str, value: object, target: object = "") -> None:
    """Note a number, and what it must be."""
    _lines.append(f"{what}: {value}" + (f" ({target})" if target else ""))


def findings(checker: str, done: subprocess.CompletedProcess[str] | list[str]) -> list[str]:
    """Count what a checker has found in one project; return it, line by line."""
    if not isinstance(done, list):
        printed = (done.stdout + done.stderr).strip().splitlines()
        done = (printed or [f"exit code {done.returncode}"]) if done.returncode else []
    _findings.setdefault(checker, []).append(len(done))
    return done


def taken() -> dict[str, Any]:
    """Return what this process has noted, for `add` in another one."""
    return {"lines": _lines, "findings": _findings}


def add(lines: list[str], findings: dict[str, list[int]]) -> None:
    """Add what another process has noted."""
    _lines.extend(lines)
    for checker, counts in findings.items():
        _findings.setdefault(checker, []).extend(counts)


def summary() -> list[str]:
    """Return a line for each number, and one for each checker."""
    counts = [f"{name}: {sum(n)} findings in {len(n)} runs" for name, n in _findings.items()]
    return _lines + counts
