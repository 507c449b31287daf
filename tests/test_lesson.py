"""The lesson's whole flow, with its exact answers."""

import httpx2


def shown(task: dict[str, object]) -> dict[str, object]:
    """What the lesson's app knows of a task."""
    return {name: task[name] for name in ("done", "id", "title")}


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
