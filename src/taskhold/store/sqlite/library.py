"""One SQLite library per process.

Two copies of SQLite in one process break each other's locks: POSIX drops all locks of a process
on a file when it closes any descriptor of it, and each copy knows only its own connections
(https://sqlite.org/howtocorrupt.html, section 2.2). So whoever comes first wins: if nothing has
loaded a `sqlite3` yet, `choose` puts pysqlite3 in its place, whose SQLite has the fix for the
WAL-reset race (3.51.3); else everything here uses the one that is loaded.
"""

import importlib
import sys


def choose() -> None:
    """Make `import sqlite3` mean pysqlite3, where it is installed and nothing came first."""
    if "sqlite3" in sys.modules or "_sqlite3" in sys.modules:
        return
    try:
        library = importlib.import_module("pysqlite3")
    except ImportError:
        return
    sys.modules["sqlite3"] = library
    sys.modules["sqlite3.dbapi2"] = importlib.import_module("pysqlite3.dbapi2")
