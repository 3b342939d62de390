"""The allow-list: which requests may leave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from .addresses import is_loopback, is_public, parse
from .errors import HostError

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_PORTS = {"https": 443, "http": 80}
_LAST_PORT = 65535


class Request(TypedDict):
    """One of the requests of egress.json."""

    method: str
    origin: str
    path: str


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, scheme: str, authority: str) -> Origin | None:
        """None for anything that is not plainly host and port, such as one with user information."""
        match = _AUTHORITY.fullmatch(authority)
        if match is None or scheme not in _PORTS:
            return None
        port = int(match["port"] or _PORTS[scheme])
        return cls(scheme, match["host"].lower(), port) if 0 < port <= _LAST_PORT else None

    @classmethod
    def parse(cls, base_url: str) -> Origin:
        """The origin of a base URL: encrypted, unless it is on this very machine."""
        scheme, _, authority = base_url.removesuffix("/").partition("://")
        origin = cls.of(scheme.lower(), authority)
        if origin is None:
            raise HostError(
                "wrong-base-url",
                "base_url is scheme, host and port: https://proxy.example or http://127.0.0.1:12111",
            )
        address = parse(origin.host)
        local = origin.host == "localhost" or (address is not None and is_loopback(address))
        if address and not local and not is_public(address):
            raise HostError(
                "wrong-base-url", "base_url is a private or reserved address: only public ones and loopback may be"
            )
        if origin.scheme == "http" and not local:
            raise HostError(
                "wrong-base-url", "base_url is not encrypted: http is for loopback alone, use https elsewhere"
            )
        return origin

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


@dataclass(frozen=True)
class _Rule:
    method: str
    origin: Origin
    segments: tuple[str, ...]

    def permits(self, method: str, origin: Origin, segments: Sequence[str]) -> bool:
        return (
            self.method == method
            and self.origin == origin
            and len(self.segments) == len(segments)
            and all(map(_fits, self.segments, segments))
        )


class AllowList:
    """What the operations send, and nothing else."""

    def __init__(self, entries: Sequence[Request], base_url: str | None) -> None:
        elsewhere = Origin.parse(base_url) if base_url is not None else None
        self._rules = [
            _Rule(entry["method"], elsewhere or Origin.parse(entry["origin"]), _pattern(entry["path"]))
            for entry in entries
        ]

    def permits(self, method: str, scheme: str, authority: str, path: str) -> Origin | None:
        """Where the request goes; None for one that may not leave. `path` is without the query."""
        origin, segments = Origin.of(scheme, authority), _segments(path)
        if origin is None or segments is None:
            return None
        return origin if any(rule.permits(method, origin, segments) for rule in self._rules) else None


def _fits(wanted: str, segment: str) -> bool:
    return _ID.fullmatch(segment) is not None if wanted == "{id}" else wanted == segment


def _pattern(path: str) -> tuple[str, ...]:
    segments = _segments(path)
    if segments is None:
        raise ValueError(f"{path} is no path: it begins with a slash, and {{id}} stands for one segment")
    return segments


def _segments(path: str) -> tuple[str, ...] | None:
    """None for a path that a server might read differently: empty or dotted segments, anything escaped."""
    start, *segments = path.split("/")
    plain = all(segment not in ("", ".", "..") and not set(segment) & set("%\\;?#") for segment in segments)
    return tuple(segments) if not start and segments and plain else None
