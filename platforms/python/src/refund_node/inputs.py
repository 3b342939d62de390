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


def encode(input: Mapping[str, Any], connection: Mapping[str, Any] | None) -> str:
    """The input as JSON, with the connection where the operation takes one."""
    if not isinstance(input, Mapping):
        problem = f"an input is a mapping of fields, not {type(input).__name__}"
        raise InvalidInput([_problem("", "", problem, "Give a dict.")])
    problems = list(_problems(input, "", 0))
    if "connection" in input:
        fix = "Give key, base_url, account and max_retries to RefundNode."
        problems.append(_problem("connection", "", "the connection is the RefundNode's business", fix))
    if problems:
        raise InvalidInput(problems)
    whole = dict(input) if connection is None else {**input, "connection": connection}
    return json.dumps(whole, default=dict)


def _problems(value: object, field: str, depth: int) -> Iterator[Problem]:
    """What JSON, or the component, would not hold as it was meant."""
    if depth > _DEEPEST:
        yield _problem(field, "", "the input is nested too deeply", "Give a flatter one.")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(name, str):
                yield from _problems(item, f"{field}.{name}" if field else name, depth + 1)
            else:
                yield _problem(field, "", "the name of a field is not text", "Give a str.")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _problems(item, f"{field}[{index}]", depth + 1)
    else:
        yield from _scalar_problems(value, field)


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
        fix = "Give None, bool, int, str, list or dict; raw bytes go in base64."
        yield _problem(field, "", f"{type(value).__name__} has no place in JSON", fix)


def _problem(field: str, value: str, problem: str, fix: str) -> Problem:
    return {"field": field, "value": value, "problem": problem, "fix": fix}
