"""The settings are those that docs/settings.md describes."""

import re

import pytest

from taskhold.errors import StartupError
from taskhold.settings import OF_THE_COMMAND_LINE, PREFIX, Settings
from tests.support.lesson import ROOT


def test_the_page_of_settings_names_each_of_them_with_its_default() -> None:
    row = re.compile(rf"^\| `?({PREFIX}\w+)`? \| `?(.*?)`? \| (.+) \|$", re.MULTILINE)
    described = row.findall((ROOT / "docs" / "settings.md").read_text(encoding="utf-8"))
    defaults = {
        PREFIX + name.upper(): "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert {
        name: default if default in {"", *defaults.values()} else default.title()
        for name, default, _ in described
    } == defaults
    assert len(described) == len(defaults)


def test_the_page_of_settings_invents_none() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", page)) == known | OF_THE_COMMAND_LINE


def test_a_server_starts_where_commands_are_about_another(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_THE_COMMAND_LINE:
        monkeypatch.setenv(name, "http://localhost")
    assert Settings.from_environment() == Settings()
    monkeypatch.setenv("TASKHOLD_TOKN", "thk_…")
    with pytest.raises(StartupError, match="did you mean TASKHOLD_TOKEN"):
        Settings.from_environment()
