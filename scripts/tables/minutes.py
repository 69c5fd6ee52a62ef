"""Right answers as a function of the minutes that were captured; prints the table, as Markdown.

``python -m scripts.tables.minutes SHARED/data > docs/minutes.md``

Models learn whole captures; those that are tested are cut to their first minutes (by tcpdump) and
read anew, so that sessions and features know of nothing later. Types: five folds by capture.
Roles: one network left out at a time. Deterministic.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.crossval import group_folds
from plugin.ml.train import fit, predict
from plugin.offline.fitting import parts_of
from plugin.offline.read import read_capture
from plugin.offline.training import Listing, gather
from scripts.tables.recipes import TREES, TYPES, listing, recipe, share, table
from scripts.tables.roles import left_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plugin.ml.crossval import Fold
    from plugin.ml.dataset import Cases
    from plugin.ml.train import Recipe

MINUTES = (1, 5, 15, 60)
MINUTE = 60_000_000_000
SEED = 1


class Cut(NamedTuple):
    """Tested captures after their first minutes."""

    answers: NDArray[np.int64]
    """(n,) class numbers, -1: nothing to go by."""
    longer: NDArray[np.bool_]
    """(n,) whether the capture goes on after them."""


def cut(source: Path, target: Path, minutes: int) -> bool:
    """Write the first minutes of a capture; whether there is more of it."""
    packets = read_capture(source, packets=True).packets
    assert packets is not None
    times = packets["time"]
    kept = int((times < times[0] + minutes * MINUTE).argmin()) if len(times) else 0
    target.parent.mkdir(parents=True, exist_ok=True)
    if not kept:  # no packet is later
        target.symlink_to(source.resolve())
        return False
    words = ["tcpdump", "-n", "-r", str(source), "-c", str(kept), "-w", str(target)]
    subprocess.run(words, check=True, capture_output=True)
    return True


def tested(
    whole: Listing, made: Recipe, cases: Cases, folds: Sequence[Fold], place: Path
) -> dict[int, Cut]:
    """Answers about captures of the classes after so many minutes (0: whole).

    The model of a capture's fold has not seen it; background is learned, and not asked about.
    """
    fitted = [fit(made.grid[0], made, cases.take(learn)) for learn, _ in folds]
    samples = cases.material.samples
    number = {samples[i].path: int(i) for i in np.flatnonzero(cases.inside)}
    found = {}
    for minutes in (*MINUTES, 0):
        answers, longer = np.full(len(cases.y), -1), np.zeros(len(cases.y), np.bool_)
        root = place / str(minutes)
        if minutes:
            for path, i in number.items():
                longer[i] = cut(whole.root / path, root / path, minutes)
        asked = Listing(
            root if minutes else whole.root, tuple(s for s in whole.samples if s.path in number)
        )
        part = gather(asked, made.features).material
        shape = (len(part), cases.n_classes)
        place_of = np.array([number[s.path] for s in part.samples])
        for model, (_, test) in zip(fitted, folds, strict=True):
            told = predict(model, part.rows, part.owner, shape)
            mine = np.isin(place_of, test) & (told.sum(axis=1) > 0)
            answers[place_of[mine]] = told[mine].argmax(axis=1)
        found[minutes] = Cut(answers, longer)
    return found


def line(name: str, found: dict[int, Cut], y: NDArray[np.int64], asked: NDArray[np.bool_]) -> str:
    """One line of the table: share right, and how many captures were really cut."""
    cells = [
        f"{share(float((one.answers == y)[asked].mean()))} ({int(one.longer[asked].sum())})"
        for minutes, one in found.items()
        if minutes
    ]
    longest = found[MINUTES[0]].longer & asked
    whole = share(float((found[0].answers == y)[asked].mean()))
    few = share(float((found[MINUTES[0]].answers == y)[longest].mean()))
    same = share(float((found[0].answers == y)[longest].mean()))
    return "\t".join([name, str(int(asked.sum())), *cells, whole, f"{few} → {same}"])


def main() -> None:
    """Cut, learn, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("root", type=Path, help="the folder that holds devices/")
    parser.add_argument("--features", nargs="*", default=["halia-host-sent", "service-ports"])
    args = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory(prefix="halia-minutes-") as scratch:
        for features in args.features:
            whole = listing(args.root, "label", "path", [("path", TYPES)])
            cases = parts_of(gather(whole, features).material).cases
            folds = group_folds(cases.y, cases.material.groups, 5, SEED)
            made = recipe("trees", features, TREES, seed=SEED)
            found = tested(whole, made, cases, folds, Path(scratch) / f"types-{features}")
            lines.append(line(f"types, `{features}`", found, cases.y, cases.inside))
        whole = listing(args.root, "role", "network")
        parts = parts_of(gather(whole, "service-ports").material)
        made = recipe("trees", "service-ports", TREES, seed=SEED)
        found = tested(whole, made, parts.cases, left_out(parts), Path(scratch) / "roles")
        lines.append(line("roles, `service-ports`", found, parts.cases.y, parts.cases.inside))
    head = ("what, features", "captures", *(f"{m} min (longer)" for m in MINUTES), "whole",
            "of those longer than 1 min: after 1 min → whole")  # fmt: skip
    table(head, [one.split("\t") for one in lines])


if __name__ == "__main__":
    main()
