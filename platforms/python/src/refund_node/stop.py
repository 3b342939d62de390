"""How a call is ended from outside, wherever it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Stopped(Exception):
    """The call was ended from outside."""


class Abortable(Protocol):
    """Something that blocks, and can be made to give up."""

    def abort(self) -> None:
        """Make it give up, from another thread."""


class Stop:
    """One call's way to be told that nobody waits for it any more."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._lock = threading.Lock()
        self._busy: Abortable | None = None

    def now(self) -> None:
        """End the call: nothing more is sent, and what blocks gives up."""
        self._set.set()
        with self._lock:
            if self._busy is not None:
                self._busy.abort()

    def check(self) -> None:
        """Raise if the call was ended."""
        if self._set.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, unless the call is ended before."""
        self._set.wait(seconds)
        self.check()

    @contextmanager
    def aborting(self, busy: Abortable) -> Iterator[None]:
        """While this lasts, ending the call aborts `busy`."""
        with self._lock:
            self._busy = busy
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._busy = None
