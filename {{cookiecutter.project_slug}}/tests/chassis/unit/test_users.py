"""Accounts, their roles and passwords, and what is written about it: on each database."""

import threading
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import bcrypt
import pytest
from chassis.auth import audit, oidc, sessions, sign_in, users
from chassis.auth.audit import Actor
from chassis.auth.models import AuditEvent, LoginSession, PendingLogin, User
from chassis.auth.roles import Role, parse_roles
from chassis.auth.users import UserError
from chassis.database.engine import transaction
from chassis.database.tables import utc_now
from chassis.limits import get_limiter
from chassis.settings import get_settings
from sqlalchemy import select, update
from structlog.testing import capture_logs

PASSWORD = "a long enough pass phrase"
ADMIN = Actor(1, "boss", "203.0.113.1")
BROWSER = sessions.hash_of("the token of a browser")

pytestmark = pytest.mark.usefixtures("database", "password_backend")


@pytest.fixture
def password_backend(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    assert database
    monkeypatch.setenv("AUTH_BACKEND", "password")
    monkeypatch.setattr(sign_in, "REFUSAL_SECONDS", 0.0)
    get_settings.cache_clear()
    get_limiter.cache_clear()
    sessions.forget_cached()
    yield monkeypatch
    get_limiter.cache_clear()


def add(username: str = "ann", role: Role = Role.VIEWER, **options: Any) -> users.Account:
    values: dict[str, Any] = {"password": PASSWORD, "must_change_password": False} | options
    return users.create(username, roles=[role], actor=ADMIN, **values)


def attempt(password: str = PASSWORD, username: str = "ann") -> sign_in.Outcome:
    return sign_in.check_password(
        username, password, browser=BROWSER, address="203.0.113.9", device=None
    )


def events() -> list[str]:
    return [entry.event for entry in audit.list_events()[0]]


def stored(user_id: int) -> User:
    with transaction(read_only=True) as session:
        return session.get_one(User, user_id)


# --- Accounts -------------------------------------------------------------------------------------


def test_roles_include_those_before_them() -> None:
    assert Role.ADMIN.includes(Role.VIEWER)
    assert not Role.VIEWER.includes(Role.EDITOR)
    assert parse_roles([" Admin", "root", "editor "]) == {Role.ADMIN, Role.EDITOR}


def test_an_account_is_found_however_its_name_is_written() -> None:
    account = add("  Ann.Müller ", name="Ann Müller", email="ann@example.com")
    assert account.username == "ann.müller"
    assert users.find("ANN.MU\u0308LLER") == users.get(account.id) == account
    assert users.list_accounts(text="EXAMPLE.com") == ([account], 1)
    assert users.list_accounts(text="%") == ([], 0)
    assert users.list_accounts()[1] == 1
    with pytest.raises(UserError, match="already"):
        add("ANN.Müller")


@pytest.mark.parametrize("name", ["İbrahim", "नीता", "สมชัย", "김하나", "Æsa-Ö.2", "عمر"])
def test_a_name_is_of_any_script(name: str) -> None:
    account = add(name)
    assert attempt(username=f" {unicodedata.normalize('NFD', name)}\u200b").status == "ok"
    assert users.find(name.upper()) == users.get(account.id)
    with pytest.raises(UserError, match="already"):
        add(f"\ufeff{name}")


@pytest.mark.parametrize(
    ("shown", "typed"),
    [
        ("Élodie", "élodie"),
        ("Özdemir", "O\u0308ZDEMIR"),
        ("Иван", "ИВАН"),
        ("Fu\u0308rst", "fürst"),
        ("각도", "\u1100\u1161\u11a8도"),
        ("\uff21nn", "ann"),
        ("Straße", "strasse"),
    ],
)
def test_users_and_events_are_found_however_they_are_written(shown: str, typed: str) -> None:
    account = add("first", name=shown)
    add("second", name="Somebody")
    for text in (typed, shown, f" {typed} ", f"{typed} FIRST"):
        assert users.list_accounts(text=text) == ([account], 1), text
    audit.record("test", Actor(None, shown), subject="somebody", detail="100%_done")
    for text in (typed, f"somebody {typed}", "0%_D"):
        assert [entry.event for entry in audit.list_events(text=text)[0]] == ["test"], text
    assert audit.list_events(text=f"nobody {typed}") == ([], 0)


def test_what_has_changed_is_found() -> None:
    account = add("ann", name="Old")
    with transaction() as session:
        session.get_one(User, account.id).name = "ÉLODIE"
    assert users.list_accounts(text="old") == ([], 0)
    assert users.list_accounts(text="élodie")[1] == 1


def test_what_no_database_stores_is_no_error() -> None:
    account = add()
    code = users.make_reset_code(account.id, ADMIN)
    for odd in ("\0", "\ud800", "x" * 100_000):
        assert attempt(username=f"nobody{odd}").status == "wrong"
        assert users.list_accounts(text=f"nobody{odd}") == ([], 0)
        assert audit.list_events(text=f"nobody{odd}") == ([], 0)
        used = {"browser": BROWSER, "address": "203.0.113.9", "device": None}
        assert sign_in.use_reset_code(f"x{odd}", f"x{odd}", PASSWORD, **used).status == "wrong"
    audit.record("test", Actor(None, "a\0b\ud800"), subject="\0", detail="c\0")
    assert users.list_accounts(text="ANN\0") == ([account], 1)
    typed = "\0\u200b" + code.lower().replace("-", "\u2014")
    assert sign_in.use_reset_code("ann\0", typed, PASSWORD, **used).status == "ok"


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": ""},
        {"username": "\u200b"},
        {"username": "\u0301a"},
        {"username": "a\u2028b"},
        {"username": "a b"},
        {"username": "<script>"},
        {"username": "x" * 201},
        {"name": "two\nlines"},
        {"email": "nobody"},
        {"password": "short"},
        {"password": None, "password_hash": "plain text"},
    ],
)
def test_wrong_accounts_are_refused_in_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError) as error:
        add(**({"username": "ann"} | wrong))
    assert "\n" not in str(error.value)
    assert users.list_accounts()[1] == 0


