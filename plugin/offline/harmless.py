"""Harmless captures in, a model of suspicion out: how far their devices go in each sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin import __version__
from plugin.errors import DatasetError
from plugin.ml.dataset import training_digest
from plugin.ml.devices import addresses_of, devices_of
from plugin.ml.novelty.conformal import needed
from plugin.ml.signs import NAMES, WINDOW, steps_of
from plugin.ml.suspicion import ALARMS, FORMAT, KIND, Manifest, Suspicion, fit
from plugin.offline.evidence import evidence
from plugin.offline.read import read_capture
from plugin.offline.training import file_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Harmless(NamedTuple):
    """A capture without anything bad in it."""

    path: Path
    family: str
    """Kind of device: what is left out together."""


def make_suspicion(captures: Sequence[Harmless], *, name: str = KIND) -> Suspicion:
    """Make a model of suspicion: how far harmless devices go in each sign.

    Args:
        captures: of two families at least; of all devices in each.
        name: the model's.

    Raises:
        CaptureError: one cannot be read.
        DatasetError: too few for a threshold.
    """
    least = needed(ALARMS)
    if len(captures) < least:
        raise DatasetError(f"{len(captures)} captures, {least} are needed for a threshold")
    families = sorted({one.family for one in captures})
    values, case = [], []
    for number, one in enumerate(captures):
        capture = read_capture(one.path, watched=True)
        devices = devices_of(capture)
        addresses = addresses_of(capture, devices)
        found = evidence(capture, devices, foreign=addresses.foreign).without(addresses.relays)
        values.append(found.values)
        case.append(np.full(len(found.values), number))
    family = np.array([families.index(one.family) for one in captures])
    fitted = fit(steps_of(np.concatenate(values)), np.concatenate(case), family)
    alarms = float((fitted.scores >= fitted.threshold).mean())
    manifest = Manifest(
        format=FORMAT,
        kind=KIND,
        name=name,
        version="1",
        signs=NAMES,
        window_seconds=WINDOW,
        threshold=fitted.threshold,
        alarms=ALARMS,
        training_digest=training_digest(file_digest(one.path) for one in captures),
        created="",
        metrics={"captures": len(captures), "families": len(families), "alarms": alarms},
        versions={"halia": __version__, "numpy": np.__version__},
    )
    return Suspicion(manifest, {"floor": fitted.floor, "scores": fitted.scores})
