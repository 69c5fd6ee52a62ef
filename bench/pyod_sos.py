"""PyOD's stochastic outlier selection on a file of rows: run by the Python that has PyOD.

Usage: PYTHON -I pyod_sos.py ROWS.npy SCORES.npy METRIC PERPLEXITY EPS

Prints a JSON object: CPU seconds of ``fit`` (its compiled loop is warmed up before), PyOD's and
numpy's versions. It imports nothing of Halia's: that Python need not have it.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version


def main() -> None:
    """Fit, and save what came out."""
    import numpy as np
    from pyod.models.sos import SOS

    rows_path, scores_path, metric, perplexity, eps = sys.argv[1:6]
    rows = np.load(rows_path)
    SOS(metric=metric).fit(np.random.default_rng(0).normal(size=(20, rows.shape[1])))
    detector = SOS(metric=metric, perplexity=float(perplexity), eps=float(eps))
    begun = time.process_time()
    detector.fit(rows)
    seconds = time.process_time() - begun
    np.save(scores_path, np.ravel(detector.decision_scores_))
    print(json.dumps({"cpu_s": seconds, "pyod": version("pyod"), "numpy": version("numpy")}))


if __name__ == "__main__":
    main()
