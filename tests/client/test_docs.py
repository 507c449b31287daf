"""docs/client.md: every piece of Python in it runs."""

import re

import pytest

from tests.support.lesson import ROOT
from tests.support.servers import LiveServer

PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


@pytest.mark.database("sqlite")
def test_every_example_runs(server: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 6
    for example in examples:
        exec(example, {"url": server.url, "token": None})  # noqa: S102
    assert capsys.readouterr().out.splitlines() == [
        *("1 Buy paint True", "1", "it is Draft 2 now", "9 create task 6"),
    ]
