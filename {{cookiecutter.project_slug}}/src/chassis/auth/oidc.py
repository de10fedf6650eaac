"""From the claims of an OpenID Connect provider to an account and a session of ours."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import metrics
from ..database.engine import transaction
from ..logs import get_logger
from ..settings import Settings, get_settings
from ..texts import comparable, one_line
from . import audit, sessions
from .backends import email_allowed
from .groups import parse_groups
from .labels import log_unknown, names_of
from .models import MAX_EMAIL, MAX_NAME, User
from .roles import Role, parse_roles
from .sign_in import SignedIn, begin

PROVIDER: Final = "provider"  # for st.login; Streamlit permits no underscore in it
REDIRECT: Final = "/oauth2callback"
# Claims come straight from the provider, and are from this moment; older ones are a mistake.
MAX_AGE_SECONDS: Final = 300
CLOCK_SKEW_SECONDS: Final = 60

# Why nobody was signed in; the sign-in page has a sentence for each.
Refusal = Literal["failed", "nobody", "expired", "unverified", "email", "disabled"]

log = get_logger(__name__)


def secrets(settings: Settings) -> dict[str, Any] | None:
    """Return what st.login reads from secrets.toml elsewhere; None for the other backends."""
    if settings.auth_backend != "oidc" or settings.oidc_client_secret is None:
        return None
    key = settings.app_secret_key.get_secret_value() if settings.app_secret_key else ""
    client_secret = settings.oidc_client_secret.get_secret_value()
    return {
        "auth": {
            "redirect_uri": settings.app_base_url + REDIRECT,
            # A key of its own, the same in every process.
            "cookie_secret": hmac.new(
                (key or client_secret).encode(), b"oidc cookie secret", "sha256"
            ).hexdigest(),
            PROVIDER: {
                "client_id": settings.oidc_client_id,
                "client_secret": client_secret,
                "server_metadata_url": settings.oidc_discovery_url,
            },
        }
    }


def sign_in(
    claims: Mapping[str, Any], *, browser: str, address: str, user_agent: str
) -> SignedIn | Refusal:
    """Begin a session for whom the claims name; may raise DatabaseUnavailable.

    The account is made or updated: the provider decides about name, roles and groups, at each
    sign-in. `browser` is the value of X-App-Session, if any: its session is replaced.
    """
    refusal = _refusal(claims)
    if refusal is None:
        with transaction() as session:
            user = _upsert(session, claims)
            if user.enabled:
                signed_in = begin(session, user, browser, address, user_agent)
            else:
                refusal = "disabled"
    if refusal is None:
        sessions.forget_cached()
        return signed_in
    audit.record(audit.SIGN_IN_FAILED, audit.Actor(None, "", address), detail=f"oidc: {refusal}")
    metrics.count("logins", backend="oidc", result="refused")
    return refusal


def _refusal(claims: Mapping[str, Any]) -> Refusal | None:
    """Say why these claims sign nobody in."""
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        return "nobody"
    now = time.time()
    expires, issued = _number(claims.get("exp")), _number(claims.get("iat"))
    too_old = expires is None or expires < now - CLOCK_SKEW_SECONDS
    if too_old or issued is None or issued < now - MAX_AGE_SECONDS - CLOCK_SKEW_SECONDS:
        return "expired"
    if not get_settings().auth_allowed_email_domains:
        return None
    if not _is_verified(claims):  # an address that nobody has checked may be anybody's
        log.warning(
            "a sign-in was refused: the provider does not say that the e-mail address is verified; "
            "if it verifies all of them, name it in OIDC_TRUST_EMAIL_OF",
            issuer=one_line(str(claims.get("iss")), MAX_NAME),
        )
        return "unverified"
    return None if email_allowed(str(claims.get("email", ""))) else "email"


def _is_verified(claims: Mapping[str, Any]) -> bool:
    """Tell whether the provider vouches for the address: Entra ID never says so, others in text."""
    said = str(claims.get("email_verified", "")).lower() == "true"
    return said or claims.get("iss") in get_settings().oidc_trust_email_of


def roles_of(claims: Mapping[str, Any]) -> frozenset[Role]:
    """Return the roles among the values of OIDC_ROLE_CLAIM; else viewer."""
    return parse_roles(_names(claims, get_settings().oidc_role_claim)) or frozenset({Role.VIEWER})


def groups_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the groups among the values of OIDC_GROUP_CLAIM."""
    return parse_groups(_names(claims, get_settings().oidc_group_claim))


def _names(claims: Mapping[str, Any], path: str) -> list[str]:
    """Return the roles and groups in a claim; dots lead deeper."""
    value: Any = claims
    if path in claims:
        value = claims[path]
    else:
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    return names_of(value)


def _upsert(session: Session, claims: Mapping[str, Any]) -> User:
    # A subject is unique at its issuer only.
    identifier = f"{claims.get('iss', '')}|{claims['sub']}".encode("utf-8", "surrogatepass")
    subject = hashlib.sha256(identifier).hexdigest()
    user = session.scalar(select(User).where(User.backend == "oidc", User.subject == subject))
    roles, groups = roles_of(claims), groups_of(claims)
    settings = get_settings()
    log_unknown(
        _names(claims, settings.oidc_role_claim) + _names(claims, settings.oidc_group_claim)
    )
    if user is None:
        user = User(
            username=_free_username(session, claims, subject),
            backend="oidc",
            subject=subject,
            roles=roles,
            groups=groups,
        )
        session.add(user)
        session.flush()
        _record(audit.USER_ADDED, user, ", ".join(sorted(roles)))
    if user.roles != roles:
        _record(audit.ROLES_CHANGED, user, audit.change(user.roles, roles))
        user.roles = roles
    if user.groups != groups:
        _record(audit.GROUPS_CHANGED, user, audit.change(user.groups, groups))
        user.groups = groups
    user.name = _line(claims.get("name"), MAX_NAME)
    user.email = _line(claims.get("email"), MAX_EMAIL)
    return user


def _record(event: str, user: User, detail: str) -> None:
    actor = audit.Actor(None, "OpenID Connect")
    audit.record(event, actor, subject_id=user.id, subject=user.username, detail=detail)


def _free_username(session: Session, claims: Mapping[str, Any], subject: str) -> str:
    """Return a name for a new account; never that of another one, which would be a take-over."""
    wanted = claims.get("preferred_username") or claims.get("email") or claims["sub"]
    name = comparable(_line(wanted, MAX_NAME))[: MAX_NAME - 10].strip() or subject[:8]
    taken = session.scalar(select(User.id).where(User.username == name))
    return name if taken is None else f"{name}-{subject[:8]}"


def _line(value: object, longest: int) -> str:
    return one_line(value, longest) if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
