"""The server that this person has logged in to, and the token for it: one file, theirs alone."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from taskhold.errors import StartupError


class Login(NamedTuple):
    """A server, and who one is there."""

    url: str
    token: str | None = None
    """None where the server asks for none: in open mode."""
    token_id: int | None = None
    username: str | None = None


def file_of_login() -> Path:
    """Where the system has programs keep their settings."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:  # https://specifications.freedesktop.org/basedir/latest/
        named = os.environ.get("XDG_CONFIG_HOME", "")
        folder = Path(named) if Path(named).is_absolute() else Path.home() / ".config"
    return folder / "taskhold" / "login.json"


def load_login() -> Login | None:
    """The login, if there is one. Raises StartupError for a file that others can read."""
    path = file_of_login()
    try:
        with path.open(encoding="utf-8") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                raise StartupError(f"{path} can be read by others; `chmod 600` it, or log in anew")
            kept = json.load(file)
            return Login(**{name: kept[name] for name in Login._fields if name in kept})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartupError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise StartupError(f"{path} is damaged; log in anew") from None


def save_login(login: Login) -> None:
    """Keep it, readable for its owner alone; the whole file is there or the one before."""
    path = file_of_login()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=".login-", dir=path.parent)  # of mode 0600
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(login._asdict(), file, indent=2)
            file.flush()
            os.fsync(number)
        Path(name).replace(path)
    except OSError as error:
        raise StartupError(f"{path} can't be written: {error.strerror}") from None


def forget_login() -> None:
    """Keep it no longer."""
    file_of_login().unlink(missing_ok=True)
