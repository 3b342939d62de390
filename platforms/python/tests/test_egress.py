"""Requests on their way out, and what comes back."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import KEY, Server, Simulator

from refund_node import OperationFailed, RefundNode, egress
from refund_node.allow import AllowList
from refund_node.egress import Egress, Failed, Request
from refund_node.keys import Key
from refund_node.stop import Stop

Serve = Callable[..., Server]
BALANCE = b'{"object": "balance", "livemode": false, "available": [], "pending": []}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BALANCE), BALANCE)


def send(url: str, method: str = "GET", target: str = "/v1/balance", **fields: object) -> egress.Answer:
    way = Egress(
        AllowList([{"method": "GET", "origin": url, "path": "/v1/balance"}], url), lambda: Key(KEY, live=False)
    )
    request = Request([], method, "http", url.partition("://")[2], target)
    for name, value in fields.items():
        setattr(request, name, value)
    return way.send(request, way.key(), Stop(), lambda: None)


def failure(url: str, **fields: object) -> str:
    with pytest.raises(Failed) as failed:
        send(url, **fields)  # type: ignore[arg-type]
    return failed.value.code


def test_the_host_adds_the_key(serve: Serve) -> None:
    server = serve(OK)
    assert send(server.url).body == BALANCE
    head = server.requests[0].decode().lower()
    assert head.startswith("get /v1/balance http/1.1\r\n")
    assert head.count("authorization:") == 1
    assert f"authorization: bearer {KEY}\r\n" in head
    assert f"host: {server.url.partition('://')[2]}\r\n" in head


def test_headers_that_only_the_host_sets_are_not_sent(serve: Serve) -> None:
    server = serve(OK)
    for name in ("Transfer-Encoding", "authorization", "Host", "x-http-method-override"):
        assert failure(server.url, headers=[(name, b"chunked")]) == "HTTP-request-denied"
    assert not server.requests


def test_what_is_not_on_the_list_is_not_sent(serve: Serve) -> None:
    server = serve(OK)
    for method, target in (("POST", "/v1/balance"), ("GET", "/v1/balances"), ("GET", "/v1/../v1/balance")):
        assert failure(server.url, method=method, target=target) == "HTTP-request-denied"
    assert failure(server.url, authority="evil.example") == "HTTP-request-denied"
    assert failure(server.url, scheme="https") == "HTTP-request-denied"
    assert server.connections == 0


def test_a_guest_that_goes_elsewhere_is_denied(stripe: Simulator) -> None:
    """The component asks its usual questions, and the host lets none of them out."""
    with RefundNode(key=KEY, base_url=stripe.url) as node:
        node._egress._allow = AllowList([], None)
        before = len(stripe.requests())
        with pytest.raises(OperationFailed) as failed:
            node.refunds.balance()
    assert failed.value.kind == "transport"
    assert "denied" in str(failed.value.details)
    assert len(stripe.requests()) == before


def test_a_redirect_is_not_followed(node: RefundNode, stripe: Simulator, serve: Serve) -> None:
    server = serve(OK)
    stripe.fault("redirect", method="GET", path="/v1/balance", to=f"{server.url}/v1/balance", times=5)
    with pytest.raises(OperationFailed):
        node.refunds.balance()
    assert server.connections == 0


def test_an_answer_is_bounded_in_size(serve: Serve) -> None:
    most = egress._MOST_ANSWER_BYTES
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    assert failure(serve(head % (most + 1) + b"x" * (most + 1)).url) == "HTTP-response-body-size"
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"100000\r\n" + b"x" * (1 << 20) + b"\r\n") * 18
    )
    assert failure(serve(chunked).url) == "HTTP-response-body-size"
    headers = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 8000) for n in range(9))
    assert failure(serve(headers + b"Content-Length: 0\r\n\r\n").url) == "HTTP-response-header-section-size"


def test_too_large_for_the_component_is_an_error_not_a_crash(serve: Serve) -> None:
    body = b'{"x": "' + b"x" * (9 << 20) + b'"}'
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with RefundNode(key=KEY, base_url=server.url, max_retries=0) as node, pytest.raises(OperationFailed) as failed:
        node.refunds.balance()
    assert failed.value.kind == "transport"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "connection-terminated"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP-response-incomplete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf", "HTTP-response-incomplete"),
        (b"hello\r\n\r\n", "HTTP-protocol-error"),
    ],
)
def test_a_broken_answer_may_mean_that_it_was_done(serve: Serve, answer: bytes, code: str) -> None:
    assert failure(serve(answer, close=True).url) == code


def test_a_slow_answer_has_one_deadline_however_it_drips(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "_REQUEST_SECONDS", 0.3)
    started = time.monotonic()
    assert failure(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").url) == "connection-read-timeout"
    assert failure(serve(b"HTTP/1.1 200 ").url) == "HTTP-response-timeout"
    assert time.monotonic() - started < 2


def test_what_was_certainly_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert failure(f"http://127.0.0.1:{port}") == "connection-refused"


def test_an_answer_cut_in_its_headers_is_no_answer(serve: Serve) -> None:
    """http.client takes it for an empty one, and the component for none."""
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Le", close=True)
    with RefundNode(key=KEY, base_url=server.url, max_retries=0) as node, pytest.raises(OperationFailed) as failed:
        node.refunds.balance()
    assert failed.value.kind == "transport"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_a_certificate_of_ones_own_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    order = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run([*order, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = _greet(listener, lambda client: context.wrap_socket(client, server_side=True).recv(1))
        url = f"https://localhost:{listener.getsockname()[1]}"
        assert failure(url, scheme="https") == "TLS-certificate-error"
        seen.join(5)


def test_what_speaks_no_tls_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = _greet(listener, lambda client: client.sendall(b"220 no tls here\r\n"))
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert failure(url, scheme="https") == "TLS-protocol-error"
        seen.join(5)


def _greet(listener: socket.socket, greet: Callable[[socket.socket], object]) -> threading.Thread:
    def accept() -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            greet(client)

    thread = threading.Thread(target=accept)
    thread.start()
    return thread


def test_the_length_is_the_hosts_word(serve: Serve) -> None:
    """A second request hidden behind a short Content-Length would carry the guest's own headers."""
    server = serve(OK)
    send(
        server.url, headers=[("Content-Length", b"0"), ("x", b"1")], body=bytearray(b"POST /v1/x HTTP/1.1\r\n\r\n")
    )
    assert server.requests[0].lower().count(b"content-length:") == 1
    assert b"content-length: 23\r\n" in server.requests[0].lower()


