"""Request checks: only forms of this server's page are answered, not those of other sites in the same browser."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def is_known(host: str, names: frozenset[str], any_address: bool) -> bool:
    """Whether the Host header of a request names this server.

    Another site can point its own host name to this machine (DNS rebinding), and would then have the same origin as
    this server. Its requests carry that host name; an IP address cannot be redirected in this way.

    Args:
      host: the header, with or without a port.
      names: the host names of this server.
      any_address: accept every IP address, for a server that listens on all interfaces; otherwise only loopback
        addresses.
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
    """Whether a form comes from a page of this server, by its Origin header; clients other than browsers send none."""
    origin = headers.get("Origin")
    if origin is not None:
        return origin.lower() == f"http://{headers.get('Host', '')}".lower()
    return headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
