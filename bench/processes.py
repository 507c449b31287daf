"""What processes use, as Linux counts it, and which core they run on."""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

CORE_OF_THE_SERVER, CORE_OF_THE_LOAD = 0, 1


def tree(pid: int) -> list[int]:
    """A process and those below it."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Their CPU by their own clocks, with that of their children that have ended.

    The number of a process's clock is Linux's way to say clock_getcpuclockid(3); children are
    counted in hundredths of a second (proc_pid_stat(5), fields 16 and 17).
    """
    seconds = 0.0
    for pid in pids:
        with suppress(OSError):
            seconds += time.clock_gettime(~pid << 3 | 2)
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds += sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
    return seconds


def memory_mib(pids: list[int]) -> float:
    """Their memory; what several share counts once (PSS)."""
    kib = 0
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
