"""Which detectors there are by name: ours, some of scikit-learn's, and those of other packages.

What is made has scikit-learn's ``fit(rows)`` and ``score_samples(rows)``, lower = less usual, and
judges new rows. Another package offers one by an entry point of the group ``halia.detectors`` that
names a class or function; it is called with the options by keyword. Nothing is imported before a
detector is made. Computes only: who asks brings the entry points.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from plugin.errors import OptionError, nearest
from plugin.ml.novelty.foreign import PYOD, Turned, of_pyod, turned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

GROUP = "halia.detectors"
"""Of the entry points."""


class Detector(Protocol):
    """What is asked of a detector."""

    def fit(self, X: ArrayLike, /) -> object:  # noqa: N803 - scikit-learn's name
        """Learn what is usual from (n, columns) rows."""

    def score_samples(self, X: ArrayLike, /) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """(n,) scores of new rows; lower = less usual."""


class Foreign(Protocol):
    """An entry point of the standard library's ``importlib.metadata``."""

    @property
    def name(self) -> str:
        """The detector's name."""

    def load(self) -> Any:
        """Import it."""


class _Known(NamedTuple):
    """Where a detector is found, what it is always given, and whether it takes chance."""

    module: str
    kind: str
    given: Mapping[str, object] = {}
    seeded: bool = False


_OURS = "plugin.ml.novelty.estimators"
_KNOWN: Mapping[str, _Known] = {
    "sos": _Known(_OURS, "StochasticOutlierSelection", {"novelty": True}),
    "knn": _Known(_OURS, "NearestReferences", {"novelty": True}),
    "pca": _Known(_OURS, "PrincipalComponents"),
    "isolation-forest": _Known("sklearn.ensemble", "IsolationForest", seeded=True),
    "local-outlier-factor": _Known("sklearn.neighbors", "LocalOutlierFactor", {"novelty": True}),
    "one-class-svm": _Known("sklearn.svm", "OneClassSVM"),
    "kernel-density": _Known("sklearn.neighbors", "KernelDensity"),
    "gaussian-mixture": _Known("sklearn.mixture", "GaussianMixture", seeded=True),
    "autoencoder": _Known(_OURS, "Autoencoder", seeded=True),
}
ALIASES: Mapping[str, str] = {
    "ocsvm": "one-class-svm",
    "kde": "kernel-density",
    "if": "isolation-forest",
    "iforest": "isolation-forest",
    "ae": "autoencoder",
    "gmm": "gaussian-mixture",
    "lof": "local-outlier-factor",
}
"""Short names, netml's and PyOD's among them, in any case."""


def canonical(name: str, foreign: Iterable[Foreign] = ()) -> str:
    """The name that stands in :func:`names`, for one of any case or a short one.

    Args:
        name: as somebody wrote it. "pyod:" and a class's name is one of PyOD's, known or not.
        foreign: entry points of the group :data:`GROUP`; their names keep their case.

    Raises:
        OptionError: no such name; the nearest is told.
    """
    if name.lower().startswith(PYOD):
        return PYOD + name[len(PYOD) :]
    known = names(foreign)
    folded = name.lower().replace("_", "-")
    found = next((one for one in (name, ALIASES.get(folded, folded)) if one in known), None)
    if found is None:
        raise OptionError(f"no detector is named {name!r}{nearest(name, known)}")
    return found


def names(foreign: Iterable[Foreign] = ()) -> tuple[str, ...]:
    """All names, sorted.

    Args:
        foreign: entry points of the group :data:`GROUP`.
    """
    return tuple(sorted({*_KNOWN, *(one.name for one in foreign)}))


def make(
    name: str,
    options: Mapping[str, object] | None = None,
    *,
    seed: int = 0,
    foreign: Iterable[Foreign] = (),
) -> Detector:
    """A detector, not fitted yet.

    Args:
        name: one of :func:`names`, or a short one (:data:`ALIASES`). Ours and scikit-learn's
            cannot be replaced by foreign ones.
        options: by keyword, those of its class.
        seed: of those that take chance; foreign ones get it where they have ``random_state``.
        foreign: entry points of the group :data:`GROUP`.

    Raises:
        OptionError: no such name, or what was found under it is no detector or takes no such
            options.
    """
    others = {one.name: one for one in foreign}
    name = canonical(name, others.values())
    known = _KNOWN.get(name)
    kind: Any
    given: Mapping[str, object] = {}
    if name.startswith(PYOD):
        kind = of_pyod(name)
    elif known is not None:
        kind = getattr(importlib.import_module(known.module), known.kind)
        given = {**known.given, **({"random_state": seed} if known.seeded else {})}
    else:
        kind = others[name].load()
    try:
        made = turned(kind(**{**(options or {}), **given}))
    except TypeError as error:
        raise OptionError(f"detector {name!r}: {error}") from error
    if not all(callable(getattr(made, part, None)) for part in ("fit", "score_samples")):
        raise OptionError(f"detector {name!r} has no fit or no score_samples")
    inner = made.inner if isinstance(made, Turned) else made
    if known is None and "random_state" in getattr(inner, "get_params", dict)():
        inner.set_params(random_state=seed)
    found: Detector = made
    return found
