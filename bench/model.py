"""``python -m bench model``: our model step beside scikit-learn's on the same sparse rows.

Two nets, of the width that a model gets by default and of a third of it, and a forest with trees
as small as the shipped ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.inputs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from plugin.ml.matrix import Matrix
    from plugin.ml.model import Model

COLUMNS, CLASSES = 4_104, 12
NETS = (100, 32)
"""Hidden units."""
TREES, LEAF_ROWS = 100, 5
NAMES = (*(f"net, {hidden} hidden" for hidden in NETS), f"forest, {TREES} trees")
LEAST_VALUES, MOST_VALUES = 4, 8
TRAINING_ROWS = 2_000
RATE_GOAL, DIFFERENCE_GOAL = 0.9, 1e-6
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Step(NamedTuple):
    """Both steps on the same rows, one thread.

    Attributes:
        name: the model, of ``NAMES``.
        rows: rows of 4 to 8 values among 4,104 columns.
        ours_s: CPU seconds of our step, smallest of the rounds.
        sklearn_s: CPU seconds of scikit-learn's ``predict_proba``.
        difference: largest difference of a probability.
    """

    name: str
    rows: int
    ours_s: float
    sklearn_s: float
    difference: float

    @property
    def rate(self) -> float:
        """Our rows a second as a multiple of scikit-learn's."""
        return self.sklearn_s / self.ours_s if self.ours_s else 0.0

    @property
    def rate_met(self) -> bool:
        """At least 0.9 of scikit-learn's rate."""
        return self.rate >= RATE_GOAL

    @property
    def difference_met(self) -> bool:
        """Probabilities within 1e-6."""
        return self.difference <= DIFFERENCE_GOAL

    @property
    def met(self) -> bool:
        """Both goals."""
        return self.rate_met and self.difference_met


