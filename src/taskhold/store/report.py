"""What was looked at, and what was found to be wrong."""

from dataclasses import dataclass, field
from typing import Any

MOST_EXAMPLES = 5


@dataclass
class Check:
    """One kind of thing that was looked at."""

    name: str
    looked_at: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)
    """Sentences, of the first that are wrong."""
    advice: str = ""


class Report:
    """The checks that were made of a database."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.broken = ""
        """The first thing that leaves the whole of no use; empty where it can be used."""

    @property
    def checks(self) -> list[Check]:
        """In the order in which they were begun."""
        return list(self._checks.values())

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not any(check.wrong for check in self.checks)

    def looked_at(self, name: str, count: int = 1) -> None:
        """So many more of them were looked at."""
        self._of(name).looked_at += count

    def wrong(self, name: str, sentence: str, advice: str, *, breaks: bool = False) -> None:
        """One is wrong, and what to do about it; `breaks` where nothing can be trusted then."""
        if breaks and not self.broken:
            self.broken = sentence
        check = self._of(name)
        check.wrong += 1
        check.advice = check.advice or advice
        if len(check.examples) < MOST_EXAMPLES:
            check.examples.append(sentence)

    def document(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "is_well": self.is_well,
            "checks": [
                {
                    "name": check.name,
                    "looked_at": check.looked_at,
                    "wrong": check.wrong,
                    "examples": check.examples,
                    "advice": check.advice or None,
                }
                for check in self.checks
            ],
        }

    def _of(self, name: str) -> Check:
        return self._checks.setdefault(name, Check(name))
