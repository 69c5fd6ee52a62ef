"""Small models of flows."""

from __future__ import annotations

from typing import Any

import numpy as np

from plugin.ml.flow_model import FlowModel, Training, learn

SPEC = {"feature": "IAT", "packets": 7}


def flow_rows(n: int = 60, seed: int = 1) -> Any:
    """(n, 6) rows that could be inter-arrival times."""
    return np.random.default_rng(seed).exponential(size=(n, 6))


def tiny_flows(algorithm: str = "OCSVM", **options: Any) -> FlowModel:
    """A model of sixty flows."""
    return learn(flow_rows(), SPEC, Training(algorithm, options, name="tiny", seed=5))
