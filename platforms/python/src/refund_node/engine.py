"""The component: compiled once, run in a fresh store and instance for each call."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.metadata
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime import _ffi as ffi
from wasmtime.component import Component, ExportIndex, Linker

from . import wasi
from .abi import failure
from .cache import open_cache
from .errors import HostCode, HostError, MoneyState, RefundNodeError, not_started
from .stop import Stop, Stopped

_NODE = "refund-node:refunds/node@0.1.0"
_MOST_COMPONENT_BYTES = 8 << 20
_MOST_MEMORY_BYTES = 64 << 20
# A call that was ended is given so long to notice, for example by giving up a connection.
_GRACE_SECONDS = 2.0


class _Runtime:
    """One engine and one linker for the whole process; wasmtime shares both between threads."""

    def __init__(self) -> None:
        config = Config()
        config.epoch_interruption = True
        self.engine = Engine(config)
        self.linker = Linker(self.engine)
        self._defined = wasi.define(self.linker)
        self._compiled: dict[str, Component] = {}
        self._lock = threading.Lock()

    def component(self, wasm: bytes, digest: str) -> Component:
        with self._lock:
            if digest not in self._compiled:
                self._compiled[digest] = self._compile(wasm, digest)
            return self._compiled[digest]

    def _compile(self, wasm: bytes, digest: str) -> Component:
        cache, name = open_cache(), f"{digest} wasmtime {importlib.metadata.version('wasmtime')}"
        code = cache.load(name) if cache else None
        try:
            if code is not None:
                return Component.deserialize(self.engine, code)
        except WasmtimeError:
            pass  # Compiled for another processor or another build of wasmtime.
        try:
            component = Component(self.engine, wasm)
        except WasmtimeError as error:
            raise HostError("wrong-component", f"the file is no component: {error}") from None
        if cache:
            cache.keep(name, bytes(component.serialize()))
        return component


_making = threading.Lock()


@functools.cache
def _made() -> _Runtime:
    return _Runtime()


def _runtime() -> _Runtime:
    with _making:
        try:
            return _made()
        except WasmtimeError as error:
            raise not_started("wasmtime cannot be started", error) from error


@dataclass
class _Outcome:
    value: Any = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Sandbox:
    """One component, ready to be called from any thread."""

    def __init__(self, wasm: bytes, digest: str | None = None) -> None:
        if not wasm.startswith(b"\0asm"):
            # wasmtime would take text for WebAssembly in its text format.
            raise HostError("wrong-component", "the file is no WebAssembly component")
        if len(wasm) > _MOST_COMPONENT_BYTES:
            raise HostError("wrong-component", f"the component has more than {_MOST_COMPONENT_BYTES} bytes")
        self.digest = f"sha256:{hashlib.sha256(wasm).hexdigest()}"
        if digest is not None and digest != self.digest:
            raise HostError("wrong-digest", f"the component is {self.digest}, not the {digest} that was asked for")
        self._runtime = _runtime()
        self._component = self._runtime.component(wasm, self.digest)
        self._functions = {name: self._find(name) for name in ("describe", "invoke")}

    def describe(self, timeout: float) -> str:
        """The manifest, from the component itself."""
        return str(self._run(wasi.Call(Stop()), timeout, "describe"))

    def invoke(self, call: wasi.Call, timeout: float, operation: str, input: str) -> Any:
        """Run one operation: text for an output, else the variant `invoke-error`."""
        return self._run(call, timeout, "invoke", operation, input)

    def _find(self, name: str) -> ExportIndex:
        node = self._component.get_export_index(_NODE)
        found = node and self._component.get_export_index(name, node)
        if not found:
            raise HostError("wrong-component", f"the component does not export {_NODE}, or it has no {name}")
        return found

    def _run(self, call: wasi.Call, timeout: float, function: str, *arguments: str) -> Any:
        # In a thread of its own: it can be waited for with a bound, and no signal of Python's is raised inside
        # a host function, where it would be lost.
        outcome = _Outcome()

        def run() -> None:
            try:
                outcome.value = self._guest(call, function, arguments)
            except BaseException as error:  # noqa: BLE001
                outcome.error = error
            finally:
                outcome.done.set()

        thread = threading.Thread(target=run, name=f"refund-node {function}")
        try:
            thread.start()
        except RuntimeError as error:
            raise not_started("no thread can be started", error) from error
        operation = arguments[0] if arguments else ""
        try:
            in_time = outcome.done.wait(timeout)
        except BaseException as interrupt:
            self._end(call, outcome)
            if sys.version_info >= (3, 11):
                interrupt.add_note(f"refund-node: the call was interrupted. {_money(call.money_state, operation)}")
            raise
        if not in_time:
            self._end(call, outcome)
        return _result(outcome, call, operation, timeout)

    def _end(self, call: wasi.Call, outcome: _Outcome) -> None:
        call.stop.now()
        for _ in range(int(_GRACE_SECONDS / 0.05)):
            self._runtime.engine.increment_epoch()
            if outcome.done.wait(0.05):
                return

    def _guest(self, call: wasi.Call, function: str, arguments: tuple[str, ...]) -> Any:
        with Store(self._runtime.engine) as store, wasi.running(call):
            store.set_limits(memory_size=_MOST_MEMORY_BYTES, table_elements=10_000, instances=16, memories=4)
            store.set_epoch_deadline(1)
            ffi.wasmtime_store_epoch_deadline_callback(store.ptr(), _ON_EPOCH, None, _NOTHING)
            try:
                instance = self._runtime.linker.instantiate(store, self._component)
            except WasmtimeError as error:
                why = f"the component does not fit this host: {_last_line(error)}. Nothing was sent."
                raise HostError("wrong-component", why) from None
            exported = instance.get_func(store, self._functions[function])
            if exported is None:
                raise HostError("wrong-component", f"{function} is no function")
            try:
                return exported(store, *arguments)
            except WasmtimeError:
                call.stop.check()
                raise


def _result(outcome: _Outcome, call: wasi.Call, operation: str, timeout: float) -> Any:
    error = outcome.error
    if not outcome.done.is_set() or isinstance(error, Stopped):
        raise _broken_off("timeout", f"no result after {timeout:g} s", call, operation)
    if isinstance(error, WasmtimeError):
        why = f"the component was ended by the sandbox ({_last_line(error)})"
        raise _broken_off("trapped", why, call, operation) from None
    if isinstance(error, Exception) and not isinstance(error, RefundNodeError):
        raise _broken_off("trapped", f"the host failed ({type(error).__name__})", call, operation) from error
    if error is not None:
        raise error
    return outcome.value


def _broken_off(code: HostCode, why: str, call: wasi.Call, operation: str) -> HostError:
    # A call that was ended sends nothing more, so what has left is settled by now.
    return HostError(code, f"{why}. {_money(call.money_state, operation)}", call.money_state)


def _money(state: MoneyState, operation: str) -> str:
    if state == "nothing-sent":
        return "Nothing was sent: no request that changes anything left for Stripe in this call."
    how = _how_to_find_out(operation)
    return f"It may have been made: a request that changes something left for Stripe. {how}"


def _how_to_find_out(operation: str) -> str:
    if operation.startswith("disputes."):
        return "Read the dispute before you call again."
    same = "operation id" if operation == "refunds.create" else "input"
    return f"Call again with the same {same} to find out."


def _last_line(error: WasmtimeError) -> str:
    return str(error).strip().rpartition("\n")[2].strip()


def _on_epoch(_context: Any, _data: Any, delta: Any, kind: Any) -> int:
    """The epoch moves only when some call is to end: that one ends, and the others go on."""
    try:
        wasi.current().stop.check()
    except BaseException as error:  # noqa: BLE001
        return failure(error)
    delta[0], kind[0] = 1, 0
    return 0


_EpochCallback = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(ffi.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ffi.wasmtime_update_deadline_kind_t),
)
_ON_EPOCH = _EpochCallback(_on_epoch)
_NOTHING = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(0)
