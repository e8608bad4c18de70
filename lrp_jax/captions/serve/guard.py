"""Who may ask: requests of this page alone, and not of other pages in the same browser."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def is_known(host: str, names: frozenset[str], any_address: bool) -> bool:
    """Whether a request was meant for this server, by its Host header.

    A page from elsewhere can let its own name point to this machine (DNS rebinding), and would then be of one origin
    with this server. Its requests bear that name; numbers cannot be made to point elsewhere.

    Args:
      host: the header, with or without a port.
      names: of this server.
      any_address: whether it may be called by any number, as when it listens at all of them; else by those of the
        machine itself alone.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in names:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return any_address or address.is_loopback


def is_own(headers: Mapping[str, str]) -> bool:
    """Whether a form comes from a page of this server, by its Origin; programs that are no browsers send none."""
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower() == f"http://{headers.get('Host', '')}".lower()
    return headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
