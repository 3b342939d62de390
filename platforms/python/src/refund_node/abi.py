"""Values between Python and a component, at the level of wasmtime's C API.

wasmtime-py has a layer for this, `LinkerInstance.add_func`. It is not used, for two reasons: it is not safe with
threads (while it lowers a variant it keeps a set in a global; https://github.com/bytecodealliance/wasmtime-py/issues/254),
and it converts a `list<u8>` byte by byte, at about a second for a page of charges. Hence the pinned version.
"""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wasmtime import WasmtimeError
from wasmtime import _ffi as ffi
from wasmtime.component import LinkerInstance, ResourceType

_Val = ffi.wasmtime_component_val_t
_SIZE, _KIND, _OF = ctypes.sizeof(_Val), _Val.kind.offset, _Val.of.offset
_U8 = ffi.WASMTIME_COMPONENT_U8.value


class Lowered(ABC):
    """A value on its way into the component."""

    @abstractmethod
    def lower(self, context: Any, out: Any) -> None:
        """Write it to a C value."""


@dataclass(frozen=True)
class U16(Lowered):
    """A `u16`."""

    value: int

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        del context
        out.kind, out.of.u16 = ffi.WASMTIME_COMPONENT_U16, self.value


@dataclass(frozen=True)
class U32(Lowered):
    """A `u32`."""

    value: int

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        del context
        out.kind, out.of.u32 = ffi.WASMTIME_COMPONENT_U32, self.value


@dataclass(frozen=True)
class U64(Lowered):
    """A `u64`."""

    value: int

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        del context
        out.kind, out.of.u64 = ffi.WASMTIME_COMPONENT_U64, self.value


@dataclass(frozen=True)
class String(Lowered):
    """A `string`."""

    value: str

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        del context
        out.kind, out.of.string = ffi.WASMTIME_COMPONENT_STRING, ffi.str_to_capi(self.value)


@dataclass(frozen=True)
class Bytes(Lowered):
    """A `list<u8>`, all of it at once."""

    value: bytes

    def lower(self, context: Any, out: Any) -> None:
        """Write it: one C value for each byte, its kind and its content at fixed distances."""
        del context
        cells = bytearray(len(self.value) * _SIZE)
        cells[_KIND::_SIZE] = bytes([_U8]) * len(self.value)
        cells[_OF::_SIZE] = self.value
        raw = ffi.wasmtime_component_vallist_t()
        ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(raw), len(self.value))
        ctypes.memmove(raw.data, bytes(cells), len(cells))
        out.kind, out.of.list = ffi.WASMTIME_COMPONENT_LIST, raw


@dataclass(frozen=True)
class List(Lowered):
    """A `list` of anything else."""

    items: Sequence[Lowered]

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        raw = ffi.wasmtime_component_vallist_t()
        ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(raw), len(self.items))
        for index, item in enumerate(self.items):
            item.lower(context, raw.data[index])
        out.kind, out.of.list = ffi.WASMTIME_COMPONENT_LIST, raw


@dataclass(frozen=True)
class Tuple(Lowered):
    """A `tuple`."""

    items: Sequence[Lowered]

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        raw = ffi.wasmtime_component_valtuple_t()
        ffi.wasmtime_component_valtuple_new_uninit(ctypes.byref(raw), len(self.items))
        for index, item in enumerate(self.items):
            item.lower(context, raw.data[index])
        out.kind, out.of.tuple = ffi.WASMTIME_COMPONENT_TUPLE, raw


@dataclass(frozen=True)
class Record(Lowered):
    """A `record`, its fields in the order of the WIT."""

    fields: Sequence[tuple[str, Lowered]]

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        raw = ffi.wasmtime_component_valrecord_t()
        ffi.wasmtime_component_valrecord_new_uninit(ctypes.byref(raw), len(self.fields))
        for index, (name, value) in enumerate(self.fields):
            raw.data[index].name = ffi.str_to_capi(name)
            value.lower(context, raw.data[index].val)
        out.kind, out.of.record = ffi.WASMTIME_COMPONENT_RECORD, raw


@dataclass(frozen=True)
class Variant(Lowered):
    """A case of a `variant`."""

    case: str
    payload: Lowered | None = None

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        boxed = _boxed(context, self.payload)
        out.kind = ffi.WASMTIME_COMPONENT_VARIANT
        out.of.variant.discriminant, out.of.variant.val = ffi.str_to_capi(self.case), boxed


@dataclass(frozen=True)
class Option(Lowered):
    """An `option`."""

    payload: Lowered | None = None

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        boxed = _boxed(context, self.payload)
        out.kind, out.of.option = ffi.WASMTIME_COMPONENT_OPTION, boxed


@dataclass(frozen=True)
class Ok(Lowered):
    """A `result` that is well."""

    payload: Lowered | None = None

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        _lower_result(context, out, self.payload, is_ok=True)


@dataclass(frozen=True)
class Err(Lowered):
    """A `result` that is not."""

    payload: Lowered | None = None

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        _lower_result(context, out, self.payload, is_ok=False)


