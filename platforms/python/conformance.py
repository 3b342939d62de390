"""The runner of the conformance suite: see platforms/conformance/README.md."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from typing import Any

from refund_node import RefundNode, RefundNodeError

_KEYS = {
    "good": "sk_test_simulator",
    "none": None,
    "live": "sk_live_simulator",
    "publishable": "pk_test_simulator",
}


def main() -> None:
    """Answer each line of stdin with one of stdout."""
    base_url = os.environ["REFUND_NODE_BASE_URL"]
    with RefundNode() as node:
        manifest = hashlib.sha256(node.manifest.encode()).hexdigest()
        ready = {"platform": "python", "version": platform.python_version(), "digest": node.digest}
        _say({**ready, "manifest": f"sha256:{manifest}"})
    for line in sys.stdin:
        _say(_answer(json.loads(line), base_url))


def _answer(call: dict[str, Any], base_url: str) -> dict[str, Any]:
    try:
        with RefundNode(key=_KEYS[call["credential"]], base_url=base_url) as node:
            return {"output": node.invoke(call["operation"], call["input"])}
    except RefundNodeError as error:
        return {"error": error.to_dict()}


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
