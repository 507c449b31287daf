# ruff: noqa: RUF001  letters that look like others are what it is about
"""`q` finds the same tasks on both databases, whatever their language and their punctuation."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskhold.folding import fold
from taskhold.store.sqlite import indexing
from taskhold.tags.models import fold_tag
from tests.support.databases import Databases
from tests.support.pages import walk
from tests.support.servers import LiveServer
from tests.support.sql import run_sql
from tests.support.tasks import wait_until

Fields = dict[str, Any]

TASKS: dict[str, Fields] = {
    "cafe": {"title": "Café au lait"},
    "cafeteria": {"title": "Meet in the CAFETERIA"},
    "percent": {"title": "Save 100%_now"},
    "hundred": {"title": "Save 100 now"},
    "path": {"title": "Clean C:\\temp\\new"},
    "quotes": {"title": "Read 'it's' and \"that\""},
    "star": {"title": "a*b OR c"},
    "near": {"title": "NEAR(one two, 5)"},
    "oranges": {"title": "Oranges, -apples ^pears"},
    "strasse": {"title": "Straße kehren"},
    "hauptstrasse": {"title": "HAUPTSTRASSE 5"},
    "shoes": {"title": "Shoes", "tags": ["Größe 43"]},
    "kaimono": {"title": "買い物リスト"},
    "kau": {"title": "本", "notes": "物を買う"},
    "milk": {"title": "Купить МОЛОКО"},
    "tree": {"title": "Ёлка", "notes": "зелёная"},
    "odos": {"title": "ΟΔΟΣ"},
    "athens": {"title": "οδός Αθηνών, ίδιος"},
    "book": {"title": "كِتَاب جديد"},
    "shalom": {"title": "שָׁלוֹם"},
    "hindi": {"title": "हिन्दी सीखो"},
    "thai": {"title": "เรียนภาษาไทย"},
    "korean": {"title": "한국어 공부"},
    "decomposed": {"title": "\u1112\u1161\u11ab\u1100\u116e\u11a8 apart"},
    "memo": {"title": "🗒️ memo"},
    "family": {"title": "👨‍👩‍👧 trip 🇩🇪"},
    "wide": {"title": "ＡＢＣ１２３"},
    "katakana": {"title": "ｶﾞﾗｽ"},
    "glass": {"title": "ガラス"},
    "ligature": {"title": "ﬁnal oﬀer"},
    "marks": {"title": "Accents", "tags": ["\u0301\u0327"]},
    "pho": {"title": "Phở ở Hà Nội"},
    "istanbul": {"title": "İstanbul, ılık"},
    "area": {"title": "50 m² ① ½"},
    "angstrom": {"title": "Ångström Å"},
    "salla": {"title": "ﷺ"},
    "split": {"title": "alpha", "notes": "beta", "tags": ["gamma", "delta"]},
    "lines": {"title": "Poem", "notes": "first\nsecond\r\nthird\tfourth"},
    "short": {"title": "x y zq"},
    "rare": {"title": "Jazzquiz vor Ort"},
    "symbols": {"title": "€5 → ∑ ≠ ∅ ♥"},
    "spaces": {"title": "non\u00a0breaking\u2003wide\u3000ideographic"},
    "invisible": {"title": "soft\u00adhyphen zero\u200bwidth"},
    "repeated": {"title": "aaaa bbb aaaa"},
}
QUESTIONS: dict[str, str] = {
    # case and accents
    "cafe": "cafe cafeteria",
    "CAFÉ": "cafe cafeteria",
    "cafe\u0301": "cafe cafeteria",
    "café lait": "cafe",
    "caf": "cafe cafeteria",
    "afe": "cafe cafeteria",
    "phở": "pho",
    "pho ha noi": "pho",
    "angstrom": "angstrom",
    "istanbul": "istanbul",
    "İSTANBUL": "istanbul",
    "ilik": "",
    "ılık": "istanbul",
    # ß and ss
    "strasse": "strasse hauptstrasse",
    "straße": "strasse hauptstrasse",
    "STRAẞE": "strasse hauptstrasse",
    "ß": "strasse hauptstrasse shoes",
    "grosse": "shoes",
    "GRÖẞE 43": "shoes",
    # words are parts of words, in any order, and anywhere
    "asse keh": "strasse",
    "kehren straße": "strasse",
    "au cafe lait": "cafe",
    "cafe tea": "",
    "alpha": "split",
    "delta beta alpha gamma": "split",
    "alphabeta": "",
    "betagamma": "",
    "gammadelta": "",
    "firstsecond": "",
    "first third": "lines",
    "third\tfourth": "lines",
    "first\nfourth": "lines",
    "aaaaa": "",
    "aaaa aaaa bbb": "repeated",
    # CJK, whose words have no spaces
    "買": "kaimono kau",
    "買い": "kaimono",
    "買い物": "kaimono",
    "物 買": "kaimono kau",
    "い物リ": "kaimono",
    "買物": "",
    "本": "kau",
    # half and full width, ligatures, other forms of the same letters
    "abc123": "wide",
    "ａｂｃ": "wide",
    "100": "percent hundred",
    "１００": "percent hundred",
    "ガラス": "katakana glass",
    "カラス": "katakana glass",
    "ｶﾞﾗｽ": "katakana glass",
    "final offer": "ligature",
    "ﬁ": "ligature lines",
    "ﬀ": "ligature",
    "m2": "area",
    "1⁄2": "area",
    "صلى": "salla",
    "ﷺ" * 2: "",
    # Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai, Hangul
    "молоко": "milk",
    "Молоко купить": "milk",
    "елка": "tree",
    "ЗЕЛЕНАЯ": "tree",
    "οδος": "odos athens",
    "ΟΔΌΣ": "odos athens",
    "σ": "odos athens",
    "ς": "odos athens",
    "ιδιοσ": "athens",
    "كتاب": "book",
    "كِتاب جديد": "book",
    "שלום": "shalom",
    "हिन्दी": "hindi",
    "ภาษา": "thai",
    "한국": "korean decomposed",
    "\u1112\u1161\u11ab": "korean decomposed",
    "하": "korean decomposed",
    "국어": "korean",
    "공부 한국어": "korean",
    # emoji
    "🗒": "memo",
    "🗒️": "memo",
    "👩": "family",
    "👨‍👩": "family",
    "👨‍👧": "",
    "🇩": "family",
    "🇩🇪": "family",
    "🇪🇩": "",
    # what means something elsewhere means itself here
    "%": "percent",
    "_": "percent",
    "100%": "percent",
    "100_": "",
    "%_now": "percent",
    "\\": "path",
    "\\temp\\": "path",
    "\\\\": "",
    '"': "quotes",
    '"that"': "quotes",
    "it's": "quotes",
    "'": "quotes",
    "*": "star",
    "a*": "star",
    "b*": "",
    "caf*": "",
    "a*b OR": "star",
    "OR": "star oranges rare",
    "cafe OR alpha": "",
    "NOT": "",
    "cafe AND": "",
    "NEAR": "near",
    "near(": "near",
    "NEAR(one": "near",
    "NEAR(cafe lait)": "",
    "(": "near",
    ")": "near",
    "two,": "near",
    "-apples": "oranges",
    "-cafe": "",
    "^pears": "oranges",
    "title:cafe": "",
    "C:\\": "path",
    "{cafe}": "",
    "cafe+lait": "",
    "'; DROP TABLE task; --": "",
    "€5 → ♥": "symbols",
    "≠": "symbols",
    # short words, rare ones
    "j": "rare",
    "Y": "short invisible",
    "Ü": "cafe hauptstrasse istanbul rare lines",
    "zq": "short rare",
    "x y": "short",
    "zzq": "rare",
    "jazzquiz": "rare",
    "ort jazz": "rare",
    # white space, marks, what can't be seen
    "breaking wide": "spaces",
    "non\u00a0breaking": "spaces",
    "wideideographic": "",
    "\u0301\u0327": "marks",
    "\u0301": "marks",
    "soft\u00adhyphen": "invisible",
    "\0": "",
    "ca\0fe": "",
    "z" * 200: "",
    "": " ".join(TASKS),
    " \t\u3000": " ".join(TASKS),
}


class Searched:
    """A server whose tasks are known by names, and what it finds."""

    def __init__(self, server: LiveServer, client: httpx2.Client) -> None:
        self.client = client
        self.url = server.database_url
        self.on_sqlite = self.url.startswith("sqlite")
        self.names: dict[int, str] = {}

    def begin(self, tasks: dict[str, Fields]) -> None:
        """Make tasks with names; others have none any more."""
        created = batch(self.client, [{"op": "create", "task": each} for each in tasks.values()])
        self.names = {task["id"]: name for name, task in zip(tasks, created, strict=True)}

    def find(self, q: str) -> set[str]:
        """The names of what is found; the count says as many, and another order finds the same."""
        given = {"q": q, "limit": "500"}
        pages = [self.client.get("/tasks", params=given)]
        assert pages[0].status_code == 200, (q, pages[0].text)
        while "next" in pages[-1].links:
            pages.append(self.client.get(pages[-1].links["next"]["url"]))
        found = {task["id"] for page in pages for task in page.json()}
        assert self.client.get("/tasks/count", params={"q": q}).json() == {"count": len(found)}, q
        return {self.names[task_id] for task_id in found if task_id in self.names}

    def pending(self) -> int:
        """How many tasks SQLite's index doesn't know yet."""
        return int(run_sql(self.url, "SELECT count(*) FROM search_pending")[0][0])

    def index(self) -> None:
        """Take all tasks into SQLite's index. PostgreSQL does it by itself."""
        while self.on_sqlite and self.pending():
            path = self.url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                indexing.catch_up(connection)
                connection.execute("COMMIT")


