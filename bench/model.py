"""``python -m bench model``: our model step beside scikit-learn's on the same sparse rows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from bench.inputs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from sklearn.neural_network import MLPClassifier

    from plugin.ml.matrix import Matrix
    from plugin.ml.model import Model

COLUMNS, HIDDEN, CLASSES = 4_104, 100, 12
LEAST_VALUES, MOST_VALUES = 4, 8
TRAINING_ROWS = 2_000
RATE_GOAL, DIFFERENCE_GOAL = 0.9, 1e-6
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Step(NamedTuple):
    """Both steps on the same rows, one thread.

    Attributes:
        rows: rows of 4 to 8 values among 4,104 columns.
        ours_s: CPU seconds of our step, smallest of the rounds.
        sklearn_s: CPU seconds of ``MLPClassifier.predict_proba``.
        difference: largest difference of a probability.
    """

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


def fitted(matrix: Matrix) -> MLPClassifier:
    """A net of scikit-learn's on the first rows, with random labels: only its size matters."""
    import warnings

    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    some = matrix.rows(np.arange(min(TRAINING_ROWS, matrix.n_rows)))
    labels = np.random.default_rng(1).integers(0, CLASSES, some.n_rows)
    labels[:CLASSES] = np.arange(CLASSES)
    net = MLPClassifier((HIDDEN,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # two rounds are all it needs here
        net.fit(some.to_scipy(), labels)
    return net


def as_model(net: MLPClassifier) -> Model:
    """The same net as one of Halia's models."""
    import numpy as np

    from plugin.ml.model import FORMAT, Manifest, Model

    manifest = Manifest(
        format=FORMAT,
        name="bench",
        version="0",
        algorithm="net",
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
    names = ("W0", "W1", "b0", "b1")
    values = (*net.coefs_, *net.intercepts_)
    arrays = {name: np.asarray(v, np.float32) for name, v in zip(names, values, strict=True)}
    return Model(manifest, arrays)


def _timed(call: Callable[[], NDArray[np.floating]]) -> tuple[float, NDArray[np.floating]]:
    started = time.process_time()
    found = call()
    return time.process_time() - started, found


def measure(rows: int, rounds: int) -> Step:
    """Run both steps alternately in this process.

    Args:
        rows: rows to predict.
        rounds: how often each runs; the smallest CPU time counts.
    """
    import numpy as np

    from plugin.ml.role import predict_proba

    matrix = sparse_rows(rows)
    net = fitted(matrix)
    model, table = as_model(net), matrix.to_scipy()
    ours, theirs, apart = [], [], 0.0
    for _ in range(rounds + 1):  # the first round only warms up
        mine = _timed(lambda: predict_proba(model, matrix))
        other = _timed(lambda: net.predict_proba(table))
        ours.append(mine[0])
        theirs.append(other[0])
        apart = float(np.abs(mine[1] - other[1]).max())
    return Step(rows, min(ours[1:]), min(theirs[1:]), apart)


def run_model(rows: int, rounds: int) -> Step:
    """Measure in a child with one thread, as BLAS reads its number of threads at its start.

    Raises:
        subprocess.CalledProcessError: the child failed, as without scikit-learn.
    """
    from bench.child import child_environment

    command = [sys.executable, "-m", "bench.model", str(rows), str(rounds)]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=child_environment(ONE_THREAD)
    )
    return Step(**json.loads(done.stdout))


def model_lines(step: Step) -> list[str]:
    """The outcome as text."""
    rates = (step.rows / step.ours_s / 1e3, step.rows / step.sklearn_s / 1e3)
    outcomes = ["met" if met else "missed" for met in (step.rate_met, step.difference_met)]
    return [
        f"{step.rows:,} rows x {COLUMNS:,} columns, {HIDDEN} hidden, {CLASSES} classes, 1 thread",
        f"halia         {step.ours_s:.4f} s CPU  {rates[0]:8,.0f} k rows/s",
        f"scikit-learn  {step.sklearn_s:.4f} s CPU  {rates[1]:8,.0f} k rows/s",
        f"{outcomes[0]}  rate >= {RATE_GOAL} x scikit-learn's: {step.rate:.2f}",
        f"{outcomes[1]}  |dp| <= {DIFFERENCE_GOAL:g}: {step.difference:.2g}",
    ]


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))._asdict()))
