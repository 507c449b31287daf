"""Many operations on tasks in one transaction: all of them, or nothing."""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Discriminator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

from taskhold.errors import FieldError, Problem, Validation
from taskhold.journal.operations import Author
from taskhold.shapes import LARGEST_ID, STRICT, unless_sent
from taskhold.store import Row, Tx
from taskhold.tasks import operations
from taskhold.tasks.models import TaskCreate, TaskPublic, TaskUpdate

MOST_OPERATIONS = 200
_EARLIER = re.compile("#(0|[1-9][0-9]{0,2})")


def _id_or_earlier(value: object) -> int | str:
    if type(value) is int and 1 <= value <= LARGEST_ID:
        return value
    if isinstance(value, str) and _EARLIER.fullmatch(value):
        return value
    raise PydanticCustomError("id", "should be an id, or “#” and the number of an operation")


TaskRef = Annotated[
    int | str,
    PlainValidator(_id_or_earlier),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LARGEST_ID},
                {"type": "string", "pattern": f"^{_EARLIER.pattern}$"},
            ],
            "description": "An id, or `#0` for the task that operation 0 of this batch gave.",
            "examples": [1, "#0"],
        }
    ),
]


class BatchTaskCreate(TaskCreate):
    """A new task in a batch."""

    parent_id: TaskRef | None = Field(  # type: ignore[assignment]
        default=None, description="The task that this is a part of, in the same list."
    )


class BatchTaskUpdate(TaskUpdate):
    """What to change in a batch."""

    parent_id: TaskRef | None = unless_sent(  # type: ignore[assignment]
        "Takes its subtasks along, into the parent's list."
    )


class CreateOperation(SQLModel):
    """Add a task."""

    model_config = STRICT

    op: Literal["create"]
    task: BatchTaskCreate


class UpdateOperation(SQLModel):
    """Change the fields of a task that are sent."""

    model_config = STRICT

    op: Literal["update"]
    id: TaskRef
    changes: BatchTaskUpdate
    if_version: int | None = Field(default=None, ge=1, description="Else the batch fails: 412.")


class DeleteOperation(SQLModel):
    """Move a task and its subtasks to the trash."""

    model_config = STRICT

    op: Literal["delete"]
    id: TaskRef
    if_version: int | None = Field(default=None, ge=1, description="Else the batch fails: 412.")


EXAMPLE_BATCH: dict[str, Any] = {
    "operations": [
        {"op": "create", "task": {"title": "Move house"}},
        {"op": "create", "task": {"title": "Order boxes", "parent_id": "#0"}},
        {"op": "update", "id": 1, "changes": {"done": True}, "if_version": 2},
        {"op": "delete", "id": 7},
    ]
}


class Batch(SQLModel):
    """Up to 200 operations, done in their order."""

    model_config = SQLModelConfig(
        extra="forbid", strict=True, json_schema_extra={"example": EXAMPLE_BATCH}
    )
    largest_body: ClassVar[int] = 16 * 1024 * 1024

    operations: list[
        Annotated[CreateOperation | UpdateOperation | DeleteOperation, Discriminator("op")]
    ] = Field(min_length=1, max_length=MOST_OPERATIONS)


class BatchResults(SQLModel):
    """What each operation gave, in their order."""

    results: list[TaskPublic | None] = Field(
        description="The task as its operation left it; null for a deletion."
    )


async def run(tx: Tx, author: Author, batch: Batch) -> list[Row | None]:
    """What each operation gave.

    Raises the problem of the first one that fails, with `operation` set to its number.
    """
    results: list[Row | None] = []
    for number, operation in enumerate(batch.operations):
        try:
            results.append(await _run(tx, author, operation, results))
        except Problem as problem:
            problem.operation = number
            raise
    return results


async def _run(
    tx: Tx,
    author: Author,
    operation: CreateOperation | UpdateOperation | DeleteOperation,
    results: list[Row | None],
) -> Row | None:
    if isinstance(operation, CreateOperation):
        return await operations.create(tx, author, _settled(operation.task, TaskCreate, results))
    task_id = _id_of(operation.id, results, "id")

    def may_change(version: int) -> bool:
        return operation.if_version in (None, version)

    if isinstance(operation, DeleteOperation):
        await operations.remove(tx, author, task_id, may_change)
        return None
    changes = _settled(operation.changes, TaskUpdate, results)
    return await operations.change(tx, author, task_id, changes, may_change)


def _settled(sent: BaseModel, kind: Any, results: list[Row | None]) -> Any:
    """The same with the id that `parent_id` refers to."""
    fields = {name: getattr(sent, name) for name in sent.model_fields_set}
    if isinstance(fields.get("parent_id"), str):
        fields["parent_id"] = _id_of(fields["parent_id"], results, "parent_id")
    return kind.model_validate(fields)


def _id_of(reference: int | str, results: list[Row | None], field: str) -> int:
    if isinstance(reference, int):
        return reference
    number = int(reference[1:])
    result = results[number] if number < len(results) else None
    if result is None:
        message = "names no earlier operation that gave a task"
        raise Validation([FieldError("body", field, message, "reference")])
    task_id: int = result["id"]
    return task_id
