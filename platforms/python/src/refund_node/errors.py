"""Everything that can go wrong, with what to do next. No message holds a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

FailureKind = Literal[
    "denied", "needs-approval", "conflict", "refused", "transport", "outcome-unknown", "rejected"
]
HostCode = Literal[
    "missing-key", "wrong-key", "live-key", "wrong-digest", "wrong-component", "wrong-base-url",
    "timeout", "trapped", "not-started", "closed", "parsed-body", "missing-secret",
]  # fmt: skip
# What a call that ended in a `HostError` can have done. `nothing-sent`: no request that changes anything left for
# Stripe in this call. `may-have-been-made`: one left, so it may have been made. Calling again with
# the same operation id finds out; a dispute has to be read first. It is about this call alone.
MoneyState = Literal["nothing-sent", "may-have-been-made"]


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
        return {"kind": "invalid-input", "message": str(self), "problems": self.problems}


class UnknownOperation(RefundNodeError):
    """There is no such operation; nothing was done."""

    def __init__(self, operation: str, known: Sequence[str]) -> None:
        self.operation, self.known = operation, list(known)
        super().__init__(f"there is no operation {operation!r}; there are {', '.join(self.known)}")

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"kind": "unknown-operation", "message": str(self), "known": self.known}


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


def not_started(what: str, error: BaseException) -> HostError:
    """Something that a call needs is not to be had: no call has begun."""
    return HostError("not-started", f"{what}: {error}. Nothing was sent.")


class HostError(RefundNodeError):
    """The embedding itself said no, or had to end the call.

    `money_state` says whether the refund or change may have been made. It is counted where requests leave, so it
    holds for time-outs and traps as well.
    """

    def __init__(self, code: HostCode, message: str, money_state: MoneyState = "nothing-sent") -> None:
        self.code: HostCode = code
        self.message = message
        self.money_state: MoneyState = money_state
        super().__init__(f"{code}: {message}")

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"kind": "host", "code": self.code, "message": self.message, "money_state": self.money_state}
