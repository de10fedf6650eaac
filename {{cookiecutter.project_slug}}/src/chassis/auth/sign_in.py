"""Signing in and out: from a password or a reset code to a session, and back.

A script run cannot set a cookie. So a correct sign-in makes a code that works once, for a minute,
in the same browser; the script sends the browser to `continue_path(code)`, and the server answers
there with the cookie of a new session.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from .. import metrics
from ..database.engine import transaction
from ..database.tables import utc_now
from ..i18n import _
from ..settings import get_settings
from ..texts import comparable
from . import audit, passwords, sessions, throttle
from .identity import Identity
from .models import LoginSession, PendingLogin, User
from .users import UserError, by_name, hash_of_code, store_password

# Every refusal takes at least so long. An imported bcrypt hash costs more than ours, and the time
# would tell that the account exists.
REFUSAL_SECONDS: Final = 0.5
CONTINUE: Final = "/auth/continue"

Status = Literal["ok", "wrong", "wait", "refused"]


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `code` with ok; `seconds` with wait; `message` with refused."""

    status: Status
    code: str = ""
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class SignedIn:
    """What the browser gets as cookies."""

    token: str
    device: str | None


def check_password(
    username: str, password: str, *, browser: str, address: str, device: str | None
) -> Outcome:
    """Try a user name and a password.

    `browser` is the value of X-App-Session, to which the sign-in is bound; `device` that of
    X-App-Device, if any.
    """
    started = time.monotonic()
    wait = throttle.seconds_to_wait(username, address, device)
    if wait:
        _count("throttled")
        return Outcome("wait", seconds=wait)
    with transaction(read_only=True) as session:
        user = by_name(session, username)
        stored = user.password_hash if user is not None and user.backend == "password" else None
    correct = passwords.verify(stored, password)
    if user is None or stored is None or not correct or not user.enabled:
        return _fail(user, address, started)
    throttle.forget_failures(username, device)
    if passwords.needs_rehash(stored):
        _upgrade(user.id, stored, password)
    return Outcome("ok", code=pend(user.id, browser))


def use_reset_code(
    username: str,
    code: str,
    new_password: str,
    *,
    browser: str,
    address: str,
    device: str | None,
) -> Outcome:
    """Choose a new password with the code that an admin made; this also signs in."""
    started = time.monotonic()
    problem = passwords.problem(new_password, comparable(username))
    if problem is not None:  # the same for every account, and no attempt
        return Outcome("refused", message=problem)
    wait = throttle.seconds_to_wait(username, address, device)
    if wait:
        _count("throttled")
        return Outcome("wait", seconds=wait)
    hashed = passwords.hash_password(new_password)
    with transaction() as session:
        # Used up and looked at in one statement: of two at the same time one finds it.
        user = session.scalar(
            update(User)
            .where(
                User.username == comparable(username),
                User.reset_code_hash == hash_of_code(code),
                User.reset_code_expires_at > utc_now(),
                User.disabled_at.is_(None),
                User.backend == "password",
            )
            .values(reset_code_hash=None)
            .returning(User)
        )
        if user is not None:
            store_password(user, hashed, audit.Actor(user.id, user.username, address))
            pending = pend(user.id, browser)
    if user is None:
        with transaction(read_only=True) as session:
            known = by_name(session, username)
        return _fail(known, address, started)
    sessions.forget_cached()
    throttle.forget_failures(username, device)
    return Outcome("ok", code=pending)


def change_password(
    identity: Identity, old: str, new: str, *, browser: str, address: str
) -> Outcome:
    """Change the own password; every session ends, and `code` continues in this browser."""
    if identity.user_id is None or identity.backend != "password":
        raise UserError(_("This user signs in elsewhere and has no password here."))
    problem = passwords.problem(new, identity.username)
    if problem is not None:
        return Outcome("refused", message=problem)
    if passwords.composed(old) == passwords.composed(new):
        return Outcome("refused", message=_("The new password is the old one."))
    started = time.monotonic()
    # An open session is no permission to guess: counted like a sign-in, apart from strangers.
    number = str(identity.session_id)
    wait = throttle.seconds_to_wait(number, address, None, "session")
    if wait:
        return Outcome("wait", seconds=wait)
    with transaction(read_only=True) as session:
        user = session.get(User, identity.user_id)
    if user is None or not user.enabled or not passwords.verify(user.password_hash, old):
        return _fail(user, address, started)
    throttle.forget_failures(number, None, "session")
    hashed = passwords.hash_password(new)
    with transaction() as session:
        user = session.get_one(User, identity.user_id)
        store_password(user, hashed, audit.Actor(user.id, user.username, address))
        code = pend(user.id, browser)
    sessions.forget_cached()
    return Outcome("ok", code=code)


