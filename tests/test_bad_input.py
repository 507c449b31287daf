"""Bad input gets the 4xx that fits, without what was sent in it, and changes no row."""

import json
import socket
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.support import raw
from tests.support.databases import Databases
from tests.support.problems import check_problem
from tests.support.servers import LiveServer
from tests.support.sql import Rows, run_each, run_sql

SENT = "s3nt-v4lue"
"""Stands in what is sent, and in no answer."""
MIB = 1024 * 1024
MANY = 20_000_000
"""The bytes of a body that is far too large."""
JSON = {"Content-Type": "application/json"}
TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'"
    " AND name NOT LIKE '%search%'",  # which follows beside the requests
    "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S')"
    " AND relnamespace = current_schema()::regnamespace",
}
WRITES = [("POST", "/tasks"), ("PATCH", "/tasks/1")]
PAGES = ["/tasks", "/tasks/count", "/tasks/1", "/tasks/1/history", "/changes", "/healthz"]


@pytest.fixture(scope="module")
def kept(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with two tasks, a deleted one and a kept answer."""
    folder = tmp_path_factory.mktemp("bad-input")
    with databases.fresh(folder) as database_url, LiveServer(database_url) as server:
        for title in ("first", "second", "third"):
            key = {"Idempotency-Key": title}
            httpx2.post(f"{server.url}/tasks", json={"title": title}, headers=key)
        httpx2.delete(f"{server.url}/tasks/3")
        yield server


@pytest.fixture(scope="module")
def client(kept: LiveServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=kept.url, timeout=30) as client:
        yield client


class Contents:
    """The tables of a database, every row of them, and where its sequences are."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._tables = TABLES[database_url.partition(":")[0]]
        self._names = [name for (name,) in run_sql(database_url, self._tables)]
        self._known = self._read()

    def are_as_before(self) -> None:
        """They are those of the last time."""
        before, self._known = self._known, self._read()
        assert self._known == before

    def _read(self) -> dict[str, Rows]:
        rows = [f'SELECT * FROM "{name}"' for name in self._names]  # noqa: S608
        found = run_each(self._url, [self._tables, *rows])
        return dict(zip(["the tables", *self._names], found, strict=True))


@pytest.fixture(scope="module")
def contents(kept: LiveServer) -> Contents:
    return Contents(kept.database_url)


@pytest.fixture(autouse=True)
def _nothing_is_written(contents: Contents) -> Iterator[None]:
    yield
    contents.are_as_before()


def check_refused(answer: httpx2.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    check_problem(answer)
    assert SENT not in answer.text
    assert SENT not in str(answer.headers)


def check_bare_refusal(answer: bytes, *statuses: int) -> None:
    """What the HTTP server refuses, before there is a request."""
    assert raw.status(answer) in statuses
    assert SENT.encode() not in answer


NO_JSON = {
    "empty": b"",
    "white space": b" \r\n\t",
    "cut short": b'{"title":"s3nt-v4lue"',
    "two values": b'{"title":"s3nt-v4lue"}{"title":"b"}',
    "a comment": b'{"title":"s3nt-v4lue"/* why */}',
    "a comma at the end": b'{"title":"s3nt-v4lue",}',
    "single quotes": b"{'title':'s3nt-v4lue'}",
    "a form": b"title=s3nt-v4lue",
    "a line end in a text": b'{"title":"s3nt-v4lue\n"}',
    "NUL in a text": b'{"title":"s3nt-v4lue\0"}',
    "NUL after it": b'{"title":"s3nt-v4lue"}\0',
    "an unknown escape": rb'{"title":"s3nt-v4lue\x41"}',
    "half an escape": rb'{"title":"s3nt-v4lue\u00"}',
    "NaN": b'{"title":"s3nt-v4lue","done":NaN}',
    "NaN alone": b"NaN",
    "Infinity": b'{"title":Infinity}',
    "-Infinity": b'{"title":-Infinity}',
    "a number with a zero in front": b'{"title":012}',
    "a name twice": b'{"title":"s3nt-v4lue","title":"b"}',
    "the same name and value twice": b'{"title":"b","title":"b"}',
    "a name twice, once escaped": rb'{"title":"s3nt-v4lue","titl\u0065":"b"}',
    "a name twice within": b'{"title":{"a":"s3nt-v4lue","a":1}}',
    "a name twice in a list": b'{"title":[{"a":"s3nt-v4lue","a":1}]}',
    "an unknown name twice": b'{"title":"s3nt-v4lue","a":1,"a":1}',
    "invalid UTF-8": b'{"title":"s3nt-v4lue\xff"}',
    "UTF-8 cut short": b'{"title":"s3nt-v4lue\xe2\x82"}',
    "UTF-8 longer than needed": b'{"title":"s3nt-v4lue\xc0\x80"}',
    "a surrogate as UTF-8": b'{"title":"s3nt-v4lue\xed\xa0\x80"}',
    "beyond Unicode": b'{"title":"s3nt-v4lue\xf4\x90\x80\x80"}',
    "invalid UTF-8 in a name": b'{"title\xff":"s3nt-v4lue"}',
    "Latin-1": '{"title":"s3nt-v4lue é"}'.encode("latin-1"),
    "UTF-16": '{"title":"s3nt-v4lue"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"title":"s3nt-v4lue"}'.encode("utf-16-le"),
    "UTF-32": '{"title":"s3nt-v4lue"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"title":"s3nt-v4lue"}',
    "100,000 brackets": b"[" * 100_000 + b"]" * 100_000,
    "100,000 brackets, never closed": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 brackets in a field": b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json(client: httpx2.Client, method: str, path: str, body: bytes) -> None:
    answer = client.request(method, path, content=body, headers=JSON)
    check_refused(answer, 400)
    assert answer.json()["type"] == "/problems/invalid-json"


NOT_MEANT = {
    "a list": b'["s3nt-v4lue"]',
    "a text": b'"s3nt-v4lue"',
    "null": b"null",
    "a number": b"1",
    "a lone surrogate": rb'{"title":"s3nt-v4lue\ud800"}',
    "a lone low surrogate": rb'{"title":"s3nt-v4lue\udc00"}',
    "surrogates the wrong way round": rb'{"title":"s3nt-v4lue\udc00\ud800"}',
    "a lone surrogate in a name": rb'{"title":"b","s3nt-v4lue\ud800":1}',
    "a lone surrogate in a known name": rb'{"title\ud800":"s3nt-v4lue"}',
    "a lone surrogate in an unknown field": rb'{"title":"b","note":["s3nt-v4lue\ud800"]}',
    "NUL": rb'{"title":"s3nt-v4lue\u0000"}',
    "NUL alone": rb'{"title":"\u0000"}',
    "NUL in a name": rb'{"title":"b","a\u0000":"s3nt-v4lue"}',
    "NUL in a known name": rb'{"title":"b","done\u0000":true}',
    "a control character": rb'{"title":"s3nt-v4lue\u001b[2J"}',
    "a number of 100,000 digits": b'{"title":' + b"1" * 100_000 + b"}",
    "a boolean of 100,000 digits": b'{"title":"b","done":' + b"1" * 100_000 + b"}",
    "an unknown field of 100,000 digits": b'{"title":"b","a":' + b"1" * 100_000 + b"}",
    "100,000 decimals": b'{"title":"b","done":0.' + b"1" * 100_000 + b"}",
    "an exponent of 100,000 digits": b'{"title":"b","done":1e' + b"9" * 100_000 + b"}",
    "a number beyond a float": b'{"title":"b","done":1e999}',
    "2^63 for a field of the server": b'{"title":"b","version":9223372036854775808}',
    "a title of 1,000,000": b'{"title":"' + b"s3nt-v4lue" * 100_000 + b'"}',
    "an empty title": b'{"title":""}',
    "a number for a title": b'{"title":5}',
    "an object for a title": b'{"title":{"s3nt-v4lue":"s3nt-v4lue"}}',
    "a text for a boolean": b'{"title":"b","done":"s3nt-v4lue"}',
    "yes for a boolean": b'{"title":"b","done":"yes"}',
    "a number for a boolean": b'{"title":"b","done":1}',
    "100 brackets": b'{"title":' + b"[" * 100 + b"]" * 100 + b"}",
    "500 brackets in an unknown field": b'{"title":"b","a":' + b"[" * 500 + b"]" * 500 + b"}",
    "an unknown field": b'{"title":"b","note":"s3nt-v4lue"}',
    "a field without a name": b'{"title":"b","":"s3nt-v4lue"}',
    "a prototype": b'{"title":"b","__proto__":{"done":"s3nt-v4lue"}}',
    "10,000 unknown fields": json.dumps(
        {"title": "b"} | {f"a{number}": SENT for number in range(10_000)}
    ).encode(),
    "an unknown field with a name of 100,000": b'{"title":"b","' + b"a" * 100_000 + b'":1}',
}


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", NOT_MEANT.values(), ids=NOT_MEANT)
def test_json_that_cannot_be_meant(
    client: httpx2.Client, method: str, path: str, body: bytes
) -> None:
    answer = client.request(method, path, content=body, headers=JSON)
    check_refused(answer, 422)
    assert answer.json()["type"] == "/problems/validation"
    assert len(answer.content) < 10_000
    assert {error["in"] for error in answer.json()["errors"]} == {"body"}


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "media_type",
    [
        None,
        b"",
        b"s3nt-v4lue",
        b"text/plain",
        b"text/json; s3nt-v4lue",
        b"application/jsonp",
        b"application/json-seq",
        b"application/json, s3nt-v4lue",
        b"; application/json",
        b"application/json\xff",
        b"a/" * 10_000,
    ],
)
def test_another_media_type(
    client: httpx2.Client, method: str, path: str, media_type: bytes | None
) -> None:
    headers = {} if media_type is None else {b"Content-Type": media_type}
    answer = client.request(method, path, content=b'{"title":"s3nt-v4lue"}', headers=headers)
    check_refused(answer, 415)


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/json;a=b"])
def test_a_media_type_with_a_parameter_is_taken(client: httpx2.Client, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    assert client.patch("/tasks/1", content=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_body_of_20_mb(client: httpx2.Client, method: str, path: str) -> None:
    body = b'{"title":"s3nt-v4lue"' + b" " * MANY + b"}"
    check_refused(client.request(method, path, content=body, headers=JSON), 413)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_body_of_20_mb_in_chunks(client: httpx2.Client, method: str, path: str) -> None:
    chunks = (b" " * 100_000 for _ in range(MANY // 100_000))
    check_refused(client.request(method, path, content=chunks, headers=JSON), 413)


@pytest.mark.parametrize("declared", [MIB + 1, MANY, 2**63 - 1])
@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"], ids=["", "100-continue"])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(
    kept: LiveServer, declared: int, more: bytes
) -> None:
    began = time.monotonic()
    answer = raw.exchange(
        kept.port,
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"%sContent-Length: %d\r\n\r\n" % (more, declared),
    )
    check_bare_refusal(answer, 413)
    assert b"application/problem+json" in answer
    assert time.monotonic() - began < 2


def test_a_body_in_endless_chunks_is_refused_when_it_is_too_large(kept: LiveServer) -> None:
    answer = raw.exchange(
        kept.port,
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65_536 + b"\r\n") * 17,
    )
    check_bare_refusal(answer, 413)
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 22",
        b"Transfer-Encoding: chunked",
    ],
)
def test_a_body_cut_short_by_its_client_is_not_taken(kept: LiveServer, framing: bytes) -> None:
    with socket.create_connection(("127.0.0.1", kept.port), timeout=10) as connection:
        connection.sendall(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + framing
            + b"\r\n\r\n"
            + (b'd\r\n{"title":"b"}\r\n' if b"chunked" in framing else b'{"title":"b"}')
        )
        connection.shutdown(socket.SHUT_WR)
        assert b" 201 " not in connection.recv(65_536)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: -1",
        b"Content-Length: s3nt-v4lue",
        b"Content-Length: 0x0d",
        b"Content-Length: 9223372036854775808000",
        b"Content-Length: 13\r\nContent-Length: 14",
        b"Content-Length: 13\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: s3nt-v4lue",
        b"Transfer-Encoding: chunked, s3nt-v4lue",
        b"Transfer-Encoding: chunked\r\nX-Chunks: not",
    ],
)
def test_a_body_whose_length_is_unclear(kept: LiveServer, framing: bytes) -> None:
    answer = raw.exchange(
        kept.port,
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Connection: close\r\n%s\r\n\r\n{"title":"b"}' % framing,
    )
    check_bare_refusal(answer, 400, 413)