def sparse_rows(rows: int, seed: int = 0) -> Matrix:
    """Random rows as sessions give them: 4 to 8 values, ascending columns."""
    import numpy as np

    from plugin.ml.matrix import Matrix

    rng = np.random.default_rng(seed)
    counts = rng.integers(LEAST_VALUES, MOST_VALUES + 1, rows)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    # One column from each of as many equal parts of the width: distinct and ascending.
    place = np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts)
    width = np.repeat(COLUMNS // counts, counts)
    indices = (place * width + rng.integers(0, width)).astype(np.int32)
    data = rng.random(len(indices), dtype=np.float32)
    return Matrix(indptr, indices, data, COLUMNS)


def fitted(matrix: Matrix, name: str) -> Any:
    """A model of scikit-learn's on the first rows, with random labels: only its size matters."""
    import warnings

    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    some = matrix.rows(np.arange(min(TRAINING_ROWS, matrix.n_rows)))
    labels = np.random.default_rng(1).integers(0, CLASSES, some.n_rows)
    labels[:CLASSES] = np.arange(CLASSES)
    if name in NAMES[: len(NETS)]:
        # Two rounds are all it needs here.
        model = MLPClassifier((NETS[NAMES.index(name)],), max_iter=2, random_state=0)
    else:
        model = RandomForestClassifier(TREES, min_samples_leaf=LEAF_ROWS, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(some.to_scipy(), labels)
    return model


def as_model(estimator: Any) -> Model:
    """The same net or forest as one of Halia's models."""
    from plugin.ml.model import FORMAT, Manifest, Model

    manifest = Manifest(
        format=FORMAT,
        name="bench",
        version="0",
        algorithm="net" if hasattr(estimator, "coefs_") else "forest",
        schema_name="networkml-4104",
        schema_version=1,
        schema_hash="0" * 64,
        classes=tuple(f"class {k}" for k in range(CLASSES)),
        temperature=1.0,
        threshold=0.5,
        min_packets=1,
        min_sessions=1,
        window_seconds=900.0,
        training_digest="0" * 64,
        created="",
        metrics={},
        versions={},
        networkml={},
    )
    return Model(manifest, _arrays(estimator))


def _arrays(estimator: Any) -> dict[str, NDArray[Any]]:
    import numpy as np

    if hasattr(estimator, "coefs_"):
        values = (*estimator.coefs_, *estimator.intercepts_)
        names = ("W0", "W1", "b0", "b1")
        return {name: np.asarray(v, np.float32) for name, v in zip(names, values, strict=True)}
    trees = [one.tree_ for one in estimator.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    first = np.repeat(roots, [tree.node_count for tree in trees])
    left, right, feature, threshold, value = (
        np.concatenate([getattr(tree, part) for tree in trees])
        for part in ("children_left", "children_right", "feature", "threshold", "value")
    )
    leaf = left < 0
    value = value[:, 0, :] / value[:, 0, :].sum(axis=1, keepdims=True)
    return {
        "feature": np.where(leaf, -1, feature).astype(np.int32),
        "threshold": threshold.astype(np.float64),
        "left": np.where(leaf, -1, left + first).astype(np.int32),
        "right": np.where(leaf, -1, right + first).astype(np.int32),
        "value": value.astype(np.float32),
        "roots": roots.astype(np.int32),
    }


def _timed(call: Callable[[], NDArray[np.floating]]) -> tuple[float, NDArray[np.floating]]:
    started = time.process_time()
    found = call()
    return time.process_time() - started, found


def measure(name: str, rows: int, rounds: int) -> Step:
    """Run both steps alternately in this process.

    Args:
        name: one of ``NAMES``.
        rows: rows to predict.
        rounds: how often each runs; the smallest CPU time counts.
    """
    import numpy as np

    from plugin.ml.role import predict_proba

    matrix = sparse_rows(rows)
    theirs = fitted(matrix, name)
    model, table = as_model(theirs), matrix.to_scipy()
    seconds, apart = [], 0.0
    for _ in range(rounds + 1):  # the first round only warms up
        mine = _timed(lambda: predict_proba(model, matrix))
        other = _timed(lambda: theirs.predict_proba(table))
        seconds.append((mine[0], other[0]))
        apart = float(np.abs(mine[1] - other[1]).max())
    ours_s, sklearn_s = map(min, zip(*seconds[1:], strict=True))
    return Step(name, rows, ours_s, sklearn_s, apart)


def run_model(rows: int, rounds: int) -> list[Step]:
    """Measure each model in a child with one thread; BLAS reads their number when it starts.

    The compiled core is asked for: without it the child fails, and numpy is not passed off as it.

    Raises:
        subprocess.CalledProcessError: the child failed, as without scikit-learn.
    """
    from bench.child import child_environment
    from bench.contenders import COMPILED

    environment = child_environment({**ONE_THREAD, **COMPILED})
    steps = []
    for name in NAMES:
        command = [sys.executable, "-m", "bench.model", name, str(rows), str(rounds)]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=environment
        )
        steps.append(Step(**json.loads(done.stdout)))
    return steps


def model_lines(steps: list[Step]) -> list[str]:
    """The outcome as text."""
    lines = [f"rows of {COLUMNS:,} columns, {CLASSES} classes, 1 thread"]
    for step in steps:
        rates = (step.rows / step.ours_s / 1e3, step.rows / step.sklearn_s / 1e3)
        outcomes = ["met   " if met else "missed" for met in (step.rate_met, step.difference_met)]
        lines += [
            f"{step.name}: {step.rows:,} rows",
            f"  halia         {step.ours_s:.4f} s CPU  {rates[0]:8,.0f} k rows/s",
            f"  scikit-learn  {step.sklearn_s:.4f} s CPU  {rates[1]:8,.0f} k rows/s",
            f"  {outcomes[0]}  rate >= {RATE_GOAL} x scikit-learn's: {step.rate:.2f}",
            f"  {outcomes[1]}  |dp| <= {DIFFERENCE_GOAL:g}: {step.difference:.2g}",
        ]
    return lines


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))._asdict()))
