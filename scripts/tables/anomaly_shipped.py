"""What is shipped, tried as it is shipped: floors from all harmless captures but those judged."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.devices import addresses_of, devices_of
from plugin.ml.signs import SIGNS, steps_of
from plugin.ml.suspicion import ALARMS, LEAST, fit, floor_of, ratios, scores_of
from plugin.offline.evidence import evidence
from plugin.offline.read import read_capture
from scripts.tables.anomaly_figures import Drawn, Figure
from scripts.tables.anomaly_trials import conformal

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scripts.tables.anomaly_captures import Table

    Floats = NDArray[np.float64]

_ALONE = np.array([sign.alone for sign in SIGNS])


class Judged(NamedTuple):
    """What suspicion says of a case."""

    score: float
    threshold: float
    sign: int
    """The foremost sign: a position in ``SIGNS``."""
    value: float
    """Its value."""

    @property
    def yes(self) -> bool:
        """Whether the score comes to the threshold."""
        return self.score >= self.threshold


class Point(NamedTuple):
    """An operating point."""

    words: str
    threshold: float
    found: Figure
    """Share of attack captures that suspicion finds."""
    both: Figure
    """Share that behaviours or suspicion find."""
    alarms: Figure
    """Share of harmless captures that suspicion alarms about, each with its family left out."""
    by_family: Figure
    """The same, each family counting the same."""


class Exposure(NamedTuple):
    """Harmless captures of some length, and who alarmed in them."""

    words: str
    captures: int
    hours: float
    suspicion: int
    """Captures that suspicion alarms about."""
    either: int
    """That suspicion or a behaviour does."""


def _numbers(names: NDArray[np.str_]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.unique(names, return_inverse=True)[1]
    return found


def _judge(steps: Floats, values: Floats, floor: Floats, threshold: float) -> Judged:
    """The worst row of a case."""
    if not len(steps):
        return Judged(0.0, threshold, 0, 0.0)
    scores = scores_of(steps, floor, threshold)
    row = int(scores.argmax())
    ratio = ratios(steps[row : row + 1], floor)[0]
    foremost = np.where(_ALONE, ratio, 0.0) if scores[row] >= threshold else ratio
    sign = int(foremost.argmax())
    return Judged(float(scores[row]), threshold, sign, float(values[row, sign]))


def judged(table: Table) -> list[Judged]:
    """Every attack by the floors of all harmless cases; harmless ones are judged by them too."""
    steps, attack = steps_of(table.values), table.attack
    good = np.flatnonzero(~attack[table.owner])
    case = np.unique(table.owner[good], return_inverse=True)[1]
    family = _numbers(table.column("family")[~attack])
    fitted = fit(steps[good], case, family)
    rows = [table.owner == k for k in range(len(table.cases))]
    return [_judge(steps[one], table.values[one], fitted.floor, fitted.threshold) for one in rows]


def left_out(table: Table) -> list[Judged]:
    """Every harmless case, its family left out, at the shipped threshold."""
    steps, attack = steps_of(table.values), table.attack
    family = table.column("family")
    threshold = judged(table)[0].threshold
    found = []
    for k in np.flatnonzero(~attack):
        known = np.flatnonzero(~attack[table.owner] & (family[table.owner] != family[k]))
        floor = floor_of(steps[known], _numbers(family[table.owner[known]]))
        rows = table.owner == k
        found.append(_judge(steps[rows], table.values[rows], floor, threshold))
    return found


def points(table: Table, named: NDArray[np.bool_]) -> list[Point]:
    """Operating points: what is shipped, and what else could have been."""
    attack = table.attack
    source, family = (
        _numbers(table.column("source")[attack]),
        _numbers(table.column("family")[~attack]),
    )
    drawn = Drawn(source, family, 1, 2000)
    alike = 1.0 / np.bincount(family)[family]
    shipped = judged(table)[0].threshold
    found = []
    for words, mask, share in (
        ("shipped: at least one doubling beyond harmless devices", _ALONE, None),
        (f"calibrated for {ALARMS:.0%} of harmless captures", _ALONE, ALARMS),
        ("every sign may accuse alone, one doubling", np.ones(len(SIGNS), np.bool_), None),
        (
            f"every sign may accuse alone, calibrated for {ALARMS:.0%}",
            np.ones(len(SIGNS), np.bool_),
            ALARMS,
        ),
    ):
        harmless, bad = _scores(table, mask)
        limit = shipped if share is None else conformal(harmless, share)
        yes, alarm = bad >= limit, harmless >= limit
        found.append(
            Point(
                words,
                limit,
                _share(drawn, yes, attacks=True),
                _share(drawn, yes | named[attack], attacks=True),
                _share(drawn, alarm, attacks=False),
                drawn.mean(alarm.astype(np.float64)[None, :], np.ones(1), alike),
            )
        )
    none = named[attack], named[~attack]
    zero = np.zeros(attack.sum(), np.bool_)
    found.append(
        Point(
            "behaviours alone",
            LEAST,
            _share(drawn, zero, attacks=True),
            _share(drawn, none[0], attacks=True),
            _share(drawn, none[1], attacks=False),
            drawn.mean(none[1].astype(np.float64)[None, :], np.ones(1), alike),
        )
    )
    return found


_LENGTHS = (
    ("up to 2 minutes", 0.0, 120.0),
    ("up to 15 minutes", 120.0, 900.0),
    ("up to an hour", 900.0, 3600.0),
    ("longer", 3600.0, float("inf")),
)


def hours_of(data: Path, table: Table) -> Floats:
    """(n_harmless,) how long each harmless capture is, by labels.csv."""
    with (data / "labels.csv").open(encoding="utf-8", newline="") as stream:
        seconds = {row["path"]: row["duration_s"] for row in csv.DictReader(stream)}
    harmless = [case.path for case in table.cases if not case.attack]
    return np.array([float(seconds[path]) / 3600 for path in harmless])


def exposure(
    table: Table, left: list[Judged], named: NDArray[np.bool_], hours: Floats
) -> list[Exposure]:
    """Alarms by how long was looked: a share of short captures is no rate.

    Args:
        table: the cases.
        left: of each harmless case, its family left out.
        named: (n_cases,) where a behaviour was found.
        hours: (n_harmless,).
    """
    yes = np.array([one.yes for one in left], np.bool_)
    either, seconds = yes | named[~table.attack], hours * 3600
    found = []
    for words, low, high in _LENGTHS:
        some = (seconds > low) & (seconds <= high) if low else seconds <= high
        counts = int(some.sum()), float(hours[some].sum())
        found.append(Exposure(words, *counts, int(yes[some].sum()), int(either[some].sum())))
    return found


def _scores(table: Table, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Harmless cases with their family left out, and attacks by all harmless floors."""
    steps = np.where(mask, steps_of(table.values), 0.0)
    attack, family = table.attack, table.column("family")
    of_row = family[table.owner]
    best = np.zeros(len(table.cases))
    for name in sorted(set(family)):
        known = np.flatnonzero(~attack[table.owner] & (of_row != name))
        rows = np.flatnonzero(of_row == name)  # attacks have the family "": all floors
        floor = floor_of(steps[known], _numbers(of_row[known]))
        np.maximum.at(best, table.owner[rows], ratios(steps[rows], floor).max(axis=1))
    return best[~attack], best[attack]


def _share(drawn: Drawn, yes: NDArray[np.bool_], *, attacks: bool) -> Figure:
    one = np.ones(1)
    values = yes.astype(np.float64)
    if attacks:
        return drawn.mean(values[:, None], np.ones(len(yes)), one)
    return drawn.mean(values[None, :], one, np.ones(len(yes)))


def unsaid(data: Path, table: Table) -> list[tuple[str, str, Judged]]:
    """Captures outside the folder of attacks whose source does not call them harmless."""
    steps, attack = steps_of(table.values), table.attack
    good = np.flatnonzero(~attack[table.owner])
    floor = floor_of(steps[good], _numbers(table.column("family")[table.owner[good]]))
    threshold = judged(table)[0].threshold
    told = []
    with (data / "labels.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["kind"] != "pcap" or not row["path"].startswith(("devices/", "netml/")):
                continue
            if row["attack"] == "no":
                continue
            capture = read_capture(data / row["path"], watched=True)
            devices = devices_of(capture)
            addresses = addresses_of(capture, devices)
            found = evidence(capture, devices, foreign=addresses.foreign)
            values = found.without(addresses.relays).values
            one = _judge(steps_of(values), values, floor, threshold)
            told.append((row["path"], row["attack"], one))
    return told
