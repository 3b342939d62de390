"""A call that was broken off says whether money may have moved, by what left for Stripe."""

from __future__ import annotations

import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CHECK, KEY, Simulator
from test_sandbox import component

from refund_node import HostError, RefundNode, wasi
from refund_node.allow import AllowList
from refund_node.egress import Answer, Egress, Request
from refund_node.engine import Sandbox
from refund_node.keys import Key, source
from refund_node.packaged import EGRESS
from refund_node.stop import Stop

_FORM = "content-type: application/x-www-form-urlencoded"


def _hostile_guest() -> Path | None:
    """The component of tests/hostile, which is built with the workspace."""
    builds = Path(os.environ.get("REFUND_NODE_CLI", "refund-node")).parent / "build"
    found = sorted(builds.glob("refund-tests-*/out/hostile.wasm"), key=lambda file: file.stat().st_mtime)
    return found[-1] if found else None


_HOSTILE = _hostile_guest()


def nothing_sent(error: HostError, code: str) -> None:
    assert error.code == code, error
    assert error.money_state == "nothing-sent", error
    assert re.search(r"[Nn]othing was sent", error.message), error
    assert "may have been made" not in error.message
    assert error.to_dict()["money_state"] == "nothing-sent"


def may_have_been_made(error: HostError, code: str, advice: str = "same operation id") -> None:
    assert error.code == code, error
    assert error.money_state == "may-have-been-made", error
    assert "may have been made" in error.message
    assert advice in error.message
    assert error.to_dict()["money_state"] == "may-have-been-made"
    assert pickle.loads(pickle.dumps(error)).money_state == "may-have-been-made"  # noqa: S301


def failure(call: Callable[[], object]) -> HostError:
    with pytest.raises(HostError) as error:
        call()
    return error.value


def test_a_timeout_says_what_had_left(stripe: Simulator) -> None:
    charge = stripe.charge()
    with RefundNode(key=KEY, base_url=stripe.url, timeout=0.5) as node:
        stripe.fault("hang", method="GET", path="/v1/charges/*")
        nothing_sent(failure(lambda: node.refunds.create(operation_id="late", payment=charge)), "timeout")
        stripe.fault("hang", after_commit=True)
        may_have_been_made(failure(lambda: node.refunds.create(operation_id="late", payment=charge)), "timeout")
    with RefundNode(key=KEY, base_url=stripe.url) as node:
        # As the advice says: the same operation id finds it.
        assert node.refunds.create(operation_id="late", payment=charge)["origin"] == "found"


def test_what_to_do_next_depends_on_the_operation(stripe: Simulator) -> None:
    with RefundNode(key=KEY, base_url=stripe.url, timeout=0.5) as node:
        for path in ("/v1/refunds/*", "/v1/files"):
            stripe.fault("hang", path=path)
        metadata = failure(lambda: node.refunds.update_metadata(refund="re_1", metadata={"a": "b"}))
        may_have_been_made(metadata, "timeout", "same input")
        file = failure(lambda: node.disputes.upload_file(name="a.png", content_base64="iVBORw0KGgo="))
        may_have_been_made(file, "timeout", "Read the dispute")


