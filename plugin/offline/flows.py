"""Captures to flows: the composition root of ``plugin.flows``, joining files and core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.capture.scan import Scan
from plugin.capture.source import find_captures, open_source
from plugin.core.layout import MAC
from plugin.errors import CaptureError
from plugin.flows.cut import MIN_PACKETS, cut
from plugin.flows.table import TIMEOUT, FlowTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.flows.cut import Last
    from plugin.flows.records import Flows
    from plugin.flows.spec import Spec
    from plugin.records import Problem, Rows, Totals


class FlowsRead(NamedTuple):
    """Flows of captures, and whose they are.

    Attributes:
        flows: in order of first sight.
        macs: ``MAC`` rows, which the keys' ``src_mac`` and ``dst_mac`` number.
        totals: what was counted.
        problems: captures that were not read to their ends; what came before was kept.
    """

    flows: Flows
    macs: Rows
    totals: Totals
    problems: tuple[Problem, ...]


def read_flows(
    paths: Iterable[Path | str],
    *,
    timeouts: tuple[float, float] = (TIMEOUT, TIMEOUT),
    min_packets: int = MIN_PACKETS,
    last: Last = "keep",
    progress: Callable[[int], None] | None = None,
    skipped: Callable[[Path, int], None] | None = None,
) -> FlowsRead:
    """Read whole flows; what several captures hold of a 5-tuple is one flow, unless it was idle.

    Args:
        paths: captures, ``-`` for standard input, and directories of captures.
        timeouts: seconds without a packet that end a flow, of TCP and UDP.
        min_packets: flows of fewer packets are left out.
        last: keep or drop the last part of each flow that was ended so (netml drops it).
        progress: called with the bytes of the file taken so far.
        skipped: called after each directory with the number of its files that are no captures.

    Raises:
        CaptureError: one cannot be opened, or is no capture at all.
        OptionError: an argument out of its range.
    """
    table, scan = FlowTable(*timeouts), Scan(packets=True, bare=True)
    problems: list[Problem] = []
    for path in find_captures([Path(p) for p in paths], skipped=skipped):
        before = scan.totals().packets
        with open_source(path) as source:
            for chunk in scan.read(source, progress):
                table.feed(chunk.packets)
        problem = scan.problem
        if problem is not None:
            if scan.totals().packets == before and not problem.cut_short:
                raise CaptureError(problem.reason, where=problem.source, offset=problem.offset)
            problems.append(problem)
    macs = np.frombuffer(scan.macs(), MAC.dtype())
    flows = table.flows(min_packets, last)
    return FlowsRead(flows, macs, scan.totals(), tuple(problems))


def flows_of(
    paths: Iterable[Path | str],
    spec: Spec,
    *,
    progress: Callable[[int], None] | None = None,
    skipped: Callable[[Path, int], None] | None = None,
) -> FlowsRead:
    """Read the parts of flows that a model's rows are made of; :func:`read_flows` tells the rest.

    Args:
        paths: captures and directories.
        spec: how the model cuts flows.
        progress: called with the bytes of the file taken so far.
        skipped: called after each directory with the number of its files that are no captures.
    """
    found = read_flows(
        paths,
        timeouts=spec.timeouts,
        min_packets=spec.min_packets,
        last=spec.last,
        progress=progress,
        skipped=skipped,
    )
    return found._replace(flows=cut(found.flows, spec.interval, spec.min_packets, spec.last))
