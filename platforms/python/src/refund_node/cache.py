"""Compiled code on disk, so that a process starts at once.

Compiled code runs as it is, outside any sandbox. So nothing is loaded but what this user wrote: the folder is the
user's and nobody else may write there, and every file carries a MAC under a key that only the user can read.
A file that is stale, damaged, planted or copied from elsewhere is compiled anew and replaced.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_TAG = 32
_KEPT = 8


class Cache:
    """A folder of compiled components that belongs to one user."""

    def __init__(self, folder: Path) -> None:
        _make_private(folder)
        self._folder = folder
        self._key = _key(folder / "key")

    def load(self, name: str) -> bytes | None:
        """What was kept under a name, if it was kept by this user."""
        try:
            content = (self._folder / _file(name)).read_bytes()
        except OSError:
            return None
        tag, code = content[:_TAG], content[_TAG:]
        return code if hmac.compare_digest(tag, self._mac(name, code)) else None

    def keep(self, name: str, code: bytes) -> None:
        """Keep code. A folder that is full or cannot be written is no reason to fail."""
        with suppress(OSError):
            _write(self._folder / _file(name), self._mac(name, code) + code)
            kept = sorted(self._folder.glob("*.compiled"), key=lambda file: file.stat().st_mtime)
            for old in kept[:-_KEPT]:
                old.unlink(missing_ok=True)

    def _mac(self, name: str, code: bytes) -> bytes:
        return hmac.digest(self._key, name.encode() + b"\0" + code, "sha256")


def open_cache() -> Cache | None:
    """The user's cache; none where nobody can say who may write to a folder, or where it is not private."""
    if os.name != "posix" or os.environ.get("REFUND_NODE_CACHE") == "off":
        return None
    given = os.environ.get("REFUND_NODE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        home = Path(base) if base and os.path.isabs(base) else Path.home() / ".cache"  # noqa: PTH117
        return Cache(Path(given) if given else home / "refund-node-python")
    except (OSError, RuntimeError):
        return None


def _file(name: str) -> str:
    text = f"{name} {platform.machine()} {platform.system()}"
    return hashlib.sha256(text.encode()).hexdigest() + ".compiled"


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a private folder of this user")


def _key(path: Path) -> bytes:
    if not path.exists():
        _write(path, secrets.token_bytes(_TAG))
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        key = file.read()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077 or len(key) != _TAG:
        raise PermissionError(f"{path} is not a private key of this user: delete it")
    return key


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all; private from the start."""
    handle, half = tempfile.mkstemp(dir=path.parent, prefix=".half-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(half).replace(path)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise
