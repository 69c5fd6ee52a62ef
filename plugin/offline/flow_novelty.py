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

from plugin.errors import InputError, ModelError, OptionError, nearest
from plugin.flows.cut import cut, cut_idle
from plugin.flows.features import matrix
from plugin.flows.table import FlowTable
from plugin.ml.behaviour.finding import Finding
from plugin.ml.novelty.judge import NAME
from plugin.ml.verdict import KNOWN, UNDETERMINED, says_yes
from plugin.offline.flow_learning import rows_of
from plugin.offline.flow_scoring import flow_fields, load_flow_model, sender_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.flows.records import Flows
    from plugin.flows.spec import Spec
    from plugin.ml.flow_model import FlowModel
    from plugin.ml.model import Model
    from plugin.ml.verdict import Role
    from plugin.records import Capture

ANY = "*"
"""In place of a role: all roles that have no model of their own, and devices of unknown role."""
SETTING = "detect.flows"
FLOWS_MIN = 10
"""A device that sends fewer is not judged by them."""
FLOWS_MOST = 10_000
"""Of a device that sends more, so many are drawn: a flood must not keep the judge for minutes."""
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


def load_flow_models(
    named: Iterable[str], data: Path | None = None, where: str = SETTING
) -> dict[str, FlowModel]:
    """Load the models of a setting.

    Args:
        named: ``ROLE=MODEL``, each role once.
        data: the setting ``data``, where models/ is.
        where: the setting or option that names them.

    Raises:
        InputError: a role is named twice.
        ModelError: there is no such model, or it is refused.
        OptionError: its detector is not installed.
    """
    found: dict[str, FlowModel] = {}
    known: dict[str, FlowModel] = {}
    for one in named:
        role, name = (part.strip() for part in one.split("=", 1))
        place = f"{where}, role {role}"
        if role in found:
            raise InputError("is named twice", where=place, advice="give it one model")
        if name not in known:
            try:
                known[name] = load_flow_model(name, data)
                spec_of(known[name])
            except (ModelError, OptionError) as error:
                raise type(error)(str(error), where=place) from error
        found[role] = known[name]
    return found


def check_roles(roles: Iterable[str], models: Sequence[Model], where: str = SETTING) -> None:
    """Refuse roles that no device is ever said to be: their models would never be asked.

    Args:
        roles: that have models of flows.
        models: of roles.
        where: the setting or option that names them.

    Raises:
        ModelError: none of the models says such a role; the nearest is told.
    """
    known = {label for model in models for label in model.manifest.classes}
    for role in roles:
        if role not in known and role != ANY:
            by = " or ".join(model.manifest.name for model in models)
            said = f"is no role that {by} says of a device{nearest(role, known)}"
            raise ModelError(said, where=f"{where}, role {role}")


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
        sent = len(which)
        if sent < FLOWS_MIN:
            return None
        if sent > FLOWS_MOST:
            which = np.sort(np.random.default_rng(0).choice(which, FLOWS_MOST, replace=False))
        features = matrix(parted.flows.take(which), spec)
        scores = model.score(features)
        abnormal = np.flatnonzero(model.abnormal(scores))
        usual = max(model.manifest.alarms, LEAST_SHARE)
        reason = (
            f"{len(abnormal)} of {_number(len(which), sent)} flows it sends are unlike those that"
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


def _number(judged: int, sent: int) -> str:
    return f"the {sent}" if judged == sent else f"{judged} drawn from the {sent}"


def sure_share(some: int, n: int) -> float:
    """The lower end of Wilson's 99 % interval of a share, ``some`` of ``n`` (at least one)."""
    share, square = some / n, _Z * _Z / n
    middle = share + square / 2
    spread = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, (middle - spread) / (1 + square))
