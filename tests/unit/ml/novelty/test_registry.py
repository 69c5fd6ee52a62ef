from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest

from plugin.errors import OptionError
from plugin.ml.novelty import registry
from plugin.ml.novelty.registry import canonical, make, names


class Entry(NamedTuple):
    name: str
    kind: Any

    def load(self) -> Any:
        return self.kind


class Farther:
    """The distance to the mean, times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor, self.state = factor, -1

    def fit(self, rows: Any, /) -> None:
        self.centre = np.mean(rows, axis=0)

    def score_samples(self, rows: Any, /) -> Any:
        return -self.factor * np.abs(np.asarray(rows) - self.centre).sum(axis=1)


class Seeded(Farther):
    def get_params(self) -> dict[str, Any]:
        return {"random_state": self.state}

    def set_params(self, random_state: int) -> None:
        self.state = random_state


@pytest.mark.parametrize("name", names())
def test_every_detector_calls_a_far_row_less_usual_than_the_others(name: str) -> None:
    rows = np.random.default_rng(1).normal(size=(60, 3))
    detector = make(name)
    detector.fit(rows)
    found = detector.score_samples(np.vstack([rows[:20] + 0.01, [[9, 9, 9]]]))
    assert found.shape == (21,)
    assert found.argmin() == 20


def test_those_that_take_chance_are_seeded() -> None:
    rows = np.random.default_rng(1).normal(size=(60, 3))

    def scored(seed: int) -> Any:
        detector = make("isolation-forest", {"n_estimators": 5}, seed=seed)
        detector.fit(rows)
        return detector.score_samples(rows).tolist()

    assert scored(1) == scored(1)
    assert scored(1) != scored(2)


def test_options_are_those_of_the_class() -> None:
    detector: Any = make("knn", {"n_neighbors": 2, "mean": True})
    assert (detector.n_neighbors, detector.mean, detector.novelty) == (2, True, True)
    with pytest.raises(OptionError, match=r"'knn'.*perplexity"):
        make("knn", {"perplexity": 3})


def test_a_foreign_detector() -> None:
    entries = [Entry("farther", Farther), Entry("sos", Farther), Entry("seeded", Seeded)]
    assert set(names(entries)) == {*names(), "farther", "seeded"}
    detector: Any = make("farther", {"factor": 2.0}, foreign=entries, seed=7)
    assert (type(detector), detector.factor, detector.state) == (Farther, 2.0, -1)
    assert type(make("sos", foreign=entries)).__name__ == "StochasticOutlierSelection"
    seeded: Any = make("seeded", foreign=iter(entries), seed=7)
    assert seeded.state == 7


@pytest.mark.parametrize("kind", [dict, lambda: None, lambda: Entry("fit", 1)])
def test_what_is_no_detector(kind: Any) -> None:
    with pytest.raises(OptionError, match="'odd' has no fit or no score_samples"):
        make("odd", foreign=[Entry("odd", kind)])


def test_an_unknown_name() -> None:
    with pytest.raises(OptionError, match="'soss'; did you mean 'sos'"):
        make("soss")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("OCSVM", "one-class-svm"),
        ("ocsvm", "one-class-svm"),
        ("KDE", "kernel-density"),
        ("If", "isolation-forest"),
        ("IForest", "isolation-forest"),
        ("AE", "autoencoder"),
        ("GMM", "gaussian-mixture"),
        ("PCA", "pca"),
        ("SOS", "sos"),
        ("KNN", "knn"),
        ("LOF", "local-outlier-factor"),
        ("One_Class_SVM", "one-class-svm"),
    ],
)
def test_short_names_in_any_case(written: str, name: str) -> None:
    assert canonical(written) == name
    assert type(make(written)) is type(make(name))


def test_foreign_names_keep_their_case() -> None:
    entries = [Entry("Farther", Farther), Entry("ocsvm", Farther)]
    assert canonical("Farther", entries) == "Farther"
    assert canonical("ocsvm", entries) == "ocsvm"
    with pytest.raises(OptionError, match="'farther'; did you mean"):
        canonical("farther", entries)


def test_nothing_is_imported_before_a_detector_is_made() -> None:
    code = (
        "import sys; from plugin.ml.novelty import registry, sos, knn, pca, conformal; "
        "registry.names(); assert not {'sklearn', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert registry.GROUP == "halia.detectors"
