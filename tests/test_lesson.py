"""The lesson's whole flow, with its exact answers."""

import ast
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.support.lesson import ROOT, run_script, write_lessons_app

APP = """\
from fastapi.testclient import TestClient
from main import app, Task

client = TestClient(app)
"""
FLOW = """\
# Create three tasks
for t in [{"title": "Write the report"},
          {"title": "Email the team"},
          {"title": "Book the venue"}]:
    r = client.post("/tasks", json=t)
    print(r.status_code, r.json())

# List them
print(client.get("/tasks").json())

# Mark the first two done (partial update)
print(client.patch("/tasks/1", json={"done": True}).json())
print(client.patch("/tasks/2", json={"done": True}).json())

# Delete the third
r = client.delete("/tasks/3")
print(r.status_code)

# List again, then request a missing task
print(client.get("/tasks").json())
r = client.get("/tasks/99")
print(r.status_code, r.json())
"""
PROOF = """\
from sqlmodel import create_engine, Session, select

# A brand-new engine on the SAME file, nothing shared with the running app
fresh_engine = create_engine("sqlite:///tasks.db")

with Session(fresh_engine) as session:
    rows = session.exec(select(Task)).all()
    print([(t.id, t.title, t.done) for t in rows])
"""
STOCK = "import sqlite3 as stock\n"
SURVIVORS = [(1, "Write the report", True), (2, "Email the team", True)]


def shown(task: dict[str, object]) -> dict[str, object]:
    """What the lesson's app knows of a task."""
    return {name: task[name] for name in ("done", "id", "title")}


def rows_of(database: Path) -> list[tuple[int, str, bool]]:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT id, title, done FROM task ORDER BY id").fetchall()
    return [(task_id, title, bool(done)) for task_id, title, done in rows]


def test_the_lessons_flow_over_http(client: httpx2.Client) -> None:
    for number, title in enumerate(("Write the report", "Email the team", "Book the venue"), 1):
        created = client.post("/tasks", json={"title": title})
        assert created.status_code == 201
        assert shown(created.json()) == {"done": False, "id": number, "title": title}
    assert [task["id"] for task in client.get("/tasks").json()] == [1, 2, 3]
    for number, title in ((1, "Write the report"), (2, "Email the team")):
        patched = client.patch(f"/tasks/{number}", json={"done": True})
        assert patched.status_code == 200
        assert shown(patched.json()) == {"done": True, "id": number, "title": title}
    deleted = client.delete("/tasks/3")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert [shown(task) for task in client.get("/tasks").json()] == [
        {"done": True, "id": 1, "title": "Write the report"},
        {"done": True, "id": 2, "title": "Email the team"},
    ]
    missing = client.get("/tasks/99")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Task not found"})
    assert client.get("/tasks", params={"done": "true"}).json() == client.get("/tasks").json()
    assert client.get("/tasks/count").json() == {"count": 2}


def test_the_lessons_script_and_its_proof_print_what_the_lesson_says(tmp_path: Path) -> None:
    lines = run_script(tmp_path, APP + FLOW + PROOF).splitlines()
    report, email, venue = (
        {"done": False, "id": number, "title": title}
        for number, title in enumerate(("Write the report", "Email the team", "Book the venue"), 1)
    )
    for line, task in zip(lines[:3], (report, email, venue), strict=True):
        status, _, answer = line.partition(" ")
        assert (status, shown(ast.literal_eval(answer))) == ("201", task)
    listed, first, second, deleted, left, missing, proof = lines[3:]
    assert [shown(task) for task in ast.literal_eval(listed)] == [report, email, venue]
    done = [report | {"done": True}, email | {"done": True}]
    assert [shown(ast.literal_eval(first)), shown(ast.literal_eval(second))] == done
    assert deleted == "204"
    assert [shown(task) for task in ast.literal_eval(left)] == done
    assert missing == "404 {'detail': 'Task not found'}"
    assert proof == str(SURVIVORS)
    assert rows_of(tmp_path / "tasks.db") == SURVIVORS


@pytest.mark.parametrize("start", [APP + STOCK, STOCK + APP])
def test_a_fresh_engine_in_the_same_script_costs_no_row_when_it_is_collected(
    tmp_path: Path, start: str
) -> None:
    """Two SQLite libraries in one process would: the engine's close would delete our WAL."""
    after = """
import gc, os, signal
session.close()
fresh_engine.dispose()
del session, rows, fresh_engine
gc.collect()
print(client.post("/tasks", json={"title": "Saved after the engine was gone"}).status_code)
connection = stock.connect("tasks.db")
print(connection.execute("SELECT count(*) FROM task").fetchone())
connection.close()
print(client.patch("/tasks/1", json={"title": "Written after it"}).status_code)
for number in range(20):
    last = client.post("/tasks", json={"title": f"More {number}"})
print(last.status_code, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    printed = run_script(tmp_path, start + FLOW + PROOF + after, exit_code=-signal.SIGKILL)
    assert printed.splitlines()[-5:] == [str(SURVIVORS), "201", "(3,)", "200", "201"]
    assert rows_of(tmp_path / "tasks.db") == [
        (1, "Written after it", True),
        (2, "Email the team", True),
        (4, "Saved after the engine was gone", False),
        *((number + 5, f"More {number}", False) for number in range(20)),
    ]


def test_an_engine_that_writes_in_the_same_script_and_the_app_see_each_others_rows(
    tmp_path: Path,
) -> None:
    script = """
