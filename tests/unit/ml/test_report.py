from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from plugin.errors import OptionError
from plugin.ml import evaluate, report

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def evaluation() -> evaluate.Evaluation:
    y = np.array([0, 0, 1, 1])
    confidences = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0, 0]])
    context = evaluate.Context("<b>title</b>", "5-fold", list("wxyz"), 0.5, 0.4)
    return evaluate.evaluation(
        ["a & b", "c"], y, confidences, np.array([True, False, True, False]), context
    )


def test_the_confusion_picture_is_a_png(evaluation: evaluate.Evaluation) -> None:
    assert report.confusion_png(evaluation).startswith(PNG)


def test_the_ranking_picture_is_a_png() -> None:
    picture = report.ranking_png(["d1", "d2"], [{"a": 0.9, "b": 0.1}, {"c": 0.6}], "title")
    assert picture.startswith(PNG)


def test_without_matplotlib_it_says_what_to_install(
    evaluation: evaluate.Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptionError, match=r"halia\[plot\]"):
        report.confusion_png(evaluation)


def test_the_page_stands_alone_and_escapes(evaluation: evaluate.Evaluation) -> None:
    page = report.page([evaluation])
    assert "&lt;b&gt;title" in page
    assert "a &amp; b" in page
    assert "<b>" not in page
    for word in ("http:", "https:", "<script", "src=", "@import"):
        assert word not in page
    for figure in (str(evaluation.accuracy), "0.500", "0.400", "majority", "permuted"):
        assert figure in page


def test_the_picture_is_inside_the_page(evaluation: evaluate.Evaluation) -> None:
    page = report.page([evaluation], [PNG + b"x"])
    assert 'src="data:image/png;base64,iVBORw0KGgp4' in page


def test_notes_are_shown(evaluation: evaluate.Evaluation) -> None:
    page = report.page([dataclasses.replace(evaluation, notes=("seen in training",))])
    assert "seen in training" in page
