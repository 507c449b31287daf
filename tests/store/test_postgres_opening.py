"""How a PostgreSQL database is opened: what is refused, what is waited for, what is never told."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient

from taskhold.app import create_app
from taskhold.settings import Settings
from tests.support import prepared
from tests.support.at_once import all_at_once
from tests.support.databases import PostgreSQLDatabases
from tests.support.journal import tasks_and_journal_agree
from tests.support.lesson import ROOT
from tests.support.postgresql import PASSWORD, PostgreSQL, find_binaries, running_postgresql
from tests.support.proxy import Proxy
from tests.support.servers import LiveServer, ServerProcess
from tests.support.sql import run_sql
from tests.support.tasks import create, wait_until
from tests.support.tls import TLSFront, make_certificate

Serve = Callable[..., ServerProcess]
BACK_SECONDS = 2.0
STOP_SECONDS = 10.0
WRONG = "wr0ng-s3cret"
NOWHERE = 9
"""A port that nobody listens on."""


@pytest.fixture
def database_url(cluster_url: str) -> str:
    return cluster_url


@pytest.fixture
def empty_url(cluster_databases: PostgreSQLDatabases, tmp_path: Path) -> Iterator[str]:
    with cluster_databases.empty(tmp_path) as url:
        yield url


def refusal(folder: Path, url: str) -> tuple[int, str]:
    """The exit code and the one line of `taskhold serve`, which tell nobody the password."""
    variables = {"TASKHOLD_DATABASE_URL": url, "TASKHOLD_LOG_LEVEL": "debug"}
    ended = prepared.run("serve", "--port", "0", folder=folder, variables=variables)
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("taskhold: ")
    no_password_is_in(line)
    return ended.returncode, line


def no_password_is_in(text: str) -> None:
    for secret in (PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), "s3cret"):
        assert secret not in text


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def is_refused(answer: httpx2.Response) -> None:
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    no_password_is_in(answer.text)


# Mistakes


Change = Callable[[str], str]
MISTAKES: dict[str, tuple[Change, str]] = {
    "another password": (
        lambda url: url.replace(quote(PASSWORD, safe=""), WRONG),
        "password authentication failed",
    ),
    "an unknown user": (
        lambda url: url.replace("//taskhold:", "//nobody-we-know:"),
        "nobody-we-know",
    ),
    "an unknown database": (lambda url: f"{url}_gone", "does not exist"),
    "an unknown option": (lambda url: f"{url}?nonsense=1", "nonsense"),
    "an unknown sslmode": (lambda url: f"{url}?sslmode=always", "sslmode"),
    "no root certificate": (
        lambda url: f"{url}?sslmode=verify-full&sslrootcert=/nowhere/root.crt",
        "No such file",
    ),
    "TLS that the server has not": (lambda url: f"{url}?sslmode=require", "SSL"),
    "no such port": (lambda url: url.replace("@127.0.0.1:", "@127.0.0.1:9"), "port"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_the_start_in_one_line_without_the_password(
    mistake: str, database_url: str, tmp_path: Path
) -> None:
    change, said = MISTAKES[mistake]
    exit_code, line = refusal(tmp_path, change(database_url))
    assert exit_code in (1, 2)
    assert said in line


@pytest.mark.parametrize("password", [PASSWORD, "s3cret@home", "s3cret[", "s3cret#1", "1?s3cret/"])
def test_a_password_that_is_not_escaped_is_not_told_and_named_as_the_mistake(
    password: str, tmp_path: Path
) -> None:
    url = f"postgresql://taskhold:{password}@127.0.0.1:{NOWHERE}/tasks"
    exit_code, line = refusal(tmp_path, url)
    assert exit_code == 2
    assert "%XX" in line


def test_a_schema_of_a_newer_version_is_left_alone(database_url: str, tmp_path: Path) -> None:
    run_sql(database_url, "UPDATE alembic_version SET version_num = '9999'")
    exit_code, line = refusal(tmp_path, database_url)
    assert exit_code == 1
    assert "newer Taskhold" in line
    assert run_sql(database_url, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_table_of_another_program_is_left_alone(empty_url: str, tmp_path: Path) -> None:
    run_sql(empty_url, "CREATE TABLE task (what text)")
    exit_code, line = refusal(tmp_path, empty_url)
    assert exit_code == 1
    assert "“task” of another program" in line
    tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
    assert run_sql(empty_url, tables) == [("task",)]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_in_another_encoding_is_refused(
    encoding: str, cluster: PostgreSQL, tmp_path: Path
) -> None:
    name = f"in_{encoding.lower()}"
    how = f"ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    cluster.execute(f"CREATE DATABASE {name} OWNER taskhold {how}")
    exit_code, line = refusal(tmp_path, cluster.url(name))
    cluster.drop_database(name)
    assert exit_code == 1
    assert encoding in line
    assert "UTF8" in line


def test_a_role_that_may_not_create_tables_is_told_so(
    cluster: PostgreSQL, empty_url: str, tmp_path: Path
) -> None:
    cluster.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    exit_code, line = refusal(tmp_path, cluster.url(name_of(empty_url), user="guest"))
    cluster.execute("DROP ROLE guest")
    assert exit_code == 1
    assert "permission denied" in line


def test_a_newer_version_that_migrates_beside_a_server_stops_it_from_writing(
    serve: Serve, cluster: PostgreSQL, database_url: str
) -> None:
    with serve().client() as client:
        create(client, "there before")
        run_sql(database_url, "UPDATE alembic_version SET version_num = '9999'")
        cluster.restart()
        is_refused(create(client, "refused"))
        is_refused(client.get("/readyz"))


# It is away


def start_unless_it_runs(cluster: PostgreSQL) -> None:
    if not (cluster.data / "postmaster.pid").exists():
        cluster.start()


def test_a_server_waits_for_a_database_that_is_away_and_then_works(
    serve: Serve, cluster: PostgreSQL, empty_url: str
) -> None:
    cluster.stop()
    try:
        for workers in ("1", "2"):
            process = serve(
                "--workers",
                workers,
                TASKHOLD_DATABASE_URL=empty_url,
                TASKHOLD_LOG_LEVEL="debug",
            )
            assert f"/{name_of(empty_url)};" in process.line
            no_password_is_in(process.line)
            with process.client() as client:
                assert client.get("/healthz").status_code == 200
                for path in ("/readyz", "/tasks", "/tasks/1", "/changes", "/tasks/count"):
                    is_refused(client.get(path))
                is_refused(create(client, "refused"))
                said = [json.loads(line) for line in process.log.read_text().splitlines()]
                waiting = [line for line in said if line["event"] != "request"]
                assert {line["event"] for line in waiting} == {"waiting for the database"}
                assert len(waiting) == int(workers)
                assert "refused" in waiting[0]["reason"]
                cluster.start()
                wait_until(lambda: client.get("/readyz").status_code == 200, 2 * BACK_SECONDS)
                with ThreadPoolExecutor(8) as threads:
                    created = [threads.submit(create, client, f"{n}") for n in range(8)]
                    # A worker may come a moment after the other one.
                    assert {each.result().status_code for each in created} <= {201, 503}
                wait_until(lambda: create(client, "next").status_code == 201, BACK_SECONDS)
                assert tasks_and_journal_agree(client)
                cluster.stop()
            no_password_is_in(process.log.read_text())
            assert process.stop(STOP_SECONDS) == 0
    finally:
        start_unless_it_runs(cluster)


def test_the_lessons_entry_waits_for_a_database_that_is_away(
    cluster: PostgreSQL, empty_url: str, tmp_path: Path
) -> None:
    cluster.stop()
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as undo:
        undo.callback(start_unless_it_runs, cluster)
        listener.set_inheritable(True)
        log = undo.enter_context((tmp_path / "uvicorn.log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "main:app", "--fd", str(listener.fileno())],
            cwd=ROOT,
            env=os.environ | {"TASKHOLD_DATABASE_URL": empty_url},
            stderr=log,
            stdout=log,
            pass_fds=[listener.fileno()],
        )
        undo.callback(process.kill)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx2.Client(base_url=address, timeout=30) as client:
            assert client.get("/healthz").status_code == 200
            is_refused(client.get("/readyz"))
            is_refused(create(client, "refused"))
            cluster.start()
            wait_until(lambda: client.get("/readyz").status_code == 200, 2 * BACK_SECONDS)
            assert create(client, "new").status_code == 201
        process.terminate()
        assert process.wait(STOP_SECONDS) in (0, -15)
        no_password_is_in((tmp_path / "uvicorn.log").read_text())


def test_a_database_that_goes_away_during_the_start_is_waited_for(
    serve: Serve, cluster: PostgreSQL, cluster_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    """After so many connections of the start there is none any more, for a moment."""

    def go_away_after(connections: int) -> None:
        with cluster_databases.empty(tmp_path) as url, Proxy(cluster.port) as proxy:
            proxy.allow(connections)
            process = serve(TASKHOLD_DATABASE_URL=proxy.in_front_of(url))
            with process.client() as client:
                proxy.allow(None)
                wait_until(lambda: client.get("/readyz").status_code == 200, 2 * BACK_SECONDS)
                assert create(client, "new").status_code == 201
            assert "Traceback" not in process.log.read_text()
            assert process.stop(STOP_SECONDS) == 0

    all_at_once(go_away_after, range(6))


def test_a_server_whose_database_is_silent_stops_in_time(
    serve: Serve, cluster: PostgreSQL, cluster_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    def be_silent_from(moment: str) -> None:
        with cluster_databases.fresh(tmp_path) as url, Proxy(cluster.port) as proxy:
            if moment == "the start":
                proxy.black_hole()
            process = serve(TASKHOLD_DATABASE_URL=proxy.in_front_of(url))
            with process.client() as client, ThreadPoolExecutor(8) as threads:
                assert client.get("/healthz").status_code == 200
                if moment == "later":
                    create(client, "there before")
                    proxy.black_hole()
                asked = [threads.submit(create, client, f"{number}") for number in range(4)]
                asked += [threads.submit(client.get, "/tasks") for _ in range(4)]
                time.sleep(0.2)  # they are being answered
                assert process.stop(STOP_SECONDS) == 0
                for each in asked:
                    is_refused(each.result())

    all_at_once(be_silent_from, ("the start", "later"))


# Durability


@pytest.mark.parametrize(
    "setting",
    [
        "ALTER DATABASE {name} SET synchronous_commit = off",
        "ALTER ROLE taskhold IN DATABASE {name} SET synchronous_commit = local",
        "?synchronous_commit=off",
    ],
)
def test_a_commit_waits_for_the_disk_whatever_is_set_for_the_role_or_the_database(
    setting: str, cluster: PostgreSQL, database_url: str
) -> None:
    if setting.startswith("ALTER"):
        cluster.execute(setting.format(name=name_of(database_url)))
    in_effect = run_sql(database_url, "SHOW synchronous_commit")
    run_sql(
        database_url,
        "CREATE TABLE seen (setting text)",
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$",
        "CREATE TRIGGER look AFTER INSERT OR UPDATE OR DELETE ON task EXECUTE FUNCTION look()",
    )
    assert (in_effect == [("on",)]) == setting.startswith("?")
    url = database_url + (setting if setting.startswith("?") else "")
    with LiveServer(url) as server, httpx2.Client(base_url=server.url) as client:
        with ThreadPoolExecutor(8) as threads:
            for each in [threads.submit(create, client, f"{n}") for n in range(16)]:
                path = each.result().headers["Location"]
        assert client.patch(path, json={"done": True}).status_code == 200
        assert client.delete(path).status_code == 204
    seen = run_sql(database_url, "SELECT setting, count(*) FROM seen GROUP BY setting")
    assert seen == [("on", 18)]


# Many at once


def test_eight_servers_that_start_at_once_on_an_empty_database_all_serve_it(
    empty_url: str, tmp_path: Path
) -> None:
    variables = {"TASKHOLD_DATABASE_URL": empty_url}
    with ExitStack() as undo:
        processes = [ServerProcess(tmp_path, (), variables) for _ in range(8)]
        for process in processes:
            undo.callback(process.kill)
        for number, process in enumerate(processes):
            process.wait_until_ready()
            with process.client() as client:
                assert create(client, f"{number}").status_code == 201
        with processes[0].client() as client:
            assert len(tasks_and_journal_agree(client)) == 8
        for table in ("database", "account", "alembic_version"):
            assert run_sql(empty_url, f"SELECT count(*) FROM {table}") == [(1,)]  # noqa: S608
        assert {process.log.read_text() for process in processes} == {""}


def test_the_lessons_test_client_works_with_a_lifespan_and_without(empty_url: str) -> None:
    """Without one each request has an event loop of its own."""
    app = create_app(Settings(database_url=empty_url))
    client = TestClient(app)
    made = client.post("/tasks", json={"title": "without"})
    assert made.status_code == 201
    with ThreadPoolExecutor(8) as threads:
        several = [threads.submit(client.get, "/tasks/1") for _ in range(24)]
        assert {each.result().status_code for each in several} == {200}
    with TestClient(app) as client:
        assert client.get("/tasks/1").json() == made.json()
        assert client.post("/tasks", json={"title": "with"}).status_code == 201
    client = TestClient(app)
    assert [task["title"] for task in client.get("/tasks").json()] == ["without", "with"]
    app.state.store.close()


# TLS


def has_tls(binaries: Path) -> bool:
    command = [str(binaries / "pg_config"), "--configure"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "--with-ssl=openssl" in told or "--with-openssl" in told


@dataclass
class TLSDatabase:
    """A database that takes connections with TLS and without, with `server.crt` in a folder."""

    url: str
    were_encrypted: Callable[[], set[bool]]
    folder: Path


@pytest.fixture(scope="module")
def tls_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TLSDatabase]:
    """PostgreSQL's own TLS, or one in front of it where it was built without."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificate(folder, "server")
    make_certificate(folder, "other")
    binaries = find_binaries(request.config.getoption("--postgresql"))
    with running_postgresql(binaries) as server:
        url = server.create_database()
        if not has_tls(binaries):
            with TLSFront(server.port, folder, "server") as front:
                url = url.replace(f":{server.port}/", f":{front.port}/")
                yield TLSDatabase(url, front.were_encrypted, folder)
            return
        owner = server.data.stat()
        for name in ("server.crt", "server.key"):
            copy = Path(shutil.copy(folder / name, server.data))
            os.chown(copy, owner.st_uid, owner.st_gid)
            copy.chmod(0o600)
        server.execute("ALTER SYSTEM SET ssl = on")
        server.restart()

        def were_encrypted() -> set[bool]:
            ours = (
                "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                "WHERE application_name = 'taskhold'"
            )
            return {ssl for (ssl,) in server.execute(ours)}

        yield TLSDatabase(url, were_encrypted, folder)


