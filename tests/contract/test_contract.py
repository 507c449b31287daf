"""The exchanges of the files beside this one, each scenario played on an empty database."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from tests.support import raw
from tests.support.accounts import cookies_of, make_accounts
from tests.support.problems import check_problem
from tests.support.servers import LiveServer

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
STEP_KEYS = {
    *("do", "times", "json", "raw", "headers"),
    *("status", "body", "exact", "has", "lacks", "save", "as", "login"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
KINDS: dict[str, Callable[[Any], bool]] = {
    "<any>": lambda _: True,
    "<int>": lambda found: type(found) is int,
    "<str>": lambda found: isinstance(found, str),
    "<time>": lambda found: isinstance(found, str) and TIME.fullmatch(found) is not None,
    "<null-or-time>": lambda found: found is None or KINDS["<time>"](found),
}
OF_ONE_ANSWER = {"date", "x-request-id"}
"""Headers that differ from one answer to the next."""


def scenarios() -> Iterator[Any]:
    for file in FILES:
        for scenario in yaml.safe_load(file.read_text(encoding="utf-8")):
            name = re.sub(r"\W+", "-", scenario["scenario"])
            yield pytest.param(scenario, id=f"{file.stem}-{name}")


@pytest.fixture(scope="module")
def sender() -> Iterator[httpx2.Client]:
    """A client for the servers of all scenarios: making one takes as long as ten requests."""
    with httpx2.Client(timeout=30) as client:
        yield client


@pytest.mark.parametrize("scenario", list(scenarios()))
def test_exchange(scenario: dict[str, Any], database_url: str, sender: httpx2.Client) -> None:
    make_accounts(database_url, *scenario.get("accounts", []))
    with LiveServer(database_url, **scenario.get("settings", {})) as server:
        saved: dict[str, Any] = {"server": server.url}
        for step in scenario["steps"]:
            assert step.keys() <= STEP_KEYS, f"unknown keys in {step}"
            for _ in range(step.get("times", 1)):
                play(sender, step, saved)


def test_http_1_0_is_not_for_open_mode(server: LiveServer) -> None:
    answer = raw.exchange(server.port, b"GET /tasks HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert raw.status(answer) == 401


def play(client: httpx2.Client, step: dict[str, Any], saved: dict[str, Any]) -> None:
    """Send what the step says and compare what comes back; a GET is also sent as HEAD."""
    wanted = filled(step, saved)
    method, _, path = wanted["do"].partition(" ")
    url = saved["server"] + path
    content, headers = body_and_headers(wanted)
    if "as" in step:
        headers.append((b"Cookie", saved[f"cookies of {step['as']}"].encode()))
    answer = client.request(method, url, content=content, headers=headers)
    try:
        compare(wanted, answer)
        if method == "GET":
            compare_head(answer, client.head(url, headers=headers))
    except AssertionError as error:
        error.add_note(f"{wanted}"[:1000])
        error.add_note(f"was answered {answer.status_code}: {answer.text[:1000]}")
        raise
    client.cookies.clear()
    if "login" in step:
        saved[f"cookies of {step['login']}"] = cookies_of(answer)
    for name, source in step.get("save", {}).items():
        saved[name] = found_at(source, answer)


def body_and_headers(step: dict[str, Any]) -> tuple[bytes | None, list[tuple[bytes, bytes]]]:
    headers = [
        (name.encode(), value.encode())
        for name, given in step.get("headers", {}).items()
        for value in (given if isinstance(given, list) else [given])
    ]
    if "json" in step:
        return json.dumps(step["json"]).encode(), [
            (b"Content-Type", b"application/json"),
            *headers,
        ]
    return step["raw"].encode() if "raw" in step else None, headers


def compare(step: dict[str, Any], answer: httpx2.Response) -> None:
    allowed = step["status"] if isinstance(step["status"], list) else [step["status"]]
    assert answer.status_code in allowed
    assert answer.headers.get("x-request-id")
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        check_problem(answer)
    if "exact" in step and step["exact"] is None:
        assert answer.content == b""
    elif "exact" in step or "body" in step:
        expected = step.get("exact", step.get("body"))
        differing = list(differences(expected, answer.json(), whole="exact" in step))
        assert differing == []
    for name, value in step.get("has", {}).items():
        found = answer.headers.get(name)
        assert found is not None if value == "<any>" else found == value, f"{name}: {found}"
    for name in step.get("lacks", []):
        assert name not in answer.headers


def compare_head(answer: httpx2.Response, head: httpx2.Response) -> None:
    assert head.content == b""
    assert head.status_code == answer.status_code, "of HEAD"
    assert head.headers.keys() == answer.headers.keys(), "of HEAD"
    for name in answer.headers.keys() - OF_ONE_ANSWER:
        assert head.headers[name] == answer.headers[name], f"{name} of HEAD"


def differences(wanted: Any, found: Any, *, whole: bool, at: str = "body") -> Iterator[str]:
    if isinstance(wanted, str) and wanted in KINDS:
        if not KINDS[wanted](found):
            yield f"{at}: {found!r} is not {wanted}"
    elif isinstance(wanted, dict) and isinstance(found, dict):
        names = wanted.keys() | found.keys() if whole else wanted.keys()
        for name in sorted(names):
            if name not in wanted or name not in found:
                yield f"{at}.{name}: {'not expected' if name in found else 'missing'}"
            else:
                yield from differences(wanted[name], found[name], whole=whole, at=f"{at}.{name}")
    elif isinstance(wanted, list) and isinstance(found, list):
        if len(wanted) != len(found):
            yield f"{at}: {len(found)} members, not {len(wanted)}"
        for index, (one, other) in enumerate(zip(wanted, found, strict=False)):
            yield from differences(one, other, whole=whole, at=f"{at}.{index}")
    elif type(wanted) is not type(found) or wanted != found:
        yield f"{at}: {found!r} is not {wanted!r}"


def filled(value: Any, saved: dict[str, Any]) -> Any:
    """`value` with `${name}` filled from what was saved, and `${ab*3}` as `ababab`."""
    if isinstance(value, dict):
        return {name: filled(member, saved) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(member, saved) for member in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        text, repeated, count = match[1].rpartition("*")
        return text * int(count) if repeated else str(saved[match[1]])

    whole = re.fullmatch(r"\$\{(\w+)\}", value)
    return saved[whole[1]] if whole else re.sub(r"\$\{([^}]+)\}", fill, value)


def found_at(source: str, answer: httpx2.Response) -> Any:
    """The value of `header.etag`, `link.next`, `link.next.after` or `body.changes.0.seq`."""
    place, _, name = source.partition(".")
    if place == "header":
        return answer.headers[name]
    if place == "link":
        relation, _, parameter = name.partition(".")
        url = answer.links[relation]["url"]
        return httpx2.URL(url).params[parameter] if parameter else url
    value = answer.json()
    for part in name.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value
