"""From captures to features of flows, and from those to a model: what ``halia learn`` does.

The way is netml's: flows of all captures are cut by one interval, those without a label are left
out where labels are given, the width of a row follows from what is left. All three are kept, so
that any other capture can be scored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.errors import InputError, OptionError
from plugin.flows.cut import MIN_PACKETS, QUANTILE, cut, interval
from plugin.flows.features import matrix
from plugin.flows.records import Flows
from plugin.flows.spec import TIMEOUTS, plan
from plugin.offline.flow_files import ROW, Extracted
from plugin.offline.flows import read_flows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.flows.cut import Last
    from plugin.flows.spec import Spec
    from plugin.offline.flow_labels import LabelFile
    from plugin.offline.flows import FlowsRead
    from plugin.records import Rows

NORMAL, ABNORMAL, UNLABELLED = 0, 1, -1


class Input(NamedTuple):
    """One capture (or folder of captures) to learn from, and what is known of its flows."""

    path: Path
    labels: Path | None = None
    """A file of labels; flows that it does not name are left out."""
    label: int | None = None
    """The label of all its flows: 0 normal, 1 abnormal."""


class Wanted(NamedTuple):
    """How flows and rows are to be made."""

    feature: str = "IAT"
    fft: bool = False
    header: bool = False
    q: float = QUANTILE
    interval: float | None = None
    """Seconds; None: the quantile ``q`` of the flows' durations."""
    sampling: float | None = None
    """Seconds, of SAMP_*; None: a quantile."""
    min_packets: int = MIN_PACKETS
    timeouts: tuple[float, float] = TIMEOUTS
    last: Last = "keep"


class Read(NamedTuple):
    """The flows of one input, whole."""

    given: Input
    found: FlowsRead


def read_inputs(
    inputs: Iterable[Input], wanted: Wanted, *, progress: Callable[[int], None] | None = None
) -> list[Read]:
    """Read the flows of each input.

    Raises:
        CaptureError: one cannot be read at all.
        OptionError: an option out of its range.
    """
    return [
        Read(
            each,
            read_flows(
                [each.path],
                timeouts=wanted.timeouts,
                min_packets=wanted.min_packets,
                last=wanted.last,
                progress=progress,
            ),
        )
        for each in inputs
    ]


