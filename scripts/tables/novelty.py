"""Chooses the detector of novelty given the role, and says how many references it needs.

``python -m scripts.tables.novelty SHARED/data > docs/novelty-figures.md``

Every draw takes n references of one role; the rest of the role's captures are its own, captures of
other roles are strangers. The threshold is conformal, at 5 %, from the *other* roles' own captures
(so that no role has a say in its own). Long captures, cut into windows, say how many of its own
earlier windows a device needs. Deterministic: the same data and libraries print the same figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.change.profile import Seen, fresh, trusted, update
from plugin.ml.change.rows import host_layout
from plugin.ml.dataset import choose_device
from plugin.ml.devices import devices_of
from plugin.ml.novelty import references
from plugin.ml.novelty.detectors import DETECTORS
from plugin.ml.novelty.fit import LEAST, units
from plugin.ml.novelty.judge import Device as Judged
from plugin.ml.novelty.judge import judge
from plugin.ml.store import load_normal
from plugin.ml.verdict import KNOWN, UNKNOWN, Role
from plugin.offline.features import Classic, features_of
from plugin.offline.learning import labelled
from plugin.offline.normal import FEATURES
from plugin.offline.read import read_capture
from plugin.offline.training import gather
from scripts.tables.change import device_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from plugin.ml.novelty.detectors import Detector, Rows
    from plugin.ml.novelty.model import Normal
    from scripts.tables.change import Device as Lived

ROOT = Path(__file__).resolve().parents[2]
SETS = (FEATURES, "halia-host-sent", "service-ports")
FEWEST = 8
"""Captures of a role that is tried."""
DRAWS, STRANGERS, SEED = 4, 60, 1
COUNTS = (2, 3, 4, 5, 6, 7)
SOS_LEAST = 6
"""References that outlier selection needs, and one more to be measured from the others."""
WINDOW = 900.0
OWN = (4, 5, 8, 12, 20)
ENOUGH = 1000
"""Packets and sessions: each window is judged."""
PACKETS = 5
"""Fewer in a window: not judged."""


class Named(NamedTuple):
    """Rows of one feature set, with their labels."""

    rows: NDArray[np.float32]
    labels: tuple[str, ...]


class Draw(NamedTuple):
    """One choice of references."""

    role: str
    own: NDArray[np.float64]
    """Distances of the role's other captures, in times the typical one."""
    strangers: NDArray[np.float64]


class Result(NamedTuple):
    """What a detector does, given the true role; means over roles and draws."""

    auc: float
    """Strangers against own captures."""
    novel: float
    """Share of strangers that are novel."""
    alarms: float
    """Share of own captures that are."""
    worst: float
    """The same of the role that has most."""


def draws_of(score: Detector, named: Named, n: int, floor: float) -> Iterator[Draw]:
    """Draw n references of each role some times."""
    random = np.random.default_rng(SEED)
    label = np.array(named.labels)
    scaled = named.rows / units(named.rows)
    for role in sorted({one for one in named.labels if named.labels.count(one) >= FEWEST}):
        for _ in range(DRAWS):
            mine = random.permutation(np.flatnonzero(label == role))
            others = random.choice(np.flatnonzero(label != role), STRANGERS, replace=False)
            known = scaled[mine[:n]]
            typical = references.typical(score, known, min(LEAST, n - 1), floor)
            yield Draw(
                role,
                score(known, scaled[mine[n:]]) / typical,
                score(known, scaled[others]) / typical,
            )


def result_of(draws: Sequence[Draw]) -> Result:
    """Hold the draws of each role against a threshold from those of the others."""
    aucs, novel, alarms = [], [], {}
    for role in sorted({draw.role for draw in draws}):
        elsewhere = np.concatenate([draw.own for draw in draws if draw.role != role])
        threshold = references.above(elsewhere)
        mine = [draw for draw in draws if draw.role == role]
        alarms[role] = np.mean([(draw.own >= threshold).mean() for draw in mine])
        novel += [(draw.strangers >= threshold).mean() for draw in mine]
        aucs += [(draw.strangers[:, None] > draw.own[None, :]).mean() for draw in mine]
    rates = list(alarms.values())
    return Result(*map(float, (np.mean(aucs), np.mean(novel), np.mean(rates), max(rates))))


def floor_of(score: Detector, named: Named) -> float:
    """The least typical distance; 0 for detectors whose distance grows with the references."""
    scaled = named.rows / units(named.rows)
    return references.FLOOR * references.typical(score, scaled[::3], LEAST)


def tried(named: Named, detector: str, n: int) -> Result:
    """One line of a table."""
    score = DETECTORS[detector]
    floor = floor_of(score, named) if detector in {"nearest", "apart"} else 0.0
    return result_of(list(draws_of(score, named, n, floor)))


def read(data: Path, features: str) -> Named:
    """The harmless captures of the list that the shipped models are made from."""
    calm = [("attack", "no")]
    found = labelled(ROOT / "models" / "sources.csv", root=data, where=calm)
    material = gather(found.listing, features).material
    return Named(material.rows.to_dense(), material.labels)


def windows_of(data: Path) -> list[Rows]:
    """Of each device with long captures the rows of its windows, in order of time."""
    found = []
    for path in sorted((data / "devices" / "iot-longrun").glob("*.pcap")):
        capture = read_capture(path, packets=True)
        devices = devices_of(capture)
        mac = devices.macs[int(np.argmax(devices.packets))]
        table = features_of(capture, FEATURES, device=mac, options=Classic(window=WINDOW))
        rows = table.matrix.to_dense()
        busy = rows.any(axis=1)
        if busy.sum() > max(OWN) + PACKETS:
            found.append(np.asarray(rows[busy], np.float64))
    return found


