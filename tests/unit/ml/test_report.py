from __future__ import annotations

import dataclasses
import sys
from typing import Any

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
    rows = [
        report.Ranked("d1", {"a": 0.9, "b": 0.1, "e": 0.001}, "a", "known, right", good=True),
        report.Ranked("d2", {"c": 0.6}, "d", "unknown, guess wrong", good=None),
    ]
    assert report.ranking_png(rows, "title").startswith(PNG)


def test_the_ranking_has_columns_of_what_was_named_the_truths_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[report.Cells] = []
    plain = report._heat_map

    def watch(cells: report.Cells, title: str, names: tuple[str, str]) -> tuple[Any, Any, Any]:
        drawn.append(cells)
        return plain(cells, title, names)

    monkeypatch.setattr(report, "_heat_map", watch)
    rows = [
        report.Ranked("d1", {"z": 0.9, "b": 0.1, "e": 0.001}, "z", "", good=True),
        report.Ranked("d2", {"c": 0.6}, "d", "", good=False),
    ]
    report.ranking_png(rows, "title")
    assert drawn[0].columns == ["z", "d", "b", "c"]
    assert drawn[0].texts == [["0.90", "", "0.10", ""], ["", "", "", "0.60"]]


def test_no_answer_has_a_column_only_where_there_was_none(
    evaluation: evaluate.Evaluation,
) -> None:
    assert "no answer" in report.page([evaluation])
    answered = tuple((*row[:-1], 0) for row in evaluation.confusion)
    page = report.page([dataclasses.replace(evaluation, confusion=answered)])
    assert "no answer" not in page
    assert page.count("<td style") == 4


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
    assert 'alt="Confusion matrix: 2 of 4 on the diagonal' in page
    assert '<table class="matrix">' in page  # for who cannot see it


def test_where_the_figures_come_from_is_told(evaluation: evaluate.Evaluation) -> None:
    page = report.page([evaluation], facts={"command": "halia evaluate <m>"})
    assert "<td>command</td><td>halia evaluate &lt;m&gt;</td>" in page
    assert "(2 of 4)" in page


def test_notes_are_shown(evaluation: evaluate.Evaluation) -> None:
    page = report.page([dataclasses.replace(evaluation, notes=("seen in training",))])
    assert "seen in training" in page


def with_names(names: list[str]) -> evaluate.Evaluation:
    y = np.array([0, 0, 1, 1])
    confidences = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0, 0]])
    context = evaluate.Context("t", "5-fold", list("wxyz"), 0.5, names=names)
    known = np.array([True, False, True, False])
    return evaluate.evaluation(["a & b", "c"], y, confidences, known, context)


def test_a_page_has_curves_and_mistakes_where_captures_have_names() -> None:
    text = report.page([with_names(["one", "<two>", "three", "four"])])
    assert text.count("<svg") == 2
    assert "Expected calibration error" in text
    assert "<p>2 of 4 captures, the surest first.</p>" in text
    assert "&lt;two&gt;" in text
    assert "<td>c 0.80, a &amp; b 0.20</td>" in text
    assert "the truth is second, 0.60 behind" in text
    assert "no answer" in text


def test_a_page_without_names_has_neither(evaluation: evaluate.Evaluation) -> None:
    text = report.page([evaluation])
    assert "<svg" not in text
    assert "Mistakes" not in text


def test_a_test_without_mistakes_says_so() -> None:
    context = evaluate.Context("t", "s", ["g"], 1.0, names=["one"])
    right = evaluate.evaluation(
        ["a", "b"], np.array([0]), np.array([[0.9, 0.1]]), np.array([True]), context
    )
    assert "<h3>Mistakes</h3><p>None.</p>" in report.page([right])