def test_the_last_admin_stays() -> None:
    only = add("only", Role.ADMIN)
    with pytest.raises(UserError, match="last admin"):
        users.disable(only.id, ADMIN)
    with pytest.raises(UserError, match="last admin"):
        users.remove(only.id, ADMIN)
    with pytest.raises(UserError, match="last admin"):
        users.set_roles(only.id, [Role.EDITOR], ADMIN)
    second = add("second", Role.ADMIN)
    users.disable(only.id, ADMIN)
    with pytest.raises(UserError, match="last admin"):
        users.remove(second.id, ADMIN)


def test_every_change_is_in_the_audit_log_with_who_and_from_where() -> None:
    add("root", Role.ADMIN)
    account = add("eve", Role.EDITOR)
    users.set_roles(account.id, [Role.VIEWER], ADMIN)
    users.set_roles(account.id, [Role.VIEWER], ADMIN)  # changes nothing
    users.set_groups(account.id, ["finance"], ADMIN)
    users.set_groups(account.id, ["finance"], ADMIN)  # neither
    users.set_password(account.id, PASSWORD + "!", ADMIN)
    users.make_reset_code(account.id, ADMIN)
    users.disable(account.id, ADMIN)
    users.enable(account.id, ADMIN)
    users.remove(account.id, ADMIN)
    entries, total = audit.list_events(text="eve")
    assert total == len(entries) == 8
    assert [entry.event for entry in reversed(entries)] == [
        audit.USER_ADDED,
        audit.ROLES_CHANGED,
        audit.GROUPS_CHANGED,
        audit.PASSWORD_CHANGED,
        audit.RESET_CODE_MADE,
        audit.USER_DISABLED,
        audit.USER_ENABLED,
        audit.USER_REMOVED,
    ]
    assert {(entry.actor, entry.subject, entry.address) for entry in entries} == {
        ("boss", "eve", "203.0.113.1")
    }
    assert entries[-2].detail == "editor -> viewer"
    assert audit.list_events(event=audit.USER_ADDED, limit=1)[1] == 2


def test_the_audit_log_is_pruned_by_age() -> None:
    add()
    add("bob")
    with transaction() as session:
        old = AuditEvent.subject == "ann"
        session.execute(update(AuditEvent).where(old).values(at=utc_now() - timedelta(days=31)))
    assert audit.prune(30) == 1
    assert [entry.subject for entry in audit.list_events()[0]] == ["bob"]


