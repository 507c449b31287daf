"""Every command and every answer in the documentation is run and compared.

Somebody follows each page word for word, in an empty folder, beginning with its first command.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.docs.following import Reader
from tests.docs.pages import ANYTHING, ROOT, Command, pages, steps
from tests.support.accounts import make_accounts
from tests.support.lesson import run_script, write_lessons_app
from tests.support.postgresql import PASSWORD, USER, PostgreSQL
from tests.support.servers import LiveServer

pytestmark = [pytest.mark.timeout(600), pytest.mark.database("sqlite")]

ROOTS = "it changes the machine, as root"
DOCKERS = "it needs Docker; hadolint and the schema of compose files check what it uses"
NOT_RUN = {
    "CONTRIBUTING.md": {
        "pip install uv": "it would change the machine's Python; .ci/run begins with it",
        "uv run taskhold serve --reload": "it has no end; tests/test_serve.py tests it",
        "uv run pytest": "these are the tests",
        "tools/programs.sh": ROOTS,
        "npm install": "a part of .ci/run",
        "uv run ruff": "a part of .ci/run",
        "uv run mypy": "a part of .ci/run",
        "uv run lint-imports": "a part of .ci/run",
        ".ci/run": "it runs this test",
    },
    "README.md": {
        "pip install uv && uv run pytest": "these are the tests; .ci/run begins with it",
        "pip install uv": "it would change the machine's Python; .ci/run begins with it",
    },
    "docs/care.md": {
        "litestream": "tests/care runs it with the file that the page names",
        "taskhold restore copy.db": "as the line before it",
    },
    "docs/deploy.md": {
        "uv tool install .": "docs/start.md has it, too, and there it is run",
        "taskhold serve": "as on every other page",
        "uv build --wheel": "tools/try_wheel.sh does it, and what follows",
        "sudo": ROOTS,
        "journalctl": "it needs systemd",
        "docker": DOCKERS,
        "cd deploy": DOCKERS,
        "(umask 077; echo": DOCKERS,
    },
    "docs/scale.md": {
        "cd docs/scale/": DOCKERS,
        "(umask 077; for": DOCKERS,
        "docker": DOCKERS,
        "curl -i http://127.0.0.1:8080/readyz": DOCKERS,
        "python3 -m venv /tmp/patroni": "a measurement of minutes, with an etcd of the machine's",
        "uv run python -m bench.failover": "as the line before it",
        "wrk": "a measurement",
    },
    "docs/releasing.md": {
        "uv run python -m tools.release": "tests/test_release.py runs it, in a clone",
    },
    "docs/speed.md": {"uv run --group bench python -m bench": "measurements of minutes"},
    "docs/start.md": {
        "pip install uv": "it would change the machine's Python; .ci/run begins with it",
        "python3 -m venv ~/uv-venv": "for machines whose Python belongs to the system",
        ". ~/uv-venv": "as the line before it",
    },
}
"""What is not run here, by how it begins, and why."""
COUNT_NOT_RUN = 58
"""How many commands that are; one more wants a reason."""
CHANGES_THE_MACHINE = re.compile(
    r"(?:^|[;&|] *)(?:sudo|docker|systemctl|apt|apt-get|pip|pkill|killall) "
)


def a_copy_of_the_repository(home: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            target = home / "taskhold" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)


def what_the_lesson_leaves(home: Path) -> None:
    """Its app, and its database after its last step."""
    folder = home / "lesson"
    folder.mkdir()
    write_lessons_app(folder)
    run_script(
        folder,
        """
from main_lesson import Session, Task, engine
with Session(engine) as session:
    for title in ("Write the report", "Email the team"):
        session.add(Task(title=title, done=True))
    session.commit()
