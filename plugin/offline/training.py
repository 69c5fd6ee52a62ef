"""Labelled captures in, models and evaluations out: the files around :mod:`plugin.ml`.

The mathematics is in ``ml.dataset``, ``ml.train``, ``ml.crossval`` and ``ml.evaluate``; this
file lists captures, reads them and puts a :class:`~plugin.ml.model.Model` together.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import ipaddress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.capture.source import find_captures
from plugin.errors import CaptureError, DatasetError, OptionError
from plugin.ml.crossval import silent
from plugin.ml.dataset import (
    PREFIXES,
    Material,
    Sample,
    choose_device,
    samples_from_names,
    samples_from_rows,
)
from plugin.ml.features import NEEDS_PACKETS, device_rows, device_view, first_sessions
from plugin.ml.matrix import Matrix, vstack
from plugin.ml.model import UNKNOWN
from plugin.ml.schema import SCHEMAS
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from plugin.ml.crossval import Track
    from plugin.ml.vocabulary import Vocabulary
    from plugin.records import Capture

LIST_NAME = "labels.csv"
DIGEST_LETTERS = 16
"""Letters of a file's SHA-256 that a manifest keeps, to know its own training files again."""


class Listing(NamedTuple):
    """Labelled captures and the folder that their paths start from."""

    root: Path
    samples: tuple[Sample, ...]


class Skipped(NamedTuple):
    """A capture that cannot serve, and why."""

    path: str
    reason: str


class Gathered(NamedTuple):
    """What was read."""

    material: Material
    skipped: tuple[Skipped, ...]


class _Read(NamedTuple):
    """One capture's part of the material."""

    rows: Matrix
    packets: int
    sessions: int
    digest: str
    device: int
    """Its place in the capture's table of MACs."""
    prefixes: dict[int, Matrix]


def read_listing(
    data: Path,
    *,
    root: Path | None = None,
    label_column: str = "label",
    group_column: str | None = None,
    where: Sequence[tuple[str, str]] = (),
) -> Listing:
    """List labelled captures.

    Args:
        data: a CSV file with the columns path and label, or a folder: with a labels.csv, or
            with captures whose names or sub-folders carry the role.
        root: where the paths of a CSV start; by default the CSV's folder.
        label_column: the CSV's column of the class.
        group_column: the CSV's column of the group.
        where: (column, pattern) pairs that a row of the CSV must match.

    Raises:
        DatasetError: nothing there, a column missing, a name without a role.
        OptionError: of a CSV, and there is none.
    """
    if data.is_dir() and not (data / LIST_NAME).is_file():
        names = {"root": root, "group-column": group_column, "where": where or None}
        names |= {"label-column": None if label_column == "label" else label_column}
        for name, given in names.items():
            if given is not None:
                said = f"is for a list, and this is a folder without {LIST_NAME}: names say all"
                raise OptionError(said, where=f"--{name}")
        paths = [p.relative_to(data).as_posix() for p in find_captures([data]) if p != data]
        return Listing(data, samples_from_names(paths, source=str(data)))
    table = data / LIST_NAME if data.is_dir() else data
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            samples = samples_from_rows(
                csv.DictReader(stream),
                label_column=label_column,
                group_column=group_column,
                where=where,
                source=str(table),
            )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(table, error) from error
    return Listing(root or table.parent, samples)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unreadable(path: Path, error: Exception) -> DatasetError:
    reason = error.strerror if isinstance(error, OSError) else None
    return DatasetError(f"cannot be read: {reason or error}", where=str(path))


def held_out_digests(lists: Iterable[Path]) -> frozenset[str]:
    """SHA-256 digests in the ``sha256`` columns of lists of captures that no model may learn."""
    found: set[str] = set()
    for path in lists:
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                found |= {row["sha256"] for row in csv.DictReader(stream) if row.get("sha256")}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise _unreadable(path, error) from error
    return frozenset(found)


