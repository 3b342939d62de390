"""Python values into JSON, exactly or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from .errors import InvalidInput, Problem

# The component's own parser stops at 128.
_DEEPEST = 100
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_GIVE_A_DICT = "Give a dict; of a dataclass, dataclasses.asdict(...)."


class _LeftOut:
    """The default of an argument that was not given. None is a value: it may come from an empty variable."""

    def __repr__(self) -> str:
        return "<left out>"


LEFT_OUT: Any = _LeftOut()

# Without these everything that is left is refunded.
_AMOUNTS = ("amount", "amount_decimal", "currency")


def encode(input: Mapping[str, Any], connection: Mapping[str, Any] | None) -> str:
    """The input as JSON, with the connection where the operation takes one."""
    if not isinstance(input, Mapping):
        problem = f"an input is a mapping of fields, not {type(input).__name__}"
        raise InvalidInput([_problem("", "", problem, _GIVE_A_DICT)])
    problems: list[Problem] = []
    whole = _plain(input, "", 0, problems)
    if "connection" in input:
        fix = "Give key, base_url, account and max_retries to RefundNode."
        problems.append(_problem("connection", "", "the connection is the RefundNode's business", fix))
    if problems:
        raise InvalidInput(problems)
    return json.dumps(whole if connection is None else {**whole, "connection": connection})


def _plain(value: object, field: str, depth: int, problems: list[Problem]) -> Any:
    """A copy that JSON holds as it was meant: what is checked is what is sent."""
    if depth > _DEEPEST:
        problems.append(_problem(field, "", "the input is nested too deeply", "Give a flatter one."))
    elif isinstance(value, Mapping):
        return _plain_mapping(value, field, depth, problems)
    elif isinstance(value, (list, tuple)):
        return [_plain(item, f"{field}[{index}]", depth + 1, problems) for index, item in enumerate(value)]
    else:
        problems.extend(_scalar_problems(value, field))
        return value
    return None


def _plain_mapping(value: Mapping[Any, Any], field: str, depth: int, problems: list[Problem]) -> dict[str, Any]:
    plain = {}
    for name, item in value.items():
        if isinstance(name, str):
            plain[name] = _plain(item, f"{field}.{name}" if field else name, depth + 1, problems)
        else:
            problems.append(_problem(field, "", "the name of a field is not text", "Give a str."))
    if type(value) is not dict:
        for name in _AMOUNTS:
            if name not in plain and (name in value or hasattr(value, name)):
                problem = f"{name} is there, but not among the items, so it would not be sent"
                problems.append(_problem(f"{field}.{name}" if field else name, "", problem, _GIVE_A_DICT))
    return plain


def _scalar_problems(value: object, field: str) -> Iterator[Problem]:
    """Only numbers are repeated: text, or bytes, may be a secret."""
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            yield _problem(field, "", "the text holds half a character", "Decode it as UTF-8.")
    elif isinstance(value, int):
        if not _SMALLEST <= value <= _LARGEST:
            yield _problem(field, "", "the number has more than 64 bits", "Give a smaller one.")
    elif isinstance(value, (float, Decimal)):
        fix = "Give an int in the smallest unit of the currency, or text where a decimal is asked for."
        yield _problem(field, repr(value), f"a {type(value).__name__} is no exact amount", fix)
    elif value is not None:
        fix = "Give None, bool, int, str, list or dict; bytes in base64; of a dataclass, dataclasses.asdict(...)."
        yield _problem(field, "", f"{type(value).__name__} has no place in JSON", fix)


def _problem(field: str, value: str, problem: str, fix: str) -> Problem:
    return {"field": field, "value": value, "problem": problem, "fix": fix}
