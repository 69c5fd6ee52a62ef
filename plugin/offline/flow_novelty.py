"""Novelty of devices by their flows: models of ``halia learn``, one for a role, or for all.

A model calls a share of usual flows abnormal (its ``alarms``). A device is novel by its flows if
the share of those it sends is surely larger: the lower end of Wilson's 99 % interval is above it.
Flows of one device are not independent, so this is a measure and no probability. Who is novel by
flows alone is never *anomalous*: new is not bad.

SOURCE of the interval: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
Inference", JASA 22 (1927).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.flows.cut import cut, cut_idle
from plugin.flows.features import matrix
from plugin.flows.table import FlowTable
from plugin.ml.behaviour.finding import Finding
from plugin.ml.novelty.judge import NAME
from plugin.ml.verdict import KNOWN, UNDETERMINED, says_yes
from plugin.offline.flow_learning import rows_of
from plugin.offline.flow_scoring import flow_fields, load_flow_model, sender_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.flows.records import Flows
    from plugin.flows.spec import Spec
    from plugin.ml.flow_model import FlowModel
    from plugin.ml.verdict import Role
    from plugin.records import Capture

ANY = "*"
"""In place of a role: all roles that have no model of their own, and devices of unknown role."""
FLOWS_MIN = 10
"""A device that sends fewer is not judged by them."""
LEAST_SHARE = 0.01
"""A model that was set for fewer alarms is taken as set for so many."""
TOLD, COLUMNS = 3, 2
"""Flows that a finding names, and columns of each."""
_Z = 2.5758
"""Of a two-sided interval of 99 %."""


class _Parted(NamedTuple):
    """The flows of a capture as one model cuts them."""

    flows: Flows
    rows: NDArray[np.void]
    whose: dict[str, list[int]]


def load_flow_models(named: Iterable[str], data: Path | None = None) -> dict[str, FlowModel]:
    """Load the models of a setting.

    Args:
        named: ``ROLE=MODEL``, each role once or (the last counts) more often.
        data: the setting ``data``, where models/ is.

    Raises:
        ModelError: there is no such model, or it is refused.
    """
    found: dict[str, FlowModel] = {}
    known: dict[str, FlowModel] = {}
    for one in named:
        role, _, name = one.partition("=")
        if name not in known:
            known[name] = load_flow_model(name, data)
            spec_of(known[name])
        found[role] = known[name]
    return found


def larger(novelty: Finding | None, by_flows: Finding | None) -> Finding | None:
    """Of two findings of novelty the one that says more; flows alone never say *normal*."""
    if by_flows is None or (novelty is None and not says_yes(by_flows)):
        return novelty
    if novelty is None:
        return by_flows
    return max(novelty, by_flows, key=lambda one: one.score / one.threshold)


class FlowNovelties:
    """Says of devices of a capture whether their flows are novel.

    Args:
        capture: read with ``packets=True``.
        models: by role; ``*`` for the rest.
    """

    def __init__(self, capture: Capture, models: Mapping[str, FlowModel]) -> None:
        self._capture, self._models = capture, models
        self._gathered: Flows | None = None
        self._parted: dict[tuple[object, ...], _Parted] = {}

    def of(self, mac: str | None, ips: tuple[str, ...], role: Role) -> Finding | None:
        """What novelty there is about a device's flows; None: no model, or too few flows.

        Args:
            mac: of the device; None: it goes by its IP addresses.
            ips: these.
            role: what the device is said to be.
        """
        model = self._model(role)
        if model is None:
            return None
        spec = spec_of(model)
        parted = self._flows(spec)
        names = (mac,) if mac is not None else ips
        which = np.array([k for name in names for k in parted.whose.get(name, ())], np.int64)
        if len(which) < FLOWS_MIN:
            return None
        features = matrix(parted.flows.take(which), spec)
        scores = model.score(features)
        abnormal = np.flatnonzero(model.abnormal(scores))
        usual = max(model.manifest.alarms, LEAST_SHARE)
        reason = (
            f"{len(abnormal)} of the {len(which)} flows it sends are unlike those that"
            f" {model.manifest.name} has learned, which calls {usual:.0%} of usual ones so"
        )
        reasons, evidence = [reason], []
        for k in abnormal[np.argsort(-scores[abnormal], kind="stable")][:TOLD].tolist():
            reasons += [
                f"{one.name} is {one.value:.6g}, usually {one.low:.6g} to {one.high:.6g}"
                for one in model.reasons(features[k], spec.columns(), COLUMNS)
            ]
            row = flow_fields(parted.rows[which[k]])
            evidence.append(
                f"{row['proto']} to {row['dst_ip']} port {row['dst_port']} at {row['start']}:"
                f" {row['packets']} packets, {row['bytes']} bytes"
            )
        score = sure_share(len(abnormal), len(which))
        return Finding(NAME, score, usual, tuple(dict.fromkeys(reasons)), tuple(evidence))

    def _model(self, role: Role) -> FlowModel | None:
        if role.decision == UNDETERMINED:
            return None
        own = self._models.get(role.labels[0]) if role.decision == KNOWN else None
        return own or self._models.get(ANY)

    def _flows(self, spec: Spec) -> _Parted:
        how = (spec.timeouts, spec.min_packets, spec.last, spec.interval)
        if how not in self._parted:
            if self._gathered is None:
                assert self._capture.packets is not None
                table = FlowTable()
                table.feed(np.ascontiguousarray(self._capture.packets).tobytes())
                self._gathered = table.gathered()
            whole = cut_idle(self._gathered, spec.timeouts, spec.min_packets, spec.last)
            flows = cut(whole, spec.interval, spec.min_packets, spec.last)
            rows = rows_of(flows, self._capture.macs)
            whose: dict[str, list[int]] = {}
            for k, row in enumerate(rows):
                whose.setdefault(sender_of(row), []).append(k)
            self._parted[how] = _Parted(flows, rows, whose)
        return self._parted[how]


def sure_share(some: int, n: int) -> float:
    """The lower end of Wilson's 99 % interval of a share, ``some`` of ``n`` (at least one)."""
    share, square = some / n, _Z * _Z / n
    middle = share + square / 2
    spread = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, (middle - spread) / (1 + square))
