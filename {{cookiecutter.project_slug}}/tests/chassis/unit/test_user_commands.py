"""The commands `users` and `sessions`, as people type them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.auth import sessions, users
from chassis.commands.main import main
from chassis.settings import get_settings
from chassis.testing.databases import new_sqlite
from click.testing import CliRunner, Result

PASSWORD = "a long enough pass phrase"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = new_sqlite(tmp_path / "app.db")
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("AUTH_BACKEND", "password")
    get_settings.cache_clear()
    return url


def run(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(main, arguments, text)


@pytest.mark.usefixtures("url")
def test_the_life_of_an_account() -> None:
    added = run("users", "add", "ann", "--role", "admin", "--name", "Ann", text=PASSWORD + "\n")
    assert added.stdout == "added ann (admin)\n", added.stderr
    made = run("users", "add", "bob", "--role", "viewer", "--generate").stdout
    password = made.rpartition(": ")[2].strip()
    assert re.fullmatch(r"(\w{5}-){3}\w{5}", password)
    account = users.find("bob")
    assert account is not None
    assert account.must_change_password
    sessions.start(account.id, "203.0.113.4")
    listed = run("sessions", "list", "--user", "bob").stdout.splitlines()
    assert len(listed) == 2
    assert listed[1].endswith("203.0.113.4")
    number = listed[1].split()[0]
    assert run("sessions", "revoke", number).stdout.startswith("ended 1 sessions")
    assert run("sessions", "revoke", number).stderr == f"there is no session {number}\n"
    assert run("sessions", "revoke", "--user", "bob").stdout.startswith("ended 0 sessions")
    assert run("users", "set-roles", "bob", "--role", "editor").exit_code == 0
    done = run("users", "set-groups", "bob", "--group", "finance")
    assert done.stdout == "bob has the groups: finance; all sessions end within 10 seconds\n"
    assert run("users", "disable", "bob").exit_code == 0
    table = run("users", "list").stdout.splitlines()
    assert table[0].split()[:3] == ["USER", "ROLES", "GROUPS"]
    assert table[2].split()[:5] == ["bob", "editor", "finance", "password", "disabled"]
    assert run("users", "enable", "bob").exit_code == 0
    assert "changed the password" in run("users", "set-password", "bob", text=PASSWORD).stdout
    code = run("users", "reset-code", "bob").stdout
    assert re.search(r": ([A-Z0-9]{5}-){3}[A-Z0-9]{5}$", code)
    assert "The account bob is deleted" in run("users", "remove", "bob").stdout  # nobody answers
    assert run("users", "remove", "bob", "--yes").exit_code == 0
    assert run("users", "remove", "bob").stderr == "there is no user 'bob'\n"  # not asked first
    assert users.find("bob") is None


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize(
    ("arguments", "text", "problem"),
    [
        (("add", "ann", "--role", "admin"), "short\n", "at least 15 characters"),
        (("add", "ann", "--role", "admin"), "", "at least 15 characters"),
        (("add", "a b", "--role", "admin", "--generate"), "", "A user name is letters"),
        (("add", "ann", "--role", "admin", "--hash"), "plain", "neither an argon2id nor"),
        (("disable", "nobody"), "", "there is no user 'nobody'"),
        (
            ("add", "ann", "--role", "admin", "--group", "finanze", "--code"),
            "",
            "There is no group finanze; there are: finance, staff & guests",
        ),
    ],
)
def test_problems_are_one_line(arguments: tuple[str, ...], text: str, problem: str) -> None:
    result = run("users", *arguments, text=text)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_password_is_no_argument() -> None:
    assert run("users", "add", "ann", PASSWORD, "--role", "admin").exit_code == 2
    shown = run("users", "add", "--help")  # without a database, too
    assert shown.exit_code == 0
    options = re.findall("^  (-.*?)   ", shown.stdout, re.MULTILINE)
    assert options
    assert not [option for option in options if "password" in option]


@pytest.mark.parametrize("arguments", [("users", "list"), ("sessions", "revoke", "1")])
def test_without_tables_it_says_which_command_makes_them(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr == "the database has no tables yet: run `scratch-tool db upgrade`\n"


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("encoding", ["latin-1", "cp949", "utf-8"])
def test_a_terminal_gets_letters_that_it_does_not_know_as_escapes(encoding: str) -> None:
    name = "김하나-müller-नीता"
    assert run("users", "add", name, "--role", "admin", "--code").exit_code == 0
    variables = {**os.environ, "PYTHONIOENCODING": encoding}
    for arguments in (["list"], ["reset-code", name], ["disable", "\udcff"]):
        command = [sys.executable, "-m", "chassis", "users", *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, check=False)
        said = (done.stdout + done.stderr).decode(encoding)
        assert "Traceback" not in said
        if arguments == ["disable", "\udcff"]:
            assert said.strip() == r"there is no user '\udcff'"
        else:
            assert name.encode(encoding, "backslashreplace").decode(encoding) in said
