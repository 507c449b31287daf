"""The lesson's entry: `uvicorn main:app --reload`, `from main import app, Task`."""

from taskhold.store.sqlite.library import choose

choose()  # before anything imports sqlite3

from taskhold.app import create_app  # noqa: E402
from taskhold.logs import configure_logs  # noqa: E402
from taskhold.settings import Settings  # noqa: E402
from taskhold.tasks.models import Task, TaskBase, TaskCreate, TaskPublic, TaskUpdate  # noqa: E402

__all__ = ["Task", "TaskBase", "TaskCreate", "TaskPublic", "TaskUpdate", "app"]

settings = Settings.from_environment()
configure_logs(settings, whole_process=False)
app = create_app(settings)