# --- Signing in -----------------------------------------------------------------------------------


def test_a_sign_in_is_taken_up_once_by_its_browser() -> None:
    account = add()
    outcome = attempt()
    assert outcome.status == "ok"
    taken = sign_in.take_up(outcome.code, BROWSER, address="203.0.113.9", user_agent="Firefox")
    assert taken is not None
    assert sign_in.take_up(outcome.code, BROWSER, address="", user_agent="") is None
    identity = sessions.lookup(sessions.hash_of(taken.token))
    assert identity is not None
    assert identity.username == "ann"
    assert identity.roles == {Role.VIEWER}
    assert identity.has(Role.VIEWER)
    assert not identity.has(Role.EDITOR)
    [info] = sessions.list_sessions(account.id)
    assert (info.address, info.user_agent) == ("203.0.113.9", "Firefox")
    assert stored(account.id).last_login_at is not None
    assert events()[0] == audit.SIGNED_IN


def test_a_refusal_does_not_say_why() -> None:
    account = add()
    add("oidc-like", password=None)
    assert attempt("wrong password").status == "wrong"
    assert attempt(username="nobody").status == "wrong"
    assert attempt(username="oidc-like").status == "wrong"
    add("root", Role.ADMIN)
    users.disable(account.id, ADMIN)
    assert attempt().status == "wrong"
    entries, _total = audit.list_events(event=audit.SIGN_IN_FAILED)
    assert [entry.actor for entry in entries] == ["ann", "oidc-like", "", "ann"]


def test_sessions_of_a_disabled_account_do_not_come_back() -> None:
    account = add()
    token = sessions.start(account.id)
    users.disable(account.id, ADMIN)
    users.enable(account.id, ADMIN)
    assert sessions.lookup(sessions.hash_of(token)) is None


def at_once(work: Callable[[], object]) -> list[object]:
    """Let four threads do the same at the same time; return their answers."""
    together = threading.Barrier(4)

    def begin(_number: int) -> object:
        together.wait()
        return work()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(begin, range(4)))


def test_a_sign_in_can_be_taken_up_once_whoever_comes_at_the_same_time() -> None:
    account = add()
    for _round in range(5):
        code = sign_in.pend(account.id, BROWSER)
        taken = at_once(lambda c=code: sign_in.take_up(c, BROWSER, address="", user_agent=""))
        assert sum(one is not None for one in taken) == 1


def test_a_reset_code_can_be_used_once_whoever_comes_at_the_same_time() -> None:
    account = add()
    for number in range(3):
        code = users.make_reset_code(account.id, ADMIN)

        def use(code: str = code, password: str = f"{PASSWORD} {number}") -> object:
            return sign_in.use_reset_code(
                "ann", code, password, browser=BROWSER, address="", device=None
            ).status

        assert sorted(map(str, at_once(use))) == ["ok", "wrong", "wrong", "wrong"]


def test_who_guesses_at_a_strange_name_does_not_keep_others_from_their_password(
    password_backend: pytest.MonkeyPatch,
) -> None:
    password_backend.setenv("RATE_LIMIT_LOGIN_ACCOUNT", "3/minute")
    get_settings.cache_clear()
    account = add()
    token = sessions.start(account.id)
    identity = sessions.lookup(sessions.hash_of(token))
    assert identity is not None
    for name in (f"Session {identity.session_id}", str(identity.session_id)):
        for _attempt in range(3):
            attempt(username=name)
        assert attempt(username=name).status == "wait"
    changed = sign_in.change_password(
        identity, PASSWORD, f"{PASSWORD} 2", browser=BROWSER, address="198.51.100.7"
    )
    assert changed.status == "ok"


def test_a_bcrypt_hash_is_replaced_at_the_next_sign_in() -> None:
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    account = add(password=None, password_hash=old)
    assert attempt("wrong password").status == "wrong"
    assert stored(account.id).password_hash == old
    assert attempt().status == "ok"
    assert (stored(account.id).password_hash or "").startswith("$argon2id$")
    assert attempt().status == "ok"


