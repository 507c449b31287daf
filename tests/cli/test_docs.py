"""docs/commands.md names what there is. What it shows is compared in tests/docs."""

import re

from taskhold.cli.commands import SECTIONS
from tests.support.lesson import ROOT

PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_the_page_names_every_daily_command() -> None:
    for name in SECTIONS["Tasks"] | SECTIONS["Login and shell"]:
        assert re.search(rf"taskhold {name}\b", PAGE), name
