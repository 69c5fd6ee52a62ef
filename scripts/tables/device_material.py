"""Rows of the labelled device captures, in several feature sets, for tables of figures."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.errors import CaptureError
from plugin.ml.dataset import choose_device, samples_from_rows
from plugin.ml.features import device_rows
from plugin.offline.read import read_capture
from scripts.tables import networkml_features

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.dataset import Sample

SETS = ("halia-host", "halia-host-sent", "service-ports", "networkml-4104-window", "networkml-0.6")
"""Feature sets; the last one is computed by :mod:`scripts.tables.networkml_features`."""


class Data(NamedTuple):
    """Rows of captures."""

    rows: Mapping[str, NDArray[np.float32]]
    """Feature set -> (n, n_columns)."""
    label: NDArray[np.str_]
    network: NDArray[np.str_]


def load(root: Path, folder: str, label_column: str) -> Data:
    """Rows of the labelled device captures below a folder.

    Args:
        root: where labels.csv is.
        folder: what their paths begin with.
        label_column: what is to be told.
    """
    with (root / "labels.csv").open(encoding="utf-8", newline="") as stream:
        listed = [row for row in csv.DictReader(stream) if row["path"].startswith(folder)]
    samples = samples_from_rows(listed, label_column=label_column, group_column="path")
    found = [(sample, rows) for sample in samples for rows in _rows_of(root, sample)]
    return Data(
        {name: np.stack([rows[name] for _, rows in found]) for name in SETS},
        np.array([sample.label for sample, _ in found]),
        np.array([sample.columns["network"] for sample, _ in found]),
    )


def _rows_of(root: Path, sample: Sample) -> Iterator[dict[str, NDArray[np.float32]]]:
    try:
        capture = read_capture(root / sample.path, packets=True)
    except CaptureError:
        return
    device = choose_device(capture.macs, capture.sessions, mac=sample.mac)
    if device < 0 or capture.packets is None:
        return
    rows = {}
    for name in SETS[:-1]:
        found = device_rows(name, capture, device)
        # Of several windows the mean, as NetworkML's forest took it.
        mean = found.column_sums() / max(found.n_rows, 1)
        rows[name] = mean.astype(np.float32)
    rows[SETS[-1]] = networkml_features.row(capture.packets, device).astype(np.float32)
    yield rows
