"""The audit log: who signed in, who failed to, and who changed what, when and from where."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, delete, func, select

from ..database.engine import transaction
from ..database.tables import utc_now
from ..logs import get_logger
from ..texts import one_line
from .identity import Identity
from .models import MAX_ADDRESS, MAX_DETAIL, MAX_NAME, AuditEvent

log = get_logger(__name__)

SIGNED_IN: Final = "signed in"
SIGN_IN_FAILED: Final = "sign-in failed"
SIGNED_OUT: Final = "signed out"
SESSION_ENDED: Final = "session ended"
USER_ADDED: Final = "user added"
USER_DISABLED: Final = "user disabled"
USER_ENABLED: Final = "user enabled"
USER_REMOVED: Final = "user removed"
ROLES_CHANGED: Final = "roles changed"
GROUPS_CHANGED: Final = "groups changed"
PASSWORD_CHANGED: Final = "password changed"  # noqa: S105 - the name of an event
RESET_CODE_MADE: Final = "reset code made"


@dataclass(frozen=True)
class Actor:
    """Who does something, and from which address."""

    user_id: int | None
    name: str
    address: str = ""

    @classmethod
    def of(cls, identity: Identity, address: str = "") -> "Actor":
        """Return a signed-in visitor as actor."""
        return cls(identity.user_id, identity.username, address)


@dataclass(frozen=True)
class Entry:
    """One line of the audit log, to show."""

    id: int
    at: datetime
    event: str
    actor: str
    subject: str
    address: str
    detail: str


def change(before: Iterable[str], after: Iterable[str]) -> str:
    """Return the text of a change of roles or groups."""
    return f"{', '.join(sorted(before))} -> {', '.join(sorted(after))}"


def record(
    event: str,
    actor: Actor,
    *,
    subject_id: int | None = None,
    subject: str = "",
    detail: str = "",
) -> None:
    """Write one event, in the transaction of the caller if there is one; names stay out of logs."""
    with transaction() as session:
        session.add(
            AuditEvent(
                event=event,
                actor_id=actor.user_id,
                actor=one_line(actor.name, MAX_NAME),
                subject_id=subject_id,
                subject=one_line(subject, MAX_NAME),
                address=one_line(actor.address, MAX_ADDRESS),
                detail=one_line(detail, MAX_DETAIL),
            )
        )
    log.info(event, user_id=actor.user_id, subject_id=subject_id)


def list_events(
    *, text: str = "", event: str = "", limit: int = 100, offset: int = 0
) -> tuple[list[Entry], int]:
    """Return the newest events whose texts contain the words, and how many there are."""
    query = select(AuditEvent).where(*AuditEvent.has_words(text))
    if event:
        query = query.where(AuditEvent.event == event)
    newest = query.order_by(AuditEvent.at.desc(), AuditEvent.id.desc()).limit(limit).offset(offset)
    with transaction(read_only=True) as session:
        total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        rows = session.scalars(newest).all()
    return [_entry(row) for row in rows], total


def prune(days: int) -> int:
    """Delete what is older than `days`; return how many events that were."""
    with transaction() as session:
        result = session.execute(
            delete(AuditEvent).where(AuditEvent.at < utc_now() - timedelta(days=days))
        )
        return result.rowcount if isinstance(result, CursorResult) else 0


def _entry(row: AuditEvent) -> Entry:
    return Entry(row.id, row.at, row.event, row.actor, row.subject, row.address, row.detail)
