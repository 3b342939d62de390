"""Webhooks, on the vectors that all platforms share."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from conftest import ROOT

from refund_node import HostError, OperationFailed, verify_webhook

VECTORS = json.loads((ROOT / "tests" / "vectors" / "webhook-signatures.json").read_text())["cases"]
BODY = json.dumps({
    "id": "evt_1", "object": "event", "type": "refund.failed", "created": 1790000000, "livemode": False,
    "data": {"object": {"id": "re_1", "object": "refund", "amount": 1, "currency": "usd", "status": "failed",
                        "created": 1790000000}},
}).encode()  # fmt: skip
SECRET = "whsec_verysecret"
# Synthetic bodies of some vectors: signed well, and not what Stripe would send.
SIGNED_BUT_NO_EVENT = {"bad_object", "not_an_event", "not_json"}
NOW = 1790000005


def signed(secret: str = SECRET, time: int = 1790000000, body: bytes = BODY) -> str:
    mac = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={time},v1={mac}"


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_vectors(case: dict[str, Any]) -> None:
    """Where the official libraries do not agree on the signature, the strict side is taken."""
    assert (verdict(case) in {"event", *SIGNED_BUT_NO_EVENT}) == (case["consensus"] == "accept")


def verdict(case: dict[str, Any]) -> str:
    body = base64.b64decode(case["payload_b64"])
    try:
        verify_webhook(body, case["header"], [case["secret"]], case["tolerance"], now=case["now"])
    except OperationFailed as failed:
        return str(failed.details["type"])
    except HostError as refused:
        return refused.code
    return "event"


def test_the_event() -> None:
    event = verify_webhook(BODY, signed(), ["whsec_old", SECRET], now=NOW)
    assert (event["id"], event["type"], event["livemode"]) == ("evt_1", "refund.failed", False)


def test_bytes_of_any_kind() -> None:
    for body in (bytearray(BODY), memoryview(BODY)):
        assert verify_webhook(body, signed(), [SECRET], now=NOW)["id"] == "evt_1"  # type: ignore[arg-type,unused-ignore]


@pytest.mark.parametrize("body", [json.loads(BODY), BODY.decode(), None])
def test_a_parsed_body_is_refused_with_the_way_to_the_raw_one(body: Any) -> None:
    with pytest.raises(HostError) as error:
        verify_webhook(body, signed(), [SECRET], now=NOW)
    assert error.value.code == "parsed-body"
    for framework in ("Flask", "Django", "FastAPI"):
        assert framework in error.value.message


@pytest.mark.parametrize("secrets", [[], [""], [" "], [SECRET, ""], "", [None], [b"whsec_verysecret"]])
def test_without_a_secret_nothing_is_believed(secrets: Any) -> None:
    with pytest.raises(HostError) as error:
        verify_webhook(BODY, signed(secret=""), secrets, now=NOW)
    assert error.value.code == "missing-secret"
    assert "verysecret" not in str(error.value)


@pytest.mark.parametrize(
    ("header", "now"),
    [
        (None, NOW),
        ("", NOW),
        (signed(secret="whsec_other"), NOW),
        (signed(body=BODY + b" "), NOW),
        (signed(), NOW + 301),
    ],
)
def test_forged_and_old(header: str | None, now: int) -> None:
    with pytest.raises(OperationFailed) as failed:
        verify_webhook(BODY, header, [SECRET], now=now)
    assert failed.value.kind == "rejected"
    assert "verysecret" not in str(failed.value.to_dict())