@dataclass(frozen=True)
class Own(Lowered):
    """A resource of the host's, given away."""

    kind: int
    handle: int

    def lower(self, context: Any, out: Any) -> None:
        """Write it."""
        host = ffi.wasmtime_component_resource_host_new(True, self.handle, self.kind)  # noqa: FBT003
        try:
            resource = ctypes.POINTER(ffi.wasmtime_component_resource_any_t)()
            _check(ffi.wasmtime_component_resource_host_to_any(context, host, ctypes.byref(resource)))
        finally:
            ffi.wasmtime_component_resource_host_delete(host)
        out.kind, out.of.resource = ffi.WASMTIME_COMPONENT_RESOURCE, resource


@dataclass(frozen=True)
class Handle:
    """A resource of the host's, as the component gives it: lent, or back for good."""

    number: int
    is_owned: bool


def _boxed(context: Any, payload: Lowered | None) -> Any:
    if payload is None:
        return None
    raw = _Val()
    payload.lower(context, raw)
    return ffi.wasmtime_component_val_new(ctypes.byref(raw))


def _lower_result(context: Any, out: Any, payload: Lowered | None, *, is_ok: bool) -> None:
    boxed = _boxed(context, payload)
    out.kind = ffi.WASMTIME_COMPONENT_RESULT
    out.of.result.is_ok, out.of.result.val = is_ok, boxed


def lift(context: Any, value: Any) -> Any:
    """A C value that the component passed. It stays wasmtime's, which frees it."""
    return _LIFT[value.kind](context, value.of)


def _lift_bytes(_: Any, of: Any) -> bytes:
    cells = ctypes.string_at(of.list.data, of.list.size * _SIZE) if of.list.size else b""
    if cells[_KIND::_SIZE].strip(bytes([_U8])):
        raise TypeError("a list of anything but bytes")
    return cells[_OF::_SIZE]


def _lift_variant(context: Any, of: Any) -> tuple[str, Any]:
    payload = lift(context, of.variant.val.contents) if of.variant.val else None
    return ffi.to_str(of.variant.discriminant), payload


def _lift_handle(context: Any, of: Any) -> Handle:
    """Also ends a loan, so every handle that comes has to be lifted."""
    host = ctypes.POINTER(ffi.wasmtime_component_resource_host_t)()
    _check(ffi.wasmtime_component_resource_any_to_host(context, of.resource, ctypes.byref(host)))
    try:
        number = ffi.wasmtime_component_resource_host_rep(host)
        return Handle(number, ffi.wasmtime_component_resource_host_owned(host))
    finally:
        ffi.wasmtime_component_resource_host_delete(host)


_LIFT: dict[int, Callable[[Any, Any], Any]] = {
    ffi.WASMTIME_COMPONENT_U64.value: lambda _, of: of.u64,
    ffi.WASMTIME_COMPONENT_STRING.value: lambda _, of: ffi.to_str(of.string) if of.string.size else "",
    ffi.WASMTIME_COMPONENT_LIST.value: _lift_bytes,
    ffi.WASMTIME_COMPONENT_VARIANT.value: _lift_variant,
    ffi.WASMTIME_COMPONENT_OPTION.value: (
        lambda context, of: lift(context, of.option.contents) if of.option else None
    ),
    ffi.WASMTIME_COMPONENT_RESOURCE.value: _lift_handle,
}


class Definitions:
    """What is defined in a linker. Has to live as long as the linker."""

    def __init__(self) -> None:
        self._callbacks: list[Any] = []

    def add_func(self, interface: LinkerInstance, name: str, function: Callable[..., Lowered | None]) -> None:
        """Define a function of an interface."""

        def run(_data: Any, context: Any, _type: Any, args: Any, count: int, results: Any, _: int) -> Any:
            def body() -> None:
                # All of them before the function runs: a handle that is not lifted stays lent.
                lifted = [lift(context, args[index]) for index in range(count)]
                result = function(*lifted)
                if result is not None:
                    result.lower(context, results[0])

            return _guarded(body)

        callback = ffi.wasmtime_component_func_callback_t(run)
        self._callbacks.append(callback)
        text = name.encode()
        _check(
            ffi.wasmtime_component_linker_instance_add_func(
                interface.ptr(), ctypes.create_string_buffer(text), len(text), callback, None, _NOTHING
            )
        )

    def add_resource(self, interface: LinkerInstance, name: str, kind: int, drop: Callable[[int], None]) -> None:
        """Define a resource of an interface; `drop` is told the handle when the component lets go of it."""

        def run(_data: Any, _context: Any, handle: int) -> Any:
            return _guarded(lambda: drop(handle))

        callback, resource = ffi.wasmtime_component_resource_destructor_t(run), ResourceType.host(kind)
        self._callbacks.append(callback)
        text = name.encode()
        _check(
            ffi.wasmtime_component_linker_instance_add_resource(
                interface.ptr(), ctypes.create_string_buffer(text), len(text), resource.ptr(),
                callback, None, _NOTHING,
            )
        )  # fmt: skip


_NOTHING = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(0)


def _guarded(body: Callable[[], None]) -> int:
    """Nothing may be raised through C: an error becomes a trap, which is all the component learns."""
    try:
        body()
    except BaseException as error:  # noqa: BLE001
        return failure(error)
    return 0


def failure(error: BaseException) -> int:
    """An error of wasmtime's that names ours: the address of one, as C takes it."""
    pointer = ffi.wasmtime_error_new(f"the host: {type(error).__name__}".encode())
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0


def _check(error: Any) -> None:
    if error:
        raise WasmtimeError._from_ptr(error)  # noqa: SLF001
