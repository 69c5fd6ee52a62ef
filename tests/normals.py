"""Small models of normal, and roles of devices to judge with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.novelty.fit import Options, fit
from plugin.ml.novelty.model import Manifest, Normal
from plugin.ml.schema import SCHEMAS
from plugin.ml.verdict import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROLES = ("Printer", "Workstation", "Camera")
"""Camera has too few references to be compared with these only."""
PLACE = {"Printer": 0, "Workstation": 40, "Camera": 80}
"""The first of the ten columns in which a role's rows have their values."""


def rows_like(role: str, n: int, seed: int, width: int) -> NDArray[np.float32]:
    """(n, width) rows of a role: ten columns around one half, all others 0."""
    random = np.random.default_rng(seed)
    rows = np.zeros((n, width), np.float32)
    begin = PLACE[role]
    rows[:, begin : begin + 10] = 0.5 + random.normal(0, 0.1, (n, 10))
    return rows


def tiny_normal(schema: str = "service-ports", **fields: Any) -> Normal:
    """Printers of one network, workstations of five, three cameras."""
    found = SCHEMAS[schema]
    parts = [rows_like(role, n, seed, found.n_columns) for role, n, seed in _PARTS]
    labels = [role for role, n, _ in _PARTS for _ in range(n)]
    networks = [f"net{i % 5}" if role == "Workstation" else "lab" for i, role in enumerate(labels)]
    fitted = fit(np.concatenate(parts), labels, networks, Options("nearest", least=5))
    whole: dict[str, Any] = {
        "format": 1,
        "kind": "normal",
        "name": "tiny",
        "version": "1",
        "detector": "nearest",
        "schema_name": schema,
        "schema_version": found.version,
        "schema_hash": found.hash,
        "roles": fitted.roles,
        "alarms": 0.05,
        "least": 5,
        "min_packets": 4,
        "min_sessions": 1,
        "window_seconds": 900.0,
        "training_digest": "0" * 64,
        "created": "",
        "metrics": {"references": len(labels)},
        "versions": {"halia": "0.1.0"},
    }
    return Normal(Manifest(**(whole | fields)), fitted.arrays)


_PARTS = (("Printer", 30, 1), ("Workstation", 30, 2), ("Camera", 3, 3))


def role(decision: str = "known", label: str = "Printer") -> Role:
    """What a model of roles said."""
    reason = None if decision == "known" else "Printer at 0.40 is below 0.60"
    return Role(decision, (label, "A", "B"), (0.9, 0.1, 0.0), "device", reason)
