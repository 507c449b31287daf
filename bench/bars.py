"""Which bars the figures of `bench` keep: `python -m bench.bars speed.json`.

CPU of the server for a request, at 16 connections: against the plain app and the driver alone in
the worse of open and token, against PocketBase with tokens on both sides. The 99th of 100 times:
against PocketBase's in every cell.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Figure = dict[str, Any]

CONNECTIONS = 16


class Bar(NamedTuple):
    """How much of another system's CPU one of ours may take."""

    ours: str
    theirs: str
    most: dict[str, float]
    """By the kind of request."""
    access: tuple[str, ...] = ("open", "token")


BARS = (
    Bar("taskhold-sqlite", "plain-sqlite", dict.fromkeys(("get", "list", "create"), 1 / 6)),
    Bar("taskhold-postgresql", "plain-postgresql", dict.fromkeys(("get", "list", "create"), 1 / 5)),
    Bar("taskhold-sqlite", "pocketbase", {"get": 0.8, "list": 0.8, "create": 1.0}, ("token",)),
    Bar(
        "taskhold-postgresql",
        "driver-postgresql",
        dict.fromkeys(("get", "list", "create", "patch", "mix"), 1.5),
    ),
)


def compare(figures: list[Figure]) -> None:
    """Print a line for each bar that these figures tell of."""
    cells = {
        (each["system"], each["access"], each["kind"], each["connections"]): each
        for each in figures
        if "kind" in each
    }
    for bar in BARS:
        for kind, most in bar.most.items():
            parts = [
                cells[bar.ours, access, kind, CONNECTIONS]["cpu"] / theirs["cpu"]
                for access in bar.access
                if (theirs := cells.get((bar.theirs, access, kind, CONNECTIONS)))
                and (bar.ours, access, kind, CONNECTIONS) in cells
            ]
            if parts:
                verdict = "kept" if max(parts) <= most else "MISSED"
                print(
                    f"{verdict:6} {kind:6} {bar.ours} takes {max(parts):.2f} of the CPU of "
                    f"{bar.theirs}; {most:.2f} at the most"
                )
    slower = list(_slower_than_pocketbase(cells))
    for line in slower:
        print(f"MISSED {line}")
    if not slower and any(system == "pocketbase" for system, *_ in cells):
        print("kept   p99 of taskhold-sqlite is no worse than PocketBase's in any cell")


def _slower_than_pocketbase(cells: dict[Any, Figure]) -> Iterator[str]:
    for (system, access, kind, connections), theirs in cells.items():
        ours = cells.get(("taskhold-sqlite", access, kind, connections))
        if system == "pocketbase" and ours and ours["p99"] > theirs["p99"]:
            yield (
                f"{kind:6} p99 {ours['p99'] / 1e3:.2f} ms, PocketBase {theirs['p99'] / 1e3:.2f} ms "
                f"({access}, {connections} connections)"
            )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    compare(json.loads(Path(sys.argv[1]).read_text()))
