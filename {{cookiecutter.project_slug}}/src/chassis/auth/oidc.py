"""From the claims of an OpenID Connect provider to an account and a session of ours."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import metrics
from ..database.engine import transaction
from ..i18n import _
from ..settings import Settings, get_settings
from ..texts import comparable, one_line
from . import audit, sign_in
from .backends import email_allowed
from .groups import parse_groups
from .models import MAX_EMAIL, MAX_NAME, User
from .roles import Role, parse_roles

PROVIDER: Final = "provider"  # for st.login; Streamlit permits no underscore in it
REDIRECT: Final = "/oauth2callback"
# Streamlit's cookie with the claims is valid for 30 days. Ours replaces it at once, so a copy that
# is presented later than this was stolen.
MAX_AGE_SECONDS: Final = 300
CLOCK_SKEW_SECONDS: Final = 60


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


def accept_claims(claims: Mapping[str, Any], *, browser: str, address: str) -> sign_in.Outcome:
    """Turn the claims that Streamlit has verified into a sign-in of this browser, or refuse them.

    The account is made or updated: the provider decides about name and roles, at each sign-in.
    """
    problem = _problem(claims)
    if problem is None:
        with transaction() as session:
            user = _upsert(session, claims)
            if user.enabled:
                return sign_in.Outcome("ok", code=sign_in.pend(user.id, browser))
        problem = _("Your account is disabled; ask an administrator.")
    audit.record(audit.SIGN_IN_FAILED, audit.Actor(None, "", address), detail="oidc")
    metrics.count("logins", backend="oidc", result="refused")
    return sign_in.Outcome("refused", message=problem)


def _problem(claims: Mapping[str, Any]) -> str | None:
    """Say why these claims sign nobody in."""
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        return _("The sign-in service did not say who you are.")
    now = time.time()
    expires, issued = _number(claims.get("exp")), _number(claims.get("iat"))
    too_old = expires is None or expires < now - CLOCK_SKEW_SECONDS
    if too_old or issued is None or issued < now - MAX_AGE_SECONDS - CLOCK_SKEW_SECONDS:
        return _("This sign-in has expired; sign in again.")
    if get_settings().auth_allowed_email_domains:
        # An address that nobody has checked may be anybody's.
        verified = claims.get("email_verified") in (True, "true")
        if not verified or not email_allowed(str(claims.get("email", ""))):
            return _("Your e-mail address may not sign in here.")
    return None


def roles_of(claims: Mapping[str, Any]) -> frozenset[Role]:
    """Return the roles among the values of OIDC_ROLE_CLAIM; else viewer."""
    found = parse_roles(_labels(claims, get_settings().oidc_role_claim))
    return found or frozenset({Role.VIEWER})


def groups_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the groups among the values of OIDC_GROUP_CLAIM."""
    return parse_groups(_labels(claims, get_settings().oidc_group_claim))


def _labels(claims: Mapping[str, Any], path: str) -> list[str]:
    """Return the values of a claim: a list, or a text with commas; dots lead deeper."""
    value: Any = claims
    if path in claims:
        value = claims[path]
    else:
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    names = value.split(",") if isinstance(value, str) else value
    return list(map(str, names)) if isinstance(names, list) else []


def _upsert(session: Session, claims: Mapping[str, Any]) -> User:
    # A subject is unique at its issuer only.
    identifier = f"{claims.get('iss', '')}|{claims['sub']}".encode("utf-8", "surrogatepass")
    subject = hashlib.sha256(identifier).hexdigest()
    user = session.scalar(select(User).where(User.backend == "oidc", User.subject == subject))
    roles, groups = roles_of(claims), groups_of(claims)
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