IDS = {
    "0": "0",
    "-1": "-1",
    "2^63": str(2**63),
    "2^64 + 1, which could wrap": str(2**64 + 1),
    "4,000 digits": "1" * 4_000,
    "60,000 digits": "9" * 60_000,
    "a decimal": "1.0",
    "an exponent": "1e0",
    "a sign": "+1",
    "a zero in front": "01",
    "white space": "%201",
    "a line end": "1%0A",
    "an underscore": "1_0",
    "Arabic digits": "%D9%A1",
    "full-width digits": "%EF%BC%91",
    "hexadecimal": "0x1",
    "a text": SENT,
    "NaN": "NaN",
    "null": "null",
    "SQL": "1%20OR%201=1",
    "NUL": "%00",
    "NUL after it": "1%00",
    "invalid UTF-8": "%FF",
    "invalid UTF-8 after it": "1%FF",
    "a surrogate as UTF-8": "%ED%A0%80",
    "half a percent": "%",
    "percent and no digits": "%zz",
    "a percent escaped twice": "%2531",
    "a parameter": "1;a=b",
    "another path": "..%2F..%2Fetc%2Fpasswd",
    "an emoji": "%F0%9F%98%80",
}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("task_id", IDS.values(), ids=IDS)
def test_a_bad_id(kept: LiveServer, method: str, task_id: str) -> None:
    for path in [f"/tasks/{task_id}", f"/tasks/{task_id}/history"][: 2 if method == "GET" else 1]:
        answer = raw.exchange(
            kept.port,
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
            '{"done":true}'.encode(),
        )
        check_bare_refusal(answer, 404, 422)
        assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "target",
    [
        "/%00",
        "/%FF",
        "/problems/%00",
        "/problems/%FF",
        "/problems/..%2Fvalidation",
        f"/problems/{SENT}",
        "/docs-assets/%00",
        "/docs-assets/%FF",
        "/docs-assets/%ED%A0%80",
        "/docs-assets/..%2F..%2Fsettings.py",
        "/docs-assets/../settings.py",
        "/docs-assets/%2e%2e/settings.py",
        f"/docs-assets/{'a' * 5_000}",
        f"/{'a' * 60_000}",
        "/" * 60_000,
        f"/{SENT}",
        "/tasks//history",
        "/tasks/1/history/1",
        "//tasks",
        "*",
    ],
)
def test_a_bad_path(kept: LiveServer, target: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw.exchange(kept.port, head.encode())
    check_bare_refusal(answer, 404)
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "line",
    [
        b"GET /tasks/\xff HTTP/1.1",
        b"GET /tasks/\0 HTTP/1.1",
        b"GET /tasks?done=\xff HTTP/1.1",
        b"GET /tasks?done=\0 HTTP/1.1",
        b"GET tasks HTTP/1.1",
        b"GET /tasks HTTP/9",
        b"GET /tasks s3nt-v4lue",
        b"S3NT-V4LUE /tasks HTTP/1.1",
        b"CONNECT localhost:80 HTTP/1.1",
        b"s3nt-v4lue",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET http://[::1/tasks HTTP/1.1",
    ],
)
def test_a_broken_request_line(kept: LiveServer, line: bytes) -> None:
    answer = raw.exchange(kept.port, line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    check_bare_refusal(answer, 400)


QUERIES = {
    "unknown": f"nothing={SENT}",
    "unknown, twice": f"a={SENT}&a={SENT}",
    "known, in other letters": f"LIMIT={SENT}",
    "without a name": f"={SENT}",
    "NUL": f"%00={SENT}%00",
    "invalid UTF-8": f"limit={SENT}%FF",
    "invalid UTF-8 in a name": f"%FF={SENT}",
    "UTF-8 cut short": f"limit={SENT}%E2%82",
    "a surrogate as UTF-8": f"limit={SENT}%ED%A0%80",
    "half a percent": "%",
    "percent and no digits": f"%zz={SENT}%zz",
    "another language's escape": "%u0041=1",
    "60,000 characters": "a=" + SENT * 6_000,
    "a name of 60,000 characters": "a" * 60_000,
    "60,000 percents": "%" * 60_000,
    "1,000 parameters": "&".join(f"a{number}={SENT}" for number in range(1_000)),
    "one 1,000 times": "&".join([f"limit={SENT}"] * 1_000),
    "20,000 separators and one parameter": "&" * 20_000 + "a=1",
    "brackets": f"limit[]={SENT}",
}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_bad_query(client: httpx2.Client, path: str, query: str) -> None:
    answer = client.get(httpx2.URL(path, query=query.encode()))
    check_refused(answer, 422)
    assert {error["in"] for error in answer.json()["errors"]} == {"query"}
    assert len(answer.content) < 10_000


@pytest.mark.parametrize("path", ["/tasks", "/tasks/1/history", "/changes"])
@pytest.mark.parametrize("name", ["limit", "offset", "after", "sort", "done"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        SENT,
        "-1",
        "1.5",
        "NaN",
        "Infinity",
        "1e400",
        str(2**63),
        "9" * 4_000,
        "9" * 50_000,
        "%00",
        "1%00",
        "%D9%A1",
        "%F0%9F%98%80",
        "null",
        "['a']",
        "0x1",
        "1;1",
    ],
)
def test_a_bad_parameter(client: httpx2.Client, path: str, name: str, value: str) -> None:
    answer = client.get(httpx2.URL(path, query=f"{name}={value}".encode()))
    check_refused(answer, 422)
    (error,) = answer.json()["errors"]
    assert (error["in"], error["field"]) == ("query", name)


@pytest.mark.parametrize(
    ("method", "header", "status"),
    [
        ("POST", "Idempotency-Key", 400),
        ("PATCH", "Idempotency-Key", 400),
        ("DELETE", "Idempotency-Key", 400),
        ("PATCH", "If-Match", 412),
        ("DELETE", "If-Match", 412),
        ("PATCH", "Content-Type", 415),
        ("PATCH", "Origin", 403),
        ("PATCH", "Sec-Fetch-Site", 403),
        ("GET", "Host", 401),
        ("GET", "X-Forwarded-For", 401),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        b"\xff",
        b'"\xff"',
        b"\xc3\xa9",
        b"\xed\xa0\x80",
        b"s3nt v4lue, s3nt-v4lue",
        b"," * 5_000,
        b'"x",' * 5_000,
        b"a\tb",
    ],
)
def test_a_bad_header(
    client: httpx2.Client, method: str, header: str, status: int, value: bytes
) -> None:
    path = "/tasks" if method == "POST" else "/tasks/1"
    content = b'{"title":"s3nt-v4lue"}' if method in ("POST", "PATCH") else None
    headers = {b"Content-Type": b"application/json"} if header != "Content-Type" else {}
    headers[header.encode()] = value
    check_refused(client.request(method, path, content=content, headers=headers), status)


@pytest.mark.parametrize(
    "line",
    [
        b"X-A: s3nt-v4lue\0",
        b"X-A\0: s3nt-v4lue",
        b"X\xff: s3nt-v4lue",
        b"X A: s3nt-v4lue",
        b"s3nt-v4lue",
        b": s3nt-v4lue",
        b"X-A: a\rX-B: s3nt-v4lue",
    ],
)
def test_a_broken_header_line(kept: LiveServer, line: bytes) -> None:
    head = b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    check_bare_refusal(raw.exchange(kept.port, head + line + b"\r\n\r\n"), 400)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Idempotency-Key", 400),
        ("If-Match", 412),
        ("Content-Type", 415),
        ("Origin", 403),
        ("Host", 401),
    ],
)
def test_a_header_of_64_kb(kept: LiveServer, header: str, status: int) -> None:
    headers = {"Host": "localhost", "Content-Type": "application/json", header: "a" * 65_536}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = raw.exchange(
        kept.port,
        f"PATCH /tasks/1 HTTP/1.1\r\n{head}Connection: close\r\n"
        'Content-Length: 13\r\n\r\n{"done":true}'.encode(),
    )
    check_bare_refusal(answer, 431, status)


ENDLESS_HEADS = {
    "a header of 64 KB": b"X-A: " + b"a" * 65_536,
    "a header of 10 MB": b"X-A: " + b"a" * 10_000_000,
    "a header's name of 1 MB": b"a" * 1_000_000,
    "a million headers": b"X-A: a\r\n" * 1_000_000,
}


@pytest.mark.parametrize("head", ENDLESS_HEADS.values(), ids=ENDLESS_HEADS)
def test_headers_that_are_too_large(kept: LiveServer, head: bytes) -> None:
    start = b"DELETE /tasks/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    check_bare_refusal(raw.exchange(kept.port, start + head + b"\r\n\r\n"), 400, 431)


@pytest.mark.parametrize("size", [1_000_000, 10_000_000])
def test_an_address_that_is_too_large(kept: LiveServer, size: int) -> None:
    start = b"GET /tasks?a=" + b"a" * size
    answer = raw.exchange(kept.port, start + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check_bare_refusal(answer, 400, 414, 431)
