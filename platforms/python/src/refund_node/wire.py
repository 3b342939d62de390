"""Connections: opened to public addresses alone, bounded in time, kept alive, never shared by two requests."""

from __future__ import annotations

import functools
import io
import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection
from typing import cast

from .addresses import is_loopback, is_public, parse
from .allow import Origin

_CONNECT_SECONDS = 30.0
_IDLE_SECONDS = 60.0
_IDLE_CONNECTIONS = 16


class NotSent(Exception):
    """The request certainly did not leave. `code` is WASI's word for why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Deadline:
    """A moment by which something must be over."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; an error when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Wire:
    """An open socket, as much of one as http.client uses, every step of it within a deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket, self.deadline = sock, Deadline(_CONNECT_SECONDS)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.settimeout(self.deadline.left())
        self._socket.sendall(data)

    def recv_into(self, buffer: memoryview) -> int:
        """Receive what there is."""
        self._socket.settimeout(self.deadline.left())
        return self._socket.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What comes, as a file."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Nothing: http.client closes before it has read the body. `hang_up` is the end."""

    def is_quiet(self) -> bool:
        """Whether the other side neither closed it nor said anything unasked."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return False
        # Not select.select, which fails in a process with more than a thousand open files.
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def abort(self) -> None:
        """Make a thread that waits for it give up."""
        with suppress(OSError):  # It may be closed already.
            # Past the TLS layer, which is not ours to touch while another thread reads.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def hang_up(self) -> None:
        """Close it."""
        self._socket.close()


class _Reader(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._wire.recv_into(buffer)


class Connection(HTTPConnection):
    """One connection, for one request at a time."""

    # Never dialled by http.client itself: that would be past our checks, and not encrypted.
    auto_open = 0

    def __init__(self, origin: Origin, tls: Callable[[], ssl.SSLContext]) -> None:
        super().__init__(origin.host.strip("[]"), origin.port)
        # http.client leaves the port out of the Host header where it is the scheme's own.
        self.default_port = 443 if origin.scheme == "https" else 80
        self.origin, self._tls = origin, tls
        self.wire: Wire | None = None
        self.used = 0.0

    def open(self, deadline: Deadline) -> Wire:
        """The wire, connected now if it was not, and the time for the request that comes."""
        if self.wire is None:
            self.wire = Wire(self._dialled())
            self.sock = cast("socket.socket", self.wire)
        self.wire.deadline = deadline
        return self.wire

    def is_fresh(self) -> bool:
        """Idle for a short time only, and fit for another request."""
        recent = time.monotonic() - self.used < _IDLE_SECONDS
        return recent and self.wire is not None and self.wire.is_quiet()

    def hang_up(self) -> None:
        """The end of it."""
        self.close()
        if self.wire is not None:
            self.wire.hang_up()

    def _dialled(self) -> socket.socket:
        deadline = Deadline(_CONNECT_SECONDS)
        sock = _dial(self.origin, deadline)
        try:
            return self._encrypted(sock, deadline) if self.origin.scheme == "https" else sock
        except BaseException:
            sock.close()
            raise

    def _encrypted(self, sock: socket.socket, deadline: Deadline) -> socket.socket:
        try:
            sock.settimeout(deadline.left())
            return self._tls().wrap_socket(sock, server_hostname=self.host)
        except ssl.SSLCertVerificationError:
            raise NotSent("TLS-certificate-error") from None
        except TimeoutError:
            raise NotSent("connection-timeout") from None
        except OSError:
            raise NotSent("TLS-protocol-error") from None


class Pool:
    """Connections that wait for the next request. A forked child begins with none: they are its parent's."""

    def __init__(self) -> None:
        # Reading the system's certificates takes longer than a refund: only where there is something to encrypt.
        self._tls = functools.cache(ssl.create_default_context)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._process, self._closed = os.getpid(), False

    def take(self, origin: Origin) -> Connection:
        """A connection that nobody else has, open or not."""
        with self._lock:
            self._forget_parents()
            waiting = [connection for connection in self._idle if connection.origin == origin]
            while waiting:
                connection = waiting.pop()
                self._idle.remove(connection)
                if connection.is_fresh():
                    return connection
                connection.hang_up()
        return Connection(origin, self._tls)

    def put(self, connection: Connection) -> None:
        """Keep it for the next request."""
        connection.used = time.monotonic()
        with self._lock:
            self._forget_parents()
            self._idle.append(connection)
            while len(self._idle) > (0 if self._closed else _IDLE_CONNECTIONS):
                self._idle.pop(0).hang_up()

    def close(self) -> None:
        """Close what waits, and what comes back later."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().hang_up()

    def _forget_parents(self) -> None:
        if self._process != os.getpid():
            self._process, self._idle = os.getpid(), []


def _dial(origin: Origin, deadline: Deadline) -> socket.socket:
    code = "destination-unavailable"
    for family, address in _resolve(origin):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left())
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            code = _connect_failure(error)
        else:
            return sock
    raise NotSent(code)


def _connect_failure(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection-refused"
    return "connection-timeout" if isinstance(error, TimeoutError) else "destination-unavailable"


def _resolve(origin: Origin) -> list[tuple[int, tuple[str, int]]]:
    """Public addresses of a name; loopback ones only where loopback itself was named."""
    host = origin.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, origin.port, type=socket.SOCK_STREAM)
    except OSError:
        raise NotSent("DNS-error") from None
    named = parse(host)
    local = host == "localhost" or (named is not None and is_loopback(named))
    kept: list[tuple[int, tuple[str, int]]] = []
    for family, _, _, _, address in found:
        ip = parse(str(address[0]))
        if ip is not None and (is_loopback(ip) if local else is_public(ip)):
            kept.append((family, cast("tuple[str, int]", address)))
    if not kept:
        raise NotSent("destination-IP-prohibited")
    return kept
