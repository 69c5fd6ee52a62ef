"""Packets in as they come, a score for each flow out as it ends: ``--follow`` and ``--live``.

Imports numpy and nothing heavier. What is scored, and how, is that of :mod:`.flow_scoring`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.addresses import address_text
from plugin.capture.follow import open_growing
from plugin.capture.scan import Scan
from plugin.core.layout import MAC
from plugin.errors import CaptureError
from plugin.flows.features import matrix
from plugin.flows.stream import WHY, Ended, Limits, Stream
from plugin.offline.flow_learning import rows_of
from plugin.offline.flow_scoring import Scored, documents, sender_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from plugin.flows.stream import Counts
    from plugin.ml.flow_model import FlowModel


class Scores(NamedTuple):
    """Flows that ended together, and why each did."""

    scored: Scored
    ended: tuple[str, ...]
    """Of ``plugin.flows.stream.WHY``."""


class FlowStream:
    """Scores the flows of one input while it is read."""

    def __init__(
        self,
        model: FlowModel,
        source: str,
        *,
        device: str | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
    ) -> None:
        """Start; nothing was read yet.

        Args:
            model: which one.
            source: the input's name.
            device: only the flows that this MAC or IP address sends, as Halia writes it.
            limits: what is held at most.

        Raises:
            ModelError: its features are damaged, or cannot be computed from a stream.
        """
        self._model, self._source, self._device = model, source, device
        self._spec = spec_of(model)
        self._stream = Stream(self._spec, limits=limits)
        self._scan = Scan(packets=True, bare=True)
        self._macs = bytearray()
        self.flows = self.abnormal = 0
        """Scored so far, and those above the threshold."""

    def counts(self) -> Counts:
        """What was read and given out so far."""
        return self._stream.counts()

    def feed(self, data: bytes) -> Iterator[Scores]:
        """Take what a live capture's stream brought; gives what ended by it."""
        for chunk in self._scan.feed(data) if data else ():
            yield from self._scores(self._stream.feed(chunk.packets))

    def follow(
        self, path: Path, over: Callable[[], bool], wait: Callable[[float], None]
    ) -> Iterator[Scores]:
        """Take a capture that is still being written; :func:`open_growing` tells the rest.

        A record that was not written whole by the end is left out.

        Raises:
            CaptureError: it cannot be read, or is damaged.
        """
        with open_growing(path, over, wait) as source:
            for chunk in self._scan.read(source):
                yield from self._scores(self._stream.feed(chunk.packets))
        yield from self.finish()
        problem = self._scan.problem
        if problem is not None and not problem.cut_short:
            raise CaptureError(problem.reason, where=problem.source, offset=problem.offset)

    def advance(self, now_ns: int) -> Iterator[Scores]:
        """Say that no packet came until now."""
        yield from self._scores(self._stream.advance(now_ns))

    def finish(self) -> Iterator[Scores]:
        """End the flows that are still open."""
        yield from self._scores(self._stream.finish())

    def documents(self, scores: Scores, *, explain: bool = False) -> Iterator[dict[str, Any]]:
        """What ``--json`` tells of each flow: as of a whole capture, and ``ended``."""
        columns = self._spec.columns()
        told: Iterable[dict[str, Any]] = documents(
            scores.scored, self._model, explain=explain, columns=columns
        )
        for document, ended in zip(told, scores.ended, strict=True):
            yield document | {"ended": ended}

    def _scores(self, ended: Ended) -> Iterator[Scores]:
        flows, why = ended
        if not len(flows):
            return
        size = MAC.size
        if int(flows.keys["src_mac"].max()) >= len(self._macs) // size:
            self._macs += self._scan.macs(len(self._macs) // size)
        rows = rows_of(flows, np.frombuffer(self._macs, MAC.dtype()))
        if self._device is not None:
            kept = np.array(
                [
                    self._device in {sender_of(row), address_text(row["src_ip"].tobytes())}
                    for row in rows
                ]
            )
            if not kept.any():
                return
            flows, why, rows = flows.take(kept), why[kept], rows[kept]
        features = matrix(flows, self._spec)
        scores = self._model.score(features)
        abnormal, p_values = self._model.abnormal(scores), self._model.p_values(scores)
        self.flows += len(flows)
        self.abnormal += int(abnormal.sum())
        yield Scores(
            Scored(self._source, self._spec, features, rows, scores, abnormal, p_values),
            tuple(WHY[k] for k in why.tolist()),
        )
