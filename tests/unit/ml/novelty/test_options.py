from __future__ import annotations

import inspect
from typing import Any

import pytest

from plugin.errors import OptionError
from plugin.ml.novelty import options
from plugin.ml.novelty.fitted import KINDS
from plugin.ml.novelty.options import ALGORITHMS, complete, describe
from plugin.ml.novelty.registry import ALIASES, canonical, make


def test_every_algorithm_that_can_be_kept_is_described_once() -> None:
    names = [one.name for one in ALGORITHMS]
    assert sorted(names) == sorted(KINDS)
    for one in ALGORITHMS:
        assert canonical(one.short) == one.name
        assert describe(one.name) is one
        assert one.meaning
        listed = [option.name for option in one.options]
        assert len(set(listed)) == len(listed)
        assert all(option.meaning for option in one.options)
    assert set(ALIASES.values()) <= set(names)


@pytest.mark.parametrize("name", ["isolation-forest", "gaussian-mixture", "autoencoder"])
def test_defaults_are_those_of_the_class_that_fits(name: str) -> None:
    made: Any = make(name)
    ours = {k: v for k, v in complete(name, {}).items() if k not in {"scale", "references"}}
    taken = {k: p.default for k, p in inspect.signature(type(made).__init__).parameters.items()}
    assert ours == {key: taken[key] for key in ours}


def test_what_netml_says_without_a_word_is_said_here() -> None:
    assert complete("one-class-svm", {})["nu"] == 0.5
    assert complete("one-class-svm", {})["gamma"] == "scale"
    assert complete("kernel-density", {})["bandwidth"] == 1.0
    assert complete("gaussian-mixture", {})["n_components"] == 1
    assert complete("isolation-forest", {})["n_estimators"] == 100
    scaled = {one.name for one in ALGORITHMS if complete(one.name, {})["scale"]}
    assert scaled == {"pca", "autoencoder"}


def test_given_ones_replace_defaults() -> None:
    assert complete("knn", {"n_neighbors": 2, "scale": True}) == {
        "n_neighbors": 2,
        "mean": False,
        "city": False,
        "scale": True,
        "references": options.REFERENCES,
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"nuu": 0.1}, "has no option 'nuu'; did you mean 'nu'"),
        ({"nu": [0.1]}, "nu is no number and no word"),
        ({"scale": 1}, "scale is not true or false"),
    ],
)
def test_wrong_options(given: Any, reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        complete("one-class-svm", given)


def test_an_unknown_algorithm() -> None:
    with pytest.raises(OptionError, match="'oracle'; known: autoencoder"):
        describe("oracle")
