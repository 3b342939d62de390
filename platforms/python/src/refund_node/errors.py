"""Everything that can go wrong, with what to do next. No message holds a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

FailureKind = Literal[
    "denied", "needs-approval", "conflict", "refused", "transport", "outcome-unknown", "rejected"
]
HostCode = Literal[
    "missing-key", "wrong-key", "live-key", "wrong-digest", "wrong-component", "wrong-base-url",
    "timeout", "trapped", "closed", "parsed-body", "missing-secret",
]  # fmt: skip


class Problem(TypedDict):
    """What is wrong with one field of an input."""

    field: str
    value: str
    problem: str
    fix: str


class RefundNodeError(Exception):
    """The base of all errors of this package."""

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON, the same on every platform."""
        raise NotImplementedError

    def __reduce__(self) -> tuple[Any, ...]:
        """What crosses to another process whole: that nobody knows the outcome must not get lost on the way."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[RefundNodeError], args: tuple[Any, ...], state: dict[str, Any]) -> RefundNodeError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InvalidInput(RefundNodeError):
    """The input does not fit the operation; nothing was done."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"{p['field']}: {p['problem']}. {p['fix']}" for p in self.problems))

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"kind": "invalid-input", "problems": self.problems}


class UnknownOperation(RefundNodeError):
    """There is no such operation; nothing was done."""

    def __init__(self, operation: str, known: Sequence[str]) -> None:
        self.operation, self.known = operation, list(known)
        super().__init__(f"there is no operation {operation!r}; there are {', '.join(self.known)}")

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"kind": "unknown-operation", "known": self.known}


class OperationFailed(RefundNodeError):
    """The operation ran and failed. After `outcome-unknown`, call again with the same input if it is retryable."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        retryable: bool,
        retry_after: int | None,
        details: dict[str, Any],
    ) -> None:
        self.kind, self.message = kind, message
        self.retryable, self.retry_after, self.details = retryable, retry_after, details
        super().__init__(f"{kind}: {message}")

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON."""
        return {
            "kind": self.kind,
            "message": self.message,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "details": self.details,
        }


class HostError(RefundNodeError):
    """The embedding itself said no."""

    def __init__(self, code: HostCode, message: str) -> None:
        self.code: HostCode = code
        self.message = message
        super().__init__(f"{code}: {message}")

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"kind": "host", "code": self.code, "message": self.message}
