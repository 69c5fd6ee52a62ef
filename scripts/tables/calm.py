"""Rehearse hours of ordinary office work, and print whom the shipped verdicts accuse in them.

    python -m scripts.tables.calm --seeds 11-16 --hours 1

Offices of :mod:`plugin.lab.rehearsal` in which nobody turns bad, as busy as their profiles say:
hosts of the lab in one process on a clock that does not wait. Every device is judged by behaviours
and by suspicion, as ``halia classify`` does. Signs of suspicion were looked at on offices of other
seeds, those of docs/pairs.csv among them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

from plugin.lab.offices import office
from plugin.lab.recordings import read_seeds
from plugin.lab.rehearsal import rehearse
from plugin.ml.behaviour.parameters import Parameters
from plugin.ml.devices import devices_of
from plugin.offline.behaviours import findings_of
from plugin.offline.read import read_capture
from scripts.tables.accused import accused

HEADER = (
    "| office | hours | devices | packets | behaviours found | devices under suspicion |\n"
    "|---|---|---|---|---|---|"
)


class Hours(NamedTuple):
    """What came of one office."""

    seed: int
    hours: float
    devices: int
    packets: int
    behaviours: int
    suspicions: tuple[str, ...]
    """What each of those was accused of first."""


def judged(path: Path, seed: int, hours: float) -> Hours:
    """Judge a recording in which nobody is bad."""
    capture = read_capture(path, watched=True)
    suspicions = tuple(one.reasons[0] for _, one in accused(capture))
    named = len(findings_of(capture, Parameters()))
    devices = len(devices_of(capture))
    return Hours(seed, hours, devices, capture.totals.packets, named, suspicions)


def line(one: Hours) -> str:
    """A row of the table."""
    said = f"{len(one.suspicions)}" + "".join(f"; {words}" for words in one.suspicions)
    cells = (one.seed, f"{one.hours:g}", one.devices, f"{one.packets:,}", one.behaviours, said)
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Rehearse, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--seeds", type=read_seeds, default=tuple(range(11, 17)), help="offices (11-16)"
    )
    parser.add_argument("--hours", type=float, default=1.0, help="of each (1)")
    args = parser.parse_args()
    print(HEADER)
    for seed in args.seeds:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mirror.pcap"
            rehearse(office(seed)._replace(pace=1.0), 3600 * args.hours, path)
            print(line(judged(path, seed, args.hours)), flush=True)


if __name__ == "__main__":
    main()
