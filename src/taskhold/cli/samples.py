"""Tasks as somebody might have them, made up from a few words. The same number, the same tasks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

LISTS = (
    *("Home", "Work", "Groceries", "Garden", "Travel", "Reading", "Health", "Money", "Band"),
    *("Side project", "House move", "Someday"),
)
_VERBS = (
    *("Ask", "Book", "Buy", "Call", "Cancel", "Check", "Clean", "Compare", "Copy", "Draft"),
    *("Email", "Explain", "File", "Find", "Finish", "Fix", "Fold", "Frame", "Hang", "Invite"),
    *("Label", "Measure", "Mend", "Move", "Order", "Pack", "Paint", "Pay", "Phone", "Plan"),
    *("Print", "Proofread", "Prune", "Reply to", "Return", "Review", "Scan", "Sell", "Send"),
    *("Sharpen", "Sign", "Sketch", "Sort", "Test", "Translate", "Update", "Wash", "Weigh", "Write"),
)
_KINDS = (
    *("annual", "blue", "broken", "cheap", "final", "first", "green", "heavy", "last", "little"),
    *("long", "missing", "monthly", "new", "next", "old", "overdue", "quarterly", "quiet", "rough"),
    *("second", "shared", "spare", "torn", "urgent", "used", "winter", "wooden"),
)
_THINGS = (
    *("agenda", "apron", "attic", "balcony", "bicycle", "blanket", "boiler", "bookshelf", "boots"),
    *("budget", "calendar", "camera", "candles", "carpet", "certificate", "chairs", "chapter"),
    *("cheque", "contract", "cupboard", "curtains", "database", "deposit", "desk", "diagram"),
    *("dishwasher", "drawing", "drill", "essay", "fence", "flights", "form", "freezer", "garage"),
    *("gift", "guitar", "gutter", "hedge", "hotel", "insurance", "interview", "invoice", "jacket"),
    *("kettle", "keys", "kitchen", "ladder", "lamp", "lease", "letter", "library books", "luggage"),
    *(
        "manual",
        "manuscript",
        "map",
        "mattress",
        "medicine",
        "meeting",
        "menu",
        "minutes",
        "mirror",
    ),
    *("notebook", "oven", "parcel", "passport", "password", "photos", "piano", "pillow", "poster"),
    *("prescription", "presentation", "printer", "proposal", "puncture", "questionnaire", "quilt"),
    *("receipts", "recipe", "report", "roof", "saddle", "scarf", "schedule", "seeds", "server"),
    *(
        "shed",
        "shoes",
        "shopping",
        "slides",
        "soup",
        "spreadsheet",
        "stamps",
        "survey",
        "tax return",
    ),
    *("tent", "thermostat", "tickets", "tomatoes", "towels", "translation", "tyres", "umbrella"),
    *("vaccination", "venue", "violin", "visa", "wallpaper", "warranty", "website", "windows"),
)
_LINKS = ("about", "and thank", "before seeing", "for", "from", "together with", "with")
_PEOPLE = (
    *("Ada", "Amir", "Anneke", "Ben", "Chiara", "Daniel", "Elif", "Emil", "Fatima", "Giulia"),
    *("Grandma", "Hugo", "Ines", "Jonas", "José", "Kwame", "Lena", "Malik", "Mei", "Mum"),
    *("Nadia", "Olga", "Oskar", "Priya", "Renée", "Sami", "Søren", "the bank", "the dentist"),
    *("the landlord", "the library", "the neighbours", "the school", "the surveyor", "Tomás"),
    *("Uncle Theo", "Yuki", "Zoë"),
)
_WHEN = (
    *(
        "after lunch",
        "again",
        "at last",
        "before the holidays",
        "by Friday",
        "early",
        "if it rains",
    ),
    *("in Bergen", "in Kraków", "in Lisbon", "in Zürich", "next week", "on Monday", "this time"),
    *("today", "tomorrow morning", "while it is dry", "with care"),
)
_NOTES = (
    "The figures are in the shared folder.",
    "Bring the old one along, they take it back.",
    "Ring twice; the bell at the gate is broken.",
    "They open at nine and close for lunch.",
    "It has to be the larger size this time.",
    "Last year it took two afternoons.",
    "Ask whether the price includes delivery.",
    "See https://example.com/how-to for the details.",
    "The reference number is on the back of the letter.",
    "Not before the paint is dry.",
    "Half of it is done, the rest is in the blue box.",
    "Keep the receipt for the insurance.",
)
_TAGS = (
    *("home", "work", "errand", "phone", "email", "waiting", "someday", "quick", "deep work"),
    *("money", "health", "family", "friends", "garden", "kitchen", "car", "bicycle", "travel"),
    *("school", "music", "reading", "writing", "shopping", "repair", "gift", "paperwork", "tax"),
    *("weekend", "evening", "online", "idea", "meeting", "review", "Büro", "holiday", "pets"),
)
_SYLLABLES = tuple("".join(pair) for pair in product("bdfgklmnprstvz", "aeiou"))
_ZONES = ("Z", "+01:00", "+05:30", "-08:00")
_PRIORITIES = ("none",) * 10 + ("low",) * 3 + ("medium",) * 4 + ("high",) * 3
MOST_WORDS = 8
DUE_DAYS = range(-400, 330)


class Samples:
    """Tasks without their lists and parents, one after the other."""

    def __init__(self, random_seed: int | None, today: date | None = None) -> None:
        self._random = Random(random_seed)  # noqa: S311  nothing secret
        self._days = [
            ((today or datetime.now(UTC).date()) + timedelta(days=days)).isoformat()
            for days in DUE_DAYS
        ]

    def list_id(self, lists: list[int]) -> int | None:
        """One of these lists, or none: the first ones are the fullest."""
        if not lists or self._random.random() < 0.35:
            return None
        return lists[int(len(lists) * self._random.random() ** 2)]

    def one(self, choices: Sequence[T]) -> T:
        """Any of these."""
        return choices[int(len(choices) * self._random.random())]

    def task(self) -> dict[str, Any]:
        """A task with the fields of a `TaskCreate` that nothing else decides."""
        chance = self._random.random
        return {
            "title": self._title(),
            "done": chance() < 0.6,
            "notes": self._notes() if chance() < 0.3 else "",
            "due": self._due() if chance() < 0.4 else None,
            "priority": self.one(_PRIORITIES),
            "tags": self._tags(),
        }

    def _title(self) -> str:
        """Three to eight words; one title in twelve has one that few others have."""
        chance = self._random.random
        title = f"{self.one(_VERBS)} the "
        if chance() < 0.5:
            title += f"{self.one(_KINDS)} "
        title += self.one(_THINGS)
        if chance() < 0.45:
            title += f" {self.one(_LINKS)} {self.one(_PEOPLE)}"
        if chance() < 0.08:
            title += f" {self._rare()}"
        elif chance() < 0.3:
            title += f" {self.one(_WHEN)}"
        return title if title.count(" ") < MOST_WORDS else self._title()

    def _notes(self) -> str:
        sentences = [self.one(_NOTES) for _ in range(1 + self._number(3))]
        if self._random.random() < 0.1:
            sentences.append(f"{self._rare().capitalize()} knows more.")
        return ("\n" if self._random.random() < 0.2 else " ").join(sentences)

    def _due(self) -> str:
        day = self.one(self._days)
        if self._random.random() < 0.75:
            return day
        return f"{day}T{self._number(24):02}:{self._number(12) * 5:02}:00{self.one(_ZONES)}"

    def _tags(self) -> list[str]:
        chance = self._random.random
        tags: dict[str, None] = {}
        for _ in range(self._number(4)):
            if chance() < 0.02:
                tags[f"project {self._rare()}"] = None
            else:
                tags[_TAGS[int(len(_TAGS) * chance() ** 2)]] = None
        return list(tags)

    def _rare(self) -> str:
        """One of 24,010,000 words; the first syllables are the most common."""
        chance = self._random.random
        return "".join(_SYLLABLES[int(70 * chance() ** 1.5)] for _ in range(4))

    def _number(self, below: int) -> int:
        return int(below * self._random.random())
