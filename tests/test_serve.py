"""`taskhold serve`: how it starts, what it refuses, whom it waits for, how it stops."""

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
from sqlalchemy import make_url

from taskhold.errors import StartupError
from taskhold.store import open_store
from taskhold.store.sqlite.opening import network_file_system
from tests.support import prepared
from tests.support.postgresql import PASSWORD
from tests.support.processes import cpu_seconds, running
from tests.support.servers import ServerProcess
from tests.support.sql import run_sql

Serve = Callable[..., ServerProcess]

CUT_OFF_SECONDS = 15
PAGE = b"GET /tasks?limit=500 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
MANY_TITLES = """
    WITH RECURSIVE counter (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM counter WHERE n < 500)
    INSERT INTO task (title, done) SELECT printf('%0500d', n), 0 FROM counter
"""
AS_A_USER_WITHOUT_RIGHTS = (
    ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
)
"""Root may write anywhere; a root without capabilities may not."""


def refusal(
    folder: Path,
    *options: str,
    exit_code: int = 1,
    prefix: tuple[str, ...] = (),
    variables: dict[str, str] | None = None,
) -> str:
    """The one line that `taskhold serve` says when it can't start."""
    variables = {"TASKHOLD_PORT": "0"} | (variables or {})
    if prefix:
        ended = subprocess.run(
            [*prefix, sys.executable, "-m", "taskhold", "serve", *options],
            cwd=folder,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    else:
        ended = prepared.run("serve", *options, folder=folder, variables=variables)
    assert (ended.returncode, ended.stdout) == (exit_code, ""), ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("taskhold: ")
    return line


def refused(database: Path, said: str) -> None:
    """Opening the file says so in one line, and leaves it and its folder as they are."""
    before = contents(database.parent)
    with pytest.raises(StartupError, match=said) as error:
        open_store(f"sqlite:///{database}").open()
    assert error.value.exit_code == 1
    assert len(str(error.value).splitlines()) == 1
    assert contents(database.parent) == before


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by a hash of its bytes."""
    return {path.name: hashlib.sha256(path.read_bytes()).digest() for path in folder.iterdir()}


def titles(database_url: str) -> list[str]:
    return [title for (title,) in run_sql(database_url, "SELECT title FROM task")]


def connect(server: ServerProcess) -> socket.socket:
    address = urlsplit(server.url)
    assert address.port is not None
    return socket.create_connection(("127.0.0.1", address.port), timeout=CUT_OFF_SECONDS)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of this version with 500 tasks in a few hundred pages."""
    database = tmp_path_factory.mktemp("made") / "tasks.db"
    store = open_store(f"sqlite:///{database}")
    store.open()
    store.close()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(MANY_TITLES)
    return database


@pytest.fixture
def database(made_database: Path, tmp_path: Path) -> Path:
    """A copy of it, alone in its folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return Path(shutil.copy(made_database, folder))


# It starts


def test_the_first_line_says_where_the_data_is_and_where_the_docs_are(
    database_url: str, serve: Serve
) -> None:
    server = serve()
    assert f"{make_url(database_url).database};" in server.line
    assert PASSWORD not in unquote(server.line)
    assert f"{server.url}/docs" in server.line
    with server.client() as client:
        docs = client.get("/docs")
        assert (docs.status_code, docs.headers["content-type"][:9]) == (200, "text/html")
        assert client.get("/readyz").json() == {"status": "ok"}
        assert client.get("/tasks/99").status_code == 404
    assert server.stop() == 0
    assert server.log.read_text() == "", "of requests it says nothing unless it is asked to"


def test_it_is_ready_quickly(serve: Serve) -> None:
    assert cpu_seconds(serve(from_scratch=True)) < 2.5


@pytest.mark.database("sqlite")
def test_a_database_behind_a_symbolic_link_is_one_and_the_same(
    tmp_path: Path, serve: Serve
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "elsewhere" / "tasks.db")
    by_link = serve(TASKHOLD_DATABASE_URL="sqlite:///link.db")
    directly = serve(TASKHOLD_DATABASE_URL="sqlite:///elsewhere/tasks.db")
    with by_link.client() as one, directly.client() as other:
        for number in range(10):
            assert one.post("/tasks", json={"title": f"a {number}"}).status_code == 201
            assert other.post("/tasks", json={"title": f"b {number}"}).status_code == 201
        assert one.get("/tasks/count").json() == other.get("/tasks/count").json() == {"count": 20}
    assert (by_link.stop(), directly.stop()) == (0, 0)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["tasks.db"]


# It refuses to start


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert port in refusal(tmp_path, "--port", port)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_folder_that_cant_be_written(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(mode)
    options = ("--database-url", "sqlite:///closed/tasks.db")
    line = refusal(tmp_path, *options, prefix=AS_A_USER_WITHOUT_RIGHTS)
    folder.chmod(0o700)
    assert str(folder) in line
    assert contents(folder) == {}


def test_a_file_that_cant_be_written(database: Path) -> None:
    database.chmod(0o400)
    before = contents(database.parent)
    assert str(database) in refusal(database.parent, prefix=AS_A_USER_WITHOUT_RIGHTS)
    assert contents(database.parent) == before


@pytest.mark.parametrize("folder", ["/missing", "/dev/null", "/sys"])
def test_a_folder_that_is_none_or_takes_no_files(folder: str) -> None:
    with pytest.raises(StartupError, match=folder) as error:
        open_store(f"sqlite:///{folder}/tasks.db").open()
    assert error.value.exit_code == 1


def test_a_database_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="is a folder") as error:
        open_store(f"sqlite:///{tmp_path}").open()
    assert error.value.exit_code == 1
    assert contents(tmp_path) == {}


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "tasks.db").write_text("- [ ] buy milk\n" * 1_000)
    before = contents(tmp_path)
    assert "not a SQLite database" in refusal(tmp_path)
    assert contents(tmp_path) == before


def test_a_file_with_pages_overwritten(database: Path) -> None:
    overwrite(database, range(30, 60))
    before = contents(database.parent)
    assert "damaged" in refusal(database.parent)
    assert contents(database.parent) == before


@pytest.mark.parametrize("removed", [4_096, 400_000, 1_000_000])
def test_a_file_that_is_cut_short(database: Path, removed: int) -> None:
    os.truncate(database, max(100, database.stat().st_size - removed))
    refused(database, "damaged")


def test_a_file_with_any_one_page_overwritten(database: Path, long: bool) -> None:
    whole = database.read_bytes()
    for page in range(1, len(whole) // 4_096, 1 if long else 12):
        database.write_bytes(whole)
        overwrite(database, [page])
        refused(database, "damaged")


def overwrite(database: Path, pages: Iterable[int]) -> None:
    with database.open("r+b") as file:
        for page in pages:
            file.seek(page * 4_096)
            file.write(hashlib.shake_256(str(page).encode()).digest(4_096))


@pytest.mark.database("sqlite")
def test_a_damaged_file_with_writes_of_a_crash_beside_it(database: Path, serve: Serve) -> None:
    server = serve("--database-url", f"sqlite:///{database}")
    with server.client() as client:
        assert client.post("/tasks", json={"title": "Only in the WAL"}).status_code == 201
    server.kill()
    overwrite(database, range(30, 60))
    names = [database, database.with_name("tasks.db-wal")]
    before = [path.read_bytes() for path in names]
    assert len(before[1]) > 0
    assert "damaged" in refusal(database.parent)
    assert [path.read_bytes() for path in names] == before


def test_a_schema_that_is_newer_than_the_program(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused(database, "newer .*9999")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "sqlite:///tasks.db"),
        ("sqlite:tasks.db", "URL"),
        ("sqlite://", "sqlite:///tasks.db"),
        ("sqlite:///:memory:", "sqlite:///tasks.db"),
        ("sqlite:///tasks.db?mode=ro", "sqlite:///tasks.db"),
        ("mysql://ann:hunter2@localhost/tasks", "postgresql://"),
        ("postgresql:ann:hunter2@localhost/tasks", "password"),
        ("postgresql://ann:hunter2@2@localhost/tasks", "%40 for @"),
        ("postgresql+asyncpg://ann:hunter2#2@localhost/tasks", "%23 for #"),
    ],
)
def test_a_database_url_that_cant_be_meant(
    url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StartupError, match=said) as error:
        open_store(url).open()
    assert error.value.exit_code == 2
    assert len(str(error.value).splitlines()) == 1
    assert "hunter2" not in str(error.value)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TASKHOLD_PORT", "http", "TASKHOLD_PORT"),
        ("TASKHOLD_DATABSE_URL", "sqlite:///x.db", "TASKHOLD_DATABASE_URL"),
    ],
)
def test_a_setting_that_cant_be(tmp_path: Path, name: str, value: str, said: str) -> None:
    assert said in refusal(tmp_path, exit_code=2, variables={name: value})
    assert contents(tmp_path) == {}


LOCAL = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
NFS = "40 22 0:40 / /mnt/team rw,relatime shared:1 master:2 - nfs4 server:/export rw\n"


@pytest.mark.parametrize(
    ("folder", "mounts", "kind"),
    [
        ("/home/ann", LOCAL + NFS, None),
        ("/mnt/team", LOCAL + NFS, "nfs4"),
        ("/mnt/team/ann/tasks", LOCAL + NFS, "nfs4"),
        ("/mnt/team", NFS + LOCAL, "nfs4"),
        ("/mnt/teamwork", LOCAL + NFS, None),
        ("/mnt", LOCAL + NFS, None),
        ("/mnt/team/local", LOCAL + NFS + LOCAL.replace(" / / ", " / /mnt/team/local "), None),
        ("/mnt/team", LOCAL + NFS + LOCAL.replace(" / / ", " / /mnt/team "), None),
        ("/mnt/our team/a", LOCAL + NFS.replace("/mnt/team", r"/mnt/our\040team"), "nfs4"),
        ("/mnt/back\\slash", LOCAL + NFS.replace("/mnt/team", r"/mnt/back\134slash"), "nfs4"),
        ("/mnt/Büro 日本", LOCAL + NFS.replace("/mnt/team", r"/mnt/Büro\040日本"), "nfs4"),
        ("/mnt/team", LOCAL + NFS.replace("nfs4", "fuse.sshfs"), "fuse.sshfs"),
        ("/mnt/team", LOCAL + NFS.replace("nfs4", "cifs"), "cifs"),
        ("/mnt/team", LOCAL + NFS.replace("nfs4", "tmpfs"), None),
        ("/mnt/team", "", None),
    ],
)
def test_a_network_file_system_is_known_by_the_mounts(
    folder: str, mounts: str, kind: str | None
) -> None:
    assert network_file_system(Path(folder), mounts) == kind


# It stops


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_on_a_signal_with_a_client_still_connected(
    number: signal.Signals, tmp_path: Path, serve: Serve
) -> None:
    server = serve()
    with server.client() as client, connect(server):
        assert client.post("/tasks", json={"title": "Kept"}).status_code == 201
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 10
    assert not list(tmp_path.glob("tasks.db-*")), "a clean stop leaves one file"


IN_FLIGHT = b'{"title": "In flight"}'
HALF = (
    b"POST /tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(IN_FLIGHT), IN_FLIGHT[:10])
)


def begin_to_stop(server: ServerProcess, *in_flight: socket.socket) -> None:
    """End it while it has the halves of these requests."""
    for connection in in_flight:
        connection.sendall(HALF)
    with server.client() as client:  # by its answer, the halves before it have been read
        assert client.get("/healthz").status_code == 200
    server.process.terminate()
    wait_until(lambda: not accepts(server), seconds=5)


def finish(connection: socket.socket) -> None:
    connection.sendall(IN_FLIGHT[10:])
    assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")


def test_a_stop_lets_requests_in_flight_finish(database_url: str, serve: Serve) -> None:
    server = serve()
    with connect(server) as finishes:
        began = time.monotonic()
        begin_to_stop(server, finishes)
        finish(finishes)
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 10
    assert titles(database_url) == ["In flight"]


@pytest.mark.database("sqlite")
def test_a_stop_waits_10_seconds_at_most_for_a_request_that_never_ends(
    database_url: str, serve: Serve
) -> None:
    server = serve()
    with connect(server) as finishes, connect(server) as never_does:
        began = time.monotonic()
        begin_to_stop(server, finishes, never_does)
        finish(finishes)
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 10
    assert titles(database_url) == ["In flight"]


def accepts(server: ServerProcess) -> bool:
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return False
    return True


# Its workers


def test_a_server_in_the_background_goes_on_when_its_shell_ends(tmp_path: Path) -> None:
    command = f"""
        '{sys.executable}' -m taskhold serve --port 0 > line 2> log &
        until grep /docs line; do sleep 0.1; done
        echo $!
    """
    shell = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *_, docs, server = shell.stdout.split()
    try:
        url = docs.removesuffix("/docs)")
        until = time.monotonic() + 3  # it looks for a parent, if it has one, once a tick
        with httpx2.Client(base_url=url, timeout=5) as client:
            while time.monotonic() < until:
                assert client.get("/readyz").status_code == 200
    finally:
        os.kill(int(server), signal.SIGKILL)


def test_no_worker_outlives_its_parent(database_url: str, serve: Serve) -> None:
    server = serve("--workers", "2")
    assert len(running(server, b"spawn_main")) == 2
    with server.client() as client:
        assert client.post("/tasks", json={"title": "Kept"}).status_code == 201
    server.process.kill()
    server.process.wait()
    wait_until(lambda: not running(server), seconds=10)
    assert titles(database_url) == ["Kept"]


def test_a_worker_that_is_killed_is_replaced(serve: Serve) -> None:
    server = serve("--workers", "2")
    before = running(server, b"spawn_main")
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    with server.client() as client:
        assert client.post("/tasks", json={"title": "By the other"}).status_code == 201
    wait_until(lambda: len(running(server, b"spawn_main") - before) == 1, seconds=10)
    assert running(server, b"spawn_main") & before == before - {killed}
    for number in range(5):
        with server.client() as client:
            assert client.post("/tasks", json={"title": f"Task {number}"}).status_code == 201
    assert server.stop() == 0
    wait_until(lambda: not running(server), seconds=5)


# Its clients


def seconds_until_closed(server: ServerProcess, first: bytes, drip: bytes) -> float:
    """How long a client is served that sends `first`, and then `drip` once a second."""
    with connect(server) as connection:
        began = time.monotonic()
        connection.settimeout(1)
        connection.sendall(first)
        while time.monotonic() < began + 2 * CUT_OFF_SECONDS:
            try:
                if not connection.recv(65_536):
                    break
            except TimeoutError:
                connection.sendall(drip)
            except ConnectionError:
                break
        return time.monotonic() - began


def seconds_until_a_quiet_stream_says_something(server: ServerProcess) -> float:
    """How long a client of `/events` waits for the sign that there is nothing new."""
    with server.client() as client, client.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        assert [next(lines), next(lines)] == [": following", ""]
        began = time.monotonic()
        assert [next(lines), next(lines)] == [": nothing new", ""]
        return time.monotonic() - began


def bytes_left_for_a_client_that_did_not_read(server: ServerProcess, requests: int) -> int:
    """What a client still gets that sends its requests and reads nothing for 15 seconds."""
    with connect(server) as connection:
        connection.sendall(PAGE * requests)
        time.sleep(CUT_OFF_SECONDS)
        received = 0
        try:
            while data := connection.recv(1 << 20):
                received += len(data)
        except ConnectionError:
            pass
        return received


@pytest.mark.database("sqlite")
def test_clients_that_are_slow_or_read_nothing_are_cut_off_while_others_are_served(
    serve: Serve,
) -> None:
    """Also those who are patient: a stream without news is quiet for as long, and goes on."""
    server = serve()
    with server.client() as client:
        for number in range(500):
            client.post("/tasks", json={"title": f"{number:0500}"})
        page = len(client.get("/tasks", params={"limit": 500}).content)
    line = b"POST /tasks HTTP/1.1\r\n"
    head = line + (
        b"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n"
    )
    requests = 300
    with ThreadPoolExecutor(5) as pool:
        timed: dict[str, Future[float]] = {
            "slow headers": pool.submit(seconds_until_closed, server, line + b"X-A: ", b"a"),
            "slow body": pool.submit(seconds_until_closed, server, head, b" "),
            "silence": pool.submit(seconds_until_closed, server, b"", b""),
        }
        unread = pool.submit(bytes_left_for_a_client_that_did_not_read, server, requests)
        quiet = pool.submit(seconds_until_a_quiet_stream_says_something, server)
        slowest = 0.0
        with server.client() as client:
            while not (unread.done() and all(future.done() for future in timed.values())):
                began = time.monotonic()
                assert client.get("/tasks/1").status_code == 200
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.05)
    too_slow = {
        name: future.result() for name, future in timed.items() if future.result() > CUT_OFF_SECONDS
    }
    assert too_slow == {}
    assert unread.result() < page * requests / 2
    assert 14 < quiet.result() < 17
    assert slowest < 5


def test_1024_idle_connections_do_not_block_a_plain_get(serve: Serve) -> None:
    """Even where the shell allows 1,024 open files a process, as most do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    server = serve()
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ExitStack() as idle:
            for _ in range(1_024):
                idle.enter_context(connect(server))
            with server.client() as client:
                began = time.monotonic()
                assert client.get("/tasks").status_code == 200
                assert client.post("/tasks", json={"title": "Plain"}).status_code == 201
                assert time.monotonic() - began < 5
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.database("sqlite")
def test_those_who_come_at_once_need_not_wait_for_a_busy_client_each(serve: Serve) -> None:
    server = serve()
    address = ("127.0.0.1", urlsplit(server.url).port)
    request = b"GET /tasks/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    newcomers = 64
    with ExitStack() as stack:
        busy = stack.enter_context(socket.create_connection(address, timeout=20))
        busy.sendall(request)
        assert busy.recv(65_536)
        os.kill(server.process.pid, signal.SIGSTOP)
        busy.sendall(request * 4 * newcomers)  # answered one in each turn of the loop
        made = [
            stack.enter_context(socket.create_connection(address, timeout=20))
            for _ in range(newcomers)
        ]
        for each in made:
            each.sendall(request)
        os.kill(server.process.pid, signal.SIGCONT)
        answers = [each.recv(65_536) for each in made]
    found = [re.search(rb"x-request-id: \w+-(\d+)", each) for each in answers]
    turns = [int(each[1]) for each in found if each]
    assert len(turns) == newcomers
    of_the_busy_one = max(turns) - min(turns) + 1 - newcomers
    assert of_the_busy_one < newcomers / 2


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(serve: Serve) -> None:
    server = serve()
    for request in ("POST /tasks", "PATCH /tasks/1"):
        with connect(server) as connection:
            connection.settimeout(5)
            connection.sendall(
                f"{request} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"Content-Length: 20000000\r\n\r\n".encode()
            )
            assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


# Its log


def test_the_log_is_json_without_anything_that_people_keep_here(
    database_url: str, serve: Serve
) -> None:
    canary = "canary-7f3a"
    server = serve(TASKHOLD_LOG_REQUESTS="true", TASKHOLD_LOG_LEVEL="debug")
    secret = {"Idempotency-Key": canary, "Cookie": f"taskhold={canary}"}
    with server.client() as client:
        task = {"title": canary, "notes": canary, "tags": [canary], "due": "2026-12-01"}
        assert client.post("/tasks", json=task, headers=secret).status_code == 201
        assert client.post("/tasks", json=task, headers=secret).status_code == 201
        assert client.patch("/tasks/1", json={"done": canary}).status_code == 422
        assert client.patch("/tasks/1", content=canary).status_code in {400, 415}
        assert client.get("/tasks", params={"q": canary, "tag": canary}).json() != []
        assert client.get("/tasks", params={"query": canary}).status_code == 422
        assert client.post("/lists", json={"name": canary}).status_code == 201
        assert client.patch(f"/tags/{canary}", json={"tag": f"{canary}s"}).status_code == 200
        assert client.get(f"/tags/{canary}").status_code == 405
        assert client.get("/tasks", headers={"Host": canary}).status_code == 401
        token = {"Authorization": f"Bearer {canary}"}
        assert client.get("/tasks", headers=token).status_code == 401
        login = {"username": canary, "password": canary}
        assert client.post("/login", json=login).status_code == 401
        # so that a write fails inside
        run_sql(database_url, "ALTER TABLE kept_answer DROP COLUMN body")
        assert client.post("/tasks", json=task, headers=secret).status_code == 500
        names = {"X-Request-ID": "named-by-the-client"}
        assert client.get("/tasks/99", headers=names).status_code == 404
    assert server.stop() == 0
    text = server.log.read_text()
    assert canary not in text
    events = [json.loads(line) for line in text.splitlines()]
    (missing,) = [e for e in events if e.get("request_id") == "named-by-the-client"]
    assert (missing["method"], missing["path"], missing["status"]) == ("GET", "/tasks/99", 404)
    assert [e["status"] for e in events if e.get("path") == "/tags/…"] == [200, 405]
    failed = [e for e in events if e.get("status") == 500]
    assert len(failed) == 1
    assert any("Traceback" in e.get("exception", "") for e in events)
