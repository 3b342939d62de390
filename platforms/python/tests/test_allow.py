"""The allow-list, by example and by property."""

from __future__ import annotations

import json
import re

import pytest
from conftest import KEY, ROOT
from hypothesis import given
from hypothesis import strategies as st

from refund_node import HostError, RefundNode
from refund_node.allow import AllowList, Origin

ENTRIES = json.loads((ROOT / "platforms" / "egress.json").read_text())["requests"]
STRIPE = AllowList(ENTRIES, None)


def permits(method: str, url: str, allow: AllowList = STRIPE) -> bool:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return allow.permits(method, scheme, authority, (slash + path).partition("?")[0]) is not None


@pytest.mark.parametrize(
    ("method", "url", "good"),
    [
        ("POST", "https://api.stripe.com/v1/refunds", True),
        ("GET", "https://api.stripe.com/v1/refunds?charge=ch_1&limit=100", True),
        ("POST", "https://api.stripe.com/v1/refunds/re_1/cancel", True),
        ("POST", "https://files.stripe.com/v1/files", True),
        ("GET", "https://api.stripe.com:443/v1/charges/ch_1", True),
        ("GET", "https://API.STRIPE.COM/v1/charges/ch_1", True),
        ("GET", "https://files.stripe.com/v1/files", False),
        ("POST", "https://files.stripe.com/v1/refunds", False),
        ("POST", "https://api.stripe.com/v1/files", False),
        ("DELETE", "https://api.stripe.com/v1/refunds/re_1", False),
        ("POST", "https://api.stripe.com/v1/charges", False),
        ("POST", "https://api.stripe.com/v1/transfers", False),
        ("GET", "https://api.stripe.com/v1/refunds/", False),
        ("GET", "https://api.stripe.com/v1/refunds/re_1/x", False),
        ("GET", "https://api.stripe.com/v1/charges/../balance", False),
        ("GET", "https://api.stripe.com/v1/charges/..", False),
        ("GET", "https://api.stripe.com/v1/charges/.", False),
        ("GET", "https://api.stripe.com/v1/charges/%2e%2e", False),
        ("GET", "https://api.stripe.com/v1/charges/a%2Fb", False),
        ("GET", "https://api.stripe.com/v1/charges/a%5Cb", False),
        ("GET", "https://api.stripe.com/v1/charges/a\\b", False),
        ("GET", "https://api.stripe.com/v1//charges", False),
        ("GET", "https://api.stripe.com//v1/charges", False),
        ("GET", "http://api.stripe.com/v1/refunds", False),
        ("GET", "https://api.stripe.com:8443/v1/refunds", False),
        ("GET", "https://api.stripe.com:0443000/v1/refunds", False),
        ("GET", "https://api.stripe.com.evil.example/v1/refunds", False),
        ("GET", "https://api.stripe.com@evil.example/v1/refunds", False),
        ("GET", "https://user:pass@api.stripe.com/v1/refunds", False),
        ("GET", "https://api.stripe.com./v1/refunds", False),
        ("GET", "https://evil.example/v1/refunds", False),
        ("GET", "https:///v1/refunds", False),
        ("GET", "/v1/refunds", False),
    ],
)
def test_only_what_the_operations_send(method: str, url: str, *, good: bool) -> None:
    assert permits(method, url) == good


def test_an_empty_list_permits_nothing() -> None:
    assert not permits("GET", "https://api.stripe.com/v1/refunds", AllowList([], None))


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://127.0.0.1:1234", True),
        ("http://[::1]:1234", True),
        ("http://localhost:1234/", True),
        ("https://proxy.example", True),
        ("https://8.8.8.8", True),
        ("http://proxy.example", False),
        ("http://localhost.evil.example", False),
        ("https://10.0.0.1", False),
        ("https://169.254.169.254", False),
        ("https://[fd00::1]", False),
        ("https://[::ffff:10.0.0.1]", False),
        ("https://0.0.0.0", False),
        ("https://user@proxy.example", False),
        ("https://proxy.example/path", False),
        ("https://proxy.example?x", False),
        ("https://proxy.example:99999", False),
        ("ftp://proxy.example", False),
        ("proxy.example", False),
        ("", False),
    ],
)
def test_some_places_can_never_be_allowed(url: str, *, good: bool) -> None:
    if good:
        AllowList(ENTRIES, url)
    else:
        with pytest.raises(HostError, match="wrong-base-url"):
            AllowList(ENTRIES, url)


def test_another_stripe_takes_files_at_the_same_place() -> None:
    allow = AllowList(ENTRIES, "http://127.0.0.1:1234")
    assert permits("POST", "http://127.0.0.1:1234/v1/files", allow)
    assert not permits("POST", "https://files.stripe.com/v1/files", allow)
    assert not permits("POST", "http://127.0.0.1:1235/v1/files", allow)


@given(st.from_regex(r"https?://[a-z0-9.@:\[\]-]{1,30}/[a-z0-9_/.%\\;#?]{0,30}", fullmatch=True))
def test_nothing_but_stripe_gets_through(url: str) -> None:
    if permits("GET", url):
        assert re.match(r"https://api\.stripe\.com(:443)?/v1/", url)


_ODD = st.sampled_from([".", "..", "", "%2e", "%2e%2e", "a%2fb", "a\\b", "a;b", "a#b", "ch 1", "ch-1", "\u0441h"])


@given(entry=st.sampled_from(ENTRIES), odd=_ODD, place=st.integers(0, 6))
def test_no_odd_segment_anywhere(entry: dict[str, str], odd: str, place: int) -> None:
    good = entry["path"].replace("{id}", "ch_1")
    assert permits(entry["method"], entry["origin"] + good)
    segments = good.split("/")[1:]
    segments.insert(min(place, len(segments)), odd)
    assert not permits(entry["method"], f"{entry['origin']}/{'/'.join(segments)}")
    replaced = entry["path"].replace("{id}", odd)
    assert permits(entry["method"], entry["origin"] + replaced) == (replaced == entry["path"])


@given(st.text(max_size=40))
def test_no_authority_but_a_plain_one(authority: str) -> None:
    origin = Origin.of("https", authority)
    if origin is not None:
        assert authority.isascii()
        assert not set(authority) & set("@/?#\\ \r\n\t%")
        assert 0 < origin.port < 65536


@pytest.mark.parametrize("url", ["https://api.stripe.com", "https://api.stripe.com/", "https://API.stripe.com:443"])
def test_stripe_by_its_own_address_takes_files_where_stripe_does(url: str) -> None:
    with RefundNode(key=KEY, base_url=url) as node:
        assert node._connection == {}, "the component is told nothing"
        assert permits("POST", "https://files.stripe.com/v1/files", node._egress._allow)
