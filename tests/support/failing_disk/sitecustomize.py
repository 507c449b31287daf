"""Lets the disk under SQLite fail on demand, in a server that a test starts.

Python imports `sitecustomize` by itself when this folder is on PYTHONPATH. The files of SQLite's
own VFS (https://sqlite.org/c3ref/io_methods.html) get an xRead, an xWrite and an xSync that ask
the folder $DISK_FAULTS first, so the library sees what a failing disk would show it. LD_PRELOAD
would need a compiler, and a failing device the rights of root; this needs neither.
"""

import ctypes
import functools
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from taskhold.store.sqlite.library import choose

IOERR_READ = 266
FULL = 13
IOERR_FSYNC = 1034
READ, WRITE, SYNC = 2, 3, 5  # places in sqlite3_io_methods, whose first is its version
FAULTS = Path(os.environ["DISK_FAULTS"])

Methods = ctypes.c_void_p * 19
MethodsPointer = ctypes.POINTER(Methods)
Open = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.POINTER(MethodsPointer),
    ctypes.c_int,
    ctypes.c_void_p,
)
Transfer = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
)
Sync = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class VFS(ctypes.Structure):
    """The beginning of sqlite3_vfs."""

    _fields_ = (
        ("sizes", ctypes.c_int * 3),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", ctypes.c_void_p),
    )


kept: list[Any] = []
"""What SQLite calls and Python must not collect."""


def happens_once(fault: str) -> bool:
    """Whether it happens now; its file says how many calls are spared before."""
    try:
        spared = int((FAULTS / fault).read_text() or 0)
    except FileNotFoundError:
        return False
    if spared:
        (FAULTS / fault).write_text(str(spared - 1))
    else:
        (FAULTS / fault).unlink()
    return not spared


@functools.cache
def with_faults(address: int) -> Any:
    """The methods at `address`, with faults."""
    table = Methods(*Methods.from_address(address))
    real_read, real_write = Transfer(table[READ] or 0), Transfer(table[WRITE] or 0)
    real_sync = Sync(table[SYNC] or 0)

    def read(file: int, data: int, size: int, offset: int) -> int:
        if happens_once("read-fails-once"):
            return IOERR_READ
        return int(real_read(file, data, size, offset))

    def write(file: int, data: int, size: int, offset: int) -> int:
        if (FAULTS / "full").exists():
            return FULL
        return int(real_write(file, data, size, offset))

    def sync(file: int, flags: int) -> int:
        if (FAULTS / "sync-waits").exists():
            (FAULTS / "sync-is-waiting").touch()
        while (FAULTS / "sync-waits").exists():
            time.sleep(0.005)
        if (FAULTS / "sync-fails").exists() or happens_once("sync-fails-once"):
            return IOERR_FSYNC
        return int(real_sync(file, flags))

    callbacks = Transfer(read), Transfer(write), Sync(sync)
    for place, method in zip((READ, WRITE, SYNC), callbacks, strict=True):
        table[place] = ctypes.cast(method, ctypes.c_void_p)
    kept.append(callbacks)
    return MethodsPointer(table)


choose()
importlib.import_module("sqlite3")
extension = sys.modules.get("pysqlite3._sqlite3") or sys.modules["_sqlite3"]
library = ctypes.CDLL(extension.__file__)
library.sqlite3_initialize()
library.sqlite3_vfs_find.restype = ctypes.POINTER(VFS)
vfs = library.sqlite3_vfs_find(None).contents
real_open = Open(vfs.open)


def open_with_faults(vfs: int, name: int, file: Any, flags: int, out: int) -> int:
    result = int(real_open(vfs, name, file, flags, out))
    if file[0]:
        file[0] = with_faults(ctypes.addressof(file[0].contents))
    return result


callback = Open(open_with_faults)
vfs.open = ctypes.cast(callback, ctypes.c_void_p)
