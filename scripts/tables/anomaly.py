"""Print docs/anomaly-figures.md: what detectors of anomalies find, and how often they cry wolf.

    python -m scripts.tables.anomaly --shared DIR > docs/anomaly-figures.md

DIR holds labels.csv and the captures. Run from the root of the checkout. ``--kept DIR`` keeps the
rows that were extracted, so that a second run need not read the captures again.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.behaviour.parameters import Parameters
from plugin.ml.devices import addresses_of
from plugin.ml.suspicion import LEAST
from plugin.offline.behaviours import findings_of
from plugin.offline.evidence import evidence
from plugin.offline.novelty import rows_of
from plugin.offline.read import read_capture
from scripts.tables import anomaly_detectors as detectors
from scripts.tables import anomaly_shipped as shipped
from scripts.tables import anomaly_words as words
from scripts.tables.anomaly_captures import load_table, save_table, table_of
from scripts.tables.anomaly_figures import figures_of
from scripts.tables.anomaly_trials import Plan, trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from plugin.ml.devices import Devices
    from plugin.records import Capture
    from scripts.tables.anomaly_captures import Case, Extract, Table
    from scripts.tables.anomaly_trials import Fit

    Made = Callable[[], tuple[Table, Fit]]

PAIRS = Path(__file__).resolve().parents[2] / "docs" / "pairs.csv"
FEW = Plan(folds=2)
ATTACKS_TOO = Plan(learns_attacks=True, folds=2)


def main() -> int:
    """Run every trial and write the page to standard output."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shared", type=Path, required=True, help="folder with labels.csv")
    parser.add_argument("--kept", type=Path, help="folder for extracted rows")
    args = parser.parse_args()
    data, kept = args.shared, args.kept
    signs = tables_of(data, kept, "signs", _signs)
    named = behaviours_in(data, signs.cases)
    lines = [*words.introduction(signs)]
    rows = []
    for name, plan, made in _trials(data, kept, signs, named):
        table, fit = made()
        rows.append((name, figures_of(table, trial(table, fit, plan))))
        sys.stderr.write(f"{name}\n")
    lines += words.trials(rows)
    names = np.array([bool(one) for one in named], np.bool_)
    lines += words.points(shipped.points(signs, names))
    lines += words.by_kind(signs, shipped.judged(signs), named)
    lines += words.misses(signs, shipped.judged(signs), named)
    left = shipped.left_out(signs)
    lines += words.alarms(signs, left, named)
    lines += words.exposure(shipped.exposure(signs, left, names, shipped.hours_of(data, signs)))
    lines += words.unsaid(shipped.unsaid(data, signs))
    lines += words.pairs(_pairs())
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _pairs() -> str | None:
    """The tables of the lab's pairs, where they were recorded."""
    if not PAIRS.is_file():
        return None
    import runpy

    script = runpy.run_path(str(Path(__file__).with_name("pairs_table.py")))
    return str(script["section"](PAIRS))


def _trials(
    data: Path, kept: Path | None, signs: Table, named: list[tuple[str, ...]]
) -> Iterator[tuple[str, Plan, Made]]:
    """Name, plan and detector of each trial."""
    host = tables_of(data, kept, "host", _features("halia-host"))
    ports = tables_of(data, kept, "ports", _features("service-ports"))
    names = np.array([bool(one) for one in named], np.bool_)
    for what, table in (("halia-host", host), ("service-ports", ports)):
        for one in ("nearest", "apart", "pca", "spread", "sos"):
            yield (
                f"new: {one}, {what}",
                FEW,
                _lazily(table, partial(detectors.of_news, name=one)),
            )
        yield f"new: isolation forest, {what}", FEW, _lazily(table, detectors.isolation_forest)
    size = tables_of(data, kept, "size", _size)
    yield "control: packets of the device", FEW, _lazily(size, partial(detectors.control, column=0))
    yield "control: length of the capture", FEW, _lazily(size, partial(detectors.control, column=1))
    yield (
        "signs: weights learned from other attacks",
        ATTACKS_TOO,
        _lazily(signs, detectors.weighed),
    )
    yield "signs: every one may accuse alone", Plan(), _lazily(signs, detectors.alone)
    once = "signs: those that may accuse alone"
    yield once, Plan(), _lazily(signs, detectors.accusing)
    shipped_at = Plan(threshold=LEAST)
    yield "**suspicion**", shipped_at, _lazily(signs, detectors.suspicion)
    whole = _lazily(signs, lambda t: detectors.first(t, names, detectors.suspicion(t)))
    yield "**behaviours, then suspicion**", shipped_at, whole


def _lazily(table: Table, made: Callable[[Table], Fit]) -> Made:
    return lambda: (table, made(table))


def tables_of(data: Path, kept: Path | None, name: str, extract: Extract) -> Table:
    """The rows of all cases, from what was kept or from the captures."""
    path = None if kept is None else kept / f"{name}.npz"
    if path is not None and path.exists():
        return load_table(data, path)
    table = table_of(data, extract)
    if path is not None:
        save_table(table, path)
    return table


def _signs(capture: Capture, devices: Devices) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    found = evidence(capture, devices)
    # Nothing is said of a router; its rows stay, so that each capture has one to rank by.
    found.values[addresses_of(capture, devices).relays[found.device]] = 0
    return found.values, found.device


def _size(capture: Capture, devices: Devices) -> NDArray[np.float64]:
    """(n_devices, 2) packets of each device, and seconds of the capture."""
    assert capture.packets is not None
    times = capture.packets["time"]
    seconds = float(np.ptp(times)) / 1e9 if len(times) else 0.0
    return np.stack([devices.packets, np.full(len(devices), seconds)], axis=1).astype(np.float64)


def _features(name: str) -> Extract:
    return lambda capture, devices: rows_of(capture, devices, name).to_dense().astype(np.float64)


def behaviours_in(data: Path, cases: tuple[Case, ...]) -> list[tuple[str, ...]]:
    """The behaviours that are named in each case, with the default parameters."""
    found = []
    for case in cases:
        capture = read_capture(data / case.path, watched=True)
        told = findings_of(capture, Parameters())
        found.append(tuple(sorted({one.finding.name for one in told})))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
