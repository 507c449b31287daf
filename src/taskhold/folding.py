"""How texts are compared where case and accents shall not matter."""

import unicodedata


def fold(text: str) -> str:
    """`text` without case and accents: `Straße` and `STRASSE`, `Ä` and `a` come out the same.

    Compatibility decomposition, case folding and no combining marks
    (https://www.unicode.org/reports/tr15/, https://www.unicode.org/reports/tr21/).
    Never empty for a text that isn't: one of marks alone is kept as it is.
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char)) or text