def gather(
    listing: Listing,
    features: str,
    *,
    jobs: int = 1,
    track: Track = silent,
) -> Gathered:
    """Read the captures of a list into feature rows.

    Args:
        listing: what to read.
        features: a key of ``SCHEMAS``.
        jobs: processes.
        track: passes results on and shows progress: (items, total, label).

    Returns:
        Material in the order of the list; captures that cannot be read, lack their device or
        hold no IP session of it are left out and named in ``skipped``; so are copies of others,
        which a test would meet on both sides.

    Raises:
        DatasetError: nothing was left, or the same device of the same capture has two labels.
    """
    results: Iterable[_Read | Skipped]
    if jobs == 1:
        results = (_read(listing.root, sample, features) for sample in listing.samples)
    else:
        from joblib import Parallel, delayed

        results = Parallel(n_jobs=jobs, return_as="generator")(
            delayed(_read)(listing.root, sample, features) for sample in listing.samples
        )
    results = track(results, len(listing.samples), "captures")
    kept: list[tuple[Sample, _Read]] = []
    skipped: list[Skipped] = []
    first: dict[tuple[str, int], Sample] = {}
    for sample, result in zip(listing.samples, results, strict=True):
        if isinstance(result, Skipped):
            skipped.append(result)
            continue
        same = first.setdefault((result.digest, result.device), sample)
        if same.label != sample.label:
            raise DatasetError(
                f"the same device of the same capture is labelled {same.label} and {sample.label}",
                where=f"{same.path}, {sample.path}",
                advice="correct one of the rows, or take both out",
            )
        if same is not sample:
            skipped.append(Skipped(sample.path, f"it is a copy of {same.path}"))
        else:
            kept.append((sample, result))
    if not kept:
        raise DatasetError(
            f"no capture could be used; the first: {skipped[0].reason}", where=str(listing.root)
        )
    return Gathered(_material(features, kept), tuple(skipped))


def _material(features: str, kept: Sequence[tuple[Sample, _Read]]) -> Material:
    parts = [read for _, read in kept]
    counts = [part.rows.n_rows for part in parts]
    shared = [k for k in PREFIXES if all(k in part.prefixes for part in parts)]
    return Material(
        features=features,
        unit=SCHEMAS[features].unit,
        samples=tuple(sample for sample, _ in kept),
        rows=vstack([part.rows for part in parts]),
        owner=np.repeat(np.arange(len(parts)), counts).astype(np.int64),
        packets=np.array([part.packets for part in parts], np.int64),
        sessions=np.array([part.sessions for part in parts], np.int64),
        digests=tuple(part.digest for part in parts),
        prefixes={k: vstack([part.prefixes[k] for part in parts]) for k in shared},
    )


def _read(root: Path, sample: Sample, features: str) -> _Read | Skipped:
    path = root / sample.path
    try:
        capture = read_capture(path, packets=features in NEEDS_PACKETS)
        device = device_of(capture, sample)
        digest = file_digest(path)
    except (CaptureError, OSError, ValueError) as error:
        return Skipped(sample.path, str(error))
    if device < 0:
        return Skipped(sample.path, "the labelled device is not in it")
    sessions, _ = device_view(capture, device)
    rows = device_rows(features, capture, device)
    if not len(sessions) or not rows.n_rows:
        return Skipped(sample.path, "the device has no IP session in it")
    return _Read(
        rows,
        int((sessions["orig_packets"] + sessions["resp_packets"]).sum()),
        len(sessions),
        digest,
        device,
        _prefixes(features, capture, device),
    )


def device_of(capture: Capture, sample: Sample) -> int:
    """The labelled device: index into the capture's MAC table, -1 if it is not there."""
    ip = b""
    if sample.ip:
        address = ipaddress.ip_address(sample.ip)
        ip = address.packed.rjust(16, b"\0")
        if address.version == 4:  # noqa: PLR2004 — IPv4 is held as ::ffff:a.b.c.d
            ip = bytes(10) + b"\xff\xff" + address.packed
    return choose_device(capture.macs, capture.sessions, mac=sample.mac, ip=ip)


def _prefixes(features: str, capture: Capture, device: int) -> dict[int, Matrix]:
    """Rows of sets that sum a device up, as after its first sessions."""
    rows = first_sessions(features, capture, device, PREFIXES)
    if rows is None:
        return {}
    return {k: rows.rows(np.array([place])) for place, k in enumerate(PREFIXES)}


def spell(listing: Listing, vocabulary: Vocabulary) -> Listing:
    """Give each label the vocabulary's spelling; labels that it does not know stay."""
    samples = (
        dataclasses.replace(sample, label=spelled(sample.label, vocabulary))
        for sample in listing.samples
    )
    return Listing(listing.root, tuple(samples))


def spelled(label: str, vocabulary: Vocabulary) -> str:
    """A label in the vocabulary's spelling; one that it does not know stays as it is."""
    role = vocabulary.find(label)
    found = role.label if role else label
    return UNKNOWN if found.casefold() == vocabulary.unknown.casefold() else found
