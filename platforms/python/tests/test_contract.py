"""Names of the contract that this package spells out. Their layout is checked by wasmtime."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from conftest import ROOT

import refund_node
from refund_node import wasi
from refund_node.errors import FailureKind

CASES = json.loads((ROOT / "platforms" / "abi.json").read_text())["cases"]


def test_kinds_of_failure() -> None:
    # `other`, a kind of a later version, is shown as `outcome-unknown`.
    assert [*get_args(FailureKind), "other"] == CASES["failure-kind"]


def test_words_of_wasi() -> None:
    package = Path(refund_node.__file__).parent
    sources = "".join((package / name).read_text() for name in ("egress.py", "wasi.py", "wire.py"))
    codes = set(re.findall(r'"((?:connection|destination|DNS|HTTP|TLS)-[\w-]+)"', sources))
    assert len(codes) > 10
    assert codes <= set(CASES["error-code"])
    variants = {*re.findall(r'Variant\("([\w-]+)"\)', sources)} - set(CASES["error-code"])
    assert variants == {"closed", "forbidden", "invalid-syntax"}
    assert variants <= {*CASES["header-error"], *CASES["stream-error"]}
    assert wasi._METHODS.keys() <= set(CASES["method"])
    assert wasi._SCHEMES.keys() <= set(CASES["scheme"])
