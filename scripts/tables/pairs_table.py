"""Print docs/pairs.csv as the section of a page: what is named of whom, how soon, and of whom else.

python scripts/tables/pairs_table.py [FILE.csv]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Row = Mapping[str, str]

TABLE = Path(__file__).resolve().parents[2] / "docs" / "pairs.csv"
NORMAL = {"normal": "a lab that is up", "rehearsed": "rehearsed", "in-haste": "rehearsed, in haste"}
_HEADER = (
    "| turned bad by | is called | seeds | named | delay, s: median (slowest) | also called |"
    " false alarms | others suspected |\n|---|---|---|---|---|---|---|---|"
)
_NORMAL_HEADER = (
    "| normal work | times as busy as the profiles | seeds | hours | device-hours | findings |"
    " suspected |\n"
    "|---|---|---|---|---|---|---|"
)


def section(path: Path = TABLE) -> str:
    """Give both tables as Markdown: of the pairs, and of normal work."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    bad = [row for row in rows if row["kind"] not in NORMAL]
    good = [row for row in rows if row["kind"] in NORMAL]
    lines = [_HEADER, *_pairs(bad), "", _NORMAL_HEADER, *_normal(good)]
    return "\n".join(lines) + "\n"


def _pairs(rows: Iterable[Row]) -> Iterator[str]:
    for kind, some in _by_kind(rows).items():
        delays = [float(row["delay"]) for row in some if row["delay"]]
        how_soon = f"{median(delays):.1f} ({max(delays):.1f})" if delays else "never"
        also = sorted({name for row in some for name in row["also"].split()})
        named = sum(row["named"] == "1" for row in some)
        cells = (
            f"`{kind}`",
            " or ".join(some[0]["expected"].split()),
            len(some),
            f"{named} of {len(some)}",
            how_soon,
            ", ".join(also) or "–",
            _sum(some, "false_alarms"),
            sum(len(row["suspected"].split()) for row in some),
        )
        yield _line(cells)


def _normal(rows: Iterable[Row]) -> Iterator[str]:
    for kind, some in _by_kind(rows).items():
        hours = [float(row["before"]) / 3600 for row in some]
        devices = [one * int(row["host"].split()[1]) for one, row in zip(hours, some, strict=True)]
        cells = (
            NORMAL[kind],
            " ".join(sorted({f"{float(row['pace']):g}" for row in some})),
            len(some),
            f"{sum(hours):.1f}",
            f"{sum(devices):.0f}",
            _sum(some, "false_alarms"),
            sum(len(row["suspected"].split()) for row in some),
        )
        yield _line(cells)


def _by_kind(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["kind"], []).append(row)
    return found


def _sum(rows: Iterable[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    print(section(*(Path(word) for word in sys.argv[1:2])), end="")
