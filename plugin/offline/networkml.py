"""NetworkML's predict.json, as Poseidon takes it: a list of the result and an end mark.

Poseidon stops for good on a message whose body is no object or that has fewer than three
labels, and ignores a MAC address in capitals. So: a list of two objects, three labels and
three numbers for every device, lower case; NetworkML's own label where a role has one. A
device without a link address goes under its IP address, which Poseidon merges as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plugin
from plugin.capture.names import parse_name
from plugin.errors import printable
from plugin.ml.verdict import ANOMALOUS, DECIMALS, KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plugin.ml.verdict import Verdict

TOOL = "networkml"
FILE = "predict.json"
SECOND = 1_000_000_000
LABELS = 3


def predictions(
    source: str, verdicts: Sequence[Verdict], labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The content of predict.json for one capture.

    Args:
        source: the capture.
        verdicts: about its devices.
        labels: NetworkML's own label of a class, from the models' manifests.
    """
    entries: dict[str, dict[str, Any]] = {}
    for one in verdicts:
        entry = _entry(one, labels)
        for kind, key in _keys(one):
            entries.setdefault(kind, {})[key] = entry
    return [
        _message(source) | {"data": {"mac_addresses": {}} | entries},
        _message(source) | {"data": ""},
    ]


def file_names(sources: Sequence[str]) -> list[str]:
    """What the file of each capture is called: predict.json if there is only one.

    Several get the capture's name before it, which Poseidon takes apart, and a number behind
    where that is taken: no two are the same, in whatever folders the captures are.
    """
    if len(sources) == 1:
        return [FILE]
    names: dict[str, None] = {}
    tried: dict[str, int] = {}
    for source in sources:
        name = printable(source.rpartition("/")[2])
        name = "stdin" if name in {"", "-"} else name
        made = f"{name}.{FILE}"
        while made in names:
            tried[name] = tried.get(name, 1) + 1
            made = f"{name}.{tried[name]}.{FILE}"
        names[made] = None
    return list(names)


def _message(source: str) -> dict[str, Any]:
    return {
        "tool": TOOL,
        "version": plugin.__version__,
        "id": "",
        "type": "metadata",
        "file_path": source,
        "results": {"tool": TOOL, "version": plugin.__version__},
    }


def _keys(one: Verdict) -> list[tuple[str, str]]:
    if one.mac is not None:
        return [("mac_addresses", one.mac)]
    return [("ipv6_addresses" if ":" in ip else "ipv4_addresses", ip) for ip in one.ips]


def _anomalous(one: Verdict) -> bool:
    return one.anomaly is not None and one.anomaly.verdict == ANOMALOUS


def _entry(one: Verdict, labels: Mapping[str, str]) -> dict[str, Any]:
    name = parse_name(one.source)
    return {
        "uid": "None",
        "file_path": one.source,
        "pcap": one.source.rpartition("/")[2],
        "pcap_key": name.device_id if name else "",
        "pcap_labels": (name.device_name or name.detail) if name else None,
        "timestamp": 0.0 if one.start_ns is None else one.start_ns / SECOND,
        "source_ip": one.ips[0] if one.ips else "None",
        "decisions": {"investigate": one.role.decision != KNOWN or _anomalous(one)},
        "classification": {
            "labels": [labels.get(label, label) for label in one.role.labels[:LABELS]],
            "confidences": [round(float(p), DECIMALS) for p in one.role.confidences[:LABELS]],
        },
    }
