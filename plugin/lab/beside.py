"""Halia beside a lab's switch and controller: its settings, all of them in the lab's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plugin.lab import daemons

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.lab.lab import Lab

MODEL = "demo"
WINDOW = 30
"""Seconds of each device's captures: the model is made for so many."""


def answers_at(lab: Lab) -> Path:
    """Where that Halia answers, inside the lab and outside of it."""
    return lab.folder / "halia.sock"


def write_settings(lab: Lab, nic: str) -> Path:
    """Write the halia.yaml with which ``halia run`` watches a lab; gives its place.

    Args:
        lab: one that is up, with the hook in its Faucet.
        nic: the one on the mirror port, beside the switch (:meth:`Lab.take_collector`).
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
    path = lab.folder / "halia.yaml"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")  # JSON is YAML
    return path
