"""Accounts and who is logged in to them, made without a server or over HTTP."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx2

from taskhold.accounts import operations
from taskhold.accounts.passwords import hash_password
from taskhold.audit.operations import COMMAND
from taskhold.store import open_store

PASSWORD = "correct horse battery"  # noqa: S105


def make_accounts(url: str, *accounts: dict[str, Any]) -> list[int]:
    """Make accounts as `taskhold user add` does; their ids. The first one is an admin.

    In a thread of its own: where a browser is driven, this one has an event loop already.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _make(url, accounts)).result()


async def _make(url: str, accounts: Sequence[dict[str, Any]]) -> list[int]:
    made = []
    with closing(open_store(url)) as store:
        store.open()
        for given in accounts:
            fields = given | {"password": hash_password(given.get("password", PASSWORD))}
            account = await store.write(operations.ACCOUNTS, operations.add, COMMAND, fields)
            made.append(account["id"])
    return made


def log_in(client: httpx2.Client, username: str, password: str = PASSWORD) -> httpx2.Response:
    return client.post("/login", json={"username": username, "password": password})


def cookies_of(answer: httpx2.Response) -> str:
    """The Cookie header that a browser sends after this answer."""
    return "; ".join(each.partition(";")[0] for each in answer.headers.get_list("set-cookie"))
