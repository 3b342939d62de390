"""What users call."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .allow import AllowList, Origin
from .egress import Egress
from .errors import HostError, InvalidInput, OperationFailed, UnknownOperation, not_started
from .inputs import encode
from .keys import Key, source
from .operations import Operations
from .packaged import EGRESS, data
from .stop import Stop

if TYPE_CHECKING:
    from .engine import Sandbox
    from .wasi import Call

_STRIPE = "https://api.stripe.com"
_DEFAULT_TIMEOUT = 300.0


class RefundNode(Operations):
    """A sandboxed component that makes Stripe refunds, and the key, which never enters it.

    May be used by many threads at once. It holds idle connections to Stripe, so close it or use `with`.

    key: the secret or restricted key, or a function that fetches it from a vault; not needed for operations
        that do not talk to Stripe. A function is called for every operation that does.
    live: whether a live key, which moves real money, may be used.
    base_url: another Stripe: a simulator on loopback, or a proxy over https.
    account: the connected account to act for.
    max_retries: how often a request may be repeated after the first try, 0 to 10.
    digest: `sha256:...` that the component must have.
    timeout: seconds for one operation, all of its requests and waits together.
    component: another component with the same interface, such as a composed pipeline; the packaged one if none.
    """

    def __init__(
        self,
        *,
        key: str | Callable[[], str] | None = None,
        live: bool = False,
        base_url: str | None = None,
        account: str | None = None,
        max_retries: int | None = None,
        digest: str | None = None,
        timeout: float = _DEFAULT_TIMEOUT,
        component: Path | bytes | None = None,
    ) -> None:
        super().__init__(self.invoke)
        if not timeout > 0:
            raise ValueError("timeout is a number of seconds, more than 0")
        if base_url is not None and Origin.parse(base_url) == Origin.parse(_STRIPE):
            base_url = None  # Stripe itself takes files at another host, which a base URL would hide.
        self._timeout, self._closed = timeout, False
        given = {"base_url": base_url, "account": account, "max_retries": max_retries}
        self._connection = {name: value for name, value in given.items() if value is not None}
        self._egress = Egress(AllowList(EGRESS["requests"], base_url), source(key, live=live))
        self._sandbox = _sandbox(_wasm(component), digest)
        self._packaged = component is None

    @property
    def digest(self) -> str:
        """Of the component that is loaded: `sha256:...`."""
        return self._sandbox.digest

    @functools.cached_property
    def manifest(self) -> str:
        """What the component says of itself: its operations and their JSON Schemas."""
        return self._sandbox.describe(self._timeout)

    def invoke(self, operation: str, input: Mapping[str, Any], /) -> dict[str, Any]:
        """Run one operation by its name. Raises `RefundNodeError`; never returns half an answer."""
        if self._closed:
            raise HostError("closed", "this RefundNode was closed: make a new one. Nothing was sent.")
        if operation not in self._needs_http:
            raise UnknownOperation(operation, list(self._needs_http))
        needs_http = self._needs_http[operation]
        text = encode(input, self._connection if needs_http else None)
        # Here, not in the sandbox's thread: a vault may want the caller's thread, and fails like any function.
        call = _call(self._egress, self._egress.key()) if needs_http else _call()
        answer = self._sandbox.invoke(call, self._timeout, operation, text)
        if isinstance(answer, str):
            output: dict[str, Any] = json.loads(answer)
            return output
        raise _error(operation, answer)

    def close(self) -> None:
        """Close idle connections. A call that is under way goes on to its end."""
        self._closed = True
        self._egress.close()

    @functools.cached_property
    def _needs_http(self) -> dict[str, bool]:
        manifest = data("manifest.json").decode() if self._packaged else self.manifest
        return {one["name"]: one["needs_http"] for one in json.loads(manifest)["operations"]}

    def __enter__(self) -> RefundNode:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RefundNode {self.digest[:19]}>"


def _error(operation: str, answer: Any) -> Exception:
    """An `invoke-error` of the WIT. Its fields are named as there, which is no Python."""
    if answer.tag == "unknown-operation":
        return UnknownOperation(operation, answer.payload)
    if answer.tag == "invalid-input":
        return InvalidInput(
            [
                {"field": one.field, "value": one.value, "problem": one.problem, "fix": one.fix}
                for one in answer.payload
            ]
        )
    failed = answer.payload
    return OperationFailed(
        # A kind of a later version: it may have been done.
        "outcome-unknown" if failed.kind == "other" else failed.kind,
        failed.message,
        retryable=failed.retryable,
        retry_after=getattr(failed, "retry-after"),
        details=json.loads(failed.details),
    )


def _sandbox(wasm: bytes, digest: str | None) -> Sandbox:
    """Wasmtime is loaded here, so that a program learns what is missing from an error of this package."""
    try:
        from .engine import Sandbox  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise not_started(
            "wasmtime cannot be loaded: install this package with its dependencies", error
        ) from error
    return Sandbox(wasm, digest)


def _call(egress: Egress | None = None, key: Key | None = None) -> Call:
    from .wasi import Call  # noqa: PLC0415

    return Call(Stop(), egress, key)


def _wasm(component: Path | bytes | None) -> bytes:
    if component is None:
        return data("refund-node.wasm")
    return component if isinstance(component, bytes) else Path(component).read_bytes()
