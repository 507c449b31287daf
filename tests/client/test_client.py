"""What the client sends, what it makes of answers, and when it tries again."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import pytest

from taskhold.client import (
    AsyncClient,
    Change,
    Client,
    Conflict,
    Gone,
    Invalid,
    NotFound,
    NotTaskhold,
    Problem,
    Unauthenticated,
    Unavailable,
    Unreachable,
    VersionConflict,
)
from tests.support.accounts import log_in, make_accounts
from tests.support.scripted import CUT, Lossy, Scripted, answer
from tests.support.servers import LiveServer
from tests.support.tls import make_certificate

TASKS = b"[]"
on_sqlite = pytest.mark.database("sqlite")


@pytest.fixture
def api(server: LiveServer) -> Iterator[Client]:
    with Client(server.url, patience=10) as client:
        yield client


def told(api: Client, count: int, after: int | None = None) -> list[Change]:
    """The next changes."""
    with closing(api.events(after)) as events:
        return list(islice(events, count))


def test_a_task_from_its_beginning_to_its_end(api: Client) -> None:
    home = api.create_list("Home")
    task = api.create_task(title="Paint", due=date(2026, 12, 1), tags=("DIY",), list_id=home["id"])
    assert (task["due"], task["tags"]) == ("2026-12-01", ["DIY"])
    assert api.get_list(home["id"])["open_count"] == 1
    below = api.create_task(
        title="Buy paint", parent_id=task["id"], due=datetime(2026, 11, 30, 9, tzinfo=UTC)
    )
    assert below["due"] == "2026-11-30T09:00:00+00:00"
    changed = api.update_task(task["id"], priority="high", due=None, if_version=1)
    assert (changed["version"], changed["due"]) == (2, None)
    with pytest.raises(VersionConflict) as conflict:
        api.update_task(task["id"], title="too late", if_version=1)
    assert conflict.value.current == changed
    with pytest.raises(VersionConflict):
        api.delete_task(task["id"], if_version=1)
    assert api.update_task(below["id"], done=True)["completed_at"] is not None
    assert api.rename_tag("diy", "handwork") == {"tag": "handwork", "open_count": 1}
    assert list(api.tags()) == [{"tag": "handwork", "open_count": 1}]
    api.delete_task(task["id"])
    assert [each["id"] for each in api.trash()] == [task["id"], below["id"]]
    assert api.restore_task(task["id"])["id"] == task["id"]
    actions = [change["action"] for change in api.history(task["id"], page_size=2)]
    assert actions == ["restore", "delete", "update", "update", "create"]
    api.delete_task(below["id"])
    api.purge_task(below["id"])
    with pytest.raises(NotFound, match="Task not found"):
        api.get_task(below["id"])
    with pytest.raises(Gone):
        api.undo(3)
    assert api.update_list(home["id"], archived=True)["archived"] is True
    assert list(api.lists(archived=False)) == []
    api.delete_list(home["id"])
    mistake = api.create_task(title="a mistake")
    (undone,) = api.undo(api.changes()["cursor"])
    assert (undone["action"], undone["before"]) == ("delete", mistake)


def test_pages_are_read_as_they_are_needed_with_every_filter(api: Client) -> None:
    operations: list[Any] = [
        {
            "op": "create",
            "task": {"title": f"task {number}", "tags": ["a", "b"], "due": "2026-01-05"},
        }
        for number in range(50)
    ]
    made = api.batch(operations)
    assert list(api.tasks(page_size=7)) == made
    newest = islice(api.tasks(sort="-id", page_size=3), 5)
    assert [each["id"] for each in newest] == [50, 49, 48, 47, 46]
    found = api.tasks(
        tag=["A", "b"],
        done=False,
        q="TASK 4",
        list_id="none",
        due_after=date(2026, 1, 5),
        due_before="2026-01-06",
        tz="Asia/Tokyo",
        page_size=6,
    )
    assert list(found) == [each for each in made if each and "4" in each["title"]]
    assert api.count_tasks(q="task 4", parent_id="none") == 14
    with pytest.raises(Invalid) as invalid:
        api.count_tasks(priority="urgent")  # type: ignore[arg-type]
    assert [error["field"] for error in invalid.value.errors] == ["priority"]
    operations[3] = {"op": "delete", "id": 99}
    with pytest.raises(NotFound) as missing:
        api.batch(operations)
    assert missing.value.operation == 3


def test_the_client_for_asyncio_has_the_same_calls(server: LiveServer) -> None:
    both = [
        {name for name in dir(client) if not name.startswith("_")}
        for client in (Client, AsyncClient)
    ]
    assert both[0] == both[1]

    async def use() -> None:
        async with AsyncClient(server.url) as api:
            home = await api.create_list("Home")
            made = await asyncio.gather(
                *(api.create_task(title=str(number), list_id=home["id"]) for number in range(12))
            )
            listed = [each async for each in api.tasks(page_size=5)]
            assert sorted(each["id"] for each in made) == [each["id"] for each in listed]
            with pytest.raises(VersionConflict):
                await api.update_task(1, done=True, if_version=7)
            assert (await api.update_task(1, done=True, if_version=1))["version"] == 2
            with pytest.raises(NotFound):
                await api.delete_task(99)
            changes = [each async for each in api.history(1)]
            assert [each["action"] for each in changes] == ["update", "create"]

    asyncio.run(use())


def test_events_begin_now_or_behind_a_change_whatever_their_texts(api: Client) -> None:
    api.create_task(title="before")
    events = api.events()  # from here on
    title = "one\u2028line\u0085, said the\u200e RTL עברית"
    notes = "first\r\nsecond\r\rthird\n\ndata: no\n\x1b[31m\u2029"
    with pytest.raises(Invalid):
        api.create_task(title=title)  # U+0085 is a control character
    title = title.replace("\u0085", "")
    made = api.create_task(title=title, notes=notes)
    with closing(events):
        change = next(events)
    assert (change["seq"], change["after"]) == (2, made)
    assert [each["seq"] for each in told(api, 2, after=0)] == [1, 2]
    assert told(api, 1, after=1) == api.changes(1)["changes"] == [change]
    with pytest.raises(Gone):
        told(api, 1, after=1_000)


def test_a_token_is_sent_and_its_problems_are_raised(database_url: str) -> None:
    with LiveServer(database_url) as server:
        make_accounts(database_url, {"username": "ada"})
        with pytest.raises(Unauthenticated), Client(server.url) as stranger:
            list(stranger.tasks())
        with httpx2.Client(base_url=server.url) as browser:
            log_in(browser, "ada")
            sent = {"name": "script", "scopes": ["read"]}
            token = browser.post("/tokens", json=sent).json()["token"]
        with Client(server.url, token) as api:
            assert api.me()["username"] == "ada"
            with pytest.raises(Problem) as refused:
                api.create_task(title="not mine to write")
            assert (refused.value.status, refused.value.name) == (403, "insufficient-scope")
            with pytest.raises(Problem, match="A token does not reach this"):
                api.request("GET", "/tokens")
            assert token not in repr(vars(api))
        with Client(server.url, "thk_wrong") as stranger, pytest.raises(Unauthenticated):
            told(stranger, 1, after=0)


@on_sqlite
def test_a_write_whose_answer_is_lost_is_done_once(server: LiveServer) -> None:
    with Lossy(server.port, losses=2) as lossy, Client(lossy.url) as api:
        made = api.create_task(title="once")
        assert list(api.tasks()) == [made]
        keys = lossy.headers("idempotency-key")
    assert len(lossy.requests) == 4
    assert keys[0] is not None
    assert keys == [keys[0]] * 3 + [None]


@on_sqlite
def test_where_no_answer_comes_the_key_is_there_to_go_on_with(server: LiveServer) -> None:
    with (
        Lossy(server.port, losses=100) as lossy,
        Client(lossy.url, patience=0.5) as api,
        pytest.raises(Unreachable, match=f"No answer from {lossy.url}: ") as lost,
    ):
        api.create_task(title="once")
    assert lost.value.may_be_done
    with Client(server.url) as api:
        again = api.create_task(title="once", key=lost.value.key)
        assert list(api.tasks()) == [again]


def test_what_is_not_repeatable_is_not_repeated() -> None:
    with Scripted(CUT, answer("503 Service Unavailable")) as server, Client(server.url) as api:
        with pytest.raises(Unreachable) as lost:
            api.request("POST", "/login", body={})
        assert (lost.value.key, lost.value.may_be_done) == (None, True)
        with pytest.raises(Unavailable):
            api.request("POST", "/login", body={})
        assert len(server.requests) == 2
        assert server.headers("idempotency-key") == [None, None]


def test_it_waits_as_long_as_it_is_asked_to_or_gives_up_at_once() -> None:
    busy = partial(answer, "503 Service Unavailable", b'{"detail": "busy"}')
    script = (busy(Retry_After="1"), answer("200 OK", TASKS))
    with Scripted(*script) as server, Client(server.url) as api:
        began = time.monotonic()
        assert list(api.tasks()) == []
        assert time.monotonic() - began >= 1
    for later in ("3600", "Fri, 31 Dec 2100 23:59:59 GMT"):
        with Scripted(busy(Retry_After=later)) as server, Client(server.url) as api:
            with pytest.raises(Unavailable, match="busy") as given_up:
                api.create_task(title="later")
            assert given_up.value.key is not None
            assert len(server.requests) == 1


def test_answers_of_something_else_are_told_in_a_sentence() -> None:
    page = answer("200 OK", b"<h1>It works!</h1>", Content_Type="text/html")
    moved = answer("301 Moved Permanently", Location="https://tasks.example/")
    error = answer("500 Internal Server Error", b"<h1>Oops</h1>")
    with Scripted(page, moved, error, page) as server, Client(server.url) as api:
        with pytest.raises(NotTaskhold, match="not that of a Taskhold server"):
            list(api.tasks())
        with pytest.raises(Problem, match=r"sends its callers on to https://tasks\.example/"):
            list(api.tasks())
        with pytest.raises(Problem, match="The server answered 500, and not as Taskhold does"):
            list(api.tasks())
        with pytest.raises(NotTaskhold, match="no Taskhold server"):
            told(api, 1, after=0)


def test_a_server_that_is_not_there_and_one_that_is_silent() -> None:
    with Client("http://127.0.0.1:1", patience=0.1) as api:
        with pytest.raises(Unreachable, match="refused") as away:
            api.create_task(title="x")
        assert not away.value.may_be_done
        with pytest.raises(Unreachable):
            told(api, 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(url, timeout=0.2, patience=0) as api:
            with pytest.raises(Unreachable, match="took too long") as silent:
                api.delete_task(1)
            assert silent.value.may_be_done


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(tmp_path: Path) -> None:
    make_certificate(tmp_path, "server")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with Scripted(answer("200 OK", TASKS), tls=tls) as server:
        with Client(server.url) as api, pytest.raises(Unreachable, match="not trusted"):
            list(api.tasks())
        assert server.requests == []
        trusting = ssl.create_default_context(cafile=tmp_path / "server.crt")
        with Client(server.url, tls=trusting) as api:
            assert list(api.tasks()) == []


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://host", "http://", "http://ada:secret@host", "http://host/?q=1"],
)
def test_what_can_be_no_url_is_refused_without_being_said(url: str) -> None:
    with pytest.raises(ValueError, match="The URL of a server") as refused:
        Client(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("token", ["", "thk_a\r\nHost: evil", " thk_a", "thk_é"])
def test_what_can_be_no_token_is_refused_without_being_said(token: str) -> None:
    with pytest.raises(ValueError, match=r"^This is no token$"):
        Client("http://localhost", token)


def test_below_a_path_and_with_a_links_cursor_alone() -> None:
    link = '</tasks?limit=2&after=abc_-1>; rel="next"'
    first = answer("200 OK", json.dumps([{"id": 1}]).encode(), Link=link)
    with (
        Scripted(first, answer("200 OK", TASKS)) as server,
        Client(f"{server.url}/taskhold/") as api,
    ):
        assert [each["id"] for each in api.tasks(page_size=2)] == [1]
    paths = [request.split(b" ")[1] for request in server.requests]
    assert paths == [
        b"/taskhold/tasks?sort=id&limit=2",
        b"/taskhold/tasks?sort=id&limit=2&after=abc_-1",
    ]


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Scripted(answer("200 OK", TASKS)) as server, Client(server.url) as api:
        assert list(api.tasks()) == []
    with Client("http://192.0.2.1", patience=0) as api, pytest.raises(Unreachable, match="refused"):
        list(api.tasks())


@on_sqlite
def test_conflicts_of_an_undo_say_what_is_in_the_way(api: Client) -> None:
    api.create_task(title="one")
    api.update_task(1, title="two")
    api.update_task(1, title="three")
    with pytest.raises(Conflict) as conflict:
        api.undo(2)
    assert conflict.value.document["conflict"]["seq"] == 3
