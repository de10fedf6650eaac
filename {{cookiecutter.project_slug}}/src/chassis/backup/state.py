"""What is known of the backups: when one was made, and what `verify` found."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Place: TypeAlias = Literal["here", "s3"]


class Verdict(BaseModel):
    """A backup is good, bad, or `verify` could not tell."""

    model_config = ConfigDict(frozen=True)

    good: bool | None = None
    reason: str = ""  # why it is not good

    def __str__(self) -> str:
        """Return it as `list` shows it."""
        if self.good:
            return "good"
        if self.good is None:
            return f"unknown: {self.reason}" if self.reason else "not yet"
        return f"BAD: {self.reason}"


class State(BaseModel):
    """What happened so far; times are seconds since the epoch, 0 for never."""

    model_config = ConfigDict(frozen=True)

    last_success: float = 0
    last_verified: float = 0
    # By the name of the archive. Damage happens to each copy on its own.
    here: dict[str, Verdict] = {}
    s3: dict[str, Verdict] = {}

    def verdict(self, place: Place, name: str) -> Verdict:
        """Return what is known of an archive in a place."""
        here, there = self.here.get(name, Verdict()), self.s3.get(name, Verdict())
        if place == "here":
            return here
        return here if there.good is None and here.good else there  # it is a copy of that

    def proven(self, place: Place, names: Iterable[str]) -> dict[str, bool]:
        """Return those that were found to be good or bad."""
        verdicts = ((name, self.verdict(place, name).good) for name in names)
        return {name: good for name, good in verdicts if good is not None}

    def after(self, place: Place, name: str, found: Verdict) -> "State":
        """Return the state after a check; one that could not tell changes no earlier answer."""
        if found.good is None and self.verdict(place, name).good is not None:
            return self
        known = self.here if place == "here" else self.s3
        changed = self.model_copy(update={place: {**known, name: found}})
        if not found.good:
            return changed
        return changed.model_copy(update={"last_verified": datetime.now(UTC).timestamp()})

    def only(self, place: Place, names: Iterable[str]) -> "State":
        """Return the state without what was known of archives that are gone."""
        known = self.here if place == "here" else self.s3
        left = {name: known[name] for name in names if name in known}
        return self.model_copy(update={place: left})
