"""What a page may ask a browser for, beyond the app: origins to load from, and its devices."""

import re
from typing import Final, Literal, get_args

Feature = Literal["camera", "geolocation", "microphone"]
FEATURES: Final[tuple[Feature, ...]] = get_args(Feature)

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
# What stands in a policy must not be able to change it: no path, no keyword, no second directive.
# A "*" stands for what is below a domain, never for a whole top-level domain.
_ORIGIN: Final = re.compile(
    rf"(https|wss|http|ws)://(?:\*\.{_LABEL}\.)?{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
)
_UNENCRYPTED: Final = ("http:", "ws:")


def origin(text: str, *, unencrypted: bool) -> str:
    """Return an origin as a policy spells it; raises ValueError where it is none."""
    spelled = text.strip().lower()
    if not _ORIGIN.fullmatch(spelled):
        raise ValueError(
            f"{text!r} is not an origin: write scheme and host, as https://tiles.example.com or "
            "https://*.example.com"
        )
    if spelled.startswith(_UNENCRYPTED) and not unencrypted:
        raise ValueError(f"{text!r} is not encrypted, which only development permits")
    return spelled


def feature(text: str) -> Feature:
    """Return the name of a browser feature; raises ValueError where there is no such."""
    for name in FEATURES:
        if text.strip().lower() == name:
            return name
    raise ValueError(f"{text!r} is none of {', '.join(FEATURES)}")