from sqlmodel import create_engine, Session, select
client.post("/tasks", json={"title": "By the app"})
engine = create_engine("sqlite:///tasks.db")
for number in range(3):
    with Session(engine) as session:
        session.add(Task(title=f"By the engine {number}"))
        session.commit()
    client.post("/tasks", json={"title": f"By the app again {number}"})
print([task["title"] for task in client.get("/tasks").json()])
print(client.get("/tasks/2/history").json()[0]["actor"])
with Session(engine) as session:
    print([task.title for task in session.exec(select(Task)).all()])
"""
    by_app, actor, by_engine = run_script(tmp_path, APP + script).splitlines()
    assert ast.literal_eval(by_app) == [
        "By the app",
        "By the engine 0",
        "By the app again 0",
        "By the engine 1",
        "By the app again 1",
        "By the engine 2",
        "By the app again 2",
    ]
    assert actor == "outside"
    assert by_engine == by_app


def test_an_engine_that_was_there_first_keeps_its_locks_when_the_app_opens_the_file(
    tmp_path: Path,
) -> None:
    """Closing any descriptor of the file drops them (https://sqlite.org/howtocorrupt.html, 2.2).

    Another process would then take itself for the last one, and delete the WAL under both.
    """
    run_script(tmp_path, APP + FLOW)
    script = """
import subprocess
from sqlmodel import create_engine, Session, select
first_engine = create_engine("sqlite:///tasks.db")
with Session(first_engine) as session:
    print(len(session.exec(select(Task)).all()))
print(client.post("/tasks", json={"title": "Opens the store"}).status_code)
other = "import sqlite3; sqlite3.connect('tasks.db').execute('SELECT count(*) FROM task').close()"
subprocess.run([sys.executable, "-c", other], check=True)
print(client.post("/tasks", json={"title": "After the other process"}).status_code)
"""
    assert run_script(tmp_path, APP + script).splitlines() == ["2", "201", "201"]
    titles = [title for _, title, _ in rows_of(tmp_path / "tasks.db")]
    assert titles[2:] == ["Opens the store", "After the other process"]


@pytest.mark.parametrize("created_at", [False, True])
def test_the_lessons_own_models_read_and_write_the_file_in_another_process(
    tmp_path: Path, created_at: bool
) -> None:
    run_script(tmp_path, APP + FLOW)
    write_lessons_app(tmp_path, created_at=created_at)
    script = """
from fastapi.testclient import TestClient
from main_lesson import Task, app, engine
from sqlmodel import Session, select
with Session(engine) as session:
    print([(t.id, t.title, t.done) for t in session.exec(select(Task)).all()])
client = TestClient(app)
print(client.post("/tasks", json={"title": "By the lesson's app"}).json()["id"])
print(client.patch("/tasks/1", json={"done": False}).json()["done"])
print(client.delete("/tasks/2").status_code)
"""
    printed = run_script(tmp_path, script)
    assert printed.splitlines() == [str(SURVIVORS), "4", "False", "204"]
    left = [(1, "Write the report", False), (4, "By the lesson's app", False)]
    assert rows_of(tmp_path / "tasks.db") == left


@pytest.mark.parametrize("options", [[], ["--reload"]])
def test_uvicorn_serves_main_app_until_ctrl_c(tmp_path: Path, options: list[str]) -> None:
    shutil.copy(ROOT / "main.py", tmp_path)
    log = tmp_path / "log"
    with log.open("w") as stderr:
        uvicorn = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "main:app", "--port", "0", *options],
            cwd=tmp_path,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 30
        ready = re.compile(r"(?s)(?=.*startup complete).*running on (http://\S+)")
        while not (found := ready.match(log.read_text())):
            assert uvicorn.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        # uvicorn says that its startup is complete before it listens
        patient = httpx2.HTTPTransport(retries=5)
        with httpx2.Client(base_url=found[1], timeout=10, transport=patient) as client:
            assert client.post("/tasks", json={"title": "Kept"}).status_code == 201
            assert client.get("/docs").status_code == 200
        os.killpg(uvicorn.pid, signal.SIGINT)
        uvicorn.wait(15)
    finally:
        if uvicorn.poll() is None:
            os.killpg(uvicorn.pid, signal.SIGKILL)
            uvicorn.wait()
    assert "Traceback" not in log.read_text()
    assert rows_of(tmp_path / "tasks.db") == [(1, "Kept", False)]
    assert not list(tmp_path.glob("tasks.db-*")), "a clean stop leaves one file"
