"""Which addresses may be connected to, and which headers may leave: the cases that every host is tested with."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from conftest import ROOT

from refund_node import wire
from refund_node.addresses import is_loopback, is_public, parse
from refund_node.allow import Origin
from refund_node.egress import is_forbidden

CASES = json.loads((ROOT / "platforms" / "egress-cases.json").read_text())


def test_every_address_has_its_verdict() -> None:
    for text, expected in CASES["addresses"].items():
        address = parse(text)
        public, loopback = (address is not None and judge(address) for judge in (is_public, is_loopback))
        assert ("loopback" if loopback else "public" if public else "special") == expected, text


def test_every_header_has_its_verdict() -> None:
    for name, expected in CASES["headers"].items():
        assert ("forbidden" if is_forbidden(name) else "allowed") == expected, name


def test_a_name_for_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ("10.0.0.1", "127.0.0.1", "169.254.169.254")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(wire.NotSent) as refused:
        wire._resolve(Origin("https", "api.stripe.com", 443))
    assert refused.value.code == "destination-IP-prohibited"
    assert wire._resolve(Origin("http", "localhost", 443)) == [(socket.AF_INET, ("127.0.0.1", 443))]
