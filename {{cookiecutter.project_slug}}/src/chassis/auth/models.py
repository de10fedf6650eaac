"""The tables of users, sessions and the audit log."""

from datetime import datetime

from sqlalchemy import Dialect, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from ..database.search import Searched
from ..database.tables import ChassisBase, UTCDateTime, utc_now
from .roles import Role, parse_roles

MAX_NAME = 200
MAX_EMAIL = 254
MAX_ADDRESS = 45
MAX_DETAIL = 500
MAX_GROUPS = 500
SHA256_HEX = 64


class RoleSet(TypeDecorator[frozenset[Role]]):
    """A set of roles, stored as their names with commas between."""

    impl = String(100)
    cache_ok = True

    def process_bind_param(self, value: frozenset[Role] | None, _dialect: Dialect) -> str | None:
        """Write the roles in a fixed order."""
        return None if value is None else ",".join(role for role in Role if role in value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> frozenset[Role] | None:
        """Read the roles; what is no role any more grants nothing."""
        return None if value is None else parse_roles(value.split(","))


class LabelSet(TypeDecorator[frozenset[str]]):
    """A set of labels, stored in the order of the alphabet with commas between."""

    impl = String(MAX_GROUPS)
    cache_ok = True

    def process_bind_param(self, value: frozenset[str] | None, _dialect: Dialect) -> str | None:
        """Write the labels."""
        return None if value is None else ",".join(sorted(value))

    def process_result_value(self, value: str | None, _dialect: Dialect) -> frozenset[str] | None:
        """Read the labels."""
        return None if value is None else frozenset(filter(None, value.split(",")))


class User(Searched, ChassisBase):
    """Somebody who may sign in."""

    __tablename__ = "chassis_users"
    SEARCHED = ("username", "name", "email")
    __table_args__ = (UniqueConstraint("backend", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    # As `comparable` writes it, so that "Ann" and "ann" are one account.
    username: Mapped[str] = mapped_column(String(MAX_NAME), unique=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME), default="")
    email: Mapped[str] = mapped_column(String(MAX_EMAIL), default="")
    roles: Mapped[frozenset[Role]] = mapped_column(RoleSet)
    # Those that app.py does not name any more stay here, and count for nothing.
    groups: Mapped[frozenset[str]] = mapped_column(LabelSet, default=frozenset)
    # "password" or "oidc", and then who the user is at the provider.
    backend: Mapped[str] = mapped_column(String(20), default="password")
    subject: Mapped[str | None] = mapped_column(String(MAX_NAME * 2))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    reset_code_hash: Mapped[str | None] = mapped_column(String(SHA256_HEX))
    reset_code_expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @property
    def enabled(self) -> bool:
        """Whether the user may sign in."""
        return self.disabled_at is None


class LoginSession(ChassisBase):
    """One sign-in of one browser; when it ends its row is deleted."""

    __tablename__ = "chassis_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    # The token itself is only in the cookie.
    token_hash: Mapped[str] = mapped_column(String(SHA256_HEX), unique=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("chassis_users.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    used_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS), default="")
    user_agent: Mapped[str] = mapped_column(String(MAX_NAME), default="")
    user: Mapped[User] = relationship()


class PendingLogin(ChassisBase):
    """A correct sign-in that its browser has not taken up yet: a code that works once."""

    __tablename__ = "chassis_pending_sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(SHA256_HEX), unique=True)
    # The hash of the cookie of the browser that signed in; no other browser can use the code.
    browser_hash: Mapped[str] = mapped_column(String(SHA256_HEX))
    user_id: Mapped[int] = mapped_column(
        ForeignKey("chassis_users.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class AuditEvent(Searched, ChassisBase):
    """One line of the audit log; it outlives the users that it names."""

    __tablename__ = "chassis_audit_events"
    SEARCHED = ("actor", "subject", "address", "detail")
    __table_args__ = (Index(None, "at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    event: Mapped[str] = mapped_column(String(50))
    # Who did it, and to whom or what; no foreign keys, as events stay when users go.
    actor_id: Mapped[int | None]
    actor: Mapped[str] = mapped_column(String(MAX_NAME), default="")
    subject_id: Mapped[int | None]
    subject: Mapped[str] = mapped_column(String(MAX_NAME), default="")
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS), default="")
    detail: Mapped[str] = mapped_column(String(MAX_DETAIL), default="")