def batch(client: httpx2.Client, operations: list[Fields]) -> list[Fields]:
    answer = client.post("/tasks/batch", json={"operations": operations})
    assert answer.status_code == 200, answer.text
    results: list[Fields] = answer.json()["results"]
    return results


@pytest.fixture(scope="module")
def searched(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    with (
        databases.fresh(tmp_path_factory.mktemp("searched")) as url,
        LiveServer(url) as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        yield Searched(server, client)


def wrong_answers(searched: Searched) -> dict[str, tuple[set[str], set[str]]]:
    """By the question: what was found, and what should have been."""
    answers = {q: (searched.find(q), set(names.split())) for q, names in QUESTIONS.items()}
    return {q: (found, meant) for q, (found, meant) in answers.items() if found != meant}


def test_each_question_finds_the_tasks_that_it_means(searched: Searched) -> None:
    assert len(QUESTIONS) > 100
    searched.begin(TASKS)
    assert wrong_answers(searched) == {}  # SQLite's index knows none of them yet
    for _ in range(4):
        batch(searched.client, [{"op": "create", "task": {"title": "0000"}}] * 200)
    if searched.on_sqlite:
        wait_until(lambda: 0 < searched.pending() <= indexing.MOST_PENDING)
    assert wrong_answers(searched) == {}  # it knows the first of all that there are
    assert searched.client.get("/tasks/count?q=0000").json() == {"count": 800}
    searched.index()
    assert wrong_answers(searched) == {}
    assert searched.client.get("/tasks/count?q=0000").json() == {"count": 800}


@pytest.mark.database("sqlite")
def test_an_account_with_few_tasks_among_many_finds_what_it_means(database_url: str) -> None:
    with (
        LiveServer(database_url) as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        searched = Searched(server, client)
        client.post("/tasks", json={"title": "The first"})
        run_sql(database_url, "UPDATE sqlite_sequence SET seq = 1000000 WHERE name = 'task'")
        searched.begin(TASKS)
        searched.index()
        assert wrong_answers(searched) == {}
        # It reads them, so what the index says is of no account.
        run_sql(database_url, "DELETE FROM task_search_data WHERE id > 10")
        assert wrong_answers(searched) == {}


@pytest.mark.parametrize("indexed", [False, True])
def test_a_search_sees_each_change_at_once(searched: Searched, indexed: bool) -> None:
    client = searched.client
    searched.begin({"it": {"title": "wombat", "notes": "koala", "tags": ["emu"]}})
    (task_id,) = searched.names
    path = f"/tasks/{task_id}"

    def check(*found: str, without: str = "") -> None:
        for _ in range(1 + indexed):
            assert {q: searched.find(q) for q in found} == {q: {"it"} for q in found}
            assert {q: searched.find(q) for q in without.split()} == {
                q: set() for q in without.split()
            }
            if indexed:
                searched.index()

    check("wombat", "koala", "emu", "wombat emu", without="dingo")
    client.patch(path, json={"title": "dingo"})
    check("dingo", "koala dingo", without="wombat")
    client.patch(path, json={"notes": "", "done": True})
    check("dingo", "emu", without="koala")
    client.patch(path, json={"tags": ["Quokka"]})
    check("dingo quokka", without="emu")
    client.patch("/tags/quokka", json={"tag": "Numbat"})
    check("dingo numbat", without="quokka")
    client.delete(path)
    check(without="dingo numbat")
    client.post(f"/trash/{task_id}/restore")
    check("dingo numbat")
    client.patch(path, json={"title": "wombat"})
    check("wombat", without="dingo")
    client.post(f"/changes/{client.get('/changes').json()['cursor']}/undo")
    check("dingo", without="wombat")
    batch(
        client,
        [
            {"op": "update", "id": task_id, "changes": {"title": "platypus"}},
            {"op": "delete", "id": task_id},
        ],
    )
    check(without="dingo platypus")
    client.post(f"/trash/{task_id}/restore")
    check("platypus", without="dingo")
    client.delete(path)
    client.delete(f"/trash/{task_id}")
    check(without="platypus numbat")


@pytest.mark.parametrize("sort", ["id", "-id"])
@pytest.mark.parametrize("done", [None, True])
def test_pages_of_many_found_tasks_are_whole(
    searched: Searched, sort: str, done: bool | None
) -> None:
    client = searched.client
    word = f"ocelot{sort.replace('-', 'down')}{done}".lower()
    pieces = f"{word[:6]} {word[1:]}"  # has each three letters of the word, but not the word
    made: list[Fields] = []
    for first in range(0, 400, 200):
        titles = [pieces if number % 5 else word for number in range(first, first + 200)]
        if first:  # in between there are pages with nothing but pieces, and with nothing but words
            titles[:150] = [pieces] * 75 + [word] * 75
        tasks = [{"title": title, "done": n % 7 == 0} for n, title in enumerate(titles)]
        made += batch(client, [{"op": "create", "task": task} for task in tasks])
    searched.index()
    # What the index does not know yet: words come and go at both ends, and in the middle.
    for number in (0, 1, 2, 198, 250, 397, 398):
        title = pieces if made[number]["title"] == word else f"again {word}"
        made[number] = client.patch(f"/tasks/{made[number]['id']}", json={"title": title}).json()
    for number in (5, 300):
        client.delete(f"/tasks/{made[number]['id']}")
        made[number]["title"] = ""
    made.append(client.post("/tasks", json={"title": word, "done": True}).json())
    found = [
        task["id"]
        for task in (made if sort == "id" else reversed(made))
        if word in task["title"] and done in {None, task["done"]}
    ]
    chosen = {"q": word, "sort": sort} | ({} if done is None else {"done": done})
    for limit in (1, 7, 20, 100):
        pages = list(walk(client, **chosen, limit=limit))
        assert [task["id"] for page in pages for task in page] == found
        assert {len(page) for page in pages[:-1]} <= {limit}
    for offset in range(0, len(found) + 20, 19):
        page = client.get("/tasks", params=chosen | {"offset": offset, "limit": 10}).json()
        assert [task["id"] for task in page] == found[offset : offset + 10]


def test_many_words_and_long_ones(searched: Searched) -> None:
    letters = [chr(0x4E00 + number) for number in range(100)]
    searched.begin(
        {
            "letters": {"title": "Letters", "notes": "\n".join(reversed(letters))},
            "long": {"title": "Long", "notes": "ﷺ" * 10_000 + "\n" + "x" * 199 + "y"},
        }
    )
    for _ in range(2):
        assert searched.find(" ".join(letters)) == {"letters"}
        assert searched.find(" ".join([*letters[1:], "龜"])) == set()
        assert searched.find("ﷺ" * 200) == {"long"}
        assert searched.find("x" * 199 + "y") == {"long"}
        assert searched.find("y" + "x" * 199) == set()
        searched.index()
    refused = searched.client.get("/tasks", params={"q": "x" * 201})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["q"]


LETTERS = st.sampled_from(
    "aAäÄeéßẞﬁﬀ½ςΣσİiıI가각ｶガ買い物🗒\u0301\u0327\u0345\ufe0f\u200d%_\\\"'*()-:^¨´ \u00a0\u3000"
) | st.characters(exclude_categories=["Cc", "Cs"])
LINES = st.text(LETTERS, max_size=12)
NOTES = st.text(LETTERS | st.sampled_from("\n\t\r\x85\x1c\x01"), max_size=20)
TAGS = st.lists(
    LINES.map(lambda text: text.replace(",", "").strip()).filter(bool),
    max_size=2,
    unique_by=fold_tag,
)
DRAWN = st.fixed_dictionaries({"title": LINES.map("t{}t".format), "notes": NOTES, "tags": TAGS})


@st.composite
def questions(draw: st.DrawFn, tasks: list[Fields]) -> str:
    """Parts of the texts, as they are or in other letters; or anything."""
    texts = [text for each in tasks for text in (each["title"], each["notes"], *each["tags"])]
    words = []
    for _ in range(draw(st.integers(1, 3))):
        text = draw(st.sampled_from(texts) | LINES)
        begin = draw(st.integers(0, len(text)))
        part = text[begin : begin + draw(st.integers(1, 6))]
        words.append(draw(st.sampled_from([part, part.upper(), part.lower(), part.title()])))
    return " ".join(words)


def finds(q: str, task: Fields) -> bool:
    """Each word is in one of the texts, both folded, and a line's white space is a space."""
    texts = [
        re.sub(r"[^\S\n]", " ", fold(text))
        for text in (task["title"], task["notes"], *task["tags"])
    ]
    return all(any(fold(word) in text for text in texts) for word in q.split())


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_search_finds_what_a_plain_comparison_finds(
    searched: Searched, data: st.DataObject
) -> None:
    tasks = data.draw(st.lists(DRAWN, min_size=1, max_size=5))
    created = batch(searched.client, [{"op": "create", "task": each} for each in tasks])
    if data.draw(st.booleans()):
        searched.index()
    for q in data.draw(st.lists(questions(tasks), min_size=1, max_size=4)):
        answer = searched.client.get("/tasks", params={"q": q, "sort": "-id", "limit": 500})
        found = {task["id"] for task in answer.json()}
        for task in created:
            assert (task["id"] in found) == finds(q, task), (q, task)
