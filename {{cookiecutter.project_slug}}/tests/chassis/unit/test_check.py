"""The `check` command."""

import re
import time
from pathlib import Path

import pytest
from chassis.backup.folder import Folder
from chassis.backup.state import State
from chassis.checks import Status
from chassis.commands.check import findings
from chassis.commands.main import main
from chassis.database import encryption
from chassis.project import current
from chassis.settings import MASK, Settings, get_settings
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

KEY = "kJ8-wq2nV0sX7bLr4TfYc1HmZ5dPgA9e"


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    return empty_project


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["check", *arguments])


@pytest.fixture
def production(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what is fit for production."""
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("APP_SECRET_KEY", KEY)
    monkeypatch.setenv("APP_BASE_URL", "https://tool.corp.example-company.org")
    monkeypatch.setenv("ALLOWED_IPS", "10.0.0.0/8")
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.corp.org/app?sslmode=verify-full")
    monkeypatch.setenv("BACKUP_S3_URL", "https://s3.corp.org/bucket")
    monkeypatch.setenv("BACKUP_ENCRYPTION_KEY", Fernet.generate_key().decode())
    note_backups(project, made=1, proven=1)


def note_backups(project: Path, *, made: float, proven: float) -> None:
    """Note how many days ago a backup was made, and proven good; 0 for never."""
    folder = Folder(project / "data" / "backups")
    folder.path.mkdir(parents=True, exist_ok=True)
    now = time.time()
    made, proven = (now - days * 86_400 if days else 0 for days in (made, proven))
    folder.save(State(last_success=made, last_verified=proven))


def test_every_setting_is_shown(project: Path) -> None:
    (project / ".env").write_text(f"APP_PORT=8600\nAPP_SECRET_KEY={KEY}\n")
    result = run()
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines() if line]
    assert len(lines) == len(Settings.model_fields) + 1
    assert ["APP_PORT", "8600", ".env"] in lines
    assert ["APP_SECRET_KEY", MASK, ".env"] in lines
    assert ["LOG_FORMAT", "text", "default"] in lines


def test_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "eight")
    monkeypatch.setenv("APP_BASE_URL", f"https://me:{KEY}@tool.example.org")
    monkeypatch.setenv("APP_NAME", "\udcff")
    result = run("--deploy")
    assert result.exit_code == 1
    output = result.stdout
    assert "APP_PORT ('eight' from environment): should be a valid integer" in output
    assert re.search(r"^APP_PORT +eight +environment$", output, re.MULTILINE)
    assert r"'\udcff'" in output
    assert KEY not in output


def test_a_broken_file(project: Path) -> None:
    (project / ".env").write_text("APP_PORT\n")
    result = run()
    assert result.exit_code == 1
    assert ".env: line 1 is not NAME=value" in result.stdout


def test_a_language_without_translations_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Warnings" not in run().stdout
    languages = current().languages
    assert isinstance(languages, dict)
    monkeypatch.setitem(languages, "ja", "日本語")
    line = "app.py names the language ja, which has no translations: make messages ADD=ja"
    assert f"Warnings:\n  {line}\n" in run().stdout


def test_unknown_names_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVELS", "INFO")
    result = run()
    assert result.exit_code == 0
    assert "Warnings:\n  LOG_LEVELS (from environment): unknown name" in result.stdout
    monkeypatch.setenv("STRICT_ENV", "true")
    get_settings.cache_clear()
    result = run()
    assert result.exit_code == 1
    assert "Wrong:\n  LOG_LEVELS (from environment): unknown name" in result.stdout
    assert "Warnings" not in result.stdout


@pytest.mark.usefixtures("production")
def test_fit_for_production() -> None:
    result = run("--deploy")
    assert result.exit_code == 0
    assert result.stdout.endswith("\nThe settings are fit for production.\n")


def test_not_fit_for_production() -> None:
    result = run("--deploy")
    assert result.exit_code == 1
    assert "To change before production:\n  APP_ENV is development" in result.stdout


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("APP_ENV", "staging", "APP_ENV is staging"),
        ("APP_BASE_URL", "http://localhost:8501", "set the public https:// URL"),
        ("APP_BASE_URL", "http://tool.corp.org", "need https://"),
        ("APP_BASE_URL", "https://tool.example.com", "only an example"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0", "covers the internet"),
        ("TRUSTED_PROXIES", "::/0", "covers the internet"),
        ("RATE_LIMIT_ENABLED", "false", "RATE_LIMIT_ENABLED is off"),
    ],
)
def test_what_must_change(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    [finding] = findings()["fail"]
    assert expected in finding


@pytest.mark.usefixtures("production")
def test_a_proxy_on_this_machine_is_a_matter_of_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_BACKEND", "proxy")
    [finding] = findings()["warn"]
    assert "can be anybody" in finding
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.7")
    get_settings.cache_clear()
    assert findings()["warn"] == []


@pytest.mark.usefixtures("production")
def test_an_example_without_https_is_wrong_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_BASE_URL", "http://tool.example.com")
    assert len(findings()["fail"]) == 2


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("name", ["BACKUP_S3_URL", "BACKUP_ENCRYPTION_KEY"])
def test_backups_are_elsewhere_and_encrypted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings()["warn"] == []
    monkeypatch.delenv(name)
    get_settings.cache_clear()
    [finding] = findings()["warn"]
    assert finding.startswith(f"{name} is ")


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("made", "proven", "status", "expected"),
    [
        (0, 0, "warn", "no backup has been made yet: scratch-tool backup create"),
        (4, 1, "fail", "the last backup was made 4 days ago: scratch-tool backup create"),
        (1, 0, "warn", "no backup has been proven good yet: scratch-tool backup verify"),
        (1, 20, "fail", "no backup has been proven good for 20 days: scratch-tool backup verify"),
        (-700, 1, "warn", "no backup has been made yet: scratch-tool backup create"),  # the clock
    ],
)
def test_backups_that_are_no_longer_made_are_told(
    project: Path, made: float, proven: float, status: Status, expected: str
) -> None:
    note_backups(project, made=made, proven=proven)
    assert findings()[status] == [expected]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("APP_SECRET_KEY", "short", "APP_SECRET_KEY is too short"),
        ("APP_DEBUG", "true", "APP_DEBUG is on"),
    ],
)
def test_what_only_development_accepts(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert expected in "\n".join(findings()["fail"])


@pytest.mark.usefixtures("production")
def test_readable_secrets(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APP_SECRET_KEY")
    file = project / ".env.production"
    file.write_text(f"APP_SECRET_KEY={KEY}\n")
    file.chmod(0o640)
    [finding] = findings()["fail"]
    assert finding == (
        ".env.production holds a secret and other users can read it: chmod 600 .env.production"
    )
    (project / ".env").write_text(f"APP_SECRET_KEY={KEY}\nREDIS_URL=redis://:pass@cache\n")
    [finding] = findings()["fail"]
    assert finding.startswith(".env, .env.production hold a secret")
    assert finding.endswith(": chmod 600 .env .env.production")
    (project / ".env").unlink()
    file.chmod(0o600)
    assert findings()["fail"] == []


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_IPS", ""),
        ("APP_HOST", "0.0.0.0"),
        ("METRICS_HOST", "0.0.0.0"),
        ("DATABASE_URL", "sqlite:////srv/app.db"),
        ("LOG_LEVEL", "debug"),
        ("LOG_FORMAT", "text"),
        ("STRICT_ENV", "false"),
    ],
)
def test_what_is_worth_knowing(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    result = run("--deploy")
    assert result.exit_code == 0
    assert f"To consider:\n  {name} is " in result.stdout


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:////srv/app.db", ["several processes or machines need PostgreSQL"]),
        ("sqlite:///app.db", ["need PostgreSQL", "in the folder of the project"]),
        ("postgresql://app:hush@db.corp.org/app", ["on the way to db.corp.org"]),
        ("postgresql://app@db.corp.org/app?sslmode=require", ["add ?sslmode=verify-full"]),
        ("postgresql://app@db.corp.org/app?sslmode=verify-ca", []),
        ("postgresql://app@localhost/app", []),
        ("postgresql:///app", []),
    ],
)
def test_where_the_data_is(url: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    found = [line for line in findings()["warn"] if "DATABASE_URL" in line]
    assert len(found) == len(expected)
    assert all(text in line for text, line in zip(expected, found, strict=True))
    assert "hush" not in str(found)


@pytest.mark.usefixtures("production")
def test_encrypted_columns_need_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "is_needed", lambda: True)
    [finding] = findings()["fail"]
    assert finding.startswith("DATA_ENCRYPTION_KEYS is not set: make one with python3 -c ")
