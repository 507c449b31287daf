"""A PostgreSQL URL: what the driver takes, and what a person may see of it."""

from typing import NamedTuple, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from taskhold.errors import StartupError

_UNESCAPED = (
    "The database URL can't be read; write special characters of its password as %XX "
    "(%40 for @, %2F for /, %23 for #, %3F for ?, %5B for [)"
)


class Address(NamedTuple):
    """Where the database is."""

    dsns: list[str]
    """The URL as the driver takes it, with the password: one for each host in it. The host that was
    the primary when last asked comes first, so that a silent one is waited for once."""
    shown: str
    """The URL without its password and options."""
    options: frozenset[str]
    """The names of the options in it."""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`postgresql://user:password@host:5432/name?sslmode=verify-full`, as libpq has it.

        https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
        A driver behind the scheme, as SQLAlchemy has it, is left out: ours is always the same.
        Raises StartupError, exit code 2, without any part of the URL.
        """
        _, separator, rest = url.partition("://")
        try:
            if not separator:
                raise ValueError
            parts = urlsplit(f"postgresql://{rest}")
            options = parse_qs(
                parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)
            )
        except ValueError:
            raise StartupError(_UNESCAPED, exit_code=2) from None
        if _password_is_unescaped(parts):
            raise StartupError(_UNESCAPED, exit_code=2)
        user, at, host = parts.netloc.rpartition("@")
        shown = f"postgresql://{user.partition(':')[0]}{at}{host}{parts.path}"
        behind = rest.removeprefix(parts.netloc)
        dsns = [f"postgresql://{user}{at}{one}{behind}" for one in host.split(",")]
        return cls(dsns, shown, frozenset(options))


def _password_is_unescaped(parts: SplitResult) -> bool:
    return (
        parts.netloc.count("@") > 1
        or bool(parts.fragment)
        or "@" in parts.path
        or "@" in parts.query
    )
