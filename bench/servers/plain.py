"""Tasks in the way of a first FastAPI and SQLModel app: `def` routes, a session for each request.

The lesson's app with the fields that a task of Taskhold has. `DATABASE_URL` says where; with
`TOKEN` set each request needs that one. Nothing else of FastAPI's or SQLAlchemy's is changed.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, create_engine, select


def _now() -> datetime:
    return datetime.now(UTC)


class TaskBase(SQLModel):
    """What a client sends."""

    title: str = Field(max_length=500)
    done: bool = False
    notes: str = ""
    due: str | None = None
    priority: str = "none"
    tags: list[str] = Field(default=[], sa_column=Column(JSON))
    list_id: int | None = None
    parent_id: int | None = None
    position: str = "a0"


class Task(TaskBase, table=True):
    """A task."""

    id: int | None = Field(default=None, primary_key=True)
    completed_at: datetime | None = None
    created_at: datetime = Field(default_factory=_now)
    updated_at: datetime = Field(default_factory=_now)
    version: int = 1


class TaskUpdate(SQLModel):
    """What may be changed."""

    title: str | None = None
    done: bool | None = None


class Token(SQLModel, table=True):
    """Who may call."""

    fingerprint: str = Field(primary_key=True)
    owner: str


URL = os.environ["DATABASE_URL"]
engine = create_engine(
    URL, connect_args={"check_same_thread": False} if URL.startswith("sqlite") else {}
)
SQLModel.metadata.create_all(engine)


def get_session() -> Iterator[Session]:
    """A session that ends with the request."""
    with Session(engine) as session:
        yield session


InSession = Annotated[Session, Depends(get_session)]


def check_token(session: InSession, authorization: Annotated[str, Header()] = "") -> None:
    """401 without a token that is known."""
    sent = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    if session.get(Token, sent) is None:
        raise HTTPException(401, detail="Not authenticated")


def _remember(token: str) -> None:
    fingerprint = hashlib.sha256(token.encode()).hexdigest()
    with Session(engine) as session:
        if session.get(Token, fingerprint) is None:
            session.add(Token(fingerprint=fingerprint, owner="ada"))
            session.commit()


if token := os.environ.get("TOKEN"):
    _remember(token)
app = FastAPI(dependencies=[Depends(check_token)] if token else [])


@app.post("/tasks", response_model=Task, status_code=201)
def create_task(task: TaskBase, session: InSession) -> Task:
    """Add a task."""
    added = Task.model_validate(task)
    session.add(added)
    session.commit()
    session.refresh(added)
    return added


@app.get("/tasks", response_model=list[Task])
def list_tasks(session: InSession, offset: int = 0, limit: int = 20) -> list[Task]:
    """List tasks."""
    return list(session.exec(select(Task).order_by(Task.id).offset(offset).limit(limit)).all())  # type: ignore[arg-type]


@app.get("/tasks/{task_id}", response_model=Task)
def get_task(task_id: int, session: InSession) -> Task:
    """Read one task."""
    task = session.get(Task, task_id)
    if task is None:
        raise HTTPException(404, detail="Task not found")
    return task


@app.patch("/tasks/{task_id}", response_model=Task)
def update_task(task_id: int, changes: TaskUpdate, session: InSession) -> Task:
    """Change what is sent."""
    task = get_task(task_id, session)
    for name, value in changes.model_dump(exclude_unset=True).items():
        setattr(task, name, value)
    task.updated_at = _now()
    task.version += 1
    session.add(task)
    session.commit()
    session.refresh(task)
    return task
