"""The passes over captures whose flows become rows: what one process does with one capture.

The functions take all that they rest on as arguments and read the files that these name, so they
give the same wherever they run.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.errors import CaptureError
from plugin.flows.cut import cut
from plugin.flows.features import matrix
from plugin.offline.flow_files import Extracted, write_features
from plugin.offline.flow_learning import UNLABELLED, labels_of, read_inputs, read_labels, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.flows.records import Flows
    from plugin.flows.spec import Spec
    from plugin.offline.flow_labels import LabelFile
    from plugin.offline.flow_learning import Input, Wanted
    from plugin.records import Rows


class Bad(NamedTuple):
    """A capture that cannot be read."""

    reason: str


class Stage(NamedTuple):
    """What one pass over the captures needs to know."""

    wanted: Wanted
    mapping: Path | None = None
    spec: Spec | None = None
    """Of the last pass."""


class Measured(NamedTuple):
    """What a pass finds of one capture before there are rows."""

    durations: NDArray[np.float64]
    """(n,) s: of whole flows, or of their parts."""
    counts: NDArray[np.int64]
    """(n,) packets of the parts; empty for whole flows."""
    flows: int
    """Parts with and without a label."""
    problems: tuple[str, ...]
    """What was wrong with the capture, which was read as far as it went."""


def whole_flows(stage: Stage, given: Input) -> Measured | Bad:
    """Measure the flows of one capture, uncut."""
    try:
        [read] = read_inputs([given], stage.wanted)
    except CaptureError as error:
        return Bad(error.reason)
    flows, none = read.found.flows, np.zeros(0, np.int64)
    return Measured(flows.durations(), none, len(flows), tuple(map(str, read.found.problems)))


def labelled_parts(stage: Stage, given: Input) -> Measured | Bad:
    """Measure the parts of the flows of one capture: those with a label, if there are labels."""
    try:
        found = _parts(stage, given)
    except CaptureError as error:
        return Bad(error.reason)
    parts = found.parts
    return Measured(parts.durations(), parts.counts(), found.flows, found.problems)


def rows_of_parts(stage: Stage, given: Input) -> bytes | Bad:
    """Make the rows of one capture, as a file of features."""
    assert stage.spec is not None
    try:
        found = _parts(stage, given)
    except CaptureError as error:
        return Bad(error.reason)
    rows = rows_of(found.parts, found.macs)
    made = Extracted(
        stage.spec, matrix(found.parts, stage.spec), found.labels, rows, (str(given.path),)
    )
    out = io.BytesIO()
    write_features(made, out)
    return out.getvalue()


class _Parts(NamedTuple):
    """Parts of the flows of one capture."""

    parts: Flows
    labels: NDArray[np.int8] | None
    macs: Rows
    flows: int
    """Parts with and without a label."""
    problems: tuple[str, ...]


def _parts(stage: Stage, given: Input) -> _Parts:
    wanted = stage.wanted
    assert wanted.interval is not None
    [read] = read_inputs([given], wanted)
    parts = cut(read.found.flows, wanted.interval, wanted.min_packets, wanted.last)
    n, labels = len(parts), None
    if given.labels is not None or given.label is not None:
        files = {} if given.labels is None else {given.labels: _label_file(given, stage.mapping)}
        labels = labels_of(parts, given, files)
        parts, labels = parts.take(labels != UNLABELLED), labels[labels != UNLABELLED]
    return _Parts(parts, labels, read.found.macs, n, tuple(map(str, read.found.problems)))


def _label_file(given: Input, mapping: Path | None) -> LabelFile:
    assert given.labels is not None
    changed = tuple(p.stat().st_mtime_ns for p in (given.labels, mapping) if p is not None)
    return _labels_read(given.labels, mapping, changed)


@lru_cache(maxsize=1)
def _labels_read(path: Path, mapping: Path | None, _changed: tuple[int, ...]) -> LabelFile:
    """Read labels once for the many captures that they are for."""
    return read_labels(path, mapping)
