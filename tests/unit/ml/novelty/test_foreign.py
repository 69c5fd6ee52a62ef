from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from plugin.errors import ModelError, OptionError
from plugin.ml.novelty import foreign
from plugin.ml.novelty.fitted import fit, load, ready
from plugin.ml.novelty.registry import canonical, make


class Entry:
    name = "farther"

    def load(self) -> Any:
        return Farther


class Farther:
    """The distance to the mean, times a factor; lower = less usual, as scikit-learn's."""

    factor = 1.0

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def fit(self, rows: Any) -> None:
        self.centre = np.mean(rows, axis=0)

    def score_samples(self, rows: Any) -> Any:
        far = np.abs(np.asarray(rows) - self.centre).sum(axis=1)
        return -self.factor * far**self.power


class Higher:
    """A detector as PyOD's."""

    def __init__(self, contamination: float = 0.1) -> None:
        self.contamination, self.random_state = contamination, 0

    def get_params(self) -> dict[str, Any]:
        return {"random_state": self.random_state}

    def set_params(self, random_state: int) -> None:
        self.random_state = random_state

    def fit(self, rows: Any) -> None:
        self.centre = np.mean(rows, axis=0)

    def decision_function(self, rows: Any) -> Any:
        return np.abs(np.asarray(rows) - self.centre).sum(axis=1)


@pytest.fixture
def pyod(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of PyOD's name and form."""
    kind = type("HBOS", (Higher,), {"__module__": "pyod.models.hbos"})
    modules: dict[str, Any] = {"pyod": {}, "pyod.models": {}, "pyod.models.hbos": {"HBOS": kind}}
    for name, content in {**modules, "pyod.models.odd": {}}.items():
        module = ModuleType(name)
        module.__path__ = []
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)


def rows(n: int = 60, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 3))


def test_a_detector_of_pyod_scores_as_ours(pyod: None) -> None:  # noqa: ARG001 - a fixture
    assert canonical("PyOD:HBOS") == "pyod:HBOS"
    scorer = fit("pyod:hbos", {"contamination": 0.2}, rows(), 7)
    found = scorer.score(np.vstack([rows(5, 2), [[9, 9, 9]]]))
    assert found.argmax() == 5
    assert found[5] == pytest.approx(np.abs([9, 9, 9] - rows().mean(axis=0)).sum())
    made: Any = make("pyod:HBOS", seed=7)
    assert made.inner.random_state == 7
    assert scorer.reasons([0.0, 50.0, 0.0], list("abc"))[0].name == "b"


def test_what_is_kept_runs_nothing_until_it_is_made_ready(pyod: None) -> None:  # noqa: ARG001 - a fixture
    scorer = fit("pyod:hbos", {}, rows(), 7)
    back = load(scorer.document(), scorer.arrays())
    with pytest.raises(ModelError, match="was not fitted again"):
        back.score(rows())
    assert np.array_equal(ready(back).score(rows(9, 2)), scorer.score(rows(9, 2)))
    assert ready(scorer) is scorer


def test_an_entry_point_is_named_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = fit("farther", {"power": 2.0, "references": 40}, rows(), 1, [Entry()])
    assert scorer.algorithm == "foreign:farther"
    assert scorer.kept.arrays["references"].shape == (40, 3)
    back = load(scorer.document(), scorer.arrays())
    again = ready(back, [Entry()])
    assert np.array_equal(again.score(rows(9, 2)), scorer.score(rows(9, 2)))
    assert fit(scorer.algorithm, {}, rows(), 1, [Entry()]).algorithm == scorer.algorithm
    with pytest.raises(OptionError, match="no detector is named 'farther'"):
        ready(back)
    monkeypatch.setattr(Farther, "factor", 1.1)
    with pytest.raises(ModelError, match="scores otherwise here"):
        ready(back, [Entry()])

    def refuses(*_: object) -> None:
        raise ValueError("takes\nno such rows")

    with monkeypatch.context() as patched:
        patched.setattr(Farther, "score_samples", refuses)
        with pytest.raises(ModelError, match="foreign:farther does not score these rows: takes no"):
            again.score(rows(9, 2))
    monkeypatch.setattr(Farther, "fit", refuses)
    with pytest.raises(ModelError, match=r"cannot be fitted again here: takes no such rows; "):
        ready(back, [Entry()])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pyod:none", "PyOD offers no 'none'"),
        ("pyod:odd", "PyOD has no detector 'odd'"),
        ("pyod:../x", "names no detector of PyOD"),
        ("pyod:", "names no detector of PyOD"),
    ],
)
def test_what_pyod_has_not(pyod: None, name: str, reason: str) -> None:  # noqa: ARG001 - a fixture
    with pytest.raises(OptionError, match=reason):
        make(name)


def test_without_pyod_its_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyod", None)
    monkeypatch.delitem(sys.modules, "pyod.models", raising=False)
    with pytest.raises(OptionError, match=r"needs PyOD; pip install 'halia\[pyod\]'"):
        fit("pyod:ECOD", {}, rows())


def test_options_and_arrays_are_checked(pyod: None) -> None:  # noqa: ARG001 - a fixture
    with pytest.raises(OptionError, match="contamination is no number"):
        fit("pyod:hbos", {"contamination": [1]}, rows())
    with pytest.raises(OptionError, match="'nu'"):
        fit("pyod:hbos", {"nu": 1}, rows())
    scorer = fit("pyod:hbos", {}, rows())
    for change in ({"probe": np.zeros(3)}, {"references": np.zeros((60, 2))}):
        with pytest.raises(ValueError, match="has shape"):
            load(scorer.document(), scorer.arrays() | change)
    alone = {"references": np.zeros((1, 3)), "probe": np.zeros(1)}
    with pytest.raises(ValueError, match="a single reference"):
        load(scorer.document(), scorer.arrays() | alone)
    assert foreign.scores(make("knn"), np.empty((0, 3))).shape == (0,)


def test_what_pyod_itself_finds() -> None:
    pytest.importorskip("pyod", reason="the extra pyod is not installed")
    far = np.vstack([rows(20, 2), [[9, 9, 9]]])
    for name in ("pyod:ECOD", "pyod:HBOS", "pyod:IForest"):
        scorer = fit(name, {}, rows(), 3)
        assert scorer.score(far).argmax() == 20
        back = ready(load(scorer.document(), scorer.arrays()))
        assert np.allclose(back.score(far), scorer.score(far))
