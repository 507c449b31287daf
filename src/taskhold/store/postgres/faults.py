"""What PostgreSQL's errors mean (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

import os
import ssl

import asyncpg
import structlog

from taskhold.errors import (
    ACCOUNT_REMOVED,
    Problem,
    StartupError,
    StorageFull,
    Unauthenticated,
    Unavailable,
)

log = structlog.get_logger()

BUSY = "All connections to the database are in use; nothing was saved."

GONE = (
    OSError,  # of the network; a time-out, too
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""The server went away or is silent: every connection to it is doubtful."""
LOST = (
    *GONE,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # what was the primary is a standby now
    asyncpg.InternalClientError,  # no host is the primary; or it was lost while the driver looked
)
"""The connection is no good, or there is none; another one may be, soon."""
CHANGED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""The tables have changed under a prepared statement."""
FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whatever the driver raises."""
REPEATABLE = (*LOST, *CHANGED, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""The transaction did not happen, and may when it is tried again."""
_MAY_PASS = (*LOST, asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError)
_MISTAKES = (FileNotFoundError, PermissionError, ssl.SSLCertVerificationError)
"""Of the certificates that a URL names. The system's errors all look alike to Python."""
_MEANINGS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (asyncpg.LockNotAvailableError, "The database is locked by another program"),
    (asyncpg.QueryCanceledError, "The database took too long to answer"),
    (asyncpg.TooManyConnectionsError, "The database server has no connection left"),
    (asyncpg.UndefinedTableError, "The database has lost its tables; restore a backup"),
    (REPEATABLE, "The database can't be reached"),
)
_FAILING = ("28", "3D", "53", "54", "57", "58", "F0", "XX")
"""The classes of errors that a server has, not a statement."""


def meaning(error: Exception) -> Exception:
    """The problem that a failure of the database is, which is logged; anything else as it is."""
    problem = problem_from(error)
    if problem is None:
        return error
    log.error("the database failed", error=str(error) or type(error).__name__)
    return problem


def problem_from(error: Exception) -> Problem | None:
    """The problem that this failure of the database is; None where it is a mistake of ours."""
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull()
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return Unauthenticated(ACCOUNT_REMOVED)
    for kinds, meaning in _MEANINGS:
        if isinstance(error, kinds):
            return Unavailable(f"{meaning}; nothing was saved.")
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate[:2] in _FAILING:
        return Unavailable(f"The database server fails ({error.sqlstate}); nothing was saved.")
    return None


def refusal(error: Exception, shown: str) -> StartupError | Unavailable:
    """Why no connection to `shown` can be had: StartupError where waiting does not help."""
    sentence = f"{shown} can't be used: {_reason(error)}"
    refuses_tls = "rejected SSL upgrade" in str(error)  # a ConnectionError of asyncpg's
    may_pass = isinstance(error, _MAY_PASS) and not isinstance(error, _MISTAKES) and not refuses_tls
    return Unavailable(sentence) if may_pass else StartupError(sentence)


def _reason(error: Exception) -> str:
    """One line, without the addresses that asyncio adds to the system's words."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "it can't be written to"
    if isinstance(error, ssl.SSLError):
        refused = getattr(error, "verify_message", "")
        return f"its certificate is refused: {refused}" if refused else f"TLS fails: {error.reason}"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        named = f" ({error.filename})" if error.filename else ""
        return os.strerror(error.errno) + named
    text = str(error)
    if "Connect call failed" in text:
        return "connection refused"
    return text.splitlines()[0] if text else type(error).__name__
