"""How texts are compared where case and accents shall not matter."""

import unicodedata
from collections.abc import Callable

TITLE_BYTES = 600
"""How much of a folded title is kept. An entry of PostgreSQL's index has room for 2,704 bytes
(https://www.postgresql.org/docs/current/btree.html), and the title itself may take 2,000."""


class Spelling(dict[int, str | None]):
    """What becomes of each character, for `str.translate`, worked out once for those that come."""

    def __init__(self, spell: Callable[[str], str | None]) -> None:
        super().__init__()
        self._spell = spell

    def __missing__(self, code: int) -> str | None:
        if len(self) > MOST_KNOWN:
            self.clear()
        found = self[code] = self._spell(chr(code))
        return found


MOST_KNOWN = 20_000
"""Characters that are kept in memory, about a megabyte."""
_WITHOUT_MARKS = Spelling(lambda char: None if unicodedata.combining(char) else char)


def fold(text: str) -> str:
    """`text` without case and accents: `Straße` and `STRASSE`, `Ä` and `a` come out the same.

    Compatibility decomposition, case folding and no combining marks
    (https://www.unicode.org/reports/tr15/, https://www.unicode.org/reports/tr21/).
    Never empty for a text that isn't: one of marks alone is kept as it is.
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return decomposed.translate(_WITHOUT_MARKS) or text


def fold_title(title: str) -> str:
    """By what titles are sorted: folded, and cut to `TITLE_BYTES`; the whole title comes next.

    Latin titles are never cut, but for ligatures such as `ﷺ`.
    """
    return fold(title).encode()[:TITLE_BYTES].decode(errors="ignore")