""",
    )
    (folder / "main_lesson.py").rename(folder / "main.py")


def three_tasks(home: Path) -> None:
    with LiveServer(f"sqlite:///{home / 'tasks.db'}") as server:
        for title in ("Write the report", "Email the team", "Book the venue"):
            httpx2.post(f"{server.url}/tasks", json={"title": title}).raise_for_status()


def an_account(home: Path) -> None:
    with LiveServer(f"sqlite:///{home / 'tasks.db'}") as server:
        make_accounts(server.database_url, {"username": "ada"})


TAKE_LONG = {
    "README.md": "it begins with an installation",
    "docs/start.md": "it begins with an installation",
    "docs/client.md": "it begins with an installation",
    **dict.fromkeys(
        (
            f"docs/{page}.md"
            for page in ("accounts", "care", "commands", "copy", "tour", "transfer")
        ),
        "each of its commands is a process, and each has tests of its own",
    ),
}
"""What `.ci/run` follows, with `--long`; the other pages are followed each time."""
BEFORE: dict[str, Callable[[Path], None]] = {
    "README.md": a_copy_of_the_repository,
    "docs/care.md": three_tasks,
    "docs/client.md": a_copy_of_the_repository,
    "docs/copy.md": three_tasks,
    "docs/from-the-lesson.md": what_the_lesson_leaves,
    "docs/metrics.md": an_account,
    "docs/start.md": a_copy_of_the_repository,
    "docs/transfer.md": three_tasks,
}
"""What the reader of a page has, by its own words, before it begins."""
SERVE = Command(0, "taskhold serve", [ANYTHING, "Programs on…"])
FIRST: dict[str, Command] = {
    "README.md": Command(0, "cd taskhold", []),
    "docs/client.md": SERVE,
    "docs/security.md": SERVE,
    "docs/tasks.md": SERVE,
}
"""What the reader of a page does, by its own words, before its first command."""


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest, long: bool) -> Path:
    """Somebody's home, empty."""
    page = request.node.callspec.params["page"]
    if page in TAKE_LONG and not long:
        pytest.skip(f"{TAKE_LONG[page]}: .ci/run follows it, with --long")
    home = tmp_path / "you"
    home.mkdir()
    return home


@pytest.fixture
def known(home: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """What stands in the pages for what is here."""
    with closing(socket.create_server(("127.0.0.1", 0))) as first:
        second = socket.create_server(("127.0.0.1", 0))
        ports = [listener.getsockname()[1] for listener in (first, second)]
        second.close()
    known = {"8000": str(ports[0]), "8001": str(ports[1]), "/home/you": str(home)}
    if (
        "postgresql://taskhold@db.example/"
        in (ROOT / request.node.callspec.params["page"]).read_text()
    ):
        server: PostgreSQL = request.getfixturevalue("postgresql")
        name = server.create_database().rpartition("/")[2]
        known["postgresql://taskhold@db.example/tasks"] = (
            f"postgresql://{USER}@127.0.0.1:{server.port}/{name}"
        )
    return known


@pytest.fixture
def reader(home: Path, known: dict[str, str]) -> Iterator[Reader]:
    """Somebody with Taskhold installed, in front of a terminal."""
    reader = Reader(home, _variables(home, known["8000"]), known)
    yield reader
    reader.close()


def _variables(home: Path, port: str) -> dict[str, str]:
    theirs = {name: value for name, value in os.environ.items() if not _NOT_THEIRS.match(name)}
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True)  # noqa: S607
    return theirs | {
        "HOME": str(home),
        "PATH": f"{home}/.local/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "UV_CACHE_DIR": cache.stdout.strip(),  # what is downloaded for one home is for all
        "PGPASSWORD": PASSWORD,
        "TASKHOLD_PORT": port,
        "UVICORN_PORT": port,
        "TERM": "xterm",
        "VIRTUAL_ENV_DISABLE_PROMPT": "1",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }


_NOT_THEIRS = re.compile("COLUMNS|PYTHON|VIRTUAL_ENV|XDG_")


@pytest.mark.parametrize("page", pages())
def test_a_page_can_be_followed_word_for_word(page: str, home: Path, reader: Reader) -> None:
    if page in BEFORE:
        BEFORE[page](home)
    if page in FIRST:
        assert reader.follow(FIRST[page]) is None
    wrong = []
    for step in steps(page):
        if isinstance(step, Command):
            if _why_not(page, step):
                continue
            assert not CHANGES_THE_MACHINE.search(step.typed), step
        found = reader.follow(step)
        if found is not None:
            wrong.append(f"{page}:{step.line}: {found}\n")
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_is_not_run_is_there_and_counted() -> None:
    count, used = 0, set()
    for page in pages():
        for step in steps(page):
            beginning = isinstance(step, Command) and _why_not(page, step)
            if beginning:
                used.add((page, beginning))
                count += 1
    assert used == {(page, beginning) for page, reasons in NOT_RUN.items() for beginning in reasons}
    assert count == COUNT_NOT_RUN


def _why_not(page: str, command: Command) -> str | None:
    for beginning in NOT_RUN.get(page, {}):
        if command.typed.startswith(beginning):
            return beginning
    return None
