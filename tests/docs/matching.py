"""Does a command say what its page shows? Word for word, but for what is of the moment.

Times, hashes, codes and the like are compared by their shape, and remembered: a page that shows one
again, or uses it in a later command, means the one that really came.
"""

import re

from tests.docs.pages import ANYTHING

_SHAPES = (
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",  # a time
    r"\d{8}T\d{6}Z",  # a time in the name of a file
    r"(?<=\")[0-9a-f]{8}(?=(?:\.\d+)+\")",  # a database's lineage, in an ETag
    r"\b[0-9a-z]{4}(?:-[0-9a-z]{4}){3}\b",  # the code for the first account
    r"\bthk_[0-9A-Za-z]{20,}",  # a token
    r"\b[0-9a-f]{8}-\d+\b",  # the id of a request
    r"(?<=Taskhold )\d+\.\d+\.\d+",  # the version
    r"(?<=after=)[\w-]{8,}",  # a cursor
    r"(?<= 422 )Unprocessable \w+",  # each Python has its own word for it
)
_SHAPE = re.compile("|".join(f"({shape})" for shape in _SHAPES))
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x1b\x07]*(?:\x1b\\|\x07)")
"""Colours and links of a terminal."""
_HEAD = re.compile(r"HTTP/\d(?:\.\d)? \d{3}")


class Memory:
    """What a page shows, and what really came in its place."""

    def __init__(self, known: dict[str, str]) -> None:
        """`known`: what is known before, as the number of the port."""
        self._known = dict(known)

    def as_it_is(self, typed: str) -> str:
        """A command with what really came."""
        for shown, real in sorted(self._known.items(), key=lambda pair: -len(pair[0])):
            typed = typed.replace(shown, real)
        return typed

    def matches(self, shown: list[str], said: str) -> bool:
        """Whether `said` is what is shown; what varies in it is remembered then."""
        said = _ESCAPE.sub("", said).replace("\r", "")
        said = "\n".join(line.rstrip() for line in said.split("\n")).strip("\n")
        shown = "\n".join(line.rstrip() for line in shown).strip("\n").split("\n")
        if _HEAD.match(shown[0]):
            return self._matches_answer(shown, said)
        return self._matches_text(shown, said)

    def _matches_answer(self, shown: list[str], said: str) -> bool:
        """An HTTP answer: the page may leave headers out."""
        blank = shown.index("") if "" in shown else len(shown)
        head, _, body = said.partition("\n\n")
        status, *headers = head.split("\n")
        if not self._matches_text([shown[0]], status):
            return False
        if not all(any(self._matches_text([s], h) for h in headers) for s in shown[1:blank]):
            return False
        return self._matches_text(shown[blank + 1 :], body)

    def _matches_text(self, shown: list[str], said: str) -> bool:
        if shown[:1] and shown[0][:1] in ("{", "["):  # JSON may be broken into lines
            shown = ["".join(line.strip() for line in shown)]
        names: dict[str, str] = {}
        pattern = "\n".join(self._pattern(line, names) for line in shown)
        pattern = pattern.replace(f"{_ANY_LINES}\n", rf"(?:{_ANY_LINES}\n)?")
        pattern = pattern.replace(f"\n{_ANY_LINES}", rf"(?:\n{_ANY_LINES})?")
        found = re.fullmatch(pattern, said)
        if found is None:
            return False
        self._known |= {text: found[name] for text, name in names.items()}
        return True

    def _pattern(self, line: str, names: dict[str, str]) -> str:
        if line == ANYTHING:
            return _ANY_LINES
        pattern, end = "", 0
        for varying in _SHAPE.finditer(line):
            pattern += self._literally(line[end : varying.start()])
            end = varying.end()
            text = varying.group()
            if text in self._known:
                pattern += re.escape(self._known[text])
            elif text in names:
                pattern += f"(?P={names[text]})"
            else:
                names[text] = f"v{len(names)}"
                assert varying.lastindex
                pattern += f"(?P<{names[text]}>{_SHAPES[varying.lastindex - 1]})"
        return pattern + self._literally(line[end:])

    def _literally(self, text: str) -> str:
        return "[^\n]*?".join(re.escape(self.as_it_is(part)) for part in text.split(ANYTHING))


_ANY_LINES = r"(?s:.*?)"
