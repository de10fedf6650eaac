"""What an address counts as, for every limit by address and every list of networks."""

import functools
import ipaddress
from typing import Final

UNKNOWN: Final = "unknown"
# One household or one server gets at least so many addresses of IPv6: none of them is a person.
IPV6_NETWORK_BITS: Final = 64


def parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address, as IPv4 what was mapped into IPv6; None for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@functools.lru_cache(maxsize=4096)
def counted(text: str) -> str:
    """Return the name under which an address is counted: IPv4 as it is, IPv6 by its /64."""
    address = parsed(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), IPV6_NETWORK_BITS), strict=False))
    return UNKNOWN if address is None else str(address)
