"""What production wants of the ways in: who reaches the app, and from where."""

from typing import Final
from urllib.parse import urlsplit

from ..settings import get_settings
from . import OK, Result

LOCAL: Final = {"127.0.0.1", "::1", "localhost"}
# Names that RFC 2606 reserves: nobody can have them.
RESERVED: Final = (".example", ".example.com", ".example.net", ".example.org", ".invalid", ".test")


def public_host() -> Result:
    """APP_BASE_URL names the host that visitors type."""
    url = get_settings().app_base_url
    host = urlsplit(url).hostname or ""
    if host in LOCAL:
        return Result("fail", f"APP_BASE_URL is {url}", "set the public https:// URL")
    if f".{host}".endswith(RESERVED):
        detail = f"APP_BASE_URL names {host}, which is only an example"
        return Result("fail", detail, "set the public host")
    return OK


def https() -> Result:
    """Visitors come over HTTPS."""
    url = get_settings().app_base_url
    if url.startswith("https://") or urlsplit(url).hostname in LOCAL:
        return OK
    return Result("fail", f"APP_BASE_URL is {url}", "passwords and cookies need https://")


def proxies() -> Result:
    """Only reverse proxies are believed to say who a visitor is, and from where."""
    settings = get_settings()
    if any(network.prefixlen < 8 for network in settings.trusted_proxies):
        detail = "TRUSTED_PROXIES covers the internet, so that visitors can forge their address"
        return Result("fail", detail, "list the reverse proxies only")
    local = any(network.network_address.is_loopback for network in settings.trusted_proxies)
    if settings.auth_backend == "proxy" and local:
        detail = "TRUSTED_PROXIES has this machine: each program and user of it can be anybody"
        return Result("warn", detail, "let nobody else work on the machine of the app")
    return OK


def rate_limits() -> Result:
    """Nobody can guess passwords without end."""
    if get_settings().rate_limit_enabled:
        return OK
    return Result("fail", "RATE_LIMIT_ENABLED is off", "set RATE_LIMIT_ENABLED=true")


def networks() -> Result:
    """The app is open to known networks only."""
    if get_settings().allowed_ips:
        return OK
    return Result("warn", "ALLOWED_IPS is empty: anyone who reaches the app can use it")


def app_address() -> Result:
    """All visitors come through the reverse proxy."""
    host = get_settings().app_host
    if host in LOCAL:
        return OK
    return Result("warn", f"APP_HOST is {host}: visitors can go around the reverse proxy")


def metrics_address() -> Result:
    """Nobody but Prometheus reads the metrics."""
    settings = get_settings()
    if not settings.metrics_enabled or settings.metrics_host in LOCAL:
        return OK
    port = settings.metrics_port
    detail = f"METRICS_HOST is {settings.metrics_host}: let only Prometheus reach port {port}"
    return Result("warn", detail)
