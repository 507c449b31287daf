"""Writes on SQLite: many requests, one `COMMIT`.

A commit with `synchronous=FULL` costs an fsync, whoever's rows it carries. So the requests that
wait while one commit is on its way to the disk share the next one. Each runs in a savepoint of
its own, on the event loop, where a few index look-ups cost less than a change of threads; only
`COMMIT`, which waits for the disk, runs in the commit thread. Nobody is answered before it returns.
A write that may touch many rows runs in that thread as well, in a transaction of its own.

    idle ── first write ──> begin ──> run the waiting ──> commit (thread) ──> answer ──> begin …
                              └─ somebody else writes ─> wait (thread) ─┘
"""

import contextvars
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any

import structlog

from taskhold.errors import OutcomeUnknown, Unavailable
from taskhold.metrics import StoreMeters
from taskhold.store.sqlite import faults
from taskhold.store.sqlite.files import FILES_GONE, OpenFiles
from taskhold.store.sqlite.lock import WriteLock
from taskhold.store.sqlite.write import Write, drive, post, settle_all

WAIT_SECONDS = 5.0
"""How long a write waits for its turn before it is told 503."""
CLOSE_SECONDS = 2.0
"""How long closing waits for the batch that is on its way."""
BATCH_SECONDS = 0.010
"""How long one batch may hold the event loop."""
CHECKPOINT_BYTES = 16 * 1024 * 1024
"""The size of the WAL at which it is written back and emptied, readers or not."""

UNSURE = (
    "The disk failed while this was being saved; whether it was kept is not known. "
    "Repeat it with the same Idempotency-Key once the disk is well."
)

log = structlog.get_logger()


