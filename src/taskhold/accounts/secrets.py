"""Secrets that we give out. Only their fingerprints are kept."""

import hashlib
import secrets
import zlib

TOKEN_PREFIX = "thk_"  # noqa: S105
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN_DIGITS = 43
"""62^43 is just above 2^256."""
_CHECK_DIGITS = 6
_CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without those that look alike."""


def new_secret() -> str:
    """256 random bits for a cookie, as visible ASCII."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """256 random bits with a prefix that scanners find, and a checksum that tells typos."""
    random = _digits(secrets.randbits(256), _TOKEN_DIGITS)
    return f"{TOKEN_PREFIX}{random}{_checksum(random)}"


def is_token(text: str) -> bool:
    """Whether a token may be valid: looked at before the database is."""
    random = text.removeprefix(TOKEN_PREFIX)[:-_CHECK_DIGITS]
    return (
        text.startswith(TOKEN_PREFIX)
        and len(random) == _TOKEN_DIGITS
        and text.isascii()
        and text.endswith(_checksum(random))
    )


def new_setup_code() -> str:
    """About 79 random bits, in groups to be typed: `abcd-2345-efgh-6789`."""
    groups = ("".join(secrets.choice(_CODE_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def fingerprint(secret: str) -> str:
    """What is kept of a secret. No salt: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(random: str) -> str:
    return _digits(zlib.crc32(random.encode()), _CHECK_DIGITS)


def _digits(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
