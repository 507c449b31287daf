"""The house: routes → operations → store, never back, and nothing happens at import."""

import ast
from contextlib import closing
from importlib.util import resolve_name
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import main
import taskhold
from taskhold.store import migrations, open_store
from tests.support.lesson import run_script
from tests.support.schema import differences_from_the_models

PACKAGE = Path(taskhold.__file__).parent
MODULES = {
    ".".join(("taskhold", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.stem.isidentifier()  # not the migrations, which Alembic loads by their files
}
FEATURES = sorted(path.parent.name for path in PACKAGE.glob("*/operations.py"))


def imports(path: Path, module: str) -> set[str]:
    """Every module that a file imports, and every name that it imports from one."""
    package = module.removesuffix(".__init__") if path.stem == "__init__" else module
    package = package if path.stem == "__init__" else package.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            found |= {source} | {f"{source}.{name.name}" for name in node.names}
    return found


def is_below(name: str, parents: tuple[str, ...]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def breaches(inside: str, forbidden: tuple[str, ...], stem: str | None = None) -> list[str]:
    """What modules below `inside` (with that file name) import of what they shall not."""
    return [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        if is_below(module, (inside,)) and stem in {None, path.stem}
        for name in sorted(imports(path, module))
        if is_below(name, forbidden)
    ]


HTTP = ("taskhold.http", "fastapi", "starlette", "uvicorn", "httptools")
ROUTES = tuple(f"taskhold.{feature}.routes" for feature in FEATURES)
OPERATIONS = tuple(f"taskhold.{feature}.operations" for feature in FEATURES)
ABOVE = ("taskhold.app", "taskhold.serving", "taskhold.reloading", "taskhold.cli", "main")


def test_the_reader_of_imports_finds_what_there_is() -> None:
    assert {"tasks", "journal"} <= set(FEATURES)
    assert "taskhold.http.route.Route" in imports(
        MODULES["taskhold.tasks.routes"], "taskhold.tasks.routes"
    )
    assert breaches("taskhold.tasks", ("taskhold.store",), "operations") != []


def test_the_store_knows_nothing_of_http_features_or_the_command_line() -> None:
    features = tuple(f"taskhold.{name}" for name in (*FEATURES, "accounts"))
    assert breaches("taskhold.store", (*HTTP, *features, *ABOVE)) == []


@pytest.mark.parametrize("feature", FEATURES)
def test_operations_know_nothing_of_http(feature: str) -> None:
    forbidden = (*HTTP, *ROUTES, *ABOVE, "taskhold.accounts.access")
    assert breaches(f"taskhold.{feature}", forbidden, "operations") == []


@pytest.mark.parametrize("feature", [*FEATURES, "accounts"])
def test_models_know_nothing_of_http_or_operations(feature: str) -> None:
    forbidden = (*HTTP, *ROUTES, *OPERATIONS, *ABOVE, "taskhold.accounts.access")
    assert breaches(f"taskhold.{feature}", forbidden, "models") == []


@pytest.mark.parametrize("feature", FEATURES)
def test_routes_know_no_sql(feature: str) -> None:
    forbidden = ("sqlalchemy", "sqlite3", "pysqlite3", *ABOVE)
    assert breaches(f"taskhold.{feature}", forbidden, "routes") == []


def test_what_all_routes_share_knows_no_feature_s_routes() -> None:
    assert breaches("taskhold.http", (*ROUTES, *ABOVE)) == []


def test_nothing_but_its_own_start_imports_the_command_line() -> None:
    allowed = {
        "taskhold.__main__ imports taskhold.cli",
        "taskhold.__main__ imports taskhold.cli.main",
    }
    found = {
        breach
        for breach in breaches("taskhold", ("taskhold.cli",))
        if not breach.startswith("taskhold.cli")
    }
    assert found <= allowed


def test_importing_any_module_opens_and_makes_nothing(tmp_path: Path) -> None:
    modules = sorted(
        module.removesuffix(".__init__")
        for module in MODULES
        # these two are programs: one runs inside Alembic, one is `python -m taskhold`
        if module not in {"taskhold.store.migrations.env", "taskhold.__main__"}
    )
    script = f"""
import importlib, sys
from taskhold.store.sqlite.library import choose
choose()
made = []
def watch(event, arguments):
    if event in ("socket.bind", "socket.connect", "sqlite3.connect", "subprocess.Popen"):
        made.append((event, arguments))
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        made.append((event, arguments))
sys.dont_write_bytecode = True
sys.addaudithook(watch)
for name in {modules!r}:
    importlib.import_module(name)
import gc, threading
from fastapi import FastAPI
print(made, [o for o in gc.get_objects() if isinstance(o, FastAPI)], threading.active_count())
"""
    assert run_script(tmp_path, script) == "[] [] 1\n"
    assert list(tmp_path.iterdir()) == []


def test_importing_the_lessons_main_opens_no_database(tmp_path: Path) -> None:
    assert run_script(tmp_path, "from main import app, Task; print(app.title)") == "Taskhold\n"
    assert list(tmp_path.iterdir()) == []


def test_main_has_the_names_of_the_lesson() -> None:
    assert main.Task.__tablename__ == "task"
    assert issubclass(main.Task, main.TaskBase)
    assert issubclass(main.TaskCreate, main.TaskBase)
    assert set(main.TaskBase.model_fields) == {"title", "done"}
    changed = set(main.TaskUpdate.model_fields)
    assert changed == set(main.TaskCreate.model_fields) > set(main.TaskBase.model_fields)
    assert set(main.TaskPublic.model_fields) > changed | {"id"}


def test_the_migrated_schema_is_that_of_the_models(empty_database_url: str) -> None:
    with closing(open_store(empty_database_url)) as store:
        store.open()
    assert differences_from_the_models(empty_database_url) == []


def test_the_known_revisions_are_the_scripts_that_there_are() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(revisions)) == migrations.REVISIONS
    assert scripts.get_heads() == [migrations.HEAD]
