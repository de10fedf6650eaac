"""The accounts: add, list, disable, roles, passwords, reset codes."""

import re
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import project
from ..database.engine import transaction
from ..database.tables import utc_now
from ..errors import ExplainedError
from ..i18n import _
from ..texts import comparable, is_one_line, one_line
from . import audit, passwords, sessions
from .audit import Actor
from .models import MAX_EMAIL, MAX_NAME, User
from .roles import Role

RESET_CODE_HOURS: Final = 24
_CODE_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # 20 of them: 99 bits
_SIGNS_IN_A_NAME: Final = "._@+-"


class UserError(ExplainedError):
    """What was asked for cannot be done; the text is one line for the person who asked."""


@dataclass(frozen=True)
class Account:
    """A user, to show."""

    id: int
    username: str
    name: str
    email: str
    roles: frozenset[Role]
    groups: frozenset[str]
    backend: str
    enabled: bool
    must_change_password: bool
    created_at: datetime
    last_login_at: datetime | None


def create(
    username: str,
    *,
    roles: Collection[Role],
    actor: Actor,
    groups: Collection[str] = (),
    password: str | None = None,
    password_hash: str | None = None,
    name: str = "",
    email: str = "",
    must_change_password: bool = True,
) -> Account:
    """Add an account. Without a password nobody can sign in before a reset code is made.

    `password_hash` imports an argon2id or bcrypt hash from elsewhere.
    """
    username = _checked_username(username)
    if password is not None:
        password_hash = _hash_of_good(password, username)
    elif password_hash is not None and not passwords.is_hash(password_hash):
        raise UserError(_("This is neither an argon2id nor a bcrypt hash."))
    user = User(
        username=username,
        name=_checked_text(name, MAX_NAME),
        email=_checked_email(email),
        roles=_checked_roles(roles),
        groups=_checked_groups(groups),
        password_hash=password_hash,
        must_change_password=must_change_password and password_hash is not None,
    )
    try:
        with transaction() as session:
            session.add(user)
            session.flush()
            roles_text = ", ".join(sorted(user.roles))
            _record(audit.USER_ADDED, actor, user, roles_text)
    except IntegrityError:
        raise UserError(_("There is a user of this name already.")) from None
    return _account(user)


def get(user_id: int) -> Account | None:
    """Return an account by its number."""
    with transaction(read_only=True) as session:
        user = session.get(User, user_id)
        return _account(user) if user is not None else None


def find(username: str) -> Account | None:
    """Return an account by its user name."""
    with transaction(read_only=True) as session:
        user = by_name(session, username)
        return _account(user) if user is not None else None


def by_name(session: Session, username: str) -> User | None:
    """Return the row of an account by its user name."""
    return session.scalar(select(User).where(User.username == comparable(username)))


def list_accounts(
    *, text: str = "", limit: int = 100, offset: int = 0
) -> tuple[list[Account], int]:
    """Return the accounts whose names or e-mail contain the words, and how many there are."""
    query = select(User).where(*User.has_words(text))
    with transaction(read_only=True) as session:
        total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        rows = session.scalars(query.order_by(User.username).limit(limit).offset(offset)).all()
        return [_account(user) for user in rows], total


def admins() -> list[str]:
    """Return the user names of those who can sign in with a password and administrate the app."""
    enabled = select(User).where(User.disabled_at.is_(None), User.backend == "password")
    with transaction(read_only=True) as session:
        found = session.scalars(enabled.order_by(User.username))
        return [user.username for user in found if Role.ADMIN in user.roles]


def disable(user_id: int, actor: Actor) -> None:
    """Take the right to sign in, and end all sessions."""
    with transaction() as session:
        user = _existing(session, user_id)
        if not user.enabled:
            return
        _keep_an_admin(session, user)
        user.disabled_at = utc_now()
        _record(audit.USER_DISABLED, actor, user)
        sessions.revoke_user(user.id)
    sessions.forget_cached()


def enable(user_id: int, actor: Actor) -> None:
    """Give the right to sign in back."""
    with transaction() as session:
        user = _existing(session, user_id)
        if user.enabled:
            return
        user.disabled_at = None
        _record(audit.USER_ENABLED, actor, user)


def set_roles(user_id: int, roles: Collection[Role], actor: Actor) -> None:
    """Change the roles, and end all sessions: the next sign-in has the new ones."""
    wanted = _checked_roles(roles)
    with transaction() as session:
        user = _existing(session, user_id)
        if user.roles == wanted:
            return
        if Role.ADMIN not in wanted:
            _keep_an_admin(session, user)
        _record(audit.ROLES_CHANGED, actor, user, audit.change(user.roles, wanted))
        user.roles = wanted
        sessions.revoke_user(user.id)
    sessions.forget_cached()


