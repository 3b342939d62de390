"""The real simulator, and servers that answer with whatever a test wants."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from refund_node import RefundNode

KEY = "sk_test_simulator"
ROOT = Path(__file__).parents[3]
# An input of eligibility.check, which needs no HTTP.
CHECK = json.loads((ROOT / "tests" / "vectors" / "bench-check.json").read_text())

settings.register_profile("quick", max_examples=50, deadline=None)
settings.load_profile("quick")


class Simulator:
    """The Stripe double of the CLI, and its control API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def order(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def charge(self, amount: int = 2500, **fields: Any) -> str:
        return str(self.order("charges", {"amount": amount, "currency": "usd", **fields})["id"])

    def refunds_of(self, charge: str) -> int:
        return int(self.order("stats")["refunds_by_charge"].get(charge, 0))

    def fault(self, kind: str, method: str = "POST", path: str = "/v1/refunds", **fields: Any) -> None:
        self.order("faults", {"method": method, "path": path, "times": 1, "kind": kind, **fields})

    def requests(self) -> list[str]:
        return [f"{one['method']} {one['path']}" for one in self.order("requests")["requests"]]

    def posts(self) -> int:
        return sum(request.startswith("POST ") for request in self.requests())


@pytest.fixture(scope="session")
def _simulator() -> Iterator[Simulator]:
    program = os.environ.get("REFUND_NODE_CLI", "refund-node")
    with subprocess.Popen([program, "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[0-9.]+:\d+", process.stdout.readline())
        assert found, "the simulator did not say where it listens"
        yield Simulator(found[0])
        process.terminate()


@pytest.fixture
def stripe(_simulator: Simulator) -> Simulator:
    _simulator.order("faults", method="DELETE")
    return _simulator


@pytest.fixture
def node(stripe: Simulator) -> Iterator[RefundNode]:
    with RefundNode(key=KEY, base_url=stripe.url, max_retries=1) as node:
        yield node


class Server:
    """Reads one request after another, and answers each with the bytes it was given."""

    def __init__(self, answer: bytes, *, close: bool, late: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answer, self._close, self._late = answer, close, late
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as incoming:
            while head := b"".join(iter(incoming.readline, b"\r\n") if incoming.peek(1) else []):
                length = re.search(rb"(?i)content-length: (\d+)", head)
                self.requests.append(head + (incoming.read(int(length[1])) if length else b""))
                client.sendall(self._answer)
                if self._late:
                    time.sleep(0.02)
                    client.sendall(self._late)
                if self._close:
                    return


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(answer: bytes, *, close: bool = False, late: bytes = b"") -> Server:
        servers.append(Server(answer, close=close, late=late))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
