"""Python values into JSON, exactly or not at all."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refund_node import InvalidInput
from refund_node.inputs import encode

_TEXT = st.text(st.characters(codec="utf-8"))
_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _TEXT
_JSON = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=8)


@given(st.dictionaries(_TEXT.filter(lambda name: name != "connection"), _JSON))
def test_what_json_holds_comes_out_as_it_was(value: dict[str, Any]) -> None:
    assert json.loads(encode(value, None)) == value


@pytest.mark.parametrize(
    "value", [1.0, 0.1, Decimal(1), 2**64, -(2**63) - 1, b"whsec_verysecret", {1}, object(), "\ud800", {1: "x"}]
)
def test_everything_else_is_named(value: Any) -> None:
    with pytest.raises(InvalidInput) as invalid:
        encode({"policy": {"maximum": [{"amount": value}]}}, None)
    (problem,) = invalid.value.to_dict()["problems"]
    assert problem["field"] == "policy.maximum[0].amount"
    assert problem["fix"]
    assert "verysecret" not in str(problem)


def test_a_loop_ends() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    with pytest.raises(InvalidInput, match="deeply"):
        encode(loop, None)


def test_all_problems_at_once() -> None:
    with pytest.raises(InvalidInput) as invalid:
        encode({"amount": 1.5, "other": [b""]}, {})
    assert [problem["field"] for problem in invalid.value.problems] == ["amount", "other[0]"]