def set_groups(user_id: int, groups: Collection[str], actor: Actor) -> None:
    """Change the groups, and end all sessions: the next sign-in has the new ones."""
    wanted = _checked_groups(groups)
    with transaction() as session:
        user = _existing(session, user_id)
        if user.groups == wanted:
            return
        _record(audit.GROUPS_CHANGED, actor, user, audit.change(user.groups, wanted))
        user.groups = wanted
        sessions.revoke_user(user.id)
    sessions.forget_cached()


def set_password(
    user_id: int, password: str, actor: Actor, *, must_change_password: bool = True
) -> None:
    """Set a password, and end all sessions of its user."""
    with transaction(read_only=True) as session:
        username = _password_user(session, user_id).username
    hashed = _hash_of_good(password, username)
    with transaction() as session:
        user = _password_user(session, user_id)
        store_password(user, hashed, actor, must_change_password=must_change_password)
    sessions.forget_cached()


def store_password(
    user: User, hashed: str, actor: Actor, *, must_change_password: bool = False
) -> None:
    """Write a new password into the row of an account, and end all of its sessions."""
    user.password_hash = hashed
    user.must_change_password = must_change_password
    user.reset_code_hash = user.reset_code_expires_at = None
    _record(audit.PASSWORD_CHANGED, actor, user)
    sessions.revoke_user(user.id)


def make_reset_code(user_id: int, actor: Actor) -> str:
    """Return a code with which its user, once and within a day, can choose a new password."""
    letters = [secrets.choice(_CODE_LETTERS) for _place in range(20)]
    code = "-".join("".join(letters[place : place + 5]) for place in range(0, 20, 5))
    with transaction() as session:
        user = _password_user(session, user_id)
        user.reset_code_hash = hash_of_code(code)
        user.reset_code_expires_at = utc_now() + timedelta(hours=RESET_CODE_HOURS)
        _record(audit.RESET_CODE_MADE, actor, user)
    return code


def hash_of_code(code: str) -> str:
    """Return what is stored of a reset code, however it was typed."""
    return sessions.hash_of(re.sub(r"\W", "", comparable(code)))


def remove(user_id: int, actor: Actor) -> None:
    """Delete an account, and the database its sessions; the audit log keeps its name."""
    with transaction() as session:
        user = _existing(session, user_id)
        _keep_an_admin(session, user)
        _record(audit.USER_REMOVED, actor, user)
        session.delete(user)
    sessions.forget_cached()


def _record(event: str, actor: Actor, user: User, detail: str = "") -> None:
    audit.record(event, actor, subject_id=user.id, subject=user.username, detail=detail)


def _existing(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise UserError(_("There is no such user."))
    return user


def _password_user(session: Session, user_id: int) -> User:
    user = _existing(session, user_id)
    if user.backend != "password":
        raise UserError(_("This user signs in elsewhere and has no password here."))
    return user


def _keep_an_admin(session: Session, user: User) -> None:
    """Refuse what would leave nobody to administrate the users."""
    if Role.ADMIN not in user.roles or not user.enabled:
        return
    others = session.scalars(
        select(User.roles).where(
            User.id != user.id, User.disabled_at.is_(None), User.backend == user.backend
        )
    )
    if not any(Role.ADMIN in roles for roles in others):
        raise UserError(_("This is the last admin; make another one first."))


def _checked_username(username: str) -> str:
    username = comparable(username)
    if not _is_username(username):
        raise UserError(_("A user name is letters and digits, and . _ @ + - after the first one."))
    return username


def _is_username(text: str) -> bool:
    """Whether it has letters, marks and digits of any script; many write vowels as marks."""
    kinds = {unicodedata.category(one)[0] for one in text if one not in _SIGNS_IN_A_NAME}
    return text[:1].isalnum() and len(text) <= MAX_NAME and kinds <= set("LMN")


def _checked_text(text: str, longest: int) -> str:
    text = text.strip()
    if not is_one_line(text, longest):
        raise UserError(
            _("The text must be one line of at most %(number)s characters.", number=longest)
        )
    return one_line(text, longest)


def _checked_email(email: str) -> str:
    email = _checked_text(email, MAX_EMAIL)
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise UserError(_("This is not an e-mail address."))
    return email


def _checked_roles(roles: Collection[Role]) -> frozenset[Role]:
    if not roles:
        raise UserError(_("A user needs at least one role."))
    return frozenset(roles)


def _checked_groups(groups: Collection[str]) -> frozenset[str]:
    known = project.current().groups
    for name in groups:
        if name not in known:
            names = ", ".join(known) or "-"
            raise UserError(
                _("There is no group %(name)s; there are: %(names)s", name=name, names=names)
            )
    return frozenset(groups)


def _hash_of_good(password: str, username: str) -> str:
    if (problem := passwords.problem(password, username)) is not None:
        raise UserError(problem)
    return passwords.hash_password(password)


def _account(user: User) -> Account:
    return Account(
        user.id,
        user.username,
        user.name,
        user.email,
        user.roles,
        user.groups,
        user.backend,
        user.enabled,
        user.must_change_password,
        user.created_at,
        user.last_login_at,
    )
