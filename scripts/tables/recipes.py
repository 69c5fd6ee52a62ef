"""What the tables of roles, the open set and minutes share: captures, recipes, printing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plugin.ml.algorithms import GRIDS
from plugin.ml.train import Recipe
from plugin.ml.vocabulary import FILE, load_vocabulary
from plugin.offline.training import gather, read_listing, spell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plugin.ml.algorithms import Options
    from plugin.ml.dataset import Material
    from plugin.offline.training import Listing

ROOT = Path(__file__).resolve().parent.parent.parent
LIST = ROOT / "models" / "sources.csv"
VOCABULARY = ROOT / "configs" / FILE
TYPES = "devices/iot-sentinel/*"
"""The captures of 27 types of smart-home devices."""
TREES: Options = (("trees", 100), ("leaf", 1), ("share", 0.1))
BOOSTED: Options = (("stages", 20), ("rate", 0.2), ("share", 0.1))
NET: Options = (("hidden", 32), ("alpha", 0.1))
BOTH: Options = (*NET, *TREES)


def listing(
    shared: Path, label_column: str, group_column: str, where: Sequence[tuple[str, str]] = ()
) -> Listing:
    """Captures of models/sources.csv, labels in the vocabulary's spelling.

    Args:
        shared: the folder that holds devices/….
        label_column: role or label.
        group_column: what is never split.
        where: (column, pattern) pairs that a row must match.
    """
    found = read_listing(
        LIST, root=shared, label_column=label_column, group_column=group_column, where=where
    )
    return spell(found, load_vocabulary(VOCABULARY))


def material(shared: Path, features: str, label_column: str, group_column: str) -> Material:
    """Rows of all captures of the list."""
    return gather(listing(shared, label_column, group_column), features).material


def recipe(
    algorithm: str, features: str, *points: Options, seed: int = 1, folds: int = 5
) -> Recipe:
    """A recipe of the whole grid, or of these points alone."""
    grid = points or GRIDS[algorithm]
    return Recipe(algorithm=algorithm, features=features, grid=grid, seed=seed, folds=folds)


def table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for line in lines:
        print("| " + " | ".join(map(str, line)) + " |")
    print(flush=True)


def share(value: float | None) -> str:
    """``.872``, or a dash for what does not exist."""
    return "–" if value is None else f"{value:.3f}".removeprefix("0")
