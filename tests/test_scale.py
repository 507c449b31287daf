"""The page on scale and its compose files say what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from taskhold import protocol, serving
from taskhold.journal import feed
from taskhold.settings import PREFIX, Settings
from taskhold.store.postgres import announcements, opening, store
from tests.support.lesson import ROOT

FOLDER = ROOT / "docs" / "scale"
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
COMPOSE_FILES = sorted(FOLDER.glob("*/compose.yaml"))
CONNECTIONS = store.READERS + store.WRITERS + store.LONG_READERS + 1
"""Of a process, with the one that announces and listens."""

each_compose_file = pytest.mark.parametrize(
    "path", COMPOSE_FILES, ids=[path.parent.name for path in COMPOSE_FILES]
)


def services(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    return found


def test_there_is_a_compose_file_for_each_step_with_several_machines() -> None:
    assert [path.parent.name for path in COMPOSE_FILES] == ["patroni", "several"]


@each_compose_file
def test_what_a_compose_file_sets_is_a_setting(path: Path) -> None:
    environment = services(path)["api"]["environment"]
    url = re.sub(r"\$\{[^}]*\}", "secret", environment["TASKHOLD_DATABASE_URL"])
    settings = Settings.model_validate(
        {
            name.removeprefix(PREFIX).lower(): value
            for name, value in (environment | {"TASKHOLD_DATABASE_URL": url}).items()
        }
    )
    assert not settings.open_mode
    names = re.findall(rf"{PREFIX}\w+", path.read_text(encoding="utf-8"))
    assert set(names) <= {PREFIX + name.upper() for name in Settings.model_fields}


@each_compose_file
def test_no_compose_file_holds_a_password(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\w*PASSWORD: (?!\$\{\w+:\?)(.*)", text)) == set()
    assert set(re.findall(r"://\w+:(?!\$\{\w+:\?)(.*)@", text)) == set()


@each_compose_file
def test_the_page_makes_each_password_that_a_compose_file_asks_for(path: Path) -> None:
    asked_for = set(re.findall(r"\$\{(\w+)_PASSWORD", path.read_text(encoding="utf-8")))
    made = re.search(rf"cd docs/scale/{path.parent.name}\n.*for name in ([A-Z ]+);", PAGE)
    assert made is not None
    assert set(made[1].split()) == asked_for


@each_compose_file
def test_the_files_that_a_compose_file_mounts_and_builds_from_are_there(path: Path) -> None:
    for service in services(path).values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (path.parent / source).is_file(), source
        if "build" in service:
            build = service["build"]
            build = {"context": build} if isinstance(build, str) else build
            dockerfile = path.parent / build["context"] / build.get("dockerfile", "Dockerfile")
            assert dockerfile.is_file()


@each_compose_file
def test_a_container_is_given_the_time_that_a_stop_takes(path: Path) -> None:
    assert services(path)["api"]["stop_grace_period"] == "10s"
    assert serving.STOP_SECONDS == 8
    assert "8 seconds and leaves: give it 10" in TEXT


@each_compose_file
def test_the_balancer_has_room_for_all_servers(path: Path) -> None:
    configuration = (FOLDER / "haproxy.cfg").read_text(encoding="utf-8")
    places = [int(number) for number in re.findall(r"server-template api (\d+) ", configuration)]
    assert len(places) == 2
    assert services(path)["api"]["deploy"]["replicas"] <= min(places)


def test_the_page_counts_the_connections_of_a_process() -> None:
    counted = (
        f"opens {store.READERS} for reads, {store.WRITERS} for writes, {store.LONG_READERS} for "
        f"reads that can be long and 1 to tell and hear of changes: {CONNECTIONS} at the most"
    )
    assert counted in TEXT
    assert f"at least {CONNECTIONS} for each process" in TEXT
    assert f"enough for {(100 - 3) // CONNECTIONS} processes" in TEXT


def test_the_page_gives_a_role_behind_a_pooler_our_settings() -> None:
    given = dict(re.findall(r"^ALTER ROLE taskhold SET (\w+) = '?(\w+)'?;$", PAGE, re.MULTILINE))
    assert given == {
        name: value
        for name, value in opening._SETTINGS.items()
        if name not in {"application_name", "tcp_keepalives_idle"}  # PgBouncer's own matter
    }


def test_the_page_names_the_times_of_the_code() -> None:
    assert store.WAIT_SECONDS == 5
    assert "takes less than 5 seconds is not noticed" in TEXT
    assert feed.QUIET_SECONDS == 15
    assert "A quiet stream says something every 15 seconds" in TEXT
    assert announcements.LOOK_SECONDS == 10
    assert "after 10 seconds at the most" in TEXT
    assert protocol.KEEP_ALIVE_SECONDS == 75
    assert "before 75 seconds" in TEXT
    assert opening.OLDEST == 15
    assert "PostgreSQL 15 or newer" in TEXT


def test_the_page_names_what_patroni_is_told() -> None:
    told = yaml.safe_load((FOLDER / "patroni" / "patroni.yaml").read_text())["bootstrap"]["dcs"]
    assert told["synchronous_mode"] is told["synchronous_mode_strict"] is True
    assert told["loop_wait"] + 2 * told["retry_timeout"] <= told["ttl"]  # else Patroni corrects it
    times = (told["ttl"], told["loop_wait"], told["retry_timeout"])
    assert f"{', '.join(map(str, times))} seconds here" in TEXT
    wait = told["postgresql"]["parameters"]["wal_sender_timeout"]
    assert f"`{wait}` here" in TEXT


def test_the_files_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGE))
    assert {name for name in named if not (ROOT / "docs" / name).is_file()} == set()
    files = {path for path in FOLDER.rglob("*") if path.is_file() and path.name != ".env"}
    linked = {(ROOT / "docs" / name).resolve() for name in named}
    assert {path for path in files - linked if path.name != ".gitignore"} == set()
    for name in ("bench/create.lua", "bench/failover.py"):
        assert (ROOT / name).is_file()


def test_the_links_within_the_page_lead_to_its_headings() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
