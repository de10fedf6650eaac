"""Sessions on the server: the browser has a random token, the database only its hash."""

import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, or_, select, update

from ..database.engine import transaction
from ..database.tables import utc_now
from ..settings import get_settings
from ..texts import one_line
from . import audit
from .audit import Actor
from .identity import Identity
from .models import MAX_ADDRESS, MAX_NAME, LoginSession, PendingLogin, User

TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes as token_urlsafe writes them
# How long an answer of the database is believed. With the POLL_SECONDS of the server a session that
# ended in another process is noticed within 10 seconds.
CACHE_SECONDS: Final = 4.0
MAX_CACHED: Final = 10_000
# How long the code of a sign-in may be taken up, and how long a browser is on its way to do that.
CODE_SECONDS: Final = 60
MOVE_SECONDS: Final = 3


@dataclass(frozen=True)
class SessionInfo:
    """A session, to show to its user or to an admin."""

    id: int
    user_id: int
    username: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    address: str
    user_agent: str


class _Cache:
    """The last answers of the database by token hash; only sessions that live, at most 10,000."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Identity]] = OrderedDict()
        self.generation = 0

    def get(self, token_hash: str) -> Identity | None:
        entry = self._entries.get(token_hash)
        return entry[1] if entry and time.monotonic() < entry[0] else None

    def put(self, token_hash: str, identity: Identity, generation: int) -> None:
        """Keep an answer, unless the cache was cleared since the database was asked."""
        with self._lock:
            if generation != self.generation:
                return
            self._entries[token_hash] = time.monotonic() + CACHE_SECONDS, identity
            self._entries.move_to_end(token_hash)
            while len(self._entries) > MAX_CACHED:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self.generation += 1
            self._entries.clear()


_cache = _Cache()


def new_token() -> str:
    """Return a random token of 256 bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Tell whether a text looks like one of our tokens."""
    return _TOKEN.fullmatch(text) is not None


def hash_of(secret: str) -> str:
    """Return what is stored of a token or code. It is random, so one round of SHA-256 will do."""
    return hashlib.sha256(secret.encode()).hexdigest()


def start(user_id: int, address: str = "", user_agent: str = "") -> str:
    """Begin a session and return its token."""
    settings = get_settings()
    token = new_token()
    with transaction() as session:
        session.add(
            LoginSession(
                token_hash=hash_of(token),
                user_id=user_id,
                expires_at=utc_now() + timedelta(seconds=settings.auth_session_max_seconds),
                address=one_line(address, MAX_ADDRESS),
                user_agent=one_line(user_agent, MAX_NAME),
            )
        )
    return token


def lookup(token_hash: str | None) -> Identity | None:
    """Return who is signed in with this token hash; asks the database every few seconds."""
    if not token_hash:
        return None
    known = _cache.get(token_hash)
    if known is not None:
        return known
    generation = _cache.generation
    query = select(LoginSession).where(LoginSession.token_hash == token_hash, *_alive())
    with transaction(read_only=True) as session:
        row = session.scalar(query.join(LoginSession.user))
        identity = _identity(row) if row is not None else None
    if identity is not None:
        _cache.put(token_hash, identity, generation)
    return identity


def remembered(token_hash: str) -> Identity | None:
    """Do what `lookup` does without the database; None if it would have to be asked."""
    return _cache.get(token_hash)


def alive(token_hashes: Collection[str]) -> set[str]:
    """Return those of the hashes that are signed in, fresh from the database.

    Also those that have just signed in again, as after a change of the password: to send them
    elsewhere now would lose the new session.
    """
    moving = utc_now() + timedelta(seconds=CODE_SECONDS - MOVE_SECONDS)
    found: set[str] = set()
    hashes = list(token_hashes)
    with transaction(read_only=True) as session:
        for start_at in range(0, len(hashes), 500):  # a database permits so many parameters
            part = hashes[start_at : start_at + 500]
            query = select(LoginSession.token_hash).join(LoginSession.user)
            found.update(session.scalars(query.where(LoginSession.token_hash.in_(part), *_alive())))
            pending = select(PendingLogin.browser_hash).where(PendingLogin.expires_at > moving)
            found.update(session.scalars(pending.where(PendingLogin.browser_hash.in_(part))))
    return found


def touch(token_hash: str) -> None:
    """Note that the session is in use, which puts off its idle limit."""
    with transaction() as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.token_hash == token_hash)
            .values(used_at=utc_now())
        )


def list_sessions(user_id: int | None = None) -> list[SessionInfo]:
    """Return the sessions that live, of one user or of all, the last used first."""
    query = select(LoginSession).join(LoginSession.user).where(*_alive())
    if user_id is not None:
        query = query.where(LoginSession.user_id == user_id)
    with transaction(read_only=True) as session:
        rows = session.scalars(query.order_by(LoginSession.used_at.desc())).all()
        return [_info(row) for row in rows]


def revoke(session_id: int, actor: Actor, event: str = audit.SESSION_ENDED) -> bool:
    """End one session; False if there is none."""
    with transaction() as session:
        row = session.get(LoginSession, session_id)
        if row is None:
            return False
        audit.record(event, actor, subject_id=row.user_id, subject=row.user.username)
        session.delete(row)
    _cache.clear()
    return True


def revoke_user(user_id: int, actor: Actor | None = None) -> int:
    """End all sessions of a user and the sign-ins not taken up; return how many sessions ended.

    Without `actor` nothing is written to the audit log, because the caller does it.
    """
    with transaction() as session:
        session.execute(delete(PendingLogin).where(PendingLogin.user_id == user_id))
        rows = session.scalars(select(LoginSession).where(LoginSession.user_id == user_id)).all()
        for row in rows:
            session.delete(row)
        if actor is not None and rows:
            user = rows[0].user
            detail = f"{len(rows)} sessions"
            audit.record(
                audit.SESSION_ENDED,
                actor,
                subject_id=user.id,
                subject=user.username,
                detail=detail,
            )
    _cache.clear()
    return len(rows)


def prune() -> None:
    """Delete sessions and sign-ins that have expired."""
    now = utc_now()
    with transaction() as session:
        session.execute(delete(PendingLogin).where(PendingLogin.expires_at < now))
        session.execute(
            delete(LoginSession).where(
                or_(LoginSession.expires_at < now, LoginSession.used_at < _idle_since())
            )
        )


def forget_cached() -> None:
    """Ask the database again for every session; for who changes users without this module."""
    _cache.clear()


def _idle_since() -> datetime:
    return utc_now() - timedelta(seconds=get_settings().auth_session_idle_seconds)


def _alive() -> tuple[ColumnElement[bool], ...]:
    return (
        LoginSession.expires_at > utc_now(),
        LoginSession.used_at > _idle_since(),
        User.disabled_at.is_(None),
        # A change of AUTH_BACKEND ends the sessions of the other one.
        User.backend == get_settings().auth_backend,
    )


def _identity(row: LoginSession) -> Identity:
    user = row.user
    return Identity(
        user_id=user.id,
        username=user.username,
        name=user.name or user.username,
        email=user.email,
        roles=user.roles,
        session_id=row.id,
        backend="oidc" if user.backend == "oidc" else "password",
        must_change_password=user.must_change_password,
        groups=user.groups,
    )


def _info(row: LoginSession) -> SessionInfo:
    return SessionInfo(
        row.id,
        row.user_id,
        row.user.username,
        row.created_at,
        row.used_at,
        row.expires_at,
        row.address,
        row.user_agent,
    )
