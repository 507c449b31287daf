"""What is asked of a database to see whether it agrees with its journal."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, exists, func, or_, select

from taskhold.journal.models import Change
from taskhold.lists.models import ListPublic, TaskList
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.tags.models import TaskTag
from taskhold.tasks import rows
from taskhold.tasks.models import Task
from taskhold.trash.models import TrashedTask

_tasks, _lists, _tags = table(Task), table(TaskList), table(TaskTag)
_changes, _trashed = table(Change), table(TrashedTask)
_task, _list, _tag, _change, _trash = (
    each.c for each in (_tasks, _lists, _tags, _changes, _trashed)
)
_others = _changes.alias("others")
_parents = _tasks.alias("parents")

_OWNER = bindparam("owner_id", type_=Id)
_AFTER = bindparam("after", type_=Id)
_LIMIT = bindparam("limit", type_=Id)

LIST_FIELDS = tuple(name for name in ListPublic.model_fields if name != "open_count")
"""What a change of a list tells of it; how many tasks are open is no part of it."""


def _with_newest_change(of: FromClause, kind: str) -> FromClause:
    newest = (
        select(func.max(_others.c.seq))
        .where(
            _others.c.owner_id == of.c.owner_id,
            _others.c.kind == kind,
            _others.c.object_id == of.c.id,
        )
        .correlate(of)
        .scalar_subquery()
    )
    return of.outerjoin(_changes, and_(_change.owner_id == of.c.owner_id, _change.seq == newest))


def _of_change(of: FromClause, row_id: ColumnElement[Any], kind: str) -> ColumnElement[bool]:
    return and_(
        _change.kind == kind, row_id == _change.object_id, of.c.owner_id == _change.owner_id
    )


TASKS = Query(
    select(*rows.SHOWN, *(_task[name] for name in rows.DERIVED), _change.seq, _change.after)
    .select_from(_with_newest_change(_tasks, "task"))
    .where(_task.owner_id == _OWNER, _task.id > _AFTER)
    .order_by(_task.id)
    .limit(_LIMIT)
)
"""Tasks, each with its newest change."""
LISTS = Query(
    select(*(_list[name] for name in LIST_FIELDS), _change.seq, _change.after)
    .select_from(_with_newest_change(_lists, "list"))
    .where(_list.owner_id == _OWNER, _list.id > _AFTER)
    .order_by(_list.id)
    .limit(_LIMIT)
)
TAGS = Query(
    select(_tag.task_id, _tag.folded, _tag.name, _tag.done).where(
        _tag.owner_id == _OWNER, _tag.task_id > _AFTER, _tag.task_id <= bindparam("last")
    )
)
"""The tags of all tasks of a page."""
TAGS_OF_NOTHING = Query(
    select(_tag.task_id, _tag.name)
    .select_from(
        _tags.outerjoin(_tasks, and_(_task.id == _tag.task_id, _task.owner_id == _tag.owner_id))
    )
    .where(_tag.owner_id == _OWNER, _task.id.is_(None))
)
JOURNAL = Query(
    select(
        func.count().label("count"),
        func.min(_change.seq).label("first"),
        func.max(_change.seq).label("last"),
        func.min(_change.at).label("since"),
    ).where(_change.owner_id == _OWNER)
)
NEWEST = Query(
    select(
        _change.seq,
        _change.kind,
        _change.object_id,
        _change.action,
        _task.id.label("task_id"),
        _list.id.label("list_id"),
        _trash.seq.label("trashed_by"),
    )
    .select_from(
        _changes.outerjoin(_tasks, _of_change(_tasks, _task.id, "task"))
        .outerjoin(_lists, _of_change(_lists, _list.id, "list"))
        .outerjoin(_trashed, _of_change(_trashed, _trash.task_id, "task"))
    )
    .where(
        _change.owner_id == _OWNER,
        _change.seq > _AFTER,
        ~exists().where(
            _others.c.owner_id == _change.owner_id,
            _others.c.kind == _change.kind,
            _others.c.object_id == _change.object_id,
            _others.c.seq > _change.seq,
        ),
    )
    .order_by(_change.seq)
    .limit(_LIMIT)
)
"""The newest change of each object, and what there is of it: its row, its place in the trash."""
PURGED = Query(
    select(_change.object_id)
    .where(
        _change.owner_id == _OWNER,
        _change.kind == "task",
        _change.action == "purge",
        exists().where(
            _others.c.owner_id == _change.owner_id,
            _others.c.kind == "task",
            _others.c.object_id == _change.object_id,
            or_(_others.c.before.is_not(None), _others.c.after.is_not(None)),
        ),
    )
    .order_by(_change.object_id)
)
"""Tasks that were purged, but of which the journal still tells."""
TRASH = Query(
    select(
        _trash.task_id,
        _trash.seq,
        _trash.operation,
        _trash.body,
        _change.object_id,
        _change.action,
        _change.before,
        _change.operation.label("deleted_in"),
    )
    .select_from(
        _trashed.outerjoin(
            _changes, and_(_change.owner_id == _trash.owner_id, _change.seq == _trash.seq)
        )
    )
    .where(_trash.owner_id == _OWNER, _trash.task_id > _AFTER)
    .order_by(_trash.task_id)
    .limit(_LIMIT)
)
"""What is in the trash, each with the change that deleted it."""
_HAS_NO_PARENT = and_(_task.parent_id.is_not(None), _parents.c.id.is_(None))
_IS_APART = and_(_parents.c.id.is_not(None), _parents.c.list_id.is_distinct_from(_task.list_id))
_HAS_NO_LIST = and_(_task.list_id.is_not(None), _list.id.is_(None))
MISPLACED = Query(
    select(_task.id, _task.parent_id, _task.list_id, _parents.c.id.label("parent_found"))
    .select_from(
        _tasks.outerjoin(
            _parents,
            and_(_parents.c.id == _task.parent_id, _parents.c.owner_id == _task.owner_id),
        ).outerjoin(_lists, and_(_list.id == _task.list_id, _list.owner_id == _task.owner_id))
    )
    .where(_task.owner_id == _OWNER, or_(_HAS_NO_PARENT, _IS_APART, _HAS_NO_LIST))
    .order_by(_task.id)
)
"""Tasks below one, or in a list, that is not there; or in another list than the one above."""
PARENTS = Query(
    select(_task.id, _task.parent_id).where(_task.owner_id == _OWNER, _task.parent_id.is_not(None))
)
