"""Which addresses may be connected to."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from refund_node import wire
from refund_node.addresses import is_public, parse
from refund_node.allow import Origin


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("8.8.8.8", True),
        ("54.187.174.169", True),
        ("2600:1f14::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("172.32.0.1", True),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("100.128.0.1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("0.1.2.3", False),
        ("192.0.0.8", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::10.0.0.1", False),
        ("2002:0a00:0001::", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("2001::1", False),
        ("2001:2::1", False),
        ("2001:4860:4860::8888", True),
    ],
)
def test_addresses(text: str, *, good: bool) -> None:
    address = parse(text)
    assert address is not None
    assert is_public(address) == good


def test_a_name_for_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ("10.0.0.1", "127.0.0.1", "169.254.169.254")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(wire.NotSent) as refused:
        wire._resolve(Origin("https", "api.stripe.com", 443))
    assert refused.value.code == "destination-IP-prohibited"
    assert wire._resolve(Origin("http", "localhost", 443)) == [(socket.AF_INET, ("127.0.0.1", 443))]
