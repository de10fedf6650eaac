"""The types of the settings: what a value must look like, in words that say how to fix it."""

import ipaddress
import re
import unicodedata
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from limits import parse_many
from pydantic import AfterValidator, AnyHttpUrl, BeforeValidator, Field, SecretStr, TypeAdapter
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from .. import browser_access, project

Environment = Literal["development", "staging", "production"]
Network = IPv4Network | IPv6Network


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _language(value: str) -> str:
    value = value.lower()
    languages = dict.fromkeys([*project.current().languages, "en"])  # English is always there
    if value not in languages:
        raise ValueError(f"must be one of: {', '.join(languages)}")
    return value


def _one_line(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError("must not contain line breaks or control characters")
    return value


def _file_path(value: Path) -> Path:
    return Path(_one_line(str(value)))


def _listen_address(value: str) -> str:
    """Accept what can be bound without asking DNS."""
    if value == "localhost":
        return value
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("must be an IP address of this machine, or localhost") from None
    if address == ipaddress.IPv6Address("::"):
        # IPv4 peers of such a socket look like ::ffff:10.0.0.1 and match no entry of
        # TRUSTED_PROXIES: every visitor would seem to have the address of the proxy.
        raise ValueError("must not be '::', which hides the addresses of IPv4 clients")
    return str(address)


def _networks(value: object) -> object:
    """Split a comma-separated list of addresses and networks."""
    if not isinstance(value, str):
        return value
    return tuple(_network(part.strip()) for part in value.split(",") if part.strip())


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address or network") from None
    if "/" in text and ipaddress.ip_address(text.split("/")[0]) != network.network_address:
        raise ValueError(f"{text!r} has bits set outside the network; did you mean {network}?")
    return network


def _rate_limit(value: str) -> str:
    """Accept one limit in the notation of the limits library."""
    try:
        limits = parse_many(value)
    except ValueError:
        limits = []
    if len(limits) != 1 or limits[0].amount < 1:
        raise ValueError("must be one limit: number/period or number/count period")
    return value


def _http_url(value: str) -> str:
    """Normalise a URL: lower-case host, punycode, no default port, no trailing slash."""
    if not re.match(r"https?://", value, re.IGNORECASE):
        raise ValueError("must start with https:// or http://")
    try:
        url = urlsplit(str(TypeAdapter(AnyHttpUrl).validate_python(value)))
        host, port = url.hostname or "", url.port
    except ValueError:  # also the base of pydantic's ValidationError
        raise ValueError("is not a valid URL") from None
    if url.username is not None or url.password is not None:
        raise ValueError("must not contain a user name or password")
    if "?" in value or "#" in value:
        raise ValueError("must not contain '?' or '#'")
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+", host) or port == 0:
        raise ValueError("must name a host and, where needed, a port")
    path = url.path.rstrip("/")
    if not re.fullmatch(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*", path):
        raise ValueError("must have a path of letters, digits and - _ . ~ only")
    return f"{url.scheme}://{url.netloc}{path}"


def _redis_url(value: SecretStr) -> SecretStr:
    try:
        url = urlsplit(value.get_secret_value())
        valid = url.scheme in {"redis", "rediss"} and bool(url.hostname) and url.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be a redis:// or rediss:// URL")
    if find_spec("redis") is None:
        raise ValueError("needs redis of requirements.txt, which is not installed")
    return value


def _database_url(value: SecretStr) -> SecretStr:
    """Accept the databases that the tests run on, and name their drivers."""
    text = value.get_secret_value()
    text = re.sub("^postgres(ql)?://", "postgresql+psycopg://", text)
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("is not a database URL") from None
    if url.drivername == "sqlite":
        if not url.database or url.host or url.database == ":memory:":
            raise ValueError("must name a file, relative (sqlite:///) or absolute (sqlite:////)")
        file = project.current().root / url.database
        text = url.set(database=str(file)).render_as_string(hide_password=False)
    elif url.drivername == "postgresql+psycopg":
        if not url.database:
            raise ValueError("must name a database at its end")
        if find_spec("psycopg") is None:
            raise ValueError("needs psycopg of requirements.txt, which is not installed")
    else:
        raise ValueError("must start with sqlite:/// or postgresql://")
    return SecretStr(text)


def _encryption_keys(value: SecretStr) -> SecretStr:
    for key in value.get_secret_value().split(","):
        try:
            Fernet(key.strip())
        except ValueError:
            raise ValueError("must be Fernet keys, separated by commas, the newest first") from None
    return value


def _s3_url(value: SecretStr) -> SecretStr:
    try:
        url = urlsplit(value.get_secret_value())
        valid = url.scheme in {"https", "http"} and bool(url.hostname) and url.port != 0
        valid = valid and url.path.strip("/") != "" and "@" not in url.path
        valid = valid and bool(url.username) == bool(url.password)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be https://KEY:SECRET@host/bucket (write / + @ as %2F %2B %40)")
    if find_spec("obstore") is None:
        raise ValueError("needs obstore of requirements.txt, which is not installed")
    return value


def _listed(value: object) -> object:
    """Split a comma-separated list."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _email_domains(value: object) -> object:
    """Split a comma-separated list of the parts behind the @."""
    if not isinstance(value, str):
        return value
    domains = tuple(part.strip().lower().removeprefix("@") for part in value.split(","))
    if not all(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain) for domain in domains):
        raise ValueError("must be domains, separated by commas")
    return domains


def _name_map(value: object) -> object:
    """Split a comma-separated list of THEIRS=OURS; theirs may have = inside."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip().rpartition("=") for part in value.split(",") if part.strip()]
    if not all(theirs.strip() and ours.strip() for theirs, _equals, ours in pairs):
        raise ValueError("must be THEIR-NAME=NAME-HERE, separated by commas")
    return {theirs.strip(): ours.strip() for theirs, _equals, ours in pairs}


def _issuers(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.match("https?://.", issuer) for issuer in value):
        raise ValueError("must be addresses of issuers, separated by commas")
    return value


def _header_name(value: str) -> str:
    if not re.fullmatch("[A-Za-z0-9-]+", value):
        raise ValueError("must be the name of an HTTP header")
    if value.lower() in {"authorization", "cookie", "host", "origin", "x-forwarded-for"}:
        raise ValueError("must be a header that holds nothing else")
    return value


def key_weakness(key: str) -> str | None:
    """Say what makes a secret key unfit to protect other people's sessions."""
    if len(key.encode()) < 32:
        return f"is too short ({len(key.encode())} bytes, needs 32)"
    # Words of six letters and more: shorter ones turn up in random keys by chance.
    letters = re.sub(r"[\W_]", "", key.lower())
    words = ("changeme", "default", "example", "insecure", "password", "placeholder", "replace")
    if any(word in letters for word in (*words, "secret", "xxxxxx", "yourkey")):
        return "is a placeholder"
    # Of 10 million keys of 32 random hexadecimal digits, fewer than one has under 8 different ones.
    if len(set(key)) < 8 or key in (key + key)[1:-1]:
        return "repeats itself"
    return None


Address = Annotated[str, AfterValidator(_listen_address)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
RateLimit = Annotated[str, AfterValidator(_rate_limit)]
Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=1, le=99)]
BrowserFeature = Annotated[str, AfterValidator(browser_access.feature)]
BrowserFeatures = Annotated[tuple[BrowserFeature, ...], BeforeValidator(_listed)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_listed)]
AppEnv = Annotated[Environment, BeforeValidator(_lower)]
Language = Annotated[str, AfterValidator(_language)]
AuthBackend = Annotated[Literal["password", "oidc", "proxy", "none"], BeforeValidator(_lower)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
EmailDomains = Annotated[tuple[str, ...], BeforeValidator(_email_domains)]
EncryptionKeys = Annotated[SecretStr, AfterValidator(_encryption_keys)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Issuers = Annotated[tuple[str, ...], AfterValidator(_issuers), BeforeValidator(_listed)]
NameMap = Annotated[dict[str, str], BeforeValidator(_name_map)]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)
]
LogFormat = Annotated[Literal["json", "text"], BeforeValidator(_lower)]
OneLine = Annotated[str, AfterValidator(_one_line)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
S3Url = Annotated[SecretStr, AfterValidator(_s3_url)]
FilePath = Annotated[Path, AfterValidator(_file_path)]
