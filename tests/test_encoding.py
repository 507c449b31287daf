"""JSON is written as it always was, since a journal is compared with its tasks by bytes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from taskhold.encoding import as_json

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(), st.lists(st.text())
)


@given(st.dictionaries(st.text(), VALUES))
def test_journals_of_earlier_versions_have_the_same_bytes(content: dict[str, Any]) -> None:
    assert as_json(content) == to_json(content)
