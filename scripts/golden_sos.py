"""Write tests/golden/sos.json: small tables, and PyOD's stochastic outlier selection of each.

Usage: python scripts/golden_sos.py PYTHON   (a Python that has PyOD)

The tables are seeded; their numbers stand in the file, with as many digits as a number has, so the
tests need neither PyOD nor the same generator. PyOD runs at a tolerance of 1e-13, with its own
Euclidean distance (by products of rows) and with scipy's distances and squared distances.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "tests" / "golden" / "sos.json"
EPS = 1e-13
METRICS = ("euclidean", "minkowski", "sqeuclidean")


def tables() -> dict[str, NDArray[np.float64]]:
    """Tables without equal rows: there PyOD's answers are no limits, but where it gave up."""
    import numpy as np

    random = np.random.default_rng(2012)
    cloud = random.normal(size=(60, 3))
    far = np.vstack([random.normal(size=(50, 5)), random.normal(8, 0.3, (3, 5)), [[-20.0] * 5]])
    groups = np.vstack([random.normal(c, 0.5, (20, 2)) for c in ((0, 0), (5, 5), (0, 9))])
    heavy = random.standard_t(1.5, size=(50, 4))
    return {
        "cloud": cloud,
        "far rows": far,
        "three groups": groups,
        "heavy tails": heavy,
        "few rows": random.normal(size=(8, 2)),
        "counts": random.permutation(400)[:120].reshape(40, 3) * 1.0,
        "other units": cloud * [1e-6, 1.0, 1e6],
    }


def written(document: dict[str, Any]) -> str:
    """JSON with a line a table and a line a case."""
    lines = [f"{json.dumps(k)}: {json.dumps(document[k])}" for k in ("made by", "eps")]
    tables = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in document["tables"].items()]
    lines.append('"tables": {\n' + ",\n".join(tables) + "\n}")
    lines.append('"cases": [\n' + ",\n".join(map(json.dumps, document["cases"])) + "\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Ask PyOD, and write the file."""
    sys.path.insert(0, str(ROOT))
    from bench.sos import their_scores

    cases, versions = [], ""
    for name, rows in tables().items():
        for metric in METRICS:
            for perplexity in (1.5, 4.5) if len(rows) < 10 else (2.0, 4.5, 20.0):  # noqa: PLR2004 - few
                found = their_scores(
                    sys.argv[1], rows, metric=metric, perplexity=perplexity, eps=EPS
                )
                if isinstance(found, str):
                    raise SystemExit(found)
                versions = found.versions
                case = {"table": name, "metric": metric, "perplexity": perplexity}
                cases.append(case | {"scores": found.scores.tolist()})
    document = {
        "made by": f"scripts/golden_sos.py; {versions}",
        "eps": EPS,
        "tables": {name: rows.tolist() for name, rows in tables().items()},
        "cases": cases,
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(written(document), encoding="utf-8")
    sys.stdout.write(f"{FILE.relative_to(ROOT)}: {len(cases)} cases, {versions}\n")


if __name__ == "__main__":
    main()
