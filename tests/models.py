"""Small models and rows for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml import matrix
from plugin.ml.model import Manifest, Model
from plugin.ml.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Sequence


def manifest(algorithm: str, classes: Sequence[str], schema: str = "service-ports") -> Manifest:
    found = SCHEMAS[schema]
    return Manifest(
        format=1,
        name="tiny",
        version="1",
        algorithm=algorithm,
        schema_name=schema,
        schema_version=found.version,
        schema_hash=found.hash,
        classes=tuple(classes),
        temperature=1.0,
        threshold=0.5,
        min_packets=4,
        min_sessions=1,
        window_seconds=900.0,
        training_digest="0" * 64,
        created="",
        metrics={"accuracy": 0.5},
        versions={"halia": "0.1.0"},
        networkml={},
    )


def model(algorithm: str, classes: Sequence[str], schema: str = "service-ports") -> Model:
    """A model without arrays."""
    return Model(manifest(algorithm, classes, schema), {})


def tiny_net(
    classes: Sequence[str] = ("Printer", "Workstation"),
    schema: str = "service-ports",
    bias: Sequence[float] = (),
) -> Model:
    """A net that fits its schema: random but small weights, or always the classes of ``bias``."""
    random = np.random.default_rng(3)
    n_columns = SCHEMAS[schema].n_columns
    out = np.zeros(len(classes)) if bias else random.normal(0, 0.3, len(classes))
    size = 0.0 if bias else 0.5
    arrays = {
        "W0": random.normal(0, size, (n_columns, 5)).astype(np.float32),
        "b0": np.zeros(5, np.float32),
        "W1": random.normal(0, size, (5, len(classes))).astype(np.float32),
        "b1": (out + np.array(bias or 0.0)).astype(np.float32),
    }
    return Model(manifest("net", classes, schema), arrays)


def tiny_forest(schema: str = "service-ports") -> Model:
    """Two trees of one split each."""
    arrays = {
        "feature": np.array([5, -1, -1, 300, -1, -1], np.int32),
        "threshold": np.array([0.25, 0, 0, 0.5, 0, 0]),
        "left": np.array([1, -1, -1, 4, -1, -1], np.int32),
        "right": np.array([2, -1, -1, 5, -1, -1], np.int32),
        "value": np.array([[0.5, 0.5], [1, 0], [0, 1]] * 2, np.float32),
        "roots": np.array([0, 3], np.int32),
    }
    return Model(manifest("forest", ("Printer", "Workstation"), schema), arrays)


def net_of(estimator: Any) -> Model:
    """The arrays of scikit-learn's MLPClassifier with one hidden layer."""
    arrays = {
        f"{kind}{layer}": array.astype(np.float32)
        for layer in (0, 1)
        for kind, array in (
            ("W", estimator.coefs_[layer]),
            ("b", estimator.intercepts_[layer]),
        )
    }
    return model("net", estimator.classes_)._replace(arrays=arrays)


def forest_of(estimator: Any) -> Model:
    """The arrays of one of scikit-learn's forests."""
    parts: dict[str, list[Any]] = {
        name: [] for name in ("feature", "threshold", "left", "right", "value")
    }
    roots, begin = [], 0
    for one in estimator.estimators_:
        tree = one.tree_
        leaf = tree.children_left < 0
        roots.append(begin)
        parts["feature"].append(np.where(leaf, -1, tree.feature))
        parts["threshold"].append(tree.threshold)
        parts["left"].append(np.where(leaf, -1, tree.children_left + begin))
        parts["right"].append(np.where(leaf, -1, tree.children_right + begin))
        value = tree.value[:, 0, :]
        parts["value"].append(value / value.sum(axis=1, keepdims=True))
        begin += tree.node_count
    types = {"threshold": np.float64, "value": np.float32}
    arrays = {
        name: np.concatenate(part).astype(types.get(name, np.int32)) for name, part in parts.items()
    }
    arrays["roots"] = np.array(roots, np.int32)
    return model("forest", estimator.classes_)._replace(arrays=arrays)


def random_rows(n: int, n_columns: int, seed: int) -> matrix.Matrix:
    """Sparse rows with 0 to 8 values."""
    random = np.random.default_rng(seed)
    dense = random.random((n, n_columns), dtype=np.float32)
    kept = random.random((n, n_columns)) < random.random((n, 1)) * 8 / n_columns
    return matrix.from_dense(dense * kept)
