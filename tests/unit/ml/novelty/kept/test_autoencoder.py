"""Against scikit-learn's net."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

from plugin.ml.novelty.kept import autoencoder
from plugin.ml.novelty.kept.autoencoder import ACTIVATIONS, LAYOUT
from plugin.ml.novelty.options import complete


def rows(n: int = 60, seed: int = 1, d: int = 5) -> Any:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scores_are_those_of_scikit_learns_net(activation: str) -> None:
    chosen = complete("autoencoder", {"epochs": 3, "activation": activation, "hid_dim": 7})
    kept = autoencoder.fit({k: v for k, v in chosen.items() if k != "scale"}, rows(), 4)
    autoencoder.check(kept, 5)
    net = MLPRegressor(
        hidden_layer_sizes=(7, 8, 7),
        activation=activation,
        batch_size=32,
        max_iter=3,
        random_state=4,
    ).fit(rows(), rows())
    wanted = np.linalg.norm(rows(70, 2) - net.predict(rows(70, 2)), axis=1)
    assert np.allclose(autoencoder.score(kept, rows(70, 2)), wanted, rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("W1", lambda a: a.T, "W1 has shape"),
        ("b3", lambda a: a[1:], "b3 has shape"),
        ("W0", lambda a: a * 1e9, "beyond 1e"),
    ],
)
def test_foreign_nets_are_checked(name: str, change: Any, reason: str) -> None:
    chosen = complete("autoencoder", {"epochs": 1})
    kept = autoencoder.fit({k: v for k, v in chosen.items() if k != "scale"}, rows(), 1)
    assert set(kept.arrays) == set(LAYOUT)
    damaged = kept._replace(arrays={**kept.arrays, name: change(kept.arrays[name])})
    with pytest.raises(ValueError, match=reason):
        autoencoder.check(damaged, 5)