class GroupCommit:
    """The one writer of a process. Its connection is used by one thread at a time."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: WriteLock,
        files: OpenFiles,
        meters: StoreMeters,
    ) -> None:
        self.connection = connection
        self._meters = meters
        self._lock = lock
        self._files = files
        self._checkpoint_at = CHECKPOINT_BYTES
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # A daemon: it may be waiting for another process when this one has to stop.
        Thread(target=self._work, name="taskhold-commit", daemon=True).start()
        self._mutex = Lock()
        self._idle = Condition(self._mutex)
        self._queue: deque[Write] = deque()
        self._working = False
        self._closing = False
        self._unsettled = False
        self.broken: str | None = None
        """Why nothing is written any more; None while all is well."""

    async def run(self, operation: Callable[[], Awaitable[Any]], *, is_long: bool = False) -> Any:
        """What `operation` returns, once it is on disk."""
        write = Write(operation, is_long)
        with self._mutex:
            if self._closing:
                raise Unavailable("The server is stopping; nothing was saved.")
            self._queue.append(write)
            leads = not self._working
            self._working = True
        if leads:
            write.loop.call_soon(self._begin, context=contextvars.Context())
        timer = write.loop.call_later(WAIT_SECONDS, self._give_up, write)
        try:
            return await write.future
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let what is queued finish, then close the connection."""
        with self._idle:
            self._closing = True
            is_idle = self._idle.wait_for(lambda: not self._working, timeout=CLOSE_SECONDS)
        if is_idle:
            self.connection.close()
            self._calls.put(None)

    def _give_up(self, write: Write) -> None:
        with self._mutex:
            if not write.begun and not write.future.done():
                write.future.set_exception(
                    Unavailable("Another program holds the database; nothing was saved.")
                )

    # On an event loop

    def _begin(self) -> None:
        """Take the turn to write: here if that takes no waiting, else in the thread."""
        try:
            if self.broken:
                raise Unavailable(self.broken)
            if not self._unsettled and self._lock.try_acquire():
                self.connection.execute("BEGIN IMMEDIATE")
                self._run_waiting()
                return
        except BaseException as error:
            if not (isinstance(error, sqlite3.Error) and faults.is_busy(error)):
                self._fail_waiting(error)
                return
        self._calls.put(self._wait_for_turn)

    def _run_waiting(self) -> None:
        """Run what waits, each in its savepoint; then commit it all."""
        batch: list[Write] = []
        before = self.connection.total_changes
        until = time.monotonic() + BATCH_SECONDS
        try:
            while (write := self._next(is_first=not batch)) is not None:
                batch.append(write)
                if write.is_long:
                    self._calls.put(partial(self._run_long, write, before))
                    return
                self._run_one(write)
                if time.monotonic() > until:
                    break
        except BaseException as error:
            self._abandon(batch, error)
            return
        if self.connection.total_changes == before:  # nothing to keep, so nothing to wait for
            self._abandon(batch)
            return
        self._calls.put(partial(self._commit, batch))

    def _run_long(self, write: Write, changes_before: int) -> None:
        """Run one write and commit it, both in the commit thread.

        It is alone in its transaction and needs no savepoint, for which SQLite would note anew
        with each statement what has changed so far: a thousand rows take a third of the time.
        """
        try:
            write.result = write.context.run(drive, write.operation())
        except BaseException as error:
            self._abandon([write], error)
            return
        if self.connection.total_changes == changes_before:
            self._abandon([write])
        else:
            self._commit([write])

    def _run_one(self, write: Write) -> None:
        """Run one write. Raises where not this one alone but the whole transaction is gone."""
        execute = self.connection.execute
        execute("SAVEPOINT one")
        try:
            write.result = write.context.run(drive, write.operation())
        except BaseException as error:
            # A full disk rolls back everything; a savepoint after that would commit by itself.
            if not self.connection.in_transaction:
                raise
            write.error = self._meaning(error)
            execute("ROLLBACK TO one")
        execute("RELEASE one")

    def _next(self, *, is_first: bool = True) -> Write | None:
        """The next that still waits; a long one only if it is the first of its batch."""
        with self._mutex:
            while self._queue and (is_first or not self._queue[0].is_long):
                write = self._queue.popleft()
                if not write.future.done():  # neither given up nor cancelled
                    write.begun = True
                    return write
        return None

    def _fail_waiting(self, error: BaseException) -> None:
        self._abandon(list(iter(self._next, None)), error)

    def _abandon(self, batch: list[Write], error: BaseException | None = None) -> None:
        """Undo the transaction and answer its writes: all with `error`, or each with its own."""
        self._roll_back()
        self._lock.release()
        self._answer(batch, error)
        self._go_on()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    # In the commit thread

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    def _wait_for_turn(self) -> None:
        """Wait for other processes and programs, as long as anybody here still wants to write."""
        try:
            self._lock.acquire()
            if self._unsettled and not self._settle():
                raise Unavailable(faults.DISK_FAILS)
            while self._anybody_waits():
                try:
                    with self._patience(milliseconds=200):
                        self.connection.execute("BEGIN IMMEDIATE")
                    break
                except sqlite3.Error as error:
                    if not faults.is_busy(error):
                        raise
        except BaseException as error:
            self._fail_waiting(error)
            return
        with self._mutex:
            passed_on = self.connection.in_transaction and self._post_to_queue(self._run_waiting)
        if not passed_on:
            self._abandon([])

    def _commit(self, batch: list[Write]) -> None:
        size = 0
        error: BaseException | None = None
        began = time.perf_counter()
        try:
            self.connection.execute("COMMIT")
            self._meters.commits.observe(time.perf_counter() - began)
            self._meters.batches.observe(len(batch))
            size = self._check_files()
        except sqlite3.Error as failure:
            error = self._failed_commit(failure)
        except BaseException as failure:
            error = failure
        self._answer(batch, error)
        if size > self._checkpoint_at:
            self._checkpoint(size)
        self._lock.release()
        self._go_on()

    def _failed_commit(self, error: sqlite3.Error) -> BaseException:
        """What to answer.

        The pages of a commit that failed may still come back after a crash. One more commit,
        written over them, makes sure that they don't.
        """
        self._roll_back()
        if faults.primary_code(error) == faults.FULL:  # its last page was never written
            return error
        self._unsettled = True
        return error if self._settle() else OutcomeUnknown(UNSURE)

    def _settle(self) -> bool:
        """Commit over a commit that failed; whether that succeeded."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.execute("UPDATE database SET settled = settled + 1")
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            log.error("the disk still fails", error=str(error))
            self._roll_back()
            return False
        self._unsettled = False
        return True

    def _check_files(self) -> int:
        """The WAL's size in bytes. Raises Unavailable, for good, where the files are not ours."""
        size = self._files.wal_size()
        if size is not None:
            return size
        if self._files.only_wal_is_gone():  # what it holds can still be written back
            with suppress(sqlite3.Error):
                self.connection.execute("PRAGMA wal_checkpoint(FULL)")
        self.broken = FILES_GONE
        log.critical(FILES_GONE)
        raise OutcomeUnknown(f"{FILES_GONE} Whether this change was kept is not known.")

    def _checkpoint(self, size: int) -> None:
        with suppress(sqlite3.Error), self._patience(milliseconds=100):
            (busy, _, _) = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            # A long reader keeps the WAL: try again when it has grown by as much once more.
            self._checkpoint_at = size + CHECKPOINT_BYTES if busy else CHECKPOINT_BYTES

    @contextmanager
    def _patience(self, *, milliseconds: int) -> Iterator[None]:
        """Let SQLite wait for a lock; on the event loop it never does."""
        self.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
        try:
            yield
        finally:
            self.connection.execute("PRAGMA busy_timeout = 0")

    # Answers, and the next batch

    def _answer(self, batch: list[Write], error: BaseException | None) -> None:
        if error is not None:
            meaning = self._meaning(error)
            for write in batch:
                write.error = meaning
        for loop in {write.loop for write in batch}:
            post(loop, settle_all, [write for write in batch if write.loop is loop])

    def _meaning(self, error: BaseException) -> BaseException:
        """The problem that a failure of the database is; anything else as it is."""
        if not isinstance(error, sqlite3.Error | OSError):
            return error
        log.error("write failed", error=str(error), code=getattr(error, "sqlite_errorname", ""))
        if isinstance(error, sqlite3.Error) and faults.is_damage(error):
            self.broken = "The database file is damaged; restore a backup."
        return faults.problem_from(error, self._files.folder) or error

    def _go_on(self) -> None:
        with self._mutex:
            if not self._post_to_queue(self._begin):
                self._queue.clear()
                self._working = False
                self._idle.notify_all()

    def _anybody_waits(self) -> bool:
        with self._mutex:
            return any(not write.future.done() for write in self._queue)

    def _post_to_queue(self, callback: Callable[[], None]) -> bool:
        """Call it on the loop of a write that waits; False where none does."""
        return any(not write.future.done() and post(write.loop, callback) for write in self._queue)
