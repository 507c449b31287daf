"""How texts are searched: the same on both databases, whatever language theirs is.

Texts are folded and then spelled in ASCII letters and digits alone, so that a plain comparison of
bytes finds what is meant and an index of three letters serves every script. No character's
spelling begins inside that of another one, so a part of the spelling is a part of the text.
"""

from collections.abc import Iterable

from taskhold.folding import Spelling, fold

LETTERS = 3
"""What the indexes have at a time."""
MOST_INDEXED = 24
"""Of these, how many are looked up; what is found is compared anyway."""
_AS_IT_IS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789 \n")
_FIRST = "ABCDEFGHIJKLM"
_FURTHER = "NOPQRSTUVWXYZ"
_BASE = len(_FURTHER)


def searched(*texts: str) -> str:
    """What is searched of a task: no word of `words` reaches from one text into the next."""
    return "\n".join(_spell(fold(text)) for text in texts)


def words(query: str) -> list[str]:
    """The words of a query, as they are searched; each once."""
    return list(dict.fromkeys(_spell(fold(word)) for word in query.split()))


def indexed(spelled: Iterable[str]) -> list[str]:
    """What an index of three letters can find of those words, which leaves little more than them.

    Every third three letters of each word, and its last ones: all of them, or their places in the
    text, would take twice as long to look up. None of a word that is shorter.
    """
    parts = (
        word[min(start, len(word) - LETTERS) :][:LETTERS]
        for word in spelled
        if len(word) >= LETTERS
        for start in range(0, len(word), LETTERS)
    )
    return list(dict.fromkeys(parts))[:MOST_INDEXED]


def _spell(folded: str) -> str:
    return folded.translate(_SPELLING)


def _spell_one(char: str) -> str:
    """One letter of `_FIRST` that says how many of `_FURTHER` follow, and part of the number."""
    if char in _AS_IT_IS:
        return char
    if char.isspace():
        return " "
    code = ord(char)
    if code < _BASE**2:
        return f"A{_further(code, 2)}"
    high, low = divmod(code, _BASE**4)
    if high < len(_FIRST) - 2:
        return f"{_FIRST[high + 2]}{_further(low, 4)}"
    return f"B{_further(code, 6)}"


def _further(code: int, digits: int) -> str:
    spelled = ""
    for _ in range(digits):
        code, digit = divmod(code, _BASE)
        spelled = _FURTHER[digit] + spelled
    return spelled


_SPELLING = Spelling(_spell_one)
