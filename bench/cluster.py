"""Three machines on one, for `bench.failover`: each an etcd, a Patroni and its PostgreSQL.

Set up by `docs/scale/patroni/patroni.yaml`. Linux: it looks for processes in /proc. As root they
run as `nobody`, since PostgreSQL refuses to run as root.
"""

import argparse
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

CONFIGURATION = Path(__file__).parents[1] / "docs" / "scale" / "patroni"
PATIENCE_SECONDS = 90.0


class Machine:
    """An etcd, a Patroni and a PostgreSQL that fail together."""

    def __init__(self, name: str, folder: Path, programs: argparse.Namespace) -> None:
        self.name = name
        self.data = folder / name / "data"
        self.settings = folder / "patroni.yaml"
        self._folder = folder / name
        self._programs = programs
        self._processes: list[subprocess.Popen[bytes]] = []
        self.etcd, self.peers, self.patroni, self.postgres = (free_port() for _ in range(4))

    def prepare(self, machines: list["Machine"], passwords: dict[str, str]) -> None:
        """Set it up; `machines` are all of the cluster."""
        self._folder.mkdir()
        own(self._folder)
        here = "http://127.0.0.1"
        cluster = ",".join(f"{each.name}={here}:{each.peers}" for each in machines)
        self._etcd_options = {
            "name": self.name,
            "data-dir": str(self._folder / "etcd"),
            "listen-client-urls": f"{here}:{self.etcd}",
            "advertise-client-urls": f"{here}:{self.etcd}",
            "listen-peer-urls": f"{here}:{self.peers}",
            "initial-advertise-peer-urls": f"{here}:{self.peers}",
            "initial-cluster": cluster,
        }
        self._environment = passwords | {
            "PATH": f"{self._programs.postgresql}:{os.environ['PATH']}",
            "PATRONI_NAME": self.name,
            "PATRONI_ETCD3_HOSTS": ",".join(f"127.0.0.1:{each.etcd}" for each in machines),
            "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{self.patroni}",
            "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{self.patroni}",
            "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{self.postgres}",
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{self.postgres}",
            "PATRONI_POSTGRESQL_DATA_DIR": str(self.data),
            "PATRONI_POSTGRESQL_BIN_DIR": str(self._programs.postgresql),
            "PATRONI_POSTGRESQL_PGPASS": str(self._folder / "pgpass"),
        }

    def start(self) -> None:
        log = (self._folder / "log").open("ab")
        options = [f"--{name}={value}" for name, value in self._etcd_options.items()]
        self._processes = []
        for command in (
            [self._programs.etcd, *options],
            [self._programs.patroni, str(self.settings)],
        ):
            process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, cwd=self._folder, **nobody()
            )
            self._processes.append(process)

    def send(self, number: signal.Signals) -> None:
        """A signal to all that runs here; Patroni first, which would start others again."""
        postmaster = self._postmaster()
        if number != signal.SIGCONT:
            signalled(postmaster, signal.SIGSTOP)  # it starts no more either
        pids = [process.pid for process in self._processes]
        for pid in (*reversed(pids), *children(postmaster), *postmaster):
            signalled([pid], number)
        if number == signal.SIGKILL:
            for process in self._processes:
                process.wait()

    def stop_sending(self) -> None:
        """Let the standbys hear no more of what is written here."""
        signalled(
            [pid for pid in children(self._postmaster()) if b"walsender" in command_line(pid)],
            signal.SIGSTOP,
        )

    def _postmaster(self) -> list[int]:
        try:
            return [int((self.data / "postmaster.pid").read_text().split()[0])]
        except (FileNotFoundError, IndexError):
            return []


def start_cluster(
    programs: argparse.Namespace, folder: Path, stack: ExitStack
) -> tuple[list[Machine], str]:
    """Three machines that run until `stack` is left, and the URL of their database."""
    shutil.copytree(CONFIGURATION, folder, dirs_exist_ok=True)
    settings = folder / "patroni.yaml"
    text = settings.read_text().replace("/etc/patroni", str(folder))
    if programs.asynchronous:
        text = text.replace("synchronous_mode: true", "synchronous_mode: false")
    settings.write_text(text)
    own(folder)
    passwords = {
        "DATABASE_PASSWORD": secrets.token_hex(),
        "PATRONI_SUPERUSER_USERNAME": "postgres",
        "PATRONI_SUPERUSER_PASSWORD": secrets.token_hex(),
        "PATRONI_REPLICATION_USERNAME": "replicator",
        "PATRONI_REPLICATION_PASSWORD": secrets.token_hex(),
    }
    machines = [Machine(name, folder, programs) for name in ("node1", "node2", "node3")]
    for machine in machines:
        machine.prepare(machines, passwords)
        stack.callback(machine.send, signal.SIGKILL)
        machine.start()
    wait_until_healthy(machines)
    hosts = ",".join(f"127.0.0.1:{machine.postgres}" for machine in machines)
    return machines, f"postgresql://taskhold:{passwords['DATABASE_PASSWORD']}@{hosts}/taskhold"


def members(machines: list[Machine]) -> list[dict[str, Any]]:
    """The cluster as Patroni sees it."""
    for machine in machines:
        with suppress(OSError):
            address = f"http://127.0.0.1:{machine.patroni}/cluster"
            with urllib.request.urlopen(address, timeout=2) as answer:
                found: list[dict[str, Any]] = json.load(answer)["members"]
                return found
    return []


def wait_until_healthy(machines: list[Machine], ask: list[Machine] | None = None) -> None:
    """Until there is a leader and each other machine streams from it, one synchronously."""
    until = time.monotonic() + PATIENCE_SECONDS
    is_synchronous = "synchronous_mode: true" in machines[0].settings.read_text()
    other = "sync_standby" if is_synchronous else "replica"
    seen: list[dict[str, Any]] = []
    while time.monotonic() < until:
        seen = members(ask or machines)
        roles = sorted(str(member["role"]) for member in seen)
        states = {member["state"] for member in seen}
        if roles == ["leader", "replica", other] and states == {"running", "streaming"}:
            return
        time.sleep(0.2)
    raise SystemExit(f"the cluster does not get healthy: {seen}")


def children(parents: list[int]) -> list[int]:
    """The processes that these started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) in parents:
                found.append(int(stat.parent.name))
    return found


def command_line(pid: int) -> bytes:
    """What a process calls itself."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def signalled(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to those that are there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def nobody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def own(folder: Path) -> None:
    """Give a folder to whom the programs run as."""
    folder.chmod(0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
