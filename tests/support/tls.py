"""TLS in front of a PostgreSQL that has none, as a balancer does it; and the certificates."""

import asyncio
import shutil
import ssl
import struct
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ASKS_FOR_TLS = struct.pack("!ii", 8, 80_877_103)
"""The first message of a client that wants it (PostgreSQL's protocol, “SSLRequest”)."""


def make_certificate(folder: Path, name: str) -> None:
    """`name.crt`, of 127.0.0.1 alone and its own root, and `name.key`."""
    what = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name}"
    where = f"-addext subjectAltName=IP:127.0.0.1 -keyout {name}.key -out {name}.crt"
    openssl = shutil.which("openssl") or "openssl"
    command = [openssl, *what.split(), *where.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


class TLSFront:
    """Listens on `port` and passes everything on to the PostgreSQL at `target`."""

    def __init__(self, target: int, folder: Path, name: str) -> None:
        self._target = target
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        self._encrypted: set[bool] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def were_encrypted(self) -> set[bool]:
        """Whether the connections were that, since this was asked last."""
        seen, self._encrypted = self._encrypted, set()
        return seen

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._pass, "127.0.0.1", 0)
        self._listener = asyncio.run_coroutine_threadsafe(start, self._loop).result(20)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(len(ASKS_FOR_TLS))
        is_encrypted = first == ASKS_FOR_TLS
        try:
            if is_encrypted:
                writer.write(b"S")
                await writer.start_tls(self._context)
            self._encrypted.add(is_encrypted)
            its_reader, its_writer = await asyncio.open_connection("127.0.0.1", self._target)
            if not is_encrypted:
                its_writer.write(first)
            await asyncio.gather(_pump(reader, its_writer), _pump(its_reader, writer))
        except OSError:  # a client that refuses the certificate, or that ends
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        with suppress(OSError):
            writer.close()
