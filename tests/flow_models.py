"""Small models of flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.flows.spec import Spec
from plugin.ml.flow_model import FlowModel, Training, learn
from plugin.ml.store import save_model

if TYPE_CHECKING:
    from pathlib import Path

SPEC = {"feature": "IAT", "packets": 7}


def flow_rows(n: int = 60, seed: int = 1) -> Any:
    """(n, 6) rows that could be inter-arrival times."""
    return np.random.default_rng(seed).exponential(size=(n, 6))


def saved_flows(folder: Path, name: str = "tiny") -> Path:
    """A model of flows that pause for 100 s and more, in a folder of its name; gives that.

    Any flow of a capture of the tests is unlike those.
    """
    spec = Spec(feature="IAT", fft=False, header=False, packets=7, interval=1.0, sampling=None)
    save_model(
        learn(100 + flow_rows(), spec.document(), Training("OCSVM", name=name)), folder / name
    )
    return folder / name


def tiny_flows(algorithm: str = "OCSVM", **options: Any) -> FlowModel:
    """A model of sixty flows."""
    return learn(flow_rows(), SPEC, Training(algorithm, options, name="tiny", seed=5))
