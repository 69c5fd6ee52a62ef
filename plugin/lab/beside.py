"""Halia beside a lab's switch and controller: its settings, all of them in the lab's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.lab import daemons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.lab.lab import Lab

MODEL = "demo"
PROBE = "127.0.0.1:6654"
"""Where the lab's switches find Halia's probe."""
WINDOW = 30
"""Seconds of each device's captures: the model is made for so many."""


def answers_at(lab: Lab) -> Path:
    """Where that Halia answers, inside the lab and outside of it."""
    return lab.folder / "halia.sock"


def write_settings(
    lab: Lab, nic: str, policy: Path | Mapping[str, Any] | None = None, *, probe: bool = False
) -> Path:
    """Write the halia.yaml with which ``halia run`` watches a lab; gives its place.

    Args:
        lab: one that is up, with the hook in its Faucet.
        nic: the one on the mirror port, beside the switch (:meth:`Lab.take_collector`).
        policy: the operator's, as its file says it, or that file; None: no rule isolates anybody.
        probe: have the switches call Halia's probe without a policy too, so that isolations by
            hand are proven.
    """
    document: dict[str, Any] = {
        "model": MODEL,
        "run": {"state": str(lab.folder / "state")},
        "capture": {"iface": nic, "rotate_time": f"{WINDOW}s", "min_free": "1M", "ring": "8M"},
        "faucet": {
            "config": str(lab.faucet_yaml),
            "socket": str(lab.event_socket),
            "page": lab.prometheus_url,
            "environment": lab.status()["controller"],
        },
        "control": {"socket": str(answers_at(lab))},
    }
    if lab.amqp_url is not None:  # as its guest, which is who one is without a user
        document["broker"] = {"url": f"amqp://127.0.0.1:{daemons.AMQP_PORT}"}
    if probe or policy is not None:
        lab.call(PROBE)
        document["faucet"]["probe"] = PROBE
    if policy is not None:
        document["policy"] = {"file": str(_rules(lab, policy))}
    path = lab.folder / "halia.yaml"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")  # JSON is YAML
    return path


def _rules(lab: Lab, policy: Path | Mapping[str, Any]) -> Path:
    """The policy's file: the operator's own, or one in the lab's folder."""
    if isinstance(policy, Path):
        return policy.absolute()  # where it stands: an edit of it is taken up
    file = lab.folder / "policy.yaml"
    file.write_text(json.dumps(policy, indent=1), encoding="utf-8")
    return file
