"""Decides whether an IP address is publicly routable.

From the table that all hosts share: `is_global` and `is_loopback` of `ipaddress` differ between Python versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from .packaged import EGRESS

Address = IPv4Address | IPv6Address

_IPV4_INSIDE = [ip_network(text) for text in EGRESS["ipv4_inside"]]
_SPECIAL = [ip_network(text) for text in EGRESS["special_networks"]]
_LOOPBACK = [ip_network(text) for text in ("127.0.0.0/8", "::1/128")]


def parse(host: str) -> Address | None:
    """The address that a host is written as; None for a name, and for an address of one link, with a zone."""
    try:
        return None if "%" in host else ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address is publicly routable."""
    if _is_in(_IPV4_INSIDE, address):
        address = IPv4Address(address.packed[-4:])
    return not _is_in(_SPECIAL, address)


def is_loopback(address: Address) -> bool:
    """Whether an address is this machine's own."""
    return _is_in(_LOOPBACK, address)


def _is_in(networks: Iterable[IPv4Network | IPv6Network], address: Address) -> bool:
    return any(address in network for network in networks)
