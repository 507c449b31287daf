"""How texts are compared where case and accents shall not matter."""

import unicodedata

TITLE_BYTES = 600
"""How much of a folded title is kept. An entry of PostgreSQL's index has room for 2,704 bytes
(https://www.postgresql.org/docs/current/btree.html), and the title itself may take 2,000."""


def fold(text: str) -> str:
    """`text` without case and accents: `Straße` and `STRASSE`, `Ä` and `a` come out the same.

    Compatibility decomposition, case folding and no combining marks
    (https://www.unicode.org/reports/tr15/, https://www.unicode.org/reports/tr21/).
    Never empty for a text that isn't: one of marks alone is kept as it is.
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char)) or text


def fold_title(title: str) -> str:
    """By what titles are sorted: folded, and cut to `TITLE_BYTES`; the whole title comes next.

    Latin titles are never cut, but for ligatures such as `ﷺ`.
    """
    return fold(title).encode()[:TITLE_BYTES].decode(errors="ignore")
