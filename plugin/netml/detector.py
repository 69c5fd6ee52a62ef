"""What netml's detectors have in common: scikit-learn estimators with Halia's fits and scores.

Of each: ``fit(rows)``, ``decision_function(rows)`` (higher = more abnormal, as netml's), and
``predict(rows)``: 1 normal, -1 abnormal, for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from plugin.errors import InputError, OptionError
from plugin.ml.flow_model import ALARMS, FlowModel, Training, learn
from plugin.netml.rows import fitting, otherwise, spec_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from plugin.flows.spec import Spec


IDLE = frozenset({"random_state", "verbose", "contamination"})
"""Arguments that are not options of a fit."""


class Detector(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What all have in common.

    Attributes:
        name: what ``MODEL`` calls it.
        model_: after ``fit``: a :class:`plugin.ml.flow_model.FlowModel`.
        spec_: after ``fit``: how the rows were made, or None.
        threshold_: a row that scores above it is abnormal.
    """

    _algorithm: ClassVar[str] = ""
    _idle: ClassVar[frozenset[str]] = IDLE
    name: str = ""

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Learn what is usual.

        Args:
            X: (n, columns).
            y: not looked at.

        Raises:
            OptionError: an argument out of its range.
            ValueError: the rows are no finite numbers.
        """
        spec = spec_of(X)
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        options = {k: v for k, v in self.get_params(deep=False).items() if k not in self._idle}
        how = Training(
            algorithm=self._algorithm,
            options=self._options(options),
            seed=getattr(self, "random_state", None) or 0,
            alarms=getattr(self, "contamination", ALARMS),
            name=self.name or type(self).__name__,
        )
        document = {} if spec is None else spec.document()
        self.model_: FlowModel = learn(rows, document, how)
        self.spec_: Spec | None = spec
        self.threshold_ = self.model_.manifest.threshold
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803 # scikit-learn's name
        """(n,) how unusual rows are: higher = more abnormal, as netml has it.

        Features that were made otherwise than those learned are made again of their flows.

        Raises:
            InputError: there are no flows to make them of, or the rows are not as wide.
        """
        check_is_fitted(self, "model_")
        rows = fitting(X, self.spec_)
        learned = self.model_.manifest.columns
        if spec_of(X) is not None and rows.shape[1:] != (learned,):
            raise InputError(
                f"{rows.shape[-1]} columns, and the model was learned from {learned}",
                advice="make them with flow2features(like=model.spec_)",
            )
        if differs := otherwise(spec_of(rows), self.spec_):
            raise InputError(
                f"the rows were made otherwise than those that were learned: {differs}",
                advice="make them with flow2features(like=model.spec_)",
            )
        checked = validate_data(self, rows, dtype=np.float64, reset=False)
        return self.model_.score(checked)

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803 # scikit-learn's name
        """(n,) scikit-learn's: lower = more abnormal."""
        return -self.decision_function(X)

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:  # noqa: N803 # scikit-learn's name
        """(n,) 1 for normal rows, -1 for abnormal ones."""
        scores = self.decision_function(X)
        return np.where(scores > self.threshold_, -1, 1).astype(np.int64)

    def fit_predict(self, X: ArrayLike, y: object = None) -> NDArray[np.int64]:  # noqa: N803 # scikit-learn's name
        """Learn what is usual, and say which of these rows are not."""
        return self.fit(X, y).predict(X)

    @classmethod
    def is_for(cls, algorithm: str) -> bool:
        """Whether it is the class of an algorithm, by its canonical name."""
        return cls._algorithm == algorithm

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Arguments as options of the fit."""
        return given


class Loaded(Detector):
    """A detector of another name, from a model that was kept."""

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002, N803 # scikit-learn's name
        """Refuse: what it was made with is not known here.

        Raises:
            OptionError: always.
        """
        raise OptionError(
            "this detector can only score",
            where=self.name,
            advice="learn another with 'halia learn --algorithm'",
        )