def sign_out(identity: Identity, address: str) -> None:
    """End the session of a visitor on the server; its open tabs follow within seconds."""
    if identity.session_id is not None:
        actor = audit.Actor.of(identity, address)
        sessions.revoke(identity.session_id, actor, audit.SIGNED_OUT)


def continue_path(code: str) -> str:
    """Return the path, with the base path, to which the browser goes after a sign-in."""
    return f"{get_settings().base_path}{CONTINUE}?code={code}"


def pend(user_id: int, browser: str) -> str:
    """Return a code with which this browser, and no other, can begin a session of a user."""
    code = sessions.new_token()
    with transaction() as session:
        session.execute(
            delete(PendingLogin).where(
                (PendingLogin.expires_at < utc_now()) | (PendingLogin.browser_hash == browser)
            )
        )
        session.add(
            PendingLogin(
                code_hash=sessions.hash_of(code),
                browser_hash=browser,
                user_id=user_id,
                expires_at=utc_now() + timedelta(seconds=sessions.CODE_SECONDS),
            )
        )
    return code


def take_up(code: str, browser: str, *, address: str, user_agent: str) -> SignedIn | None:
    """Turn the code of a sign-in into a new session; None if it is not this browser's, or old."""
    with transaction() as session:
        # Deleted no matter who presents the code: from another browser it leaked. In one statement:
        # of two at the same time one finds it.
        pending = session.execute(
            delete(PendingLogin)
            .where(PendingLogin.code_hash == sessions.hash_of(code))
            .returning(PendingLogin.user_id, PendingLogin.browser_hash, PendingLogin.expires_at)
        ).one_or_none()
        if pending is None:
            return None
        user = session.get(User, pending.user_id)
        bound = pending.browser_hash == browser and pending.expires_at > utc_now()
        if not bound or user is None or not user.enabled:
            return None
        signed_in = begin(session, user, browser, address, user_agent)
    sessions.forget_cached()
    return signed_in


def begin(session: Session, user: User, browser: str, address: str, user_agent: str) -> SignedIn:
    """Begin a session of a user, in the transaction of the caller."""
    # The session that this browser may have had is replaced, not left behind.
    session.execute(delete(LoginSession).where(LoginSession.token_hash == browser))
    token = sessions.start(user.id, address, user_agent)
    user.last_login_at = utc_now()
    audit.record(
        audit.SIGNED_IN,
        audit.Actor(user.id, user.username, address),
        subject_id=user.id,
        subject=user.username,
    )
    _count("success")
    device = throttle.new_device_cookie(user.username) if user.backend == "password" else None
    return SignedIn(token, device)


def _fail(user: User | None, address: str, started: float) -> Outcome:
    """Note a failure and answer; the same for a wrong name, a wrong password, a disabled user."""
    # What was typed as a name is kept only if it is one: people type passwords there.
    actor = audit.Actor(None, user.username if user is not None else "", address)
    audit.record(audit.SIGN_IN_FAILED, actor, subject_id=user.id if user is not None else None)
    _count("failure")
    time.sleep(max(0.0, REFUSAL_SECONDS - (time.monotonic() - started)))
    return Outcome("wrong")


def _count(result: str) -> None:
    metrics.count("logins", backend=get_settings().auth_backend, result=result)


def _upgrade(user_id: int, stored: str, password: str) -> None:
    """Replace an imported or weaker hash, now that the password is known."""
    hashed = passwords.hash_password(password)
    with transaction() as session:
        user = session.get(User, user_id)
        if user is not None and user.password_hash == stored:
            user.password_hash = hashed
