"""The figures of `bench` and `bench.scale` as pictures: `python -m bench.plots FIGURES… FOLDER`.

    python -m bench --json speed.json
    python -m bench.scale --json scale.json
    python -m bench.plots speed.json scale.json docs/speed

Writes SVG, with the colours of the reader's light or dark background.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

Figure = dict[str, Any]

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #222 }
.title { font-size: 16px; font-weight: 600 }
.value { font-size: 12px; fill: #555 }
.line { stroke: #ccc; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #eee } .value { fill: #bbb } .line { stroke: #555 }
}
"""
COLOURS = {
    "taskhold": "#2a78d6",
    "plain": "#b8860b",
    "pocketbase": "#c2477f",
    "driver": "#5a9a5a",
    "bare": "#888888",
}
LINES = ("#2a78d6", "#c2477f", "#5a9a5a", "#b8860b", "#7a5cc0", "#3aa6a6", "#d0653a", "#888888")
NAMES = {
    "taskhold-sqlite": "Taskhold, SQLite",
    "taskhold-postgresql": "Taskhold, PostgreSQL",
    "plain-sqlite": "plain FastAPI, SQLite",
    "plain-postgresql": "plain FastAPI, PostgreSQL",
    "pocketbase": "PocketBase",
    "driver-sqlite": "driver alone, SQLite",
    "driver-postgresql": "driver alone, PostgreSQL",
    "bare": "bare ASGI answer",
}
WIDTH, LABELS, VALUES, ROW = 760, 190, 80, 20
LEFT, RIGHT, TOP, BOTTOM = 60, WIDTH - 270, 50, 370
BARS = {
    "cpu": ("CPU of the server, µs a request", "{:,.0f}", 1.0),
    "rate": ("Requests a second", "{:,.0f}", 1.0),
    "p50": ("Half of the answers come within, ms", "{:.2f}", 1e-3),
    "p99": ("99 of 100 answers come within, ms", "{:.2f}", 1e-3),
}
CONNECTIONS = 16


class Picture:
    """Pieces of an SVG of a fixed width, which grows downwards."""

    def __init__(self, title: str) -> None:
        self._pieces: list[str] = []
        self.height = 34
        self.text(0, 20, title, "title")
        self._title = title

    def text(self, x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> None:
        self._pieces.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{escape(content)}</text>"
        )

    def bar(self, x: float, y: float, width: float, colour: str) -> None:
        self._pieces.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{ROW - 6}" '
            f'rx="2" fill="{colour}"/>'
        )

    def line(self, points: Iterable[tuple[float, float]], colour: str | None = None) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        kind = f'fill="none" stroke-width="2" stroke="{colour}"' if colour else 'class="line"'
        self._pieces.append(f'<polyline points="{path}" {kind}/>')

    def write(self, path: Path) -> None:
        content = "\n".join(self._pieces)
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'role="img" aria-label="{escape(self._title)}">\n<style>{STYLE}</style>\n'
            f"{content}\n</svg>\n",
            encoding="utf-8",
        )


def bars(title: str, groups: dict[str, dict[str, float]], shown: Callable[[float], str]) -> Picture:
    """Groups of bars, one below the other; each group has a scale of its own."""
    picture = Picture(title)
    for name, values in groups.items():
        y = picture.height + 14
        picture.text(0, y, name)
        most = max(values.values())
        for system, value in values.items():
            y += ROW
            width = (WIDTH - LABELS - VALUES) * value / most
            picture.text(LABELS - 8, y, NAMES[system], "value", "end")
            picture.bar(LABELS, y - 12, width, COLOURS[system.partition("-")[0]])
            picture.text(LABELS + width + 6, y, shown(value), "value")
        picture.height = y + 12
    return picture


def speed(figures: list[Figure], folder: Path) -> None:
    """A picture of each measure, with and without a token, and one of the memory."""
    for access in dict.fromkeys(each["access"] for each in figures):
        mine = [each for each in figures if each["access"] == access]
        words = "with a token" if access == "token" else "open"
        for field, (title, shown, unit) in BARS.items():
            groups: dict[str, dict[str, float]] = {}
            for each in mine:
                if each.get("connections") == CONNECTIONS:
                    groups.setdefault(each["kind"], {})[each["system"]] = each[field] * unit
            if groups:
                whole = f"{title} ({CONNECTIONS} connections, {words})"
                bars(whole, groups, shown.format).write(folder / f"{field}-{access}.svg")
        memory = {each["system"]: each["memory"] for each in mine if "memory" in each}
        if memory:
            title = f"Memory of the server, MiB ({words})"
            bars(title, {"": memory}, "{:,.0f}".format).write(folder / f"memory-{access}.svg")


def scale(figures: list[Figure], folder: Path) -> None:
    """How the cost of each operation grows with the number of tasks in one account."""
    alone = sorted((each for each in figures if not each["accounts"]), key=lambda f: f["tasks"])
    sizes = [each["tasks"] for each in alone]
    database = alone[0]["database"]
    for field, unit in (("p50", "ms"), ("p99", "ms"), ("cpu", "µs of CPU")):
        picture = Picture(f"{field}, {unit}, by the number of tasks in one account ({database})")
        costs = {
            name: [max(each["costs"][name][field], 0.01) for each in alone]
            for name in alone[0]["costs"]
        }
        draw_lines(picture, sizes, costs)
        picture.write(folder / f"scale-{database}-{field}.svg")


def draw_lines(picture: Picture, sizes: list[int], costs: dict[str, list[float]]) -> None:
    """A line for each name, both ways by powers of ten, and their ends as numbers beside them."""
    low, high = min(map(min, costs.values())), max(map(max, costs.values()))
    across, down = Axis(sizes[0], sizes[-1], LEFT, RIGHT), Axis(low, high, BOTTOM, TOP)
    for step in (step * 10.0**power for power in range(-3, 6) for step in (1, 2, 5)):
        if low <= step <= high:
            y = down.place(step)
            picture.line([(LEFT, y), (RIGHT, y)])
            picture.text(LEFT - 8, y + 4, f"{step:g}", "value", "end")
    for size in sizes:
        picture.text(across.place(size), BOTTOM + 20, f"{size:,}", "value", "middle")
    placed = sorted(costs.items(), key=lambda item: -item[1][-1])
    for number, (name, values) in enumerate(placed):
        colour, row = LINES[number % len(LINES)], TOP + 10 + number * ROW
        places = zip(map(across.place, sizes), map(down.place, values), strict=True)
        picture.line(places, colour)
        picture.bar(RIGHT + 20, row - 11, 12, colour)
        picture.text(RIGHT + 38, row, f"{name}  {values[-1]:.3g}", "value")
    picture.height = max(BOTTOM + 32, TOP + 20 + len(placed) * ROW)


class Axis(NamedTuple):
    """From numbers to places, by powers of ten."""

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        part = math.log(value / self.low) / math.log(max(self.high / self.low, 1.01))
        return self.begin + (self.end - self.begin) * part


def main(paths: list[str], folder: Path) -> None:
    """Draw what is in these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        figures: list[Figure] = json.loads(Path(path).read_text())
        (scale if "costs" in figures[0] else speed)(figures, folder)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1:-1], Path(sys.argv[-1]))
