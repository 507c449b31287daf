"""Whatever a client does, in whatever order, the server and a plain dict agree."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from taskhold.folding import fold
from tests.support.databases import Databases
from tests.support.servers import LiveServer

Task = dict[str, Any]
Rows = list[dict[str, Any]]
Answer = httpx2.Response

# Python's white space is Unicode's, and four control characters that no title may hold.
WHITE_SPACE = [c for c in map(chr, range(0x3001)) if c.isspace() and not "\x1c" <= c <= "\x1f"]
WORDS = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip).filter(bool)
    | st.sampled_from(["%_'\"\\", "🗒️ 2", "x" * 500, "🗒" * 500])
    | st.text("aAäÄbB", min_size=1, max_size=3)
)
SPACES = st.text(WHITE_SPACE, max_size=3)
TITLES = st.builds("{}{}{}".format, SPACES, WORDS, SPACES)
DONE = st.none() | st.booleans()
SORTS = st.sampled_from(["id", "created_at", "updated_at", "title"])
NUMBERS = st.integers(0, 1000)
IDS: Bundle[int] = Bundle("ids")

BAD_TASKS = [
    *(b"", b"[]", b"{", b"null", b'{"title":null}', b'{"title":5}', b'{"title":"a","done":"yes"}'),
    *(b'{"title":""}', b'{"title":"\\t "}', b'{"title":"a\\u0000b"}', b'{"title":"\\ud800"}'),
    *(b'{"title":"a","title":"b"}', b'{"title":NaN}', b'{"title":"a","done":1}', b"\xff"),
    *(b'{"titel":"a"}', b'{"title":"a","id":7}', b'{"title":"a","version":1}', b"[" * 5000),
    b'{"title":"' + b"x" * 501 + b'"}',
]
BAD_PATHS = [
    *("/tasks/0", "/tasks/-1", "/tasks/01", "/tasks/1.0", f"/tasks/{2**63}", "/tasks/%00"),
    *("/tasks/1?x=1", "/tasks/count", "/tasks/1/history", "/task"),
]


class Tasks(RuleBasedStateMachine):
    """A client that remembers all it was told, and a server that is stopped now and then."""

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self.at_the_end = ExitStack()
        self.folder = Path(self.at_the_end.enter_context(tempfile.TemporaryDirectory()))
        self.database_url = self.at_the_end.enter_context(databases.fresh(self.folder))
        self.tasks: dict[int, Task] = {}
        self.tags: dict[int, list[str]] = {}
        """The ETags of every task that ever was, oldest first."""
        self.journal: list[dict[str, Any]] = []
        self.kept: list[tuple[dict[str, Any], Answer]] = []
        """What was sent under a key, and what was answered."""
        self.cursor = 0
        self.followed: dict[int, Task] = {}
        self.start()

    def start(self) -> None:
        self.server = LiveServer(self.database_url)
        self.server.start()
        self.client = httpx2.Client(base_url=self.server.url, timeout=30)
        self.written_at_start = len(self.journal)

    def stop(self) -> None:
        self.client.close()
        self.server.stop()

    def teardown(self) -> None:
        self.stop()
        self.at_the_end.close()

    @initialize(target=IDS, titles=st.lists(TITLES, min_size=2, max_size=6))
    def begin(self, titles: list[str]) -> MultipleResults[int]:
        return multiple(*(self.create(title, None, False) for title in titles))

    @precondition(lambda self: len(self.journal) > self.written_at_start)
    @rule()
    def restart(self) -> None:
        self.stop()
        assert {path.name for path in self.folder.iterdir()} <= {"tasks.db"}
        self.start()

    # Writes

    @rule(target=IDS, title=TITLES, done=DONE, with_key=st.booleans())
    def add(self, title: str, done: bool | None, with_key: bool) -> int:
        return self.create(title, done, with_key)

    def create(self, title: str, done: bool | None, with_key: bool) -> int:
        answer, key = self.send("POST", "/tasks", sent_fields(title, done), {}, with_key)
        assert answer.status_code == 201
        task: Task = answer.json()
        assert task["id"] == len(self.tags) + 1  # none is left out, none used again
        assert answer.headers["location"] == f"/tasks/{task['id']}"
        assert (task["title"], task["done"]) == (title.strip(), bool(done))
        assert task["version"] == 1
        assert task["created_at"] == task["updated_at"]
        self.tags[task["id"]] = [answer.headers["etag"]]
        self.remember("create", None, task, key)
        return int(task["id"])

    @rule(
        task_id=IDS,
        title=st.none() | TITLES,
        done=DONE,
        match=st.sampled_from(["", "right", "weak", "any", "stale", "garbage"]),
        with_key=st.booleans(),
    )
    def patch(
        self, *, task_id: int, title: str | None, done: bool | None, match: str, with_key: bool
    ) -> None:
        changes = sent_fields(title, done)
        headers = self.if_match(task_id, match)
        answer, key = self.send("PATCH", f"/tasks/{task_id}", changes, headers, with_key)
        before = self.tasks.get(task_id)
        if before is None or match in ("stale", "garbage"):
            check_refused(answer, before)
            return
        assert answer.status_code == 200
        after = answer.json()
        expected = before | changes
        expected["title"] = expected["title"].strip()
        if expected != before:
            expected |= {"version": before["version"] + 1, "updated_at": after["updated_at"]}
            if expected["done"] != before["done"]:
                expected["completed_at"] = after["completed_at"]
            assert after["updated_at"] >= before["updated_at"]
            self.tags[task_id].append(answer.headers["etag"])
            self.remember("update", before, after, key)
        assert after == expected
        assert answer.headers["etag"] == self.tags[task_id][-1]

    @rule(task_id=IDS, match=st.sampled_from(["", "right", "stale"]), with_key=st.booleans())
    def delete(self, task_id: int, match: str, with_key: bool) -> None:
        headers = self.if_match(task_id, match)
        answer, key = self.send("DELETE", f"/tasks/{task_id}", None, headers, with_key)
        before = self.tasks.get(task_id)
        if before is None or match == "stale":
            check_refused(answer, before)
            return
        assert (answer.status_code, answer.content) == (204, b"")
        self.remember("delete", before, None, key)

    @precondition(lambda self: self.kept)
    @rule(number=NUMBERS)
    def use_a_key_again(self, number: int) -> None:
        request, first = self.kept[number % len(self.kept)]
        again = self.client.request(**request)
        assert again.headers["idempotent-replayed"] == "true"
        assert (again.status_code, again.content) == (first.status_code, first.content)
        for name in ("etag", "location", "content-type"):
            assert again.headers.get(name) == first.headers.get(name)
        new = {"title": "what no rule sends"}
        answer = self.client.post("/tasks", json=new, headers=request["headers"])
        assert answer.json()["type"] == "/problems/idempotency-mismatch"

    @rule(
        task_id=IDS,
        body=st.sampled_from(BAD_TASKS),
        path=st.sampled_from(BAD_PATHS),
        method=st.sampled_from(["PATCH", "DELETE", "PUT"]),
    )
    def write_what_makes_no_sense(
        self, *, task_id: int, body: bytes, path: str, method: str
    ) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "bad"}
        for created_or_changed in (("POST", "/tasks"), ("PATCH", f"/tasks/{task_id}")):
            answer = self.client.request(*created_or_changed, content=body, headers=headers)
            assert answer.status_code in (400, 422)
        answer = self.client.request(method, path, json={"title": "a"})
        assert answer.status_code in (404, 405, 422)

    # Reads

    @rule(task_id=IDS, limit=st.integers(1, 5))
    def read_a_task_and_its_history(self, task_id: int, limit: int) -> None:
        answer = self.client.get(f"/tasks/{task_id}")
        if task_id in self.tasks:
            assert answer.json() == self.tasks[task_id]
            assert answer.headers["etag"] == self.tags[task_id][-1]
        else:
            check_refused(answer, None)
        for tag in self.tags[task_id]:
            again = self.client.get(f"/tasks/{task_id}", headers={"If-None-Match": tag})
            is_present = task_id in self.tasks and tag == self.tags[task_id][-1]
            assert again.status_code == (304 if is_present else answer.status_code)
        history = self.walk(f"/tasks/{task_id}/history", {"limit": limit})
        assert history == [change for change in self.journal[::-1] if change["id"] == task_id]
        assert history[0]["after"] == self.tasks.get(task_id)

    @rule(sort=SORTS, descends=st.booleans(), done=DONE, limit=st.integers(1, 8), offset=NUMBERS)
    def list_tasks(
        self, *, sort: str, descends: bool, done: bool | None, limit: int, offset: int
    ) -> None:
        expected = self.expect(sort, descends, done)
        offset %= len(expected) + 2
        filters: dict[str, Any] = {} if done is None else {"done": done}
        parameters = filters | {"sort": "-" * descends + sort, "limit": limit}
        assert self.walk("/tasks", parameters) == expected
        page = self.client.get("/tasks", params=parameters | {"offset": offset})
        assert page.json() == expected[offset : offset + limit]
        assert ("link" in page.headers) == (len(expected) > offset + limit)
        counted = self.client.get("/tasks/count", params=filters)
        assert counted.json() == {"count": len(expected)}

    def walk(self, path: str, parameters: dict[str, Any]) -> Rows:
        """All pages, from the first to the one without a Link."""
        page = self.client.get(path, params=parameters)
        rows: Rows = page.json()
        while "next" in page.links:
            assert len(page.json()) == parameters["limit"]
            page = self.client.get(page.links["next"]["url"])
            assert page.status_code == 200, page.text
            assert page.json()
            rows += page.json()
            assert len(rows) <= len(self.journal), "the pages have no end"
        return rows

    @rule(limit=st.integers(1, 5))
    def follow_the_changes(self, limit: int) -> None:
        more = True
        while more:
            parameters = {"after": self.cursor, "limit": limit}
            page = self.client.get("/changes", params=parameters).json()
            assert page["changes"] == self.journal[self.cursor :][:limit]
            for change in page["changes"]:
                assert self.followed.pop(change["id"], None) == change["before"]
                if change["after"]:
                    self.followed[change["id"]] = change["after"]
            self.cursor, more = page["cursor"], page["more"]
            assert more == (self.cursor < len(self.journal))
        assert self.followed == self.tasks

    # What holds after each step

    @invariant()
    def the_server_has_what_the_client_remembers(self) -> None:
        listed = self.client.get("/tasks", params={"limit": 500}).json()
        assert listed == list(self.tasks.values())
        for task in listed:
            assert (task["completed_at"] is not None) == task["done"]
            assert task["version"] == len(self.tags[task["id"]])

    @invariant()
    def every_change_and_nothing_else_is_in_the_journal(self) -> None:
        newest = {"after": max(len(self.journal) - 1, 0)}
        page = self.client.get("/changes", params=newest).json()
        assert page == {
            "changes": self.journal[-1:],
            "cursor": len(self.journal),
            "more": False,
        }

    # How it is sent and remembered

    def send(
        self, method: str, path: str, content: Task | None, headers: dict[str, str], with_key: bool
    ) -> tuple[Answer, str | None]:
        """The answer, and the key that the write was sent under."""
        key = f"key-{len(self.kept)}" if with_key else None
        if key:
            headers |= {"Idempotency-Key": key}
        request: dict[str, Any] = {"method": method, "url": path, "headers": headers}
        if content is not None:
            request["json"] = content
        answer = self.client.request(**request)
        assert "idempotent-replayed" not in answer.headers
        if key and answer.is_success:
            self.kept.append((request, answer))
        return answer, key

    def if_match(self, task_id: int, kind: str) -> dict[str, str]:
        """The header that names the present version, or not."""
        newest, *older = self.tags[task_id][::-1]
        tags = {
            "right": f'"another", {newest}',
            "weak": f"W/{newest}",
            "any": "*",
            "stale": older[0] if older else '"none"',
            "garbage": newest.strip('"'),
        }
        return {"If-Match": tags[kind]} if kind else {}

    def remember(
        self, action: str, before: Task | None, after: Task | None, key: str | None
    ) -> None:
        """The change that the server has just said it made."""
        task: Task = after or before or {}
        seq = len(self.journal) + 1
        (change,) = self.client.get("/changes", params={"after": seq - 1}).json()["changes"]
        assert change == {
            "seq": seq,
            "at": change["at"],
            "actor": "open",
            "action": action,
            "kind": "task",
            "id": task["id"],
            "before": before,
            "after": after,
            "operation": seq,
            "key": key,
            "undoes": None,
        }
        self.journal.append(change)
        if after:
            self.tasks[task["id"]] = after
        else:
            del self.tasks[task["id"]]

    def expect(self, sort: str, descends: bool, done: bool | None) -> list[Task]:
        """The list, by the model."""

        def place(task: Task) -> tuple[Any, ...]:
            title = (fold(task["title"]), task["title"]) if sort == "title" else (task[sort],)
            return (*title, task["id"])

        chosen = (task for task in self.tasks.values() if done in (None, task["done"]))
        return sorted(chosen, key=place, reverse=descends)


def sent_fields(title: str | None, done: bool | None) -> Task:
    fields = {"title": title, "done": done}
    return {name: value for name, value in fields.items() if value is not None}


def check_refused(answer: Answer, current: Task | None) -> None:
    """404 where there is no such task, else 412 with the present one."""
    if current is None:
        assert (answer.status_code, answer.json()) == (404, {"detail": "Task not found"})
    else:
        assert (answer.status_code, answer.json()["current"]) == (412, current)


@pytest.mark.timeout(3600)
def test_the_server_and_a_dict_agree(databases: Databases, long: bool) -> None:
    run_state_machine_as_test(
        lambda: Tasks(databases),  # type: ignore[arg-type]  # any callable will do
        settings=settings(
            max_examples=500 if long else 12,
            stateful_step_count=150 if long else 60,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
