"""Isolation forest: how few random cuts set a row apart from the others.

F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation Forest", ICDM 2008: 2 ** (-mean path / c(samples)),
where a path that ends among n rows is c(n) longer. Trees are grown by scikit-learn; all nodes of
all trees stand in one table here. Numbers are compared as float32, as scikit-learn does.
Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.novelty.kept.kind import Kept, number, require
from plugin.ml.novelty.registry import make

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {
    "feature": ("i4", 1),
    "cut": ("f8", 1),
    "left": ("i4", 1),
    "right": ("i4", 1),
    "path": ("f8", 1),
    "roots": ("i4", 1),
}
"""``feature``: -1 in leaves; ``path``: a leaf's whole length; ``roots``: a tree's first node."""
_PATHS = 1 << 16
"""Rows times trees that are walked at once."""
TREES_MAX = 100_000
_PAIR, _PATH_MAX = 2, 1e6


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:
    """Grow the trees.

    Raises:
        ValueError: options out of range.
    """
    forest: Any = make("isolation-forest", options, seed=seed)
    forest.fit(rows)
    found = zip(forest.estimators_, forest.estimators_features_, strict=True)
    tables = [_table(tree.tree_, columns) for tree, columns in found]
    roots = np.cumsum([0, *(len(table["cut"]) for table in tables)])[:-1]
    for table, root in zip(tables, roots.tolist(), strict=True):
        for side in ("left", "right"):
            table[side] = np.where(table[side] < 0, -1, table[side] + root).astype(np.int32)
    arrays = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    mean = float(average_path(np.array([int(forest.max_samples_)]))[0])
    return Kept({"mean": mean}, arrays | {"roots": roots.astype(np.int32)})


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    number(kept, "mean", 0.0, _PATH_MAX)
    arrays = kept.arrays
    feature, roots, n = arrays["feature"], arrays["roots"], len(arrays["feature"])
    alike = all(len(arrays[name]) == n for name in ("cut", "left", "right", "path"))
    require(alike, "the arrays of the trees differ in length")
    known = bool(((feature >= -1) & (feature < n_columns)).all())
    require(known, "a tree looks at a column that is not there")
    inner = feature >= 0
    places = np.arange(n)[inner]
    for child in (arrays["left"][inner], arrays["right"][inner]):
        # Children after their parent: every path ends, no cycle is possible.
        require(bool(((child > places) & (child < n)).all()), "a tree's child is out of place")
    require(bool(((roots >= 0) & (roots < n)).all()), "a tree has no root")
    # Each tree is walked for each row: no more than there are nodes, and no boundless number.
    require(bool((np.diff(roots) > 0).all()), "two trees have one root")
    require(len(roots) <= TREES_MAX, f"more than {TREES_MAX} trees")
    path = arrays["path"]
    require(bool(((path >= 0) & (path <= _PATH_MAX)).all()), "the length of a path is out of range")


def score(kept: Kept, rows: Floats) -> Floats:
    """2 ** (-mean path / mean path of so many rows); 1/2 where rows are usual, towards 1 not."""
    feature, roots = kept.arrays["feature"], kept.arrays["roots"]
    lengths = np.empty(len(rows))
    at_once = max(1, _PATHS // len(roots))
    for first in range(0, len(rows), at_once):
        part = slice(first, first + at_once)
        with np.errstate(over="ignore"):  # a number beyond float32 is beyond every cut
            some = rows[part].astype(np.float32)
        ends = _ends(kept, some, np.broadcast_to(roots, (len(some), len(roots))).copy(), feature)
        lengths[part] = kept.arrays["path"][ends].sum(axis=1)
    whole = float(kept.numbers["mean"]) * len(roots)
    return np.asarray(np.exp2(-lengths / whole)) if whole else np.full(len(rows), 0.5)


def average_path(n: NDArray[np.integer[Any]]) -> Floats:
    """c(n): mean length of an unsuccessful search among n rows (their equation 1)."""
    many = np.maximum(n, _PAIR + 1).astype(np.float64)
    found = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(n > _PAIR, found, np.where(n == _PAIR, 1.0, 0.0))


def _ends(
    kept: Kept, rows: NDArray[np.float32], nodes: NDArray[np.int32], feature: NDArray[np.int32]
) -> NDArray[np.int32]:
    """(rows, trees) the leaf of each row in each tree."""
    flat, width = nodes.reshape(-1), nodes.shape[1]
    cut, left, right = (kept.arrays[name] for name in ("cut", "left", "right"))
    walking = np.flatnonzero(feature[flat] >= 0)
    while len(walking):
        at = flat[walking]
        below = rows[walking // width, feature[at]] <= cut[at]
        flat[walking] = np.where(below, left[at], right[at])
        walking = walking[feature[flat[walking]] >= 0]
    return nodes


def _table(tree: Any, columns: NDArray[np.integer[Any]]) -> dict[str, NDArray[Any]]:
    """The nodes of one of scikit-learn's trees, which may have seen some columns only."""
    left, right = tree.children_left, tree.children_right
    depth = np.zeros(len(left))
    for node in np.flatnonzero(left >= 0).tolist():  # parents come before their children
        depth[[left[node], right[node]]] = depth[node] + 1
    leaf = left < 0
    return {
        "feature": np.where(leaf, -1, columns[np.maximum(tree.feature, 0)]).astype(np.int32),
        "cut": tree.threshold.astype(np.float64),
        "left": left.astype(np.int32),
        "right": right.astype(np.int32),
        "path": np.where(leaf, depth + average_path(tree.n_node_samples), 0.0),
    }
