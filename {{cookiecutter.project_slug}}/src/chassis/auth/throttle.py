"""How often somebody may try to sign in: per address, and per account.

A user who has signed in once from a browser has a device cookie there, and is counted apart from
the rest of the world: strangers who guess at an account cannot lock its owner out.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import hmac
import secrets
from functools import cache
from typing import Literal

from .. import metrics
from ..limits import counted, get_limiter
from ..settings import get_settings
from ..texts import comparable

ADDRESS = "login_ip"
ACCOUNT = "login_account"

# What the attempts are counted for: names of one purpose say nothing in another.
Purpose = Literal["account", "session"]


def seconds_to_wait(
    username: str, address: str, device: str | None, purpose: Purpose = "account"
) -> float:
    """Count one attempt, known account or not; return 0.0 if it may be made, else how long to wait.

    With the purpose "session" the name is the number of a session. Counted before the password is
    looked at, so that attempts at the same time gain nothing.
    """
    settings, limiter = get_settings(), get_limiter()
    wait = limiter.hit_sync(settings.rate_limit_login_ip, ADDRESS, counted(address))
    if wait:
        metrics.rate_limited(ADDRESS)
        return wait
    wait = limiter.hit_sync(
        settings.rate_limit_login_account, ACCOUNT, _key(username, device, purpose)
    )
    if wait:
        metrics.rate_limited(ACCOUNT)
    return wait


def forget_failures(username: str, device: str | None, purpose: Purpose = "account") -> None:
    """Forget the failures of this account after a sign-in that succeeded."""
    rate = get_settings().rate_limit_login_account
    get_limiter().forget(rate, ACCOUNT, _key(username, device, purpose))


def new_device_cookie(username: str) -> str:
    """Return a cookie for a browser in which this user has signed in."""
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{_signature(username, nonce)}"


def _key(username: str, device: str | None, purpose: Purpose) -> str:
    """Return under what name attempts are counted; hashed, as user names are personal data."""
    nonce, _dot, signature = (device or "").partition(".")
    if nonce and hmac.compare_digest(signature.encode(), _signature(username, nonce).encode()):
        return _hash(f"device|{nonce}|{comparable(username)}")
    return _hash(f"{purpose}|{comparable(username)}")


def _signature(username: str, nonce: str) -> str:
    return _hash(f"signature|{nonce}|{comparable(username)}")


def _hash(text: str) -> str:
    return hmac.new(_secret(), text.encode("utf-8", "replace"), "sha256").hexdigest()


@cache
def _secret() -> bytes:
    """Return a key of its own made from APP_SECRET_KEY; random while developing without one."""
    key = get_settings().app_secret_key
    material = key.get_secret_value().encode() if key else secrets.token_bytes(32)
    return hmac.new(material, b"sign-in throttle", "sha256").digest()
