"""Features of flows on disk: what ``halia learn extract`` writes and ``halia learn train`` reads.

One npz of plain arrays under any name. Reading one never runs anything (netml's are pickles, and a
pickle is a program); what is read is held against what it must be. An array ``document`` holds
JSON: how the features were computed, so that those of any other capture can be computed alike.
"""

from __future__ import annotations

import json
import os
import stat
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.errors import DatasetError, ModelError
from plugin.flows.spec import Spec
from plugin.ml.arrays import pack, unpack_as
from plugin.ml.fields import show

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

KIND, FORMAT = "flow-features", 1
BYTES_MAX = 2 << 30
"""Of all arrays of a file together."""
NOT_LABELLED = -1
ROW = np.dtype(
    [
        ("src_ip", "u1", (16,)),
        ("dst_ip", "u1", (16,)),
        ("mac", "u1", (6,)),
        ("src_port", "<u2"),
        ("dst_port", "<u2"),
        ("proto", "u1"),
        ("begin", "<i8"),
        ("end", "<i8"),
        ("packets", "<i8"),
        ("bytes", "<i8"),
        ("capture", "<i4"),
    ]
)
"""Whose a row of features is; ``mac``: of the sender, zeros if there is none; times in ns."""

_LAYOUT = {
    "document": ("u1", 1),
    "features": ("f8", 2),
    "labels": ("i1", 1),
    **{
        name: (str(part[0].base.str[1:]), 1 + len(part[0].shape))
        for name, part in (ROW.fields or {}).items()
    },
}
_PICKLE = b"\x80"
MOST = 1e30
"""No flow has so many seconds, bytes or packets; squares of it can still be summed."""


class Extracted(NamedTuple):
    """Features of flows, with all that is needed to learn them and to compute others alike."""

    spec: Spec
    features: NDArray[np.float64]
    """(n, ``spec.dimension``)."""
    labels: NDArray[np.int8] | None
    """(n,): 0 normal, 1 abnormal; None: there are none."""
    rows: NDArray[np.void]
    """(n,) of :data:`ROW`: whose each row is."""
    captures: tuple[str, ...]
    """Names of the captures; ``rows["capture"]`` counts in them."""

    def take(self, which: NDArray[np.int64]) -> Extracted:
        """Some of the rows, in the order asked for."""
        labels = None if self.labels is None else self.labels[which]
        return self._replace(features=self.features[which], labels=labels, rows=self.rows[which])


def write_features(extracted: Extracted, out: IO[bytes]) -> None:
    """Write features to an open binary file; the bytes depend on what is in them alone.

    Raises:
        OSError: it cannot be written.
    """
    document = {
        "kind": KIND,
        "format": FORMAT,
        "labelled": extracted.labels is not None,
        "captures": list(extracted.captures),
        "spec": extracted.spec.document(),
    }
    text = json.dumps(document, sort_keys=True, allow_nan=False).encode()
    n = len(extracted.features)
    none = np.full(n, NOT_LABELLED, np.int8)
    arrays: dict[str, NDArray[Any]] = {
        "document": np.frombuffer(text, np.uint8),
        "features": np.asarray(extracted.features, np.float64),
        "labels": none if extracted.labels is None else extracted.labels.astype(np.int8),
        **{name: extracted.rows[name] for name in ROW.names or ()},
    }
    out.write(pack(arrays))


def read_features(path: Path) -> Extracted:
    """Read and check a file of features; it is opened for reading only.

    Raises:
        DatasetError: it cannot be read, or is none, or is damaged.
    """
    where = str(path)
    try:
        with open(path, "rb", opener=_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise DatasetError("is no regular file", where=where)
            return features_in(stream, where)
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror or error}", where=where) from error


def _without_waiting(path: str, flags: int) -> int:
    """Open without hanging where a pipe or a device stands in for a file."""
    return os.open(path, flags | os.O_NONBLOCK)


def features_in(stream: IO[bytes], where: str) -> Extracted:
    """The same of an open file that can be sought in.

    Raises:
        DatasetError: it is no such file, or is damaged.
        OSError: it cannot be read.
    """
    first = stream.read(4)
    if first.startswith(_PICKLE):
        raise DatasetError(
            "is a pickle, as netml writes them: those can run anything and are never read",
            where=where,
            advice="make the features again with 'halia learn extract'",
        )
    if first[:2] != b"PK":
        raise DatasetError(
            "is no file of flow features" if first else "is empty",
            where=where,
            advice="'halia learn extract --pcap FILE --feature FILE' makes one",
        )
    try:
        return _checked(unpack_as(stream, _LAYOUT, BYTES_MAX))
    except ModelError as error:
        raise DatasetError(error.reason, where=where, advice=error.advice) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"is no file of flow features: {error}", where=where) from error


def _checked(arrays: dict[str, NDArray[Any]]) -> Extracted:
    """Arrays of the right types, held against each other.

    Raises:
        ValueError: what does not fit.
        ModelError: features of another version of Halia.
    """
    document = json.loads(arrays["document"].tobytes())
    captures, told = _parts(document)
    spec = Spec.read(told)
    features, labels = arrays["features"], arrays["labels"]
    rows = np.zeros(len(features), ROW)
    shapes = {"features": (len(features), spec.dimension), "labels": (len(features),)}
    shapes |= {name: rows[name].shape for name in ROW.names or ()}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"the array {name} has shape {arrays[name].shape}, not {shape}")
    for name in ROW.names or ():
        rows[name] = arrays[name]
    if (np.abs(features) > MOST).any():
        raise ValueError(f"a feature is beyond {MOST:g}, and no flow has such a number")
    if rows["capture"].min() < 0 or rows["capture"].max() >= len(captures):
        raise ValueError("a row is of a capture that is not there")
    if document.get("labelled") is not True:
        return Extracted(spec, features, None, rows, captures)
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("a label is neither 0 nor 1")
    return Extracted(spec, features, labels, rows, captures)


def _parts(document: object) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Names of captures, and how features were computed.

    Raises:
        ValueError: the document is no right one.
    """
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ValueError(f"its document is not of kind {KIND}")
    if document.get("format") != FORMAT:
        raise ValueError(f"format {show(document.get('format'))} is not {FORMAT}")
    captures, told = document.get("captures"), document.get("spec")
    named = isinstance(captures, list) and all(isinstance(name, str) for name in captures)
    if not named or not isinstance(told, dict):
        raise ValueError("it does not say how the features were computed, or of which captures")
    return tuple(captures or ()), told


def joined(parts: Sequence[Extracted]) -> Extracted:
    """Features of several captures as one; all were computed by one ``spec``.

    Labels stay only where every part has them.
    """
    labels = [part.labels for part in parts if part.labels is not None]
    rows, captures = [], list[str]()
    for part in parts:
        shifted = part.rows.copy()
        shifted["capture"] += len(captures)
        rows.append(shifted)
        captures += part.captures
    return Extracted(
        parts[0].spec,
        np.concatenate([part.features for part in parts]),
        np.concatenate(labels) if len(labels) == len(parts) else None,
        np.concatenate(rows),
        tuple(captures),
    )
