"""Labelled material made of random rows: classes that can be told apart, and noise."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.dataset import PREFIXES, Cases, Material, Sample, encode
from plugin.ml.matrix import from_dense
from plugin.ml.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Sequence


def material(
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    features: str = "service-ports",
    rows_each: int = 1,
    signal: float = 0.9,
    seed: int = 0,
) -> Material:
    """Each class has three columns of its own; ``signal`` 0 leaves nothing to learn."""
    random = np.random.default_rng(seed)
    n_columns = SCHEMAS[features].n_columns
    _, y = encode(labels)
    n = len(labels)
    dense = np.zeros((n * rows_each, n_columns), np.float32)
    for row in range(n * rows_each):
        own = 3 * y[row // rows_each] + np.arange(3)
        columns = own if random.random() < signal else random.integers(0, 30, 3)
        dense[row, columns] = random.random(3) * 0.5 + 0.5
    rows = from_dense(dense)
    samples = tuple(
        Sample(
            path=f"{i}.pcap",
            label=label,
            group=groups[i] if groups else f"{i}.pcap",
            columns={"path": f"{i}.pcap", "network": groups[i] if groups else ""},
        )
        for i, label in enumerate(labels)
    )
    return Material(
        features=features,
        unit=SCHEMAS[features].unit,
        samples=samples,
        rows=rows,
        owner=np.repeat(np.arange(n), rows_each).astype(np.int64),
        packets=random.integers(20, 200, n),
        sessions=random.integers(1, 60, n),
        digests=tuple(hashlib.sha256(bytes([i])).hexdigest() for i in range(n)),
        prefixes=dict.fromkeys(PREFIXES, rows) if SCHEMAS[features].unit == "device" else {},
    )


def cases(found: Material) -> Cases:
    """With the truth in numbers; nothing is background."""
    classes, y = encode(found.labels)
    return Cases(found, y, len(classes))
