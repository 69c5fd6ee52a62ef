"""What is published, and what Poseidon can take. Pure.

Poseidon stops for good on a body that is no object, on fewer than three labels, and never sees a
MAC address in capitals; a message that it has not acknowledged comes back after its restart and
stops it again. So every message for it is checked here, before it is kept or sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

POSEIDON_EXCHANGE, POSEIDON_KEY = "topic-poseidon-internal", "poseidon.algos.decider"
VERDICT_EXCHANGE, VERDICT_KEY = "halia", "halia.verdict"
DECISION_EXCHANGE, DECISION_KEY = VERDICT_EXCHANGE, "halia.decision"
EVENT_EXCHANGE, EVENT_KEY = "topic_recs", "FAUCET.Event"
EVENT_PATTERN = "FAUCET.Event.#"
"""What Poseidon binds, and so do we; ``#`` stands for no word, too."""
LABELS_MIN = 3
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_KINDS = ("mac_addresses", "ipv4_addresses", "ipv6_addresses")


class Message(NamedTuple):
    """One message, as it is kept and sent."""

    exchange: str
    key: str
    """The routing key."""
    message_id: str
    """The same whenever the same is said again: receivers drop what they have seen; or empty."""
    body: bytes
    """JSON, UTF-8."""


def message_id(kind: str, mac: str, capture: str) -> str:
    """The stable id of what is said about a device in a capture (32 hexadecimal digits).

    Args:
        kind: What is said: ``verdict``, ``poseidon``, ``finding:NAME``.
        mac: The device.
        capture: The capture's name, without its folder; of a decision, the step of the case.
    """
    text = f"{kind}\0{mac}\0{capture}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def verdict_message(document: Mapping[str, Any]) -> Message:
    """The ``halia.verdict`` of a verdict's document (``configs/schema/verdict-v1.schema.json``)."""
    return _verdict_message("verdict", document)


def finding_message(document: Mapping[str, Any]) -> Message:
    """The ``halia.verdict`` of a finding's document (of the kind ``finding``).

    Its id is that of the behaviour's name, the device and the capture: the same behaviour told
    again in the same capture is the same message.
    """
    (finding,) = document["anomaly"]["behaviour"]
    return _verdict_message(f"finding:{finding['name']}", document)


def _verdict_message(kind: str, document: Mapping[str, Any]) -> Message:
    capture = str(document["source"]).rpartition("/")[2]
    return Message(
        VERDICT_EXCHANGE,
        VERDICT_KEY,
        message_id(kind, str(document["mac"]), capture),
        _body(document),
    )


def decision_message(document: Mapping[str, Any]) -> Message:
    """The ``halia.decision`` of a decision's document (``decision-v1.schema.json``).

    Its id is that of the case's step: what makes it another step (state, when it came into it,
    how far it is proven, when it ends) makes another id. The words around it do not.
    """
    step = [document[key] for key in ("number", "state", "time", "action", "proof", "until")]
    return Message(
        DECISION_EXCHANGE,
        DECISION_KEY,
        message_id("decision", str(document["mac"]), json.dumps(step)),
        _body(document),
    )


def poseidon_message(document: Mapping[str, Any]) -> Message:
    """One element of NetworkML's predict.json, or the end mark, for Poseidon.

    Raises:
        ValueError: Poseidon would stop on it.
    """
    wrong = poseidon_refuses(document)
    if wrong is not None:
        raise ValueError(f"Poseidon would not take it: {wrong}")
    capture = str(document.get("file_path", "")).rpartition("/")[2]
    devices = [key for kind in _KINDS for key in sorted(_data(document).get(kind, {}))]
    return Message(
        POSEIDON_EXCHANGE,
        POSEIDON_KEY,
        message_id("poseidon", ",".join(devices), capture),
        _body(document),
    )


def event_message(line: bytes) -> Message:
    """An event of Faucet's as it wrote it, for everyone who listens where its adapter publishes."""
    return Message(EVENT_EXCHANGE, EVENT_KEY, "", line)


def poseidon_refuses(document: object) -> str | None:
    """Why Poseidon would stop on a body or pass over what it says; None if it takes it."""
    if not isinstance(document, dict):
        return "the body is no object"
    data = document.get("data")
    if data in ("", {}):
        return None  # the end mark
    if not isinstance(data, dict):
        return "data is no object"
    for kind in _KINDS:
        entries = data.get(kind, {})
        if not isinstance(entries, dict):
            return f"{kind} is no object"
        for key, entry in entries.items():
            wrong = _wrong_entry(kind, key, entry)
            if wrong is not None:
                return f"{kind} {key}: {wrong}"
    return None


def _wrong_entry(kind: str, key: str, entry: object) -> str | None:
    if kind == "mac_addresses" and not _MAC.fullmatch(key):
        return "is no link address in lower case"
    if not isinstance(entry, dict):
        return "is no object"
    found = entry.get("classification")
    return None if found is None else _wrong_classification(found)


def _wrong_classification(found: object) -> str | None:
    if not isinstance(found, dict):
        return "classification is no object"
    labels, confidences = found.get("labels"), found.get("confidences")
    if not isinstance(labels, list) or not isinstance(confidences, list):
        return "labels and confidences are no lists"
    if min(len(labels), len(confidences)) < LABELS_MIN:
        return f"fewer than {LABELS_MIN} labels or confidences"
    if not all(isinstance(label, str) for label in labels):
        return "a label is no text"
    numbers = all(type(value) in {int, float} for value in confidences)
    return None if numbers else "a confidence is no number"


def _data(document: Mapping[str, Any]) -> Mapping[str, Any]:
    data = document.get("data")
    return data if isinstance(data, dict) else {}


def _body(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