def extract(
    inputs: Sequence[Input],
    wanted: Wanted = Wanted(),  # noqa: B008 - immutable
    *,
    mapping: Path | None = None,
    progress: Callable[[int], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> Extracted:
    """Make rows of captures.

    Args:
        inputs: captures; all of them labelled, or none.
        wanted: options.
        mapping: how to read files of labels that are no known format.
        progress: called with the bytes of each capture taken so far.
        warn: called with what was not as it should be, a line each.

    Raises:
        InputError: there are no flows, or labels match none of them; a file is damaged.
    """
    labelled = _labelled(inputs)
    note = warn or _quiet
    # Labels first: a file that is wrong is told before captures are read for it.
    files = {path: read_labels(path, mapping) for each in inputs if (path := each.labels)}
    reads = read_inputs(inputs, wanted, progress=progress)
    for said in (*_problems(files), *(str(p) for read in reads for p in read.found.problems)):
        note(said)
    whole = [read.found.flows for read in reads]
    if not sum(map(len, whole)):
        raise _no_flows(reads, wanted)
    length = interval(together(whole), wanted.q) if wanted.interval is None else wanted.interval
    parts = [cut(flows, length, wanted.min_packets, wanted.last) for flows in whole]
    empty = [each.path for part, each in zip(parts, inputs, strict=True) if not len(part)]
    for said in without_flows(empty, wanted):
        note(said)
    known = [labels_of(part, each, files) for part, each in zip(parts, inputs, strict=True)]
    if labelled:
        parts, known = _with_labels(parts, known, inputs, files, note)
    spec = plan(
        together(parts),
        wanted.feature,
        interval=length,
        fft=wanted.fft,
        header=wanted.header,
        q=wanted.q,
        sampling=wanted.sampling,
        min_packets=wanted.min_packets,
        timeouts=wanted.timeouts,
        last=wanted.last,
    )
    return Extracted(
        spec,
        np.concatenate([matrix(part, spec) for part in parts]),
        np.concatenate(known) if labelled else None,
        np.concatenate(
            [
                rows_of(part, read.found.macs, number)
                for number, (part, read) in enumerate(zip(parts, reads, strict=True))
            ]
        ),
        tuple(str(read.given.path) for read in reads),
    )


def _labelled(inputs: Sequence[Input]) -> bool:
    """Whether there are labels.

    Raises:
        OptionError: of some captures only.
    """
    labelled = [each.labels is not None or each.label is not None for each in inputs]
    if any(labelled) and not all(labelled):
        raise OptionError(
            "has no labels, and others have",
            where=str(inputs[labelled.index(False)].path),
            advice="label all captures or none (--label, --pcap-normal, --pcap-abnormal)",
        )
    return any(labelled)


def _problems(files: Mapping[Path, LabelFile]) -> list[str]:
    return [said for file in files.values() for said in file.problems]


def _with_labels(
    parts: Sequence[Flows],
    known: Sequence[NDArray[np.int8]],
    inputs: Sequence[Input],
    files: Mapping[Path, LabelFile],
    note: Callable[[str], None],
) -> tuple[list[Flows], list[NDArray[np.int8]]]:
    """The flows that have a label, and their labels.

    Raises:
        InputError: there are none.
    """
    kept = [found != UNLABELLED for found in known]
    total, left = sum(map(len, kept)), sum(int(which.sum()) for which in kept)
    if not left:
        _must_match(parts, inputs, files)
    for said in without_label(total, left):
        note(said)
    return (
        [part.take(which) for part, which in zip(parts, kept, strict=True)],
        [found[which] for found, which in zip(known, kept, strict=True)],
    )


def without_label(total: int, left: int) -> list[str]:
    """What to tell of flows that have no label; nothing where all have one."""
    if left == total:
        return []
    return [f"{total - left} of {total} flows have no label and are left out"]


def without_flows(paths: Sequence[Path], wanted: Wanted) -> list[str]:
    """What to tell of captures that give no flow beside others that do; nothing of none."""
    if not paths:
        return []
    names = ", ".join(map(str, paths[:3]))
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""  # noqa: PLR2004 - fits a line
    least = max(MIN_PACKETS, wanted.min_packets)
    return [f"{names}{more}: no TCP or UDP flow of {least} packets in one direction"]


def read_labels(path: Path, mapping: Path | None = None) -> LabelFile:
    """Read a file of labels, by its content.

    Raises:
        InputError: it is none, or labels nothing.
        SettingsError: the mapping is wrong.
    """
    from plugin.offline import flow_labels as files

    return files.read_labels(path, mapping=None if mapping is None else files.read_mapping(mapping))


def labels_of(flows: Flows, given: Input, files: Mapping[Path, LabelFile]) -> NDArray[np.int8]:
    """(n,) label of each flow, -1 where none is known."""
    if given.labels is None:
        label = UNLABELLED if given.label is None else given.label
        return np.full(len(flows), label, np.int8)
    from plugin.flows.labels import match

    return match(flows, files[given.labels].labels)


def together(parts: Sequence[Flows]) -> Flows:
    """Flows of several captures as one table; MAC indices then mean nothing."""
    if len(parts) == 1:
        return parts[0]
    starts = [np.zeros(1, np.int64)]
    before = 0
    for part in parts:
        starts.append(part.starts[1:] + before)
        before += part.packets
    columns = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("time", "size", "ttl", "flags")
    )
    return Flows(np.concatenate([part.keys for part in parts]), np.concatenate(starts), *columns)


def rows_of(flows: Flows, macs: Rows, capture: int = 0) -> NDArray[np.void]:
    """(n,) of :data:`ROW`: whose each flow is.

    Args:
        flows: of one capture.
        macs: the core's ``MAC`` rows, which the keys number.
        capture: its number.
    """
    rows = np.zeros(len(flows), ROW)
    if not len(flows):
        return rows
    for name in ("src_ip", "dst_ip", "src_port", "dst_port", "proto"):
        rows[name] = flows.keys[name]
    sender = flows.keys["src_mac"]
    if len(macs):
        known = macs["mac"][np.maximum(sender, 0)]
        rows["mac"] = np.where((sender >= 0)[:, None], known, 0)
    first, last = flows.starts[:-1], flows.starts[1:] - 1
    rows["begin"], rows["end"] = flows.time[first], flows.time[last]
    rows["packets"] = flows.counts()
    rows["bytes"] = np.add.reduceat(flows.size.astype(np.int64), first)
    rows["capture"] = capture
    return rows


def spec_like(spec: Spec, wanted: Wanted) -> Wanted:
    """The options that gave a spec, so that other captures are read alike."""
    return wanted._replace(
        q=spec.q, interval=spec.interval, min_packets=spec.min_packets,
        timeouts=spec.timeouts, last=spec.last,
    )  # fmt: skip


def _quiet(_: str) -> None:
    """Say nothing."""


def _no_flows(reads: Sequence[Read], wanted: Wanted) -> InputError:
    packets = sum(read.found.totals.packets for read in reads)
    names = ", ".join(str(read.given.path) for read in reads[:3])
    more = f" and {len(reads) - 3} more" if len(reads) > 3 else ""  # noqa: PLR2004 - fits a line
    if not packets:
        return InputError("has no packets", where=names + more)
    return InputError(
        f"has no TCP or UDP flow of {max(2, wanted.min_packets)} packets in one direction"
        f" ({packets:,} packets were read)",
        where=names + more,
        advice="give a capture with more traffic",
    )


def _must_match(
    parts: Sequence[Flows], inputs: Sequence[Input], files: Mapping[Path, LabelFile]
) -> None:
    """Say why labels match none of the flows.

    Raises:
        InputError: always.
    """
    from plugin.offline.flow_labels import must_match

    for part, given in zip(parts, inputs, strict=True):
        if given.labels is not None and len(part):
            must_match(part, files[given.labels])
    raise InputError("there is no flow to label", where=str(inputs[0].path))
