"""JSON of our own rows, in answers, the journal and the trash: UTF-8, without spaces.

What others sent, in problems and in files to import, may hold more than this takes; pydantic
writes that, in the same form.
"""

from typing import Any

from orjson import dumps


def as_json(content: Any) -> bytes:
    """What is made of dicts, lists, texts, numbers up to 64 bits, booleans and None.

    Raises TypeError for anything else.
    """
    return dumps(content)
