"""``MODEL``: trains and tests a detector, and keeps what the test found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.errors import InputError, OptionError
from plugin.ml.roc import curve
from plugin.netml.detector import Detector
from plugin.netml.timed import Timed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

METRICS = ("auc", "ap")


class MODEL:
    """A detector with its training and its test.

    Attributes:
        model: the detector.
        score: after ``test``: the area under the ROC curve, or the average precision.
        history: the same by name, for ``dump_data``.
        train, test: the steps; each has ``tot_time``, minutes.
    """

    def __init__(
        self,
        model: Any,
        *,
        score_metric: str = "auc",
        verbose: int = 1,
        random_state: int = 42,
    ) -> None:
        """Take a detector.

        Args:
            model: one of this package, or any of scikit-learn's or PyOD's kind.
            score_metric: ``auc``, or ``ap`` for the average precision.
            verbose: nothing is printed, whatever it is.
            random_state: kept; a detector has its own.

        Raises:
            OptionError: no such metric.
        """
        if score_metric not in METRICS:
            raise OptionError(f"there is no metric {score_metric!r}: {' and '.join(METRICS)} are")
        self.model = model
        self.model_name = getattr(model, "name", "") or type(model).__name__
        self.score_metric = score_metric
        self.verbose = verbose
        self.random_state = random_state
        self.score: float | None = None
        self.history: dict[str, Any] = {}
        self.train = Timed(self._train)
        self.test = Timed(self._test)

    def _train(self, X_train: ArrayLike, y_train: object = None) -> None:  # noqa: ARG002, N803 # scikit-learn's name
        """Learn what is usual; labels are not looked at.

        Raises:
            OptionError: an argument of the detector is out of its range.
            ValueError: the rows are no finite numbers.
        """
        self.model.fit(X_train)

    def _test(self, X_test: ArrayLike, y_test: ArrayLike) -> None:  # noqa: N803 # scikit-learn's name
        """Score rows and hold the scores against their labels.

        Args:
            X_test: (n, columns).
            y_test: (n,) 0 normal, 1 abnormal.

        Raises:
            InputError: there are no labels, or all rows are of one kind.
        """
        if y_test is None:
            raise InputError("there are no labels to test with", advice="call label_flows() first")
        found = curve(y_test, self._scores(X_test))
        if found is None:
            raise InputError("a test needs normal and abnormal rows, and there is one kind only")
        self.score = found.auc if self.score_metric == "auc" else found.average_precision
        self.history = {
            "score_metric": self.score_metric,
            "score": self.score,
            "tested": len(np.asarray(y_test)),
            "abnormal": int((np.asarray(y_test) == 1).sum()),
        }

    def _scores(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Higher = more abnormal, whoever made the detector."""
        if not isinstance(self.model, Detector) and hasattr(self.model, "score_samples"):
            return -np.asarray(self.model.score_samples(rows), np.float64)  # scikit-learn's
        return np.asarray(self.model.decision_function(rows), np.float64)  # ours and PyOD's
