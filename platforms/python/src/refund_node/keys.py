"""The key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from .errors import HostError

_KEY = re.compile(r"(?:sk|rk)_(?P<mode>test|live)_[A-Za-z0-9_]+", re.ASCII)


class Key:
    """A secret or restricted key that may be used. Never printed, never pickled."""

    __slots__ = ("_text",)

    def __init__(self, text: object, *, live: bool) -> None:
        match = _KEY.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise HostError("wrong-key", _why(text))
        if match["mode"] == "live" and not live:
            raise HostError(
                "live-key", "this is a live key, which moves real money: say live=True if that is what you want"
            )
        self._text = match[0]

    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._text}"

    def __repr__(self) -> str:
        return f"Key({self._text[:8]}...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled: build the RefundNode where it is used")


def source(key: str | Callable[[], str] | None, *, live: bool) -> Callable[[], Key]:
    """Where the key of each call comes from; a key that is given as text is checked at once."""
    if callable(key):
        ask = key
        return lambda: Key(ask(), live=live)
    if key is None:
        return _missing
    checked = Key(key, live=live)
    return lambda: checked


def _missing() -> NoReturn:
    raise HostError(
        "missing-key", "this operation talks to Stripe: give key=..., a secret (sk_...) or restricted key (rk_...)"
    )


def _why(text: object) -> str:
    if not isinstance(text, str):
        return f"a key is text, not {type(text).__name__}: give a secret key (sk_...) or a restricted key (rk_...)"
    if not text.strip():
        return "the key is blank: give a secret key (sk_...) or a restricted key (rk_...)"
    if text.startswith("pk_"):
        return (
            "this is a publishable key (pk_...), which may not refund: "
            "give a secret key (sk_...) or a restricted key (rk_...)"
        )
    if text.startswith("whsec_"):
        return "this is a webhook secret (whsec_...): give a secret key (sk_...) or a restricted key (rk_...)"
    if re.match("(?:sk|rk)_(?:test|live)_.", text, re.DOTALL):
        return "the key contains white space or characters that no key has: copy it from the Dashboard unchanged"
    return "this is no Stripe key: keys begin with sk_test_, sk_live_, rk_test_ or rk_live_"
