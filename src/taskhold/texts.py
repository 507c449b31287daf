"""Texts: titles and names of one line, notes of many."""

from typing import Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space property (https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt)."""
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_SPACE = r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def line_rules(longest: int, example: str) -> tuple[Any, ...]:
    """For `Annotated`: 1 to `longest` characters, trimmed, none of them a control character."""

    def clean(text: str) -> str:
        cleaned = text.strip(WHITE_SPACE)
        if not cleaned:
            raise PydanticCustomError("blank", "should not be blank")
        if len(cleaned) > longest:
            raise PydanticCustomError("too_long", f"should have at most {longest} characters")
        if not cleaned.isprintable() and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in cleaned):
            raise PydanticCustomError("control_character", "should have no control characters")
        return cleaned

    pattern = (
        rf"^[{_SPACE}]*[^{_CONTROL}{_SPACE}]"
        rf"([^{_CONTROL}]{{0,{longest - 2}}}[^{_CONTROL}{_SPACE}])?[{_SPACE}]*$"
    )
    schema = {"type": "string", "pattern": pattern, "examples": [example]}
    return AfterValidator(clean), WithJsonSchema(schema)


def text_rules(longest: int) -> tuple[Any, ...]:
    """For `Annotated`: up to `longest` characters, kept as they are; NUL alone is refused.

    PostgreSQL's texts have no room for it
    (https://www.postgresql.org/docs/current/datatype-character.html).
    """

    def check(text: str) -> str:
        if len(text) > longest:
            raise PydanticCustomError("too_long", f"should have at most {longest:,} characters")
        if "\0" in text:
            raise PydanticCustomError("control_character", "should have no NUL character")
        return text

    schema = {"type": "string", "pattern": "^[^\\u0000]*$", "maxLength": longest}
    return AfterValidator(check), WithJsonSchema(schema)
