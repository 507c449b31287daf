"""The store of the app that a request came to."""

from typing import Annotated

from fastapi import Depends

from taskhold.http.request import Request
from taskhold.store import Store


def store(request: Request) -> Store:
    """The app's store, opened."""
    found: Store = request.app.state.store
    found.open()
    return found


StoreDep = Annotated[Store, Depends(store)]
