"""Novelty, given the role: is a device unlike the references of what it is said to be?

A device whose role is known is compared with references of that role, from up to three origins
(:mod:`.references`). One whose role is *unknown* although enough was seen fits nothing that is
known: it is novel by that, and how far it is from everything known is its score, until there is a
past of its own to compare it with. Where the role is
*undetermined* (too little was seen, or a router), nothing is said. New is not bad: see
``docs/novelty.md``. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.behaviour.finding import Finding, shown
from plugin.ml.features import HOST
from plugin.ml.novelty.detectors import DETECTORS, can
from plugin.ml.novelty.explain import (
    Explanation,
    Feature,
    explain,
    outside,
    readable,
    values,
    words,
)
from plugin.ml.novelty.references import PULL, Compared, Known, from_rows, together, weights
from plugin.ml.schema import SCHEMAS
from plugin.ml.verdict import KNOWN, UNDETERMINED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plugin.ml.novelty.model import Normal
    from plugin.ml.verdict import Role

    Rows = NDArray[np.floating]

NAME = "novelty"
TOLD = 3
"""Features that a finding names."""


class Device(NamedTuple):
    """What is known of a device besides its role."""

    row: Rows
    """(d,) of the model's feature set."""
    packets: int
    sessions: int
    site: Rows | None = None
    """(n, d) rows of other devices of the site with this role, none judged anomalous."""
    own: Rows | None = None
    """(n, d) rows of its own earlier windows, likewise."""


def judge(normal: Normal, role: Role, device: Device) -> Finding | None:
    """Whether a device is novel.

    Args:
        normal: the model.
        role: what the device is said to be.
        device: the rest.

    Returns:
        A finding whose score is in times the distance that is novel (threshold 1); None where too
        little is known to say anything.
    """
    if not enough(normal, role, device):
        return None
    if role.decision != KNOWN:
        ratio = float(ratios(normal, None, device.row[None, :])[0])
        past = compare(normal, None, device._replace(site=None))
        if past:
            reasons = ("fits no known role", *(_beside(one, "") for one in past))
            return _held(together(past), ratio, reasons, normal, None, device)
        why = f"fits no known role, and {_by_itself(ratio, normal)}"
        return _finding(max(ratio, 1.0), (why,), normal, None, device)
    compared = compare(normal, role.labels[0], device)
    if not compared:
        ratio = float(ratios(normal, None, device.row[None, :])[0])
        few = f"too few are known as {role.labels[0]} to compare with them only"
        alone = device._replace(site=None, own=None)
        return _finding(ratio, (few, _far(ratio, normal, None)), normal, None, alone)
    reasons = tuple(_beside(one, role.labels[0]) for one in compared)
    shipped = float(ratios(normal, role.labels[0], device.row[None, :])[0])
    return _held(together(compared), shipped, reasons, normal, role.labels[0], device)


def _held(
    ratio: float,
    shipped: float,
    reasons: tuple[str, ...],
    normal: Normal,
    label: str | None,
    device: Device,
) -> Finding:
    """The finding, where what was gathered pulls no further than it may.

    Args:
        ratio: of all origins together.
        shipped: from the shipped references of the role, or from all where it has too few.
        reasons: what is said of the origins.
        normal: the model.
        label: the role; None: none is known.
        device: the rest.
    """
    least = shipped / PULL
    if ratio < 1 <= least:
        far = f"at {shipped:.1f} times the distance that is novel from the reference captures"
        reasons = (*reasons, f"{far}, which no window that was remembered here makes usual")
    return _finding(max(ratio, least), reasons, normal, label, device)


def enough(normal: Normal, role: Role, device: Device) -> bool:
    """Whether enough of a device was seen to judge it, and what was seen is its own."""
    return (
        role.decision != UNDETERMINED
        and device.packets >= normal.manifest.min_packets
        and device.sessions >= normal.manifest.min_sessions
    )


def ratios(normal: Normal, label: str | None, rows: Rows) -> NDArray[np.float64]:
    """(n,) distance over the distance that is novel, by the shipped references alone.

    Args:
        normal: the model.
        label: the role of all rows; None, or one without references enough: all references.
        rows: (n, d) as extracted.
    """
    place = normal.place(label)
    score = DETECTORS[normal.manifest.detector]
    known = normal.scaled(normal.references(place))
    at = -1 if place is None else place
    far = normal.arrays["typical"][at] * normal.arrays["threshold"][at]
    return np.asarray(score(known, normal.scaled(rows)) / far)


