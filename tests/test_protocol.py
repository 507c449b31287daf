"""HTTP/1.1 on the wire: what uvicorn would do as well, in the parts that we do ourselves."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from taskhold import protocol
from tests.support.raw import exchange, status
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")
HOST = b"Host: localhost\r\n"


@pytest.fixture
def connection(server: LiveServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as made:
        yield made


def until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        more = connection.recv(65_536)
        assert more, received
        received += more
    return received


def test_requests_that_do_not_wait_are_answered_in_order(connection: socket.socket) -> None:
    paths = [b"/tasks/1", b"/nowhere", b"/tasks/count", b"/tasks"]
    connection.sendall(b"".join(b"GET %b HTTP/1.1\r\n%b\r\n" % (path, HOST) for path in paths))
    received = until(connection, b"\r\n\r\n[]")
    assert [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]] == [404, 404, 200, 200]


def test_a_head_request_gets_the_length_and_no_body(connection: socket.socket) -> None:
    connection.sendall(
        b"HEAD /tasks HTTP/1.1\r\n%b\r\nGET /tasks HTTP/1.1\r\n%b\r\n" % (HOST, HOST)
    )
    head, body = until(connection, b"\r\n\r\n[]").split(b"\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b"content-length: 2" in head
    assert b"content-length: 2" in body


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(connection: socket.socket) -> None:
    head = b"POST /tasks HTTP/1.1\r\n%bContent-Type: application/json\r\n" % HOST
    connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: 13\r\n\r\n")
    assert until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b'{"title":"a"}')
    assert status(until(connection, b"}")) == 201


@pytest.mark.parametrize(
    "request_line", [b"GET /tasks HTTP/1.0\r\n", b"GET /tasks HTTP/1.1\r\nConnection: close\r\n"]
)
def test_a_connection_that_is_not_to_last_is_closed(
    connection: socket.socket, request_line: bytes
) -> None:
    connection.sendall(request_line + HOST + b"\r\n")
    received = b""
    while more := connection.recv(65_536):
        received += more
    assert received.count(b"connection: close\r\n") == 1


def test_a_stream_comes_in_chunks(connection: socket.socket) -> None:
    connection.sendall(b"GET /events HTTP/1.1\r\n%b\r\n" % HOST)
    head, _, body = until(connection, b": following\n\n\r\n").partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"d\r\n: following\n\n\r\n"


def test_a_connection_that_rests_too_long_is_closed(
    server: LiveServer, connection: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as streaming:
        streaming.sendall(b"GET /events HTTP/1.1\r\n%b\r\n" % HOST)
        until(streaming, b": following\n\n\r\n")
        connection.sendall(b"GET /tasks HTTP/1.1\r\n%b\r\n" % HOST)
        until(connection, b"[]")
        monkeypatch.setattr(protocol, "KEEP_ALIVE_SECONDS", 0.5)
        assert connection.recv(1) == b""
        post = b"POST /tasks HTTP/1.1\r\n%bContent-Type: application/json\r\n" % HOST
        exchange(server.port, post + b'Content-Length: 13\r\n\r\n{"title":"a"}')
        until(streaming, b"\n\n\r\n")  # a stream doesn't rest


def test_no_header_can_begin_another_one() -> None:
    cycle: Any = object.__new__(protocol.Cycle)
    cycle.scope, cycle.default_headers, cycle.keep_alive = {"method": "GET"}, [], True
    for value in (b"/\r\nset-cookie: a=b", b"/\na: b", b"/\ra: b", b"/\0"):
        with pytest.raises(RuntimeError):
            cycle._begin(302, [(b"location", value)])
