"""The list of all checks is whole."""

import importlib
import inspect
import pkgutil

from chassis import checks


def test_names_are_told_apart() -> None:
    names = [check.name for check in checks.CHECKS]
    assert len(names) == len(set(names))
    assert all(check.tags for check in checks.CHECKS)


def test_every_check_is_in_the_list() -> None:
    there = set()
    for found in pkgutil.iter_modules(checks.__path__, f"{checks.__name__}."):
        module = importlib.import_module(found.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            returns = inspect.signature(function).return_annotation
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and returns in (checks.Result, checks.Result | None):
                there.add(f"{found.name}:{name}".removeprefix(checks.__name__))
    assert there == {check.code for check in checks.CHECKS}