def test_connections_are_kept_and_checked(serve: Serve) -> None:
    server = serve(OK)
    with RefundNode(key=KEY, base_url=server.url) as node:
        for _ in range(5):
            node.refunds.balance()
    assert (len(server.requests), server.connections) == (5, 1)


def test_a_process_with_many_open_files_keeps_connections_too(serve: Serve) -> None:
    server = serve(OK)
    files = [os.dup(0) for _ in range(1100)] if resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 2000 else []
    try:
        with RefundNode(key=KEY, base_url=server.url) as node:
            node.refunds.balance()
            node.refunds.balance()
    finally:
        for file in files:
            os.close(file)
    assert (len(server.requests), server.connections) == (2, 1)


def test_a_connection_with_something_unasked_on_it_is_not_used_again(serve: Serve) -> None:
    server = serve(OK, late=OK)
    with RefundNode(key=KEY, base_url=server.url) as node:
        for _ in range(3):
            node.refunds.balance()
            time.sleep(0.2)
    assert (len(server.requests), server.connections) == (3, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_use_its_parents_connections(serve: Serve) -> None:
    server = serve(OK)
    with RefundNode(key=KEY, base_url=server.url) as node:
        node.refunds.balance()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                node.refunds.balance()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        node.refunds.balance()
    assert (len(server.requests), server.connections) == (3, 2)


def test_an_early_answer_is_no_answer_and_its_connection_is_not_used_again(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    for _ in range(2):
        assert failure(server.url) == "HTTP-protocol-error"
    assert server.connections == 2
