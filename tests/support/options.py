"""The answers that the tests bake with: named presets, every choice, and what the hook accepts."""

from __future__ import annotations

import itertools
import json
import runpy
from typing import TYPE_CHECKING, Any, TypeAlias

from baking import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTIONS: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
Answers: TypeAlias = dict[str, Any]  # a text, or a boolean where the question is one

OPTIONS = {name: value for name, value in QUESTIONS.items() if not name.startswith("_")}
CHOICES: dict[str, list[Any]] = {
    name: [value, not value] if isinstance(value, bool) else value
    for name, value in OPTIONS.items()
    if not isinstance(value, str)
}


def pairs(picked: tuple[Any, ...]) -> set[tuple[tuple[int, Any], ...]]:
    """Return every two answers of a bake, by the number of their question."""
    return set(itertools.combinations(enumerate(picked), 2))


def every_pair() -> list[Answers]:
    """Return few bakes in which each two answers meet; the first one is the default."""
    candidates = list(itertools.product(*CHOICES.values()))
    missing = set().union(*map(pairs, candidates))
    chosen = []
    best = candidates[0]
    while missing:
        chosen.append(dict(zip(CHOICES, best, strict=True)))
        missing -= pairs(best)
        best = max(candidates, key=lambda picked: len(pairs(picked) & missing))
    return chosen


EVERY_CHOICE = every_pair()

# The default answers, complete: cookiecutter derives two of them from the first.
DEFAULTS = {
    **{name: value for name, value in OPTIONS.items() if isinstance(value, str)},
    "project_slug": "my-internal-tool",
    "package_name": "my_internal_tool",
}

# The rule of the hook: one line about each bad answer. Unrendered, and not run as a program, the
# hook is a Python file like any other.
refusals: Callable[[dict[str, str]], dict[str, str]] = runpy.run_path(
    str(ROOT / "hooks" / "pre_gen_project.py")
)["refusals"]

PRESETS: dict[str, Answers] = {
    "default": {},
    "korean": {
        "project_name": "매출 현황판",
        "project_slug": "sales-board",
        "package_name": "sales_board",
        "description": "지점별 매출을 보여 줍니다.",
        "author_name": "데이터 팀",
        "languages": "ko",
        "license": "MIT",
    },
    "longest": {
        "project_name": "가" * 30,
        "project_slug": "p" + "-a" * 19 + "b",
        "package_name": "p" + "_a" * 19 + "b",
        "description": "d" * 200,
        "author_name": "나" * 50,
        "author_email": f"{'m' * 64}@{'e' * 40}.example.com",
        "domain": f"{'d' * 48}.example.com",
        "license": "Apache-2.0",
    },
    # The names sort before and behind all that a file imports.
    "shortest": {"project_name": "R", "project_slug": "r2", "package_name": "a"},
    "smallest": {
        "package_name": "zzz",
        "starter": "blank",
        "use_systemd": False,
        "use_docker": False,
        "ci_provider": "none",
    },
    "containers": {
        "starter": "blank",
        "languages": "ko,en",
        "auth_backend": "oidc",
        "use_systemd": False,
        "ci_provider": "gitlab",
    },
    # Legal, and hostile to whatever pastes it unquoted.
    "hostile": {
        "project_name": "It's <b>R&D’s</b> $(touch canary) `id` %s %(x)s ${HOME} #;|",
        "description": r"""He said: "a\b" 'c' \n \u0041 %d {x} $HOME </script> <!-- # -->""",
        "author_name": r"""O'Neil "Bo" \ Ünï <script>alert(1)</script> 👩‍💻 שלום ’""",
        "author_email": "o'neil+tag@example.co.kr",
    },
}