@pytest.mark.parametrize(
    ("options", "encrypted"),
    [
        ("", True),
        ("?sslmode=prefer", True),
        ("?sslmode=require", True),
        ("?sslmode=verify-ca&sslrootcert={folder}/server.crt", True),
        ("?sslmode=verify-full&sslrootcert={folder}/server.crt", True),
        ("?sslmode=disable", False),
    ],
)
def test_tls_is_used_as_the_url_says(
    options: str, encrypted: bool, tls_database: TLSDatabase
) -> None:
    url = tls_database.url + options.format(folder=tls_database.folder)
    tls_database.were_encrypted()
    with LiveServer(url) as server, httpx2.Client(base_url=server.url) as client:
        assert create(client, "new").status_code == 201
        assert tls_database.were_encrypted() == {encrypted}


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("127.0.0.1", "?sslmode=verify-full&sslrootcert={folder}/other.crt"),
        ("127.0.0.1", "?sslmode=verify-ca&sslrootcert={folder}/other.crt"),
        ("127.0.0.1", "?sslmode=require&sslrootcert={folder}/other.crt"),
        ("localhost", "?sslmode=verify-full&sslrootcert={folder}/server.crt"),
    ],
)
def test_a_server_that_is_not_the_right_one_is_refused(
    host: str, options: str, tls_database: TLSDatabase, tmp_path: Path
) -> None:
    url = tls_database.url.replace("@127.0.0.1:", f"@{host}:")
    exit_code, line = refusal(tmp_path, url + options.format(folder=tls_database.folder))
    assert exit_code == 1
    assert "its certificate is refused" in line
