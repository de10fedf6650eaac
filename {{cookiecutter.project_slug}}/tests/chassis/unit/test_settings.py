"""Where settings come from, and what is said about wrong ones."""

import os
import re
import secrets
import shlex
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from chassis.project import current
from chassis.settings import (
    MASK,
    NEW_KEY_COMMANDS,
    Settings,
    SettingsError,
    example_of,
    get_settings,
    of_kubernetes,
    sources,
)
from chassis.settings.types import key_weakness
from pydantic import ValidationError

GOOD_KEY = "kJ8-wq2nV0sX7bLr4TfYc1HmZ5dPgA9e"
HIDDEN = "Tr0ub4dor"


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    return empty_project


def problems() -> list[str]:
    """Return the lines of the SettingsError that loading must raise."""
    get_settings.cache_clear()
    with pytest.raises(SettingsError) as caught:
        get_settings()
    return str(caught.value).splitlines()


def source_of(name: str) -> str:
    return next(row.source for row in sources() if row.name == name)


def test_development_needs_no_configuration() -> None:
    settings = get_settings()
    assert settings.is_development
    assert settings.app_secret_key is None
    assert settings.app_base_url == "http://localhost:8501"
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "::1")
    assert settings.log_format == "text"
    assert not settings.strict_env


def test_production_is_strict_and_logs_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "Production")
    monkeypatch.setenv("APP_SECRET_KEY", GOOD_KEY)
    monkeypatch.setenv("APP_BASE_URL", "https://tool.example.com")
    settings = get_settings()
    assert settings.is_production
    assert settings.strict_env
    assert settings.log_format == "json"
    assert settings.allowed_hosts == ("tool.example.com",)


