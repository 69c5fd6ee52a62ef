"""Rebuild the shipped models and write every figure that the documents tell of them.

    python scripts/figures.py --shared DIR                   the usual steps: about an hour
    python scripts/figures.py --shared DIR --all             and the lab's and netml's: hours more
    python scripts/figures.py --shared DIR --only roles types

DIR is the folder with labels.csv and the labelled captures. Each step runs one script that measures
and prints tables; they go between its marks in a document, or are the whole document. What is
missed stands in the tables beside what is reached. Two need more than the captures, and are run
only when asked for, by name or with ``--all``: pairs of the lab (``pairs``, networks in namespaces,
see docs/lab.md; without it the tables are of what was recorded last), and figures beside netml's
(``netml``, where HALIA_NETML names a Python that has netml 0.7.1).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
CARD, DOCS = Path("models/MODEL_CARD.md"), Path("docs")


class Step(NamedTuple):
    """One script and where its tables go."""

    name: str
    words: tuple[str, ...]
    """After ``python``; {shared} is the folder of captures."""
    document: Path | None = None
    """None: the script writes by itself."""
    marked: bool = True
    """Between marks; else it is the whole document."""
    usual: bool = True
    """Run where nothing was chosen."""


def _table(name: str, *words: str) -> tuple[str, ...]:
    return ("-m", f"scripts.tables.{name}", *words)


STEPS = (
    Step("models", ("scripts/build_models.py", "--shared", "{shared}")),
    Step("shipped", _table("shipped_models"), CARD),
    Step("types", _table("device_types", "{shared}"), DOCS / "device-types.md", marked=False),
    Step("roles", _table("roles", "{shared}"), CARD),
    Step("open-set", _table("open_set", "{shared}"), CARD),
    Step("minutes", _table("minutes", "{shared}"), CARD),
    Step("novelty", _table("novelty", "{shared}"), DOCS / "novelty-figures.md", marked=False),
    Step("change", _table("change", "{shared}", "--write", "docs/change.md")),
    Step("behaviours", _table("behaviours", "--write")),
    Step("calm", _table("calm"), DOCS / "suspicion.md"),
    Step("pairs", _table("pairs", "--out", "pairs"), usual=False),
    Step("pairs-table", ("scripts/tables/pairs_table.py",), DOCS / "lab.md"),
    Step(
        "anomaly",
        _table("anomaly", "--shared", "{shared}"),
        DOCS / "anomaly-figures.md",
        marked=False,
    ),
    Step(
        "netml",
        _table("netml_pairs", "--shared", "{shared}"),
        DOCS / "netml-figures.md",
        marked=False,
        usual=False,
    ),
)


class MarkError(Exception):
    """A document has no place for a table."""


def marks(name: str) -> tuple[str, str]:
    """What stands before and after the tables of a step in a document."""
    return f"<!-- {name}: begin (scripts/figures.py writes this part) -->", f"<!-- {name}: end -->"


def renewed(document: str, name: str, text: str) -> str:
    """The document with new tables between the marks of a step.

    Raises:
        MarkError: they do not stand in it, once each and in order.
    """
    begin, end = marks(name)
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed or begin in after or end in after:
        raise MarkError(f"the document has no place for {name}: {begin} … {end}")
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"


def run(step: Step, shared: Path, root: Path = ROOT) -> None:
    """Measure, and write what was printed; nothing is written if the script fails.

    Raises:
        subprocess.CalledProcessError: it did.
        MarkError: there is no place for what it printed.
    """
    words = [word.format(shared=shared) for word in step.words]
    place = None if step.document is None else root / step.document
    if place is not None and step.marked:  # before the work, not after them
        renewed(place.read_text(encoding="utf-8"), step.name, "")
    output = None if place is None else subprocess.PIPE
    done = subprocess.run(
        [sys.executable, *words],
        check=True,
        cwd=root,
        stdout=output,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "HALIA_SHARED": str(shared.parent)},
    )
    if place is None:
        return
    text = done.stdout.rstrip("\n") + "\n"
    if step.marked:
        text = renewed(place.read_text(encoding="utf-8"), step.name, text)
    place.write_text(text, encoding="utf-8")


def chosen(only: Sequence[str], *, unusual: bool) -> list[Step]:
    """The steps to run, in order: those named, else the usual ones, or all."""
    return [step for step in STEPS if (step.name in only if only else step.usual or unusual)]


def main() -> int:
    """Run the steps in order; a failed one does not keep the others from running."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shared", type=Path, required=True, help="folder with labels.csv")
    names = [step.name for step in STEPS]
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--only", nargs="+", choices=names, default=[], help="some of the steps")
    some.add_argument("--all", action="store_true", help="the unusual steps too")
    args = parser.parse_args()
    failed = []
    for step in chosen(args.only, unusual=args.all):
        begun = time.monotonic()
        try:
            run(step, args.shared.resolve())
        except (subprocess.CalledProcessError, MarkError, OSError) as error:
            failed.append(step.name)
            print(f"{step.name}: {error}", file=sys.stderr, flush=True)
            continue
        print(f"{step.name}: {time.monotonic() - begun:.0f} s", flush=True)
    if failed:
        print(f"not done: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
