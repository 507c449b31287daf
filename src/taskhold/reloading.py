"""`taskhold serve --reload`: for work on Taskhold itself."""

import os

import uvicorn
from fastapi import FastAPI

from taskhold.settings import PREFIX, Settings


def serve_and_reload(settings: Settings) -> None:
    """Serve in a process that starts again whenever a Python file below this folder changes."""
    for name in settings.model_fields_set:
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))
    uvicorn.run(
        "taskhold.reloading:app_again",
        factory=True,
        reload=True,
        host=settings.host,
        port=settings.port,
        proxy_headers=False,
    )


def app_again() -> FastAPI:
    """The app, in the process that uvicorn starts anew."""
    from taskhold.store.sqlite.library import choose

    choose()

    from taskhold.app import create_app
    from taskhold.logs import configure_logs

    settings = Settings.from_environment()
    configure_logs(settings, whole_process=False)
    return create_app(settings)