def test_a_success_forgets_the_failures_before_it(password_backend: pytest.MonkeyPatch) -> None:
    password_backend.setenv("RATE_LIMIT_LOGIN_ACCOUNT", "3/minute")
    get_settings.cache_clear()
    add()
    for _round in range(3):
        assert attempt("wrong password").status == "wrong"
        assert attempt("wrong password").status == "wrong"
        assert attempt().status == "ok"
    outcome = [attempt("wrong password") for _attempt in range(4)][-1]
    assert outcome.status == "wait"
    assert 0 < outcome.seconds <= 60


def test_a_reset_code_works_once_and_only_for_its_user() -> None:
    account = add()
    add("bob")
    token = sessions.start(account.id)
    code = users.make_reset_code(account.id, ADMIN)

    def use(username: str, code: str, password: str = PASSWORD + " 2") -> sign_in.Outcome:
        return sign_in.use_reset_code(
            username, code, password, browser=BROWSER, address="", device=None
        )

    assert use("bob", code).status == "wrong"
    assert use("ann", "ABCDE-FGHJK-MNPQR-STUVW").status == "wrong"
    assert use("ann", code, "short").status == "refused"
    assert use("Ann", f" {code.lower().replace('-', ' ')} ").status == "ok"
    assert use("ann", code).status == "wrong"
    assert sessions.lookup(sessions.hash_of(token)) is None
    assert attempt(PASSWORD).status == "wrong"
    assert attempt(PASSWORD + " 2").status == "ok"
    late = users.make_reset_code(account.id, ADMIN)
    with transaction() as session:
        session.get_one(User, account.id).reset_code_expires_at = utc_now()
    assert use("ann", late).status == "wrong"


def test_a_changed_password_ends_every_session_and_goes_on_in_this_browser() -> None:
    account = add(must_change_password=True)
    token, other = sessions.start(account.id), sessions.start(account.id)
    identity = sessions.lookup(sessions.hash_of(token))
    assert identity is not None
    assert identity.must_change_password

    def change(old: str, new: str) -> sign_in.Outcome:
        browser = sessions.hash_of(token)
        return sign_in.change_password(identity, old, new, browser=browser, address="")

    assert change("wrong password", PASSWORD + "!").status == "wrong"
    assert change(PASSWORD, PASSWORD).status == "refused"
    assert change(PASSWORD, "short").status == "refused"
    outcome = change(PASSWORD, PASSWORD + "!")
    assert outcome.status == "ok"
    # The server does not send this browser to the sign-in page while it fetches its new cookie.
    assert sessions.alive([sessions.hash_of(token), sessions.hash_of(other)]) == {
        sessions.hash_of(token)
    }
    assert sessions.lookup(sessions.hash_of(token)) is None
    taken = sign_in.take_up(outcome.code, sessions.hash_of(token), address="", user_agent="")
    assert taken is not None
    new = sessions.lookup(sessions.hash_of(taken.token))
    assert new is not None
    assert not new.must_change_password


def test_guesses_at_the_old_password_are_limited() -> None:
    account = add()
    identity = sessions.lookup(sessions.hash_of(sessions.start(account.id)))
    assert identity is not None
    results = [
        sign_in.change_password(identity, "wrong", PASSWORD + "!", browser="", address="").status
        for _attempt in range(6)
    ]
    assert results == ["wrong"] * 5 + ["wait"]


# --- Sessions -------------------------------------------------------------------------------------


def test_only_the_hash_of_a_token_is_stored() -> None:
    token = sessions.start(add().id)
    assert sessions.is_token(token)
    assert sessions.lookup(token) is None
    assert sessions.lookup(sessions.hash_of(token)) is not None


def test_sessions_of_another_backend_do_not_count(password_backend: pytest.MonkeyPatch) -> None:
    key = sessions.hash_of(sessions.start(add().id))
    password_backend.setenv("AUTH_BACKEND", "proxy")
    get_settings.cache_clear()
    assert sessions.lookup(key) is None


def test_the_cache_is_bounded_and_emptied_by_what_ends_a_session(
    password_backend: pytest.MonkeyPatch,
) -> None:
    password_backend.setattr(sessions, "MAX_CACHED", 3)
    account = add()
    keys = [sessions.hash_of(sessions.start(account.id)) for _session in range(5)]
    assert all(sessions.lookup(key) for key in keys)
    assert [sessions.remembered(key) is not None for key in keys] == [False] * 2 + [True] * 3
    sessions.revoke(sessions.list_sessions()[0].id, ADMIN)
    assert not any(sessions.remembered(key) for key in keys)
    assert sessions.revoke_user(account.id, ADMIN) == 4
    assert sessions.alive(keys) == set()
    assert not sessions.revoke(1, ADMIN)


