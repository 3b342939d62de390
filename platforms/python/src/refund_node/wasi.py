"""The seven WASI interfaces, as far as the component imports them: clocks, and HTTP with whole bodies.

A request is sent when the component asks for its answer; until then its body is collected. So nothing leaves
that is not complete, and nothing blocks but a wait.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wasmtime.component import Linker

from .abi import (
    U16,
    U32,
    U64,
    Bytes,
    Definitions,
    Err,
    Handle,
    List,
    Lowered,
    Ok,
    Option,
    Own,
    Record,
    String,
    Tuple,
    Variant,
)
from .egress import MOST_REQUEST_BYTES, Answer, Egress, Failed, Headers, Request, is_forbidden
from .errors import MoneyState
from .keys import Key
from .stop import Stop

_MOST_REQUESTS = 3_000
_MOST_HANDLES = 1_000
_MOST_READ = 1 << 20

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"/[!-\"$-~]*", re.ASCII)
_METHODS = {"get": "GET", "post": "POST"}
_SCHEMES = {"HTTP": "http", "HTTPS": "https"}


@dataclass
class _Fields:
    entries: Headers = field(default_factory=list)


@dataclass
class _OutgoingRequest:
    request: Request
    # A request whose body is never opened has none, and is complete.
    is_complete: bool = True
    is_too_large: bool = False


@dataclass
class _OutgoingBody:
    of: _OutgoingRequest


@dataclass
class _OutputStream:
    of: _OutgoingRequest


@dataclass
class _FutureResponse:
    of: _OutgoingRequest
    is_taken: bool = False


@dataclass
class _IncomingResponse:
    answer: Answer


@dataclass
class _IncomingBody:
    body: bytes


@dataclass
class _InputStream:
    rest: memoryview


@dataclass
class _Pollable:
    seconds: float


class _Options:
    """The host has bounds of its own."""


class _Error:
    """No stream of this host fails in the middle: bodies are whole."""


_RESOURCES: dict[str, dict[str, type]] = {
    "wasi:io/poll@0.2.2": {"pollable": _Pollable},
    "wasi:io/error@0.2.2": {"error": _Error},
    "wasi:io/streams@0.2.2": {"input-stream": _InputStream, "output-stream": _OutputStream},
    "wasi:clocks/monotonic-clock@0.2.2": {},
    "wasi:clocks/wall-clock@0.2.2": {},
    "wasi:http/types@0.2.2": {
        "fields": _Fields,
        "request-options": _Options,
        "outgoing-request": _OutgoingRequest,
        "outgoing-body": _OutgoingBody,
        "future-incoming-response": _FutureResponse,
        "incoming-response": _IncomingResponse,
        "incoming-body": _IncomingBody,
    },
    "wasi:http/outgoing-handler@0.2.2": {},
}
_KINDS = {
    resource: number
    for number, resource in enumerate(
        (resource for owned in _RESOURCES.values() for resource in owned.values()), start=1
    )
}


class Limit(Exception):
    """The component wants more of the host than a refund needs."""


class Call:
    """What the host holds for one call of the component."""

    def __init__(self, stop: Stop, egress: Egress | None = None, key: Key | None = None) -> None:
        self.stop, self._egress, self._key = stop, egress, key
        self._held: dict[int, object] = {}
        self._last = self._requests = 0
        self._may_have_changed = False

    @property
    def money_state(self) -> MoneyState:
        """What the call can have done up to now."""
        return "may-have-been-made" if self._may_have_changed else "nothing-sent"

    def give(self, resource: object) -> Own:
        """Hand a resource to the component."""
        if len(self._held) >= _MOST_HANDLES:
            raise Limit
        self._last += 1
        self._held[self._last] = resource
        return Own(_KINDS[type(resource)], self._last)

    def take(self, handle: Handle) -> object:
        """The resource behind a handle."""
        return self._held.pop(handle.number) if handle.is_owned else self._held[handle.number]

    def drop(self, number: int) -> None:
        """Forget a resource that the component let go of."""
        del self._held[number]

    def allows(self, request: Request) -> bool:
        """Whether a request may leave, and counts it."""
        self._requests += 1
        return self._requests <= _MOST_REQUESTS and self._egress is not None and self._egress.allows(request)

    def send(self, request: Request) -> Answer:
        """Send a request."""
        if self._egress is None or self._key is None:
            raise Failed("HTTP-request-denied")
        return self._egress.send(request, self._key, self.stop, lambda: self._leaves(request))

    def _leaves(self, request: Request) -> None:
        # Stripe changes nothing on a GET.
        if request.method != "GET":
            self._may_have_changed = True


_Function = TypeVar("_Function", bound="Callable[..., Lowered | None]")
_FUNCTIONS: dict[str, dict[str, Callable[..., Lowered | None]]] = {}
_running = threading.local()


@contextmanager
def running(call: Call) -> Iterator[None]:
    """Within this, host functions on this thread act for `call`."""
    _running.call = call
    try:
        yield
    finally:
        del _running.call


def current() -> Call:
    """The call that this thread runs."""
    call: Call = _running.call
    return call


def define(linker: Linker) -> Definitions:
    """Define all of it in a linker."""
    definitions = Definitions()
    with linker.root() as root:
        for interface, resources in _RESOURCES.items():
            with root.add_instance(interface) as instance:
                for name, resource in resources.items():
                    definitions.add_resource(instance, name, _KINDS[resource], _drop)
                for name, function in _FUNCTIONS[interface].items():
                    definitions.add_func(instance, name, _acting(function))
    return definitions


def _drop(number: int) -> None:
    current().drop(number)


def _acting(function: Callable[..., Lowered | None]) -> Callable[..., Lowered | None]:
    """The function, given the call and resources in place of handles."""

    def run(*arguments: Any) -> Lowered | None:
        call = current()
        call.stop.check()
        return function(call, *(call.take(one) if isinstance(one, Handle) else one for one in arguments))

    return run


def _host(interface: str, name: str) -> Callable[[_Function], _Function]:
    def define(function: _Function) -> _Function:
        _FUNCTIONS.setdefault(interface, {})[name] = function
        return function

    return define


# wasi:clocks, wasi:io


@_host("wasi:clocks/monotonic-clock@0.2.2", "subscribe-duration")
def _subscribe_duration(call: Call, nanoseconds: int) -> Lowered:
    return call.give(_Pollable(nanoseconds / 1e9))


@_host("wasi:clocks/wall-clock@0.2.2", "now")
def _now(_: Call) -> Lowered:
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return Record([("seconds", U64(seconds)), ("nanoseconds", U32(nanoseconds))])


@_host("wasi:io/poll@0.2.2", "[method]pollable.block")
def _block(call: Call, pollable: _Pollable) -> None:
    call.stop.sleep(pollable.seconds)


@_host("wasi:io/error@0.2.2", "[method]error.to-debug-string")
def _to_debug_string(_: Call, error: _Error) -> Lowered:
    return String(repr(error))


@_host("wasi:io/streams@0.2.2", "[method]input-stream.blocking-read")
def _blocking_read(_: Call, stream: _InputStream, most: int) -> Lowered:
    if not stream.rest:
        return Err(Variant("closed"))
    count = min(most, _MOST_READ)
    part, stream.rest = bytes(stream.rest[:count]), stream.rest[count:]
    return Ok(Bytes(part))


@_host("wasi:io/streams@0.2.2", "[method]output-stream.blocking-write-and-flush")
def _blocking_write(_: Call, stream: _OutputStream, content: bytes) -> Lowered:
    body = stream.of.request.body
    if len(body) + len(content) > MOST_REQUEST_BYTES:
        stream.of.is_too_large = True
        return Err(Variant("closed"))
    body += content
    return Ok()


# wasi:http, the request


@_host("wasi:http/types@0.2.2", "[constructor]fields")
def _new_fields(call: Call) -> Lowered:
    return call.give(_Fields())


@_host("wasi:http/types@0.2.2", "[method]fields.append")
def _append(_: Call, fields: _Fields, name: str, value: bytes) -> Lowered:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        return Err(Variant("invalid-syntax"))
    if is_forbidden(name):
        return Err(Variant("forbidden"))
    fields.entries.append((name, value))
    return Ok()


@_host("wasi:http/types@0.2.2", "[method]fields.entries")
def _entries(_: Call, fields: _Fields) -> Lowered:
    return List([Tuple([String(name), Bytes(value)]) for name, value in fields.entries])


@_host("wasi:http/types@0.2.2", "[constructor]request-options")
def _new_options(call: Call) -> Lowered:
    return call.give(_Options())


@_host("wasi:http/types@0.2.2", "[method]request-options.set-connect-timeout")
def _set_connect_timeout(_: Call, _options: _Options, _nanoseconds: int | None) -> Lowered:
    return Err()


@_host("wasi:http/types@0.2.2", "[constructor]outgoing-request")
def _new_request(call: Call, fields: _Fields) -> Lowered:
    return call.give(_OutgoingRequest(Request(fields.entries)))


@_host("wasi:http/types@0.2.2", "[method]outgoing-request.set-method")
def _set_method(_: Call, outgoing: _OutgoingRequest, method: tuple[str, str | None]) -> Lowered:
    known = _METHODS.get(method[0])
    if known is None:
        return Err()
    outgoing.request.method = known
    return Ok()


@_host("wasi:http/types@0.2.2", "[method]outgoing-request.set-scheme")
def _set_scheme(_: Call, outgoing: _OutgoingRequest, scheme: tuple[str, str | None] | None) -> Lowered:
    known = _SCHEMES.get(scheme[0]) if scheme else None
    if known is None:
        return Err()
    outgoing.request.scheme = known
    return Ok()


@_host("wasi:http/types@0.2.2", "[method]outgoing-request.set-authority")
def _set_authority(_: Call, outgoing: _OutgoingRequest, authority: str | None) -> Lowered:
    # Which one is good is the allow-list's to say.
    outgoing.request.authority = authority or ""
    return Ok()


@_host("wasi:http/types@0.2.2", "[method]outgoing-request.set-path-with-query")
def _set_target(_: Call, outgoing: _OutgoingRequest, target: str | None) -> Lowered:
    if target is None or not _TARGET.fullmatch(target):
        return Err()
    outgoing.request.target = target
    return Ok()


@_host("wasi:http/types@0.2.2", "[method]outgoing-request.body")
def _body(call: Call, outgoing: _OutgoingRequest) -> Lowered:
    outgoing.is_complete = False
    return Ok(call.give(_OutgoingBody(outgoing)))


@_host("wasi:http/types@0.2.2", "[method]outgoing-body.write")
def _write(call: Call, body: _OutgoingBody) -> Lowered:
    return Ok(call.give(_OutputStream(body.of)))


@_host("wasi:http/types@0.2.2", "[static]outgoing-body.finish")
def _finish(_: Call, body: _OutgoingBody, _trailers: _Fields | None) -> Lowered:
    body.of.is_complete = not body.of.is_too_large
    return Ok()


@_host("wasi:http/outgoing-handler@0.2.2", "handle")
def _handle(call: Call, outgoing: _OutgoingRequest, _options: _Options | None) -> Lowered:
    if not call.allows(outgoing.request):
        return Err(Variant("HTTP-request-denied"))
    return Ok(call.give(_FutureResponse(outgoing)))


# wasi:http, the answer


@_host("wasi:http/types@0.2.2", "[method]future-incoming-response.subscribe")
def _subscribe(call: Call, _: _FutureResponse) -> Lowered:
    # `get` waits itself, and is never without an answer.
    return call.give(_Pollable(0))


@_host("wasi:http/types@0.2.2", "[method]future-incoming-response.get")
def _get(call: Call, future: _FutureResponse) -> Lowered:
    if future.is_taken:
        return Option(Err())
    future.is_taken = True
    try:
        if future.of.is_too_large:
            raise Failed("HTTP-request-body-size", MOST_REQUEST_BYTES)
        if not future.of.is_complete:
            raise Failed("HTTP-request-denied")
        answer = call.send(future.of.request)
    except Failed as failed:
        call.stop.check()
        return Option(Ok(Err(_error_code(failed))))
    return Option(Ok(Ok(call.give(_IncomingResponse(answer)))))


@_host("wasi:http/types@0.2.2", "[method]incoming-response.status")
def _status(_: Call, response: _IncomingResponse) -> Lowered:
    return U16(response.answer.status)


@_host("wasi:http/types@0.2.2", "[method]incoming-response.headers")
def _headers(call: Call, response: _IncomingResponse) -> Lowered:
    return call.give(_Fields(response.answer.headers))


@_host("wasi:http/types@0.2.2", "[method]incoming-response.consume")
def _consume(call: Call, response: _IncomingResponse) -> Lowered:
    return Ok(call.give(_IncomingBody(response.answer.body)))


@_host("wasi:http/types@0.2.2", "[method]incoming-body.stream")
def _stream(call: Call, body: _IncomingBody) -> Lowered:
    return Ok(call.give(_InputStream(memoryview(body.body))))


def _error_code(failed: Failed) -> Variant:
    if failed.code == "DNS-error":
        return Variant("DNS-error", Record([("rcode", Option()), ("info-code", Option())]))
    if failed.most is None:
        return Variant(failed.code)
    number = U32 if failed.code.endswith("header-section-size") else U64
    return Variant(failed.code, Option(number(failed.most)))