def test_a_name_server_that_is_slow_for_longer_than_the_call(
    stripe: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread goes on after the call was ended. It must not send then: nothing was sent, as told."""
    charge, resolve, posts = stripe.charge(), socket.getaddrinfo, stripe.posts()
    answered = threading.Event()

    def slow(*arguments: Any, **more: Any) -> Any:
        time.sleep(3)
        answered.set()
        return resolve(*arguments, **more)

    with RefundNode(key=KEY, base_url=stripe.url, timeout=0.2) as node:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        nothing_sent(failure(lambda: node.refunds.cancel(refund="re_1")), "timeout")
        assert answered.wait(5)
        time.sleep(0.3)
        monkeypatch.undo()
        assert stripe.posts() == posts
    assert stripe.refunds_of(charge) == 0


@pytest.mark.parametrize(("operation", "left"), [("GET", "nothing-sent"), ("POST", "may-have-been-made")])
def test_a_host_function_that_fails_says_what_had_left(
    stripe: Simulator, monkeypatch: pytest.MonkeyPatch, operation: str, left: str
) -> None:
    """The real component, trapped by its host after a request came back."""
    charge, send = stripe.charge(), wasi.Call.send

    def failing(call: wasi.Call, request: Request) -> Answer:
        answer = send(call, request)
        if request.method == operation:
            raise MemoryError
        return answer

    monkeypatch.setattr(wasi.Call, "send", failing)
    with RefundNode(key=KEY, base_url=stripe.url) as node:
        error = failure(lambda: node.refunds.create(operation_id=f"trap-{operation}", payment=charge))
    (nothing_sent if left == "nothing-sent" else may_have_been_made)(error, "trapped")
    assert stripe.refunds_of(charge) == (left != "nothing-sent")


@pytest.mark.skipif(_HOSTILE is None, reason="build refund-tests first")
def test_a_guest_that_traps_spins_and_hoards(stripe: Simulator) -> None:
    assert _HOSTILE is not None
    sandbox = Sandbox(_HOSTILE.read_bytes())
    egress = Egress(AllowList(EGRESS["requests"], stripe.url), source(KEY, live=False))

    def attack(operation: str, input: str = "") -> HostError:
        call = wasi.Call(Stop(), egress, Key(KEY, live=False))
        return failure(lambda: sandbox.invoke(call, 1, operation, input))

    charge = stripe.charge()
    for operation, code in (
        ("recurse", "trapped"), ("grow-memory", "trapped"), ("spin", "timeout"), ("sleep", "timeout")
    ):  # fmt: skip
        nothing_sent(attack(operation), code)
    nothing_sent(attack("fetch-and-trap", f"GET {stripe.url}/v1/charges/{charge}"), "trapped")
    refund = attack("fetch-and-trap", f"POST {stripe.url}/v1/refunds\n{_FORM}")
    may_have_been_made(refund, "trapped", "all again")
    # Denied by the allow-list, so it did not leave.
    denied = wasi.Call(Stop(), egress, Key(KEY, live=False))
    assert "Denied" in sandbox.invoke(denied, 5, "fetch", f"POST {stripe.url}/v1/charges\n{_FORM}")
    assert denied.money_state == "nothing-sent"
    egress.close()


def test_a_trap_before_anything() -> None:
    node = RefundNode(component=component("unreachable"))
    nothing_sent(failure(lambda: node.invoke("refunds.create", {})), "trapped")


def test_an_instance_that_cannot_be_opened() -> None:
    wanting = component("unreachable", '(import "wasi:cli/exit@0.2.0" (instance (export "exit" (func))))')
    node = RefundNode(component=wanting)
    nothing_sent(failure(lambda: node.invoke("refunds.create", {})), "wrong-component")


def test_no_thread_is_to_be_had(stripe: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(stripe.requests())
    with RefundNode(key=KEY, base_url=stripe.url) as node:

        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            nothing_sent(failure(node.refunds.balance), "not-started")
        assert len(stripe.requests()) == before
        assert node.refunds.balance()


def test_the_host_fails_before_the_guest_runs(stripe: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError("no room for a store")

    monkeypatch.setattr(Sandbox, "_guest", exhausted)
    with RefundNode(key=KEY, base_url=stripe.url) as node:
        error = failure(lambda: node.refunds.create(operation_id="op", payment="ch_1"))
    nothing_sent(error, "trapped")
    assert isinstance(error.__cause__, MemoryError)


def test_without_wasmtime() -> None:
    """The package can be imported, and says what is missing when it is used."""
    program = """
import sys
sys.modules["wasmtime"] = None
from refund_node import HostError, RefundNode
try:
    RefundNode()
except HostError as error:
    print(error.code, error.money_state, error.message)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("not-started nothing-sent "), done.stderr
    assert "wasmtime" in done.stdout
    assert "othing was sent" in done.stdout


def test_a_closed_node_sent_nothing() -> None:
    with RefundNode() as node:
        pass
    nothing_sent(failure(lambda: node.invoke("eligibility.check", CHECK)), "closed")


def test_errors_before_a_call() -> None:
    assert failure(RefundNode().refunds.balance).money_state == "nothing-sent"
    assert failure(lambda: RefundNode(key="pk_test_1")).money_state == "nothing-sent"
