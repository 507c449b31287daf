"""`GET /metrics`: what Prometheus reads, from all processes of a server at once."""

import os
import re
import signal
from collections.abc import Callable

import httpx2
import pytest

from tests.support.accounts import cookies_of, log_in, make_accounts
from tests.support.commands import said
from tests.support.processes import running
from tests.support.servers import LiveServer, ServerProcess
from tests.support.tasks import add, create, wait_until

SAMPLE = re.compile(r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z]+="[^"]*",?)+)\})? (?P<value>\S+)')
NAMES = re.compile(r"# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ (?:counter|gauge|histogram))")


Scrape = dict[str, float]
"""Samples by name and labels, as they stand in the text."""


def scrape(client: httpx2.Client, **options: object) -> Scrape:
    """What is told, of which every line has to be in the format of the exposition."""
    answer = client.get("/metrics", **options)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: Scrape = {}
    for line in answer.text.splitlines():
        if line.startswith("#"):
            assert NAMES.fullmatch(line), line
        else:
            assert SAMPLE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in found, line
            found[name] = float(value)
    return found


def requests(method: str, route: str, status: str) -> str:
    return f'taskhold_requests_total{{method="{method}",route="{route}",status="{status}"}}'


def test_requests_are_counted_by_route_method_and_class_of_status(client: httpx2.Client) -> None:
    add(client)
    add(client)
    create(client, "")
    for task_id in (1, 2, 99):
        client.get(f"/tasks/{task_id}")
    client.head("/tasks")
    client.get("/tasks", headers={"If-None-Match": client.get("/tasks").headers["etag"]})
    client.get("/nothing/here")
    client.put("/tasks")
    found = scrape(client)
    assert found[requests("POST", "/tasks", "2xx")] == 2
    assert found[requests("POST", "/tasks", "4xx")] == 1
    assert found[requests("GET", "/tasks/{task_id}", "2xx")] == 2
    assert found[requests("GET", "/tasks/{task_id}", "4xx")] == 1
    assert found[requests("HEAD", "/tasks", "2xx")] == 1
    assert found[requests("GET", "/tasks", "3xx")] == 1
    assert found['taskhold_requests_total{method="",route="other",status="4xx"}'] == 2
    labels = 'method="GET",route="/tasks/{task_id}"'
    assert found[f"taskhold_request_seconds_count{{{labels}}}"] == 3
    assert found[f'taskhold_request_seconds_bucket{{{labels},le="+Inf"}}'] == 3
    assert 0 < found[f"taskhold_request_seconds_sum{{{labels}}}"] < 3
    buckets = [
        value
        for name, value in found.items()
        if name.startswith(f"taskhold_request_seconds_bucket{{{labels}")
    ]
    assert buckets == sorted(buckets)
    assert found["taskhold_commit_seconds_count"] >= 2
    assert found["taskhold_commit_writes_sum"] >= 2
    assert scrape(client)[requests("GET", "/metrics", "2xx")] == 1


def test_what_is_open_is_told(client: httpx2.Client, database_url: str) -> None:
    assert scrape(client)["taskhold_streams"] == 0
    with client.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": following"
        wait_until(lambda: scrape(client)["taskhold_streams"] == 1)
    wait_until(lambda: scrape(client)["taskhold_streams"] == 0)
    found = scrape(client)
    assert found["taskhold_processes"] == 1
    if database_url.startswith("sqlite:"):
        add(client)
        assert scrape(client)["taskhold_wal_bytes"] > 0
    else:
        assert 1 <= found["taskhold_connections"] <= 11
        # the stream may still be giving back the one that it read with
        wait_until(lambda: scrape(client)["taskhold_connections_in_use"] == 0)


def test_logins_are_counted_by_what_came_of_them(database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"})
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        session = {"Cookie": cookies_of(log_in(client, "ada"))}
        client.cookies.clear()
        answers = [log_in(client, "ada", "wrong").status_code for _ in range(11)]
        assert answers == [401] * 10 + [429]
        found = scrape(client, headers=session)
        assert found['taskhold_logins_total{result="succeeded"}'] == 1
        assert found['taskhold_logins_total{result="failed"}'] == 10
        assert found['taskhold_logins_total{result="refused"}'] == 1


def test_only_admins_and_their_tokens_read_them(database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    tokens = {
        name: said(database_url, "token", "add", name, "--name", "prometheus").strip()
        for name in ("ada", "bob")
    }
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        assert client.get("/metrics").status_code == 401
        for name, status in {"ada": 200, "bob": 403}.items():
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            assert client.get("/metrics", headers=headers).status_code == status
        assert (
            client.get("/users", headers={"Authorization": f"Bearer {tokens['ada']}"}).status_code
            == 403
        )


@pytest.mark.database("sqlite")
def test_in_open_mode_they_are_for_callers_on_this_machine(client: httpx2.Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"Host": "tasks.example"}).status_code == 401
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_the_numbers_of_two_workers_add_up_and_outlive_them(
    serve: Callable[..., ServerProcess],
) -> None:
    server = serve("--workers", "2")
    with server.client() as client:
        wait_until(lambda: scrape(client)["taskhold_processes"] == 2)
    many = 0
    processes: set[str] = set()
    while len(processes) < 2 or many < 20:
        with server.client() as client:  # a connection each, so that both get some
            processes.add(create(client, "a").headers["x-request-id"].partition("-")[0])
            many += 1
            found = scrape(client)
        assert many < 500
        assert found[requests("POST", "/tasks", "2xx")] == many
        durations = 'taskhold_request_seconds_count{method="POST",route="/tasks"}'
        assert found[durations] == found["taskhold_commit_writes_sum"] == many
    for victim in running(server, b"spawn_main"):
        os.kill(victim, signal.SIGKILL)
    with server.client() as client:
        wait_until(lambda: _answers(client))
        add(client)
        assert scrape(client)[requests("POST", "/tasks", "2xx")] == many + 1


def _answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx2.TransportError:
        return False
