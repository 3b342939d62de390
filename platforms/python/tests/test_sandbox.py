"""The sandbox: which component, for how long, with how much."""

from __future__ import annotations

import hashlib
import signal
import sys
import threading
import time
from importlib import resources

import pytest
from conftest import CHECK, KEY, Simulator
from wasmtime import wat2wasm

from refund_node import HostError, RefundNode

WASM = resources.files("refund_node").joinpath("data", "refund-node.wasm").read_bytes()


def component(body: str, imports: str = "") -> bytes:
    """A component whose `describe` does what `body` says."""
    return bytes(
        wat2wasm(f"""(component {imports}
            (core module $m
                (memory (export "memory") 1)
                (func (export "describe") (result i32) {body} unreachable)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
            (core instance $i (instantiate $m))
            (func $f (result string) (canon lift (core func $i "describe")
                (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
            (instance $node (export "describe" (func $f)) (export "invoke" (func $f)))
            (export "refund-node:refunds/node@0.1.0" (instance $node)))""")
    )


def guests() -> list[str]:
    """The threads in which components run."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("refund-node")]


def error_of(wasm: bytes, timeout: float = 10) -> HostError:
    with pytest.raises(HostError) as error:
        RefundNode(component=wasm, timeout=timeout).invoke("refunds.create", {})
    return error.value


def test_the_digest_is_of_what_is_loaded() -> None:
    digest = f"sha256:{hashlib.sha256(WASM).hexdigest()}"
    assert RefundNode(digest=digest).digest == digest
    with pytest.raises(HostError) as error:
        RefundNode(digest="sha256:" + "0" * 64)
    assert error.value.code == "wrong-digest"


def test_the_packaged_manifest_is_the_components_own() -> None:
    assert (
        RefundNode().manifest.encode()
        == resources.files("refund_node").joinpath("data", "manifest.json").read_bytes()
    )


def test_a_spinning_guest_is_ended_and_nobody_else() -> None:
    spinning = component("(loop br 0)")
    other = RefundNode()
    answers: list[object] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            answers.append(other.invoke("eligibility.check", CHECK))

    thread = threading.Thread(target=work)
    thread.start()
    started = time.monotonic()
    assert error_of(spinning, timeout=0.3).code == "timeout"
    assert time.monotonic() - started < 2
    ended.set()
    thread.join()
    assert answers
    assert not guests()


def test_a_trap() -> None:
    assert error_of(component("unreachable")).code == "trapped"


def test_memory_is_bounded() -> None:
    def grow(pages: int) -> bytes:
        """Traps where the pages are not to be had, and spins where they are."""
        return component(f"(if (i32.ne (memory.grow (i32.const {pages})) (i32.const -1)) (then (loop br 0)))")

    assert error_of(grow(1023), timeout=0.5).code == "timeout"
    assert error_of(grow(1024)).code == "trapped"


def test_a_component_that_wants_more_is_refused() -> None:
    for imports in (
        '(import "wasi:cli/exit@0.2.0" (instance (export "exit" (func))))',
        '(import "wasi:http/types@0.2.2" (instance (export "incoming-request" (type (sub resource)))))',
        '(import "wasi:clocks/wall-clock@0.2.2" (instance (export "set" (func))))',
    ):
        assert error_of(component("unreachable", imports)).code == "wrong-component"


def test_what_is_no_component() -> None:
    for wasm in (b"", b"hello", b"(component)", bytes(wat2wasm("(component)")), WASM[:1000]):
        with pytest.raises(HostError, match="wrong-component"):
            RefundNode(component=wasm)


def test_waiting_for_stripe_is_bounded_too(stripe: Simulator) -> None:
    stripe.fault("hang", method="GET", path="/v1/balance")
    started = time.monotonic()
    with RefundNode(key=KEY, base_url=stripe.url, timeout=0.3) as node, pytest.raises(HostError) as error:
        node.refunds.balance()
    assert error.value.code == "timeout"
    assert time.monotonic() - started < 2


def test_a_timeout_while_money_moves_is_made_good_by_the_same_call(stripe: Simulator) -> None:
    charge = stripe.charge()
    stripe.fault("hang", after_commit=True)
    with (
        RefundNode(key=KEY, base_url=stripe.url, timeout=1) as node,
        pytest.raises(HostError, match="same operation id"),
    ):
        node.refunds.create(operation_id="hang", payment=charge)
    with RefundNode(key=KEY, base_url=stripe.url) as node:
        assert node.refunds.create(operation_id="hang", payment=charge)["origin"] == "found"
    assert stripe.refunds_of(charge) == 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_interrupt_ends_the_call(stripe: Simulator) -> None:
    stripe.fault("hang", method="GET", path="/v1/balance")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with RefundNode(key=KEY, base_url=stripe.url) as node, pytest.raises(KeyboardInterrupt) as end:  # noqa: PT012
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            node.refunds.balance()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not guests()
    if sys.version_info >= (3, 11):
        assert "Nothing was sent" in end.value.__notes__[0]


def test_a_closed_node_says_so() -> None:
    with RefundNode() as node:
        pass
    with pytest.raises(HostError, match="closed"):
        node.invoke("eligibility.check", CHECK)
