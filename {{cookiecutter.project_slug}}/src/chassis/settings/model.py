"""The settings that every project has: one field per variable."""

import inspect
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .. import browser_access, project
from .types import (
    Address,
    AppEnv,
    AuthBackend,
    BrowserFeatures,
    DatabaseUrl,
    EmailDomains,
    EncryptionKeys,
    FilePath,
    HeaderName,
    HttpUrl,
    Issuers,
    Language,
    LogFormat,
    LogLevel,
    NameMap,
    Networks,
    OneLine,
    Origins,
    Percent,
    Port,
    RateLimit,
    RedisUrl,
    S3Url,
    key_weakness,
)
from .variables import read_variables


class Settings(BaseSettings):
    """Everything that can be configured; the environment variable is the upper-case field name.

    Fields that a check or a default reads (app_env, app_port, ...) stand before those that ask.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    app_env: AppEnv = Field(
        default="development",
        description="Where the app runs; staging and production refuse weak or missing secrets.",
        examples=["production"],
    )
    strict_env: bool = Field(
        default_factory=lambda data: data.get("app_env") == "production",
        description="Whether unknown names that look like ours (typing errors) stop the start.",
        examples=["true"],
        json_schema_extra={"default_text": "true in production, else false"},
    )
    app_name: OneLine = Field(
        default_factory=lambda: project.current().name,
        max_length=200,
        description="The title in the browser tab and on the pages.",
        json_schema_extra={"default_text": "the name of the project"},
    )
    app_language: Language = Field(
        default_factory=lambda: next(iter(project.current().languages)),
        description="The language in which the interface starts; en is always there.",
        json_schema_extra={"default_text": "the first of app.py"},
    )
    app_debug: bool = Field(
        default=False,
        description="Shows a debug panel in the sidebar; refused in production.",
    )
    app_host: Address = Field(
        default="127.0.0.1",
        description="The address to listen on; 0.0.0.0 for all IPv4 addresses of the machine.",
    )
    app_port: Port = Field(
        default=8501,
        description="The port of the app; where it is not set, that of PORT.",
    )
    app_base_url: HttpUrl = Field(
        default_factory=lambda data: f"http://localhost:{data.get('app_port', 8501)}",
        description="The public URL: its host is the accepted one, its path the base path.",
        examples=["https://tool.example.com"],
        json_schema_extra={"default_text": "http://localhost:APP_PORT"},
    )
    app_secret_key: SecretStr | None = Field(
        default=None,
        description="Signs cookies: at least 32 bytes, the same for every process of the app.",
        json_schema_extra={"default_text": "random at each start in development, else required"},
    )
    app_drain_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=0,
        description="How long SIGTERM waits for open sessions; /readyz is 503 meanwhile.",
        examples=["30"],
    )
    trusted_proxies: Networks = Field(
        default=(IPv4Network("127.0.0.1"),),
        description="Networks of the reverse proxies whose X-Forwarded-For is believed.",
        examples=["127.0.0.1,10.0.0.0/8"],
    )
    allowed_ips: Networks = Field(
        default=(),
        description="Networks that may open the app; empty lets everyone in.",
        examples=["192.168.0.0/16,203.0.113.7"],
    )
    external_sources: Origins = Field(
        default=(),
        description="Origins that pages may load from, in addition to those of app.py.",
        examples=["https://tiles.example.com,https://*.example.org"],
    )
    browser_features: BrowserFeatures = Field(
        default=(),
        description="camera, microphone, geolocation: what pages may ask for, beside app.py.",
        examples=["camera,microphone"],
    )
    auth_backend: AuthBackend = Field(
        default_factory=lambda: project.current().auth_backend,
        description="Who says who a visitor is: password, oidc, proxy or none.",
        json_schema_extra={"default_text": "that of app.py"},
    )
    auth_allow_anonymous: bool = Field(
        default=False,
        description="Permits AUTH_BACKEND=none, where everyone is an editor, in production.",
    )
    auth_session_idle_seconds: Annotated[int, Field(ge=60)] = Field(
        default=1800,
        description="Ends a session that has not been used for so long.",
    )
    auth_session_max_seconds: Annotated[int, Field(ge=60)] = Field(
        default=43_200,
        description="Ends a session so long after the sign-in, used or not.",
    )
    auth_password_min_length: Annotated[int, Field(ge=8, le=64)] = Field(
        default=15,
        description="The shortest password that can be chosen, in characters.",
    )
    auth_allowed_email_domains: EmailDomains = Field(
        default=(),
        description="Domains whose addresses may sign in with oidc or proxy; empty permits all.",
        examples=["example.com,example.org"],
    )
    auth_name_map: NameMap = Field(
        default={},
        description="Roles and groups as the provider or proxy calls them, and their names here.",
        examples=["/staff/admins=admin,role:editor=editor"],
    )
    auth_proxy_user_header: HeaderName = Field(
        default="X-Forwarded-User",
        description="The header in which the proxy names the user, for AUTH_BACKEND=proxy.",
    )
    auth_proxy_email_header: HeaderName = Field(
        default="X-Forwarded-Email",
        description="The header in which the proxy names the e-mail address.",
    )
    auth_proxy_roles_header: HeaderName = Field(
        default="X-Forwarded-Groups",
        description="The header in which the proxy lists roles and groups, separated by commas.",
    )
    oidc_discovery_url: HttpUrl | None = Field(
        default=None,
        description="The provider's configuration, for AUTH_BACKEND=oidc.",
        examples=["https://login.example.com/.well-known/openid-configuration"],
    )
    oidc_client_id: OneLine | None = Field(
        default=None,
        description="The name of this app at the provider.",
        examples=["my-internal-tool"],
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None,
        description="The secret of this app at the provider.",
        examples=["as the provider shows it"],
    )
    oidc_role_claim: OneLine = Field(
        default="roles",
        description="The claim that lists the user's roles; without any the user is a viewer.",
    )
    oidc_group_claim: OneLine = Field(
        default="groups",
        description="The claim that lists the user's groups; those of app.py count.",
    )
    oidc_trust_email_of: Issuers = Field(
        default=(),
        description="Issuers whose e-mail addresses count without the claim email_verified.",
        examples=["https://login.microsoftonline.com/TENANT/v2.0"],
    )
    audit_keep_days: Annotated[int, Field(ge=1)] = Field(
        default=365,
        description="How long the audit log of sign-ins and changes is kept, in days.",
    )
    database_url: DatabaseUrl = Field(
        default=SecretStr("sqlite:///data/app.db"),
        description="The database: a SQLite file, or PostgreSQL.",
        examples=["postgresql://user:password@localhost:5432/app"],
        json_schema_extra={"default_text": "sqlite:///data/app.db"},
    )
    data_encryption_keys: EncryptionKeys | None = Field(
        default=None,
        description="Fernet keys for encrypted columns, separated by commas, the newest first.",
    )
    uploads_dir: FilePath = Field(
        default=Path("data/uploads"),
        description="Files that the app keeps for its users; they are part of each backup.",
        examples=["/srv/app/uploads"],
    )
    backup_dir: FilePath = Field(
        default=Path("data/backups"),
        description="Where backups are kept; a disk of its own is safer.",
        examples=["/srv/app/backups"],
    )
    backup_keep_days: Annotated[int, Field(ge=1)] = Field(
        default=30,
        description="`backup prune` deletes backups that are older, in days.",
    )
    backup_keep_count: Annotated[int, Field(ge=1)] = Field(
        default=3,
        description="How many of the newest backups stay, however old they are.",
    )
    backup_s3_url: S3Url | None = Field(
        default=None,
        description="An S3 bucket that gets a copy of each backup.",
        examples=["https://KEY:SECRET@s3.example.com/bucket/folder?region=us-east-1"],
    )
    backup_encryption_key: EncryptionKeys | None = Field(
        default=None,
        description="Encrypts backups: a Fernet key; older keys follow behind commas.",
    )
    redis_url: RedisUrl | None = Field(
        default=None,
        description="Shares the rate limits of several processes; empty keeps them in memory.",
        examples=["redis://localhost:6379/0"],
    )
    rate_limit_enabled: bool = Field(
        default=True,
        description="Switches all rate limits on or off.",
    )
    rate_limit_http: RateLimit = Field(
        default="1000/minute",
        description="HTTP requests of one address or session, static files not counted.",
    )
    rate_limit_connect: RateLimit = Field(
        default="120/minute",
        description="Tabs that may be opened: from one address, or by one user who has signed in.",
    )
    rate_limit_rerun: RateLimit = Field(
        default="30/10seconds",
        description="Interactions of one session; more are delayed, not lost.",
    )
    rate_limit_login_ip: RateLimit = Field(
        default="60/minute",
        description="Sign-ins that one address may try.",
    )
    rate_limit_login_account: RateLimit = Field(
        default="5/15minutes",
        description="Sign-ins that may fail for one user name.",
    )
    log_level: LogLevel = Field(
        default="INFO",
        description="The least important messages to log: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
    )
    log_format: LogFormat = Field(
        default_factory=lambda data: "text" if data.get("app_env") == "development" else "json",
        description="One JSON object per line for log collectors, or text for people.",
        examples=["json"],
        json_schema_extra={"default_text": "text in development, else json"},
    )
    log_file: FilePath | None = Field(
        default=None,
        description="Also logs to this file, which is rotated; empty logs to standard output only.",
        examples=["logs/app.log"],
    )
    log_max_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=10_485_760,
        description="The size in bytes at which LOG_FILE is rotated.",
    )
    log_backup_count: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5,
        description="How many rotated log files are kept.",
    )
    metrics_enabled: bool = Field(
        default=True,
        description="Serves metrics for Prometheus on a port of their own.",
    )
    metrics_host: Address = Field(
        default="127.0.0.1",
        description="The address of the metrics; anyone who can reach it can read them.",
    )
    metrics_port: Port = Field(
        default=9102,
        description="The port of the metrics.",
    )
    health_disk_min_free_percent: Percent = Field(
        default=10,
        description="Free disk space under this share (percent) is a warning.",
    )
    health_memory_max_percent: Percent = Field(
        default=90,
        description="Used memory over this share (percent) is a warning.",
    )
    health_cpu_max_percent: Percent = Field(
        default=90,
        description="Processor load over this share (percent) is a warning.",
    )
    max_upload_mb: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=50,
        description="The largest file that can be uploaded, in MB; it is held in memory.",
    )
    max_uploads_mb: Annotated[int, Field(ge=1)] = Field(
        default_factory=lambda data: 4 * data.get("max_upload_mb", 50),
        description="What one user may have uploaded in all open tabs, in MB; held in memory.",
        examples=["500"],
        json_schema_extra={"default_text": "4 times MAX_UPLOAD_MB"},
    )

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse fields that are there already: their checks and descriptions would be lost."""
        super().__init_subclass__(**options)
        if taken := sorted(Settings.model_fields.keys() & inspect.get_annotations(cls)):
            raise TypeError(
                f"{cls.__name__} must not change {', '.join(taken)} of chassis.Settings"
            )

    @classmethod
    def current(cls) -> Self:
        """Return the settings of this process as this class: typed access to fields of your own."""
        from .reading import get_settings  # which imports this module

        settings = get_settings()
        if not isinstance(settings, cls):
            raise TypeError(f"{cls.__name__} is not that of app.py: Chassis(..., settings=...)")
        return settings

    @property
    def is_production(self) -> bool:
        """Whether APP_ENV is production."""
        return self.app_env == "production"

    @property
    def is_development(self) -> bool:
        """Whether APP_ENV is development."""
        return self.app_env == "development"

    @property
    def base_path(self) -> str:
        """The path of APP_BASE_URL without a slash at the end: "" or "/tool"."""
        return urlsplit(self.app_base_url).path

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The hosts that a Host header may name, as urlsplit().hostname gives them."""
        hosts = [urlsplit(self.app_base_url).hostname or ""]
        if self.is_development:
            hosts += ["localhost", "127.0.0.1", "::1"]
        return tuple(dict.fromkeys(hosts))

    @field_validator("*")
    @classmethod
    def _in_the_project(cls, value: object) -> object:
        """Let relative paths count from the folder of the project, wherever a program starts."""
        return project.current().root / value if isinstance(value, Path) else value

    @field_validator("app_debug")
    @classmethod
    def _no_debug_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("app_env") == "production":
            raise ValueError("is refused in production")
        return value

    @field_validator("app_secret_key")
    @classmethod
    def _strong_secret_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        app_env = info.data.get("app_env", "development")
        if app_env == "development":
            return value
        if value is None:
            raise ValueError(f"is required in {app_env}")
        if weakness := key_weakness(value.get_secret_value()):
            raise ValueError(f"{weakness}, which is refused in {app_env}")
        return value

    @field_validator("external_sources")
    @classmethod
    def _origins(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        development = info.data.get("app_env") == "development"
        return tuple(browser_access.origin(text, unencrypted=development) for text in value)

    @field_validator("auth_allow_anonymous")
    @classmethod
    def _anonymous_on_purpose(cls, value: bool, info: ValidationInfo) -> bool:
        in_production = info.data.get("app_env") == "production"
        if in_production and info.data.get("auth_backend") == "none" and not value:
            raise ValueError("must be true where AUTH_BACKEND=none lets everyone into production")
        return value

    @field_validator("oidc_discovery_url", "oidc_client_id", "oidc_client_secret")
    @classmethod
    def _needed_for_oidc(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.data.get("auth_backend") == "oidc":
            raise ValueError("is required for AUTH_BACKEND=oidc")
        return value

    @field_validator("max_uploads_mb")
    @classmethod
    def _room_for_one_upload(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("max_upload_mb", 0):
            raise ValueError("must be at least MAX_UPLOAD_MB")
        return value

    @field_validator("metrics_port")
    @classmethod
    def _own_metrics_port(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("metrics_enabled") and value == info.data.get("app_port"):
            raise ValueError("must differ from APP_PORT")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_positional: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Replace the sources of pydantic-settings by one that knows where a value is from."""
        return init_settings, VariablesSource(settings_cls)


class VariablesSource(PydanticBaseSettingsSource):
    """Hands the variables to the model."""

    def __call__(self) -> dict[str, Any]:
        """Return the text of each field that is set."""
        # The fields of the class that is being filled: a project's has more than its base.
        names = [field.upper() for field in self.settings_cls.model_fields]
        return {name.lower(): found.value for name, found in read_variables(names).items()}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: `__call__` returns all fields at once."""
        raise NotImplementedError


def settings_class() -> type[Settings]:
    """Return the class of the settings: that of the project, or ours where it has none."""
    return project.current().settings or Settings


def names() -> tuple[str, ...]:
    """Return the names of all settings, as variables."""
    return tuple(field.upper() for field in settings_class().model_fields)