def test_order_of_precedence(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials, docker = project / "credentials", project / "run-secrets"
    credentials.mkdir()
    layers = {
        "environment": None,
        "pointed": project / "pointed",
        str(credentials / "APP_NAME"): credentials / "APP_NAME",
        str(docker / "APP_NAME"): docker / "APP_NAME",
        ".env.staging": project / ".env.staging",
        ".env": project / ".env",
    }
    monkeypatch.setenv("APP_NAME", "environment")
    monkeypatch.setenv("APP_NAME_FILE", "pointed")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    (project / "pointed").write_text("pointed\n")
    (credentials / "APP_NAME").write_text(str(credentials / "APP_NAME"))
    (docker / "APP_NAME").write_text(str(docker / "APP_NAME"))
    (project / ".env.staging").write_text("APP_NAME=.env.staging\n")
    (project / ".env").write_text(f"APP_ENV=staging\nAPP_SECRET_KEY={GOOD_KEY}\nAPP_NAME=.env\n")
    for expected, file in layers.items():
        get_settings.cache_clear()
        assert get_settings().app_name == expected
        assert source_of("APP_NAME") == expected
        if file is None:
            monkeypatch.delenv("APP_NAME")
        elif expected == "pointed":
            monkeypatch.delenv("APP_NAME_FILE")
        elif file.name == "APP_NAME":
            file.unlink()
        else:
            file.write_text(file.read_text().replace("APP_NAME=", "# "))
    get_settings.cache_clear()
    assert source_of("APP_NAME") == "default"


def test_secret_files_may_have_lower_case_names(project: Path) -> None:
    (project / "run-secrets" / "app_secret_key").write_text(f"\ufeff{GOOD_KEY}\n")
    key = get_settings().app_secret_key
    assert key is not None
    assert key.get_secret_value() == GOOD_KEY


def test_name_file_can_stand_in_an_env_file(project: Path) -> None:
    (project / ".env").write_text("APP_SECRET_KEY_FILE=key.txt\nAPP_SECRET_KEY=other\n")
    (project / "key.txt").write_text(GOOD_KEY)
    assert source_of("APP_SECRET_KEY") == "key.txt"


@pytest.mark.parametrize("name", NEW_KEY_COMMANDS)
def test_the_command_that_makes_a_key_needs_nothing_but_python(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As printed it works on any machine: there may be no `python`, and no library."""
    program, *arguments = shlex.split(NEW_KEY_COMMANDS[name])
    assert program == "python3"
    without_libraries = [sys.executable, "-I", "-S", *arguments]
    made = subprocess.run(without_libraries, capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("APP_ENV", "staging")
    monkeypatch.setenv("APP_SECRET_KEY", GOOD_KEY)
    monkeypatch.setenv(name, made)
    assert getattr(get_settings(), name.lower()).get_secret_value() == made.strip()


def test_empty_values_count_as_not_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "")
    monkeypatch.setenv("METRICS_PORT", "  ")
    (project / "run-secrets" / "REDIS_URL").write_text("\n")
    (project / ".env").write_text("APP_PORT=8600\nALLOWED_IPS=\nAPP_NAME=''\n")
    settings = get_settings()
    assert settings.app_port == 8600
    assert settings.metrics_port == 9102
    assert settings.redis_url is None
    assert settings.app_name == current().name


def test_the_port_of_a_container_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8080")
    assert get_settings().app_port == 8080
    get_settings.cache_clear()
    monkeypatch.setenv("APP_PORT", "8600")
    assert get_settings().app_port == 8600


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfAPP_PORT=8600\r\nAPP_NAME=Tool\r\n",
        b"export APP_PORT = 8600  # as agreed\n\n  APP_NAME='Tool'\n",
        b'APP_PORT="8600"\nAPP_NAME=" Tool "',
    ],
)
def test_env_file_dialects(project: Path, content: bytes) -> None:
    (project / ".env").write_bytes(content)
    assert (get_settings().app_port, get_settings().app_name) == (8600, "Tool")


def test_nothing_is_expanded_in_an_env_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "O'Brien's ${HOME} $HOME #1 도구"
    monkeypatch.setenv("HOME", "/root")
    (project / ".env").write_text(f'APP_NAME="{name}"\n', encoding="utf-8")
    assert get_settings().app_name == name


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("APP_NAME=도구\n".encode("cp949"), "byte 10 is not UTF-8"),
        ("APP_PORT=1\n".encode("utf-16"), "byte 1 is not UTF-8"),
        (b"APP_PORT=8600\n\n\n" + HIDDEN.encode() + b"\n", "line 4 is not NAME=value"),
        (b"APP_PORT=8600\nAPP_NAME='" + HIDDEN.encode() + b"\n", "line 2 is not NAME=value"),
    ],
)
def test_unreadable_env_file(project: Path, content: bytes, expected: str) -> None:
    (project / ".env").write_bytes(content)
    [line] = problems()
    assert line.startswith(".env")
    assert expected in line
    assert HIDDEN not in line


def test_env_file_that_is_a_folder(project: Path) -> None:
    (project / ".env").mkdir()
    assert problems() == [".env cannot be read (Is a directory)"]


def test_unreadable_secret_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = "APP_SECRET_KEY_FILE: the file that it names cannot be read "
    monkeypatch.setenv("APP_SECRET_KEY_FILE", "nowhere")
    assert problems() == [f"{start}(No such file or directory)"]
    (project / "nowhere").mkdir()
    assert problems() == [f"{start}(Is a directory)"]
    monkeypatch.delenv("APP_SECRET_KEY_FILE")
    (project / ".env").write_text('APP_SECRET_KEY_FILE="a\0b"\n')
    assert problems() == [f"{start}(embedded null byte)"]
    (project / ".env").unlink()
    file = project / "run-secrets" / "redis_url"
    file.write_bytes(b"\xff")
    assert problems() == [f"REDIS_URL: {file} cannot be read (byte 1 is not UTF-8)"]


def test_a_folder_of_secrets_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "x" * 5000)
    assert get_settings().app_secret_key is None


def test_env_file_of_an_environment_must_not_choose_another(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_ENV", "staging")
    (project / ".env.staging").write_text("APP_ENV=production\n")
    assert problems() == ["APP_ENV: .env.staging is read in staging and must not set another"]


def test_no_env_file_is_read_for_an_unknown_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_ENV", "prod")
    (project / ".env.prod").write_text("not even close\n")
    [line] = problems()
    assert line.startswith("APP_ENV ('prod' from environment): should be 'development'")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("APP_ENV", "prod", "'development', 'staging' or 'production'"),
        ("APP_ENV", "../../etc", "'development', 'staging' or 'production'"),
        ("STRICT_ENV", "maybe", "boolean"),
        ("APP_NAME", "two\nlines", "line breaks"),
        ("APP_NAME", "x" * 201, "at most 200"),
        ("APP_NAME", "\udcff", "unicode"),
        ("APP_LANGUAGE", "de", "must be one of: en, ko"),
        ("APP_DEBUG", "2", "boolean"),
        ("APP_HOST", "example.com", "IP address"),
        ("APP_HOST", "::", "hides the addresses"),
        ("APP_PORT", "http", "integer"),
        ("APP_PORT", "0", "greater than or equal to 1"),
        ("APP_PORT", "65536", "less than or equal to 65535"),
        ("APP_PORT", '"8501"', "remove the quotes"),
        ("APP_BASE_URL", "tool.example.com", "https:// or http://"),
        ("APP_BASE_URL", "javascript:alert(1)", "https:// or http://"),
        ("APP_BASE_URL", "https://", "not a valid URL"),
        ("APP_BASE_URL", "https://tool.example.com:99999", "not a valid URL"),
        ("APP_BASE_URL", "https://tool.example.com:0", "a port"),
        ("APP_BASE_URL", "https://-x-/", "name a host"),
        ("APP_BASE_URL", f"https://me:{HIDDEN}@tool.example.com", "user name or password"),
        ("APP_BASE_URL", "https://tool.example.com/?page=1", "'?' or '#'"),
        ("APP_BASE_URL", "https://tool.example.com/#top", "'?' or '#'"),
        ("APP_BASE_URL", "https://tool.example.com/a b", "path"),
        ("APP_BASE_URL", "https://tool.example.com//a", "path"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "not an IP address or network"),
        ("TRUSTED_PROXIES", "*", "not an IP address or network"),
        ("ALLOWED_IPS", "10.0.0.1,192.168.1.7/16", "did you mean 192.168.0.0/16?"),
        ("ALLOWED_IPS", "10.0.0.1 10.0.0.2", "not an IP address or network"),
        ("REDIS_URL", f"http://:{HIDDEN}@cache", "redis:// or rediss://"),
        ("REDIS_URL", "redis://", "redis:// or rediss://"),
        ("REDIS_URL", f"redis://:{HIDDEN}@cache:port", "redis:// or rediss://"),
        ("RATE_LIMIT_HTTP", "often", "one limit"),
        ("RATE_LIMIT_HTTP", "0/minute", "one limit"),
        ("RATE_LIMIT_CONNECT", "5/fortnight", "one limit"),
        ("RATE_LIMIT_RERUN", "5/minute;50/hour", "one limit"),
        ("LOG_LEVEL", "loud", "'DEBUG', 'INFO'"),
        ("LOG_FORMAT", "xml", "'json' or 'text'"),
        ("LOG_FILE", "a\nb", "line breaks"),
        ("LOG_MAX_BYTES", "10", "greater than or equal to 1024"),
        ("LOG_BACKUP_COUNT", "0", "greater than or equal to 1"),
        ("METRICS_PORT", "8501", "differ from APP_PORT"),
        ("MAX_UPLOADS_MB", "49", "at least MAX_UPLOAD_MB"),
        ("HEALTH_DISK_MIN_FREE_PERCENT", "100", "less than or equal to 99"),
        ("HEALTH_CPU_MAX_PERCENT", "0", "greater than or equal to 1"),
        ("MAX_UPLOAD_MB", "1.5", "integer"),
    ],
)
def test_a_wrong_value_is_one_line_with_name_source_and_example(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    [line] = problems()
    assert line.startswith(name)
    assert "from environment" in line
    assert expected in line
    assert f"for example {name}=" in line
    assert HIDDEN not in line


def test_examples_are_good_values(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        if field not in {"app_secret_key", "app_env", "data_encryption_keys"}:
            monkeypatch.setenv(field.upper(), example_of(field))
    assert get_settings().app_base_url.startswith("https://")


def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("APP_SECRETKEY", HIDDEN)
    monkeypatch.setenv("APP_PORT", "eight")
    monkeypatch.setenv("APP_DEBUG", "true")
    lines = problems()
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "APP_DEBUG",
        "APP_PORT",
        "APP_SECRET_KEY",
        "APP_SECRETKEY",
    ]
    assert "did you mean APP_SECRET_KEY?" in lines[-1]
    assert "secrets.token_urlsafe" in lines[2]
    assert HIDDEN not in "".join(lines)


@pytest.mark.parametrize("app_env", ["staging", "production"])
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("", "is required"),
        (GOOD_KEY[:31], "is too short (31 bytes"),
        ("changeme-changeme-2026-changeme-x1", "is a placeholder"),
        ("your-secret-key-with-at-least-32-bytes", "is a placeholder"),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx12", "is a placeholder"),
        ("a" * 40, "repeats itself"),
        ("a" * 40 + "b", "repeats itself"),
        ("0123456789" * 4, "repeats itself"),
    ],
)
def test_weak_keys_are_refused_and_not_shown(
    app_env: str, key: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_ENV", app_env)
    monkeypatch.setenv("APP_SECRET_KEY", key)
    [line] = problems()
    assert line.startswith("APP_SECRET_KEY")
    assert expected in line
    assert "make one with: python3 -c" in line
    assert not key or key not in line


def test_random_keys_are_accepted() -> None:
    keys = [secrets.token_urlsafe(48) for _ in range(500)]
    keys += [secrets.token_hex(16) for _ in range(500)]
    assert not [key for key in keys if key_weakness(key)]


def test_a_long_key_in_another_script_counts_bytes() -> None:
    assert key_weakness("열한글자마다서른세바이트") is None


@pytest.mark.parametrize(
    ("value", "origin", "path", "host"),
    [
        ("https://tool.example.com", "https://tool.example.com", "", "tool.example.com"),
        ("HTTPS://Tool.Example.com:443/", "https://tool.example.com", "", "tool.example.com"),
        ("https://x.org:8443/team/tool/", "https://x.org:8443", "/team/tool", "x.org"),
        ("http://my_host:80/a.b", "http://my_host", "/a.b", "my_host"),
        ("https://도구.example", "https://xn--2e0b83j.example", "", "xn--2e0b83j.example"),
        ("http://[::1]:8501/x", "http://[::1]:8501", "/x", "::1"),
    ],
)
def test_base_url_is_normalised(
    value: str, origin: str, path: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_BASE_URL", value)
    settings = get_settings()
    assert settings.app_base_url == origin + path
    assert settings.base_path == path
    assert settings.allowed_hosts[0] == host


def test_base_url_follows_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "8600")
    assert get_settings().app_base_url == "http://localhost:8600"


def test_lists_of_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_IPS", " 10.0.0.0/8, 203.0.113.7,2001:db8::/32, ")
    assert get_settings().allowed_ips == (
        ip_network("10.0.0.0/8"),
        ip_network("203.0.113.7"),
        ip_network("2001:db8::/32"),
    )


def test_ports_may_be_equal_without_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_PORT", "8501")
    monkeypatch.setenv("METRICS_ENABLED", "false")
    assert get_settings().metrics_port == get_settings().app_port


def shown(name: str, *, valid: bool = True) -> str:
    """Return the value of a setting as `check` shows it; without settings they are wrong."""
    get_settings.cache_clear()
    settings = get_settings() if valid else None
    return next(row.value for row in sources(settings) if row.name == name)


@pytest.mark.parametrize("valid", [True, False])
def test_where_the_database_is_can_be_seen(
    project: Path, monkeypatch: pytest.MonkeyPatch, valid: bool
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{project}/app.db")
    assert shown("DATABASE_URL", valid=valid) == f"sqlite:///{project}/app.db"
    monkeypatch.delenv("DATABASE_URL")
    default = f"sqlite:///{project}/data/app.db" if valid else "sqlite:///data/app.db"
    assert shown("DATABASE_URL", valid=valid) == default


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("DATABASE_URL", "postgresql+psycopg://app:{}@db:5432/app", "app:{}@db:5432/app"),
        ("DATABASE_URL", "postgresql+psycopg://app:{}/@x@db/app", "app:{}@db/app"),
        ("DATABASE_URL", "postgresql+psycopg://app@db/app", "app@db/app"),
        (
            "DATABASE_URL",
            "postgresql+psycopg://db/app?user=app&password={}&x=1",
            "&password={}&x=1",
        ),
        ("DATABASE_URL", "postgresql+psycopg://db/app?sslpassword={}", "?sslpassword={}"),
        ("REDIS_URL", "redis://:{}@cache:6379/0", "redis://:{}@cache:6379/0"),
        ("REDIS_URL", "redis://cache:6379/0", "redis://cache:6379/0"),
        ("REDIS_URL", "rediss://cache/0?password={}", "rediss://cache/0?password={}"),
        (
            "BACKUP_S3_URL",
            "https://KEY:{}@s3.example.com/b?region=x",
            "KEY:{}@s3.example.com/b?region=x",
        ),
    ],
)
@pytest.mark.parametrize("valid", [True, False])
def test_of_an_address_only_the_password_is_masked(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, seen: str, valid: bool
) -> None:
    monkeypatch.setenv(name, value.format(HIDDEN))
    assert HIDDEN not in shown(name, valid=valid)
    assert shown(name, valid=valid).endswith(seen.format(MASK))


@pytest.mark.parametrize(
    "value", [HIDDEN, f"app:{HIDDEN}@db", f"redis:/:{HIDDEN}@cache", "redis://\udcff"]
)
def test_what_is_no_address_is_masked_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    assert shown("REDIS_URL", valid=False) == MASK


STRANGE_NAMES = {
    "APP_PROT": "did you mean APP_PORT?",
    "app_port": "did you mean APP_PORT?",
    "RATE_LIMITS_HTTP": "did you mean RATE_LIMIT_HTTP?",
    "LOG_COLOUR_OF_THE_DAY": "STRICT_ENV=false",
}


@pytest.mark.parametrize(("name", "hint"), STRANGE_NAMES.items())
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_unknown_names_are_refused_when_strict(
    project: Path, where: str, name: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "environment":
        monkeypatch.setenv(name, HIDDEN)
    else:
        (project / ".env").write_text(f"{name}={HIDDEN}\n")
    assert get_settings()  # not strict in development
    monkeypatch.setenv("STRICT_ENV", "true")
    [line] = problems()
    assert line.startswith(f"{name} (from {where}): unknown name; ")
    assert hint in line
    assert HIDDEN not in line


def test_names_of_others_are_accepted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRICT_ENV", "true")
    monkeypatch.setenv("REDIS_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("REDIS_PORT", "tcp://10.0.0.1:6379")
    monkeypatch.setenv("APP_PORT_80_TCP_ADDR", "10.0.0.1")
    monkeypatch.setenv("UV_LOG_LEVEL", "debug")
    monkeypatch.setenv("LOGNAME", "operator")
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_MESSAGE_SIZE", "50")
    (project / ".env").write_text("OUR_OWN_SERVICE=1\n")
    assert get_settings().strict_env


def test_what_kubernetes_says_of_a_service_with_our_name_is_no_setting(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service called app has the variable APP_PORT in all pods of its namespace."""
    monkeypatch.setenv("APP_PORT", "tcp://10.96.0.12:8501")
    monkeypatch.setenv("METRICS_PORT", "tcp://10.96.0.13:9102")
    assert (get_settings().app_port, get_settings().metrics_port) == (8501, 9102)
    assert of_kubernetes() == ["APP_PORT", "METRICS_PORT"]
    get_settings.cache_clear()
    (project / ".env").write_text("APP_PORT=8600\n")
    assert get_settings().app_port == 8600


def test_streamlit_names_in_an_env_file_are_refused(project: Path) -> None:
    (project / ".env").write_text("STREAMLIT_SERVER_PORT=1\nSTRICT_ENV=true\n")
    [line] = problems()
    assert line.startswith("STREAMLIT_SERVER_PORT (from .env): Streamlit does not read this file")


def test_sources_mask_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET_KEY", HIDDEN)
    monkeypatch.setenv("REDIS_URL", f"redis://:{HIDDEN}@cache")
    for settings in (get_settings(), None):
        rows = {row.name: row for row in sources(settings)}
        assert rows["APP_SECRET_KEY"] == ("APP_SECRET_KEY", MASK, "environment")
        assert rows["REDIS_URL"].value == f"redis://:{MASK}@cache"
        assert rows["APP_PORT"] == ("APP_PORT", "8501", "default")
        assert len(rows) == len(Settings.model_fields)
    assert HIDDEN not in repr(get_settings())


def test_settings_cannot_be_changed() -> None:
    settings = get_settings()
    assert settings is get_settings()
    with pytest.raises(ValidationError):
        settings.app_port = 1  # type: ignore[misc] # on purpose


# --- A project with settings of its own -----------------------------------------------------------

OWN_APP = """
from chassis import Chassis, Settings
from pydantic import Field, SecretStr


class OwnSettings(Settings):
    erp_url: str = Field(default="https://erp.example.com", description="Where the ERP is.")
    erp_token: SecretStr | None = Field(default=None, description="Opens the ERP.")
    erp_retries: int = Field(default=3, description="How often to ask again.")


project = Chassis(
    __name__, name="Own Tool", command="own-tool", menu=list, settings=OwnSettings
)
"""


def run_own(
    folder: Path, *arguments: str, module: str = "chassis", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of a project that has settings of its own."""
    (folder / "own_tool.py").write_text(OWN_APP, encoding="utf-8")
    own = {"CHASSIS_PROJECT": "own_tool", "PYTHONPATH": str(folder), **variables}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )


def test_own_settings_are_shown_with_the_others(project: Path) -> None:
    (project / ".env").write_text(f"ERP_TOKEN={HIDDEN}\n")
    done = run_own(project, "check", ERP_URL="https://erp.example.org")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["APP_PORT", "8501", "default"] in rows
    assert ["ERP_URL", "https://erp.example.org", "environment"] in rows
    assert ["ERP_TOKEN", MASK, ".env"] in rows
    assert HIDDEN not in done.stdout


def test_a_wrong_value_of_an_own_setting_is_a_line_too(project: Path) -> None:
    (project / "retries").write_text("many")
    done = run_own(project, "check", ERP_RETRIES_FILE="retries")
    assert done.returncode == 1
    [line] = re.findall("^  (ERP_RETRIES .*)", done.stdout, re.MULTILINE)
    assert line.startswith("ERP_RETRIES ('many' from retries): should be a valid integer")
    assert line.endswith("; for example ERP_RETRIES=3")


def test_own_settings_are_in_the_documents(project: Path) -> None:
    (project / "docs").mkdir()
    assert run_own(project, "reference").returncode == 0
    example = (project / ".env.example").read_text(encoding="utf-8")
    assert "# Where the ERP is.\n# ERP_URL=https://erp.example.com\n" in example
    assert re.search(r"^# APP_NAME=\"Own Tool\"$", example, re.MULTILINE)
    table = (project / "docs/settings.md").read_text(encoding="utf-8")
    assert "| `ERP_URL` | `https://erp.example.com` | Where the ERP is. |\n" in table
    assert run_own(project, "reference", "--check").returncode == 0
    (project / "docs/settings.md").write_text(table.replace("ERP", "PRE"), encoding="utf-8")
    done = run_own(project, "reference", "--check")
    assert (done.returncode, done.stderr) == (
        1,
        "docs/settings.md is not what the settings say: make reference\n",
    )


@pytest.mark.parametrize("name", ["ERP_TOKN", "ERP_TOKENS", "erp_url"])
def test_a_mistyped_own_name_is_reported(project: Path, name: str) -> None:
    meant = "ERP_URL" if name == "erp_url" else "ERP_TOKEN"
    line = f"{name} (from environment): unknown name; did you mean {meant}?"
    done = run_own(project, "check", **{name: HIDDEN})
    assert done.returncode == 0
    assert f"Warnings:\n  {line}\n" in done.stdout
    done = run_own(project, "check", STRICT_ENV="true", **{name: HIDDEN})
    assert done.returncode == 1
    assert f"Wrong:\n  {line}\n" in done.stdout


def test_names_that_only_begin_like_an_own_one_are_those_of_others(project: Path) -> None:
    done = run_own(project, "check", STRICT_ENV="true", ERP_HOST="erp", ERPNEXT_TOKEN="x")
    assert done.returncode == 0, done.stdout


def test_a_setting_of_the_chassis_cannot_be_changed() -> None:
    text = r"^Changed must not change app_port, auth_backend of chassis\.Settings$"
    with pytest.raises(TypeError, match=text):

        class Changed(Settings):
            auth_backend: str = "mine"  # type: ignore[assignment] # on purpose
            app_port: int = 80
