"""Whatever a client does, in whatever order, the server and a model of plain dicts agree."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from taskhold.folding import fold
from tests.support import model
from tests.support.databases import Databases
from tests.support.model import Change, Refused, Shown, State, content
from tests.support.servers import LiveServer

Rows = list[dict[str, Any]]
Answer = httpx2.Response
Predict = Callable[[State, str, Iterator[int]], Any]
"""Does to a state what the server should have done at a time, with the ids that it has given."""

# Python's white space is Unicode's, and four control characters that no title may hold.
WHITE_SPACE = [c for c in map(chr, range(0x3001)) if c.isspace() and not "\x1c" <= c <= "\x1f"]
WORDS = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip).filter(bool)
    | st.sampled_from(["%_'\"\\", "🗒️ 2", "x" * 500, "🗒" * 500])
    | st.text("aAäÄbB", min_size=1, max_size=3)
)
SPACES = st.text(WHITE_SPACE, max_size=3)
TITLES = st.builds("{}{}{}".format, SPACES, WORDS, SPACES)
TAG = st.sampled_from(["a", "A", "b", "ß", "SS", "caf\u00e9", "cafe\u0301", "x/y", "%"])
TAGS = st.lists(TAG, max_size=3, unique_by=model.fold_tag)
DUE = {
    "2026-12-01": "2026-12-01T00:00:00+00:00",
    "2026-12-01T00:30:00+01:00": "2026-12-01T00:30:00+01:00",
    "2026-11-30T23:59:59.5Z": "2026-11-30T23:59:59.5+00:00",
    "2026-12-01T00:00:00-05:00": "2026-12-01T00:00:00-05:00",
}
"""What can be sent, and the instant for which it counts."""
PRIORITIES = ["none", "low", "medium", "high"]
DONE = st.none() | st.booleans()
NUMBERS = st.integers(0, 1000)
"""They choose among what there is at the time."""
PLACE = {"parent_id": st.none() | NUMBERS, "list_id": st.none() | NUMBERS}
REST = {
    "done": st.booleans(),
    "notes": st.sampled_from(["", "two\nlines", "Größe"]),
    "due": st.sampled_from([None, *DUE]),
    "priority": st.sampled_from(PRIORITIES),
    "tags": TAGS,
    "position": st.sampled_from(["a0", "Z", "z" * 100, "b5"]),
}
FIELDS = st.fixed_dictionaries({}, optional={"title": TITLES, **REST, **PLACE})
NEW = st.fixed_dictionaries({"title": TITLES}, optional=REST | PLACE)
ONE_FIELD = st.one_of(
    *(st.fixed_dictionaries({name: value}) for name, value in (REST | PLACE).items())
)
MATCH = st.sampled_from(["", "", "", "", "right", "weak", "any", "stale", "garbage"])
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["create", "create", "update", "update", "delete"]),
            "new": NEW,
            "changes": FIELDS,
            "number": NUMBERS,
            "reference": st.sampled_from([None, None, 1, 1, 2]),
            "under": st.sampled_from([None, None, None, 1, 1, 2]),
            "if_version": st.sampled_from([None, None, None, None, 0, 1]),
        }
    ),
    min_size=1,
    max_size=5,
)
SORTS = ["id", "created_at", "updated_at", "title", "priority", "position", "due"]

BAD_TASKS = [
    *(b"", b"[]", b"{", b"null", b'{"title":null}', b'{"title":5}', b'{"title":"a","done":"yes"}'),
    *(b'{"title":""}', b'{"title":"\\t "}', b'{"title":"a\\u0000b"}', b'{"title":"\\ud800"}'),
    *(b'{"title":"a","title":"b"}', b'{"title":NaN}', b'{"title":"a","done":1}', b"\xff"),
    *(b'{"titel":"a"}', b'{"title":"a","id":7}', b'{"title":"a","version":1}', b"[" * 5000),
    *(b'{"title":"a","tags":["b","B"]}', b'{"title":"a","due":"2026-12-01T00:00"}'),
    *(b'{"title":"a","position":"!"}', b'{"title":"a","list_id":"1"}'),
    b'{"title":"' + b"x" * 501 + b'"}',
]
BAD_PATHS = [
    *("/tasks/0", "/tasks/-1", "/tasks/01", "/tasks/1.0", f"/tasks/{2**63}", "/tasks/%00"),
    *("/tasks/1?x=1", "/tasks/count", "/tasks/1/history", "/task", "/tasks/batch", "/lists/0"),
    *("/trash/0", "/tags/%00", "/changes/0/undo"),
]


class Tasks(RuleBasedStateMachine):
    """A client that remembers all it was told, and a server that is stopped now and then."""

    def __init__(self, databases: Databases, *, undo_each: int) -> None:
        super().__init__()
        self.at_the_end = ExitStack()
        self.folder = Path(self.at_the_end.enter_context(tempfile.TemporaryDirectory()))
        self.database_url = self.at_the_end.enter_context(databases.fresh(self.folder))
        self.undo_each = undo_each
        """After each of so many writes it is undone, and done again."""
        self.state = State()
        self.journal: list[Change] = []
        self.kept: list[tuple[dict[str, Any], Answer]] = []
        """What was sent under a key, and what was answered."""
        self.seen = 0
        self.followed = State()
        self.task_ids = self.list_ids = 0
        """How many were given."""
        self.writes = 0
        self.some_batch_failed = False
        self.etag_begins = ""
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

    @initialize(new=st.lists(NEW, max_size=3))
    def begin(self, new: list[Shown]) -> None:
        """Two lists, a tree of three levels in one of them, and what else there may be."""
        for name in ("Home", "Work"):
            self.add_list(name=name, archived=False, with_key=False)
        for under in (None, 0, 1, 0):
            place = {"list_id": 0} if under is None else {"parent_id": under}
            self.add(new={"title": "a", "tags": ["a", "b"]} | place, with_key=False)
        for each in new:
            self.add(new=each, with_key=False)

    @precondition(lambda self: len(self.journal) > self.written_at_start)
    @rule()
    def restart(self) -> None:
        self.stop()
        assert {path.name for path in self.folder.iterdir()} <= {"tasks.db"}
        self.start()

    # Writes of tasks

    @rule(new=NEW, with_key=st.booleans())
    def add(self, new: Shown, with_key: bool) -> None:
        sent = self.sent(new)
        answer = self.write(
            "POST",
            "/tasks",
            sent,
            lambda state, at, ids: model.create_task(state, at, next(ids), sent),
            with_key=with_key,
        )
        if answer.is_success:
            assert answer.status_code == 201
            assert answer.headers["location"] == f"/tasks/{answer.json()['id']}"
            assert answer.headers["etag"] == self.etag(answer.json())

    @rule(number=NUMBERS, changes=FIELDS, match=MATCH, with_key=st.booleans())
    def patch(self, *, number: int, changes: Shown, match: str, with_key: bool) -> None:
        task_id, sent = self.task(number), self.sent(changes)
        answer = self.write(
            "PATCH",
            f"/tasks/{task_id}",
            sent,
            lambda state, at, _: model.update_task(state, at, task_id, sent),
            with_key=with_key,
            match=match,
            current=self.state.tasks.get(task_id),
        )
        if answer.is_success:
            assert answer.headers["etag"] == self.etag(answer.json())

    @rule(number=NUMBERS, changes=ONE_FIELD)
    def change_one_field(self, number: int, changes: Shown) -> None:
        self.patch(number=number, changes=changes, match="", with_key=False)

    @rule(number=NUMBERS, parent_id=PLACE["parent_id"])
    def move(self, number: int, parent_id: int | None) -> None:
        self.patch(number=number, changes={"parent_id": parent_id}, match="", with_key=False)

    @rule(number=NUMBERS, match=MATCH, with_key=st.booleans())
    def delete(self, number: int, match: str, with_key: bool) -> None:
        task_id = self.task(number)
        operation = len(self.journal) + 1
        self.write(
            "DELETE",
            f"/tasks/{task_id}",
            None,
            lambda state, _at, _ids: model.delete_task(state, operation, task_id),
            with_key=with_key,
            match=match,
            current=self.state.tasks.get(task_id),
        )

    @rule(operations=OPERATIONS, with_key=st.booleans())
    def do_many(self, operations: Rows, with_key: bool) -> None:
        sent = [self.operation(place, **each) for place, each in enumerate(operations)]
        operation = len(self.journal) + 1
        answer = self.write(
            "POST",
            "/tasks/batch",
            {"operations": sent},
            lambda state, at, ids: {"results": model.do_many(state, at, operation, ids, sent)},
            with_key=with_key,
        )
        self.some_batch_failed |= not answer.is_success

    # Writes of lists and tags

    @rule(name=TITLES, archived=st.booleans(), with_key=st.booleans())
    def add_list(self, name: str, archived: bool, with_key: bool) -> None:
        sent = {"name": name, "archived": archived}
        answer = self.write(
            "POST",
            "/lists",
            sent,
            lambda state, at, ids: model.create_list(state, at, next(ids), sent),
            with_key=with_key,
        )
        assert answer.headers["location"] == f"/lists/{answer.json()['id']}"
        assert answer.headers["etag"] == self.etag(answer.json())

    @precondition(lambda self: self.state.lists)
    @rule(number=NUMBERS, name=TITLES, archived=DONE, match=MATCH, with_key=st.booleans())
    def patch_list(
        self, *, number: int, name: str, archived: bool | None, match: str, with_key: bool
    ) -> None:
        list_id = self.list(number)
        sent = {"name": name} if archived is None else {"archived": archived}
        self.write(
            "PATCH",
            f"/lists/{list_id}",
            sent,
            lambda state, _at, _ids: model.update_list(state, list_id, sent),
            with_key=with_key,
            match=match,
            current=self.state.lists.get(list_id),
        )

    @precondition(lambda self: self.state.lists)
    @rule(number=NUMBERS, match=MATCH, with_key=st.booleans())
    def delete_list(self, number: int, match: str, with_key: bool) -> None:
        list_id = self.list(number)
        operation = len(self.journal) + 1
        self.write(
            "DELETE",
            f"/lists/{list_id}",
            None,
            lambda state, _at, _ids: model.delete_list(state, operation, list_id),
            with_key=with_key,
            match=match,
            current=self.state.lists.get(list_id),
        )

    @rule(tag=TAG, new=TAG, with_key=st.booleans())
    def rename_tag(self, tag: str, new: str, with_key: bool) -> None:
        self.write(
            "PATCH",
            f"/tags/{quote(tag, safe='')}",
            {"tag": new},
            lambda state, _at, _ids: model.rename_tag(state, tag, new),
            with_key=with_key,
        )

    # The trash, and undo

    @precondition(lambda self: self.state.trash)
    @rule(number=NUMBERS, with_key=st.booleans())
    def restore(self, number: int, with_key: bool) -> None:
        task_id = self.trashed(number)
        answer = self.write(
            "POST",
            f"/trash/{task_id}/restore",
            None,
            lambda state, _at, _ids: model.restore_task(state, task_id),
            with_key=with_key,
        )
        if answer.is_success:
            assert answer.headers["etag"] == self.etag(answer.json())

    @precondition(lambda self: self.state.trash)
    @rule(number=NUMBERS, with_key=st.booleans())
    def purge(self, number: int, with_key: bool) -> None:
        task_id = self.trashed(number)
        purged: list[int] = []

        def predict(state: State, _at: str, _ids: Iterator[int]) -> None:
            purged.extend(model.purge_task(state, task_id))
            for change in self.journal:
                if change["kind"] == "task" and change["id"] in purged:
                    change["before"] = change["after"] = None

        self.write("DELETE", f"/trash/{task_id}", None, predict, with_key=with_key)
        newest = self.journal[len(self.journal) - len(purged) :]
        assert {("purge", each) for each in purged} == {
            (each["action"], each["id"]) for each in newest
        }

    @precondition(lambda self: self.journal)
    @rule(number=NUMBERS, with_key=st.booleans())
    def undo(self, number: int, with_key: bool) -> None:
        """Any change, and one that is still to come; most often one of the last."""
        newest = len(self.journal)
        choice = [newest + 1, *range(newest, max(newest - 8, 0), -1), *range(newest, 0, -1)]
        self.undo_one(choice[number % len(choice)], with_key=with_key)

    def undo_one(self, seq: int, *, with_key: bool = False) -> Answer:
        operation = len(self.journal) + 1
        return self.write(
            "POST",
            f"/changes/{seq}/undo",
            None,
            lambda state, _at, _ids: model.undo(state, operation, self.journal, seq),
            with_key=with_key,
            undoes=self.journal[seq - 1]["operation"] if seq < operation else None,
        )

    def undo_and_do_again(self, before: State) -> None:
        """Undoing the last operation is the identity, but on what counts; so is undoing that."""
        after = self.state
        if self.journal[-1]["action"] == "purge":
            assert self.undo_one(len(self.journal)).status_code == 410
            return
        for expected in (before, after):
            answer = self.undo_one(len(self.journal))
            assert answer.status_code == 200, answer.text
            tasks, lists, _ = self.state.content()
            assert (tasks, lists) == expected.content()[:2]
            made = after.known() - before.known() if expected is before else set()
            assert set(self.state.trash) == set(expected.trash) | made

    @precondition(lambda self: self.kept)
    @rule(number=NUMBERS)
    def use_a_key_again(self, number: int) -> None:
        request, first = self.kept[number % len(self.kept)]
        again = self.client.request(**request)
        purged = {change["id"] for change in self.journal if change["action"] == "purge"}
        if first.content and purged & shown_tasks(first.json()):
            assert (again.status_code, again.json()["type"]) == (410, "/problems/purged")
        else:
            assert again.headers["idempotent-replayed"] == "true"
            assert (again.status_code, again.content) == (first.status_code, first.content)
            for name in ("etag", "location", "content-type"):
                assert again.headers.get(name) == first.headers.get(name)
        new = {"title": "what no rule sends"}
        answer = self.client.post("/tasks", json=new, headers=request["headers"])
        assert answer.json()["type"] == "/problems/idempotency-mismatch"

    @rule(
        number=NUMBERS,
        body=st.sampled_from(BAD_TASKS),
        path=st.sampled_from(BAD_PATHS),
        method=st.sampled_from(["PATCH", "DELETE", "PUT"]),
    )
    def write_what_makes_no_sense(
        self, *, number: int, body: bytes, path: str, method: str
    ) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "bad"}
        for created_or_changed in (("POST", "/tasks"), ("PATCH", f"/tasks/{self.task(number)}")):
            answer = self.client.request(*created_or_changed, content=body, headers=headers)
            assert answer.status_code in (400, 422)
        answer = self.client.request(method, path, json={"title": "a"})
        assert answer.status_code in (404, 405, 422)

    # Reads

    @rule(number=NUMBERS, limit=st.integers(1, 5))
    def read_a_task_and_its_history(self, number: int, limit: int) -> None:
        task_id = self.task(number)
        if task_id > self.task_ids:
            return
        answer = self.client.get(f"/tasks/{task_id}")
        task = self.state.tasks.get(task_id)
        if task is None:
            assert (answer.status_code, answer.json()) == (404, {"detail": "Task not found"})
        else:
            assert answer.json() == task
            assert answer.headers["etag"] == self.etag(task)
            for version in range(1, task["version"] + 1):
                tag = self.etag(task | {"version": version})
                again = self.client.get(f"/tasks/{task_id}", headers={"If-None-Match": tag})
                assert again.status_code == (304 if version == task["version"] else 200)
        history = self.walk(f"/tasks/{task_id}/history", {"limit": limit})
        same = ("task", task_id)
        assert history == [
            change for change in self.journal[::-1] if (change["kind"], change["id"]) == same
        ]
        assert history[0]["after"] == task

    @rule(
        sort=st.sampled_from(SORTS),
        descends=st.booleans(),
        filters=st.fixed_dictionaries(
            {},
            optional={"done": st.booleans(), "tag": TAG, "priority": st.sampled_from(PRIORITIES)}
            | PLACE,
        ),
        limit=st.integers(1, 8),
        offset=NUMBERS,
    )
    def list_tasks(
        self, *, sort: str, descends: bool, filters: Shown, limit: int, offset: int
    ) -> None:
        filters = self.sent(filters)
        expected = self.expect(sort, descends, filters)
        offset %= len(expected) + 2
        filters = {name: "none" if value is None else value for name, value in filters.items()}
        parameters = filters | {"sort": "-" * descends + sort, "limit": limit}
        assert self.walk("/tasks", parameters) == expected
        page = self.client.get("/tasks", params=parameters | {"offset": offset})
        assert page.json() == expected[offset : offset + limit]
        assert ("link" in page.headers) == (len(expected) > offset + limit)
        counted = self.client.get("/tasks/count", params=filters)
        assert counted.json() == {"count": len(expected)}

    @rule(descends=st.booleans(), archived=DONE, limit=st.integers(1, 5))
    def list_the_rest(self, descends: bool, archived: bool | None, limit: int) -> None:
        lists = [each for each in self.lists() if archived in (None, each["archived"])]
        lists.sort(
            key=lambda each: (fold(each["name"]), each["name"], each["id"]), reverse=descends
        )
        parameters: dict[str, Any] = {} if archived is None else {"archived": archived}
        parameters |= {"sort": "-" * descends + "name", "limit": limit}
        assert self.walk("/lists", parameters) == lists
        for each in lists:
            answer = self.client.get(f"/lists/{each['id']}")
            assert (answer.json(), answer.headers["etag"]) == (each, self.etag(each))
        assert [each["id"] for each in self.walk("/trash", {"limit": limit})] == self.trash()
        assert self.walk("/tags", {"limit": limit}) == model.tags(self.state)

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
            assert len(rows) <= 2_000, "the pages have no end"
        return rows

    @rule(limit=st.integers(1, 50))
    def follow_the_changes(self, limit: int) -> None:
        """Who follows them from the beginning has what is listed."""
        more = True
        while more:
            parameters = {"after": self.seen, "limit": limit}
            page = self.client.get("/changes", params=parameters).json()
            assert page["changes"] == self.journal[self.seen :][:limit]
            for change in page["changes"]:
                self.replay(self.followed, change)
            self.seen, more = page["cursor"], page["more"]
            assert more == (self.seen < len(self.journal))
        listed = {each["id"]: content(each) for each in self.lists()}
        assert self.followed.tasks == self.state.tasks
        assert {key: content(each) for key, each in self.followed.lists.items()} == listed

    @staticmethod
    def replay(state: State, change: Change) -> None:
        """What a client makes of a change that it is told."""
        among = state.tasks if change["kind"] == "task" else state.lists
        known = among.pop(change["id"], None)
        if change["before"] is change["after"] is None:
            return  # it was purged, so what it was isn't told any more
        if change["kind"] == "task":
            assert known == change["before"]
        else:
            assert (known and content(known)) == (change["before"] and content(change["before"]))
        if change["after"]:
            among[change["id"]] = change["after"]

    # What holds after each step

    @invariant()
    def the_server_has_what_the_model_has(self) -> None:
        limit = {"limit": 500}
        tasks = self.client.get("/tasks", params=limit).json()
        assert tasks == [task for _, task in sorted(self.state.tasks.items())]
        assert self.client.get("/lists", params=limit).json() == self.lists()
        assert self.client.get("/tags").json() == model.tags(self.state)
        trash = {each["id"]: each for each in self.client.get("/trash", params=limit).json()}
        for each in trash.values():
            del each["deleted_at"]
        assert trash == self.state.trash
        assert list(trash) == self.trash()

    @invariant()
    def the_tasks_make_a_tree(self) -> None:
        for task_id, task in self.state.tasks.items():
            for above in self.state.line(task_id):
                assert self.state.tasks[above]["list_id"] == task["list_id"]
            assert (task["completed_at"] is not None) == task["done"]

    @invariant()
    def every_change_and_nothing_else_is_in_the_journal(self) -> None:
        newest = {"after": max(len(self.journal) - 1, 0)}
        page = self.client.get("/changes", params=newest).json()
        assert page == {
            "changes": self.journal[-1:],
            "cursor": len(self.journal),
            "more": False,
        }

    # How it is sent, foretold and remembered

    def write(
        self,
        method: str,
        path: str,
        body: Shown | None,
        predict: Predict,
        *,
        with_key: bool = False,
        match: str = "",
        current: Shown | None = None,
        undoes: int | None = None,
    ) -> Answer:
        """Send a write; the answer and all it did is what the model foretells."""
        before = self.state
        headers = self.if_match(current, match)
        if with_key:
            headers["Idempotency-Key"] = f"key-{len(self.kept)}"
        request: dict[str, Any] = {"method": method, "url": path, "headers": headers}
        if body is not None:
            request["json"] = body
        answer = self.client.request(**request)
        assert "idempotent-replayed" not in answer.headers
        page = {"after": len(self.journal), "limit": 500}
        changes = self.client.get("/changes", params=page).json()["changes"]
        made = [change["id"] for change in changes if change["action"] == "create"]
        self.check_new_ids(made, changes)
        expected = before.copy()
        refused = predicted = None
        try:
            if current and match in ("stale", "garbage"):
                raise Refused(412)
            at = changes[0]["at"] if changes else ""
            predicted = predict(expected, at, chain(made, count(2**62)))
        except Refused as refusal:
            refused = refusal
        if refused:
            assert changes == []
            self.check_refused(answer, refused, current)
            return answer
        assert answer.is_success, answer.text
        self.settle(expected, changes, headers.get("Idempotency-Key"), undoes)
        self.check_answer(answer, predicted, changes)
        if with_key:
            self.kept.append((request, answer))
        self.writes += bool(changes)
        if changes and undoes is None and self.writes % self.undo_each == 0:
            self.undo_and_do_again(before)
        return answer

    def check_refused(self, answer: Answer, refused: Refused, current: Shown | None) -> None:
        assert answer.status_code == refused.status, (answer.text, refused)
        problem = answer.json()
        assert problem.get("operation") == refused.operation
        if refused.field:
            assert [each["field"] for each in problem["errors"]] == [refused.field]
        if refused.status == 412 and current:
            assert problem["current"] == self.counted(current)
            assert answer.headers["etag"] == self.etag(current)

    def check_new_ids(self, made: list[int], changes: Rows) -> None:
        """None is used again, and none left out but by a batch that failed."""
        if not made:
            return
        is_task = any(change["kind"] == "task" for change in changes)
        last = self.task_ids if is_task else self.list_ids
        assert made == sorted(set(made))
        assert made[0] > last
        if not (is_task and self.some_batch_failed):
            assert made == list(range(last + 1, last + 1 + len(made)))
        if is_task:
            self.task_ids = made[-1]
        else:
            self.list_ids = made[-1]

    def check_answer(self, answer: Answer, predicted: Any, changes: Rows) -> None:
        if answer.request.url.path.endswith("/undo"):
            assert answer.json() == {"changes": changes}
        elif predicted is None:
            assert (answer.status_code, answer.content) == (204, b"")
        elif "results" in predicted:
            results = answer.json()["results"]
            assert [each and content(each) for each in results] == [
                each and content(each) for each in predicted["results"]
            ]
        elif "id" in predicted:
            kind = self.state.tasks if "title" in predicted else self.state.lists
            assert answer.json() == self.counted(kind[predicted["id"]])
        else:
            assert answer.json() == predicted

    def settle(self, expected: State, changes: Rows, key: str | None, undoes: int | None) -> None:
        """The changes are one operation that makes the state out of the one before."""
        state = self.state.copy()
        operation = len(self.journal) + 1
        for seq, change in enumerate(changes, operation):
            assert change == change | {
                "seq": seq,
                "at": changes[0]["at"],
                "actor": "open",
                "operation": operation,
                "key": key,
                "undoes": undoes,
            }
            self.check_version(change)
            self.replay(state, change)
            if change["kind"] == "task":
                state.trash.pop(change["id"], None)
                if change["action"] == "delete":
                    state.trash[change["id"]] = change["before"]
        state.deleted_in = expected.deleted_in
        assert state.content() == expected.content()
        self.journal += changes
        self.state = state

    def check_version(self, change: Change) -> None:
        """Each change counts up by one, from the version that the object had last."""
        before, after = change["before"], change["after"]
        if change["action"] == "create":
            assert after["version"] == 1
            assert after["created_at"] == after["updated_at"] == change["at"]
        elif change["action"] == "restore":
            gone = next(
                each["before"]
                for each in self.journal[::-1]
                if (each["kind"], each["id"]) == (change["kind"], change["id"])
            )
            assert after["version"] == gone["version"] + 1
            assert after["updated_at"] >= gone["updated_at"]
        elif change["action"] == "update":
            assert after["version"] == before["version"] + 1
            assert after["updated_at"] == max(change["at"], before["updated_at"])
            assert change["undoes"] or content(before) != content(after)

    def if_match(self, shown: Shown | None, kind: str) -> dict[str, str]:
        """The header that names the present version, or not."""
        if not kind or shown is None:
            return {}
        newest = self.etag(shown)
        tags = {
            "right": f'"another", {newest}',
            "weak": f"W/{newest}",
            "any": "*",
            "stale": self.etag(shown | {"version": shown["version"] - 1}),
            "garbage": newest.strip('"'),
        }
        return {"If-Match": tags[kind]}

    def etag(self, shown: Shown) -> str:
        """The ETag of a task or a list."""
        if not self.etag_begins:
            newest = self.client.get("/tasks?limit=1").headers["etag"]
            self.etag_begins = newest.rpartition(".")[0]
        count = "" if "title" in shown else f".{self.counted(shown)['open_count']}"
        return f'{self.etag_begins}.{shown["version"]}{count}"'

    def counted(self, shown: Shown) -> Shown:
        """A list with the number of its open tasks; a task as it is."""
        if "title" in shown:
            return shown
        inside = [task for task in self.state.tasks.values() if task["list_id"] == shown["id"]]
        return shown | {"open_count": sum(not task["done"] for task in inside)}

    def lists(self) -> Rows:
        return [self.counted(each) for _, each in sorted(self.state.lists.items())]

    def trash(self) -> list[int]:
        """What is in it, newest first."""
        deleted = [
            change["id"]
            for change in self.journal
            if change["action"] == "delete" and change["kind"] == "task"
        ]
        newest_first = dict.fromkeys(deleted[::-1])
        return [task_id for task_id in newest_first if task_id in self.state.trash]

    # What a number stands for

    def task(self, number: int) -> int:
        return chosen(number, self.state.tasks, self.task_ids)

    def list(self, number: int) -> int:
        return chosen(number, self.state.lists, self.list_ids)

    def trashed(self, number: int) -> int:
        return chosen(number, self.state.trash, self.task_ids)

    def sent(self, fields: Shown) -> Shown:
        """The fields with ids where numbers stand for them; mostly a place that there can be."""
        sent = dict(fields)
        if fields.get("parent_id") is not None:
            sent["parent_id"] = self.task(fields["parent_id"])
            if fields.get("list_id") != 0:
                sent.pop("list_id", None)
        if sent.get("list_id") is not None:
            sent["list_id"] = self.list(sent["list_id"])
        return sent

    def operation(
        self,
        place: int,
        *,
        op: str,
        new: Shown,
        changes: Shown,
        number: int,
        reference: int | None,
        under: int | None,
        if_version: int | None,
    ) -> dict[str, Any]:
        """One of a batch, as it is sent; it may refer to the one so many before it."""
        task_id: int | str = self.task(number)
        if reference is not None and (place >= reference or number % 10 == 9):
            task_id = f"#{max(place - reference, 0)}"
        fields = self.sent(new if op == "create" else changes)
        if under is not None and (place >= under or number % 10 == 8):
            fields["parent_id"] = f"#{max(place - under, 0)}"
            fields.pop("list_id", None)
        if op == "create":
            return {"op": op, "task": fields}
        sent: dict[str, Any] = {"op": op, "id": task_id}
        if op == "update":
            sent["changes"] = fields
        if if_version is not None:
            task = self.state.tasks.get(task_id) if isinstance(task_id, int) else None
            sent["if_version"] = (task["version"] if task else 1) + if_version
        return sent

    def expect(self, sort: str, descends: bool, filters: Shown) -> Rows:
        """The list, by the model."""

        def place(task: Shown) -> tuple[Any, ...]:
            if sort == "title":
                return (fold(task["title"]), task["title"], task["id"])
            if sort == "due":
                sent = task["due"]
                if sent is None:
                    return (not descends, datetime.min.replace(tzinfo=UTC), task["id"])
                return (descends, datetime.fromisoformat(DUE[sent]), task["id"])
            if sort == "priority":
                return (PRIORITIES.index(task["priority"]), task["id"])
            return (task[sort], task["id"])

        def is_chosen(task: Shown) -> bool:
            tags = {model.fold_tag(tag) for tag in task["tags"]}
            return all(
                model.fold_tag(value) in tags if name == "tag" else task[name] == value
                for name, value in filters.items()
            )

        chosen = [task for task in self.state.tasks.values() if is_chosen(task)]
        return sorted(chosen, key=place, reverse=descends)


def shown_tasks(answer: Any) -> set[int]:
    """The tasks that are shown somewhere in an answer."""
    if isinstance(answer, dict):
        own = {answer["id"]} if "title" in answer else set()
        return own.union(*map(shown_tasks, answer.values()))
    return set().union(*map(shown_tasks, answer)) if isinstance(answer, list) else set()


def chosen(number: int, there_are: dict[int, Shown], given: int) -> int:
    """Mostly one of those that there are; or perhaps one that was, or one far from given."""
    choice = [*sorted(there_are) * 4, *([1] if given else []), given + 10_000]
    return choice[number % len(choice)]


@pytest.mark.timeout(3600)
def test_the_server_and_a_model_agree(databases: Databases, long: bool) -> None:
    run_state_machine_as_test(
        lambda: Tasks(databases, undo_each=1 if long else 3),  # type: ignore[arg-type]  # any callable will do
        settings=settings(
            max_examples=500 if long else 10,
            stateful_step_count=150 if long else 50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
