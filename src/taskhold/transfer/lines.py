"""A file as it is read: its lines, one after the other, and what all of it comes to."""

import codecs
import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from taskhold.errors import StartupError

LONGEST_LINE = 16 * 1024 * 1024
TELL_BYTES = 256 * 1024
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Lines:
    """The lines of a file in UTF-8, or in UTF-16 with its mark; counted, and hashed as they pass.

    `number` is that of the last one given, `sha256` of all that was read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.number = 0
        self.advance: Callable[[int], None] = lambda _: None
        """Told now and then how many bytes are read."""
        self._file = file
        self._hash = hashlib.sha256()
        self._bytes = 0

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def raw(self) -> Iterator[bytes]:
        """Each with its line end, but for the mark at the beginning."""
        told = 0
        first = self._file.readline(LONGEST_LINE)
        lines = self._utf_16(first) if first[:2] in UTF_16 else self._utf_8(first)
        for line in lines:
            self.number += 1
            if self._bytes - told > TELL_BYTES:
                told = self._bytes
                self.advance(told)
            yield line
        self.advance(self._bytes)

    def texts(self) -> Iterator[str]:
        """The same as text. Raises StartupError for what is not UTF-8."""
        for line in self.raw():
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise StartupError(
                    f"line {self.number:,}: is not UTF-8; save the file as UTF-8; nothing was "
                    "imported"
                ) from None

    def _utf_8(self, line: bytes) -> Iterator[bytes]:
        self._note(line)
        line = line.removeprefix(codecs.BOM_UTF8)
        while line:
            if len(line) >= LONGEST_LINE:
                raise StartupError(
                    f"line {self.number + 1:,}: is longer than {LONGEST_LINE:,} bytes; nothing was "
                    "imported"
                )
            yield line
            line = self._file.readline(LONGEST_LINE)
            self._note(line)

    def _utf_16(self, first: bytes) -> Iterator[bytes]:
        """Small files of spreadsheets; they are read as a whole."""
        content = first + self._file.read(LONGEST_LINE)
        self._note(content)
        if len(content) >= LONGEST_LINE:
            raise StartupError("The file is large and not UTF-8; save it as UTF-8")
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            raise StartupError("The file is neither UTF-8 nor UTF-16") from None
        yield from text.encode().splitlines(keepends=True)

    def _note(self, read: bytes) -> None:
        self._hash.update(read)
        self._bytes += len(read)
