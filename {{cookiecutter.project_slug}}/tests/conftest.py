"""The project under test, and the fixtures of the chassis: docs/testing.md lists them."""

import {{cookiecutter.package_name}}.app  # noqa: F401 - makes it the project of this process

pytest_plugins = ["chassis.testing", "chassis.testing.browser"]
