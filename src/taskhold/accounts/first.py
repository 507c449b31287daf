"""Before there is an account: who may do what, and how the first one is made."""

import asyncio

from taskhold.accounts import operations
from taskhold.accounts.secrets import new_setup_code
from taskhold.store import Store


def who_may(store: Store, *, open_mode: bool) -> str:
    """One line for who starts a server; with a new code while there is no account."""
    code = new_setup_code()
    if not asyncio.run(store.write(operations.ACCOUNTS, operations.add_setup_code, code)):
        return "Everybody logs in, or sends a token."
    make = f"make the first account with `taskhold user add NAME`, or at /setup with {code}"
    if open_mode:
        return f"Programs on this machine need no login. To have accounts, {make}"
    return f"Nobody may do anything yet: {make}"