def test_what_has_expired_is_pruned() -> None:
    account = add()
    attempt()
    sessions.start(account.id)
    sessions.prune()
    assert len(sessions.list_sessions()) == 1
    with transaction() as session:
        session.execute(update(LoginSession).values(expires_at=utc_now()))
        session.execute(update(PendingLogin).values(expires_at=utc_now()))
    sessions.prune()
    with transaction(read_only=True) as session:
        assert session.scalars(select(LoginSession)).all() == []
        assert session.scalars(select(PendingLogin)).all() == []


# --- OpenID Connect -------------------------------------------------------------------------------


@pytest.fixture
def provider(password_backend: pytest.MonkeyPatch) -> dict[str, object]:
    """Use AUTH_BACKEND=oidc; return good claims."""
    for name, value in {
        "AUTH_BACKEND": "oidc",
        "OIDC_DISCOVERY_URL": "https://login.example.com/.well-known/openid-configuration",
        "OIDC_CLIENT_ID": "app",
        "OIDC_CLIENT_SECRET": "the secret of the app",
        "AUTH_ALLOWED_EMAIL_DOMAINS": "example.com",
    }.items():
        password_backend.setenv(name, value)
    get_settings.cache_clear()
    now = utc_now().timestamp()
    return {
        "iss": "https://login.example.com",
        "sub": "4711",
        "exp": now + 3600,
        "iat": now - 1,
        "email": "Ann@Example.com",
        "email_verified": True,
        "name": "Ann",
        "preferred_username": "ann",
        "roles": ["editor", "unknown"],
    }


def accept(claims: dict[str, object]) -> sign_in.SignedIn | oidc.Refusal:
    return oidc.sign_in(claims, browser=BROWSER, address="203.0.113.9", user_agent="")


def test_claims_may_hold_what_no_database_stores(provider: dict[str, object]) -> None:
    odd = "\0\ud800\u200b"
    texts = {"sub": f"subject{odd}", "preferred_username": f"Ann{odd}", "name": f"É{odd}"}
    long = {"sub": f"other{odd}", "preferred_username": "\ufdfa" * 100}
    for claims in (texts | {"email": f"ann{odd}@example.com"}, long):
        assert isinstance(accept(provider | claims), sign_in.SignedIn)
        assert isinstance(accept(provider | claims), sign_in.SignedIn)  # the same account
    assert users.list_accounts()[1] == 2
    account = users.find("ann")
    assert account is not None
    assert (account.name, account.email) == ("É", "ann@example.com")


def test_claims_become_an_account_that_follows_the_provider(provider: dict[str, object]) -> None:
    signed_in = accept(provider)
    assert isinstance(signed_in, sign_in.SignedIn)
    assert signed_in.device is None
    identity = sessions.lookup(sessions.hash_of(signed_in.token))
    assert identity is not None
    assert (identity.username, identity.backend) == ("ann", "oidc")
    assert identity.roles == {Role.EDITOR}
    accept(provider | {"roles": "admin, x", "name": "Ann B."})
    [account] = users.list_accounts()[0]
    assert account.roles == {Role.ADMIN}
    assert account.name == "Ann B."
    assert audit.ROLES_CHANGED in events()


def test_groups_are_those_of_the_provider_that_app_py_names(provider: dict[str, object]) -> None:
    accept(provider | {"groups": ["finance", "everybody"]})
    [account] = users.list_accounts()[0]
    assert account.groups == {"finance"}
    accept(provider | {"groups": "staff & guests"})
    [account] = users.list_accounts()[0]
    assert account.groups == {"staff & guests"}
    accept(provider)
    [account] = users.list_accounts()[0]
    assert account.groups == set()
    assert audit.list_events(event=audit.GROUPS_CHANGED)[1] == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sub": None}, "nobody"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "expired"),
        ({"iat": 1}, "expired"),
        ({"iat": "yesterday"}, "expired"),
        ({"email": "ann@evil.example"}, "email"),
        ({"email": "ann@example.com.evil.example"}, "email"),
        ({"email": None}, "email"),
        ({"email_verified": False}, "unverified"),
        ({"email_verified": "False"}, "unverified"),
        ({"email_verified": None}, "unverified"),
    ],
)
def test_claims_that_prove_nothing_are_refused(
    provider: dict[str, object], change: dict[str, object], reason: str
) -> None:
    assert accept(provider | change) == reason
    assert users.list_accounts()[1] == 0
    [event] = audit.list_events()[0]
    assert (event.event, event.detail) == (audit.SIGN_IN_FAILED, f"oidc: {reason}")


