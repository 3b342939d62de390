"""The runner of platforms/conformance/README.md: starts `wasmtime serve`, and calls the node over HTTP as anybody would.

    python3 conformance.py WASMTIME refund-node-http-simulator.wasm
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

KEYS = {
    "good": "sk_test_simulator",
    "live": "sk_live_simulator",
    "none": None,
    "publishable": "pk_test_simulator",
}


def main(wasmtime: str, served: str) -> None:
    version = subprocess.run([wasmtime, "--version"], check=True, capture_output=True, text=True)
    digest = sha256(node_inside(Path(served)))
    # The lean build of `cargo xtask wasmtime` has no pool of instances.
    command = [wasmtime, "serve", "-O", "pooling-allocator=n", "--addr", "127.0.0.1:0", served]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = address(server)
            with urllib.request.urlopen(url) as answer:
                manifest = sha256(answer.read())
            hello = {"platform": "wasmtime-serve", "version": version.stdout.split()[1]}
            say(json.dumps(hello | {"digest": digest, "manifest": manifest}))
            for line in sys.stdin:
                say(call(url, **json.loads(line)))
        finally:
            server.terminate()


def node_inside(served: Path) -> bytes:
    """The node's bytes: what is served has to have them inside, unchanged."""
    component = Path(os.environ["REFUND_NODE_COMPONENT"])
    if component.read_bytes() not in served.read_bytes():
        sys.exit(f"{served} was not composed with {component}")
    return component.read_bytes()


def address(server: subprocess.Popen[str]) -> str:
    """Where it listens, once it does. What it says after that goes to people."""
    for line in server.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            threading.Thread(target=sys.stderr.writelines, args=[server.stderr], daemon=True).start()
            return found[0]
        sys.stderr.write(line)
    sys.exit("wasmtime ended before it served anything")


def call(url: str, operation: str, input: object, credential: str) -> str:
    headers = {
        "content-type": "application/json",
        "x-refund-node-base-url": os.environ["REFUND_NODE_BASE_URL"],
    }
    if key := KEYS[credential]:
        headers["authorization"] = f"Bearer {key}"
    body = json.dumps(input).encode()
    request = urllib.request.Request(f"{url}/{operation}", body, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return f'{{"output":{answer.read().decode()}}}'
    except urllib.error.HTTPError as error:
        return failed(error.read().decode())


def failed(text: str) -> str:
    """The node's own error; or the server's, where the node was stopped."""
    if text.startswith('{"error":'):
        return text
    error = {"kind": "host", "code": "trapped", "message": text or "the server had no answer"}
    return json.dumps({"error": error})


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def say(line: str) -> None:
    """JSON holds no line break of its own, as all of this is written without."""
    print(line, flush=True)


main(*sys.argv[1:])
