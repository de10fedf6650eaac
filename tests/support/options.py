"""The answers that the tests bake with: named presets, every choice, and what the hook accepts."""

from __future__ import annotations

import itertools
import json
import runpy
from typing import TYPE_CHECKING, Any, TypeAlias

from baking import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

QUESTIONS: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
Answers: TypeAlias = dict[str, Any]  # a text, or a boolean where the question is one
Pair: TypeAlias = frozenset[tuple[str, Any]]

OPTIONS = {name: value for name, value in QUESTIONS.items() if not name.startswith("_")}
CHOICES: dict[str, list[Any]] = {
    name: [value, not value] if isinstance(value, bool) else value
    for name, value in OPTIONS.items()
    if not isinstance(value, str)
}


def pairs(answers: Answers) -> set[Pair]:
    """Return every two answers of a bake."""
    return {frozenset(pair) for pair in itertools.combinations(answers.items(), 2)}


def with_pair(pair: Pair, missing: Collection[Pair]) -> Answers:
    """Return a bake in which two answers meet, and others that have yet to meet."""
    picked = dict(pair)
    for name in (name for name in CHOICES if name not in picked):

        def news(value: Any, name: str = name) -> int:
            met = (frozenset([(name, value), other]) for other in picked.items())
            return sum(pair in missing for pair in met)

        picked[name] = max(CHOICES[name], key=news)
    return {name: picked[name] for name in CHOICES}


def every_pair() -> list[Answers]:
    """Return few bakes in which each two answers meet; the first one is the default."""
    each = ([(name, value) for value in values] for name, values in CHOICES.items())
    met = (itertools.product(*two) for two in itertools.combinations(each, 2))
    missing = dict.fromkeys(frozenset(pair) for product in met for pair in product)
    chosen = [{name: values[0] for name, values in CHOICES.items()}]
    while missing:
        for pair in pairs(chosen[-1]):
            missing.pop(pair, None)
        if missing:
            chosen.append(with_pair(next(iter(missing)), missing))
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
