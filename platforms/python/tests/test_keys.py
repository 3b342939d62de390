"""The key: which may be used, and where it never is."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

import pytest
from conftest import CHECK, KEY, Simulator

from refund_node import HostError, OperationFailed, RefundNode, abi
from refund_node.engine import Sandbox
from refund_node.keys import Key

SECRET = "sk_test_verysecret"
# Invented, and in two parts: a scanner would take the whole for a leaked key.
LIVE = "sk_" + "live_verysecret"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "wrong-key"),
        (" ", "wrong-key"),
        ("pk_test_verysecret", "wrong-key"),
        ("whsec_verysecret", "wrong-key"),
        ("sk_verysecret", "wrong-key"),
        ("sk_test_", "wrong-key"),
        ("verysecret", "wrong-key"),
        ("sk_test_verysecret\n", "wrong-key"),
        ("sk_test_very secret", "wrong-key"),
        ("sk_test_verysecret\r\nHost: x", "wrong-key"),
        ("sk_test_verysecr\u00e9t", "wrong-key"),
        (LIVE, "live-key"),
        ("r" + LIVE[1:], "live-key"),
    ],
)
def test_a_key_that_may_not_be_used(key: str, code: str) -> None:
    with pytest.raises(HostError) as error:
        RefundNode(key=key)
    assert error.value.code == code
    assert "verysecr" not in "".join(traceback.format_exception(error.value))


def test_good_keys() -> None:
    for key in ("sk_test_1", "rk_test_1"):
        RefundNode(key=key).close()
    for key in ("sk_live_1", "rk_live_1"):
        RefundNode(key=key, live=True).close()


def test_a_missing_key_matters_only_to_what_talks_to_stripe(stripe: Simulator) -> None:
    with RefundNode(base_url=stripe.url) as node:
        node.invoke("eligibility.check", CHECK)
        with pytest.raises(HostError) as error:
            node.refunds.balance()
    assert error.value.to_dict()["code"] == "missing-key"


def test_a_vault_is_asked_for_each_call(stripe: Simulator) -> None:
    asked: list[int] = []

    def vault() -> str:
        asked.append(1)
        return KEY

    with RefundNode(key=vault, base_url=stripe.url) as node:
        node.invoke("eligibility.check", CHECK)
        assert not asked
        node.refunds.balance()
        node.refunds.balance()
    assert len(asked) == 2


def test_what_a_vault_gives_is_checked_and_what_it_raises_is_passed_on(stripe: Simulator) -> None:
    with pytest.raises(HostError, match="live-key"):
        RefundNode(key=lambda: LIVE, base_url=stripe.url).refunds.balance()

    def broken() -> str:
        raise LookupError("the vault is sealed")

    with pytest.raises(LookupError, match="sealed"):
        RefundNode(key=broken, base_url=stripe.url).refunds.balance()


def test_nothing_prints_a_key() -> None:
    key, node = Key(SECRET, live=False), RefundNode(key=SECRET)
    assert "verysecret" not in f"{key!r} {key} {node!r} {node} {node.__dict__}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_the_key_never_enters_the_sandbox(stripe: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that goes in is the arguments of `invoke` and what host functions return; neither has it."""
    inside: list[str] = []
    lower_string, lower_bytes, guest = abi.String.lower, abi.Bytes.lower, Sandbox._guest

    def string(self: abi.String, context: Any, out: Any) -> None:
        inside.append(self.value)
        lower_string(self, context, out)

    def content(self: abi.Bytes, context: Any, out: Any) -> None:
        inside.append(self.value.decode("latin-1"))
        lower_bytes(self, context, out)

    def run(self: Sandbox, call: Any, function: str, arguments: tuple[str, ...]) -> Any:
        inside.extend(arguments)
        return guest(self, call, function, arguments)

    monkeypatch.setattr(abi.String, "lower", string)
    monkeypatch.setattr(abi.Bytes, "lower", content)
    monkeypatch.setattr(Sandbox, "_guest", run)
    charge = stripe.charge()
    with RefundNode(key=KEY, base_url=stripe.url) as node:
        node.refunds.create(operation_id="inside", payment=charge)
    assert any(charge in text for text in inside)
    assert not any(KEY in text for text in inside)


def test_a_refused_key_is_not_repeated(stripe: Simulator) -> None:
    with RefundNode(key="sk_test_simulator_verysecret", base_url=stripe.url) as node:
        stripe.fault("status", method="GET", path="/v1/balance", status=401)
        with pytest.raises(OperationFailed) as failed:
            node.refunds.balance()
    assert "verysecret" not in str(failed.value.to_dict()) + "".join(traceback.format_exception(failed.value))
