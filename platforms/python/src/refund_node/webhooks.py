"""Events from Stripe: checked before they are believed."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .client import RefundNode
from .errors import HostError

if TYPE_CHECKING:
    from .types import Event

_RAW_BODY = (
    "the signature is over the bytes that Stripe sent, so give those, not {kind}. "
    "Flask: request.get_data(). Django: request.body. FastAPI and Starlette: await request.body()"
)


def verify_webhook(
    payload: bytes, header: str | None, secrets: Sequence[str], tolerance: int = 300, *, now: int | None = None
) -> Event:
    """The event, if its signature is good. Raises `OperationFailed` with the kind `rejected` if it is not.

    payload: the raw body.
    header: the header `Stripe-Signature`.
    secrets: the endpoint's secrets, `whsec_...`; two while they are rotated.
    tolerance: greatest age in seconds; 0 for any.
    now: Unix seconds, for tests.
    """
    if not isinstance(payload, (bytes, bytearray, memoryview)):
        raise HostError("parsed-body", _RAW_BODY.format(kind=type(payload).__name__))
    known = [secrets] if isinstance(secrets, str) else list(secrets)
    if not known or not all(isinstance(secret, str) and secret.strip() for secret in known):
        raise HostError(
            "missing-secret", "without the endpoint's secret (whsec_...) anybody could forge an event: give it"
        )
    body = base64.b64encode(payload).decode("ascii")
    node = _node()
    node.webhooks.verify(secrets=known, header=header, payload_base64=body, tolerance=tolerance, now=now)
    return node.webhooks.parse(payload_base64=body)["event"]


@functools.cache
def _node() -> RefundNode:
    """Without a key: nothing here talks to Stripe."""
    return RefundNode(timeout=30)
