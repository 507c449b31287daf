"""From open mode to the first account, and who is admin."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.support.accounts import PASSWORD, cookies_of, log_in, make_accounts
from tests.support.servers import LiveServer, ServerProcess

Serve = Callable[..., ServerProcess]


def code_of(server: ServerProcess) -> str:
    """The one that it prints."""
    assert server.process.stdout is not None
    line = server.process.stdout.readline()
    assert "/setup with the code " in line
    return line.rsplit(maxsplit=1)[1]


def test_the_first_account_gets_the_tasks_and_open_mode_is_over_everywhere(serve: Serve) -> None:
    one, other = serve(), serve()
    codes = [code_of(one), code_of(other)]
    with one.client() as here, other.client() as there:
        task = here.post("/tasks", json={"title": "made in open mode"})
        assert there.get("/tasks").json() == [task.json()]
        first = {"username": "ada", "password": PASSWORD, "code": codes[0]}
        made = there.post("/setup", json=first)  # the code of the other server
        assert made.status_code == 201
        assert made.json()["user"]["admin"] is True
        session = {"Cookie": cookies_of(made)}
        for client in (here, there):
            client.cookies.clear()
            assert client.get("/tasks").status_code == 401
            assert client.get("/tasks", headers=session).json() == [task.json()]
            again = client.post("/setup", json=first | {"username": "eve", "code": codes[1]})
            assert again.status_code == 409
            assert again.json()["type"] == "/problems/already-set-up"
        history = here.get("/tasks/1/history", headers=session).json()
        assert [change["actor"] for change in history] == ["open"]
    line = serve()
    assert line.process.stdout is not None
    assert "logs in" in line.process.stdout.readline()


def test_of_several_first_accounts_one_is_made(serve: Serve) -> None:
    servers = [serve(), serve()]
    codes = [code_of(server) for server in servers]

    def set_up(number: int) -> httpx2.Response:
        first = {"username": f"user-{number}", "password": PASSWORD, "code": codes[number % 2]}
        return httpx2.post(f"{servers[number % 2].url}/setup", json=first, timeout=30)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(set_up, range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    (winner,) = [answer for answer in answers if answer.status_code == 201]
    session = {"Cookie": cookies_of(winner)}
    users = httpx2.get(f"{servers[0].url}/users", headers=session).json()
    assert [user["username"] for user in users] == [winner.json()["user"]["username"]]


@pytest.mark.parametrize("settings", [{"open_mode": False}, {"public_url": "https://t.example"}])
def test_without_open_mode_the_first_account_is_made_all_the_same(
    settings: dict[str, object], database_url: str, serve: Serve
) -> None:
    variables = {f"TASKHOLD_{name.upper()}": str(value) for name, value in settings.items()}
    server = serve(**variables)
    with server.client() as client:
        assert client.get("/tasks").status_code == 401
        first = {"username": "ada", "password": PASSWORD, "code": code_of(server)}
        made = client.post("/setup", json=first, headers={"Host": "t.example"})
        assert made.status_code == 201
        cookie = made.headers.get_list("set-cookie")[0]
        secure = "public_url" in settings
        assert cookie.startswith("__Host-taskhold=" if secure else "taskhold=")
        assert ("; Secure" in cookie) == secure
        assert "; HttpOnly; SameSite=Lax" in cookie
        hsts = "max-age=31536000" if secure else None
        assert made.headers.get("strict-transport-security") == hsts


def test_two_admins_cant_each_remove_the_other(database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob", "admin": True})
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        sessions = [{"Cookie": cookies_of(log_in(client, name))} for name in ("ada", "bob")]
        client.cookies.clear()

        def demote(number: int) -> int:
            body = {"admin": False}
            answer = client.patch(f"/users/{2 - number}", json=body, headers=sessions[number])
            return answer.status_code

        with ThreadPoolExecutor(2) as threads:
            statuses = sorted(threads.map(demote, range(2)))
        assert statuses in ([200, 403], [200, 409])
        users = [client.get("/users", headers=session).status_code for session in sessions]
        assert sorted(users) == [200, 403]


def test_what_a_removed_account_had_is_gone_and_ids_are_new(database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        ada, bob = ({"Cookie": cookies_of(log_in(client, name))} for name in ("ada", "bob"))
        client.cookies.clear()
        for session in (ada, bob):
            key = session | {"Idempotency-Key": "k"}
            assert client.post("/tasks", json={"title": "t"}, headers=key).status_code == 201
        made = client.post("/lists", json={"name": "a"}, headers=bob).json()
        parent = {"title": "parent", "list_id": made["id"], "tags": ["home"]}
        parent_id = client.post("/tasks", json=parent, headers=bob).json()["id"]
        for title in ("first", "second"):
            task = client.post("/tasks", json={"title": title, "parent_id": parent_id}, headers=bob)
            assert task.status_code == 201
        assert client.delete(task.headers["Location"], headers=bob).status_code == 204
        assert client.delete("/users/2", headers=ada).status_code == 204
        assert client.get("/tasks", headers=bob).status_code == 401
        again = {"username": "bob", "password": PASSWORD}
        made = client.post("/users", json=again, headers=ada)
        assert (made.status_code, made.json()["id"]) == (201, 3)
        bob = {"Cookie": cookies_of(log_in(client, "bob"))}
        client.cookies.clear()
        for path in ("/tasks", "/lists", "/tags", "/trash"):
            assert client.get(path, headers=bob).json() == [], path
        assert client.get("/changes?after=0", headers=bob).json()["changes"] == []
        assert len(client.get("/tasks", headers=ada).json()) == 1


def test_anybody_reads_whether_the_first_account_is_to_be_made(serve: Serve) -> None:
    server = serve()
    code = code_of(server)
    with server.client() as client:
        assert client.get("/setup").json() == {
            "needed": True,
            "open_mode": True,
            "registration": False,
            "user": None,
        }
        proxied = client.get("/setup", headers={"X-Forwarded-For": "192.0.2.1"})
        assert proxied.json()["open_mode"] is False
        made = client.post("/setup", json={"username": "ada", "password": PASSWORD, "code": code})
        state = client.get("/setup")
        assert state.headers["cache-control"] == "no-store"
        assert state.json() == {
            "needed": False,
            "open_mode": False,
            "registration": False,
            "user": made.json()["user"],
        }
        client.cookies.clear()
        assert client.get("/setup").json()["user"] is None
    with serve(TASKHOLD_REGISTRATION="open").client() as client:
        assert client.get("/setup").json()["registration"] is True
