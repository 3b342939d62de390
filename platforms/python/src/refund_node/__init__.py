"""Stripe refunds, never twice and never blindly: a sandboxed component that never sees your key."""

from .client import RefundNode
from .errors import (
    FailureKind,
    HostCode,
    HostError,
    InvalidInput,
    MoneyState,
    OperationFailed,
    Problem,
    RefundNodeError,
    UnknownOperation,
)
from .webhooks import verify_webhook

__all__ = [
    "FailureKind",
    "HostCode",
    "HostError",
    "InvalidInput",
    "MoneyState",
    "OperationFailed",
    "Problem",
    "RefundNode",
    "RefundNodeError",
    "UnknownOperation",
    "verify_webhook",
]