def compare(normal: Normal, label: str | None, device: Device) -> tuple[Compared, ...]:
    """A device beside the references of a role, by origin; empty where there are too few."""
    place = normal.place(label)
    known = [_shipped(normal, place), *_gathered(normal, place, device)]
    n = {one.origin: len(one.rows) for one in known if one is not None}
    share = weights(n.get("shipped", 0), n.get("site", 0), n.get("own", 0))
    score = DETECTORS[normal.manifest.detector]
    row = normal.scaled(device.row[None, :])
    return tuple(
        Compared(one, weight, float(score(one.rows, row)[0]) / (one.typical * one.threshold))
        for one, weight in zip(known, share, strict=True)
        if one is not None
    )


def _shipped(normal: Normal, place: int | None) -> Known | None:
    if place is None:
        return None
    typical, threshold = (float(normal.arrays[name][place]) for name in ("typical", "threshold"))
    return Known("shipped", normal.scaled(normal.references(place)), typical, threshold)


def _gathered(normal: Normal, place: int | None, device: Device) -> list[Known | None]:
    score = DETECTORS[normal.manifest.detector]
    of_roles = normal.arrays["threshold"][:-1]
    threshold = float(of_roles.max() if place is None else of_roles[place])
    return [
        None
        if rows is None or not can(normal.manifest.detector, normal.scaled(rows))
        else from_rows(
            origin,
            normal.scaled(rows),
            score,
            least=normal.manifest.least,
            floor=float(normal.arrays["typical"][-1]),
            shipped=threshold,
        )
        for origin, rows in (("site", device.site), ("own", device.own))
    ]


def explained(
    normal: Normal, label: str | None, device: Device, *, all_features: bool = True
) -> Explanation:
    """The features of a device beside what is usual for its role: shipped, site's and own rows.

    Args:
        normal: the model.
        label: the role; None: all that is known.
        device: row, and rows that count where they are enough.
        all_features: else only some, all unusual ones among them.
    """
    place, least = normal.place(label), normal.manifest.least
    gathered = [
        rows for rows in (device.site, device.own) if rows is not None and len(rows) > least
    ]
    shipped = normal.references(place) if place is not None or not gathered else None
    parts = [*([] if shipped is None else [shipped]), *gathered]
    names = SCHEMAS[normal.manifest.schema_name].names
    whose = label if place is not None or gathered else None
    unit = np.asarray(normal.arrays["unit"], np.float64)
    return explain(whose, names, device.row, np.concatenate(parts), unit, all_features=all_features)


def _finding(
    ratio: float, reasons: Sequence[str], normal: Normal, label: str | None, device: Device
) -> Finding:
    """The finding; what is novel also names the features that are farthest from usual."""
    told: tuple[str, ...] = ()
    if ratio >= 1:
        strange = outside(explained(normal, label, device, all_features=False), TOLD)
        told = tuple(map(words, strange))
        reasons = (*reasons, _unusual(normal.manifest.schema_name, strange))
    return Finding(NAME, shown(ratio, 1.0), 1.0, tuple(reasons), told)


def _unusual(schema: str, strange: tuple[Feature, ...]) -> str:
    """The strangest feature by what it means, where the feature set tells."""
    if not strange:
        return "each feature is usual, not so all together"
    (first, *_) = strange
    if schema not in HOST:
        return f"unusual: {words(first)}"
    from plugin.ml.features import host

    told = host.definitions(sent_only=schema == host.SENT)[first.name]
    plain, meaning, unit = readable(first, told)
    return f"unusual: {meaning}: {values(plain, unit)}"


_ORIGINS = {
    "shipped": "{n} reference captures of {role}",
    "site": "{n} of this site's windows of {role}",
    "own": "{n} of its own earlier windows",
}


def _beside(one: Compared, role: str) -> str:
    whom = _ORIGINS[one.known.origin].format(n=len(one.known.rows), role=role)
    like = "unlike" if one.ratio >= 1 else "like"
    return f"{like} {whom}: at {one.ratio:.2f} of the distance that is novel"


def _by_itself(ratio: float, normal: Normal) -> str:
    """Of a device without a role: how new what it does is, which its score may not tell."""
    n = len(normal.references(None))
    where = f"{ratio:.2f} of the distance that is novel"
    if ratio >= 1:
        return f"is unlike all {n} reference captures: at {where}"
    return f"is novel by that alone: beside all {n} reference captures it is at {where}"


def _far(ratio: float, normal: Normal, label: str | None) -> str:
    n = len(normal.references(normal.place(label)))
    like = "unlike all" if ratio >= 1 else "no farther than usual from all"
    return f"{like} {n} reference captures: at {ratio:.2f} of the distance that is novel"
