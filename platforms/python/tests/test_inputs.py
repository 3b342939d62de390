"""Python values into JSON, exactly or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

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
        encode({"policy": {"required_metadata": {"a": [value]}}}, None)
    (problem,) = invalid.value.to_dict()["problems"]
    assert problem["field"] == "policy.required_metadata.a[0]"
    assert problem["fix"]
    assert "verysecret" not in str(problem)


class _Order(dict[str, Any]):
    """A dict whose amount is computed: JSON would not hold it."""

    @property
    def amount(self) -> int:
        return 1000


class _Hidden(Mapping[str, Any]):
    """A mapping that finds more than it lists."""

    def __getitem__(self, name: str) -> Any:
        return {"operation_id": "op-1", "payment": "ch_1", "amount": 1000}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(["operation_id", "payment"])

    def __len__(self) -> int:
        return 2


@pytest.mark.parametrize("value", [_Order(operation_id="op-1", payment="ch_1"), _Hidden()])
def test_an_amount_that_json_would_not_hold_is_refused(value: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInput) as invalid:
        encode(value, None)
    assert [problem["field"] for problem in invalid.value.problems] == ["amount"]


def test_an_amount_that_is_an_attribute_and_an_item_is_that_item() -> None:
    assert json.loads(encode(_Order(amount=5), None)) == {"amount": 5}


@dataclass
class _Wish:
    operation_id: str
    payment: str
    amount: int | None = None


def test_a_dataclass_says_how_it_is_given() -> None:
    with pytest.raises(InvalidInput, match="asdict"):
        encode(cast("Any", _Wish("op-1", "ch_1")), None)
    with pytest.raises(InvalidInput, match="asdict"):
        encode({"policy": _Wish("op-1", "ch_1")}, None)


def test_a_loop_ends() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    with pytest.raises(InvalidInput, match="deeply"):
        encode(loop, None)


def test_all_problems_at_once() -> None:
    with pytest.raises(InvalidInput) as invalid:
        encode({"amount": 1.5, "other": [b""]}, {})
    assert [problem["field"] for problem in invalid.value.problems] == ["amount", "other[0]"]
