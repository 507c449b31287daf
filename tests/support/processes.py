"""What /proc says of a server's processes."""

import os
from pathlib import Path

from tests.support.servers import ServerProcess


def running(server: ServerProcess, name: bytes = b"") -> set[int]:
    """The live processes of a server's group whose command line has `name` in it."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, group = _stat(folder)[:3]
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(group) == server.process.pid and state != "Z" and name in command:
            found.add(int(folder.name))
    return found


def cpu_seconds(server: ServerProcess) -> float:
    """What the server has used of a processor so far, however busy the machine is."""
    user, system = _stat(Path(f"/proc/{server.process.pid}"))[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _stat(folder: Path) -> list[str]:
    """The fields of proc_pid_stat(5) from the third on."""
    return (folder / "stat").read_text().rpartition(")")[2].split()
