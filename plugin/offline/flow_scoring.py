"""Captures in, a score for each flow out: what ``halia classify`` does with a model of flows.

Imports numpy and nothing heavier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.addresses import address_text
from plugin.errors import InputError, ModelError
from plugin.flows.features import matrix
from plugin.flows.spec import Spec
from plugin.ml.store import find_model, load_flows
from plugin.offline.classify import model_folders
from plugin.offline.flow_learning import rows_of
from plugin.offline.flows import flows_of
from plugin.records import iso_time, mac_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.flow_model import FlowModel
    from plugin.records import Problem

PROTOCOLS = {6: "tcp", 17: "udp"}
_NO_MAC = bytes(6)


class Scored(NamedTuple):
    """The flows of one capture, and how unusual each is."""

    source: str
    spec: Spec
    features: NDArray[np.float64]
    rows: NDArray[np.void]
    """(n,) of :data:`plugin.offline.flow_files.ROW`."""
    scores: NDArray[np.float64]
    abnormal: NDArray[np.bool_]
    p_values: NDArray[np.float64]
    problems: tuple[Problem, ...] = ()


class DeviceFlows(NamedTuple):
    """What was found of one device: the flows that it sent."""

    device: str
    ips: tuple[str, ...]
    flows: int
    abnormal: int
    highest: float
    """Of the scores."""

    def document(self, source: str) -> dict[str, Any]:
        """The same as JSON values."""
        share = self.abnormal / self.flows
        rest = self._asdict() | {"ips": list(self.ips), "share": round(share, 6)}
        return {"kind": "device", "source": source, **rest}


def load_flow_model(name: str, data: Path | None = None) -> FlowModel:
    """Load a model that scores flows.

    Raises:
        ModelError: there is none, or it is refused.
    """
    return load_flows(find_model(name, model_folders(data)))


def spec_of(model: FlowModel) -> Spec:
    """How a model's features are made.

    Raises:
        ModelError: they are of another version, or not those that it was learned from.
    """
    spec = Spec.read(model.manifest.spec)
    if spec.dimension != model.manifest.columns:
        raise ModelError(
            f"was learned from {model.manifest.columns} columns, and its features have"
            f" {spec.dimension}",
            where=model.manifest.name,
        )
    return spec


def score_capture(
    path: Path, model: FlowModel, *, progress: Callable[[int], None] | None = None
) -> Scored:
    """Score the flows of a capture, cut and measured as the model has learned it.

    Args:
        path: the capture, ``-`` for standard input.
        model: which one.
        progress: called with the bytes of the file taken so far.

    Raises:
        CaptureError: it cannot be read at all.
        InputError: it has no flow of enough packets.
        ModelError: see :func:`spec_of`.
    """
    spec = spec_of(model)
    found = flows_of([path], spec, progress=progress)
    where = "standard input" if str(path) == "-" else str(path)
    if not len(found.flows):
        raise InputError(_why_none(found.totals.packets, spec), where=where)
    features = matrix(found.flows, spec)
    scores = model.score(features)
    return Scored(
        where,
        spec,
        features,
        rows_of(found.flows, found.macs),
        scores,
        model.abnormal(scores),
        model.p_values(scores),
        found.problems,
    )


def sender_of(row: np.void) -> str:
    """The device that a flow is of: its sender's MAC address, or IP where there is none."""
    mac = row["mac"].tobytes()
    return address_text(row["src_ip"].tobytes()) if mac == _NO_MAC else mac_text(mac)


def of_device(scored: Scored, device: str) -> Scored:
    """Only the flows that a device sends.

    Args:
        scored: all flows.
        device: its MAC or IP address, as Halia writes it.
    """
    kept = np.array(
        [device in {sender_of(row), address_text(row["src_ip"].tobytes())} for row in scored.rows],
        bool,
    )
    return scored._replace(
        features=scored.features[kept],
        rows=scored.rows[kept],
        scores=scored.scores[kept],
        abnormal=scored.abnormal[kept],
        p_values=scored.p_values[kept],
    )


def documents(
    scored: Scored, model: FlowModel, *, explain: bool = False, columns: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """What ``--json`` tells of each flow, in order of first sight.

    Args:
        scored: the flows.
        model: which scored them.
        explain: also which columns make a flow unusual.
        columns: their names, for ``explain``.
    """
    threshold, name = model.manifest.threshold, model.manifest.name
    for k, row in enumerate(scored.rows):
        document = {"kind": "flow", "source": scored.source, **flow_fields(row)} | {
            "score": float(scored.scores[k]),
            "threshold": threshold,
            "p_value": round(float(scored.p_values[k]), 6),
            "abnormal": bool(scored.abnormal[k]),
            "model": name,
        }
        if explain:
            reasons = model.reasons(scored.features[k], columns)
            document["reasons"] = [reason._asdict() for reason in reasons]
        yield document


def flow_fields(row: np.void) -> dict[str, Any]:
    """Whose a flow is, when it was, how large: lengths are bytes, ``duration`` seconds."""
    begin, end = int(row["begin"]), int(row["end"])
    return {
        "device": sender_of(row),
        "src_ip": address_text(row["src_ip"].tobytes()),
        "src_port": int(row["src_port"]),
        "dst_ip": address_text(row["dst_ip"].tobytes()),
        "dst_port": int(row["dst_port"]),
        "proto": PROTOCOLS.get(int(row["proto"]), str(row["proto"])),
        "start": iso_time(begin),
        "end": iso_time(end),
        "duration": (end - begin) / 1e9,
        "packets": int(row["packets"]),
        "bytes": int(row["bytes"]),
    }


def by_device(scored: Scored) -> list[DeviceFlows]:
    """The flows of each device together: most anomalies first, then the highest score."""
    whose: dict[str, list[int]] = {}
    for k, row in enumerate(scored.rows):
        whose.setdefault(sender_of(row), []).append(k)
    found = [
        DeviceFlows(
            device,
            tuple(sorted({address_text(scored.rows["src_ip"][k].tobytes()) for k in which})),
            len(which),
            int(scored.abnormal[which].sum()),
            float(scored.scores[which].max()),
        )
        for device, which in whose.items()
    ]
    return sorted(found, key=lambda one: (-one.abnormal, -one.highest, one.device))


def _why_none(packets: int, spec: Spec) -> str:
    if not packets:
        return "has no packets"
    return (
        f"has no TCP or UDP flow of {spec.min_packets} packets in one direction"
        f" ({packets:,} packets were read)"
    )
