"""The one place where a request leaves: checked, given the key, sent, bounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse

from .allow import AllowList, Origin
from .keys import Key
from .packaged import EGRESS
from .stop import Stop
from .wire import Connection, Deadline, NotSent, Pool

MOST_REQUEST_BYTES = 6 << 20
_MOST_ANSWER_BYTES = 16 << 20
_MOST_HEADER_BYTES = 64 << 10
_REQUEST_SECONDS = 80.0
_FIRST_FINAL_STATUS = 200

_FORBIDDEN = frozenset(EGRESS["forbidden_headers"])

Headers = list[tuple[str, bytes]]


def is_forbidden(name: str) -> bool:
    """Whether a header is one that a guest may not set."""
    return name.lower() in _FORBIDDEN


class Failed(Exception):
    """No answer. `code` is WASI's word for why, which says whether the request can have arrived."""

    def __init__(self, code: str, most: int | None = None) -> None:
        self.code, self.most = code, most
        super().__init__(code)


@dataclass
class Request:
    """A request as the component made it."""

    headers: Headers
    method: str = "GET"
    scheme: str = "https"
    authority: str = ""
    target: str = "/"
    body: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class Answer:
    """An answer, whole."""

    status: int
    headers: Headers
    body: bytes


class Egress:
    """The way out of one RefundNode, shared by its calls."""

    def __init__(self, allow: AllowList, key: Callable[[], Key]) -> None:
        self._allow, self._key, self._pool = allow, key, Pool()

    def key(self) -> Key:
        """The key of one call, asked for anew."""
        return self._key()

    def allows(self, request: Request) -> bool:
        """Whether the request may leave."""
        return self._origin(request) is not None

    def send(self, request: Request, key: Key, stop: Stop, on_leave: Callable[[], None]) -> Answer:
        """Send a request that may leave, with the key, and read the whole answer.

        `on_leave` is called before the first byte leaves: where it was not called, nothing was sent.
        """
        origin = self._origin(request)
        if origin is None:
            raise Failed("HTTP-request-denied")
        stop.check()
        connection = self._pool.take(origin)
        try:
            answer, keep = _exchange(connection, request, key, stop, on_leave)
        except NotSent as error:
            connection.hang_up()
            raise Failed(error.code) from None
        except BaseException:
            connection.hang_up()
            raise
        if keep:
            self._pool.put(connection)
        else:
            connection.hang_up()
        return answer

    def close(self) -> None:
        """Close the connections that wait."""
        self._pool.close()

    def _origin(self, request: Request) -> Origin | None:
        # A component may take the headers of an answer for those of a request: they were not checked one by one.
        if any(is_forbidden(name) for name, _ in request.headers):
            return None
        path, _, _ = request.target.partition("?")
        return self._allow.permits(request.method, request.scheme, request.authority, path)


def _exchange(
    connection: Connection, request: Request, key: Key, stop: Stop, on_leave: Callable[[], None]
) -> tuple[Answer, bool]:
    wire = connection.open(Deadline(_REQUEST_SECONDS))
    # A call that was ended does not come past this: its caller was told what had left.
    with stop.aborting(wire):
        on_leave()
        _write(connection, request, key)
        response = _begin(connection)
        # The real answer is still to come, and http.client does not wait for it: nobody else may read it.
        if response.status < _FIRST_FINAL_STATUS:
            raise Failed("HTTP-protocol-error")
        headers = [(name, value.encode("latin-1")) for name, value in response.getheaders()]
        if sum(len(name) + len(value) for name, value in headers) > _MOST_HEADER_BYTES:
            raise Failed("HTTP-response-header-section-size", _MOST_HEADER_BYTES)
        answer = Answer(response.status, headers, _read(response))
    stop.check()
    return answer, not response.will_close


# Once a byte was written, the request may have arrived whatever happens: no error below says otherwise.


def _write(connection: Connection, request: Request, key: Key) -> None:
    try:
        connection.putrequest(request.method, request.target)
        for name, value in request.headers:
            # The body is framed by who sends it, or a second request could hide in it.
            if name.lower() != "content-length":
                connection.putheader(name, value)
        connection.putheader("authorization", key.authorization())
        if request.body or request.method == "POST":
            connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(bytes(request.body))
    except TimeoutError:
        raise Failed("connection-write-timeout") from None
    except (OSError, HTTPException):
        raise Failed("connection-terminated") from None


def _begin(connection: Connection) -> HTTPResponse:
    try:
        return connection.getresponse()
    except TimeoutError:
        raise Failed("HTTP-response-timeout") from None
    except OSError:
        raise Failed("connection-terminated") from None
    except HTTPException:
        raise Failed("HTTP-protocol-error") from None


def _read(response: HTTPResponse) -> bytes:
    try:
        body = response.read(_MOST_ANSWER_BYTES + 1)
    except TimeoutError:
        raise Failed("connection-read-timeout") from None
    except (OSError, HTTPException):
        raise Failed("HTTP-response-incomplete") from None
    if len(body) > _MOST_ANSWER_BYTES:
        raise Failed("HTTP-response-body-size", _MOST_ANSWER_BYTES)
    # With a length to read, http.client takes an early end for the end.
    if response.length:
        raise Failed("HTTP-response-incomplete")
    return body
