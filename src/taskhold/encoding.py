"""JSON as answers have it, the journal and the log: UTF-8, without spaces."""

from typing import Any

from orjson import dumps


def as_json(content: Any) -> bytes:
    """What is made of dicts, lists, texts, numbers up to 64 bits, booleans and None.

    Raises TypeError for anything else.
    """
    return dumps(content)
