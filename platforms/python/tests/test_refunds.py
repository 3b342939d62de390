"""Refunds against the simulator: one operation id, one refund, whatever happens in between."""

from __future__ import annotations

import hmac
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import KEY, Simulator

from refund_node import InvalidInput, OperationFailed, RefundNode, UnknownOperation


def test_a_refund_is_made_once(node: RefundNode, stripe: Simulator) -> None:
    charge = stripe.charge()
    made = node.refunds.create(operation_id="once", payment=charge, amount=1000, currency="usd")
    assert (made["origin"], made["refund"]["status"]) == ("made", "succeeded")
    again = node.invoke(
        "refunds.create", {"operation_id": "once", "payment": charge, "amount": 1000, "currency": "usd"}
    )
    assert again["origin"] == "found"
    assert again["refund"]["id"] == made["refund"]["id"]
    assert stripe.refunds_of(charge) == 1


@pytest.mark.parametrize("kind", ["reset", "truncate", "broken_json"])
def test_a_lost_answer_is_reconciled(node: RefundNode, stripe: Simulator, kind: str) -> None:
    charge = stripe.charge()
    stripe.fault(kind, after_commit=True)
    made = node.refunds.create(operation_id=f"lost-{kind}", payment=charge)
    assert made["origin"] in ("reconciled", "replayed")
    assert stripe.refunds_of(charge) == 1


def test_an_unknown_outcome_is_known_after_the_same_call_again(stripe: Simulator) -> None:
    charge = stripe.charge()
    with RefundNode(key=KEY, base_url=stripe.url, max_retries=0) as node:
        stripe.fault("reset", after_commit=True)
        stripe.fault("reset", method="GET", path="/v1/refunds", times=5)
        with pytest.raises(OperationFailed) as failed:
            node.refunds.create(operation_id="unknown", payment=charge)
        assert failed.value.to_dict().keys() == {"kind", "message", "retryable", "retry_after", "details"}
        assert failed.value.kind == "outcome-unknown"
        assert failed.value.retryable
        stripe.order("faults", method="DELETE")
        assert node.refunds.create(operation_id="unknown", payment=charge)["origin"] == "found"
    assert stripe.refunds_of(charge) == 1


def test_many_threads_and_one_operation_id(stripe: Simulator) -> None:
    charge = stripe.charge()
    with RefundNode(key=KEY, base_url=stripe.url) as node, ThreadPoolExecutor(8) as pool:

        def refund(_: int) -> str:
            return node.refunds.create(operation_id="race", payment=charge, amount=100, currency="usd")["refund"][
                "id"
            ]

        assert len(set(pool.map(refund, range(16)))) == 1
    assert stripe.refunds_of(charge) == 1


def test_two_keys_in_many_threads_stay_apart(stripe: Simulator) -> None:
    """A live key sees live objects only, so a key on the wrong request is seen at once."""
    charge = stripe.charge(amount=100_000)
    one = RefundNode(key=KEY, base_url=stripe.url)
    other = RefundNode(key="sk_live_simulator", live=True, base_url=stripe.url)

    def call(number: int) -> str:
        try:
            node = other if number % 2 else one
            node.refunds.create(operation_id=f"apart-{number}", payment=charge, amount=100, currency="usd")
        except OperationFailed as failed:
            return failed.kind
        return "made"

    with one, other, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, range(48)))
    assert set(results[::2]) == {"made"}
    assert set(results[1::2]) == {"refused"}
    assert stripe.refunds_of(charge) == 24


def test_a_denied_refund_sends_nothing_that_moves_money(node: RefundNode, stripe: Simulator) -> None:
    charge, before = stripe.charge(amount=500), stripe.posts()
    with pytest.raises(OperationFailed) as failed:
        node.refunds.create(operation_id="too-much", payment=charge, amount=501, currency="usd")
    assert failed.value.kind == "denied"
    assert stripe.posts() == before


@pytest.mark.parametrize("amount", [1.0, 10.5, True, "10", -1, 2**64, float("nan")])
def test_no_amount_but_an_exact_one(node: RefundNode, stripe: Simulator, amount: object) -> None:
    charge, before = stripe.charge(), len(stripe.requests())
    with pytest.raises(InvalidInput) as invalid:
        node.invoke(
            "refunds.create", {"operation_id": "x", "payment": charge, "amount": amount, "currency": "usd"}
        )
    assert [problem["field"] for problem in invalid.value.problems] == ["amount"]
    assert len(stripe.requests()) == before


_BASE: dict[str, Any] = {"operation_id": "null", "payment": "ch_1"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount": None}, "amount"),
        ({"amount": None, "currency": "usd"}, "amount"),
        ({"amount_decimal": None}, "amount_decimal"),
        ({"amount_decimal": "", "currency": "usd"}, "amount_decimal"),
        ({"currency": None}, "currency"),
        ({"currency": ""}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"document": None}, "document"),
        ({"policy": None}, "policy"),
        ({"policy": {"window_days": None}}, "policy.window_days"),
        ({"reverse_transfer": None}, "reverse_transfer"),
    ],
)
def test_none_is_no_amount_and_no_rule(
    node: RefundNode, stripe: Simulator, given: dict[str, Any], field: str
) -> None:
    """None is not the same as leaving a field out: it may come from a variable that was empty by mistake."""
    before = len(stripe.requests())
    for refund in (
        lambda: node.refunds.create(**_BASE, **given),
        lambda: node.invoke("refunds.create", {**_BASE, **given}),
    ):
        with pytest.raises(InvalidInput) as invalid:
            refund()
        assert [problem["field"] for problem in invalid.value.problems] == [field]
    assert len(stripe.requests()) == before


def test_the_types_offer_no_none_either(node: RefundNode) -> None:
    """Mypy refuses it as well: it reports an ignore that it does not need."""
    with pytest.raises(InvalidInput):
        node.refunds.create(operation_id="none", payment="ch_1", amount=None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        node.refunds.create(operation_id="none", payment="ch_1", policy={"window_days": None})  # type: ignore[typeddict-item]
    with pytest.raises(InvalidInput):
        node.refunds.list(payment=None)  # type: ignore[arg-type]


def test_none_is_harmless_elsewhere(node: RefundNode, stripe: Simulator) -> None:
    charge = stripe.charge()
    made = node.refunds.create(
        operation_id="none", payment=charge, reason=None, approval=None, instructions_email=None
    )
    assert made["refund"]["amount"] == 2500


def test_big_numbers_come_and_go_exactly(node: RefundNode) -> None:
    """A double would hold 9007199254740993 as 9007199254740992."""
    signature = hmac.new(b"whsec_1", b"1.", "sha256").hexdigest()
    with pytest.raises(OperationFailed) as failed:
        node.webhooks.verify(secrets=["whsec_1"], header=f"t=1,v1={signature}", payload="", now=2**53 + 2)
    assert failed.value.details["age"] == 2**53 + 1


def test_an_unknown_operation_names_the_known_ones() -> None:
    with pytest.raises(UnknownOperation) as unknown:
        RefundNode().invoke("refunds.make", {})
    assert "refunds.create" in unknown.value.to_dict()["known"]


def test_the_connection_is_not_the_callers(node: RefundNode) -> None:
    with pytest.raises(InvalidInput) as invalid:
        node.invoke("refunds.balance", {"connection": {"api_key": "sk_test_other"}})
    assert invalid.value.problems[0]["field"] == "connection"
    assert "other" not in str(invalid.value)
