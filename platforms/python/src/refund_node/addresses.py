"""Which addresses are somebody else's on the open network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_GLOBAL = IPv6Network("2000::/3")
# Some versions of Python know these as special, and others do not: protocols, tunnels, documentation.
_PROTOCOLS = IPv4Network("192.0.0.0/24")
_CORNERS = [IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_EMBEDDING = [IPv6Network(text) for text in ("::/96", "::ffff:0:0/96", "64:ff9b::/96")]


def parse(host: str) -> Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Neither loopback, private, link-local (metadata services live there), shared nor reserved.

    An IPv4 address in IPv6 clothes is judged as what it is.
    """
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is None:
            return address in _GLOBAL and not any(address in corner for corner in _CORNERS)
        address = inner
    special = address.is_multicast or address.is_reserved or address in _PROTOCOLS
    return address.is_global and not special


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in _EMBEDDING):
        return IPv4Address(address.packed[-4:])
    return None