@pytest.mark.parametrize("said", [True, "true", "True"])
def test_an_address_is_verified_however_the_provider_writes_that(
    provider: dict[str, object], said: object
) -> None:
    assert isinstance(accept(provider | {"email_verified": said}), sign_in.SignedIn)


def test_an_issuer_of_the_settings_need_not_say_that_addresses_are_verified(
    provider: dict[str, object],
    password_backend: pytest.MonkeyPatch,
) -> None:
    """Entra ID never says it."""
    del provider["email_verified"]
    assert accept(provider) == "unverified"
    password_backend.setenv("OIDC_TRUST_EMAIL_OF", "https://login.example.com")
    get_settings.cache_clear()
    assert isinstance(accept(provider), sign_in.SignedIn)
    assert accept(provider | {"iss": "https://login.example.com.evil.example"}) == "unverified"
    assert accept(provider | {"email": "ann@evil.example"}) == "email"


def test_a_provider_cannot_take_over_an_account(provider: dict[str, object]) -> None:
    mine = add("ann")
    accept(provider)
    names = {account.username: account.backend for account in users.list_accounts()[0]}
    assert names.pop("ann") == "password"
    [(other, backend)] = names.items()
    assert other.startswith("ann-")
    assert backend == "oidc"
    users.disable(next(a.id for a in users.list_accounts()[0] if a.id != mine.id), ADMIN)
    assert accept(provider) == "disabled"
    with pytest.raises(UserError, match="elsewhere"):
        users.set_password(
            next(a.id for a in users.list_accounts()[0] if a.id != mine.id), PASSWORD, ADMIN
        )


@pytest.mark.parametrize(
    ("claim", "value", "roles"),
    [
        ("roles", None, {Role.VIEWER}),
        ("groups", ["Admin"], {Role.ADMIN}),
        ("realm_access.roles", {"roles": ["editor"]}, {Role.EDITOR}),
        ("https://x.example/roles", ["editor"], {Role.EDITOR}),
        ("urn:zitadel:roles", {"editor": {"1": "example.com"}}, {Role.EDITOR}),
        ("roles", ["/staff/admins"], {Role.ADMIN}),
        ("roles", "role:editor,offline_access", {Role.EDITOR}),
        ("roles", "site admin", {Role.VIEWER}),  # one name, of a provider that has spaces in them
        ("roles", [7, None, {"admin": 1}], {Role.VIEWER}),
    ],
)
def test_roles_come_from_the_claim_of_the_settings(
    password_backend: pytest.MonkeyPatch, claim: str, value: object, roles: set[Role]
) -> None:
    password_backend.setenv("OIDC_ROLE_CLAIM", claim)
    password_backend.setenv("AUTH_NAME_MAP", "/staff/admins=admin, role:editor=editor")
    get_settings.cache_clear()
    name = claim if ":" in claim else claim.partition(".")[0]
    assert oidc.roles_of({name: value}) == roles


def test_names_that_mean_nothing_here_are_one_line_of_the_log(provider: dict[str, object]) -> None:
    many = [f"group-{number:03}" for number in range(200)]
    with capture_logs() as lines:
        accept(provider | {"roles": ["editor", "root"], "groups": ["finance", *many]})
    [line] = [line for line in lines if "AUTH_NAME_MAP" in line["event"]]
    assert line["count"] == 201
    assert line["names"] == many[:20]


def test_streamlit_gets_the_secrets_of_the_provider(provider: dict[str, object]) -> None:
    assert provider
    secrets = oidc.secrets(get_settings())
    assert secrets is not None
    auth = secrets["auth"]
    assert auth["redirect_uri"] == "http://localhost:8501/oauth2callback"
    text = "the secret of the app"
    assert auth[oidc.PROVIDER]["client_secret"] == text
    assert text not in auth["cookie_secret"]
