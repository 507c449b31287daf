"""Requests whose answer the test waits for later, or never."""

import json
import socket
from typing import Any

import httpx2


def begin(url: str, method: str, path: str, body: dict[str, Any] | None = None) -> socket.socket:
    """Send a request; its answer can be read from the connection."""
    address = httpx2.URL(url)
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
    if content:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    connection = socket.create_connection((address.host, address.port or 80), timeout=20)
    connection.sendall(head.encode() + b"\r\n" + content)
    return connection
