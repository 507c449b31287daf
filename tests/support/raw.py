"""HTTP as bytes on a socket, for what no client library would send."""

import socket
import time
from contextlib import suppress

ANSWER_SECONDS = 10


def exchange(port: int, sent: bytes) -> bytes:
    """What the server answers to `sent`, until it closes the connection or has said it all.

    A server that refuses early may close while we still send; its answer counts all the same.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        answer = b""
        until = time.monotonic() + ANSWER_SECONDS
        with suppress(ConnectionError):
            while not _is_whole(answer):
                assert time.monotonic() < until, f"no whole answer in time: {answer!r}"
                received = connection.recv(65_536)
                if not received:
                    break
                answer += received
        return answer


def status(answer: bytes) -> int:
    """The status of an answer."""
    assert answer.startswith(b"HTTP/1.1 "), f"no answer: {answer!r}"
    return int(answer[9:12])


def _is_whole(answer: bytes) -> bool:
    head, ended, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return bool(ended) and len(body) >= int(line.partition(b":")[2])
    return False
