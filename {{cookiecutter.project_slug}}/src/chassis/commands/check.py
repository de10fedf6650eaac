"""The `check` command: every setting with its source, what is wrong, what production needs."""

import stat
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from sqlalchemy import make_url

from ..database import encryption
from ..settings import (
    NEW_ENCRYPTION_KEY_COMMAND,
    NEW_KEY_COMMAND,
    Settings,
    SettingsError,
    get_settings,
    is_secret,
    names,
    sources,
    unknown,
)
from ..settings.sources import read_variables
from ..settings.types import key_weakness

# Names that RFC 2606 reserves: nobody can have them.
RESERVED: Final = (".example", ".example.com", ".example.net", ".example.org", ".invalid", ".test")


def run(deploy: bool) -> int:
    """Print the settings and what is wrong with them; return the exit code."""
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = get_settings()
    except SettingsError as error:
        problems = str(error).splitlines()
    try:
        _print_table(settings)
        warnings = [line for line in unknown() if line not in problems]
    except SettingsError:  # a file that cannot be read: already among the problems
        warnings = []
    _print_list("Wrong", problems)
    _print_list("Warnings", warnings)
    if settings is None:
        return 1
    if not deploy:
        click.echo("\nThe settings are valid.")
        return 0
    must = must_change(settings)
    _print_list("To change before production", must)
    _print_list("To consider", worth_knowing(settings))
    if not must:
        click.echo("\nThe settings are fit for production.")
    return 1 if must else 0


def _print_table(settings: Settings | None) -> None:
    rows = sources(settings)
    names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, value, source in rows:
        click.echo(f"{name:<{names}}  {value:<{min(values, 44)}}  {source}")


def _print_list(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{title}:")
    for line in lines:
        click.echo(f"  {line}")


def must_change(settings: Settings) -> list[str]:
    """List what is not fit for production, one line each."""
    found = []
    if not settings.is_production:
        found.append(f"APP_ENV is {settings.app_env}: set APP_ENV=production")
    if settings.app_secret_key is None:
        found.append(f"APP_SECRET_KEY is not set: make one with {NEW_KEY_COMMAND}")
    elif weakness := key_weakness(settings.app_secret_key.get_secret_value()):
        found.append(f"APP_SECRET_KEY {weakness}: make one with {NEW_KEY_COMMAND}")
    if settings.app_debug:
        found.append("APP_DEBUG is on: set APP_DEBUG=false")
    found += _url_findings(settings.app_base_url)
    if any(network.prefixlen < 8 for network in settings.trusted_proxies):
        found.append(
            "TRUSTED_PROXIES covers the internet, so that visitors can forge their address: "
            "list the reverse proxies only"
        )
    if not settings.rate_limit_enabled:
        found.append("RATE_LIMIT_ENABLED is off: set RATE_LIMIT_ENABLED=true")
    if settings.data_encryption_keys is None and encryption.is_needed():
        found.append(f"DATA_ENCRYPTION_KEYS is not set: make one with {NEW_ENCRYPTION_KEY_COMMAND}")
    return found + _readable_secrets()


def _url_findings(url: str) -> list[str]:
    host = urlsplit(url).hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"}:
        return [f"APP_BASE_URL is {url}: set the public https:// URL"]
    found = []
    if f".{host}".endswith(RESERVED):
        found.append(f"APP_BASE_URL names {host}, which is only an example: set the public host")
    if not url.startswith("https://"):
        found.append(f"APP_BASE_URL is {url}: passwords and cookies need https://")
    return found


def _readable_secrets() -> list[str]:
    """Find .env files with a secret that other users of the machine can read."""
    variables = read_variables(names())
    files = {
        variables[name].source
        for name in variables
        if is_secret(name.lower()) and variables[name].source.startswith(".env")
    }
    readable = stat.S_IRGRP | stat.S_IROTH
    return [
        f"{file} holds a secret and other users can read it: chmod 600 {file}"
        for file in sorted(files)
        if Path(file).stat().st_mode & readable
    ]


def worth_knowing(settings: Settings) -> list[str]:
    """List what is right in some places and not in others, one line each."""
    found = []
    if not settings.allowed_ips:
        found.append("ALLOWED_IPS is empty: whoever reaches the app can use it")
    if settings.app_host not in {"127.0.0.1", "::1", "localhost"}:
        found.append(f"APP_HOST is {settings.app_host}: visitors can go around the reverse proxy")
    if settings.metrics_enabled and settings.metrics_host not in {"127.0.0.1", "::1", "localhost"}:
        found.append(
            f"METRICS_HOST is {settings.metrics_host}: let only Prometheus reach port "
            f"{settings.metrics_port}"
        )
    found += _database_findings(settings)
    if settings.backup_s3_url is None:
        found.append("BACKUP_S3_URL is empty: backups on the disk of the data are lost with it")
    elif settings.backup_encryption_key is None:
        found.append("BACKUP_ENCRYPTION_KEY is not set: whoever reads the bucket reads all data")
    if settings.log_level == "DEBUG":
        found.append("LOG_LEVEL is DEBUG: it is slow, and logs what visitors do")
    if settings.log_format == "text" and not settings.is_development:
        found.append("LOG_FORMAT is text: log collectors want json")
    if not settings.strict_env and not settings.is_development:
        found.append("STRICT_ENV is off: mistyped names go unnoticed")
    return found


def _database_findings(settings: Settings) -> list[str]:
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite":
        found = ["DATABASE_URL is a file: several processes or machines need PostgreSQL"]
        if not Path(url.database or "").is_absolute():
            found.append(
                "DATABASE_URL is relative to the folder of the project: a release in a new folder "
                "would start without the data"
            )
        return found
    is_local = (url.host or "localhost") in {"127.0.0.1", "::1", "localhost"}
    if is_local or str(url.query.get("sslmode", "")).startswith("verify-"):
        return []
    return [
        f"DATABASE_URL: add ?sslmode=verify-full, or others can listen on the way to {url.host}"
    ]