def own_windows(devices: Sequence[Rows], unit: Rows, n: int) -> tuple[float, float, int]:
    """Share of later windows that are novel beside n own ones; of other devices'; windows."""
    score = DETECTORS["apart"]
    model = load_normal(ROOT / "models" / "normal")
    floor = float(model.arrays["typical"][-1])
    shipped = float(model.arrays["threshold"][:-1].max())
    alarms, novel, count = [], [], 0
    for number, rows in enumerate(devices):
        known = references.from_rows(
            "own", rows[:n] / unit, score, least=LEAST, floor=floor, shipped=shipped
        )
        assert known is not None
        far = known.typical * known.threshold
        later = rows[max(OWN) :]
        others = np.concatenate([rows for k, rows in enumerate(devices) if k != number])
        alarms.append((score(known.rows, later / unit) >= far).mean())
        novel.append((score(known.rows, others / unit) >= far).mean())
        count += len(later)
    return float(np.mean(alarms)), float(np.mean(novel)), count


DAY = 86_400.0
DAYS = 5
LIVED = {"unknown": None, "known, 9 references": "D-LinkCam", "known, no references": "Nobody"}
"""Roles that devices are taken for: none of them is any of these."""


def lived(model: Normal, device: Lived, label: str | None) -> list[tuple[int, int]]:
    """A device's days by the rule that ships: of each, windows that were novel, and windows.

    Its own past is learned as ``halia run`` does; there is no site.

    Args:
        model: the model of normal.
        device: rows and times of its windows.
        label: the role that it is taken for; None: its role is unknown.
    """
    decision = UNKNOWN if label is None else KNOWN
    role = Role(decision, (label or "Unknown", "Unknown", "Unknown"), (0.9, 0.0, 0.0), "", None)
    how, profile = host_layout(), fresh(host_layout())
    days = [(0, 0)] * DAYS
    for row, time in zip(device.rows, device.times.tolist(), strict=True):
        own = trusted(profile)
        found = judge(model, role, Judged(row.astype(np.float64), ENOUGH, ENOUGH, None, own))
        novel = found is not None and found.score >= found.threshold
        day = min(int((time - device.times[0]) // DAY), DAYS - 1)
        days[day] = days[day][0] + novel, days[day][1] + 1
        profile = update(profile, Seen(row, time, novel=novel), how)
    return days


def lived_table(data: Path) -> Iterator[str]:
    """Days of devices that were recorded for more than one."""
    yield "## Day by day, by the rule that ships"
    yield ""
    yield "Windows that are novel, of devices that were recorded for more than a day, with their"
    yield "own past as `halia run` keeps it and no site. No device has a role that it is taken for."
    yield ""
    model = load_normal(ROOT / "models" / "normal")
    yield line("device", "taken for", *(f"day {k + 1}" for k in range(DAYS - 1)), "later")
    yield line(*["---"] * (DAYS + 2))
    for path in sorted((data / "devices" / "iot-longrun").glob("*.pcap")):
        capture = read_capture(path, packets=True)
        one = device_of(path.stem, capture, choose_device(capture.macs, capture.sessions))
        if one.times[-1] - one.times[0] <= DAY:
            continue
        for words, label in LIVED.items():
            days = (f"{novel} of {n}" if n else "-" for novel, n in lived(model, one, label))
            yield line(one.name, words, *days)


def line(*cells: object) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def short(value: float) -> str:
    """``.94``; ``1.00``."""
    return f"{value:.3f}".removeprefix("0")


def tables(data: Path) -> Iterator[str]:
    """The lines of docs/novelty-figures.md."""
    sets = {name: read(data, name) for name in SETS}
    host = sets[FEATURES]
    roles = {one for one in host.labels if host.labels.count(one) >= FEWEST}
    yield "# Novelty given the role: figures"
    yield ""
    captures = f"{len(host.labels)} harmless captures, {len(roles)} roles"
    yield f"By `scripts/tables/novelty.py`: {captures}"
    yield f"with {FEWEST} or more, {DRAWS} draws each; docs/novelty.md has what it means."
    yield ""
    yield "## Detectors and features"
    yield ""
    yield line("features", "detector", "references", "AUC", "strangers novel", "own novel", "worst")
    yield line(*["---"] * 7)
    trials = [(FEATURES, name, n) for name in DETECTORS for n in (4, 7)]
    trials += [(name, "apart", n) for name in SETS[1:] for n in (4, 7)]
    for name, detector, n in trials:
        if detector == "sos" and n <= SOS_LEAST:
            continue
        yield line(f"`{name}`", detector, n, *map(short, tried(sets[name], detector, n)))
    yield ""
    yield "## How many references"
    yield ""
    yield line("references", "AUC", "strangers novel", "own novel", "worst")
    yield line(*["---"] * 5)
    for n in COUNTS:
        yield line(n, *map(short, tried(host, "apart", n)))
    yield ""
    yield "## How many own windows"
    yield ""
    devices = windows_of(data)
    yield f"{len(devices)} devices with long captures, in windows of {WINDOW / 60:g} minutes."
    yield ""
    yield line("own windows", "later own windows novel", "other devices' windows novel", "windows")
    yield line(*["---"] * 4)
    unit = units(host.rows)
    for n in OWN:
        alarms, novel, count = own_windows(devices, unit, n)
        yield line(n, short(alarms), short(novel), count)
    yield ""
    yield from lived_table(data)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the shared data folder")
    for text in tables(parser.parse_args().data):
        print(text, flush=True)


if __name__ == "__main__":
    main()
