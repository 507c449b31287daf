"""An account: as it is stored, as it comes in, as it goes out."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy import Boolean, Column, Identity, Index, Text, false
from sqlmodel import Field, SQLModel

from taskhold.shapes import STRICT
from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime, in_byte_order
from taskhold.texts import line_rules

OPEN_ACCOUNT_ID = 1
"""Owns what is made in open mode; the first account takes its place, and its tasks with it."""
OPEN_NAME = "open"
"""The actor of what is done in open mode."""
RETENTION = "retention"
"""The actor of what happens by age."""
RESERVED = frozenset({OPEN_NAME, "outside", "command", RETENTION})
"""Actors that are nobody's account."""
USERNAME_PATTERN = "^[0-9A-Za-z._@+-]{1,64}$"


def clean_username(name: str) -> str:
    """Raises PydanticCustomError for a name with anything but letters, digits and `. _ @ + -`.

    Of ASCII alone, so that no two names look the same; the display name may have any.
    """
    if not re.fullmatch(USERNAME_PATTERN, name):
        raise PydanticCustomError(
            "username", "should be 1 to 64 of the letters A to Z, digits and . _ @ + -"
        )
    if fold_username(name) in RESERVED:
        raise PydanticCustomError("reserved", "is a name that Taskhold uses itself")
    return name


def fold_username(name: str) -> str:
    """The form in which names are the same: `Ada` and `ada`."""
    return name.lower()


def login_name(text: str) -> str:
    """What a person types as a name; the empty one, which nobody has, for what is no name."""
    try:
        return clean_username(text)
    except PydanticCustomError:
        return ""


Username = Annotated[
    str,
    AfterValidator(clean_username),
    WithJsonSchema({"type": "string", "pattern": USERNAME_PATTERN, "examples": ["ada"]}),
]
DisplayName = Annotated[str, *line_rules(100, "Ada Lovelace")]
Password = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "format": "password", "examples": ["correct horse battery"]},
    ),
]
NewPassword = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "format": "password",
            "minLength": 12,
            "maxLength": 1000,
            "examples": ["correct horse battery"],
        },
    ),
]


class Account(Stored, table=True):
    """Somebody who owns tasks; without a name, nobody's yet."""

    __tablename__ = "account"
    __table_args__ = (
        Index("uq_account_username_folded", "username_folded", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
    username: str | None = Field(default=None, sa_column=Column(in_byte_order(Text)))
    username_folded: str | None = Field(default=None, sa_column=Column(in_byte_order(Text)))
    display_name: str | None = Field(default=None, sa_column=Column(Text))
    password: str | None = Field(default=None, sa_column=Column(Text))
    """argon2id, in its own notation."""
    admin: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )
    disabled: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )
    created_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class SetupCode(Stored, table=True):
    """What a server has printed while there was no account: whoever reads it may make the first."""

    __tablename__ = "setup_code"

    fingerprint: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class Credentials(SQLModel):
    """A name and a password."""

    model_config = STRICT

    username: str
    password: Password


class Registration(SQLModel):
    """A new account."""

    model_config = STRICT

    username: Username
    password: NewPassword
    display_name: DisplayName | None = None


class Setup(Registration):
    """The first account, and the code that the server printed."""

    model_config = STRICT

    code: str


class UserCreate(Registration):
    """A new account, made by an admin."""

    model_config = STRICT

    admin: bool = False
    disabled: bool = False


class UserUpdate(SQLModel):
    """What to change about an account; what is not sent stays as it is."""

    model_config = STRICT

    username: Username | None = None
    password: NewPassword | None = None
    display_name: DisplayName | None = None
    admin: bool | None = None
    disabled: bool | None = None


class MeUpdate(SQLModel):
    """What to change about oneself; a new password takes the one until now with it."""

    model_config = STRICT

    display_name: DisplayName | None = None
    password: NewPassword | None = None
    current_password: Password | None = None


class Me(SQLModel):
    """An account as its owner sees it."""

    id: int = Field(ge=1)
    username: str
    display_name: str
    admin: bool


class SetupState(SQLModel):
    """How far a server is set up, and who is asking."""

    needed: bool
    """Whether the first account is still to be made."""
    open_mode: bool
    """Whether the caller needs no login until then."""
    registration: bool
    """Whether anybody may make an account."""
    user: Me | None
    """Who is logged in, with a session's cookie or a token."""


class UserPublic(Me):
    """An account as an admin sees it."""

    disabled: bool
    created_at: Stamp


class LoggedIn(SQLModel):
    """Who is logged in now."""

    user: Me
