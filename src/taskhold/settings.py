"""The settings, each a `TASKHOLD_*` variable; `docs/settings.md` says what they do."""

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from taskhold.errors import StartupError

PREFIX = "TASKHOLD_"
OF_THE_COMMAND_LINE = frozenset({"TASKHOLD_URL", "TASKHOLD_TOKEN"})
"""Variables that say which server commands are about; the server itself has no use for them."""
_ORIGIN = re.compile(r"https?://[^/?#@\s*]+")
"""Scheme, host and port, RFC 6454 section 6.2."""
_TIME = re.compile("([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(BaseSettings):
    """What a person can set. Every name here is `TASKHOLD_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    database_url: str = "sqlite:///tasks.db"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    public_url: str | None = None
    trusted_proxies: str | None = None
    cors_origins: str | None = None
    open_mode: bool = True
    registration: Literal["closed", "open"] = "closed"
    trash_days: int = Field(default=30, ge=1, le=36_500)
    journal_days: int = Field(default=365, ge=1, le=36_500)
    backup_folder: str | None = None
    backup_every: str = "24h"
    backup_keep: int = Field(default=7, ge=1, le=10_000)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "pretty", "json"] = "auto"
    log_requests: bool = False

    @field_validator("public_url")
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("should start with http:// or https://")
        return value

    @field_validator("backup_every")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if not _TIME.fullmatch(value):
            raise ValueError("should be minutes, hours or days, as 90m, 24h or 7d")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str | None) -> str | None:
        try:
            _networks(value)
        except ValueError:
            raise ValueError(
                "should be addresses or networks with commas between, as 10.0.0.5,192.168.0.0/16"
            ) from None
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str | None) -> str | None:
        if not all(_ORIGIN.fullmatch(each) for each in _split(value)):
            raise ValueError("should be origins with commas between, as https://app.example.com")
        return value

    @property
    def backups_apart(self) -> timedelta:
        """How far apart scheduled backups are."""
        matched = _TIME.fullmatch(self.backup_every)
        assert matched is not None
        return timedelta(**{_UNITS[matched[2]]: int(matched[1])})

    @cached_property
    def other_origins(self) -> frozenset[bytes]:
        """The origins, as a browser sends them, whose pages may read and write with a token."""
        return frozenset(each.lower().encode() for each in _split(self.cors_origins))

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of the proxies that are believed."""
        return _networks(self.trusted_proxies)

    @classmethod
    def from_environment(cls, **given: object) -> Self:
        """The settings of this process; `given` (the command line's) wins over the variables.

        Raises StartupError, exit code 2, for a name that is no setting or a value that can't be.
        """
        _refuse_unknown_names(os.environ)
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + str(first["loc"][0]).upper()
            raise StartupError(
                f"{name}: {first['msg'].removeprefix('Value error, ')}", exit_code=2
            ) from None


def _split(text: str | None) -> list[str]:
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def _networks(text: str | None) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(each.strip()) for each in (text or "").split(",") if each)


def _refuse_unknown_names(environment: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | OF_THE_COMMAND_LINE
    for name in environment:
        if name.startswith(PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise StartupError(f"{name} is not a setting of Taskhold{hint}", exit_code=2)
