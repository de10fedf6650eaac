"""Who a visitor is, the same for every backend."""

from dataclasses import dataclass
from typing import Final, Literal

from .roles import Role

Backend = Literal["password", "oidc", "proxy", "none"]

# Header that the server sets -> key of st.user; .streamlit/config.toml has the same.
HEADERS: Final = {
    "X-App-Session": "app_session",
    "X-App-State": "app_state",
    "X-App-User": "app_user",
    "X-App-Email": "app_email",
    "X-App-Roles": "app_roles",
}


@dataclass(frozen=True)
class Identity:
    """A signed-in visitor.

    `user_id` and `session_id` are None where the database does not know the visitor (proxy, none).
    """

    user_id: int | None
    username: str
    name: str
    email: str
    roles: frozenset[Role]
    session_id: int | None
    backend: Backend
    must_change_password: bool = False
    groups: frozenset[str] = frozenset()

    def has(self, role: Role, group: str | None = None) -> bool:
        """Tell whether the visitor may do what `role` may, and is in `group` where one is asked."""
        in_group = group is None or group in self.groups
        return in_group and any(own.includes(role) for own in self.roles)
