"""The lesson's own app as a file, and scripts run beside it, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Where main.py is."""

CREATED_AT = "    created_at: NaiveDatetime = Field(default_factory=datetime.utcnow)\n"
"""As the SQLModel of the lesson's day understood `datetime`."""
APP = """\
from datetime import datetime

from fastapi import Depends, FastAPI, HTTPException
from pydantic import NaiveDatetime
from sqlmodel import Field, Session, SQLModel, create_engine, select


class TaskBase(SQLModel):
    title: str
    done: bool = False


class Task(TaskBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
{created_at}

class TaskCreate(TaskBase):
    pass


class TaskUpdate(SQLModel):
    title: str | None = None
    done: bool | None = None


engine = create_engine("sqlite:///tasks.db", connect_args={{"check_same_thread": False}})


def get_session():
    with Session(engine) as session:
        yield session


SQLModel.metadata.create_all(engine)
app = FastAPI()


def find(task_id: int, session: Session):
    task = session.get(Task, task_id)
    if not task:
        raise HTTPException(status_code=404, detail="Task not found")
    return task


def save(task: Task, session: Session):
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.post("/tasks", response_model=Task, status_code=201)
def create_task(task: TaskCreate, session: Session = Depends(get_session)):
    return save(Task.model_validate(task), session)


@app.get("/tasks", response_model=list[Task])
def list_tasks(offset: int = 0, limit: int = 20, session: Session = Depends(get_session)):
    return session.exec(select(Task).offset(offset).limit(limit)).all()


@app.get("/tasks/{{task_id}}", response_model=Task)
def get_task(task_id: int, session: Session = Depends(get_session)):
    return find(task_id, session)


@app.patch("/tasks/{{task_id}}", response_model=Task)
def update_task(task_id: int, changes: TaskUpdate, session: Session = Depends(get_session)):
    task = find(task_id, session)
    for name, value in changes.model_dump(exclude_unset=True).items():
        setattr(task, name, value)
    return save(task, session)


@app.delete("/tasks/{{task_id}}", status_code=204)
def delete_task(task_id: int, session: Session = Depends(get_session)):
    session.delete(find(task_id, session))
    session.commit()
"""


def write_lessons_app(folder: Path, *, created_at: bool = False) -> None:
    """Put the lesson's app into `folder` as main_lesson.py, with exercise 1's column or without."""
    (folder / "main_lesson.py").write_text(APP.format(created_at=CREATED_AT if created_at else ""))


def run_script(folder: Path, script: str, *, exit_code: int = 0) -> str:
    """What a script prints that is run in `folder`, where `main` and `main_lesson` can be had."""
    script = f"import sys; sys.path.append({str(ROOT)!r})\n{script}"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == exit_code, ended.stderr
    return ended.stdout
