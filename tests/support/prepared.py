"""`python -m taskhold` without the second that its imports take.

A process that has imported Taskhold forks one for each command, which goes on as a new one would:
importing it does nothing else (`tests/test_structure.py`).
"""

import atexit
import fcntl
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO

MODULES = (
    "taskhold.cli.commands",
    "taskhold.cli.accounts",
    "taskhold.cli.adding",
    "taskhold.cli.care",
    "taskhold.cli.changing",
    "taskhold.cli.completion",
    "taskhold.cli.copying",
    "taskhold.cli.doctor",
    "taskhold.cli.exporting",
    "taskhold.cli.importing",
    "taskhold.cli.journal",
    "taskhold.cli.listing",
    "taskhold.cli.lists",
    "taskhold.cli.local",
    "taskhold.cli.login",
    "taskhold.cli.reindexing",
    "taskhold.cli.remote",
    "taskhold.cli.removing",
    "taskhold.cli.seeding",
    "taskhold.cli.serve",
    "taskhold.cli.showing",
    "taskhold.cli.undoing",
    "taskhold.serving",
    "taskhold.store.sqlite.store",
    "taskhold.transfer.formats.ics",
    "taskhold.store.postgres.store",
    "uvloop",
)


class Process:
    """A command that runs in a process group of its own; as `subprocess.Popen` has it."""

    def __init__(self, pid: int, exit_code: int, stdout: IO[str] | None) -> None:
        """`exit_code` can be read once there is one."""
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._exit_code = exit_code

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._exit_code], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("taskhold", timeout or 0)
            self.returncode = int(os.read(self._exit_code, 16))
            os.close(self._exit_code)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended in this moment
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(*words: str, folder: Path, variables: Mapping[str, str], log: IO[bytes]) -> Process:
    """Run `taskhold` with these words; its standard error is `log`."""
    reading, writing = os.pipe()
    with Path(os.devnull).open("rb") as nothing, os.fdopen(writing, "wb") as stdout:
        pid, exit_code = _preparer().start(words, folder, variables, [nothing, stdout, log])
    return Process(pid, exit_code, os.fdopen(reading, "r", encoding="utf-8"))


def start_in_terminal(
    *words: str, folder: Path, variables: Mapping[str, str | None], terminal: IO[bytes]
) -> Process:
    """Run `taskhold` with these words in a terminal, which controls it; None: not that variable."""
    return Process(*_preparer().start(words, folder, variables, [terminal] * 3), None)


@contextmanager
def bars_of(*words: str, **variables: str) -> Iterator[tuple[Process, int]]:
    """`taskhold` with these words; its standard error alone is a terminal, our end of it."""
    ours, its = os.openpty()
    with Path(os.devnull).open("r+b") as nothing, os.fdopen(its, "wb", buffering=0) as end:
        given = {"COLUMNS": "200", **variables}
        process = Process(
            *_preparer().start(words, Path.cwd(), given, [nothing, nothing, end]), None
        )
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def run(
    *words: str,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> "subprocess.CompletedProcess[str]":
    """Run `taskhold` with these words until it ends."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+b")) for _ in range(3)]
        files[0].write(stdin.encode())
        files[0].seek(0)
        process = Process(
            *_preparer().start(words, folder or Path.cwd(), variables or {}, files), None
        )
        try:
            process.wait(timeout)
        finally:
            process.kill()
        _, stdout, stderr = (os.pread(each.fileno(), 1 << 24, 0).decode() for each in files)
    return subprocess.CompletedProcess(words, process.wait(), stdout, stderr)


class _Preparer:
    """The process that has imported Taskhold. It ends with the one that started it."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._requests, its_end = socket.socketpair()
        with its_end:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(its_end.fileno())],
                pass_fds=[its_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        atexit.register(self._end)

    def start(
        self,
        words: tuple[str, ...],
        folder: Path,
        variables: Mapping[str, str | None],
        standard: Sequence[IO[bytes]],
    ) -> tuple[int, int]:
        """The pid, and where the exit code can be read once there is one."""
        exit_code, telling = os.pipe()
        with tempfile.TemporaryFile("w+") as request, self._one_at_a_time:
            merged = {**os.environ, **variables}
            there = {name: value for name, value in merged.items() if value is not None}
            json.dump([words, str(folder), there], request)
            request.flush()
            files = [request.fileno(), telling, *(each.fileno() for each in standard)]
            socket.send_fds(self._requests, [b"!"], files)
            os.close(telling)
            return int(self._requests.recv(16)), exit_code

    def _end(self) -> None:
        self._requests.close()
        self._process.wait()


@cache
def _preparer() -> _Preparer:
    return _Preparer()


# What the process does that has imported Taskhold


def _prepare(requests: socket.socket) -> None:
    """Import it; then fork as often as asked, and tell how each has ended."""
    sys.path.pop(0)  # this folder
    from taskhold.store.sqlite.library import choose

    choose()
    for name in MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()
    one_ended, wakes = os.pipe()
    for end in (one_ended, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests.fileno(), one_ended], [], [])
        if one_ended in ready:
            os.read(one_ended, 4096)
            _tell_the_exit_codes(running)
        if requests.fileno() in ready:
            byte, files, _, _ = socket.recv_fds(requests, 1, 8)
            if not byte:
                return
            request, telling, *standard = files
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                for each in (one_ended, wakes, telling, *running.values()):
                    os.close(each)
                _become(requests, request, standard)
                return
            running[pid] = telling
            for each in (request, *standard):
                os.close(each)


def _tell_the_exit_codes(running: dict[int, int]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            telling = running.pop(pid)
            with suppress(BrokenPipeError):
                os.write(telling, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(telling)


def _become(requests: socket.socket, request: int, standard: list[int]) -> None:
    """What `python -m taskhold` would be, in this process."""
    os.setsid()
    for number, each in enumerate(standard):
        os.dup2(each, number)
        os.close(each)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if os.isatty(1):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for number, handler in (
        (signal.SIGCHLD, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
    ):
        signal.signal(number, handler)
    with os.fdopen(request) as file:
        file.seek(0)
        words, folder, variables = json.load(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()  # a process that begins reads TZ by itself
    sys.path.insert(0, folder)
    sys.argv[1:] = words
    with requests:
        requests.send(str(os.getpid()).encode())
    code: int | str = 0
    try:
        runpy.run_module("taskhold", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code or 0
    if isinstance(code, int):
        _exit_at_once(code)
    sys.exit(code)  # a text, say


def _exit_at_once(code: int) -> None:
    """Leave the memory as it is: taking it down object by object would copy all that is shared.

    It is as much work as the command itself. Where output can't be written, it ends as always.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _prepare(socket.socket(fileno=int(sys.argv[1])))
