"""Puts the component, its manifest and the allow-list into the package, and makes the typed calls."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "refund-node:refunds/node@0.1.0"


class BuildHook(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore]
    """Runs before every wheel, sdist and editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill `src/refund_node` with what is made from the component."""
        del version, build_data
        root = Path(self.root)
        package = root / "src" / "refund_node"
        data = package / "data"
        if (root / "PKG-INFO").exists() and "REFUND_NODE_COMPONENT" not in os.environ:
            return  # A source distribution: everything was put in when it was made.
        component, egress = _component(root), _found(root.parent / "egress.json")
        manifest = _describe(component.read_bytes())
        data.mkdir(exist_ok=True)
        shutil.copyfile(component, data / "refund-node.wasm")
        shutil.copyfile(egress, data / "egress.json")
        (data / "manifest.json").write_text(manifest, encoding="utf-8")
        sys.path.insert(0, str(root))
        from codegen import operations, types  # noqa: PLC0415

        described = json.loads(manifest)
        (package / "operations.py").write_text(operations(described), encoding="utf-8")
        (package / "types.py").write_text(types(described), encoding="utf-8")


def _component(root: Path) -> Path:
    given = os.environ.get("REFUND_NODE_COMPONENT")
    return _found(Path(given) if given else root.parent.parent / "dist" / "refund-node.wasm")


def _found(path: Path) -> Path:
    if not path.is_file():
        raise SystemExit(
            f"refund-node: {path} is not there. Build the component first (cargo xtask build), or name the "
            "file in REFUND_NODE_COMPONENT."
        )
    return path


def _describe(wasm: bytes) -> str:
    """Ask the component itself, so that manifest and component cannot differ."""
    from wasmtime import Config, Engine, Store  # noqa: PLC0415
    from wasmtime.component import Component, Linker  # noqa: PLC0415

    config = Config()
    config.cranelift_opt_level = "none"
    engine = Engine(config)
    component, linker, store = Component(engine, wasm), Linker(engine), Store(engine)
    linker.define_unknown_imports_as_traps(component)
    node = component.get_export_index(NODE)
    index = node and component.get_export_index("describe", node)
    if index is None:
        raise SystemExit(f"refund-node: the component does not export {NODE}")
    describe = linker.instantiate(store, component).get_func(store, index)
    if describe is None:
        raise SystemExit(f"refund-node: {NODE} has no function describe")
    return str(describe(store))
