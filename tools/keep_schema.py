"""Keep databases as a version leaves them: `uv run python -m tools.keep_schema [SOURCE]`.

The tests of later versions upgrade them (`tests/store/test_upgrades.py`). SOURCE is a checkout,
this one by default. Its server is filled over HTTP with what it knows, on SQLite and on PostgreSQL;
the databases and what the API said of them go to `tests/store/earlier`, named after the schema's
revision. A part of docs/releasing.md. Needs Debian's PostgreSQL 15: what a newer pg_dump writes, an
older server can't read.
"""

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from tests.support.postgresql import PASSWORD as DATABASE_PASSWORD
from tests.support.postgresql import USER, PostgreSQL, running_postgresql
from tests.support.sql import run_sql

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "tests/store/earlier"
POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
IMPORTED = KEPT / "imported.csv"
"""What is imported for ada, by versions that can."""
PASSWORD = "correct horse battery"  # noqa: S105
TITLES = (
    "Übung",
    "Write “the” 'report' 🎉",
    "買い物",
    "قراءة",
    "x" * 500,
    "Strasse & Straße",
    "50 % off_",
)


class Filler:
    """Writes what a server knows to keep: older ones know less."""

    def __init__(self, client: httpx2.Client, code: str | None) -> None:
        document = client.get("/openapi.json").json()
        self._client = client
        self._code = code
        self._paths = set(document["paths"])
        self._fields = set(document["components"]["schemas"]["TaskCreate"]["properties"])

    def fill(self) -> dict[str, str]:
        """The tokens of the accounts, where there are any."""
        self._tasks("open mode: ")
        if "/setup" not in self._paths or self._code is None:
            return {}
        first = {"username": "ada", "password": PASSWORD, "code": self._code}
        self._do("POST", "/setup", first)
        self._do(
            "POST", "/users", {"username": "bob", "password": PASSWORD, "display_name": "Bob B"}
        )
        tokens = {}
        for name in ("ada", "bob"):
            self._client.cookies.clear()
            self._do("POST", "/login", {"username": name, "password": PASSWORD})
            made = self._do("POST", "/tokens", {"name": "kept", "scopes": ["read", "write"]})
            tokens[name] = made["token"]
            self._tasks(f"{name}: ")
        self._client.cookies.clear()
        return tokens

    def _tasks(self, prefix: str) -> None:
        ids = [self._create(f"{prefix}{title}"[:500]) for title in TITLES]
        self._do("PATCH", f"/tasks/{ids[0]}", {"done": True}, key=f"{prefix}done")
        self._do("PATCH", f"/tasks/{ids[0]}", {"done": False})
        self._do("PATCH", f"/tasks/{ids[1]}", {"done": True, "title": f"{prefix}Report"})
        self._do("DELETE", f"/tasks/{ids[2]}")
        if "notes" in self._fields:
            self._living_tasks(prefix, ids)
        if "/changes/{seq}/undo" in self._paths:
            cursor = self._do("GET", "/changes")["cursor"]
            self._do("POST", f"/changes/{cursor}/undo", key=f"{prefix}undo")

    def _living_tasks(self, prefix: str, ids: list[int]) -> None:
        garden = self._do("POST", "/lists", {"name": f"{prefix}Garden"})["id"]
        gone = self._do("POST", "/lists", {"name": f"{prefix}Gone"})["id"]
        parent = self._create(f"{prefix}parent", list_id=garden, tags=["DIY", "Büro"])
        child = self._create(f"{prefix}child", parent_id=parent, due="2026-12-01T18:00:00+01:00")
        self._create(f"{prefix}grandchild", parent_id=child, due="2026-12-01", priority="high")
        self._create(f"{prefix}lost with its list", list_id=gone, notes="line\r\nline\n")
        purged = self._create(f"{prefix}purged", notes="what nobody shall read again")
        self._do("PATCH", f"/tasks/{ids[3]}", {"notes": "# Notes\n\n- [x] one", "position": "a0V"})
        self._do("PATCH", "/tags/DIY", {"tag": "Handwork"})
        operations = [
            {"op": "create", "task": {"title": f"{prefix}of a batch"}},
            {"op": "create", "task": {"title": f"{prefix}below it", "parent_id": "#0"}},
            {"op": "update", "id": ids[4], "changes": {"priority": "low"}},
            {"op": "delete", "id": purged},
        ]
        self._do("POST", "/tasks/batch", {"operations": operations}, key=f"{prefix}batch")
        self._do("DELETE", f"/trash/{purged}")
        self._do("DELETE", f"/lists/{gone}")
        self._do("DELETE", f"/tasks/{child}")
        self._do("DELETE", f"/tasks/{ids[5]}")
        self._do("POST", f"/trash/{ids[5]}/restore")

    def _create(self, title: str, **fields: Any) -> int:
        made: int = self._do("POST", "/tasks", {"title": title} | fields)["id"]
        return made

    def _do(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key.replace(" ", "-")}
        answer = self._client.request(method, path, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def what_it_says(client: httpx2.Client) -> dict[str, Any]:
    """What the API shows an account, all of it."""
    said: dict[str, Any] = {}
    paths = ["/tasks?limit=500", "/tasks?limit=500&sort=-updated_at", "/changes?after=0&limit=500"]
    paths += ["/tasks/count?done=true", "/trash?limit=500", "/lists?limit=500", "/tags", "/me"]
    for path in paths:
        answer = client.get(path)
        if answer.status_code == httpx2.codes.OK:
            said[path] = answer.json()
    for task in said["/tasks?limit=500"]:
        path = f"/tasks/{task['id']}/history"
        said[path] = client.get(path).json()
    return said


@contextmanager
def serving(source: Path, folder: Path, url: str) -> Iterator[tuple[httpx2.Client, str | None]]:
    """The server of a checkout, and the code for its first account."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "taskhold", "serve", "--port", "0"],
            cwd=folder,
            env=variables_of(source, url),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+", process.stdout.readline())
        if found is None:
            sys.exit((folder / "log").read_text())
        # Two lines since there are accounts; older versions say one.
        code = None
        if (source / "src/taskhold/accounts/first.py").exists():
            code = process.stdout.readline().split()[-1]
        with httpx2.Client(base_url=found.group(), timeout=30) as client:
            yield client, code
        process.terminate()
        process.stdout.read()


def variables_of(source: Path, url: str) -> dict[str, str]:
    """An environment for the version at `source`."""
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("TASKHOLD_")
    }
    variables |= {"PYTHONPATH": str(source / "src"), "PYTHONUNBUFFERED": "1"}
    return variables | {"TASKHOLD_DATABASE_URL": url}


def run_command(source: Path, folder: Path, url: str, *words: str) -> None:
    """Run a command of the version at `source`."""
    command = [sys.executable, "-m", "taskhold", *words]
    subprocess.run(
        command, cwd=folder, env=variables_of(source, url), check=True, stdout=subprocess.DEVNULL
    )


def fill(source: Path, folder: Path, url: str) -> dict[str, Any]:
    """What the API says of a database that the version at `source` has filled."""
    with serving(source, folder, url) as (client, code):
        tokens = Filler(client, code).fill()
        if (source / "src/taskhold/transfer").exists():
            command = ("import", "--user", "ada", str(IMPORTED))
            run_command(source, folder, url, *command)
        said: dict[str, Any] = {"tokens": tokens, "accounts": {}}
        for name, token in tokens.items() or [("", "")]:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            client.headers = httpx2.Headers(headers)
            said["accounts"][name] = what_it_says(client)
    return said


def revision(url: str) -> str:
    """That of a database's schema."""
    ((found,),) = run_sql(url, "SELECT version_num FROM alembic_version")
    return str(found)


def keep_sqlite(source: Path, folder: Path) -> str:
    """Keep the file itself."""
    url = f"sqlite:///{folder / 'tasks.db'}"
    said = fill(source, folder, url)
    name = f"{revision(url)}-sqlite"
    content = (folder / "tasks.db").read_bytes()
    (KEPT / f"{name}.db.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    keep_said(name, said)
    return name


def keep_postgresql(source: Path, folder: Path, server: PostgreSQL) -> str:
    """Keep what pg_dump says."""
    url = server.create_database()
    said = fill(source, folder, url)
    name = f"{revision(url)}-postgresql"
    dumped = subprocess.run(
        [
            POSTGRESQL / "pg_dump",
            f"--dbname=postgresql://{USER}@127.0.0.1:{server.port}/{url.rpartition('/')[2]}",
            *("--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=500"),
        ],
        env=os.environ | {"PGPASSWORD": DATABASE_PASSWORD},
        capture_output=True,
        text=True,
        check=True,
    )
    dump = re.sub(r"^\\(?:un)?restrict \w+\n", "", dumped.stdout, flags=re.MULTILINE)  # for psql
    (KEPT / f"{name}.sql.gz").write_bytes(gzip.compress(dump.encode(), 9, mtime=0))
    keep_said(name, said)
    return name


def keep_said(name: str, said: dict[str, Any]) -> None:
    """Keep what the API said."""
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    (KEPT / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def main(source: Path) -> None:
    """Keep both, where the version knows both."""
    KEPT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        print(keep_sqlite(source, Path(folder)))
    if not (source / "src/taskhold/store/postgres").exists():
        return
    with tempfile.TemporaryDirectory() as folder, running_postgresql(POSTGRESQL) as server:
        print(keep_postgresql(source, Path(folder), server))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
