"""Detectors of other packages: PyOD's by name, and how any is kept and scored.

What another package fitted has no arrays that we know. So the rows that it was fitted on are kept,
and it is fitted again, by the same options and seed, where the model is to score: a model stays
data, and reading one runs nothing. Some scores of the first fit are kept beside; a fit that
differs from them is refused. Computes only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from plugin.errors import ModelError, OptionError, install_extra
from plugin.ml.novelty.kept.kind import Kept, number, require, shaped

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

PYOD, ENTRY = "pyod:", "foreign:"
"""What names of algorithms begin with: a class of PyOD, and an entry point's name."""
LAYOUT = {"references": ("f8", 2), "probe": ("f8", 1)}
"""``probe``: scores of the first rows of ``references``."""
_PROBES = 32
_SAME = 1e-6
"""Relative: another version of the package may round in another way."""


class Detector(Protocol):
    """scikit-learn's, as :class:`plugin.ml.novelty.registry.Detector`."""

    def fit(self, X: ArrayLike, /) -> object:  # noqa: N803 - scikit-learn's name
        """Learn what is usual."""

    def score_samples(self, X: ArrayLike, /) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """(n,) lower = less usual."""


class Turned:
    """A detector of PyOD's manner, whose scores are larger for what is less usual, as ours.

    Args:
        inner: with ``fit`` and ``decision_function``.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def fit(self, X: ArrayLike, /) -> Turned:  # noqa: N803 - scikit-learn's name
        """Learn what is usual."""
        self.inner.fit(X)
        return self

    def score_samples(self, X: ArrayLike, /) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """(n,) lower = less usual."""
        return -np.asarray(self.inner.decision_function(X), np.float64)


def is_foreign(algorithm: str) -> bool:
    """Whether an algorithm's name is another package's."""
    return algorithm.startswith((PYOD, ENTRY))


def of_pyod(name: str) -> Any:
    """A class of PyOD.

    Args:
        name: "pyod:" and the class's name, in any case: "pyod:ECOD". It is looked for in PyOD's
            module of that name.

    Raises:
        OptionError: PyOD is not installed, or has no such detector.
    """
    plain = name.removeprefix(PYOD).lower()
    if not plain.isidentifier():
        raise OptionError(f"{name!r} names no detector of PyOD")
    try:
        importlib.import_module("pyod.models")
    except ImportError as error:
        raise OptionError(f"{name} needs PyOD", advice=install_extra("pyod")) from error
    try:
        module = importlib.import_module(f"pyod.models.{plain}")
    except ImportError as error:
        raise OptionError(f"PyOD offers no {name.removeprefix(PYOD)!r} here: {error}") from error
    found = next((kind for key, kind in vars(module).items() if key.lower() == plain), None)
    if not isinstance(found, type):
        raise OptionError(f"PyOD has no detector {name.removeprefix(PYOD)!r}")
    return found


def turned(made: Any) -> Any:
    """What was made; if it is PyOD's, with its scores turned."""
    of = {base.__module__.partition(".")[0] for base in type(made).__mro__}
    if "pyod" in of and callable(getattr(made, "decision_function", None)):
        return Turned(made)
    return made


def keep(detector: Detector, rows: Floats, seed: int) -> Kept:
    """What is kept of a fit on these rows."""
    return Kept({"seed": seed}, {"references": rows, "probe": scores(detector, rows[:_PROBES])})


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    n = len(kept.arrays["references"])
    number(kept, "seed", 0, 2**53)
    shaped(kept, {"references": (n, n_columns), "probe": (min(n, _PROBES),)})
    require(n > 1, "a single reference")


def again(detector: Detector, kept: Kept, algorithm: str) -> Detector:
    """Fit a new detector as the one that was kept.

    Raises:
        ModelError: it scores otherwise, or does not take the rows any more.
    """
    rows, probe = kept.arrays["references"], kept.arrays["probe"]
    try:
        detector.fit(rows)
        found = scores(detector, rows[: len(probe)])
    except (ValueError, TypeError) as error:
        said = " ".join(str(error).split())
        raise ModelError(
            f"{algorithm} cannot be fitted again here: {said}",
            advice="install the version it was learned with, or learn it again",
        ) from error
    if not np.allclose(found, probe, rtol=_SAME, atol=_SAME * float(np.abs(probe).max())):
        raise ModelError(
            f"{algorithm} scores otherwise here than where the model was learned",
            advice="install the version it was learned with, or learn it again",
        )
    return detector


def scores(detector: Detector, rows: Floats) -> Floats:
    """(n,) larger = less usual."""
    if not len(rows):
        return np.empty(0)
    return np.asarray(-np.asarray(detector.score_samples(rows), np.float64).reshape(len(rows)))
