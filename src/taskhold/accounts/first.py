"""Before there is an account: who may do what, and how the first one is made."""

import asyncio

from taskhold.accounts import operations
from taskhold.accounts.secrets import new_setup_code
from taskhold.errors import Problem
from taskhold.store import Store

UNKNOWN = "Who may call it is decided when the database can be written."


def who_may(store: Store, *, open_mode: bool) -> str:
    """One line for who starts a server; with a new code while there is no account."""
    code = new_setup_code()
    try:
        if asyncio.run(store.read(operations.is_set_up)):
            return "Everybody logs in, or sends a token."
        asyncio.run(store.write(operations.ACCOUNTS, operations.add_setup_code, code))
    except Problem:  # who serves goes on reading, or waits
        return UNKNOWN
    how = f"`taskhold user add NAME`, or POST /setup with the code {code}"
    if open_mode:
        return f"Programs on this machine need no login. The first account: {how}"
    return f"Nobody may do anything yet. The first account: {how}"
