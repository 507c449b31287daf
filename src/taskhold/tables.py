"""Every table of ours: who imports this knows them all (`Stored.metadata`)."""

from taskhold.accounts import models as accounts
from taskhold.audit import models as audit
from taskhold.journal import answers
from taskhold.journal import models as journal
from taskhold.lists import models as lists
from taskhold.sessions import models as sessions
from taskhold.sessions import throttle
from taskhold.tags import models as tags
from taskhold.tasks import models as tasks
from taskhold.tokens import models as tokens
from taskhold.trash import models as trash

__all__ = [
    "accounts",
    "answers",
    "audit",
    "journal",
    "lists",
    "sessions",
    "tags",
    "tasks",
    "throttle",
    "tokens",
    "trash",
]
