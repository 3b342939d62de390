"""Errors, as they travel."""

from __future__ import annotations

import pickle

import pytest

from refund_node import HostError, InvalidInput, OperationFailed, RefundNodeError, UnknownOperation

ERRORS = [
    OperationFailed("outcome-unknown", "lost", retryable=True, retry_after=3, details={"a": 1}),
    HostError("timeout", "it took too long"),
    InvalidInput([{"field": "amount", "value": "x", "problem": "is no number", "fix": "give one"}]),
    UnknownOperation("refunds.make", ["refunds.create"]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_cross_to_another_process_whole(error: RefundNodeError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is type(error)
    assert (str(again), again.to_dict()) == (str(error), error.to_dict())
